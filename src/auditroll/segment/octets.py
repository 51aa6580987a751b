"""From typed columns back to canonical JSON, a whole column at a time.

What comes out equals the leaf, or the slot that was committed to, exactly if the columns hold the
same values: this is how what people query is held to what is proven.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import orjson

from auditroll.errors import Error
from auditroll.event.canonical import MAX_INTEGER, decode_exact, encode
from auditroll.event.fields import FIELDS, SLOT_FIELDS, SLOTS
from auditroll.event.spec import Kind
from auditroll.event.times import format_time
from auditroll.segment.arrow import Column, Table, compute, pa
from auditroll.segment.schema import PUBLIC_COLUMNS

__all__ = ["joined_members", "public_octets", "slot_octets"]

MINUTE_MS: Final = 60_000
# Stands for a value that has no canonical form: no JSON text contains it unescaped.
UNWRITABLE: Final = "\x00"
NEEDS_ESCAPE: Final = r'["\\\x00-\x1f]'
ANCHOR: Final = "event_id"


def public_octets(table: Table) -> Column:
    """Return, per row, the canonical public part that the typed columns stand for.

    Args:
        table: Rows with `arrow_schema()`; `event_id` is present in every row.
    """
    before = [name for name in PUBLIC_COLUMNS if name < ANCHOR and _used(table, name)]
    after = [name for name in PUBLIC_COLUMNS if name > ANCHOR and _used(table, name)]
    parts: list[Any] = ["{"]
    for name in before:
        parts += _member(table, name, "", ",")
    parts += _member(table, ANCHOR, "", "")
    for name in after:
        parts += _member(table, name, ",", "")
    return compute.cast(_concatenated([*parts, "}"]), pa.binary())


def slot_octets(table: Table) -> dict[str, Column | None]:
    """Return, per slot, the canonical slot objects; None for a slot that is empty in every row."""
    return {slot: _slot(table, SLOT_FIELDS[slot]) for slot in SLOTS}


def joined_members(members: Sequence[Column]) -> Column:
    """Return the octets of a JSON object per row; null members are left out.

    Args:
        members: At least one binary column of `"name":value`.
    """
    # Arrow's own joining with nulls skipped drops rows in which all are null.
    led = [
        compute.coalesce(compute.binary_join_element_wise(b",", member, b""), b"")
        for member in members
    ]
    inner = compute.binary_join_element_wise(*led, b"")
    inner = compute.binary_replace_slice(inner, 0, 1, b"")
    return compute.binary_join_element_wise(b"{", inner, b"}", b"")


def _slot(table: Table, names: Sequence[str]) -> Column | None:
    members = [
        compute.cast(_concatenated([f'"{name}":', *_value(table, name)]), pa.binary())
        for name in sorted(names)
        if _used(table, name)
    ]
    return joined_members(members) if members else None


def _used(table: Table, name: str) -> bool:
    return bool(table[name].null_count < table.num_rows)


def _member(table: Table, name: str, lead: str, trail: str) -> list[Any]:
    """Return the parts of `"name":value`; where the value is null they give nothing at all."""
    value = _value(table, name)
    parts = [f'{lead}"{name}":', *value, trail]
    if not table[name].null_count:
        return parts
    return [compute.coalesce(_concatenated(parts), "")]


def _concatenated(parts: Sequence[Any]) -> Column:
    """Return the parts one after the other, per row; null where one of them is null."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return compute.binary_join_element_wise(*merged, "")


def _value(table: Table, name: str) -> list[Any]:
    """Return the parts of the field's JSON value."""
    column = table[name].combine_chunks()
    return _WRITERS[FIELDS[name].kind](column)


def _string(column: Column) -> list[Any]:
    escape = compute.match_substring_regex(column, NEEDS_ESCAPE)
    if compute.any(escape).as_py():
        raw = column.filter(escape).to_pylist()
        column = compute.replace_with_mask(
            column,
            compute.fill_null(escape, fill_value=False),
            pa.array([orjson.dumps(text).decode()[1:-1] for text in raw], pa.utf8()),
        )
    return ['"', column, '"']


def _integer(column: Column) -> list[Any]:
    beyond = compute.greater(compute.abs(column), MAX_INTEGER)
    text = compute.cast(column, pa.utf8())
    return [compute.if_else(beyond, UNWRITABLE, text) if compute.any(beyond).as_py() else text]


def _boolean(column: Column) -> list[Any]:
    return [compute.if_else(column, "true", "false")]


def _time(column: Column) -> list[Any]:
    """Format whole minutes once each, and look the rest up: formatting is what costs."""
    instants = np.asarray(compute.fill_null(compute.cast(column, pa.int64()), 0))
    minute, rest = np.divmod(instants, MINUTE_MS)
    minutes, place = np.unique(minute, return_inverse=True)
    texts = pa.array([_minute_text(int(value)) for value in minutes], pa.utf8())
    text = _concatenated([texts.take(pa.array(place)), _seconds().take(pa.array(rest))])
    return ['"', compute.if_else(compute.is_valid(column), text, pa.scalar(None, pa.utf8())), '"']


def _minute_text(minute: int) -> str:
    try:
        return format_time(minute * MINUTE_MS)[:17]
    except ValueError:
        return UNWRITABLE


@cache
def _seconds() -> Column:
    return pa.array([f"{ms // 1000:02d}.{ms % 1000:03d}Z" for ms in range(MINUTE_MS)], pa.utf8())


def _list(column: Column) -> list[Any]:
    quoted = compute.fill_null(_concatenated(_string(column.values)), UNWRITABLE)
    lists = pa.ListArray.from_arrays(column.offsets, quoted)
    text = compute.binary_join(lists, ",")
    return ["[", compute.if_else(compute.is_valid(column), text, pa.scalar(None, pa.utf8())), "]"]


def _object(column: Column) -> list[Any]:
    texts: list[str | None] = [None] * len(column)
    for row in compute.indices_nonzero(compute.is_valid(column)).to_pylist():
        texts[row] = _one_object(column[row].as_py())
    return [pa.array(texts, pa.utf8())]


def _one_object(value: str | list[tuple[str, Any]]) -> str:
    """Return a map's canonical text, or `ext`'s own text if it is canonical."""
    try:
        if isinstance(value, str):
            decode_exact(value.encode())
            return value
        entries = dict(value)
        return encode(entries).decode() if len(entries) == len(value) else UNWRITABLE
    except (Error, TypeError):
        return UNWRITABLE


_WRITERS: Final[dict[Kind, Callable[[Column], list[Any]]]] = {
    "str": _string,
    "enum": _string,
    "int": _integer,
    "bool": _boolean,
    "time": _time,
    "list": _list,
    "counts": _object,
    "hashes": _object,
    "ext": _object,
}
