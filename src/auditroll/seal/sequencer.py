"""The sequencer: owner of journal, chains, trees and signatures. Read it from `append` down.

    append  ->  frames written  ->  one sync  ->  applied (chained, hashed)  ->  acknowledged
    tick    ->  finished segments announced  ->  root group  ->  head set, signed
            ->  due segments handed to the worker  ->  sealed journal files dropped

One process, one thread. Everything that changes a stream goes through the journal first; recovery
applies the same frames with the same function.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Final

from auditroll import clock
from auditroll.disk import Disk
from auditroll.errors import CollectorError, PolicyError
from auditroll.event.grammar import GRAMMARS
from auditroll.seal.calls import Ready
from auditroll.seal.frames import Frame
from auditroll.seal.lock import FolderLock
from auditroll.seal.records import Unsealed
from auditroll.seal.roll import Roll
from auditroll.seal.sealed import SegmentInfo
from auditroll.seal.sealing import MAX_TAIL_OCTETS, Worker
from auditroll.seal.segments import SealJob, SealResult, Watermark, write_segment
from auditroll.seal.starting import Start
from auditroll.seal.state import Appended, Head, Listing, Snapshot, StreamState
from auditroll.seal.streams import Stream
from auditroll.store import DataFolder
from auditroll.tlog.proof import consistency, inclusion

__all__ = ["Sequencer", "seal_here"]

SEAL_AFTER_S: Final = 300.0


def seal_here(job: SealJob, disk: Disk | None = None) -> "Future[SealResult]":
    """Write a segment in this process: for tests and small installations."""
    done: Future[SealResult] = Future()
    try:
        done.set_result(write_segment(job, disk))
    except Exception as error:  # noqa: BLE001  handed to whoever asks for the result
        done.set_exception(error)
    return done


class Sequencer:
    """The log of one installation.

    Args:
        root: The data folder.
        installation: Its name, fixed at the first start; None takes the one it has.
        seal_after_s: Longest time a record stays without a segment.
        disk: File operations.
        worker: Writes segments; None writes them here.
        now_ms: The clock.
        wait_s: How long to wait for a predecessor that is just ending.

    Raises:
        PolicyError: `data-locked`; `installation-changed`; `bad-name`; `unsafe-keys`.
        IntegrityError: `altered`, `forked`, `key-unknown`, `missing`, `rolled-back`: the folder
            is not what was left.
    """

    def __init__(
        self,
        root: Path,
        *,
        installation: str | None = None,
        seal_after_s: float = SEAL_AFTER_S,
        disk: Disk | None = None,
        worker: Worker | None = None,
        now_ms: Callable[[], int] = clock.now_ms,
        wait_s: float = 5.0,
    ) -> None:
        folder = DataFolder(root, disk)
        self._now_ms = now_ms
        self._lock = FolderLock.take(folder.lock_file, wait_s=wait_s)
        try:
            start = Start(folder, installation, now_ms)
            self._trust, self._heads, self._rebuilt = start.trust, start.heads, start.rebuilt
            self._recovered = start.watermarks
            self.roll: Roll = start.roll
            self._sealing = start.sealing(
                worker or partial(seal_here, disk=folder.disk), int(seal_after_s * 1000)
            )
            self._root = start.root
            self._seals = start.seals
            self._sign_root()
            start.finish(self._sealing)
            self._overfull = False
            self.problem = ""
            self.tick()
        except BaseException:
            self._lock.release()
            raise

    @property
    def streams(self) -> dict[str, Stream]:
        """Every stream by its id."""
        return self.roll.streams

    # Appending.

    def append(self, plaintexts: Sequence[bytes]) -> list[Appended]:
        """Make batches durable, then part of the log.

        Args:
            plaintexts: From `encode_plaintext`, one frame each.

        Raises:
            CollectorError: `frame-refused`, `journal-failed` or `sealing-behind`: nothing was
                acknowledged.
        """
        return self.roll.append(self.admit(plaintexts))

    def admit(self, plaintexts: Sequence[bytes]) -> list[Frame]:
        """Return frames that may be written now: the first step of `append`.

        Raises:
            CollectorError: `frame-refused` or `sealing-behind`.
        """
        if self._overfull:
            raise CollectorError(
                "sealing-behind",
                "segments are written more slowly than records arrive",
                hint="Send more slowly; see the status for why sealing lags.",
                retry_after=2,
            )
        if self.roll.journal.full:
            self._sealing.rotate(self._now_ms())
        return [self.roll.parse(plaintext) for plaintext in plaintexts]

    def stream(self, tenant: str, data_class: str) -> str:
        """Return the stream of a tenant's class, with genesis if it is new.

        Raises:
            PolicyError: `bad-name`: tenant or class does not match its grammar.
        """
        known = self.roll.find(tenant, data_class)
        if known is not None:
            return known
        if not GRAMMARS["TENANT"](tenant) or not GRAMMARS["NAME"](data_class):
            raise PolicyError("bad-name", "a tenant or class name does not match its grammar")
        self.ledger(tenant)
        return self._create("data", tenant, data_class)

    def ledger(self, tenant: str) -> str:
        """Return the tenant's ledger, with genesis if it is new.

        Raises:
            PolicyError: `bad-name`.
        """
        known = self.roll.find(tenant, "")
        if known is not None:
            return known
        if not GRAMMARS["TENANT"](tenant):
            raise PolicyError("bad-name", "a tenant's name does not match its grammar")
        return self._create("ledger", tenant, "")

    def fact(self, tenant: str, event_type: str, fields: dict[str, Any]) -> int:
        """Record a fact in the tenant's ledger, durable on return, and return its index."""
        ledger = self.ledger(tenant)
        self.roll.facts([(ledger, event_type, fields)])
        return self.streams[ledger].size - 1

    def _create(self, kind: str, tenant: str, data_class: str) -> str:
        return self.roll.create(kind, tenant, data_class, self._trust.name, self._trust.public_key)

    # Time.

    def tick(self) -> None:
        """Do what is due: announce segments, list and sign heads, close segments.

        Raises:
            CollectorError, OSError: A disk refused. What was not done is done by the next call,
                unless the journal has failed.
        """
        self.announce()
        self._list_growth()
        self._sealing.close_due()
        self._sealing.drop_journal(self._root.stream)
        self._trust.save(self.streams.values())
        self._overfull = self._sealing.tail_octets() > 2 * MAX_TAIL_OCTETS

    def announce(self) -> bool:
        """Record the seals of the segments that are finished, and tell whether there were any."""
        return self._sealing.announce()

    def relist(self, streams: Iterable[str]) -> Listing:
        """List heads again, changed or not, sign them and the root, and return all of them.

        Nothing comes between: the root checkpoint covers a group that lists exactly these heads,
        as an evidence bundle demands.

        Args:
            streams: Ids; the root comes by itself.

        Raises:
            PolicyError: `stream-unknown`.
        """
        wanted = [self._known(stream) for stream in streams]
        self._list_heads([stream for stream in wanted if stream.kind != "root"])
        streams = {self._root.stream, *(stream.stream for stream in wanted)}
        return Listing(
            root_stream=self._root.stream,
            sizes={stream: self.streams[stream].size for stream in streams},
            checkpoints={stream: self.stream_checkpoint(stream) for stream in streams},
        )

    def seal_all(self) -> None:
        """Close and seal every tail that a segment may hold; for tests and for an orderly end."""
        self._sealing.close_all()
        self._sealing.announce(wait=True)

    def close(self) -> None:
        """List and sign what was appended, and give the folder free.

        Segments under way are not waited for: their records stand in the journal.
        """
        self._sealing.announce()
        self._list_growth()
        self._trust.save(self.streams.values())
        for stream in self.streams.values():
            stream.nodes.flush()
        self.roll.journal.close()
        self._lock.release()

    def abandon(self) -> None:
        """Let go of the folder as a process that dies does; for tests."""
        self.roll.journal.close()
        self._lock.release()

    def _list_growth(self) -> None:
        changed = [s for s in self.streams.values() if s.kind != "root" and s.head_due()]
        if changed:
            self._list_heads(changed)
        elif self._root.head_due():
            self._sign_root()

    def _list_heads(self, streams: Sequence[Stream]) -> None:
        """Persist a root group and only then count its heads as listed; sign the root."""
        heads = {stream.stream: stream.head() for stream in streams}
        if heads:
            self.roll.root_group(self._root.stream, heads)
        for stream in streams:
            stream.listed = heads[stream.stream]
        self._sign_root()

    def _sign_root(self) -> None:
        self._root.listed = self._root.head()
        self._root_checkpoint = self._heads.sign(self._root.stream, self._root.listed)

    # Reading.

    def ready(self) -> Ready:
        """Return what names this installation."""
        return Ready(
            installation=self._trust.name,
            public_key=self._trust.public_key.hex(),
            root_stream=self._root.stream,
            root_checkpoint=self._root_checkpoint,
            rebuilt=list(self._rebuilt),
        )

    def root_checkpoint(self) -> str:
        """Return the newest signed root checkpoint."""
        return self._root_checkpoint

    def stream_checkpoint(self, stream: str) -> str:
        """Return a signed checkpoint of the stream's newest listed head.

        Raises:
            PolicyError: `stream-unknown`; `not-listed`: the stream is younger than a second.
        """
        known = self._known(stream)
        if known.kind == "root":
            return self._root_checkpoint
        if known.listed is None:
            raise PolicyError("not-listed", "no root group lists this stream yet", status=503)
        return self._heads.sign(stream, known.listed)

    def packed(self, stream: str, first: int, end: int | None = None) -> list[bytes]:
        """Return the records in [first, end) that no segment holds yet, packed."""
        known = self._known(stream)
        return known.tail.pieces(first, known.size if end is None else end)

    def piece(
        self, stream: str, first: int, end: int | None, count: int
    ) -> tuple[int, list[bytes]]:
        """Return the first unsealed index at or above `first`, and what stands from there on.

        Args:
            stream: Stream id.
            first: Index.
            end: Index after the last that is wanted; None for all.
            count: How many records at most.
        """
        known = self._known(stream)
        start = max(first, known.sealed)
        stop = min(start + count, known.size if end is None else end)
        return start, known.tail.pieces(start, stop)

    def tail(self, stream: str, first: int, end: int | None = None) -> list[Unsealed]:
        """Return the records in [first, end) that no segment holds yet."""
        return self._known(stream).unsealed(first, end)

    def segments(self, stream: str) -> list[SegmentInfo]:
        """Return the stream's sealed segments in order."""
        return self._seals.infos(self._known(stream).stream)

    def inclusion(self, stream: str, index: int, size: int) -> list[bytes]:
        """Return the audit path of a record in the tree of `size` leaves.

        Raises:
            PolicyError: `stream-unknown`, `out-of-range`.
        """
        known = self._known(stream)
        if not 0 <= index < size <= known.size:
            raise PolicyError("out-of-range", "no such record at that size", status=404)
        return inclusion(index, size, known.nodes.node)

    def consistency(self, stream: str, old: int, size: int) -> list[bytes]:
        """Return the proof that the tree of `old` leaves is a prefix of the one of `size`.

        Raises:
            PolicyError: `stream-unknown`, `out-of-range`.
        """
        known = self._known(stream)
        if not 0 < old <= size <= known.size:
            raise PolicyError("out-of-range", "no such sizes", status=404)
        return consistency(old, size, known.nodes.node)

    def heads(self) -> list[Head]:
        """Return every stream with its root, the root stream first."""
        return [self._head(stream) for stream in self._ordered()]

    def snapshot(self) -> Snapshot:
        """Return every stream's size and the newest root checkpoint, as of one moment."""
        return Snapshot(
            root_checkpoint=self._root_checkpoint,
            streams=[
                StreamState(s.stream, s.kind, s.tenant, s.data_class, s.size, s.sealed)
                for s in self._ordered()
            ],
            unsealed_octets=self._sealing.tail_octets(),
            problem=self.problem or self._sealing.problem,
        )

    def watermarks(self) -> list[Watermark]:
        """Return what was received before this start; once, to the collector."""
        taken, self._recovered = self._recovered, []
        return taken

    def rebuilt(self) -> list[str]:
        """Return the derived files that had to be made again since the start."""
        return list(self._rebuilt)

    def _known(self, stream: str) -> Stream:
        known = self.streams.get(stream)
        if known is None:
            raise PolicyError("stream-unknown", "there is no such stream", status=404)
        return known

    def _ordered(self) -> list[Stream]:
        def place(stream: Stream) -> tuple[bool, str, str, str]:
            return (stream.kind != "root", stream.tenant, stream.data_class, stream.stream)

        return sorted(self.streams.values(), key=place)

    def _head(self, stream: Stream) -> Head:
        size, root = stream.head()
        return Head(
            stream=stream.stream,
            kind=stream.kind,
            tenant=stream.tenant,
            data_class=stream.data_class,
            size=size,
            sealed=stream.sealed,
            root=root.hex(),
            listed=stream.listed[0] if stream.listed else 0,
        )
