"""The second look: what is redacted, what is quarantined, what is left alone."""

import pytest

from auditroll.collect.screen import Screen
from auditroll.event import Envelope, Event
from tests.unit.collect.support import event

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/18.0.855.0 Safari/537.36"


def examine(*events: Event, declared: tuple[str, ...] = ()) -> dict[int, str]:
    return Screen().examine(events, declared)


def test_personal_data_in_a_user_agent_becomes_a_marker() -> None:
    sent = event(0, user_agent="curl/8 jane.doe@example.com", redactions={"EMAIL": 1, "CARD": 1})
    assert examine(event(1), sent) == {}
    assert sent.user_agent == "curl/8 [REDACTED:EMAIL]"
    assert sent.redactions == {"CARD": 1, "EMAIL": 2}


def test_an_ordinary_user_agent_is_left_alone() -> None:
    sent = event(0, user_agent=AGENT)
    screen = Screen()
    for _ in range(2):
        assert screen.examine([sent], ()) == {}
        assert sent.user_agent == AGENT


@pytest.mark.parametrize(
    "fields",
    [
        {"resource_type": "person", "resource_id": "person:123-45-6789"},
        {"resource_type": "person", "resource_ids": ["person:1", "person:123-45-6789"]},
        {"upstream_request_id": "4111111111111111"},
        {"route": "/users/123-45-6789"},
        {"error_code": "user_123-45-6789"},
        {"ext": {"ref": "person:123-45-6789"}},
    ],
)
def test_a_hit_where_no_marker_fits_quarantines(fields: dict[str, object]) -> None:
    assert examine(event(0), event(1, **fields), event(2)) == {1: "pii"}


@pytest.mark.parametrize(
    "fields",
    [
        {"resource_type": "order", "resource_id": "order:1789000000007"},
        {"resource_type": "order", "resource_id": "order:6f1c9a52-31d0-7b44-9c1e-0123456789ab"},
        {"upstream_request_id": "hosted-eu-20260812-09"},
        {"route": "/v1/patients/{pid}/visits"},
        {"resource_type": "patient", "resource_id": Envelope(c="x", e="y", l="z", t="patient")},
    ],
)
def test_opaque_values_pass(fields: dict[str, object]) -> None:
    assert examine(event(0, **fields)) == {}


def test_ids_of_a_type_with_a_grammar_are_not_scanned() -> None:
    sent = event(0, resource_type="invoice", resource_id="invoice:123-45-6789")
    assert examine(sent) == {0: "pii"}
    assert examine(sent, declared=("invoice",)) == {}


def test_the_memory_of_clean_values_is_bounded() -> None:
    screen = Screen(limit=2)
    for number in range(10):
        screen.examine([event(0, user_agent=f"agent/{number}")], ())
    assert len(screen._clean) <= 2
