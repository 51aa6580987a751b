"""The linear-time engine, with types: re2's patterns and its set of patterns.

There is no fall-back to another engine: a backtracking one takes 30 to 50 ms for four hostile
kilobytes.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol, cast

import re2  # type: ignore[import-untyped]

__all__ = ["Found", "Gate", "Linear", "Refusal", "Subject", "compile_linear"]

# The automaton of all patterns is built while scanning, within this; with too little it would be
# thrown away and built again and again.
GATE_MEMORY_OCTETS: Final = 128 << 20
PATTERN_MEMORY_OCTETS: Final = 8 << 20

_ENGINE: Final = cast("Any", re2)

# What the engine raises for a pattern that it does not support.
Refusal: Final[type[Exception]] = _ENGINE.error


# Matching octets spares the engine's wrapper the counting of characters.
Subject = str | bytes


class Found(Protocol):
    """A match; positions count characters."""

    def span(self, group: int = 0, /) -> tuple[int, int]:
        """Return where a group stands."""
        ...

    def start(self, group: int = 0, /) -> int:
        """Return where a group begins."""
        ...

    def end(self, group: int = 0, /) -> int:
        """Return where a group ends."""
        ...


class Linear(Protocol):
    """A compiled pattern."""

    @property
    def groupindex(self) -> dict[str, int]:
        """Names of groups and their numbers."""
        ...

    def search(self, text: Subject, position: int = 0, /) -> Found | None:
        """Return the leftmost match at or behind `position`."""
        ...

    def finditer(self, text: Subject, /) -> Iterator[Found]:
        """Yield matches that do not overlap."""
        ...


def compile_linear(pattern: Subject) -> Linear:
    """Compile one pattern, of characters or of octets, for texts of the same type.

    Raises:
        Refusal: Not supported by re2 (look-around, back reference) or too large.
    """
    return cast("Linear", _ENGINE.compile(pattern, _options(PATTERN_MEMORY_OCTETS)))


class Gate:
    """Says in one pass which of many patterns match somewhere in a text.

    Args:
        patterns: Known by their place in this sequence.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._set = _ENGINE.Set.SearchSet(_options(GATE_MEMORY_OCTETS))
        for pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def suspects(self, text: str) -> list[int]:
        """Return the numbers of the patterns that match."""
        found: list[int] | None = self._set.Match(text)
        return found or []


def _options(memory: int) -> Any:
    options = _ENGINE.Options()
    options.max_mem = memory
    options.log_errors = False
    return options
