"""Which segment files a data folder must hold, and what each must be: what the seals say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from auditroll.verify.scan import SEAL

__all__ = ["SealedObject", "sealed_objects"]

REWRITE: Final = "ledger.rewrite"


@dataclass(frozen=True, slots=True)
class SealedObject:
    """A segment file as its newest seal or rewrite names it.

    Args:
        first: Index of the first record.
        count: Number of records.
        generation: Of the file.
        name: Its path.
        sha256: 64 hex digits.
        size: Octets.
        key_id: Of its data key.
        last_leaf_hash: Of its last leaf, 64 hex digits; empty in a rewrite.
        received_max: Its last time of receipt, TIME text; empty in a rewrite.
    """

    first: int
    count: int
    generation: int
    name: str
    sha256: str
    size: int
    key_id: str
    last_leaf_hash: str
    received_max: str

    @property
    def end(self) -> int:
        """Index after the last record."""
        return self.first + self.count

    def rewritten(self, newer: Self) -> Self:
        """Return the object in its next generation; its leaves are the same."""
        return replace(newer, last_leaf_hash=self.last_leaf_hash, received_max=self.received_max)


def sealed_objects(facts: Iterable[Mapping[str, Any]]) -> dict[str, dict[int, SealedObject]]:
    """Return the segment files by stream and first index.

    Args:
        facts: Seals and rewrites, in the order of their ledgers; others are passed over.
    """
    found: dict[str, dict[int, SealedObject]] = {}
    for fact in facts:
        if fact.get("event_type") not in (SEAL, REWRITE):
            continue
        named = _named(fact)
        if named is None:
            continue
        mine = found.setdefault(str(fact.get("target_stream")), {})
        known = mine.get(named.first)
        if known is None or named.generation > known.generation:
            mine[named.first] = named if known is None else known.rewritten(named)
    return {stream: dict(sorted(mine.items())) for stream, mine in found.items()}


def _named(fact: Mapping[str, Any]) -> SealedObject | None:
    numbers = [fact.get(name) for name in ("first_index", "count", "generation", "object_bytes")]
    first, count, generation, size = numbers
    if not all(type(number) is int and number >= 0 for number in numbers):
        return None
    return SealedObject(
        first=int(str(first)),
        count=int(str(count)),
        generation=int(str(generation)),
        name=str(fact.get("object_name")),
        sha256=str(fact.get("object_sha256")),
        size=int(str(size)),
        key_id=str(fact.get("segment_key_id")),
        last_leaf_hash=str(fact.get("last_leaf_hash", "")),
        received_max=str(fact.get("received_max", "")),
    )
