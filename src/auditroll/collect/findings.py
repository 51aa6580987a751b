"""Findings about completeness: holes, producers that fell silent, epochs never closed.

Each is told to the tenant's ledger once, and once more, as resolved, when it ends.
"""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Engine, select, update
from sqlalchemy.dialects.sqlite import insert

from auditroll.access.schema import GAPS
from auditroll.collect.epochs import Epoch, Epochs
from auditroll.collect.intervals import Range

__all__ = ["HOLE_AFTER_MS", "SILENT_AFTER_MS", "Finding", "Findings"]

# A hole is normal while batches overtake one another; after this it is a finding.
HOLE_AFTER_MS = 60_000
HEARTBEAT_MS = 60_000
# Source: docs/explanation/completeness.md: three heartbeats missed.
SILENT_AFTER_MS = 3 * HEARTBEAT_MS


class Finding(NamedTuple):
    """One fact about an epoch.

    Args:
        kind: `hole`, `silent` or `unclosed`.
        first: First number concerned.
        last: Last number concerned. Of a silent or unclosed epoch nothing is known beyond what
            was received, so both are the first number that did not come.
    """

    producer: str
    epoch: str
    tenant: str
    kind: str
    first: int
    last: int


class Findings:
    """What is wrong now, and what the ledger was told.

    Args:
        engine: The control database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._told: set[Finding] = set()

    def load(self) -> None:
        """Take over what the ledger was told and not yet told the end of."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(GAPS).where(GAPS.c.resolved.is_(None))).all()
        self._told = {
            Finding(row.producer, row.epoch, row.tenant, row.kind, row.first, row.last)
            for row in rows
        }

    def open(self) -> list[Finding]:
        """Return the findings that stand."""
        return sorted(self._told)

    def look(self, epochs: Epochs, now: int) -> tuple[list[Finding], list[Finding]]:
        """Return what is new and what has ended, and stop watching epochs without either.

        Args:
            epochs: The collector's.
            now: Milliseconds since 1970.
        """
        told: dict[tuple[str, str], list[Finding]] = {}
        for finding in self._told:
            told.setdefault((finding.producer, finding.epoch), []).append(finding)
        new: list[Finding] = []
        ended: list[Finding] = []
        for epoch in epochs.watched():
            before = told.get((epoch.producer, epoch.epoch), [])
            over = [finding for finding in before if _over(finding, epoch, now)]
            standing = [finding for finding in before if finding not in over]
            # The collector's own epoch of an earlier start has no tenant and needs no look.
            found = _new(epoch, standing, now) if epoch.tenant else []
            new += found
            ended += over
            if not before and not found and not _may_fail(epoch):
                epochs.settled(epoch)
        return new, ended

    async def told(self, findings: Iterable[Finding], now: int) -> None:
        """Note that the ledger holds these; a crash before this tells them twice, no harm."""
        added = list(findings)
        await asyncio.to_thread(self._insert, added, now)
        self._told.update(added)

    async def resolved(self, findings: Iterable[Finding], now: int) -> None:
        """Note that the ledger holds the end of these."""
        ended = list(findings)
        await asyncio.to_thread(self._resolve, ended, now)
        self._told.difference_update(ended)

    def _insert(self, findings: list[Finding], now: int) -> None:
        with self._engine.begin() as connection:
            for finding in findings:
                values = finding._asdict() | {"announced": now, "resolved": None}
                # The same finding may stand, end and stand again.
                connection.execute(
                    insert(GAPS)
                    .values(values)
                    .on_conflict_do_update(
                        index_elements=["producer", "epoch", "kind", "first", "last"],
                        set_={"announced": now, "resolved": None},
                    )
                )

    def _resolve(self, findings: list[Finding], now: int) -> None:
        with self._engine.begin() as connection:
            for finding in findings:
                same = [GAPS.c[name] == value for name, value in finding._asdict().items()]
                connection.execute(update(GAPS).where(*same).values(resolved=now))


def _over(finding: Finding, epoch: Epoch, now: int) -> bool:
    if finding.kind == "hole":
        return epoch.received.covers(finding.first, finding.last)
    if finding.kind == "silent":
        heard = epoch.heard and now - epoch.last_heard < SILENT_AFTER_MS
        return epoch.closed_at is not None or heard
    return epoch.closed_at is not None


def _new(epoch: Epoch, standing: list[Finding], now: int) -> list[Finding]:
    found = [(first, last, "hole") for first, last in _lasting_holes(epoch, now)]
    following = epoch.received.highest() + 1
    kinds = {finding.kind for finding in standing}
    if "silent" not in kinds and _is_silent(epoch, now):
        found.append((following, following, "silent"))
    if "unclosed" not in kinds and _is_unclosed(epoch, now):
        found.append((following, following, "unclosed"))
    return [
        Finding(epoch.producer, epoch.epoch, epoch.tenant, kind, first, last)
        for first, last, kind in found
        if kind != "hole" or not _contained((first, last), standing)
    ]


def _may_fail(epoch: Epoch) -> bool:
    """Tell whether time alone can make a finding of the epoch."""
    awaited = epoch.announced or epoch.successor_opened is not None
    return bool(epoch.holes) or (awaited and epoch.closed_at is None and not epoch.is_file)


def _lasting_holes(epoch: Epoch, now: int) -> list[Range]:
    """Return holes that lasted, or that a closed epoch can only fill late."""
    holes = epoch.received.holes()
    since = {
        hole: min((at for old, at in epoch.holes.items() if _inside(hole, old)), default=now)
        for hole in holes
    }
    epoch.holes = since
    closed = epoch.closed_at is not None
    return [hole for hole in holes if closed or now - since[hole] >= HOLE_AFTER_MS]


def _is_silent(epoch: Epoch, now: int) -> bool:
    expected = epoch.announced and not epoch.is_file and epoch.closed_at is None
    return expected and now - epoch.last_heard >= SILENT_AFTER_MS


def _is_unclosed(epoch: Epoch, now: int) -> bool:
    if epoch.successor_opened is None or epoch.closed_at is not None:
        return False
    return now - epoch.successor_opened >= HOLE_AFTER_MS


def _contained(hole: Range, standing: list[Finding]) -> bool:
    return any(
        finding.kind == "hole" and _inside(hole, (finding.first, finding.last))
        for finding in standing
    )


def _inside(inner: Range, outer: Range) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
