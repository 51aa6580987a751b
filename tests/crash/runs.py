"""How often a crash loop runs: few times in CI, 1,000 by `make test-crash`."""

import os


def crash_runs(default: int, *, of: int = 1000, most: int = 1000) -> int:
    """Return the number of runs.

    Args:
        default: Without `AUDITROLL_CRASH_RUNS`.
        of: What a full run asks for.
        most: What this loop, whose rounds are slow, does of a full run.
    """
    asked = int(os.environ.get("AUDITROLL_CRASH_RUNS", "0"))
    return max(default, asked * most // of) if asked else default
