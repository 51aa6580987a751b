"""The segment catalogue: which row groups can hold what is looked for.

Derived from the segments, and checked on every load: a file that is absent, damaged or of another
segment is rebuilt from the segment, and that is reported.
"""

import logging
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from auditroll.disk import Disk
from auditroll.query.bloom import bloom
from auditroll.query.columns import prepared
from auditroll.segment.arrow import Column, compute, pa
from auditroll.segment.read import SegmentData
from auditroll.store import SegmentName

__all__ = ["BLOOM_FIELDS", "Catalogue", "Entry", "Group"]

BLOOM_FIELDS: Final = (
    "request_id", "resource_id", "resource_ids", "source_ip", "subject_id", "user_id",
)  # fmt: skip
MAGIC: Final = b"ARCAT1\n"
DIGEST_OCTETS: Final = 32

_log = logging.getLogger(__name__)


class Group(msgspec.Struct, array_like=True, frozen=True):
    """One row group.

    Args:
        rows: Number of rows.
        time_min: Least event time, milliseconds.
        time_max: Greatest event time, milliseconds.
        columns: Columns that hold a value.
        blooms: Filter of the values, by field.
    """

    rows: int
    time_min: int
    time_max: int
    columns: tuple[str, ...]
    blooms: dict[str, bytes]


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """One segment.

    Args:
        key_id: Of its data key; no two segment files share one.
        octets: Size of its file.
        groups: Its row groups in order.
    """

    key_id: str
    octets: int
    groups: tuple[Group, ...]


class Catalogue:
    """Entries in `derived/catalogue`, one file a segment.

    Args:
        folder: `derived/catalogue`.
        disk: File operations.
    """

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk()
        # Segment names by why their entry was built since the start: `absent`, `damaged`.
        self.built: dict[str, list[str]] = {"absent": [], "damaged": []}

    def entry(
        self, name: SegmentName, key_id: str, octets: int, segment: Callable[[], SegmentData]
    ) -> Entry:
        """Return the entry of a segment, from its file or built again.

        Args:
            name: Of the segment.
            key_id: That the segment names.
            octets: Size of the segment's file.
            segment: Opens it; called only to build.

        Raises:
            IntegrityError: The segment had to be read and is damaged.
        """
        path = self._folder / name.stream / f"{name.first_index:020d}-{name.generation:04d}.cat"
        found, why = _load(path)
        if found is not None and (found.key_id, found.octets) == (key_id, octets):
            return found
        entry = _built(segment(), key_id, octets)
        self.built[why].append(name.object_name)
        level = logging.WARNING if why == "damaged" else logging.INFO
        _log.log(level, "catalogue entry of %s was %s: built from it", name.object_name, why)
        self._store(path, entry)
        return entry

    def _store(self, path: Path, entry: Entry) -> None:
        body = msgspec.msgpack.encode(entry)
        try:
            self._disk.make_dirs(path.parent)
            self._disk.replace(path, MAGIC + sha256(body).digest() + body)
        except OSError as error:
            # A full disk must not stop searches; the entry is built again at the next start.
            _log.warning("catalogue entry %s was not stored: %s", path.name, error.strerror)


def _load(path: Path) -> tuple[Entry | None, str]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None, "absent"
    except OSError:
        return None, "damaged"
    start = len(MAGIC) + DIGEST_OCTETS
    if not data.startswith(MAGIC) or sha256(data[start:]).digest() != data[len(MAGIC) : start]:
        return None, "damaged"
    try:
        return msgspec.msgpack.decode(data[start:], type=Entry), "damaged"
    except msgspec.MsgspecError:
        return None, "damaged"


def _built(segment: SegmentData, key_id: str, octets: int) -> Entry:
    groups = tuple(_group(segment, number) for number in range(segment.groups))
    return Entry(key_id, octets, groups)


def _group(segment: SegmentData, number: int) -> Group:
    used = segment.used_columns(number)
    fields = [name for name in BLOOM_FIELDS if name in used]
    table = segment.read_group(number, ["timestamp", *fields])
    times = compute.min_max(prepared(table, "timestamp")).as_py()
    return Group(
        rows=table.num_rows,
        time_min=times["min"],
        time_max=times["max"],
        columns=used,
        blooms={name: bloom(_distinct(prepared(table, name))) for name in fields},
    )


def _distinct(column: Column) -> list[str]:
    flat = column.flatten() if pa.types.is_list(column.type) else column
    values: list[str] = compute.drop_null(compute.unique(flat)).to_pylist()
    return values
