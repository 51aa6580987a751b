"""Times as logs write them."""

import pytest

from auditroll.ingest.entry import Unreadable
from auditroll.ingest.moments import parse_moment, parse_number

NOON = 1_467_201_600_000  # 2016-06-29T12:00:00Z


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("29/Jun/2016:12:00:00 +0000", NOON),
        ("29/jun/2016:14:00:00 +0200", NOON),
        ("29/Jun/2016:08:30:00 -0330", NOON),
        ("29/Jun/2016:12:00:00.123456 +0000", NOON + 123),
        ("2016-06-29T12:00:00Z", NOON),
        ("2016-06-29t12:00:00.5z", NOON + 500),
        ("2016-06-29 12:00:00,999 UTC", NOON + 999),
        ("2016-06-29T14:00:00+02", NOON),
        ("2016-06-29T14:00:00.000+02:00", NOON),
        (" 1467201600 ", NOON),
        ("1467201600.250", NOON + 250),
        ("1467201600123", NOON + 123),
        ("1467201600123456", NOON + 123),
        ("1467201600123456789", NOON + 123),
        ("2016-12-31T23:59:60Z", 1_483_228_799_999),
    ],
)
def test_instants(text: str, ms: int) -> None:
    assert parse_moment(text) == ms


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("29/Jun/2016:12:00:00", "no-zone"),
        ("2016-06-29T12:00:00", "no-zone"),
        ("29/Foo/2016:12:00:00 +0000", "bad-time"),
        ("30/Feb/2016:12:00:00 +0000", "bad-time"),
        ("2016-06-29T25:00:00Z", "bad-time"),
        ("2016-06-29T12:00:00+99:00", "bad-time"),
        ("1960-06-29T12:00:00Z", "bad-time"),
        ("yesterday", "bad-time"),
        ("12345", "bad-time"),
        ("", "bad-time"),
    ],
)
def test_what_is_no_instant(text: str, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse_moment(text)
    assert caught.value.code == code


def test_numbers() -> None:
    assert parse_number(1_467_201_600.25) == NOON + 250
    with pytest.raises(Unreadable):
        parse_number(5)
