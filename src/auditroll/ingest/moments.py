"""Times as logs write them. A time without a zone is no instant and is refused."""

import datetime as dt
import re
from functools import lru_cache
from typing import Final

from auditroll.ingest.entry import Unreadable

__all__ = ["MAX_MS", "parse_moment", "parse_number"]

# 9999-12-31T23:59:59.999Z; earlier than 1970 no server logged.
MAX_MS: Final = 253_402_300_799_999

_CLF: Final = re.compile(
    r"([0-9]{1,2})/([A-Za-z]{3})/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r"(?: ?(Z|[+-][0-9]{2}:?[0-9]{2}))?"
)
_ISO: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r" ?(Z|z|UTC|[+-][0-9]{2}:?(?:[0-9]{2})?)?"
)
_NUMBER: Final = re.compile(r"[0-9]{9,19}(?:\.[0-9]+)?")
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}


@lru_cache(maxsize=4096)
def parse_moment(text: str) -> int:
    """Return the milliseconds since 1970 of `17/May/2015:10:05:03 +0000` or an ISO 8601 time.

    Seconds since 1970, also with a fraction, and milli-, micro- and nanoseconds are told apart by
    their size. A leap second counts as the last millisecond before the next second.

    Raises:
        Unreadable: `bad-time` or, without a zone, `no-zone`.

    Source: Apache mod_log_config `%t`; RFC 3339 section 5.6.
    """
    text = text.strip()
    if match := _CLF.fullmatch(text):
        day, month, year, *rest = match.groups()
        return _instant(year, str(_MONTHS.get(month.lower(), 0)), day, *rest)
    if match := _ISO.fullmatch(text):
        return _instant(*match.groups())
    if _NUMBER.fullmatch(text):
        return parse_number(float(text) if "." in text else int(text))
    raise Unreadable("bad-time")


def parse_number(value: float) -> int:
    """Return the milliseconds since 1970 of a number of seconds, or of smaller units.

    Raises:
        Unreadable: `bad-time`: before 1973 or after 9999.
    """
    for per_second in (1, 1_000, 1_000_000, 1_000_000_000):
        ms = int(value * 1_000) if per_second == 1 else int(value) * 1_000 // per_second
        if 100_000_000_000 <= ms < 10_000_000_000_000:
            return ms
    raise Unreadable("bad-time")


def _instant(
    year: str, month: str, day: str, hour: str, minute: str, second: str, fraction: str, zone: str
) -> int:
    if not zone:
        raise Unreadable("no-zone")
    leap = second == "60"
    try:
        local = dt.datetime(  # noqa: DTZ001  the zone is subtracted below
            int(year), int(month), int(day), int(hour), int(minute), 59 if leap else int(second)
        )
    except ValueError:
        raise Unreadable("bad-time") from None
    elapsed = local - dt.datetime(1970, 1, 1)  # noqa: DTZ001
    ms = 999 if leap else int((fraction or "0").ljust(3, "0")[:3])
    total = (elapsed.days * 86_400 + elapsed.seconds - _offset_s(zone)) * 1_000 + ms
    if not 0 <= total <= MAX_MS:
        raise Unreadable("bad-time")
    return total


def _offset_s(zone: str) -> int:
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 18 or minutes > 59:
        raise Unreadable("bad-time")
    return (hours * 3_600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
