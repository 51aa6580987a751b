"""What the collector knows of each producer epoch.

The numbers received are recovered from the log itself. What the log does not give back in one
look, that an epoch is closed and what a file's prefix was, stands in the control database and is
written after the append and before the answer: a crash in between leaves it behind the log, never
ahead, and the producer's repetition makes it whole.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Engine, select
from sqlalchemy.dialects.sqlite import insert

from auditroll.access.schema import EPOCHS
from auditroll.collect.intervals import IntervalSet, Range
from auditroll.seal import Watermark

__all__ = ["Epoch", "Epochs", "Prefix"]


class Prefix(NamedTuple):
    """SHA-256 of a file up to and including line `through`, counted from 0."""

    through: int
    sha256: str


@dataclass(slots=True)
class Epoch:
    """One epoch; whoever changes `received` holds `lock`.

    Args:
        producer: The `producer_id`.
        epoch: The `producer_epoch`.
        tenant: Of the producer.
        received: Numbers whose fate is durable: recorded or quarantined.
        lock: Held from the look at `received` until the append has returned.
        is_file: It numbers a file's lines: no holes, no heartbeats, never closed.
        announced: It sends `producer.open` and heartbeats, so its silence means something.
        close_seq: Number of its `producer.close`, if that came.
        prefix: Of a file epoch.
        opened: When the collector first heard of it, milliseconds since 1970.
        closed_at: When its `producer.close` came.
        last_heard: When its last batch came; of an earlier start's epoch, when this one began.
        heard: A batch came since this start.
        successor_opened: When another epoch named this one as its predecessor.
        holes: Missing ranges and since when they are known.
        changed: Its row in the control database is not what stands here.
        users: Batches that refer to it.
    """

    producer: str
    epoch: str
    tenant: str
    received: IntervalSet = field(default_factory=IntervalSet)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    is_file: bool = False
    announced: bool = False
    close_seq: int | None = None
    prefix: Prefix | None = None
    opened: int = 0
    closed_at: int | None = None
    last_heard: int = 0
    heard: bool = False
    successor_opened: int | None = None
    holes: dict[Range, int] = field(default_factory=dict[Range, int])
    changed: bool = False
    users: int = 0

    def durable_through(self) -> int:
        """Return the highest number with no hole below, -1 if there is none.

        A file's stored prefix may be behind the log after a crash; the prefix then decides, so
        that hash and number always speak of the same line.
        """
        through = self.received.through()
        if not self.is_file:
            return through
        return -1 if self.prefix is None else min(through, self.prefix.through)


class Epochs:
    """Every epoch that was ever heard of.

    Args:
        engine: The control database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, str], Epoch] = {}
        # Epochs in which something may be amiss: all that were heard of since the last look.
        self._watched: dict[tuple[str, str], Epoch] = {}

    def __iter__(self) -> Iterator[Epoch]:
        return iter(list(self._known.values()))

    def watched(self) -> list[Epoch]:
        """Return the epochs in which something may be amiss."""
        return list(self._watched.values())

    def settled(self, epoch: Epoch) -> None:
        """Stop watching an epoch until it is heard of again."""
        self._watched.pop((epoch.producer, epoch.epoch), None)

    def load(self, watermarks: Iterable[Watermark], tenants: Mapping[str, str], now: int) -> None:
        """Take over what the log and the control database know.

        Args:
            watermarks: From the log.
            tenants: Producer to tenant.
            now: Milliseconds since 1970; nobody counts as silent before it.
        """
        with self._engine.connect() as connection:
            rows = connection.execute(select(EPOCHS)).all()
        self._known = {(row.producer, row.epoch): _epoch(row, now) for row in rows}
        for producer, epoch_id, ranges in watermarks:
            epoch = self.get(producer, epoch_id, tenants.get(producer, ""), now)
            for first, last in ranges:
                epoch.received.add(first, last)
        self._watched = dict(self._known)

    def find(self, producer: str, epoch_id: str) -> Epoch | None:
        """Return an epoch if it was heard of."""
        return self._known.get((producer, epoch_id))

    def get(self, producer: str, epoch_id: str, tenant: str, now: int) -> Epoch:
        """Return an epoch, a new one if it was not heard of."""
        key = (producer, epoch_id)
        epoch = self._known.get(key)
        if epoch is None:
            epoch = Epoch(producer, epoch_id, tenant, opened=now, last_heard=now)
            self._known[key] = epoch
        epoch.tenant = epoch.tenant or tenant
        self._watched[key] = epoch
        return epoch

    def drop_unused(self, epoch: Epoch) -> None:
        """Forget an epoch of which nothing is known and for which no batch waits."""
        known = epoch.announced or epoch.is_file or epoch.received.highest() >= 0
        if not known and not epoch.users:
            self.settled(epoch)
            self._known.pop((epoch.producer, epoch.epoch), None)

    async def store(self, epoch: Epoch) -> None:
        """Make everything but the numbers durable."""
        values = _columns(epoch)
        epoch.changed = False
        try:
            await asyncio.to_thread(self._upsert, values)
        except BaseException:
            epoch.changed = True
            raise

    def _upsert(self, values: dict[str, Any]) -> None:
        statement = insert(EPOCHS).values(values)
        with self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[EPOCHS.c.producer, EPOCHS.c.epoch], set_=values
                )
            )


def _epoch(row: Any, now: int) -> Epoch:
    prefix = None if row.prefix_sha256 is None else Prefix(row.prefix_through, row.prefix_sha256)
    return Epoch(
        producer=row.producer,
        epoch=row.epoch,
        tenant=row.tenant,
        is_file=row.is_file,
        announced=not row.is_file,
        close_seq=row.close_seq,
        prefix=prefix,
        opened=row.opened,
        closed_at=row.closed_at,
        last_heard=now,
        successor_opened=row.successor_opened,
    )


def _columns(epoch: Epoch) -> dict[str, Any]:
    return {
        "producer": epoch.producer,
        "epoch": epoch.epoch,
        "tenant": epoch.tenant,
        "is_file": epoch.is_file,
        "opened": epoch.opened,
        "closed_at": epoch.closed_at,
        "close_seq": epoch.close_seq,
        "successor_opened": epoch.successor_opened,
        "prefix_through": None if epoch.prefix is None else epoch.prefix.through,
        "prefix_sha256": None if epoch.prefix is None else epoch.prefix.sha256,
    }
