"""TIME: exact milliseconds, one text."""

import pytest

from auditroll.event.times import MAX_MS, format_time, is_time, parse_time


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_790_000_000_037, "2026-09-21T14:13:20.037Z"),
        (951_827_696_789, "2000-02-29T12:34:56.789Z"),
        (MAX_MS, "9999-12-31T23:59:59.999Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_milliseconds_and_text_are_the_same_instant(ms: int, text: str) -> None:
    assert format_time(ms) == text
    assert parse_time(text) == ms
    assert is_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00.000123Z",
        "2026-01-01T00:00:00.000000000Z",
        "2026-01-01T00:00:00.00Z",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000z",
        "2026-01-01t00:00:00.000Z",
        "2026-01-01 00:00:00.000Z",
        "2026-01-01T00:00:00.000+00:00",
        "2026-01-01T00:00:00.000",
        "2026-01-01T00:00:00,000Z",
        "2026-01-01T00:00:00.000Z\n",
        "2026-13-01T00:00:00.000Z",
        "2026-02-30T00:00:00.000Z",
        "2025-02-29T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z",
        "2016-12-31T23:59:60.000Z",
        "0000-01-01T00:00:00.000Z",
        "\uff12026-01-01T00:00:00.000Z",
        "",
    ],
)
def test_anything_else_is_refused_never_rounded(text: str) -> None:
    assert not is_time(text)
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


@pytest.mark.parametrize("ms", [MAX_MS + 1, -62_135_596_800_001])
def test_years_have_four_digits(ms: int) -> None:
    with pytest.raises(ValueError, match="years"):
        format_time(ms)
