"""The checks of `check`, for a whole batch: by column and by distinct value.

A batch repeats itself: a few routes, services, users, outcomes. Each column's distinct values are
checked once, and each distinct combination of the fields that rules relate. This only ever
*clears* events; whatever is not cleared is judged by `check_event`, so verdicts are its verdicts.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import repeat
from operator import is_, itemgetter
from typing import Any, Final, NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from auditroll.event.check import REQUIRED, Fits, Invalid, check_event, fits
from auditroll.event.fields import FIELDS, PRODUCER_FACT_FIELDS
from auditroll.event.grammar import GRAMMARS, joined
from auditroll.event.model import Envelope, Event
from auditroll.event.registry import UNREGISTERED, Registry
from auditroll.event.rules import REQUIRED_BY_PURPOSE, REQUIRED_BY_TYPE, REQUIRED_WITH, first_fault

__all__ = ["as_record", "check_batch"]

# Below this, setting up the columns costs more than it saves.
FEW: Final = 8
# From this many distinct values on, one match of all of them costs less than a match each.
MANY: Final = 32
# Envelopes found good, by lookup; producers repeat theirs from batch to batch.
MAX_GOOD: Final = 16_384

_NAMES: Final = Event.__struct_fields__
_KINDS: Final = {name: FIELDS[name].kind for name in _NAMES}
_TYPES: Final[Mapping[str, type]] = {"int": int, "bool": bool}
# What needs no look at the type first: a value that is no string makes a whole column suspect.
_PLAIN: Final[Mapping[str, Fits]] = {
    name: GRAMMARS[FIELDS[name].grammar]
    for name in _NAMES
    if _KINDS[name] in {"str", "time"} and not FIELDS[name].identity and name != "event_type"
}
# Fields whose values hardly ever repeat.
_JOINED: Final[Mapping[str, Callable[[Collection[str]], bool]]] = {
    name: joined(FIELDS[name].grammar)
    for name in ("event_id", "parent_request_id", "request_id", "span_id", "timestamp", "trace_id")
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
_Good = Mapping[str, dict[str, Envelope]]

# By namespace: envelopes of persons and of entities are not of one kind.
_good: _Good = {"user": {}, "ip": {}, "entity": {}}


class _Look(NamedTuple):
    """What a look at one column found.

    Args:
        wrong: Where a value is not cleared.
        gaps: The field is absent somewhere.
        varies: It has more than one value, or a gap.
    """

    wrong: Iterable[int]
    gaps: bool
    varies: bool


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
        suspects = _suspects(events, known, REQUIRED[stored], {} if stored else _good)
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
    events: Sequence[Event], known: Mapping[str, Fits], required: Sequence[str], good: _Good
) -> list[int]:
    """Return the indices that are not cleared, rising."""
    columns = _columns(events)
    if not columns.keys() >= set(required):
        return list(range(len(events)))
    looks = {
        name: _look(name, column, known[name], good.get(FIELDS[name].identity, {}))
        for name, column in columns.items()
    }
    suspects = {index for look in looks.values() for index in look.wrong}
    for name in required:
        if looks[name].gaps:
            suspects.update(_where(columns[name], lambda value: value is UNSET))
    signature = [columns[name] for name in _RULED & columns.keys() if looks[name].varies]
    signature += [
        tuple(map(is_, columns[name], repeat(UNSET)))
        for name in _TRIGGERS & columns.keys()
        if looks[name].gaps
    ]
    suspects.update(_unruled(events, signature, suspects))
    return sorted(suspects)


def _columns(events: Sequence[Event]) -> dict[str, Column]:
    """Return the columns that are not wholly absent.

    The fields of three events are most often those of all; whether any other event has more is
    seen by counting the values.
    """
    rows = list(map(astuple, events))
    probes = (rows[0], rows[len(rows) // 2], rows[-1])
    columns = _taken(rows, probes)
    if sum(map(_values, columns.values())) != sum(map(_values, rows)):
        columns = _taken(rows, rows)
    return columns


def _taken(rows: Sequence[Column], probes: Sequence[Column]) -> dict[str, Column]:
    """Return the columns that hold something in one of the `probes`."""
    return {
        name: tuple(map(itemgetter(at), rows))
        for at, name in enumerate(_NAMES)
        if any(row[at] is not UNSET for row in probes)
    }


def _values(several: Column) -> int:
    return len(several) - several.count(UNSET)


def _look(name: str, column: Column, check: Fits, good: dict[str, Envelope]) -> _Look:
    """Look at one column.

    Args:
        name: The field.
        column: Its values.
        check: Tells whether a value is valid.
        good: Envelopes that are valid here.
    """
    if FIELDS[name].identity:
        return _look_at_identities(column, check, good)
    kind = _KINDS[name]
    if kind not in {"str", "enum", "time", "int", "bool"}:
        wrong = _where(column, lambda value: value is not UNSET and not check(value))
        return _Look(wrong, gaps=UNSET in column, varies=True)
    try:
        distinct = _distinct(kind, column)
        gaps = UNSET in distinct
        varies = len(distinct) > 1
        distinct.discard(UNSET)
        if _all_fit(name, distinct, check):
            return _Look((), gaps, varies)
        bad = {value for value in distinct if not check(value)}
    except TypeError:
        return _Look(range(len(column)), gaps=True, varies=True)
    return _Look(_where(column, bad.__contains__), gaps, varies)


def _distinct(kind: str, column: Column) -> set[Any]:
    """Return the distinct values.

    Raises:
        TypeError: Values of several types, which equality may not tell apart: True equals 1.
    """
    if kind in _TYPES and not {_TYPES[kind], UnsetType}.issuperset(map(type, column)):
        raise TypeError(kind)
    return set(column)


def _all_fit(name: str, distinct: set[Any], check: Fits) -> bool:
    if _KINDS[name] == "int":
        # An integer's values are an interval: its ends speak for all.
        return bool(check(min(distinct)) and check(max(distinct)))
    if len(distinct) >= MANY and name in _JOINED:
        return _JOINED[name](distinct)
    return all(map(check, distinct))


def _look_at_identities(column: Column, check: Fits, good: dict[str, Envelope]) -> _Look:
    """Look at a column of envelopes, of which most were seen in earlier batches."""
    new = [
        index
        for index, value in enumerate(column)
        if type(value) is not Envelope or good.get(value.l) != value
    ]
    wrong: list[int] = []
    gaps = False
    for index in new:
        value = column[index]
        if value is UNSET:
            gaps = True
        elif not check(value):
            wrong.append(index)
        elif type(value) is Envelope:
            if len(good) >= MAX_GOOD:
                good.clear()
            good[value.l] = value
    return _Look(wrong, gaps, varies=True)


def _where(column: Column, is_wrong: Callable[[Any], bool]) -> list[int]:
    return [index for index, value in enumerate(column) if is_wrong(value)]


def _unruled(
    events: Sequence[Event], signature: Sequence[Column], wrong: set[int]
) -> Iterable[int]:
    """Return the events that break a rule between fields, or whose rules are not looked at here.

    Args:
        events: All of them.
        signature: What rules depend on and differs between events, by column.
        wrong: Those that hold an invalid value, so that rules do not apply.
    """
    keys: Iterable[Column] = zip(*signature, strict=True) if signature else repeat((), len(events))
    cleared: dict[Column, bool] = {}
    broken: list[int] = []
    for index, key in enumerate(keys):
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
