"""How often each kill -9 loop runs: in CI 200 kills together, more by `make test-crash`."""

import os
from typing import Final, NamedTuple

__all__ = ["LOOPS", "crash_runs", "kills"]


class Loop(NamedTuple):
    """A loop that kills a real process once a round.

    Args:
        default: Rounds without `AUDITROLL_CRASH_RUNS`.
        most: Rounds of a full run of 1,000, fewer where a round takes seconds.
    """

    default: int
    most: int


LOOPS: Final = {
    "producer": Loop(120, 1000),
    "producer-shipping": Loop(30, 250),
    "producer-collector": Loop(30, 250),
    "sequencer": Loop(12, 200),
    "server": Loop(10, 60),
}


def kills(loop: str) -> int:
    """Return how many rounds a loop of `LOOPS` runs."""
    return crash_runs(LOOPS[loop].default, most=LOOPS[loop].most)


def crash_runs(default: int, *, of: int = 1000, most: int = 1000) -> int:
    """Return the number of runs.

    Args:
        default: Without `AUDITROLL_CRASH_RUNS`.
        of: What a full run asks for.
        most: What this loop, whose rounds are slow, does of a full run.
    """
    asked = int(os.environ.get("AUDITROLL_CRASH_RUNS", "0"))
    return max(default, asked * most // of) if asked else default
