"""From what a caller says to an event that the collector will take."""

import contextlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from auditroll.event import FIELDS, MAX_LINE_OCTETS, Event
from auditroll.event.check import REQUIRED
from auditroll.event.rules import first_fault
from auditroll.recorder.draft import ANONYMOUS, Draft, Fields
from auditroll.recorder.identity import Identities, KeyedHash
from auditroll.recorder.stamp import Stamps
from auditroll.wire import ProducerCredential

__all__ = ["Builder"]

_DENIED: Final = frozenset({401, 403})
_OUTCOMES: Final = frozenset(FIELDS["outcome"].values)
_ENCODE: Final = msgspec.json.Encoder().encode
# Never cut: a record without them is none.
_DEFAULTS: Final[Mapping[str, Any]] = {
    "action_type": "EXECUTE",
    "actor_type": "human",
    "user_id": ANONYMOUS,
}
# Types without rules of their own: what `_reconcile` left is consistent.
_SIMPLE_TYPES: Final = ("http.", "auth.", "data.", "job.", "x.")
_UNCUT: Final = frozenset(REQUIRED[False]) | {"cut_fields", "resource_count", "resource_type"}


class Builder:
    """Builds the events of one service.

    Args:
        credential: Of the producer.
        service: The `service_name`.
        environment: production, staging, test or development.
    """

    def __init__(self, credential: ProducerCredential, service: str, environment: str) -> None:
        self.identities = Identities(credential)
        self._fields = Fields(credential, self.identities)
        self._hash = KeyedHash(credential)
        self._stamps = Stamps()
        self._base = {"service_name": service, "environment": environment}

    def build(self, fields: Mapping[str, Any]) -> Event:
        """Return the event that `fields` describe; what may not be recorded is counted.

        Args:
            fields: Names and values of the record; identities in clear.

        Raises:
            Exception: No event can be made of them.
        """
        values: dict[str, Any] = {**_DEFAULTS, **self._base}
        draft = Draft(values)
        self._fields.put(draft, fields)
        values["timestamp"], values["event_id"] = self._stamps.stamp(fields.get("timestamp"))
        if "request_id" not in values:
            values["request_id"] = self._stamps.request_id()
        _judge(values, fields)
        _reconcile(draft)
        if draft.redactions:
            values["redactions"] = draft.redactions
        if draft.dropped:
            values["dropped_fields"] = draft.dropped
        if draft.cut:
            values["cut_fields"] = draft.cut
        if not values["event_type"].startswith(_SIMPLE_TYPES):
            _check_type(values)
        return Event(**values)

    def fallback(self, fields: Mapping[str, Any]) -> Event:
        """Return the smallest event there is, when no better one can be made."""
        kept: dict[str, Any] = {}
        # Whatever was wrong may be wrong here too.
        with contextlib.suppress(Exception):
            kept["timestamp"] = fields.get("timestamp")
        for name in ("action_type", "actor_type", "request_id"):
            with contextlib.suppress(Exception):
                self._fields.put(Draft(kept), {name: fields[name]})
        return self.own("recorder.fallback", "unknown", **kept)

    def own(self, event_type: str, outcome: str = "ok", **more: Any) -> Event:
        """Return an event of the recorder's own."""
        timestamp, event_id = self._stamps.stamp(more.get("timestamp"))
        values: dict[str, Any] = {
            "action_type": "EXECUTE",
            "actor_type": "system",
            "user_id": ANONYMOUS,
            "request_id": self._stamps.request_id(),
            **self._base,
            **more,
            "event_id": event_id,
            "event_type": event_type,
            "outcome": outcome,
            "success": outcome == "ok",
            "timestamp": timestamp,
        }
        return Event(**values)

    def line(self, event: Event, epoch: str, number: int) -> bytes:
        """Return the wire line of an event, of which too long values are cut.

        Args:
            event: Changed in place.
            epoch: The `producer_epoch`.
            number: The `producer_seq`.

        Source: format reference, sections 2 (`size`) and 5.2 (`cut_fields`).
        """
        event.producer_epoch = epoch
        event.producer_seq = number
        line = _ENCODE(event)
        while len(line) > MAX_LINE_OCTETS:
            self._cut(event)
            line = _ENCODE(event)
        return line

    def _cut(self, event: Event) -> None:
        """Halve the longest value, noting the hash of the whole one."""
        sizes = {
            name: len(_ENCODE(value))
            for name in event.__struct_fields__
            if name not in _UNCUT and (value := getattr(event, name)) is not msgspec.UNSET
        }
        name = max(sizes, key=sizes.__getitem__)
        value = getattr(event, name)
        noted = dict(event.cut_fields or {})
        noted.setdefault(name, self._hash.of(_ENCODE(value)))
        event.cut_fields = noted
        setattr(event, name, _half(value))


def _half(value: Any) -> Any:
    """Return the first half of a list or map; of a shorter value nothing is left."""
    if isinstance(value, list) and len(value) > 1:  # pyright: ignore[reportUnknownArgumentType]
        return value[: len(value) // 2]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, dict) and len(value) > 1:  # pyright: ignore[reportUnknownArgumentType]
        names = sorted(value)[: len(value) // 2]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        return {name: value[name] for name in names}  # pyright: ignore[reportUnknownVariableType]
    return msgspec.UNSET


def _judge(values: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """Set an outcome that agrees with the status, and `success` with both.

    Source: format reference, section 5.2, `outcome`.
    """
    outcome = fields.get("outcome")
    if outcome not in _OUTCOMES:
        outcome = "ok" if fields.get("success") is True else "unknown"
    status = values.get("status_code", 0)
    if status in _DENIED:
        outcome = "denied"
    elif status >= 400 and outcome == "ok":
        outcome = "error"
    values["outcome"] = outcome
    values["success"] = outcome == "ok"


def _reconcile(draft: Draft) -> None:
    """Add what a field needs beside it, or drop the field: the rest of the record must stand."""
    values = draft.values
    reference = values.get("resource_id")
    if reference is not None and "resource_type" not in values:
        values["resource_type"] = _type_of(reference)
    references = values.get("resource_ids")
    if references is not None:
        values.setdefault("resource_type", _type_of(references[0]))
        values.setdefault("resource_count", len(references))
    if "http_method" in values and "status_code" not in values:
        _drop(draft, "http_method")
    if values.get("part", 0) > values.get("parts", 0) or ("part" in values) != ("parts" in values):
        _drop(draft, "part", "parts")
    if values.get("purpose_of_use") == "break-glass" and "justification_ref" not in values:
        _drop(draft, "purpose_of_use")


def _check_type(values: Mapping[str, Any]) -> None:
    """Refuse an event that its type's own rules forbid.

    Raises:
        ValueError: It is one of the recorder's own, or lacks what its type must have.
    """
    if values["event_type"].startswith("producer."):
        raise ValueError("producer.* is the recorder's own")
    fault = first_fault({**values, "producer_seq": 0})
    if fault is not None:
        raise ValueError(fault[1])


def _type_of(reference: Any) -> str:
    return reference.partition(":")[0] if isinstance(reference, str) else reference.t


def _drop(draft: Draft, *names: str) -> None:
    for name in names:
        if draft.values.pop(name, None) is not None:
            draft.dropped += 1
