r"""JSON that servers write but no parser takes: `\xC3`, unquoted times, octets that are not UTF-8.

nginx's default escaping writes `\xHH`, which JSON does not know; formats put together by hand
leave `$time_local` and empty variables without quotes.
"""

import re
from typing import Any, Final, cast

import orjson

from auditroll.ingest.entry import Unreadable

__all__ = ["read_object"]

_HEX_RUN: Final = re.compile(rb"(?<!\\)((?:\\\\)*)((?:\\x[0-9A-Fa-f]{2})+)")
_UNQUOTED: Final = re.compile(
    rb"(?<=[:\[,])(\s*)([0-9]{1,2}/[A-Za-z]{3}/[0-9]{4}:[0-9:.]+(?: ?[+-][0-9]{4})?"
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,]+(?:Z|[+-][0-9:]{4,6})?"
    rb"|[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
    rb"|-)(?=\s*[,}\]])"
)
_MISSING: Final = re.compile(rb'(":\s*)(?=[,}])')


def read_object(line: bytes) -> dict[str, Any]:
    """Return the object in a line, repaired if it must be.

    Raises:
        Unreadable: `empty`, `syntax`, `not-an-object`.
    """
    if not line.strip():
        raise Unreadable("empty")
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _repaired(line)
    if not isinstance(value, dict):
        raise Unreadable("not-an-object")
    return cast("dict[str, Any]", value)


def _repaired(line: bytes) -> Any:
    line = line.strip().removeprefix(b"\xef\xbb\xbf")
    line = _HEX_RUN.sub(_as_text, line)
    line = _MISSING.sub(rb"\1null", _UNQUOTED.sub(rb'\1"\2"', line))
    try:
        line.decode()
    except UnicodeDecodeError:
        line = _as_utf8(line)
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        raise Unreadable("syntax") from None


def _as_text(match: re.Match[bytes]) -> bytes:
    """Return escaped octets as the characters they are: of UTF-8, else of Latin-1."""
    octets = bytes.fromhex(match[2].replace(b"\\x", b"").decode())
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    return match[1] + orjson.dumps(text)[1:-1]


def _as_utf8(line: bytes) -> bytes:
    """Return the line with each octet that is no UTF-8 as the Latin-1 character it may be."""
    text = line.decode("utf-8", "surrogateescape")
    return "".join(
        chr(ord(one) - 0xDC00) if "\udc80" <= one <= "\udcff" else one for one in text
    ).encode()
