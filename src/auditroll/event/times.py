"""Instants: integer milliseconds inside, one text form at the edges."""

import datetime as dt
import re
from functools import lru_cache
from typing import Final

__all__ = ["MAX_MS", "format_time", "is_time", "parse_time"]

_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})Z"
)
MAX_MS: Final = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
_MIN_MS: Final = -62_135_596_800_000  # 0001-01-01T00:00:00.000Z


def format_time(ms: int) -> str:
    """Return the TIME text of an instant.

    Args:
        ms: Milliseconds since 1970-01-01T00:00:00Z, within the years 0001 to 9999.

    Raises:
        ValueError: Out of range.

    Source: RFC 3339 section 5.6, profile of format reference section 3.
    """
    second, rest = divmod(ms, 1000)
    return f"{_second_text(second)}.{rest:03d}Z"


def parse_time(text: str) -> int:
    """Return the milliseconds since 1970-01-01T00:00:00Z of a TIME text.

    Raises:
        ValueError: Not a TIME, or no real instant (month 13, 30 February, second 60).
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("not a TIME")
    return _second_of(text[:19]) * 1000 + int(match[7])


def is_time(text: str) -> bool:
    """Tell whether `text` is a TIME and a real instant; `parse_time` without the number."""
    return _TIME.fullmatch(text) is not None and _is_second(text[:19])


@lru_cache(maxsize=4096)
def _second_text(second: int) -> str:
    if not _MIN_MS // 1000 <= second <= MAX_MS // 1000:
        raise ValueError("out of the years 0001 to 9999")
    instant = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=second)  # noqa: DTZ001
    return instant.isoformat(timespec="seconds")


@lru_cache(maxsize=4096)
def _second_of(text: str) -> int:
    instant = dt.datetime.fromisoformat(text)
    delta = instant - dt.datetime(1970, 1, 1)  # noqa: DTZ001
    return delta.days * 86_400 + delta.seconds


@lru_cache(maxsize=4096)
def _is_second(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
