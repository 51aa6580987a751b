"""The gate and the close look: one pass says which detectors may hit, only those then search."""

from collections.abc import Iterator, Sequence

from auditroll.redact.detector import Detector
from auditroll.redact.found import Span
from auditroll.redact.linear import Gate, compile_linear

__all__ = ["Matcher", "resolve"]


class Matcher:
    """A fixed list of detectors, compiled. Immutable; safe to share between threads.

    Args:
        detectors: The more specific first: of two hits in one place the earlier wins.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = tuple(detectors)
        self._compiled = [compile_linear(detector.pattern) for detector in detectors]
        self._groups = [compiled.groupindex.get("v", 0) for compiled in self._compiled]
        self._gate = Gate([detector.pattern for detector in detectors])

    def suspects(self, text: str) -> list[int]:
        """Return the numbers of the detectors whose pattern matches somewhere in `text`."""
        return sorted(self._gate.suspects(text))

    def find(self, text: str) -> list[Span]:
        """Return what the detectors accept, without overlaps, in order.

        Raises:
            Unscannable: A check would cost more than a value may.
        """
        suspects = self._gate.suspects(text)
        if not suspects:
            return []
        return resolve(
            [(span, number) for number in suspects for span in self._spans(number, text)]
        )

    def places(self, number: int, text: str) -> Iterator[int]:
        """Yield where matches of one detector begin, unchecked."""
        for match in self._compiled[number].finditer(text):
            yield match.start(self._groups[number])

    def _spans(self, number: int, text: str) -> Iterator[Span]:
        detector, group = self._detectors[number], self._groups[number]
        search = self._compiled[number].search
        at = 0
        while (match := search(text, at)) is not None:
            found = list(detector.spans(text, *match.span(group)))
            yield from found
            at = match.start() + 1 if detector.again and not found else match.end()


def resolve(spans: Sequence[tuple[Span, int]]) -> list[Span]:
    """Return spans that do not overlap: what overlaps becomes one, named after its longest part.

    A URL names nothing that holds something more telling.

    Args:
        spans: Hits and their detectors' numbers; of two of one length the lower number names it.
    """
    merged: list[Span] = []
    weight = 0
    for span, _ in sorted(spans, key=lambda pair: (pair[0].start, -pair[0].end, pair[1])):
        mine = 0 if span.kind == "URL" else span.end - span.start
        if not merged or span.start >= merged[-1].end:
            merged.append(span)
            weight = mine
            continue
        last = merged[-1]
        kind = span.kind if mine > weight else last.kind
        weight = max(weight, mine)
        merged[-1] = Span(last.start, max(last.end, span.end), kind)
    return merged
