"""The public API as mypy sees it, through programs."""

import re
import subprocess
import sys

import pytest
from tests.support import ROOT

pytestmark = pytest.mark.slow


def errors_of(program: str) -> dict[int, str]:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--hide-error-context"]
    done = subprocess.run(
        [*command, f"tests/typing/{program}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    found = re.findall(rf"tests/typing/{program}:(\d+): error: (.*)", done.stdout)
    assert found or done.returncode == 0, done.stdout + done.stderr
    return {int(line): message for line, message in found}


def test_a_program_as_users_write_it():
    assert errors_of("good.py") == {}


def test_mistakes_are_found_where_they_are():
    lines = (ROOT / "tests" / "typing" / "bad.py").read_text().splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith("# error")}
    assert errors_of("bad.py").keys() == marked
