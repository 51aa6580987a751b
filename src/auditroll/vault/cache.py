"""Pseudonyms in memory, so that ingestion asks the database once per person and day."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["MAX_ENTRIES", "Cache", "View"]

# About 300 octets each: 300 MB at most, for both generations.
MAX_ENTRIES = 500_000

_Generation = dict[tuple[str, str], dict[str, str]]


class View(NamedTuple):
    """The known pseudonyms of one tenant and namespace: ask `young`, then `old`."""

    young: Mapping[str, str]
    old: Mapping[str, str]

    def get(self, lookup: str) -> str | None:
        """Return the pseudonym of a lookup in lower-case hex, or None."""
        return self.young.get(lookup) or self.old.get(lookup)


class Cache:
    """Two generations of lookups, bounded by their total number.

    For the event loop's thread. It is filled for one day and empty on the next: the first use of a
    mapping on a day reaches the database, which notes the day durably.

    Args:
        limit: Entries a generation holds before the older one is dropped.
    """

    def __init__(self, limit: int = MAX_ENTRIES) -> None:
        self._limit = limit
        self._young: _Generation = {}
        self._old: _Generation = {}
        self._size = 0
        self._day = 0

    def view(self, tenant: str, namespace: str, day: int) -> View:
        """Return what is known on `day`; hold it for one step only, never across an await."""
        if day != self._day:
            return View({}, {})
        key = (tenant, namespace)
        return View(self._young.get(key, {}), self._old.get(key, {}))

    def put(self, tenant: str, namespace: str, day: int, lookup: str, pseudonym: str) -> None:
        """Remember a mapping whose use on `day` is durable."""
        if day != self._day:
            if day < self._day:
                return
            self._day, self._young, self._old, self._size = day, {}, {}, 0
        if self._size >= self._limit:
            self._old, self._young, self._size = self._young, {}, 0
        self._young.setdefault((tenant, namespace), {})[lookup] = pseudonym
        self._size += 1

    def forget(self, tenant: str, lookup: str) -> None:
        """Drop a mapping in every generation and namespace."""
        for generation in (self._young, self._old):
            for (owner, _), known in generation.items():
                if owner == tenant:
                    known.pop(lookup, None)
