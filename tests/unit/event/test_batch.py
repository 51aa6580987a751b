"""A batch's verdicts are those of its events."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from auditroll.event import (
    Event,
    Invalid,
    Registry,
    as_record,
    batch,
    check_batch,
    check_event,
    format_time,
    uuid7,
)
from auditroll.event.batch import FEW, MANY
from tests.unit.event.records import PSEUDO, envelope, model_call, stored, wire


def one_by_one(events: list[Event], *, is_stored: bool = False) -> dict[int, tuple[str, str]]:
    found: dict[int, tuple[str, str]] = {}
    for index, event in enumerate(events):
        try:
            check_event(as_record(event), stored=is_stored)
        except Invalid as invalid:
            found[index] = (invalid.code, invalid.field)
    return found


def at_once(
    events: list[Event], *, is_stored: bool = False, registry: Registry | None = None
) -> dict[int, tuple[str, str]]:
    found = (
        check_batch(events, stored=is_stored)
        if registry is None
        else check_batch(events, stored=is_stored, registry=registry)
    )
    return {index: (invalid.code, invalid.field) for index, invalid in found.items()}


@pytest.mark.parametrize("count", [0, 1, FEW - 1, FEW, 40])
def test_valid_events_pass(count: int) -> None:
    assert at_once([Event(**wire(producer_seq=n)) for n in range(count)]) == {}
    assert at_once([Event(**stored(producer_seq=n)) for n in range(count)], is_stored=True) == {}


FAULTS: list[dict[str, Any]] = [
    {"event_id": None},
    {"event_id": "x\n"},
    {"event_id": [1]},
    {"event_id": 7},
    {"status_code": True},
    {"status_code": "200"},
    {"status_code": 99},
    {"status_code": 401},
    {"success": 1},
    {"success": False},
    {"outcome": "fine"},
    {"resource_type": None},
    {"resource_ids": ["file:1"]},
    {"resource_ids": ["file"], "resource_count": 1},
    {"redactions": {"x": 1}},
    {"part": 3, "parts": 2},
    {"user_id": PSEUDO},
    {"source_ip": envelope("patient")},
    {"note": "x"},
    {"event_type": "recorder.fallback"},
    {"event_type": "producer.open", "mode": "durable"},
    {"timestamp": "2026-02-30T00:00:00.000Z"},
    {"purpose_of_use": "break-glass"},
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", [0, 5, 11])
def test_one_invalid_event_among_valid_ones(fault: dict[str, Any], place: int) -> None:
    events = [Event(**wire(producer_seq=n)) for n in range(12)]
    events[place] = Event(**wire(**fault))
    expected = one_by_one(events)
    assert list(expected) == [place]
    assert at_once(events) == expected


def test_a_field_that_nobody_sent_is_missing_from_all() -> None:
    events = [Event(**wire(environment=None)) for _ in range(FEW)]
    assert at_once(events) == dict.fromkeys(range(FEW), ("required", "environment"))


def test_types_mixed_in_one_column_are_told_apart() -> None:
    events = [Event(**wire(dropped_fields=1)) for _ in range(FEW)]
    events[3].dropped_fields = True
    assert at_once(events) == {3: ("grammar", "dropped_fields")}


def test_rules_are_judged_by_every_field_they_relate() -> None:
    events = [Event(**model_call(producer_seq=n)) for n in range(FEW)]
    events[2].usage_state = UNSET
    events[5].safety_filter_triggered = UNSET
    assert at_once(events, is_stored=True) == {
        2: ("required", "usage_state"),
        5: ("required", "safety_filter_triggered"),
    }


def test_the_tenants_registrations_apply() -> None:
    registry = Registry.compile(personal_types={"patient"}, resource_grammars={"file": "[0-9]+"})
    events = [Event(**wire(resource_id=f"file:{n}")) for n in range(FEW)]
    events[1].resource_id = "file:x"
    events[2].resource_id = "patient:1"
    assert at_once(events, registry=registry) == {
        1: ("grammar", "resource_id"),
        2: ("identity", "resource_id"),
    }


def test_decoded_lines_pass_as_they_are() -> None:
    lines = b"".join(msgspec.json.encode(Event(**wire(producer_seq=n))) + b"\n" for n in range(20))
    assert at_once(msgspec.json.Decoder(Event).decode_lines(lines)) == {}


def test_an_event_with_every_field_is_judged_too() -> None:
    everything = dict.fromkeys(Event.__struct_fields__, "x")
    events = [Event(**everything) for _ in range(FEW)]
    assert at_once(events) == one_by_one(events)
    for event in events:
        event.note = UNSET
    assert at_once(events) == one_by_one(events)


def test_what_only_one_event_has_is_judged_too() -> None:
    events = [Event(**wire(producer_seq=n)) for n in range(40)]
    events[7].ai_system_id = "@"
    assert at_once(events) == {7: ("grammar", "ai_system_id")}


def test_an_envelope_that_was_good_on_the_wire_is_not_good_in_the_log() -> None:
    assert at_once([Event(**wire(producer_seq=n)) for n in range(FEW)]) == {}
    events = [Event(**stored(user_id=envelope())) for _ in range(FEW)]
    assert at_once(events, is_stored=True) == dict.fromkeys(range(FEW), ("grammar", "user_id"))


def test_an_envelope_is_good_for_its_kind_only() -> None:
    assert at_once([Event(**wire(producer_seq=n)) for n in range(FEW)]) == {}
    swapped = wire(user_id=envelope("patient"), subject_id=envelope())
    found = at_once([Event(**swapped) for _ in range(FEW)])
    assert found == dict.fromkeys(range(FEW), ("identity", "subject_id"))


def test_a_lookup_seen_before_vouches_for_nothing_else() -> None:
    assert at_once([Event(**wire(producer_seq=n)) for n in range(FEW)]) == {}
    events = [Event(**wire(user_id=envelope(e="Bad"))) for _ in range(FEW)]
    assert at_once(events) == dict.fromkeys(range(FEW), ("grammar", "user_id"))


def test_good_envelopes_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_GOOD", 3)
    events = [Event(**wire(user_id=envelope(l=f"{n:064x}"))) for n in range(20)]
    assert at_once(events) == {}
    assert len(batch._good["user"]) <= 3


@pytest.mark.parametrize("value", ["x", "019b76da-d2f8-7c18-8dd6-b978e79235e9\n", "\n"])
def test_one_bad_id_among_many_is_found(value: str) -> None:
    events = [Event(**wire(event_id=uuid7(n, bytes(10)))) for n in range(2 * MANY)]
    events[9].event_id = value
    assert at_once(events) == {9: ("grammar", "event_id")}
    two = "019b76da-d2f8-7c18-8dd6-b978e79235e9\n019b76da-d2f8-7c18-8dd6-b978e79235e9"
    events[9].event_id = two
    assert at_once(events) == {9: ("grammar", "event_id")}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trace_id", "0" * 32),
        ("trace_id", "0" * 31),
        ("span_id", "0" * 16),
        ("timestamp", "2026-02-30T00:00:00.000Z"),
        ("timestamp", "2026-02-28T00:00:00.0000Z"),
        ("request_id", "A" * 32),
        ("request_id", 5),
    ],
)
def test_one_bad_value_among_many_different_ones_is_found(field: str, value: Any) -> None:
    events = [
        Event(
            **wire(
                request_id=f"{n:032x}",
                span_id=f"{n + 1:016x}",
                timestamp=format_time(n),
                trace_id=f"{n + 1:032x}",
            )
        )
        for n in range(2 * MANY)
    ]
    assert at_once(events) == {}
    setattr(events[11], field, value)
    assert at_once(events) == {11: ("grammar", field)}
