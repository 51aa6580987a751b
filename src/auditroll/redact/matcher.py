"""The gate and the close look: one pass says which detectors may hit, only those then search."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from auditroll.redact.detector import Detector
from auditroll.redact.found import Span
from auditroll.redact.linear import Gate, Linear, Subject, compile_linear

__all__ = ["Matcher", "resolve"]

TRIES_BETWEEN_CHECKS: Final = 16


class Matcher:
    """A fixed list of detectors, compiled. Immutable; safe to share between threads.

    Args:
        detectors: The more specific first: of two hits in one place the earlier wins.
        signs: Further patterns of the gate; their numbers follow the detectors'.
    """

    def __init__(self, detectors: Sequence[Detector], signs: Sequence[str] = ()) -> None:
        self._detectors = tuple(detectors)
        patterns = (*(detector.pattern for detector in detectors), *signs)
        self._compiled = tuple(map(compile_linear, patterns))
        self._on_octets = tuple(compile_linear(pattern.encode()) for pattern in patterns)
        self._groups = tuple(compiled.groupindex.get("v", 0) for compiled in self._compiled)
        # Octets stand for characters where a pattern sees the same in `?` as in other scripts.
        self._ascii_only = (
            *("\\p" not in detector.pattern for detector in detectors),
            *(False for _ in signs),
        )
        self._gate = Gate(patterns)

    def suspects(self, text: str) -> list[int]:
        """Return the numbers of the detectors and signs that match somewhere in `text`."""
        return self._gate.suspects(text)

    def find(self, text: str, suspects: Sequence[int], check: Callable[[], None]) -> list[Span]:
        """Return what the detectors accept, without overlaps, in order.

        Args:
            text: The text.
            suspects: What `suspects` says of it.
            check: Called now and then; raises to stop.

        Raises:
            Unscannable: A check would cost more than a value may.
        """
        spans: list[tuple[Span, int]] = []
        for number in sorted(suspects):
            if number < len(self._detectors):
                found = self._spans(number, text, check)
                spans.extend((span, number) for span in found)
        return resolve(spans)

    def places(self, number: int, text: str) -> Iterator[int]:
        """Yield where matches of one detector or sign begin, unchecked."""
        compiled, subject = self._subject(number, text)
        for match in compiled.finditer(subject):
            yield match.start(self._groups[number])

    def _subject(self, number: int, text: str) -> tuple[Linear, Subject]:
        """Return the pattern and the form of the text that it matches fastest."""
        if self._ascii_only[number] or text.isascii():
            return self._on_octets[number], text.encode("ascii", "replace")
        return self._compiled[number], text

    def _spans(self, number: int, text: str, check: Callable[[], None]) -> Iterator[Span]:
        detector, group = self._detectors[number], self._groups[number]
        compiled, subject = self._subject(number, text)
        at = tries = 0
        while (match := compiled.search(subject, at)) is not None:
            found = list(detector.spans(text, *match.span(group)))
            yield from found
            at = match.start() + 1 if detector.again and not found else match.end()
            tries += 1
            if tries % TRIES_BETWEEN_CHECKS == 0:
                check()


def resolve(spans: Sequence[tuple[Span, int]]) -> list[Span]:
    """Return spans that do not overlap: what overlaps becomes one, named after its longest part.

    A URL names nothing that holds something more telling.

    Args:
        spans: Hits and their detectors' numbers; of two of one length the lower number names it.
    """
    if len(spans) < 2:
        return [span for span, _ in spans]
    merged: list[Span] = []
    weight = 0
    for span, _ in sorted(spans, key=_order):
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


def _order(found: tuple[Span, int]) -> tuple[int, int, int]:
    return found[0].start, -found[0].end, found[1]
