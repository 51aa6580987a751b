"""From rows found to records as flat JSON values."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import orjson

from auditroll.errors import IntegrityError
from auditroll.event.fields import FIELDS
from auditroll.event.spec import Kind
from auditroll.event.times import format_time
from auditroll.query.parts import Part
from auditroll.segment.arrow import Column, pa
from auditroll.segment.schema import LEAF, OPENING, SEED

__all__ = ["HIDDEN", "records"]

# Member of a row that names its hidden slots, with marker or reason.
HIDDEN: Final = "hidden"
FEW_ROWS: Final = 8


def records(part: Part, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Return rows of a part as records: every present field, sorted by name.

    Facts and producer events have fields without a column; these come from the leaf.

    Raises:
        IntegrityError: `segment-altered`: the part does not decrypt or decode.
    """
    names = sorted(name for name in part.used if name not in {LEAF, SEED})
    columns = part.columns(names)
    values = {name: _values(name, _picked(columns[name], rows)) for name in names}
    found: list[dict[str, Any]] = [
        {name: values[name][at] for name in names if values[name][at] is not None}
        for at in range(len(rows))
    ]
    with_leaf = [at for at, record in enumerate(found) if _has_more(record)]
    if with_leaf:
        leaves = _picked(part.columns([LEAF])[LEAF], [rows[at] for at in with_leaf])
        for at, leaf in zip(with_leaf, leaves, strict=True):
            found[at] = dict(sorted((orjson.loads(leaf) | found[at]).items()))
    return [_with_hidden(record) for record in found]


def of_tenant(found: Iterable[dict[str, Any]], tenant: str) -> list[dict[str, Any]]:
    """Return the records, all of which must be the tenant's.

    Raises:
        IntegrityError: `tenant-mixed`: a stream holds another tenant's record. None is shown.
    """
    checked = list(found)
    if any(record.get("tenant_id", tenant) != tenant for record in checked):
        raise IntegrityError("tenant-mixed", "a stream holds a record of another tenant")
    return checked


def _picked(column: Column, rows: Sequence[int]) -> list[Any]:
    # Arrow's `take` costs as much for one row as for a thousand.
    if len(rows) < FEW_ROWS:
        return [column[row].as_py() for row in rows]
    values: list[Any] = column.take(pa.array(rows, pa.int64())).to_pylist()
    return values


def _has_more(record: dict[str, Any]) -> bool:
    return "producer_seq" not in record or record["event_type"].startswith("producer.")


def _with_hidden(record: dict[str, Any]) -> dict[str, Any]:
    opening = record.pop(OPENING, None)
    if opening is not None:
        hidden = orjson.loads(opening)["hidden"]
        record[HIDDEN] = {slot: part.get("marker", part["why"]) for slot, part in hidden.items()}
    return record


def _values(name: str, values: list[Any]) -> list[Any]:
    reader = _READERS.get(FIELDS[name].kind) if name in FIELDS else None
    return values if reader is None else [None if v is None else reader(v) for v in values]


_READERS: Final[dict[Kind, Callable[[Any], Any]]] = {
    "time": format_time,
    "counts": dict,
    "hashes": dict,
    "ext": orjson.loads,
}
