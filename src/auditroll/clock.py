"""The one place that reads the wall clock."""

import time

__all__ = ["now_ms"]


def now_ms() -> int:
    """Return the current time in milliseconds since 1970-01-01T00:00:00Z."""
    return time.time_ns() // 1_000_000
