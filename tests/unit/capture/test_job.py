import asyncio

import pytest

from auditroll.capture.address import AddressPolicy
from auditroll.capture.audit import audit, process
from auditroll.capture.capture import Capture, Settings
from auditroll.capture.context import Context, current
from auditroll.capture.propagation import parse_traceparent
from auditroll.capture.routes import RouteTable
from auditroll.capture.templates import RouteIndex
from auditroll.errors import PolicyError
from tests.unit.capture.harness import KEYED, ListRecorder

RID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE = f"00-{RID}-00f067aa0ba902b7-01"


@pytest.fixture
def recorder(monkeypatch):
    recorder = ListRecorder()
    capture = Capture(recorder, KEYED, Settings(RouteTable({}), AddressPolicy()), RouteIndex(None))
    monkeypatch.setattr(process, "capture", capture)
    monkeypatch.setattr(process, "service", "worker")
    return recorder


def carried_by(user, trace=None):
    context = Context(RID, parse_traceparent(trace) if trace else None)
    token = current.set(context)
    try:
        if user:
            audit.actor(user)
        return audit.carry()
    finally:
        current.reset(token)


def test_a_job_joins_the_request_that_caused_it(recorder):
    with audit.job("send-reminder", carried_by("dr.lee@clinic.example", TRACE)):
        audit.resource("appointment", "a-1")
        assert audit.headers() == {"x-request-id": RID, "traceparent": TRACE}
    record = recorder.only
    assert record["event_type"] == "job.run"
    assert record["request_id"] == RID
    assert record["trace_id"] == RID
    assert record["route"] == "/jobs/send-reminder"
    assert record["user_id"] == "service:worker"
    assert record["actor_type"] == "system"
    assert record["resource_id"] == "appointment:a-1"
    assert (record["outcome"], record["success"]) == ("ok", True)
    assert record["on_behalf_of"] == KEYED.of(b"dr.lee@clinic.example")


def test_what_is_carried_holds_no_identity(recorder):
    carried = carried_by("dr.lee@clinic.example")
    assert "lee" not in str(carried)
    assert all(isinstance(value, str) and value.isascii() for value in carried.values())


@pytest.mark.parametrize("user", [None, "anonymous"])
def test_nobody_is_carried_as_nobody(recorder, user):
    carried = carried_by(user)
    assert carried == {"x-request-id": RID}
    with audit.job("clean-up", carried):
        pass
    assert "on_behalf_of" not in recorder.only


@pytest.mark.parametrize(
    "carried",
    [None, {}, {"x-request-id": "jane@example.com", "traceparent": "x"}],
)
def test_a_job_nobody_caused_has_an_id_of_its_own(recorder, carried):
    with audit.job("clean-up", carried):
        pass
    record = recorder.only
    assert record["request_id"] != RID
    assert "on_behalf_of" not in record
    assert "jane" not in str(record)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(ValueError, "error"), (asyncio.CancelledError, "aborted_server")],
)
def test_a_job_that_fails_is_recorded_and_fails(recorder, error, outcome):
    with pytest.raises(error), audit.job("send-reminder"):
        raise error
    assert (recorder.only["outcome"], recorder.only["success"]) == (outcome, False)
    assert current.get() is None


def test_a_process_that_records_nothing_says_so(monkeypatch):
    monkeypatch.setattr(process, "capture", None)
    with pytest.raises(PolicyError) as caught, audit.job("send-reminder"):
        pass
    assert caught.value.code == "not-instrumented"
