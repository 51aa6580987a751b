"""Parts: runs of consecutive records of one stream, the unit that the engine prunes and reads."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from auditroll.event.fields import FIELDS
from auditroll.query.bloom import perhaps
from auditroll.query.catalogue import BLOOM_FIELDS, Group
from auditroll.query.columns import ColumnCache, nulls, prepared
from auditroll.query.model import Filter
from auditroll.segment.arrow import Column, Table, compute, pa
from auditroll.segment.columns import table_of
from auditroll.segment.rows import LINE_COLUMNS
from auditroll.store import SegmentName
from auditroll.tlog.line import Line

__all__ = ["Part", "SealedPart", "TailPart", "may_match"]


class Part(Protocol):
    """A run of records.

    Attributes:
        stream: Stream id.
        first: Index of the first record.
        rows: Number of records.
        time_min: Least event time, milliseconds.
        time_max: Greatest event time, milliseconds.
        used: Columns that hold a value.
        blooms: Filters of the values by field; a field without one may hold anything.
    """

    stream: str
    first: int
    rows: int
    time_min: int
    time_max: int
    used: Collection[str]
    blooms: Mapping[str, bytes]

    def columns(self, names: Sequence[str]) -> Mapping[str, Column]:
        """Return whole columns, each of its engine type.

        Raises:
            IntegrityError: `segment-altered`: they do not decrypt or decode.
        """
        ...

    def line_table(self) -> Table:
        """Return the columns that lines are made of, as they are in a segment.

        Raises:
            IntegrityError: `segment-altered`.
        """
        ...


class SealedPart:
    """One row group of a sealed segment; see `Part`.

    Args:
        name: The segment.
        number: The row group's.
        first: Index of its first record.
        group: Its catalogue entry.
        read: Decrypts columns of it.
        cache: Where decoded columns are kept.
    """

    def __init__(
        self,
        name: SegmentName,
        number: int,
        first: int,
        group: Group,
        read: Callable[[int, Sequence[str]], Table],
        cache: ColumnCache,
    ) -> None:
        self.stream = name.stream
        self.first = first
        self.rows = group.rows
        self.time_min = group.time_min
        self.time_max = group.time_max
        self.used: Collection[str] = frozenset(group.columns)
        # A field that the group does not use has an empty filter, which excludes everything.
        self.blooms: Mapping[str, bytes] = {
            field: group.blooms.get(field, b"") for field in BLOOM_FIELDS
        }
        self._owner = (name, number)
        self._read = read
        self._cache = cache

    def columns(self, names: Sequence[str]) -> Mapping[str, Column]:
        """Return whole columns; see `Part`."""
        held = self._cache.columns(
            self._owner, [name for name in names if name in self.used], self._decode
        )
        return {name: held[name] if name in held else nulls(name, self.rows) for name in names}

    def line_table(self) -> Table:
        """Return the columns of lines; see `Part`."""
        return self._read(self._owner[1], LINE_COLUMNS)

    def _decode(self, names: Sequence[str]) -> Mapping[str, Column]:
        table = self._read(self._owner[1], names)
        return {name: prepared(table, name) for name in names}


class TailPart:
    """Unsealed records; see `Part`.

    Args:
        stream: Stream id.
        first: Index of the first record.
        table: The records, as `table_of` makes them.
    """

    def __init__(self, stream: str, first: int, table: Table) -> None:
        self.stream = stream
        self.first = first
        self.rows = int(table.num_rows)
        self._table = table.combine_chunks()
        self._columns: dict[str, Column] = {}
        times: dict[str, int] = compute.min_max(self.columns(["timestamp"])["timestamp"]).as_py()
        self.time_min, self.time_max = times["min"], times["max"]
        self.used: Collection[str] = frozenset(
            name for name in table.column_names if table[name].null_count < self.rows
        )
        self.blooms: Mapping[str, bytes] = {}

    @classmethod
    def of_lines(cls, stream: str, first: int, lines: Sequence[Line]) -> "TailPart":
        """Return the part that the lines from index `first` on make."""
        return cls(stream, first, table_of(lines))

    def columns(self, names: Sequence[str]) -> Mapping[str, Column]:
        """Return whole columns; see `Part`."""
        for name in names:
            if name not in self._columns:
                self._columns[name] = prepared(self._table, name)
        return {name: self._columns[name] for name in names}

    def line_table(self) -> Table:
        """Return the columns of lines; see `Part`."""
        return self._table

    def joined(self, after: "TailPart") -> "TailPart":
        """Return this part and the one that follows it as one."""
        return TailPart(
            self.stream, self.first, pa.concat_tables([self._table, after.line_table()])
        )


def may_match(part: Part, filters: Sequence[Filter]) -> bool:
    """Return False if certainly no record of the part fulfils all filters."""
    return all(_may_hold(part, item) for item in filters)


def _may_hold(part: Part, item: Filter) -> bool:
    octets = part.blooms.get(item.field)
    exact = item.op in {"eq", "in"} or (item.op == "contains" and FIELDS[item.field].kind == "list")
    if octets is None or not exact:
        return True
    values: Sequence[Any] = item.value if item.op == "in" else [item.value]
    return any(perhaps(octets, str(value)) for value in values)
