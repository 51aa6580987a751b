"""What becomes of each field on its way into a record."""

import enum
from http import HTTPStatus
from typing import Any

import pytest

from auditroll.event import Envelope, Event, as_record
from auditroll.recorder.build import Builder
from tests.unit.recorder.support import CREDENTIAL, REQUEST, checked, opened

EPOCH = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def builder() -> Builder:
    return Builder(CREDENTIAL, "frontdesk", "test")


def record(builder: Builder, **fields: Any) -> dict[str, Any]:
    event = builder.build(REQUEST | fields)
    return checked(builder.line(event, EPOCH, 7))


def test_a_request_becomes_a_valid_line(builder: Builder) -> None:
    found = record(builder)
    kept = {
        name: value
        for name, value in REQUEST.items()
        if name not in {"user_id", "source_ip", "resource_id"}
    }
    assert kept.items() <= found.items()
    assert opened(found["user_id"], "user") == "dr.jörg"
    assert opened(found["source_ip"], "ip") == "203.0.113.7"
    assert opened(found["resource_id"], "entity") == "patient:1274"
    assert found["resource_id"].t == "patient"
    assert (found["producer_epoch"], found["producer_seq"]) == (EPOCH, 7)
    assert "dropped_fields" not in found


def test_no_identity_is_readable_in_a_line(builder: Builder) -> None:
    event = builder.build(REQUEST | {"on_behalf_of": "jane.doe", "subject_id": "person:ssn-1"})
    line = builder.line(event, EPOCH, 0)
    for identity in ("dr.jörg", "jane.doe", "203.0.113.7", "1274", "ssn-1"):
        assert identity.encode() not in line


def test_one_identity_has_one_envelope(builder: Builder) -> None:
    assert record(builder)["user_id"] == record(builder)["user_id"]
    assert record(builder)["user_id"].l != record(builder, user_id="other")["user_id"].l


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nonsense", 1),
        ("note", "by hand"),
        ("tenant_id", "another"),
        ("producer_id", "another"),
        ("data_class", "forever"),
        ("producer_seq", 3),
        ("event_id", "x"),
        ("service_name", "another"),
        ("route", "/patients/jane@example.com"),
        ("route", "/patients\n"),
        ("user_role", "a b"),
        ("latency_ms", -1),
        ("latency_ms", 1.5),
        ("bytes_in", True),
        ("trace_id", "0" * 32),
        ("source_ip", "jane@example.com"),
        ("source_ip", "fe80::1%eth0"),
        ("resource_id", "1274"),
        ("resource_ids", []),
        ("resource_ids", "patient:1"),
        ("on_behalf_of", "anonymous"),
        ("user_id", ""),
        ("ext", {"a": "free text with spaces"}),
        ("redactions", {"x": 1}),
        ("dropped_fields", -1),
        ("cut_fields", {"a": "b"}),
        ("last_seq", 1),
    ],
)
def test_what_may_not_stand_in_a_record_is_counted(builder: Builder, name: str, value: Any) -> None:
    found = record(builder, **{name: value})
    assert found["dropped_fields"] == 1
    assert found.get(name) != value


def test_absent_values_are_not_counted(builder: Builder) -> None:
    assert "dropped_fields" not in record(builder, error_code=None)


def test_aliases(builder: Builder) -> None:
    found = record(builder, purpose="treatment", action="EXPORT")
    assert found["purpose_of_use"] == "treatment"
    assert found["action_type"] == "EXPORT"


def test_relatives_of_json_types(builder: Builder) -> None:
    class Role(enum.StrEnum):
        PHYSICIAN = "physician"

    found = record(
        builder,
        user_role=Role.PHYSICIAN,
        status_code=HTTPStatus.NOT_FOUND,
        changed_fields=("dose", "name"),
        ext={"b": True, "a": 1},
        user_id=1274,
    )
    assert found["user_role"] == "physician"
    assert found["status_code"] == 404
    assert found["changed_fields"] == ["dose", "name"]
    assert list(found["ext"]) == ["a", "b"]
    assert opened(found["user_id"], "user") == "1274"
    assert "dropped_fields" not in found


@pytest.mark.parametrize(
    ("status", "outcome", "expected"),
    [
        (200, "ok", ("ok", True)),
        (200, "aborted_client", ("aborted_client", False)),
        (403, "ok", ("denied", False)),
        (401, "error", ("denied", False)),
        (500, "ok", ("error", False)),
        (200, "nonsense", ("ok", True)),
        (404, "unknown", ("unknown", False)),
    ],
)
def test_outcome_and_status_agree(
    builder: Builder, status: int, outcome: str, expected: tuple[str, bool]
) -> None:
    found = record(builder, status_code=status, outcome=outcome)
    assert (found["outcome"], found["success"]) == expected


def test_companions_are_added_or_the_field_goes(builder: Builder) -> None:
    fields = {name: value for name, value in REQUEST.items() if name != "resource_type"}
    found = checked(builder.line(builder.build(fields), EPOCH, 0))
    assert found["resource_type"] == "patient"

    found = record(builder, resource_id=None, resource_ids=["order:1", "order:2"])
    assert found["resource_count"] == 2
    found = record(builder, status_code=None)
    assert "http_method" not in found
    found = record(builder, part=2)
    assert "part" not in found
    found = record(builder, part=3, parts=2)
    assert "parts" not in found
    found = record(builder, purpose_of_use="break-glass")
    assert "purpose_of_use" not in found
    found = record(builder, purpose_of_use="break-glass", justification_ref="INC-1")
    assert found["purpose_of_use"] == "break-glass"


