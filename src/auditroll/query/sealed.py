"""Sealed segments, open for reading."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Final

from auditroll.errors import IntegrityError
from auditroll.query.catalogue import Catalogue, Entry
from auditroll.query.columns import ColumnCache
from auditroll.query.parts import SealedPart
from auditroll.query.source import Source
from auditroll.segment.arrow import Table
from auditroll.segment.modular import key_id_of
from auditroll.segment.read import SegmentData, read_segment
from auditroll.store import SegmentName

__all__ = ["SealedSegments"]

# An open segment costs a mapped file and its decoded footer, about half a megabyte.
MAX_OPEN: Final = 128


class _Open:
    """One open segment; Arrow's reader serves one thread at a time."""

    def __init__(self, segment: SegmentData) -> None:
        self.segment = segment
        self.lock = threading.Lock()

    def read(self, number: int, names: Sequence[str]) -> Table:
        with self.lock:
            return self.segment.read_group(number, names)


class SealedSegments:
    """The sealed part of every stream. Safe for several threads.

    Args:
        source: Files and keys.
        catalogue: What is known of each segment.
        cache: Where decoded columns are kept.
    """

    def __init__(self, source: Source, catalogue: Catalogue, cache: ColumnCache) -> None:
        self._source = source
        self._catalogue = catalogue
        self._cache = cache
        self._open: OrderedDict[SegmentName, _Open] = OrderedDict()
        self._parts: dict[SegmentName, list[SealedPart]] = {}
        self._lock = threading.Lock()

    def parts(self, stream: str) -> tuple[list[SealedPart], dict[int, str]]:
        """Return the stream's parts in order, and why a segment does not open, by first index."""
        newest = {name.first_index: name for name in self._source.segments(stream)}
        found: list[SealedPart] = []
        failed: dict[int, str] = {}
        for first, name in sorted(newest.items()):
            try:
                found += self._parts_of(name)
            except IntegrityError as error:
                failed[first] = error.code
        return found, failed

    def _parts_of(self, name: SegmentName) -> list[SealedPart]:
        with self._lock:
            known = self._parts.get(name)
        if known is not None:
            return known
        entry = self._entry(name)
        parts: list[SealedPart] = []
        first = name.first_index
        for number, group in enumerate(entry.groups):
            reader = partial(self._read, name)
            parts.append(SealedPart(name, number, first, group, reader, self._cache))
            first += group.rows
        with self._lock:
            self._parts[name] = parts
        return parts

    def _entry(self, name: SegmentName) -> Entry:
        data = self._data(name)
        return self._catalogue.entry(
            name, key_id_of(data), len(data), lambda: self._opened(name).segment
        )

    def _read(self, name: SegmentName, number: int, names: Sequence[str]) -> Table:
        return self._opened(name).read(number, names)

    def _opened(self, name: SegmentName) -> _Open:
        with self._lock:
            held = self._open.get(name)
            if held is not None:
                self._open.move_to_end(name)
                return held
        data = self._data(name)
        opened = _Open(read_segment(data, self._key(key_id_of(data))))
        if opened.segment.meta.first_index != name.first_index:
            raise IntegrityError("segment-altered", f"{name.object_name} holds another segment")
        with self._lock:
            self._open[name] = opened
            while len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
        return opened

    def _data(self, name: SegmentName) -> memoryview:
        try:
            return self._source.read(name)
        except (OSError, ValueError) as error:
            raise IntegrityError("segment-missing", f"{name.object_name} is gone") from error

    def _key(self, key_id: str) -> bytes:
        try:
            return self._source.key(key_id)
        except KeyError as error:
            raise IntegrityError("key-unknown", f"the key {key_id} is not here") from error
