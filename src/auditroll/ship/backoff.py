"""When to try again: full jitter, so that a thousand producers do not come back together."""

import secrets
import time
from email.utils import parsedate_to_datetime

from auditroll.clock import now_ms
from auditroll.ship.tuning import Tuning

__all__ = ["Backoff", "retry_after_s"]


class Backoff:
    """Waits that double up to a bound, each a random part of the whole.

    There is no last attempt: records wait on the disk, whose size is the only limit.

    Args:
        tuning: First and longest wait.
    """

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self.failures = 0
        self._until = 0.0

    def left_s(self) -> float:
        """Return how long to wait still."""
        return max(0.0, self._until - time.monotonic())

    def fail(self, asked_s: float = 0.0) -> None:
        """Wait from now on.

        Args:
            asked_s: Wait at least this long, because the collector asked for it.
        """
        tuning = self._tuning
        bound = min(tuning.longest_wait_s, tuning.first_wait_s * 2 ** min(self.failures, 30))
        self.failures += 1
        jitter = secrets.SystemRandom().uniform(0, bound)
        self._until = time.monotonic() + min(asked_s, tuning.retry_after_s) + jitter

    def succeed(self) -> None:
        """Wait no more."""
        self.failures = 0
        self._until = 0.0


def retry_after_s(header: str) -> float:
    """Return the seconds that a `Retry-After` header asks for, 0 when it says nothing.

    Source: RFC 9110 section 10.2.3.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at_ms = parsedate_to_datetime(text).timestamp() * 1000
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return max(0.0, (at_ms - now_ms()) / 1000)
