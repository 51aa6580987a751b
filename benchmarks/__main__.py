"""Run every benchmark in a process of its own and write the page."""

import argparse
import datetime as dt
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
    parser.add_argument("--quick", action="store_true", help="short runs; nothing is written")
    arguments = parser.parse_args()
    suites = [suite for suite in SUITES if not arguments.suites or suite in arguments.suites]
    sections: list[str] = []
    for suite in suites:
        command = [sys.executable, "-m", f"benchmarks.{suite}"]
        command += ["--quick"] if arguments.quick else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        sys.stdout.write(done.stdout)
        if done.returncode:
            sys.stderr.write(done.stderr)
            return 1
        sections.append(done.stdout)
    if not arguments.quick and len(suites) == len(SUITES):
        day = dt.datetime.now(dt.UTC).date().isoformat()
        intro = (
            f"# Benchmarks\n\nMeasured {day} on {machine()}, by `make bench`. The machine is "
            "shared and noisy: read medians and ratios within one run, not single figures.\n\n"
        )
        PAGE.write_text(intro + "\n".join(sections), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
