"""The kill -9 loops together are as many as promised."""

import pytest

from tests.crash.runs import LOOPS, kills


def test_every_loop_together_kills_at_least_two_hundred_times() -> None:
    assert sum(loop.default for loop in LOOPS.values()) >= 200


@pytest.mark.parametrize("loop", LOOPS)
def test_a_full_run_is_longer(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDITROLL_CRASH_RUNS", raising=False)
    assert kills(loop) == LOOPS[loop].default
    monkeypatch.setenv("AUDITROLL_CRASH_RUNS", "1000")
    assert kills(loop) == LOOPS[loop].most > LOOPS[loop].default
