"""Verdicts on single records."""

from typing import Any

import pytest

from auditroll.event import Envelope, Invalid, check_event, normalise
from auditroll.event.registry import Registry
from tests.unit.event.records import HMAC, PSEUDO, SHA256, envelope, model_call, stored, wire


def verdict(record: dict[str, Any], *, is_stored: bool, registry: Registry | None = None) -> str:
    """Return `code field`, or `` if the record is valid."""
    try:
        if registry is None:
            check_event(record, stored=is_stored)
        else:
            check_event(record, stored=is_stored, registry=registry)
    except Invalid as invalid:
        return f"{invalid.code} {invalid.field}"
    return ""


LEDGER = {
    "index": 3,
    "prev_hash": "ab" * 32,
    "received_at": "2026-01-01T00:00:00.000Z",
    "schema_version": 1,
    "sealed": "cd" * 32,
    "stream": "ef" * 16,
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"user_id": "anonymous", "subject_id": None, "resource_id": None, "resource_type": None},
        {"resource_id": "file:A-1", "resource_type": "file"},
        {"http_method": None, "status_code": None, "event_type": "job.run"},
        {"event_type": "x.door-opened"},
        {"purpose_of_use": "break-glass", "justification_ref": "INC-7"},
        {"purpose_of_use": "x-teaching"},
        {"status_code": 403, "outcome": "denied", "success": False},
        {"status_code": 404, "outcome": "denied", "success": False},
        {"status_code": 302},
        {"status_code": 200, "outcome": "aborted_client", "success": False},
        {"resource_ids": ["file:1", "file:1"], "resource_count": 900, "part": 9, "parts": 9},
        {"changed_fields": ["a", "b.c"], "redactions": {"EMAIL": 1}, "dropped_fields": 3},
        {"user_agent": "", "trace_id": "0" * 31 + "1", "span_id": "1" + "0" * 15},
    ],
)
def test_valid_on_the_wire(fields: dict[str, Any]) -> None:
    assert verdict(wire(**fields), is_stored=False) == ""


