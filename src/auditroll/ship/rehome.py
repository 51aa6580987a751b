"""Move what an epoch still holds into a new one, when the collector takes no more of the old."""

from hashlib import sha256
from typing import Final

import msgspec
from msgspec import UNSET

from auditroll.event import Event
from auditroll.recorder.build import Builder
from auditroll.spool import EpochReader, SpoolLimits, SpoolWriter
from auditroll.spool.layout import SpoolFolder
from auditroll.wire import ProducerCredential

__all__ = ["rehome"]

_READ_LINES: Final = 1000
_READ_OCTETS: Final = 2**20
_OWN: Final = "producer."
_LIMITS: Final = SpoolLimits(epoch=2**62, reserve=0)
_DECODE: Final = msgspec.json.Decoder(Event).decode


def rehome(folder: SpoolFolder, through: int, credential: ProducerCredential) -> str | None:
    """Copy the records behind `through` into a new epoch and remove the old one.

    The new epoch follows from the old, so that a crash in between repeats the same numbers: what
    was already delivered of the copy is a duplicate.

    Args:
        folder: Of an epoch whose owner is gone; the caller holds its `shipper` lock.
        through: The collector has everything up to here.
        credential: Of the producer.

    Returns:
        The new epoch, None when there was nothing to move.

    Raises:
        OSError: The disk refused; the old epoch is still whole.
        SpoolError: The disk refused; the old epoch is still whole.
    """
    reader = EpochReader(folder)
    reader.seek(through + 1)
    epoch = sha256(f"auditroll/rehomed/1\0{folder.epoch}\0{through}".encode()).hexdigest()[:32]
    _clear(SpoolFolder(folder.path.parent / epoch, folder.disk))
    moved: _Copy | None = None
    while (chunk := reader.read(_READ_LINES, _READ_OCTETS, complete=True)) is not None:
        for line in chunk.lines:
            event = _read(line)
            if event is not None:
                moved = moved or _Copy(folder, epoch, event, credential)
                moved.add(event)
    if moved is not None:
        moved.finish()
    folder.remove()
    return None if moved is None else epoch


class _Copy:
    """The new epoch while it is written."""

    def __init__(
        self, old: SpoolFolder, epoch: str, first: Event, credential: ProducerCredential
    ) -> None:
        self._epoch = epoch
        self._count = 0
        self._builder = Builder(credential, str(first.service_name), str(first.environment))
        self._writer = SpoolWriter.open(
            old.path.parent.parent, old.producer_id, disk=old.disk, limits=_LIMITS, epoch=epoch
        )
        self._append(self._builder.own("producer.open", mode="durable", previous_epoch=old.epoch))

    def add(self, event: Event) -> None:
        self._append(event)
        self._count += 1

    def finish(self) -> None:
        counts = {"dropped": 0, "seen": self._count, "written": self._count}
        last = self._writer.count - 1
        self._append(self._builder.own("producer.close", "ok", last_seq=last, **counts))
        # The copy is durable before the original goes.
        if not self._writer.sync():
            self._writer.close()
            raise OSError("the copy of the epoch is not durable")
        self._writer.close()

    def _append(self, event: Event) -> None:
        self._writer.append(lambda number: self._builder.line(event, self._epoch, number))


def _read(line: bytes) -> Event | None:
    """Return an application's event; the old epoch's own say nothing of the new one."""
    try:
        event = _DECODE(line)
    except msgspec.DecodeError:
        return None
    kind = event.event_type
    return None if kind is UNSET or kind.startswith(_OWN) else event


def _clear(folder: SpoolFolder) -> None:
    """Remove what an earlier attempt left."""
    if folder.path.exists():
        folder.remove()
