"""How the commands print."""

import sys
from collections.abc import Sequence
from typing import Any

import orjson

__all__ = ["Table", "print_json", "print_table", "printable"]


def print_json(value: Any) -> None:
    """Print one line of JSON."""
    sys.stdout.write(orjson.dumps(value).decode() + "\n")


def printable(text: str) -> str:
    """Return `text` with every character that could steer a terminal replaced."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns, the last one unpadded."""
    table = [head, *rows]
    lines = Table([max(len(row[column]) for row in table) for column in range(len(head))])
    for row in table:
        lines.print(row)


class Table:
    """Columns of widths that are known before the rows; a longer cell shifts its own row only.

    Args:
        widths: One a column, in characters.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        self._widths = widths

    def print(self, cells: Sequence[str]) -> None:
        """Print one row."""
        padded = [
            printable(cell).ljust(width) for cell, width in zip(cells, self._widths, strict=True)
        ]
        sys.stdout.write("  ".join(padded).rstrip() + "\n")
