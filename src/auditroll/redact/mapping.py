"""Nested objects: values under telling names are redacted whole, all other texts are scanned."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from auditroll.redact.found import UNSCANNED, marker
from auditroll.redact.keys import kind_of_key
from auditroll.redact.redactor import Redactor

__all__ = ["RedactedFields", "redact_tree"]

# Deeper or larger is no record; what lies beyond does not pass.
MAX_DEPTH: Final = 32
MAX_NODES: Final = 10_000


@dataclass(frozen=True, slots=True)
class RedactedFields:
    """A copy of an object without what was found.

    Args:
        value: The copy; the caller's object is never changed.
        counts: Kind to number of hits, sorted by kind.
    """

    value: Any
    counts: dict[str, int] = field(default_factory=dict[str, int])


def redact_tree(value: Any, redactor: Redactor) -> RedactedFields:
    """Return a redacted copy of nested mappings, sequences and scalars.

    Args:
        value: What JSON can hold; anything else is replaced by its redacted text form.
        redactor: Scans texts and keys.
    """
    walk = _Walk(redactor)
    copy = walk.value(value, 0)
    return RedactedFields(copy, dict(sorted(walk.counts.items())))


class _Walk:
    """One walk through one object: its counts and what is left of its node budget."""

    def __init__(self, redactor: Redactor) -> None:
        self.counts: Counter[str] = Counter()
        self._redactor = redactor
        self._nodes = MAX_NODES

    def value(self, value: Any, depth: int) -> Any:
        self._nodes -= 1
        if depth > MAX_DEPTH or self._nodes < 0:
            return self._mark(UNSCANNED)
        if value is None or isinstance(value, bool | int | float):
            return value
        if _is_a(value, Mapping):
            return self._mapping(value, depth)
        if _is_a(value, Sequence, set, frozenset) and not _is_a(value, str, bytes, bytearray):
            return [self.value(item, depth + 1) for item in value]
        if isinstance(value, bytes | bytearray):
            value = value.decode(errors="replace")
        return self._text(value if isinstance(value, str) else str(value))

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        copy: dict[str, Any] = {}
        for name, item in value.items():
            key = self._free(copy, self._text(str(name)))
            kind = kind_of_key(str(name))
            telling = kind is not None and not (
                item is None or isinstance(item, bool) or item == ""
            )
            copy[key] = self._mark(str(kind)) if telling else self.value(item, depth + 1)
        return copy

    def _free(self, copy: Mapping[str, Any], key: str) -> str:
        """Return a key not yet taken: two names may have become the same marker."""
        number, free = 1, key
        while free in copy:
            number += 1
            free = f"{key}#{number}"
        return free

    def _text(self, text: str) -> str:
        result = self._redactor.redact(text)
        self.counts.update(result.counts)
        return result.text

    def _mark(self, kind: str) -> str:
        self.counts[kind] += 1
        return marker(kind)


def _is_a(value: Any, *types: type) -> bool:
    """Say so without narrowing to a container of unknown parts."""
    return isinstance(value, types)
