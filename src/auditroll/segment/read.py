"""Reading a sealed segment."""

from collections.abc import Iterator, Sequence
from typing import Any

from auditroll.errors import IntegrityError
from auditroll.segment.arrow import Table, pa, parquet
from auditroll.segment.meta import SegmentMeta
from auditroll.segment.modular import decryption, key_id_of
from auditroll.segment.rows import LINE_COLUMNS, lines_of
from auditroll.segment.schema import arrow_schema
from auditroll.tlog.line import Line

__all__ = ["SegmentData", "read_segment"]


class SegmentData:
    """An open segment; row groups are decrypted when asked for, one at a time.

    Not for several threads at once.

    Args:
        file: The open Parquet file.
        meta: Its metadata.
    """

    def __init__(self, file: Any, meta: SegmentMeta) -> None:
        self._file = file
        self.meta = meta

    @property
    def groups(self) -> int:
        """Return the number of row groups."""
        return int(self._file.metadata.num_row_groups)

    def group_rows(self, group: int) -> int:
        """Return the number of rows of one row group."""
        return int(self._file.metadata.row_group(group).num_rows)

    def used_columns(self, group: int) -> tuple[str, ...]:
        """Return the columns that hold a value in a row group.

        Raises:
            IntegrityError: `segment-altered`.
        """
        chunks = self._file.metadata.row_group(group)
        used: set[str] = set()
        unclear: set[str] = set()
        for column in (chunks.column(number) for number in range(chunks.num_columns)):
            name, *nested = column.path_in_schema.split(".")
            counted = column.is_stats_set and column.statistics.has_null_count
            if not counted or column.statistics.null_count < column.num_values:
                used.add(name)
            elif nested:
                # Statistics count an empty list as null.
                unclear.add(name)
        table = self.read_group(group, sorted(unclear))
        used.update(name for name in unclear if table[name].null_count < table.num_rows)
        return tuple(sorted(used))

    def read_group(self, group: int, columns: Sequence[str] | None = None) -> Table:
        """Return one row group as a table.

        Args:
            group: From 0.
            columns: Names of the columns to decrypt; all when absent.

        Raises:
            IntegrityError: `segment-altered`: the octets do not decrypt or decode.
        """
        try:
            names = None if columns is None else list(columns)
            table = self._file.read_row_group(group, columns=names, use_threads=False)
            table.validate(full=True)
        except (OSError, MemoryError, pa.ArrowException) as error:
            raise _altered(error) from error
        return table

    def tables(self) -> Iterator[Table]:
        """Yield the row groups in order, all columns.

        Raises:
            IntegrityError: `segment-altered`.
        """
        for group in range(self.groups):
            yield self.read_group(group)

    def lines(self) -> Iterator[Line]:
        """Yield the lines in order.

        Raises:
            IntegrityError: `segment-altered`.
        """
        for group in range(self.groups):
            yield from lines_of(self.read_group(group, LINE_COLUMNS))

    @property
    def table(self) -> Table:
        """Return the whole segment as one table."""
        return pa.concat_tables(self.tables())


def read_segment(data: Any, key: bytes) -> SegmentData:
    """Open a sealed segment.

    Args:
        data: The whole object: `bytes` or anything with the buffer protocol.
        key: Its data key, 32 octets.

    Raises:
        IntegrityError: `segment-altered`: not a segment, damaged, or sealed with another key.
    """
    buffer = memoryview(data)
    key_id = key_id_of(buffer)
    try:
        file = parquet.ParquetFile(
            pa.BufferReader(pa.py_buffer(buffer)),
            decryption_properties=decryption(key),
            pre_buffer=False,
        )
        meta = SegmentMeta.from_metadata(file.metadata.metadata)
        fits = file.schema_arrow.equals(arrow_schema()) and file.metadata.num_rows == meta.count
    except (OSError, MemoryError, ValueError, pa.ArrowException) as error:
        raise _altered(error) from error
    # The id at the file's end stands outside the encryption; this ties it to what is inside.
    if not fits or meta.key_id != key_id:
        raise IntegrityError("segment-altered", "the segment does not hold what it says")
    return SegmentData(file, meta)


def _altered(error: Exception) -> IntegrityError:
    return IntegrityError(
        "segment-altered", "the segment does not decrypt or decode", reason=type(error).__name__
    )