@pytest.mark.parametrize(
    ("reference", "clear"),
    [
        ("order:1274", True),
        ("order:A1", False),
        ("invoice:88-AB.c", True),
        ("invoice:0190a0b0-0000-7000-8000-000000000000", True),
        ("invoice:4111111111111111", False),
        ("invoice:jane@example.com", False),
        ("invoice:Jane Doe", False),
        ("patient:1274", False),
    ],
)
def test_only_opaque_ids_stand_in_clear(builder: Builder, reference: str, *, clear: bool) -> None:
    for _ in range(2):
        found = record(builder, resource_type=None, resource_id=reference)["resource_id"]
        assert (found == reference) is clear
        if not clear:
            assert opened(found, "entity") == reference


def test_a_detector_hit_is_counted_every_time(builder: Builder) -> None:
    for _ in range(2):
        found = record(builder, resource_type=None, resource_id="invoice:4111111111111111")
        assert sum(found["redactions"].values()) == 1


def test_addresses_are_normal(builder: Builder) -> None:
    for text, normal in [
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
    ]:
        assert opened(record(builder, source_ip=text)["source_ip"], "ip") == normal


def test_a_forged_line_in_a_user_agent_stays_one_line(builder: Builder) -> None:
    forged = 'Mozilla/5.0\r\n{"event_type":"auth.login"} jane@example.com'
    event = builder.build(REQUEST | {"user_agent": forged})
    line = builder.line(event, EPOCH, 0)
    assert b"\n" not in line
    assert b"jane@example.com" not in line
    found = checked(line)
    assert found["redactions"] == {"EMAIL": 1}
    assert found["event_type"] == "http.request"


def test_counts_are_added_up(builder: Builder) -> None:
    found = record(
        builder,
        redactions={"FORWARDED_ADDRESS": 1, "EMAIL": 2},
        dropped_fields=3,
        user_agent="x jane@example.com",
        nonsense=1,
    )
    assert found["redactions"] == {"EMAIL": 3, "FORWARDED_ADDRESS": 1}
    assert found["dropped_fields"] == 4


def test_times_that_are_none_are_replaced(builder: Builder) -> None:
    assert record(builder)["timestamp"] == REQUEST["timestamp"]
    for wrong in ("2026-13-01T00:00:00.000Z", 12, "yesterday"):
        assert record(builder, timestamp=wrong)["timestamp"] > "2026"


@pytest.mark.parametrize(
    "identity", ["x" * 513, "ö" * 300, "a\ud800b", "\0" * 600], ids=["long", "wide", "lone", "nul"]
)
def test_identities_that_no_envelope_holds_are_cut_with_a_mark(
    builder: Builder, identity: str
) -> None:
    found = record(builder, user_id=identity)
    assert found["cut_fields"]["user_id"].startswith("hmac:k1:")
    assert len(opened(found["user_id"], "user").encode()) <= 512


def test_a_list_beyond_a_hundred_is_cut_with_a_mark(builder: Builder) -> None:
    ids = [f"order:{number}" for number in range(150)]
    found = record(builder, resource_type="order", resource_id=None, resource_ids=ids)
    assert found["resource_ids"] == ids[:100]
    assert "resource_ids" in found["cut_fields"]


def test_a_line_too_long_is_cut_never_dropped(builder: Builder) -> None:
    ids = [f"patient:{number:03d}{'x' * 480}" for number in range(100)]
    event = builder.build(
        REQUEST | {"resource_id": None, "resource_ids": ids, "resource_count": 100}
    )
    line = builder.line(event, EPOCH, 2**53 - 1)
    assert 20_000 < len(line) <= 64_512
    found = checked(line)
    assert 0 < len(found["resource_ids"]) < 100
    assert [opened(one, "entity") for one in found["resource_ids"]] == ids[
        : len(found["resource_ids"])
    ]
    assert found["cut_fields"]["resource_ids"].startswith("hmac:k1:")
    assert found["resource_count"] == 100


def test_the_recorders_own_types_cannot_be_forged(builder: Builder) -> None:
    for fields in (
        {"event_type": "producer.close"},
        {"event_type": "ai.call"},
        {"event_type": None},
        {"event_type": "no such"},
    ):
        with pytest.raises((ValueError, KeyError)):
            builder.build(REQUEST | fields)


def test_a_fallback_stands_whatever_was_wrong(builder: Builder) -> None:
    class Broken(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise RuntimeError

        def __getitem__(self, _: Any) -> Any:
            raise RuntimeError

    for fields in (REQUEST, {}, Broken(), {"action_type": object(), "request_id": 5}):
        event = builder.fallback(fields)
        found = checked(builder.line(event, EPOCH, 0))
        assert (found["event_type"], found["outcome"]) == ("recorder.fallback", "unknown")
    kept = as_record(builder.fallback(REQUEST))
    assert kept["request_id"] == REQUEST["request_id"]
    assert kept["timestamp"] == REQUEST["timestamp"]
    assert kept["action_type"] == "READ"


def test_a_carried_user_is_believed_only_from_us(builder: Builder) -> None:
    text = builder.identities.carry("dr.jörg")
    assert "jörg" not in text
    found = record(builder, on_behalf_of=text)
    assert opened(found["on_behalf_of"], "user") == "dr.jörg"
    for forged in (text[:-5] + "AAAA=", "auditroll-sealed:", "auditroll-sealed:@@@"):
        found = record(builder, on_behalf_of=forged)
        assert opened(found["on_behalf_of"], "user") == forged


def test_envelopes_pass_as_they_are(builder: Builder) -> None:
    sealed = builder.identities.user("x")
    entity = builder.identities.entity("patient:1")
    found = record(builder, user_id=sealed, subject_id=entity, resource_id=entity, source_ip=sealed)
    assert found["user_id"] == sealed
    assert found["subject_id"] == found["resource_id"] == entity
    assert isinstance(builder.build(REQUEST), Event)
    assert isinstance(sealed, Envelope)
