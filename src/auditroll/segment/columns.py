"""From lines to typed columns: what sealing writes beside the leaf.

Leaves are canonical JSON, so Arrow's JSON reader gives exact strings, integers and lists. Objects
(maps, `ext`) are few and read one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from auditroll.errors import IntegrityError
from auditroll.event.canonical import encode
from auditroll.event.fields import SLOT_FIELDS, SLOTS
from auditroll.segment.arrow import Column, Table, arrow_json, compute, pa
from auditroll.segment.schema import (
    LEAF,
    OBJECT_FIELDS,
    OPENING,
    PUBLIC_COLUMNS,
    SEED,
    TIME_FIELDS,
    arrow_schema,
    arrow_type,
)
from auditroll.tlog.line import Line, encode_line

__all__ = ["table_of"]

# A leaf of 65,535 octets must fit into one block of the JSON reader.
BLOCK_OCTETS: Final = 4 * 1024 * 1024
# Leaves whose keys say which fields to expect; a field they lack costs a second parse.
SAMPLE_STEP: Final = 64
NOTHING: Final[Mapping[str, Any]] = {}


def table_of(lines: Sequence[Line]) -> Table:
    """Return the records as a table with `arrow_schema()`.

    Args:
        lines: At least one, none of them leaf-only.

    Raises:
        IntegrityError: `record-untyped`: a field's value does not fit its column.
    """
    try:
        columns = {
            LEAF: pa.array([line.leaf for line in lines], pa.binary()),
            SEED: pa.array([line.seed for line in lines], pa.binary(16)),
            OPENING: pa.array([_opening(line) for line in lines], pa.utf8()),
        }
        columns |= _public_columns([line.leaf for line in lines])
        columns |= _slot_columns([line.slots for line in lines])
        return pa.table(
            [_whole(columns.get(field.name), field.type, len(lines)) for field in arrow_schema()],
            schema=arrow_schema(),
        )
    except (pa.ArrowException, TypeError, AttributeError) as error:
        raise IntegrityError(
            "record-untyped", "a record's field does not fit its column", reason=str(error)
        ) from error


def _opening(line: Line) -> str | None:
    if not line.hidden:
        return None
    members = orjson.loads(encode_line(line))
    return encode({"hidden": members["hidden"], "salts": members["salts"]}).decode()


def _whole(column: Column | None, kind: Any, rows: int) -> Column:
    if column is None:
        return pa.nulls(rows, kind)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _public_columns(leaves: Sequence[bytes]) -> dict[str, Column]:
    parsed = _parsed(leaves)
    columns: dict[str, Column] = {}
    for name in set(parsed.column_names).intersection(PUBLIC_COLUMNS):
        column = parsed[name]
        if name in TIME_FIELDS:
            column = compute.cast(column, pa.timestamp("ms", "UTC"))
        elif name in OBJECT_FIELDS:
            column = _object_column(name, leaves, compute.is_valid(column))
        columns[name] = column
    return columns


def _parsed(leaves: Sequence[bytes]) -> Table:
    """Parse the leaves with the fields that occur: absent columns cost as much as present ones."""
    names = set[str]().union(*(orjson.loads(leaf) for leaf in leaves[::SAMPLE_STEP]))
    octets = b"\n".join(leaves)
    try:
        while True:
            parsed = _read_json(octets, names.intersection(PUBLIC_COLUMNS), "infer")
            unexpected = set(parsed.column_names).intersection(PUBLIC_COLUMNS) - names
            if not unexpected:
                return parsed
            names |= unexpected
    except pa.ArrowInvalid:
        # Facts' own fields may have no common type; they have no column either.
        return _read_json(octets, PUBLIC_COLUMNS, "ignore")


def _read_json(octets: bytes, names: Iterable[str], unexpected: str) -> Table:
    return arrow_json.read_json(
        pa.BufferReader(octets),
        # The reader's threads save no CPU time, and the machine's other cores have work.
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=BLOCK_OCTETS),
        parse_options=arrow_json.ParseOptions(
            explicit_schema=pa.schema([(name, _parsed_type(name)) for name in names]),
            unexpected_field_behavior=unexpected,
        ),
    )


def _parsed_type(name: str) -> Any:
    if name in TIME_FIELDS:
        return pa.utf8()
    # The reader knows no maps; a struct tells in which rows the field is present.
    return pa.struct([]) if name in OBJECT_FIELDS else arrow_type(name)


def _object_column(name: str, leaves: Sequence[bytes], present: Column) -> Column:
    values: list[list[tuple[str, Any]] | None] = [None] * len(leaves)
    rows: list[int] = compute.indices_nonzero(present).to_pylist()
    for row in rows:
        values[row] = list(orjson.loads(leaves[row])[name].items())
    return pa.array(values, arrow_type(name))


def _slot_columns(slots: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for slot in SLOTS:
        shown = [entry.get(slot, NOTHING) for entry in slots]
        for name in set[str]().union(*shown):
            if name not in SLOT_FIELDS[slot]:
                raise TypeError(f"{name} is no field of slot {slot}")
            values = [fields.get(name) for fields in shown]
            if name in OBJECT_FIELDS:
                values = [None if value is None else encode(value).decode() for value in values]
            columns[name] = pa.array(values, arrow_type(name))
    return columns
