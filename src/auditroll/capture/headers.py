"""The few request headers that capture reads; no other header is looked at."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

__all__ = ["Headers", "read_headers", "scheme_of", "user_agent_text"]

_WANTED: Final = frozenset(
    {
        b"access-control-request-method",
        b"authorization",
        b"forwarded",
        b"traceparent",
        b"user-agent",
        b"x-forwarded-for",
        b"x-request-id",
    }
)
_MAX_AGENT_CHARS: Final = 256
_MAX_AGENT_OCTETS: Final = 4 * _MAX_AGENT_CHARS
_CONTROLS: Final = dict.fromkeys([*range(32), *range(127, 160)], " ")

Headers = dict[bytes, bytes]


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the wanted headers; one sent several times is joined by commas.

    Source: RFC 9110 section 5.3.
    """
    found: Headers = {}
    for name, value in headers:
        if name in _WANTED:
            found[name] = found[name] + b"," + value if name in found else value
    return found


def scheme_of(authorization: bytes) -> Literal["bearer", "basic", "other"]:
    """Return the kind of credential in an Authorization header, never the credential."""
    scheme = authorization[:7].lower()
    if scheme == b"bearer ":
        return "bearer"
    return "basic" if scheme.startswith(b"basic ") else "other"


def user_agent_text(value: bytes) -> str:
    """Return a user agent as one line of text, at most 256 characters."""
    return _agent_text(value[:_MAX_AGENT_OCTETS])


# Only the octets that can matter are a key: long ones must not fill the memory.
@lru_cache(1_024)
def _agent_text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        # The cut may have gone through a character.
        whole = len(value) == _MAX_AGENT_OCTETS and error.start >= _MAX_AGENT_OCTETS - 3
        text = value[: error.start].decode() if whole else value.decode("latin-1")
    return text.translate(_CONTROLS)[:_MAX_AGENT_CHARS]
