"""Rules that hold between the fields of one event (format reference, sections 5 and 6)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from auditroll.event.fields import FIELDS, PRODUCER_FACT_FIELDS

__all__ = [
    "FALLBACK_FIELDS",
    "PRODUCER_FIELDS",
    "REQUIRED_BY_PURPOSE",
    "REQUIRED_BY_TYPE",
    "REQUIRED_WITH",
    "Fault",
    "first_fault",
]

Fault = tuple[str, str]
"""A code, `required` or `consistency`, and the field at fault."""

Record = Mapping[str, Any]

# A field and what must stand beside it.
REQUIRED_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "http_method": ("status_code",),
    "part": ("parts",),
    "parts": ("part",),
    "resource_id": ("resource_type",),
    "resource_ids": ("resource_count", "resource_type"),
}

_AI: Final = ("api_dialect", "provider")
_COUNTS: Final = ("dropped", "last_seq", "seen", "written")

REQUIRED_BY_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "ai.intent": _AI,
    "ai.attempt": (*_AI, "usage_state"),
    "ai.call": (*_AI, "safety_filter_triggered", "usage_state"),
    "producer.open": ("mode",),
    "producer.heartbeat": _COUNTS,
    "producer.close": _COUNTS,
}

REQUIRED_BY_PURPOSE: Final[Mapping[str, tuple[str, ...]]] = {
    "break-glass": ("justification_ref",),
}

# Of the fields that only producer.* events have, those of each type.
PRODUCER_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "producer.open": frozenset({"mode", "previous_epoch"}),
    "producer.heartbeat": frozenset(_COUNTS),
    "producer.close": frozenset(_COUNTS),
}

# A fallback record has the required fields only; the collector may add its own findings.
FALLBACK_FIELDS: Final = frozenset(name for name, spec in FIELDS.items() if spec.required) | {
    "clock_skew",
    "dropped_fields",
    "redactions",
}


def first_fault(record: Record) -> Fault | None:
    """Return the first rule that `record` breaks.

    Args:
        record: An event whose single values are valid and whose required fields are present.
    """
    for rule in _RULES:
        fault = rule(record)
        if fault is not None:
            return fault
    return None


def _companions(record: Record) -> Fault | None:
    for name, needed in REQUIRED_WITH.items():
        if name in record:
            for other in needed:
                if other not in record:
                    return "required", other
    return None


def _by_type(record: Record) -> Fault | None:
    needed = REQUIRED_BY_TYPE.get(record["event_type"], ())
    needed += REQUIRED_BY_PURPOSE.get(record.get("purpose_of_use", ""), ())
    for name in needed:
        if name not in record:
            return "required", name
    return None


def _outcome(record: Record) -> Fault | None:
    outcome, status = record["outcome"], record.get("status_code", 0)
    if record["success"] is not (outcome == "ok"):
        return "consistency", "success"
    if status in {401, 403} and outcome != "denied":
        return "consistency", "outcome"
    if status >= 400 and outcome == "ok":
        return "consistency", "outcome"
    return None


def _parts(record: Record) -> Fault | None:
    if "part" in record and record["part"] > record["parts"]:
        return "consistency", "part"
    return None


def _facts_only(record: Record) -> Fault | None:
    """Refuse what only facts have, and counters of producers in other events."""
    if "note" in record:
        return "consistency", "note"
    own = PRODUCER_FIELDS.get(record["event_type"], frozenset())
    foreign = (record.keys() & PRODUCER_FACT_FIELDS) - own
    return ("consistency", min(foreign)) if foreign else None


def _producer(record: Record) -> Fault | None:
    if record["event_type"] == "producer.open" and record["producer_seq"] != 0:
        return "consistency", "producer_seq"
    if "last_seq" in record and record["last_seq"] != record["producer_seq"] - 1:
        return "consistency", "last_seq"
    return None


def _fallback(record: Record) -> Fault | None:
    if record["event_type"] != "recorder.fallback":
        return None
    if record["outcome"] != "unknown":
        return "consistency", "outcome"
    more = record.keys() - FALLBACK_FIELDS
    return ("consistency", min(more)) if more else None


_RULES: Final[tuple[Callable[[Record], Fault | None], ...]] = (
    _companions,
    _by_type,
    _outcome,
    _parts,
    _facts_only,
    _producer,
    _fallback,
)
