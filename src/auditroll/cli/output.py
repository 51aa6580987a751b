"""How the commands print."""

import sys
from collections.abc import Sequence
from typing import Any

import orjson

__all__ = ["print_json", "print_table", "printable"]


def print_json(value: Any) -> None:
    """Print one line of JSON."""
    sys.stdout.write(orjson.dumps(value).decode() + "\n")


def printable(text: str) -> str:
    """Return `text` with every character that could steer a terminal replaced."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns, the last one unpadded."""
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        cells = [printable(cell).ljust(width) for cell, width in zip(row, widths, strict=True)]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
