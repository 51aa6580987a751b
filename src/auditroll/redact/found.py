"""What a scan returns: places in a text, and a text with markers in their stead."""

from dataclasses import dataclass, field
from typing import Final

__all__ = ["UNSCANNED", "Redacted", "Span", "marker"]

# The kind of a value that could not be scanned within its budget; such a value never passes.
UNSCANNED: Final = "UNSCANNED"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place that holds something personal or secret.

    Args:
        start: First character.
        end: Character after the last.
        kind: What it is, as the marker names it: `EMAIL`, `CARD`, `SECRET` ...
    """

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without what the detectors found.

    Args:
        text: The text with a marker for each hit.
        counts: Kind to number of hits, sorted by kind; empty when nothing was found.
    """

    text: str
    counts: dict[str, int] = field(default_factory=dict[str, int])


def marker(kind: str) -> str:
    """Return the text that stands for a hit. It names the kind only, never the value.

    Source: format reference section 3, MARKER.
    """
    return f"[REDACTED:{kind}]"
