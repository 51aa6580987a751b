"""Reading a stream's segments: each file against its seal, then each row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

from auditroll.errors import IntegrityError
from auditroll.verify.journal import KeyOf
from auditroll.verify.objects import SealedObject
from auditroll.verify.overlap import Overlap
from auditroll.verify.reader import Reader
from auditroll.verify.scan import StreamScan
from auditroll.verify.segments import BadSegment, SegmentPlace, read_first_leaf, scan_segment

__all__ = ["Measured", "SegmentScanner", "kind_of"]

_LEDGER_FACTS: Final = ("ledger.", "root.", "retention.", "key.", "vault.", "privacy.")

OnLeaf = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a segment file is.

    Args:
        sha256: 64 hex digits.
        size: Octets.
        key_id: Of the key that it names; empty if it names none.
    """

    sha256: str
    size: int
    key_id: str

    @classmethod
    def of(cls, data: bytes) -> "Measured":
        """Measure a file."""
        from auditroll.segment import key_id_of

        try:
            key_id = key_id_of(data)
        except IntegrityError:
            key_id = ""
        return cls(sha256(data).hexdigest(), len(data), key_id)

    def is_the(self, sealed: SealedObject) -> bool:
        """Tell whether it is the file that a seal names."""
        return (self.sha256, self.size, self.key_id) == (
            sealed.sha256,
            sealed.size,
            sealed.key_id,
        )


class SegmentScanner:
    """Reads segments of one folder.

    Args:
        reader: The folder.
        key_of: The key store.
    """

    def __init__(self, reader: Reader, key_of: KeyOf) -> None:
        self._reader = reader
        self._key_of = key_of
        self._measured: dict[str, Measured] = {}

    def scan_sealed(
        self,
        scan: StreamScan,
        objects: Mapping[int, SealedObject],
        deleted: set[tuple[str, int, int]],
        overlap: Overlap,
    ) -> None:
        """Read the segments that seals name.

        Args:
            scan: Of a data stream.
            objects: Its segments by first index.
            deleted: Stream, first index and count of segments that retention deleted.
            overlap: Finds where the journal begins.
        """
        for sealed in objects.values():
            if sealed.first < overlap.end:
                scan.note("altered", sealed.first, sealed.end, f"{sealed.name} is sealed twice")
                continue
            data = self._read(sealed.name)
            if data is not None:
                measured = Measured.of(data)
                fits = measured.is_the(sealed)
                if not fits:
                    scan.note("altered", sealed.first, sealed.end, sealed.name)
                place = SegmentPlace(sealed.name, sealed.first, sealed.end, sealed.generation)
                self._scan(scan, data, measured, place, overlap, noted=not fits)
            elif (scan.stream, sealed.first, sealed.count) in deleted:
                overlap.skip(sealed.end, sealed.last_leaf_hash, sealed.received_max)
            else:
                overlap.lose(sealed.end)

    def scan_listed(
        self,
        scan: StreamScan,
        files: Mapping[int, tuple[int, str]],
        known: Mapping[int, SealedObject],
        overlap: Overlap,
        on_leaf: OnLeaf | None,
    ) -> None:
        """Read the segments of a stream that holds its own seals; `compare` follows.

        Args:
            scan: Of the root or a ledger.
            files: Generation and path by first index.
            known: Seals that the journal holds, by first index.
            overlap: Finds where the journal begins.
            on_leaf: Called with facts and with leaves that list heads.
        """
        following = dict(pairwise(files))
        for first, (generation, name) in files.items():
            data = self._read(name)
            # A file that a crash left without a seal may begin within another's range.
            if data is None or first < overlap.end:
                continue
            if first > overlap.end:
                overlap.lose(first)
            self._measured[name] = Measured.of(data)
            end = known[first].end if first in known else None
            place = SegmentPlace(name, first, end, generation, following.get(first, 0))
            self._scan(scan, data, self._measured[name], place, overlap, on_leaf)

    def compare(self, scan: StreamScan, objects: Mapping[int, SealedObject]) -> None:
        """Compare the files that `scan_listed` read with what their seals say of them.

        A file that is gone is missing even while the journal still holds its records.
        """
        unread = {first for first, _ in scan.held}
        for sealed in objects.values():
            measured = self._measured.get(sealed.name)
            if measured is None:
                scan.hold(sealed.first, sealed.end, "missing", sealed.name)
            elif not measured.is_the(sealed) and sealed.first not in unread:
                scan.note("altered", sealed.first, sealed.end, sealed.name)

    def first_leaf(self, name: str) -> dict[str, Any] | None:
        """Return the first leaf of a segment; None if it cannot be read."""
        data = self._read(name)
        key = None if data is None else self._key_of(Measured.of(data).key_id)
        return None if data is None or key is None else read_first_leaf(data, key)

    def _scan(
        self,
        scan: StreamScan,
        data: bytes,
        measured: Measured,
        place: SegmentPlace,
        overlap: Overlap,
        on_leaf: OnLeaf | None = None,
        *,
        noted: bool = False,
    ) -> None:
        """Read one file; rows that cannot be read hold their place."""
        key = self._key_of(measured.key_id) if measured.key_id else b""
        try:
            scan_segment(scan, data, key or b"", place, overlap, on_leaf)
        except BadSegment:
            first = max(overlap.end, place.first)
            end = max(place.end or place.at_most, first + 1)
            overlap.lose(end)
            if noted:
                scan.held.append((first, end))
            else:
                verdict = "altered" if key is not None else "key-unknown"
                scan.hold(first, end, verdict, place.name)

    def _read(self, name: str) -> bytes | None:
        try:
            with self._reader.open(name) as file:
                return file.read()
        except OSError:
            return None


def kind_of(leaf: Mapping[str, Any]) -> str:
    """Return what stream a leaf stands in: `root`, `ledger` or `data`.

    Its genesis says so; any other fact about the log stands only in the root or a ledger.
    """
    if "stream_kind" in leaf:
        return str(leaf["stream_kind"])
    return "ledger" if str(leaf.get("event_type")).startswith(_LEDGER_FACTS) else "data"
