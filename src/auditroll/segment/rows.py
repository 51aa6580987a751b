"""From typed columns back to records, row by row."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from auditroll.event.canonical import decode_exact, encode
from auditroll.event.fields import FIELDS, SEGMENT_COLUMNS, SLOT_OF
from auditroll.event.times import format_time
from auditroll.segment.arrow import Column, Table, compute, pa
from auditroll.segment.octets import joined_members, slot_octets
from auditroll.segment.schema import LEAF, OPENING, SEED
from auditroll.tlog.line import Line, parse_line

__all__ = ["LINE_COLUMNS", "json_value", "lines_of", "typed_row"]

# The columns that a line is made of.
LINE_COLUMNS: Final = (LEAF, SEED, OPENING, *sorted(SLOT_OF))


def lines_of(table: Table) -> Iterator[Line]:
    """Yield the lines of a table that has at least `LINE_COLUMNS`."""
    texts = _slots_texts(table)
    rows = zip(
        table[LEAF].to_pylist(),
        table[SEED].to_pylist(),
        table[OPENING].to_pylist(),
        texts.to_pylist(),
        strict=True,
    )
    for leaf, seed, opening, text in rows:
        slots = orjson.loads(text)
        if opening is None:
            yield Line(leaf=leaf, seed=seed, slots=slots)
        else:
            yield _opened(leaf, opening, slots)


def typed_row(table: Table, row: int) -> dict[str, Any]:
    """Return one row's typed values as JSON values; absent fields are absent.

    Raises:
        ValueError: A value has no JSON form.
    """
    found: dict[str, Any] = {}
    for name in SEGMENT_COLUMNS:
        scalar = table[name][row]
        if scalar.is_valid:
            found[name] = json_value(name, scalar)
    return found


def json_value(name: str, scalar: Any) -> Any:
    """Return the JSON value of a field's Arrow scalar.

    Raises:
        ValueError: It has none: an instant out of range, a map that holds a key twice.
    """
    kind = FIELDS[name].kind
    if kind == "time":
        return format_time(scalar.value)
    value = scalar.as_py()
    if kind == "ext":
        return decode_exact(value.encode())
    if kind in {"counts", "hashes"}:
        entries = dict(value)
        if len(entries) != len(value):
            raise ValueError("a key stands twice")
        return entries
    return value


def _slots_texts(table: Table) -> Column:
    """Return, per row, a JSON object of the slots that are not empty."""
    members = [
        compute.if_else(
            compute.equal(octets, b"{}"),
            pa.scalar(None, pa.binary()),
            compute.binary_join_element_wise(f'"{slot}":'.encode(), octets, b""),
        )
        for slot, octets in slot_octets(table).items()
        if octets is not None
    ]
    if not members:
        return pa.array([b"{}"] * table.num_rows, pa.binary())
    return joined_members(members)


def _opened(leaf: bytes, opening: str, slots: dict[str, Any]) -> Line:
    parts = decode_exact(opening.encode())
    return parse_line(encode({**parts, "leaf": leaf.decode(), "slots": slots}))
