"""What the collector tells the ledger on its own: bindings of new pseudonyms, and findings."""

import asyncio
import logging
from collections.abc import Iterable, Iterator

from auditroll.clock import now_ms
from auditroll.collect.epochs import Epochs
from auditroll.collect.findings import Finding, Findings
from auditroll.errors import Error
from auditroll.seal import SequencerClient
from auditroll.vault.assign import Vault

__all__ = ["Upkeep"]

_log = logging.getLogger(__name__)

INTERVAL_S = 1.0
# Ranges in one fact: keeps the leaf far below its greatest size.
MAX_RANGES = 500


class Upkeep:
    """Runs beside the collector and writes facts.

    Args:
        epochs: The collector's.
        findings: What the ledger was told.
        vault: Holds the bindings that wait.
        sequencer: The log.
    """

    def __init__(
        self, epochs: Epochs, findings: Findings, vault: Vault, sequencer: SequencerClient
    ) -> None:
        self._epochs = epochs
        self._findings = findings
        self._vault = vault
        self._sequencer = sequencer

    async def run(self) -> None:
        """Work once a second until cancelled; what fails is tried again."""
        self._findings.load()
        while True:
            try:
                await self.tick(now_ms())
            except Error as error:
                _log.warning("facts wait for the next second: %s", error)
            await asyncio.sleep(INTERVAL_S)

    async def tick(self, now: int) -> None:
        """Announce bindings that wait, then findings that are new or over.

        Args:
            now: Milliseconds since 1970.
        """
        await self._announce_bindings()
        new, ended = self._findings.look(self._epochs, now)
        if new:
            await self._tell(new, resolved=False)
            await self._findings.told(new, now)
        if ended:
            await self._tell(ended, resolved=True)
            await self._findings.resolved(ended, now)

    async def _announce_bindings(self) -> None:
        while waiting := await self._vault.unannounced():
            for one in waiting:
                fields = {"bindings": one.bindings}
                await self._sequencer.fact(one.tenant, "vault.binding", fields)
                await self._vault.announced(one.numbers)

    async def _tell(self, findings: Iterable[Finding], *, resolved: bool) -> None:
        for about, ranges in _grouped(findings):
            fields = {
                "gap_kind": about.kind,
                "gap_producer_id": about.producer,
                "gap_epoch": about.epoch,
                "ranges": ranges,
                "resolved": resolved,
            }
            await self._sequencer.fact(about.tenant, "ledger.gap", fields)


def _grouped(findings: Iterable[Finding]) -> Iterator[tuple[Finding, list[list[int]]]]:
    """Yield findings of one kind and epoch together, with their ranges in order."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in sorted(findings):
        key = (finding.producer, finding.epoch, finding.kind)
        groups.setdefault(key, []).append(finding)
    for group in groups.values():
        for at in range(0, len(group), MAX_RANGES):
            part = group[at : at + MAX_RANGES]
            yield part[0], [[finding.first, finding.last] for finding in part]
