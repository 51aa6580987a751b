"""Request ids and traces: what is believed from outside, and what is handed on."""

import os
import re
from typing import Final, NamedTuple

__all__ = ["Trace", "new_request_id", "parse_traceparent", "request_id_of", "upstream_id_of"]

_RID = re.compile(
    "[0-9a-f]{32}"
    "|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    "|1-[0-9a-f]{8}-[0-9a-f]{24}"
)
_UPSTREAM = re.compile(r"[A-Za-z0-9_.:=+-]{1,128}")
_TRACEPARENT = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_BLOCK: Final = 256  # ids made from one read of the system's random source


class Trace(NamedTuple):
    """A W3C trace context as it came in; handed on unchanged, because we add no span.

    Args:
        trace_id: 32 hex digits, not all zero.
        span_id: 16 hex digits, not all zero: the caller's span.
        header: The whole header.
    """

    trace_id: str
    span_id: str
    header: str


class _Ids:
    """Random ids; one system call gives many."""

    def __init__(self) -> None:
        self._left: list[str] = []
        # A forked child would hand out its parent's ids again.
        os.register_at_fork(after_in_child=self._left.clear)

    def next(self) -> str:
        try:
            return self._left.pop()
        except IndexError:
            digits = os.urandom(16 * _BLOCK).hex()
            self._left.extend(digits[i : i + 32] for i in range(32, len(digits), 32))
            return digits[:32]


new_request_id: Final = _Ids().next


def request_id_of(text: str) -> str | None:
    """Return a request id that a trusted peer sent, None when it is none of ours to keep."""
    return text if _RID.fullmatch(text) else None


def upstream_id_of(text: str) -> str | None:
    """Return a client's own id if it fits the record's grammar."""
    return text if _UPSTREAM.fullmatch(text) else None


def parse_traceparent(text: str) -> Trace | None:
    """Return the trace context of a header, None when it is not exactly version 00.

    Source: W3C Trace Context section 3.2.
    """
    match = _TRACEPARENT.fullmatch(text)
    if match is None or not match[1].strip("0") or not match[2].strip("0"):
        return None
    return Trace(match[1], match[2], text)