@pytest.mark.parametrize(
    "record", [stored(), model_call(), stored(**LEDGER), stored(clock_skew=True)]
)
def test_valid_when_stored(record: dict[str, Any]) -> None:
    assert verdict(record, is_stored=True) == ""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # Required, before anything else.
        ({"event_id": None, "status_code": 5}, "required event_id"),
        ({"user_id": None}, "required user_id"),
        ({"producer_seq": None}, "required producer_seq"),
        # Values; the first field by name.
        ({"event_type": "http_request"}, "grammar event_type"),
        ({"event_type": "ledger.seal"}, "grammar event_type"),
        ({"service_name": "Records", "event_id": "1"}, "grammar event_id"),
        ({"status_code": True}, "grammar status_code"),
        ({"status_code": 99}, "grammar status_code"),
        ({"status_code": 600}, "grammar status_code"),
        ({"latency_ms": -1}, "grammar latency_ms"),
        ({"latency_ms": 1.5}, "grammar latency_ms"),
        ({"success": 1}, "grammar success"),
        ({"outcome": "OK"}, "grammar outcome"),
        ({"outcome": ["ok"]}, "grammar outcome"),
        ({"user_agent": "a\nb"}, "grammar user_agent"),
        ({"route": 7}, "grammar route"),
        ({"unheard_of": 1}, "grammar unheard_of"),
        ({"stream": "ab" * 16}, "grammar stream"),
        ({"trace_id": "0" * 32}, "grammar trace_id"),
        ({"changed_fields": ["b", "a"]}, "grammar changed_fields"),
        ({"changed_fields": ["a", "a"]}, "grammar changed_fields"),
        ({"changed_fields": [f"f{n:03d}" for n in range(65)]}, "grammar changed_fields"),
        ({"changed_fields": "a"}, "grammar changed_fields"),
        ({"redactions": {"EMAIL": 0}}, "grammar redactions"),
        ({"redactions": {"email": 1}}, "grammar redactions"),
        ({"redactions": {f"A{n}": 1 for n in range(33)}}, "grammar redactions"),
        ({"redactions": []}, "grammar redactions"),
        ({"cut_fields": {"note": SHA256}}, "grammar cut_fields"),
        ({"ext": {"Ward": "b"}}, "grammar ext"),
        ({"ext": {"ward": "Jane Doe"}}, "grammar ext"),
        ({"ext": {"ward": -1}}, "grammar ext"),
        ({"purpose_of_use": "fun"}, "grammar purpose_of_use"),
        ({"body_hash": SHA256}, "grammar body_hash"),
        ({"resource_ids": [], "resource_count": 0}, "grammar resource_ids"),
        ({"resource_ids": ["file:1"] * 101, "resource_count": 101}, "grammar resource_ids"),
        ({"resource_ids": "file:1", "resource_count": 1}, "grammar resource_ids"),
        ({"resource_ids": ["file"], "resource_count": 1}, "grammar resource_ids"),
        ({"resource_id": 7}, "grammar resource_id"),
        ({"part": 0, "parts": 1}, "grammar part"),
        # Rules.
        ({"success": False}, "consistency success"),
        ({"outcome": "error"}, "consistency success"),
        ({"status_code": 401}, "consistency outcome"),
        ({"status_code": 403, "outcome": "error", "success": False}, "consistency outcome"),
        ({"status_code": 400}, "consistency outcome"),
        ({"status_code": None}, "required status_code"),
        ({"resource_type": None}, "required resource_type"),
        ({"resource_ids": ["file:1"]}, "required resource_count"),
        ({"part": 1}, "required parts"),
        ({"parts": 1}, "required part"),
        ({"part": 3, "parts": 2}, "consistency part"),
        ({"purpose_of_use": "break-glass"}, "required justification_ref"),
        ({"note": "hello"}, "consistency note"),
        ({"seen": 4}, "consistency seen"),
        ({"mode": "durable"}, "consistency mode"),
    ],
)
def test_refused_on_the_wire(fields: dict[str, Any], expected: str) -> None:
    assert verdict(wire(**fields), is_stored=False) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"user_id": "jane"}, "identity user_id"),
        ({"user_id": PSEUDO}, "identity user_id"),
        ({"user_id": envelope("user")}, "identity user_id"),
        ({"on_behalf_of": "anonymous"}, "identity on_behalf_of"),
        ({"source_ip": "192.0.2.7"}, "identity source_ip"),
        ({"subject_id": "patient:1274"}, "identity subject_id"),
        ({"subject_id": envelope()}, "identity subject_id"),
        ({"resource_id": envelope()}, "identity resource_id"),
        ({"user_id": 7}, "grammar user_id"),
        ({"user_id": envelope(c="Q" * 86 + "==")}, ""),
        ({"user_id": envelope(c="Q" * 87)}, "grammar user_id"),
        ({"user_id": envelope(c="Q" * 60)}, "grammar user_id"),
        ({"user_id": envelope(c="Q" * 748)}, ""),
        ({"user_id": envelope(c="Q" * 752)}, "grammar user_id"),
        ({"user_id": envelope(e="Epoch")}, "grammar user_id"),
        ({"user_id": envelope(l="AB" * 32)}, "grammar user_id"),
        ({"subject_id": envelope("Patient")}, "grammar subject_id"),
        ({"resource_ids": ["file:1", envelope()], "resource_count": 2}, "identity resource_ids"),
        ({"resource_ids": ["file:1", envelope("file")], "resource_count": 2}, ""),
    ],
)
def test_identities_travel_in_envelopes(fields: dict[str, Any], expected: str) -> None:
    assert verdict(wire(**fields), is_stored=False) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tenant_id": None}, "required tenant_id"),
        ({"data_class": None}, "required data_class"),
        ({"user_id": envelope()}, "grammar user_id"),
        ({"user_id": "jane"}, "grammar user_id"),
        ({"source_ip": "192.0.2.7"}, "grammar source_ip"),
        ({"subject_id": "patient:1274"}, "grammar subject_id"),
        ({"resource_id": envelope("patient")}, "grammar resource_id"),
        ({**LEDGER, "index": -1}, "grammar index"),
        ({**LEDGER, "schema_version": 2}, "grammar schema_version"),
    ],
)
def test_refused_when_stored(fields: dict[str, Any], expected: str) -> None:
    assert verdict(stored(**fields), is_stored=True) == expected


@pytest.mark.parametrize(
    ("event_type", "absent", "expected"),
    [
        ("ai.call", "provider", "required provider"),
        ("ai.call", "api_dialect", "required api_dialect"),
        ("ai.call", "usage_state", "required usage_state"),
        ("ai.call", "safety_filter_triggered", "required safety_filter_triggered"),
        ("ai.attempt", "usage_state", "required usage_state"),
        ("ai.attempt", "safety_filter_triggered", ""),
        ("ai.intent", "usage_state", ""),
        ("ai.intent", "provider", "required provider"),
        ("http.request", "provider", ""),
    ],
)
def test_model_calls_have_their_own_required_fields(
    event_type: str, absent: str, expected: str
) -> None:
    record = model_call(event_type=event_type, **{absent: None})
    assert verdict(record, is_stored=True) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request_params", {"safety_identifier_present": 2}),
        ("request_params", {"top_k": 1}),
        ("prompt_injection_score", 1001),
        ("modality_in", ["text", "image"]),
        ("modality_in", ["smell"]),
        ("safety_categories", ["violence", "hate"]),
        ("finish_reasons", ["stop"] * 17),
        ("model_id", "gpt@4"),
        ("system_prompt_hash", HMAC),
        ("tool_names_hash", [HMAC] * 65),
        ("units", {"tokens": 1}),
    ],
)
def test_fields_of_model_calls_have_grammars_too(field: str, value: Any) -> None:
    assert verdict(model_call(**{field: value}), is_stored=True) == f"grammar {field}"


