"""Identifiers from a time and random octets."""

import uuid

import pytest

from auditroll.event.grammar import GRAMMARS
from auditroll.event.ids import request_id, uuid7


def test_uuid7_holds_its_time_and_its_random_octets() -> None:
    text = uuid7(1_790_000_000_037, bytes(range(10)))
    assert GRAMMARS["UUID7"](text)
    parsed = uuid.UUID(text)
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == 1_790_000_000_037


def test_later_sorts_later() -> None:
    assert uuid7(5, b"\xff" * 10) < uuid7(6, bytes(10))


@pytest.mark.parametrize(("ms", "octets"), [(0, 9), (-1, 10), (1 << 48, 10)])
def test_uuid7_refuses_what_does_not_fit(ms: int, octets: int) -> None:
    with pytest.raises(ValueError, match="uuid7"):
        uuid7(ms, bytes(octets))


def test_request_id() -> None:
    assert request_id(bytes(range(16))) == "000102030405060708090a0b0c0d0e0f"
    with pytest.raises(ValueError, match="16"):
        request_id(bytes(15))
