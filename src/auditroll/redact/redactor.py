"""The one way a text is redacted: scan, read it otherwise, scan again, put markers, repeat.

Whatever goes wrong on the way, the value does not pass: it becomes `[REDACTED:UNSCANNED]`.
"""

import contextlib
import re
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from auditroll.redact import encoded, views
from auditroll.redact.detector import SEPARATOR, Detector
from auditroll.redact.found import UNSCANNED, Redacted, Span, marker
from auditroll.redact.keys import KEY_KINDS
from auditroll.redact.matcher import Matcher, resolve
from auditroll.redact.shapes import Unscannable
from auditroll.redact.views import View, readings

__all__ = ["MAX_CHARACTERS", "Redactor"]

# A longer value is no field of a record (64 KiB) and is not scanned, so it does not pass.
MAX_CHARACTERS: Final = 65_536
# CPU time that one try of a value of up to 4,096 characters may cost; longer ones in proportion.
# Two tries: a collection of garbage counts as the thread's time and must not cost a value.
MAX_CPU_S: Final = 0.005
TRIES: Final = 2
_PROPORTIONAL_FROM: Final = 4_096
# Encodings within encodings.
MAX_DEPTH: Final = 3
# Passes until a text with markers gives no further hit.
MAX_PASSES: Final = 6

_SAMPLE: Final = (
    "token=abcdefgh1 jane.doe@example.com 4111 1111 1111 1111 123-45-6789 10.1.2.3 2001:db8::1"
    " https://u:p@example.com/%40?q=\\u0040&#64; \uff20 +49 30 1234567 YW5uYUBleGFtcGxlLm9yZw=="
)

_REFUSED: Final = Redacted(marker(UNSCANNED), {UNSCANNED: 1})


