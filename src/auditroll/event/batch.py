"""The checks of `check`, for a whole batch: by column and by distinct value.

A batch repeats itself: a few routes, services, users, outcomes. Each column's distinct values are
checked once, and each distinct combination of the fields that rules relate. This only ever
*clears* events; whatever is not cleared is judged by `check_event`, so verdicts are its verdicts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from operator import is_
from typing import Any, Final

from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from auditroll.event.check import REQUIRED, Fits, Invalid, check_event, fits
from auditroll.event.fields import FIELDS, PRODUCER_FACT_FIELDS
from auditroll.event.grammar import GRAMMARS
from auditroll.event.model import Event
from auditroll.event.registry import UNREGISTERED, Registry
from auditroll.event.rules import REQUIRED_BY_PURPOSE, REQUIRED_BY_TYPE, REQUIRED_WITH, first_fault

__all__ = ["as_record", "check_batch"]

# Below this, setting up the columns costs more than it saves.
FEW: Final = 8

_NAMES: Final = Event.__struct_fields__
_KINDS: Final = {name: FIELDS[name].kind for name in _NAMES}
_TYPES: Final[Mapping[str, type]] = {"int": int, "bool": bool}
# What needs no look at the type first: a value that is no string makes a whole column suspect.
_PLAIN: Final[Mapping[str, Fits]] = {
    name: GRAMMARS[FIELDS[name].grammar]
    for name in _NAMES
    if _KINDS[name] in {"str", "time"} and not FIELDS[name].identity and name != "event_type"
}
# Rules look at the values of these fields,
_RULED: Final = frozenset(
    {"event_type", "http_method", "outcome", "purpose_of_use", "status_code", "success"}
)
# and at whether these are present.
_TRIGGERS: Final = frozenset(
    {"note", *REQUIRED_WITH}
    | {name for needed in REQUIRED_WITH.values() for name in needed}
    | {name for needed in REQUIRED_BY_TYPE.values() for name in needed}
    | {name for needed in REQUIRED_BY_PURPOSE.values() for name in needed}
    | PRODUCER_FACT_FIELDS
)
# Rules of these types and fields compare numbers, or all fields: never cleared here.
_ODD_TYPES: Final = frozenset(
    {"producer.open", "producer.heartbeat", "producer.close", "recorder.fallback"}
)
_ODD_FIELDS: Final = frozenset({"part", "last_seq"})

Column = tuple[Any, ...]


def check_batch(
    events: Sequence[Event], *, stored: bool = False, registry: Registry = UNREGISTERED
) -> dict[int, Invalid]:
    """Return the events that are not valid.

    Args:
        events: As decoded.
        stored: Log or wire, as in `check_event`.
        registry: What the tenant registered.

    Returns:
        Index to the verdict that `check_event` gives.
    """
    suspects: Iterable[int] = range(len(events))
    if len(events) >= FEW:
        known = {**fits(registry, stored=stored), **_PLAIN}
        suspects = _suspects(events, known, REQUIRED[stored])
    verdicts: dict[int, Invalid] = {}
    for index in suspects:
        try:
            check_event(as_record(events[index]), stored=stored, registry=registry)
        except Invalid as invalid:
            verdicts[index] = invalid
    return verdicts


def as_record(event: Event) -> dict[str, Any]:
    """Return the present fields of `event`; envelopes stay objects."""
    return {
        name: value
        for name, value in zip(_NAMES, astuple(event), strict=True)
        if value is not UNSET
    }


def _suspects(
    events: Sequence[Event], known: Mapping[str, Fits], required: Sequence[str]
) -> list[int]:
    """Return the indices that are not cleared, rising."""
    present = _present(events)
    if not present.keys() >= set(required):
        return list(range(len(events)))
    suspects: set[int] = set()
    for name, column in present.items():
        suspects.update(_wrong(name, column, known[name]))
    for name in required:
        if UNSET in present[name]:
            suspects.update(_where(present[name], lambda value: value is UNSET))
    suspects.update(_unruled(events, present, suspects))
    return sorted(suspects)


def _present(events: Sequence[Event]) -> dict[str, Column]:
    """Return the columns that are not wholly absent."""
    columns = zip(*map(astuple, events), strict=True)
    return {
        name: column
        for name, column in zip(_NAMES, columns, strict=True)
        if column[0] is not UNSET or column.count(UNSET) != len(column)
    }


def _wrong(name: str, column: Column, check: Fits) -> Iterable[int]:
    """Return where a column holds a value that its field may not have."""
    kind = _KINDS[name]
    if kind in {"int", "bool"}:
        # Only values of one type are told apart by equality: True equals 1.
        if not {_TYPES[kind], UnsetType}.issuperset(map(type, column)):
            return range(len(column))
    elif kind not in {"str", "enum", "time"}:
        return _where(column, lambda value: value is not UNSET and not check(value))
    try:
        distinct = set(column)
        distinct.discard(UNSET)
        # An integer's values are an interval: its ends speak for all.
        ends = (min(distinct), max(distinct)) if kind == "int" else distinct
        if all(map(check, ends)):
            return ()
    except TypeError:
        return range(len(column))
    wrong = {value for value in distinct if not check(value)}
    return _where(column, wrong.__contains__)


def _where(column: Column, is_wrong: Callable[[Any], bool]) -> list[int]:
    return [index for index, value in enumerate(column) if is_wrong(value)]


def _unruled(
    events: Sequence[Event], present: Mapping[str, Column], wrong: set[int]
) -> Iterable[int]:
    """Return the events that break a rule between fields, or whose rules are not looked at here.

    Args:
        events: All of them.
        present: Their columns.
        wrong: Those that hold an invalid value, so that rules do not apply.
    """
    signature = [present[name] for name in sorted(_RULED & present.keys())]
    signature += [
        tuple(map(is_, present[name], repeat(UNSET))) for name in sorted(_TRIGGERS & present.keys())
    ]
    cleared: dict[Column, bool] = {}
    broken: list[int] = []
    for index, key in enumerate(zip(*signature, strict=True)):
        if index in wrong:
            continue
        clear = cleared.get(key)
        if clear is None:
            clear = cleared[key] = _is_clear(events[index])
        if not clear:
            broken.append(index)
    return broken


def _is_clear(event: Event) -> bool:
    """Tell whether every event with the same signature keeps all rules."""
    record = as_record(event)
    if record["event_type"] in _ODD_TYPES or record.keys() & _ODD_FIELDS:
        return False
    return first_fault(record) is None
