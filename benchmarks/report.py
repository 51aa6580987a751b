"""How measurements are printed: one Markdown section each."""

import os
import platform
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["Section", "cpu_seconds", "machine", "median_spread"]


class Section:
    """One section of the benchmarks page, printed as it grows.

    Args:
        title: Its heading.
        method: How it was measured and what survives what.
    """

    def __init__(self, title: str, method: str) -> None:
        self._rows: list[str] = []
        self._say(f"## {title}\n\n{method}\n")

    def head(self, *columns: str) -> None:
        """Begin a table."""
        self._say("| " + " | ".join(columns) + " |")
        self._say("|" + "---|" * len(columns))

    def row(self, *cells: object) -> None:
        """Add a row."""
        self._say("| " + " | ".join(str(cell) for cell in cells) + " |")

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._say(f"\n{text}\n")

    def _say(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def machine() -> str:
    """One line about the machine."""
    return (
        f"{os.cpu_count()} shared cores, {platform.machine()}, Python {platform.python_version()}, "
        f"{platform.system()}"
    )


def median_spread(values: Sequence[float], form: Callable[[float], str] = "{:,.1f}".format) -> str:
    """Median, with least and greatest in brackets."""
    return f"{form(statistics.median(values))} ({form(min(values))} to {form(max(values))})"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its waited-for children, user and system."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return sum(int(fields[at]) for at in (11, 12)) / os.sysconf("SC_CLK_TCK")