class Redactor:
    """Detectors and the order of the work. Immutable; safe to share between threads.

    Args:
        detectors: What to look for, the more specific kind first.
        joins: No pattern reads across `SEPARATOR`, so that a batch may be scanned as one text.
    """

    def __init__(self, detectors: Sequence[Detector], *, joins: bool = True) -> None:
        self._joins = joins
        self._matcher = Matcher(detectors, (views.SIGN, encoded.SIGN))
        self._unusual, self._encoded = len(detectors), len(detectors) + 1
        kinds = {detector.kind for detector in detectors} | KEY_KINDS | {UNSCANNED}
        self._markers = re.compile(r"\[REDACTED:(?:" + "|".join(sorted(kinds)) + r")\]")
        for _ in range(2):  # the automata grow with their first texts; no value shall pay for that
            self.redact(_SAMPLE)

    def redact(self, text: str, *, hide: re.Pattern[str] | None = None) -> Redacted:
        """Return `text` with a marker for each hit.

        Redacting the result again changes nothing.

        Args:
            text: At most 65,536 characters; more is not scanned and does not pass.
            hide: Pieces that are not looked at, such as the versions of a user agent.
        """
        for _ in range(TRIES):
            try:
                return self._passes(text, hide)
            except _OutOfTimeError:
                continue
            except Exception:  # noqa: BLE001  a detector that fails must not let the value pass
                break
        return _REFUSED

    def scan_batch(self, texts: Sequence[str]) -> dict[int, Redacted]:
        """Return what is redacted of which text; a text without a hit is not named.

        The texts are scanned as one, and only those in which something may be are looked at
        closely: same verdicts as `redact`, at a fraction of the cost.
        """
        places = list(range(len(texts)))
        # If the first look fails, the close one decides on each text, and fails closed.
        with contextlib.suppress(Exception):
            places = sorted(self._suspicious(texts)) if self._joins else places
        results = ((place, self.redact(texts[place])) for place in places)
        return {place: result for place, result in results if result.counts}

    def _suspicious(self, texts: Sequence[str]) -> set[int]:
        joined = SEPARATOR.join(_encodable(text).replace(SEPARATOR, "\x1f") for text in texts)
        starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
        found: set[int] = set()
        for number in self._matcher.suspects(joined):
            if number == self._encoded:
                places: Iterable[int] = (token.start for token in encoded.tokens(joined))
            else:
                places = self._matcher.places(number, joined)
            found.update(bisect_right(starts, place) - 1 for place in places)
        found.update(at for at, text in enumerate(texts) if len(text) > MAX_CHARACTERS)
        return found

    def _passes(self, text: str, hide: re.Pattern[str] | None) -> Redacted:
        if len(text) > MAX_CHARACTERS:
            raise Unscannable("longer than any value of a record")
        plain = _encodable(text)
        if SEPARATOR not in plain and not self._matcher.suspects(plain):
            return Redacted(text)
        text = plain
        budget = _Budget(len(text))
        counts: Counter[str] = Counter()
        for _ in range(MAX_PASSES):
            spans = self._scan(self._masked(text, hide), budget)
            if not spans:
                return Redacted(text, dict(sorted(counts.items())))
            counts.update(span.kind for span in spans)
            text = _marked(text, spans)
        raise Unscannable("markers give further hits")

    def _masked(self, text: str, hide: re.Pattern[str] | None) -> str:
        """Return a text of the same length in which markers are separators."""
        if SEPARATOR in text:
            text = text.replace(SEPARATOR, "\x1f")
        if "[REDACTED:" in text:
            text = self._markers.sub(_blank, text)
        return hide.sub(_blank, text) if hide else text

    def _scan(self, text: str, budget: "_Budget") -> list[Span]:
        suspects = self._matcher.suspects(text)
        if not suspects:
            return []
        source = View(text)
        spans = self._in_view(source, suspects, budget, 0)
        if self._unusual in suspects:
            for view in readings(text):
                found = self._in_view(view, self._matcher.suspects(view.text), budget, 0)
                spans += (Span(*view.source(span.start, span.end), span.kind) for span in found)
        return resolve([(span, 0) for span in spans])

    def _in_view(
        self, view: View, suspects: Sequence[int], budget: "_Budget", depth: int
    ) -> list[Span]:
        """Return the hits in one view, and the encoded tokens in it that hide one."""
        budget.check()
        if not suspects:
            return []
        spans = self._matcher.find(view.text, suspects, budget.check)
        if self._encoded in suspects:
            spans += self._hidden(view.text, tuple(spans), budget, depth)
        return spans

    def _hidden(
        self, text: str, known: Sequence[Span], budget: "_Budget", depth: int
    ) -> Iterator[Span]:
        """Yield encoded tokens whose text, read in every way, holds something."""
        for token in encoded.tokens(text):
            if any(span.start <= token.start and token.end <= span.end for span in known):
                continue
            kind = self._kind_within(token.text, budget, depth + 1)
            if kind:
                yield Span(token.start, token.end, kind)

    def _kind_within(self, text: str, budget: "_Budget", depth: int) -> str | None:
        """Return the kind of the first hit in a decoded text, or None."""
        suspects = self._matcher.suspects(text)
        if not suspects:
            return None
        if depth > MAX_DEPTH:
            raise Unscannable("too many encodings within encodings")
        text = text.replace(SEPARATOR, "\x1f")
        for view in (View(text), *(readings(text) if self._unusual in suspects else ())):
            for span in self._in_view(view, self._matcher.suspects(view.text), budget, depth):
                return span.kind
        return None


class _OutOfTimeError(Exception):
    """The value cost more than its share."""


class _Budget:
    """CPU time that one value may cost; other processes' load does not count."""

    __slots__ = ("_until",)

    def __init__(self, length: int) -> None:
        share = max(1.0, length / _PROPORTIONAL_FROM)
        self._until = time.thread_time() + MAX_CPU_S * share

    def check(self) -> None:
        if time.thread_time() > self._until:
            raise _OutOfTimeError


def _encodable(text: str) -> str:
    """Return a text of the same length without lone surrogates."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _blank(match: re.Match[str]) -> str:
    return SEPARATOR * len(match[0])


def _marked(text: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    done = 0
    for span in spans:
        parts += text[done : span.start], marker(span.kind)
        done = span.end
    parts.append(text[done:])
    return "".join(parts)
