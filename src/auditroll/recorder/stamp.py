"""Ids and times of events, cheap enough for every request."""

import os
from typing import Final

from auditroll.clock import now_ms
from auditroll.event import format_time, parse_time, request_id, uuid7

__all__ = ["Stamps"]

_BLOCK: Final = 256
_OCTETS: Final = 16


class Stamps:
    """Mints ids; one read of the system's random source serves many."""

    def __init__(self) -> None:
        self._random: list[bytes] = []
        # A forked child would hand out its parent's ids again.
        os.register_at_fork(after_in_child=self._random.clear)

    def request_id(self) -> str:
        """Return a new request id."""
        return request_id(self._draw())

    def stamp(self, timestamp: object) -> tuple[str, str]:
        """Return an event's time and its id.

        Args:
            timestamp: TIME that the caller measured; anything else is replaced by the present.
        """
        if isinstance(timestamp, str):
            try:
                return timestamp, uuid7(parse_time(timestamp), self._draw())
            except ValueError:
                pass
        now = now_ms()
        return format_time(now), uuid7(now, self._draw())

    def _draw(self) -> bytes:
        try:
            # One operation of the interpreter: no two threads get the same octets.
            return self._random.pop()
        except IndexError:
            octets = os.urandom(_OCTETS * _BLOCK)
            starts = range(_OCTETS, len(octets), _OCTETS)
            self._random.extend(octets[start : start + _OCTETS] for start in starts)
            return octets[:_OCTETS]
