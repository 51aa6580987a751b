"""The collector: authenticate, deduplicate, judge, make durable, answer.

Life of a batch: `ingest` finds the producer and unpacks the octets; `_accept` holds the epoch's
lock from the look at what was received until the log has it. What is in `received` is durable,
always; the answer is made from `received` alone.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from itertools import chain
from typing import Any

from msgspec import UNSET

from auditroll.access import OWN_PRODUCER, Control, Producer
from auditroll.clock import now_ms
from auditroll.collect.admission import Admission
from auditroll.collect.delivery import Delivery, EpochState, answer, check_place, note_prefix
from auditroll.collect.epochs import Epoch, Epochs
from auditroll.collect.frames import Origin, encode_frames, stamp
from auditroll.collect.intervals import Range
from auditroll.collect.judge import Judge
from auditroll.collect.lines import read_lines
from auditroll.collect.room import Room
from auditroll.collect.rules import data_class
from auditroll.event import Event
from auditroll.seal import SequencerClient
from auditroll.vault.assign import Vault
from auditroll.wire.batch import Answer, decode_body

__all__ = ["Collector"]

OPEN, HEARTBEAT, CLOSE = "producer.open", "producer.heartbeat", "producer.close"
_ANNOUNCING = frozenset({OPEN, HEARTBEAT, CLOSE})


class Collector:
    """Takes batches from producers.

    Args:
        control: Who may send.
        vault: Gives pseudonyms.
        sequencer: The log.
        room: How much may be under way.
    """

    def __init__(
        self,
        control: Control,
        vault: Vault,
        sequencer: SequencerClient,
        room: Room | None = None,
    ) -> None:
        self.epochs = Epochs(control.engine)
        self._control = control
        self._sequencer = sequencer
        self._judge = Judge(vault, control.tenants)
        self.room = room or Room()
        self._streams: dict[tuple[str, str], str] = {}
        self._under_way: set[asyncio.Task[Answer]] = set()

    async def start(self) -> None:
        """Recover what was received from the log; call before the first batch."""
        tenants = {known.producer: known.tenant for known in self._control.producers.list()}
        self.epochs.load(await self._sequencer.watermarks(), tenants, now_ms())

    async def stop(self) -> None:
        """Wait until every batch under way has its answer."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def ingest(self, credential: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Take one batch.

        Args:
            credential: The producer's bearer key.
            headers: Of the request, names in any case.
            body: As sent, compressed or not.

        Returns:
            What happened to each line; everything it calls received is durable.

        Raises:
            AccessError: `unauthenticated`.
            ProducerError: What is sent is wrong as a whole, is too much or comes too late.
            CollectorError: Our side failed; nothing was acknowledged.

        Source: docs/reference/wire.md.
        """
        producer = self._control.producers.authenticate(credential)
        return await self._finish(self._unpack(producer, headers, body))

    async def insert(self, producer: Producer, delivery: Delivery) -> Answer:
        """Take a batch that is unpacked, from a producer who is known.

        Raises:
            ProducerError: `epoch-closed` or `seq-gap` (409).
            CollectorError: Our side failed; nothing was acknowledged.
        """
        return await self._finish(self._accept(producer, delivery))

    async def epoch(self, credential: str, epoch_id: str) -> EpochState:
        """Return what is received of one of the producer's epochs.

        Raises:
            AccessError: `unauthenticated`.
        """
        producer = self._control.producers.authenticate(credential)
        epoch = self.epochs.find(producer.producer, epoch_id)
        if epoch is None:
            return EpochState(closed=False, durable_through=-1, archived_through=-1)
        through = epoch.durable_through()
        prefix = UNSET if epoch.prefix is None else epoch.prefix.sha256
        return EpochState(
            closed=epoch.closed_at is not None,
            durable_through=through,
            archived_through=through,
            prefix_sha256=prefix,
        )

    async def _finish(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Run to the end even if the caller goes away.

        Once the log was asked, what it answered must reach `received`, or a repetition would be
        stored twice.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def _unpack(self, producer: Producer, headers: Mapping[str, str], body: bytes) -> Answer:
        with self.room.seat(producer.producer) as seat:
            seat.take(len(body))
            batch = decode_body(headers, body)
            seat.take(len(batch.octets))
            return await self._accept(producer, Delivery.of(batch))

    async def _accept(self, producer: Producer, delivery: Delivery) -> Answer:
        now = now_ms()
        epoch = self.epochs.get(producer.producer, delivery.epoch, producer.tenant, now)
        epoch.users += 1
        try:
            async with epoch.lock:
                missing = epoch.received.missing(delivery.first, delivery.last)
                check_place(epoch, delivery, missing)
                if delivery.prefix_sha256 is not None and not epoch.is_file:
                    # Before the append: a file epoch the log knows is always known as one.
                    epoch.is_file = True
                    await self.epochs.store(epoch)
                admission = await self._store(producer, epoch, delivery, missing)
                epoch.last_heard, epoch.heard = now_ms(), True
                await self._after(epoch, delivery, missing, admission)
                through = epoch.durable_through()
        finally:
            epoch.users -= 1
            self.epochs.drop_unused(epoch)
        return answer(
            delivery, missing, admission, through, await self._sequencer.root_checkpoint()
        )

    async def _store(
        self, producer: Producer, epoch: Epoch, delivery: Delivery, missing: Sequence[Range]
    ) -> Admission:
        """Judge the lines that were not received, and make their fate durable."""
        if not missing:
            return Admission([], [], {})
        numbers = [number for first, last in missing for number in range(first, last + 1)]
        admission = await self._judge.judge(
            delivery.only(missing), numbers, delivery.epoch, producer
        )
        tenant = self._control.tenants.get(producer.tenant)
        classes = {
            kind: data_class(kind, tenant, own=producer.producer == OWN_PRODUCER)
            for kind in {str(event.event_type) for event in admission.events}
        }
        streams = {name: await self._stream(tenant.tenant, name) for name in classes.values()}
        origin = Origin(producer.tenant, producer.producer, delivery.epoch)
        received_at = now_ms()
        stamp(admission.events, origin, classes, received_at)
        await self._sequencer.append(encode_frames(admission, origin, streams, received_at))
        # Only now: a crash before this line leaves what the log has to its own recovery.
        for first, last in missing:
            epoch.received.add(first, last)
        return admission

    async def _stream(self, tenant: str, name: str) -> str:
        stream = self._streams.get((tenant, name))
        if stream is None:
            stream = await self._sequencer.stream(tenant, name)
            self._streams[tenant, name] = stream
        return stream

    async def _after(
        self,
        epoch: Epoch,
        delivery: Delivery,
        missing: Sequence[Range],
        admission: Admission,
    ) -> None:
        """Make durable what the log does not give back in one look, before the answer."""
        note_prefix(epoch, delivery)
        for event in chain(admission.events, _repeated_close(epoch, delivery, missing)):
            if event.event_type in _ANNOUNCING:
                await self._note_announcement(epoch, event)
        if epoch.changed:
            await self.epochs.store(epoch)

    async def _note_announcement(self, epoch: Epoch, event: Event) -> None:
        """Take in a `producer.*` record."""
        epoch.changed |= not epoch.announced
        epoch.announced = True
        if event.event_type == CLOSE and epoch.closed_at is None:
            epoch.closed_at, epoch.close_seq = now_ms(), int(event.producer_seq or 0)
            epoch.changed = True
        if event.event_type == OPEN and event.previous_epoch is not UNSET:
            before = self.epochs.find(epoch.producer, event.previous_epoch)
            if before is not None and before.successor_opened is None:
                before.successor_opened = now_ms()
                await self.epochs.store(before)


def _repeated_close(epoch: Epoch, delivery: Delivery, missing: Sequence[Range]) -> Sequence[Event]:
    """Return the close at the end of a repetition, if a crash kept it from being noted."""
    repeated = not missing or missing[-1][1] < delivery.last
    if not repeated or epoch.closed_at is not None:
        return ()
    line = delivery.only([(delivery.last, delivery.last)])
    events = read_lines(line, [delivery.last]).events if CLOSE.encode() in line else []
    return [event for event in events if event.event_type == CLOSE]
