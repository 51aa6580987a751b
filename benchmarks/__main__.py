"""Run every benchmark in a process of its own and write the page."""

import argparse
import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.report import machine

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "benchmarks.md"
SUITES = ("middleware", "collector", "verify", "query", "redact")
TIMEOUT_S = 3600


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help="default: all")
    parser.add_argument("--quick", action="store_true", help="short runs")
    arguments = parser.parse_args()
    suites = [suite for suite in SUITES if not arguments.suites or suite in arguments.suites]
    sections: list[str] = []
    for suite in suites:
        command = [sys.executable, "-m", f"benchmarks.{suite}"]
        command += ["--quick"] if arguments.quick else []
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        sys.stdout.write(done.stdout)
        if done.returncode:
            sys.stderr.write(done.stderr)
            return 1
        sections.append(done.stdout.strip() + "\n")
    if len(suites) == len(SUITES):
        PAGE.write_text(_intro(quick=arguments.quick) + "\n".join(sections), encoding="utf-8")
    return 0


def _intro(*, quick: bool) -> str:
    day = dt.datetime.now(dt.UTC).date().isoformat()
    load = os.getloadavg()[1]
    command = "make bench QUICK=--quick" if quick else "make bench"
    runs = "Short runs: read orders of magnitude. " if quick else ""
    return (
        f"# Benchmarks\n\nMeasured {day} on {machine()}, by `{command}`; load average {load:.1f} "
        f"at the end. {runs}The machine is shared and noisy: read medians and ratios within one "
        "run, not single figures.\n\n"
    )


if __name__ == "__main__":
    sys.exit(main())
