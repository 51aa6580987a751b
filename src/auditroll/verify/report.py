"""What a verification says: counts, findings with exact ranges, one verdict, one exit code."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from auditroll.event.canonical import encode

__all__ = ["EXIT_CODES", "NO_STREAM", "VERDICTS", "Counts", "Finding", "Report"]

# The verdict of a report is the first of these that a finding has.
# Source: format reference, section 13.
VERDICTS: Final = (
    "forked",
    "rolled-back",
    "empty-but-anchored",
    "deleted-early",
    "reordered",
    "torn",
    "truncated-head",
    "truncated-tail",
    "missing",
    "altered",
    "key-unknown",
    "cannot-judge",
    "redacted",
    "expired",
    "ok",
)
EXIT_CODES: Final = {
    verdict: 2
    if verdict in {"key-unknown", "cannot-judge"}
    else 0
    if verdict in {"redacted", "expired", "ok"}
    else 1
    for verdict in VERDICTS
}
# Stands for the stream in findings about files that belong to none.
NO_STREAM: Final = "-"


class Finding(NamedTuple):
    """One thing that is not simply right, and where.

    Args:
        verdict: One of `VERDICTS`.
        stream: Stream id, or `-`.
        first: First index of the range.
        end: Index after the range.
        where: The damaged part of a file, for a data folder; not in the report's JSON.
    """

    verdict: str
    stream: str
    first: int
    end: int
    where: str = ""


@dataclass(slots=True)
class Counts:
    """What was looked at.

    Args:
        records: Lines whose leaf is there.
        leaf_only: Lines of which only the leaf's hash is kept.
        redacted: Slots whose values were replaced by a marker.
        withheld: Slots that were left out.
    """

    records: int = 0
    leaf_only: int = 0
    redacted: int = 0
    withheld: int = 0

    def add(self, other: "Counts") -> None:
        """Add the counts of another part."""
        self.records += other.records
        self.leaf_only += other.leaf_only
        self.redacted += other.redacted
        self.withheld += other.withheld


@dataclass(slots=True)
class Report:
    """The outcome of one verification.

    Args:
        counts: What was looked at.
        findings: In the order found.
    """

    counts: Counts = field(default_factory=Counts)
    findings: list[Finding] = field(default_factory=list[Finding])

    def add(self, verdict: str, stream: str, first: int, end: int, where: str = "") -> None:
        """Add a finding."""
        self.findings.append(Finding(verdict, stream, first, end, where))

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add findings."""
        self.findings.extend(findings)

    @property
    def verdict(self) -> str:
        """The gravest finding's verdict; `ok` without one."""
        found = {finding.verdict for finding in self.findings}
        return next(verdict for verdict in VERDICTS if verdict in found or verdict == "ok")

    @property
    def exit(self) -> int:
        """Exit code: 0 nothing wrong, 1 damage, 2 cannot judge."""
        return EXIT_CODES[self.verdict]

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        counts = self.counts
        return {
            "counts": {
                "leaf_only": counts.leaf_only,
                "records": counts.records,
                "redacted": counts.redacted,
                "withheld": counts.withheld,
            },
            "exit": self.exit,
            "findings": [
                {
                    "range": [finding.first, finding.end],
                    "stream": finding.stream,
                    "verdict": finding.verdict,
                }
                for finding in self.findings
            ],
            "verdict": self.verdict,
        }

    def as_json(self) -> bytes:
        """Return the canonical JSON of the report.

        Source: format reference, section 13.
        """
        return encode(self.as_dict())
