"""One detector as data: a pattern for the linear engine, and a check of what it matched."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from auditroll.redact.found import Span

__all__ = ["SEPARATOR", "Check", "Detector", "Hit", "alone", "whole"]

# Stands between the texts of a batch. No detector's pattern may match it.
SEPARATOR: Final = "\x1e"


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a pattern matched.

    Args:
        text: The whole text.
        start: First character of the match (of its group `v` if it has one).
        end: Character after the last.
    """

    text: str
    start: int
    end: int

    @property
    def value(self) -> str:
        """The matched characters."""
        return self.text[self.start : self.end]

    @property
    def before(self) -> str:
        """The character before, or an empty string."""
        return self.text[self.start - 1 : self.start] if self.start else ""

    @property
    def after(self) -> str:
        """The character after, or an empty string."""
        return self.text[self.end : self.end + 1]


Check = Callable[[Hit], Iterator[tuple[int, int]]]


def whole(_hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept the match as it is."""
    yield _hit.start, _hit.end


def alone(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept the match if no letter or digit touches it."""
    if not (hit.before.isalnum() or hit.after.isalnum()):
        yield hit.start, hit.end


@dataclass(frozen=True, slots=True)
class Detector:
    """What to look for.

    Args:
        kind: What a hit is called in its marker: `[A-Z0-9_]{1,32}`.
        pattern: For re2. Classes are unbounded (`+`), since bounded repeats of wide classes make
            the automaton grow beyond its memory; `check` judges lengths. If the pattern has a
            group `v`, only that group is the hit. It never matches `SEPARATOR`.
        check: Yields the ranges of the text to redact: none, one or more, inside the match.
        again: After a refused match, look again one character further instead of behind it. Only
            for patterns of bounded length, or hostile text costs the square of its length.
    """

    kind: str
    pattern: str
    check: Check = whole
    again: bool = False

    def spans(self, text: str, start: int, end: int) -> Iterator[Span]:
        """Yield what is redacted of one match."""
        for first, last in self.check(Hit(text, start, end)):
            yield Span(first, last, self.kind)