COUNTS = {"last_seq": 6, "seen": 9, "written": 7, "dropped": 0}
QUIET = {"http_method": None, "status_code": None}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"event_type": "producer.open", "producer_seq": 0, "mode": "durable"}, ""),
        (
            {
                "event_type": "producer.open",
                "producer_seq": 0,
                "mode": "strict",
                "previous_epoch": "0" * 32,
            },
            "",
        ),
        ({"event_type": "producer.open", "mode": "durable"}, "consistency producer_seq"),
        ({"event_type": "producer.open", "producer_seq": 0}, "required mode"),
        ({"event_type": "producer.heartbeat", **COUNTS}, ""),
        ({"event_type": "producer.close", **COUNTS}, ""),
        ({"event_type": "producer.close", **COUNTS, "seen": None}, "required seen"),
        ({"event_type": "producer.heartbeat", **COUNTS, "last_seq": 7}, "consistency last_seq"),
        ({"event_type": "producer.heartbeat", **COUNTS, "mode": "strict"}, "consistency mode"),
    ],
)
def test_producers_own_events(fields: dict[str, Any], expected: str) -> None:
    assert verdict(wire(**QUIET, **fields), is_stored=False) == expected


def fallback(**fields: Any) -> dict[str, Any]:
    required = {
        "action_type": "EXECUTE",
        "event_type": "recorder.fallback",
        "outcome": "unknown",
        "success": False,
        "user_id": "anonymous",
    }
    bare = dict.fromkeys(
        (
            "http_method",
            "latency_ms",
            "resource_id",
            "resource_type",
            "route",
            "source_ip",
            "source_net",
            "status_code",
            "subject_id",
            "user_agent",
        )
    )
    return wire(**(bare | required | fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ""),
        ({"dropped_fields": 1, "redactions": {"EMAIL": 1}, "clock_skew": True}, ""),
        ({"outcome": "error"}, "consistency outcome"),
        ({"route": "/"}, "consistency route"),
        ({"latency_ms": 3, "error_code": "x"}, "consistency error_code"),
    ],
)
def test_a_fallback_record_has_nothing_to_hide(fields: dict[str, Any], expected: str) -> None:
    assert verdict(fallback(**fields), is_stored=False) == expected


REGISTRY = Registry.compile(
    personal_types={"patient"},
    resource_grammars={"file": "[0-9]{4}"},
    ext_fields={"ward"},
    purposes={"x-teaching"},
    event_types={"x.door-opened"},
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"resource_id": "file:0042"}, ""),
        ({"resource_id": "file:42"}, "grammar resource_id"),
        ({"resource_id": "room:42"}, ""),
        ({"resource_id": "patient:1274"}, "identity resource_id"),
        ({"resource_id": f"patient:{PSEUDO}"}, "identity resource_id"),
        ({"ext": {"ward": "b2"}}, ""),
        ({"ext": {"bed": 2}}, "grammar ext"),
        ({"purpose_of_use": "x-teaching"}, ""),
        ({"purpose_of_use": "x-fun"}, "grammar purpose_of_use"),
        ({"event_type": "x.door-opened"}, ""),
        ({"event_type": "x.door-closed"}, "grammar event_type"),
    ],
)
def test_what_a_tenant_registered(fields: dict[str, Any], expected: str) -> None:
    assert verdict(wire(**fields), is_stored=False, registry=REGISTRY) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ""),
        ({"resource_id": "patient:1274"}, "grammar resource_id"),
        ({"resource_id": "file:42"}, "grammar resource_id"),
        ({"resource_ids": ["file:0042", f"patient:{PSEUDO}"], "resource_count": 2}, ""),
        ({"resource_ids": ["file:0042", "patient:1"], "resource_count": 2}, "grammar resource_ids"),
    ],
)
def test_what_a_tenant_registered_when_stored(fields: dict[str, Any], expected: str) -> None:
    assert verdict(stored(**fields), is_stored=True, registry=REGISTRY) == expected


def test_aliases_take_the_formats_names() -> None:
    given = {"action": "READ", "purpose": "treatment", "route": "/"}
    assert normalise(given) == {
        "action_type": "READ",
        "purpose_of_use": "treatment",
        "route": "/",
    }
    both = {"action": "READ", "action_type": "UPDATE"}
    assert normalise(both) == both


def test_a_verdict_shows_the_field_and_no_content() -> None:
    with pytest.raises(Invalid) as invalid:
        check_event(wire(user_agent="jane@example.com\n"), stored=False)
    assert invalid.value.problem()["field"] == "user_agent"
    assert "jane" not in str(invalid.value.problem())


def test_an_envelope_is_a_value() -> None:
    assert envelope("patient") == Envelope(c="Q" * 88, e="epoch-1", l="ab" * 32, t="patient")
    assert len({envelope(), envelope(), envelope("patient")}) == 2
