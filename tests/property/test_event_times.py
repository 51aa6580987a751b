"""Instants are exact milliseconds in both directions; finer input is refused, not cut."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditroll.event.grammar import GRAMMARS
from auditroll.event.ids import uuid7
from auditroll.event.times import MAX_MS, format_time, is_time, parse_time

instants = st.integers(-62_135_596_800_000, MAX_MS)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@given(instants)
def test_milliseconds_survive_the_text(ms: int) -> None:
    text = format_time(ms)
    assert parse_time(text) == ms
    assert is_time(text)


@given(instants)
def test_the_text_is_the_standard_librarys(ms: int) -> None:
    moment = EPOCH + dt.timedelta(milliseconds=ms)
    assert format_time(ms) == moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@given(instants, instants)
def test_texts_sort_as_instants(one: int, two: int) -> None:
    assert (format_time(one) < format_time(two)) is (one < two)


@given(instants, st.text("0123456789", min_size=1, max_size=6))
def test_finer_than_a_millisecond_is_refused_never_cut(ms: int, more: str) -> None:
    with pytest.raises(ValueError, match="TIME"):
        parse_time(format_time(ms)[:-1] + more + "Z")


@given(st.text(max_size=30) | st.from_regex(r"[0-9T:.Z-]{20,26}", fullmatch=True))
def test_is_time_and_parse_time_agree(text: str) -> None:
    try:
        ms = parse_time(text)
    except ValueError:
        assert not is_time(text)
    else:
        assert is_time(text)
        assert format_time(ms) == text


@given(st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=16))
def test_uuid7_holds_its_time(ms: int, octets: bytes) -> None:
    text = uuid7(ms, octets)
    assert GRAMMARS["UUID7"](text)
    assert int(text[:8] + text[9:13], 16) == ms
