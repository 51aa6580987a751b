"""Counting: every line is accepted, a duplicate or quarantined, and is counted once."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from auditroll.wire import Answer

__all__ = ["Notice", "Summary", "Tally"]

MAX_EXAMPLES: Final = 100


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader must know about completeness.

    Args:
        kind: `truncated`: the file was cut while it was followed; lines written between the last
            look and the cut may be missing. `rotated`: another file took its place, all lines of
            the old one were read.
        epoch: Of the file as it was before.
        lines: How many lines of it were read.
    """

    kind: str
    epoch: str
    lines: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the lines of a source.

    Args:
        lines: Read.
        accepted: Recorded now.
        duplicates: Received before.
        quarantined: Refused with a reason, here or by the collector.
        reasons: Reason to number of quarantined lines, sorted.
        examples: The first quarantined lines: number in its file, and reason.
        notices: What happened to the file while it was followed.
    """

    lines: int
    accepted: int
    duplicates: int
    quarantined: int
    reasons: dict[str, int] = field(default_factory=dict[str, int])
    examples: tuple[tuple[int, str], ...] = ()
    notices: tuple[Notice, ...] = ()


class Tally:
    """The running count. A line sent twice, after going back, counts at its first answer."""

    def __init__(self) -> None:
        self._through: dict[str, int] = {}
        self._accepted = self._duplicates = 0
        self._reasons: Counter[str] = Counter()
        self._examples: list[tuple[int, str]] = []
        self._notices: list[Notice] = []

    def skipped(self, epoch: str, count: int) -> None:
        """Count the first lines of an epoch, which the collector has, as duplicates."""
        through = self._through.get(epoch, -1)
        self._duplicates += max(0, count - 1 - through)
        self._through[epoch] = max(through, count - 1)

    def answered(
        self, epoch: str, first: int, count: int, answer: Answer, refused: dict[int, str]
    ) -> None:
        """Count a batch.

        Args:
            epoch: Of the batch.
            first: Number of its first line.
            count: Lines.
            answer: The collector's.
            refused: Reason of the lines that were not readable here.
        """
        through = self._through.get(epoch, -1)
        new = [result for result in answer.results if result.seq > through]
        self._accepted += first + count - max(first, through + 1) - len(new)
        for result in new:
            if result.result == "duplicate":
                self._duplicates += 1
            else:
                self._quarantine(result.seq, refused.get(result.seq) or str(result.code))
        self._through[epoch] = max(through, first + count - 1)

    def note(self, notice: Notice) -> None:
        """Keep a notice."""
        self._notices.append(notice)

    def summary(self) -> Summary:
        """Return the count so far."""
        quarantined = self._reasons.total()
        return Summary(
            lines=self._accepted + self._duplicates + quarantined,
            accepted=self._accepted,
            duplicates=self._duplicates,
            quarantined=quarantined,
            reasons=dict(sorted(self._reasons.items())),
            examples=tuple(self._examples),
            notices=tuple(self._notices),
        )

    def _quarantine(self, seq: int, reason: str) -> None:
        self._reasons[reason] += 1
        if len(self._examples) < MAX_EXAMPLES:
            self._examples.append((seq, reason))
