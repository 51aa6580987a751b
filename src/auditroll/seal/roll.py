"""The roll itself: streams, and the journal that they are a function of.

Life of a frame: `parse` refuses what could not be applied, `write` appends it, `sync` makes it
durable, `apply` gives its records their places. Facts and root leaves take the same way. Only
this module appends to the journal and only it extends streams.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from auditroll.errors import CollectorError
from auditroll.event.canonical import decode
from auditroll.event.times import format_time
from auditroll.seal import facts
from auditroll.seal.apply import apply_entries
from auditroll.seal.frames import Frame, read_frame
from auditroll.seal.journal import JournalWriter
from auditroll.seal.state import Appended
from auditroll.seal.streams import Stream
from auditroll.segment.journal import BadFrame, FrameHeader, encode_plaintext

__all__ = ["NewStream", "Refusal", "Roll"]

NewStream = Callable[[dict[str, Any]], Stream]
"""Makes the empty stream that a genesis record describes."""


class Refusal(NamedTuple):
    """A sequence number that was refused for good, waiting to be counted by a seal.

    Args:
        frame: Number of the frame that says so.
        producer: The producer.
        epoch: Its epoch.
        seq: The number.
    """

    frame: int
    producer: str
    epoch: str
    seq: int


class Roll:
    """Streams and journal of one installation.

    Args:
        streams: By id, as recovered.
        journal: Takes new frames.
        effective_ms: Effective time of receipt of the newest frame.
        new_stream: Makes streams.
        now_ms: The clock.
    """

    def __init__(
        self,
        streams: dict[str, Stream],
        journal: JournalWriter,
        effective_ms: int,
        new_stream: NewStream,
        now_ms: Callable[[], int],
    ) -> None:
        self.streams = streams
        self.journal = journal
        self.effective_ms = effective_ms
        self.refused: dict[str, list[Refusal]] = {}
        self._new_stream = new_stream
        self._now_ms = now_ms
        self._by_class = {
            (s.tenant, s.data_class): s.stream for s in streams.values() if s.kind != "root"
        }

    # Frames.

    def parse(self, plaintext: bytes) -> Frame:
        """Return a frame that is safe to journal.

        What is journalled must apply, now and at every later start; so what would not is refused
        before it is written.

        Raises:
            CollectorError: `frame-refused`.
        """
        try:
            frame = read_frame(plaintext)
        except BadFrame as error:
            raise _refused(error.message) from error
        if any(stream not in self.streams for _, _, stream, _ in frame.items):
            raise _refused("it names a stream that is not there")
        return frame

    def write(self, frames: Sequence[Frame]) -> list[int]:
        """Append frames, with one write, and return their numbers; nothing is promised yet."""
        return self.journal.write([frame.plaintext for frame in frames])

    def sync(self) -> None:
        """Make everything written survive power loss. May run in another thread."""
        self.journal.sync()

    def apply(self, numbers: Sequence[int], frames: Sequence[Frame]) -> list[Appended]:
        """Give the records of written frames their places."""
        return [
            Appended(number, self._apply(number, frame))
            for number, frame in zip(numbers, frames, strict=True)
        ]

    def append(self, frames: Sequence[Frame]) -> list[Appended]:
        """Write, sync and apply."""
        numbers = self.write(frames)
        self.sync()
        return self.apply(numbers, frames)

    def _apply(self, number: int, frame: Frame) -> int:
        self.effective_ms = max(self.effective_ms, frame.received_ms)
        for fact in apply_entries(self.streams, frame.items, self.effective_ms):
            note_fact(fact.stream, fact.at, fact.public)
        self.note_refused(number, frame.head)
        return self.effective_ms

    def note_refused(self, number: int, head: dict[str, Any]) -> None:
        """Keep a batch's refused numbers until a seal counts them."""
        if refused := head.get("quarantined"):
            self.refused.setdefault(head["tenant_id"], []).extend(
                Refusal(number, head["producer_id"], head["epoch"], seq) for seq, _ in refused
            )

    # Facts.

    def received_now(self) -> int:
        """Return the effective time of receipt of a record taken now."""
        return max(self._now_ms(), self.effective_ms)

    def facts(self, wanted: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
        """Record facts as (stream, event type, fields), durable on return."""
        now = self.received_now()
        records = [
            (stream, facts.fact(event_type, self.streams[stream].tenant, fields, now))
            for stream, event_type, fields in wanted
        ]
        self._commit("fact", records, now)

    def root_group(self, root: str, heads: dict[str, tuple[int, bytes]]) -> None:
        """Record one root group, durable on return.

        Args:
            root: Id of the root stream.
            heads: Size and root by stream.
        """
        now = self.received_now()
        leaves = facts.root_groups(heads, now)
        self._commit("root", [(root, leaf) for leaf in leaves], now)

    def find(self, tenant: str, data_class: str) -> str | None:
        """Return a tenant's stream; the ledger has no class."""
        return self._by_class.get((tenant, data_class))

    def create(
        self, kind: str, tenant: str, data_class: str, installation: str, public_key: bytes
    ) -> str:
        """Make a stream, its genesis durable on return, and return its id."""
        stream_id = secrets.token_hex(16)
        now = self.received_now()
        record = facts.genesis(kind, tenant, data_class, installation, public_key, now)
        seeded = [(stream_id, os.urandom(16), record)]
        plaintext = encode_plaintext(FrameHeader("fact", now), seeded, received_at=format_time(now))
        frame = read_frame(plaintext)
        numbers = self.write([frame])
        self.sync()
        self.streams[stream_id] = self._new_stream(decode(record) | {"stream": stream_id})
        if kind != "root":
            self._by_class[tenant, data_class] = stream_id
        self.apply(numbers, [frame])
        return stream_id

    def _commit(self, kind: str, records: Iterable[tuple[str, bytes]], now: int) -> None:
        seeded = [(stream, os.urandom(16), record) for stream, record in records]
        plaintext = encode_plaintext(FrameHeader(kind, now), seeded, received_at=format_time(now))
        self.append([self.parse(plaintext)])


def note_fact(stream: Stream, index: int, fact: dict[str, Any]) -> None:
    """Take in what a fact means for the stream it stands in."""
    if fact["event_type"] == "ledger.seal" and fact["target_stream"] == stream.stream:
        stream.note_own_seal(index)


def _refused(reason: str) -> CollectorError:
    return CollectorError(
        "frame-refused",
        f"the sequencer refuses a frame: {reason}",
        hint="This is a defect of auditroll; nothing of the batch was stored.",
        status=500,
    )
