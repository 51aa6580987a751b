"""What ledgers say that excuses absence: seals, policies, holds, deletions, redactions."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from auditroll.event.times import parse_time
from auditroll.verify.report import Finding
from auditroll.verify.scan import GENESIS, SEAL, HiddenSlot, StreamScan

__all__ = ["Expiry", "Ledgers"]

_RETENTION: Final = frozenset({"retention.policy", "retention.hold", "retention.release"})
# Source: format reference, section 6.
MAX_RETAIN_DAYS: Final = 36_500
_DAY_MS: Final = 86_400_000

Fact = Mapping[str, Any]


@dataclass(slots=True)
class Expiry:
    """The deleted prefix of a stream.

    Args:
        end: Index after it: the first that must be there.
        seal: Of the last deleted segment.
        findings: `expired` or `deleted-early`, one a deletion.
    """

    end: int = 0
    seal: Fact | None = None
    findings: list[Finding] = field(default_factory=list[Finding])


class Ledgers:
    """The facts of every stream whose genesis says ledger or root.

    Args:
        scans: Every stream that was read; facts of others excuse nothing.
    """

    def __init__(self, scans: Iterable[StreamScan]) -> None:
        self._ledgers = [found for scan in scans if (found := _ledger(scan)) is not None]

    def expiry(self, scan: StreamScan, is_present: Callable[[int, int], bool]) -> Expiry:
        """Return the prefix of a stream that retention deleted.

        Args:
            scan: The stream.
            is_present: Tells whether a line of [first, end) is there.

        Source: format reference, section 13, step 5.
        """
        expiry = Expiry()
        for ledger in self._of(scan):
            for fact in ledger.deletions(scan.stream):
                seal = ledger.seal(scan.stream, fact)
                if seal is None or seal["first_index"] != expiry.end:
                    continue
                end = expiry.end + seal["count"]
                if is_present(expiry.end, end):
                    continue
                verdict = "expired" if ledger.is_due(fact, seal) else "deleted-early"
                expiry.findings.append(Finding(verdict, scan.stream, expiry.end, end))
                expiry.end, expiry.seal = end, seal
        return expiry

    def announces(self, scan: StreamScan, slot: HiddenSlot) -> bool:
        """Tell whether a `ledger.redaction` names this very slot and commitment.

        Source: format reference, section 13, step 8.
        """
        key = (scan.stream, str(slot.index), slot.slot, slot.commitment)
        return any(key in ledger.redactions for ledger in self._of(scan))

    def _of(self, scan: StreamScan) -> Iterator["_Ledger"]:
        """Yield the ledgers whose facts count for a stream."""
        for ledger in self._ledgers:
            if ledger.is_root or scan.tenant in (None, ledger.tenant):
                yield ledger


class _Ledger:
    def __init__(self, facts: Sequence[Fact], *, is_root: bool, tenant: str) -> None:
        self.facts = facts
        self.is_root = is_root
        self.tenant = tenant
        self._seals: dict[tuple[str, int, int], Fact] = {}
        self._retention: list[Fact] = []
        self.redactions: set[tuple[str, ...]] = set()
        for fact in facts:
            if fact["event_type"] == SEAL and _is_range(fact):
                key = (str(fact.get("target_stream")), fact["first_index"], fact["count"])
                self._seals.setdefault(key, fact)
            elif fact["event_type"] == "ledger.redaction":
                names = ("target_stream", "target_index", "slot", "slot_commitment")
                self.redactions.add(tuple(str(fact.get(name)) for name in names))
            elif fact["event_type"] in _RETENTION:
                self._retention.append(fact)

    def deletions(self, stream: str) -> Iterator[Fact]:
        return (
            fact
            for fact in self.facts
            if fact["event_type"] == "retention.deletion"
            and fact.get("target_stream") == stream
            and _is_range(fact)
        )

    def seal(self, stream: str, deletion: Fact) -> Fact | None:
        return self._seals.get((stream, deletion["first_index"], deletion["count"]))

    def is_due(self, deletion: Fact, seal: Fact) -> bool:
        """Tell whether the policy in force allowed the deletion and no hold was open."""
        days, holds = self._in_force(seal.get("data_class"), deletion["index"])
        if type(days) is not int or not 1 <= days <= MAX_RETAIN_DAYS or holds:
            return False
        try:
            due = parse_time(seal["received_max"]) + days * _DAY_MS
            return parse_time(deletion["received_at"]) >= due
        except (KeyError, ValueError, TypeError):
            return False

    def _in_force(self, data_class: Any, index: int) -> tuple[Any, set[str]]:
        """Return the days to retain a class and its open holds, before the fact at `index`."""
        days: Any = None
        holds: set[str] = set()
        for fact in self._retention:
            if fact["index"] >= index:
                break
            if data_class is None or fact.get("data_class") != data_class:
                continue
            if fact["event_type"] == "retention.policy":
                days = fact.get("retain_days")
            elif fact["event_type"] == "retention.hold":
                holds.add(str(fact.get("hold_id")))
            else:
                holds.discard(str(fact.get("hold_id")))
        return days, holds


def _ledger(scan: StreamScan) -> _Ledger | None:
    facts = sorted(scan.facts, key=lambda fact: int(fact["index"]))
    if not facts or facts[0]["index"] != 0 or facts[0]["event_type"] != GENESIS:
        return None
    kind = facts[0].get("stream_kind")
    if kind not in ("ledger", "root"):
        return None
    return _Ledger(facts, is_root=kind == "root", tenant=str(facts[0].get("tenant_id", "")))


def _is_range(fact: Fact) -> bool:
    first, count = fact.get("first_index"), fact.get("count")
    return type(first) is int and type(count) is int and first >= 0 and count >= 1
