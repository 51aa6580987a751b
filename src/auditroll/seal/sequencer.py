"""The sequencer: owner of journal, chains, trees and signatures. Read it from `append` down.

    append  ->  frames written  ->  one sync  ->  applied (chained, hashed)  ->  acknowledged
    tick    ->  finished segments announced  ->  root group  ->  head set, signed
            ->  due segments handed to the worker  ->  sealed journal files dropped

One process, one thread. Everything that changes a stream goes through the journal first; recovery
applies the same frames with the same function.
"""

import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditroll import clock
from auditroll.disk import Disk
from auditroll.errors import IntegrityError, PolicyError
from auditroll.event.grammar import GRAMMARS
from auditroll.event.times import format_time, parse_time
from auditroll.keys import KeyStore
from auditroll.seal import facts
from auditroll.seal.apply import apply_entries
from auditroll.seal.heads import Heads
from auditroll.seal.journal import JournalWriter, TornTail, read_journal
from auditroll.seal.lock import FolderLock
from auditroll.seal.recovery import Positions, Recovery, new_stream
from auditroll.seal.sealed import SegmentInfo
from auditroll.seal.segments import (
    SealJob,
    SealResult,
    Watermark,
    merged,
    pack,
    seal_fields,
    write_segment,
)
from auditroll.seal.streams import Stream, Unsealed
from auditroll.seal.trust import Trust
from auditroll.segment import SegmentMeta
from auditroll.segment.journal import FrameHeader, decode_plaintext, encode_plaintext
from auditroll.store import DataFolder
from auditroll.tlog import Frontier, Signer
from auditroll.tlog.proof import consistency, inclusion, root_of_range

__all__ = ["Appended", "Head", "Sequencer", "Worker"]

SEAL_AFTER_S: Final = 300
# Records that wait for their segment; beyond it the largest tails are closed early.
MAX_TAIL_OCTETS: Final = 768 * 2**20

Worker = Callable[[SealJob], "Future[SealResult]"]


class Appended(NamedTuple):
    """A frame that survives power loss.

    Args:
        frame: Its number in the journal.
        received_ms: Effective time of receipt of its records.
    """

    frame: int
    received_ms: int


class Head(NamedTuple):
    """What is known of one stream.

    Args:
        stream: Stream id.
        kind: `root`, `ledger` or `data`.
        tenant: Empty for the root.
        data_class: Only of `data`.
        size: Number of records.
        sealed: How many of them stand in segments.
        root: Of the tree, 64 hex digits.
        listed: Size in the newest root group.
    """

    stream: str
    kind: str
    tenant: str
    data_class: str
    size: int
    sealed: int
    root: str
    listed: int


def seal_here(job: SealJob) -> "Future[SealResult]":
    """Write a segment in this process: for tests and for sealing at the end."""
    done: Future[SealResult] = Future()
    done.set_result(write_segment(job))
    return done


class Sequencer:
    """The log of one installation.

    Args:
        root: The data folder.
        installation: Its name, fixed at the first start; None takes the one it has.
        seal_after_s: Longest time a record stays without a segment.
        disk: File operations.
        worker: Writes segments.
        now_ms: The clock.

    Raises:
        PolicyError: `data-locked`; `installation-changed`.
        IntegrityError: `altered`, `rolled-back`, `key-unknown`: the folder is not what was left.
    """

    def __init__(
        self,
        root: Path,
        *,
        installation: str | None = None,
        seal_after_s: float = SEAL_AFTER_S,
        disk: Disk | None = None,
        worker: Worker = seal_here,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        self._now_ms = now_ms
        self._after_ms = int(seal_after_s * 1000)
        self._worker = worker
        self._folder = DataFolder(root, disk)
        self._lock = FolderLock.take(self._folder.lock_file)
        try:
            self._start(installation)
        except BaseException:
            self._lock.release()
            raise

    # Appending.

    def append(self, plaintexts: Sequence[bytes]) -> list[Appended]:
        """Make batches durable, then part of the log.

        Args:
            plaintexts: From `encode_plaintext`, one frame each.

        Raises:
            CollectorError: `journal-failed`: nothing was acknowledged.
        """
        numbers = self.write(plaintexts)
        self.sync()
        return self.apply(numbers, plaintexts)

    def write(self, plaintexts: Sequence[bytes]) -> list[int]:
        """First step of `append`: frames without a promise."""
        if self._journal.full:
            self._rotate()
        return self._journal.write(plaintexts)

    def sync(self) -> None:
        """Second step: everything written survives power loss. May run in another thread."""
        self._journal.sync()

    def apply(self, numbers: Sequence[int], plaintexts: Sequence[bytes]) -> list[Appended]:
        """Third step: give the records their places."""
        return [
            Appended(number, self._apply(number, plaintext))
            for number, plaintext in zip(numbers, plaintexts, strict=True)
        ]

    def stream(self, tenant: str, data_class: str) -> str:
        """Return the stream of a tenant's class, with genesis if it is new.

        Raises:
            PolicyError: `bad-name`: tenant or class does not match its grammar.
        """
        known = self._by_class.get((tenant, data_class))
        if known is not None:
            return known
        if not GRAMMARS["TENANT"](tenant) or not GRAMMARS["NAME"](data_class):
            raise PolicyError("bad-name", "a tenant or class name does not match its grammar")
        self.ledger(tenant)
        return self._create("data", tenant, data_class)

    def ledger(self, tenant: str) -> str:
        """Return the tenant's ledger, with genesis if it is new."""
        return self._by_class.get((tenant, "")) or self._create("ledger", tenant, "")

    def fact(self, tenant: str, event_type: str, fields: dict[str, Any]) -> int:
        """Record a fact in the tenant's ledger, durable on return, and return its index."""
        ledger = self.ledger(tenant)
        self._commit("fact", [(ledger, event_type, fields)])
        return self.streams[ledger].size - 1

    # Time.

    def tick(self) -> None:
        """Do what is due: announce segments, list and sign heads, close segments."""
        self._announce_finished()
        changed = [s for s in self.streams.values() if s.kind != "root" and s.head_due()]
        if changed:
            self._list_heads(changed)
        elif self._root.size != self._signed_size:
            self._sign_root()
        self._close_due()
        self._drop_journal()

    def relist(self, streams: Iterable[str]) -> list[Head]:
        """List heads again, changed or not, sign the root, and return them.

        Raises:
            PolicyError: `stream-unknown`.
        """
        wanted = [self._known(stream) for stream in streams]
        self._list_heads([stream for stream in wanted if stream.kind != "root"])
        return [self._head(stream) for stream in wanted]

    def seal_all(self) -> None:
        """Close and seal every tail that a segment may hold; for tests and for an orderly end."""
        self._close_due(pressed=True)
        self._announce_finished(wait=True)

    def close(self) -> None:
        """List and sign what was appended, and give the folder free."""
        self._announce_finished(wait=True)
        self.tick()
        for stream in self.streams.values():
            stream.nodes.flush()
        self._journal.close()
        self._lock.release()

    # Reading.

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

    def tail(self, stream: str, first: int, end: int | None = None) -> list[Unsealed]:
        """Return the records from `first` on that no segment holds yet."""
        return list(self._known(stream).unsealed(first, end))

    def segments(self, stream: str) -> list[SegmentInfo]:
        """Return the stream's sealed segments in order."""
        return self._seals.infos(self._known(stream).stream)

    def inclusion(self, stream: str, index: int, size: int) -> list[bytes]:
        """Return the audit path of a record in the tree of `size` leaves.

        Raises:
            PolicyError: `out-of-range`.
        """
        known = self._known(stream)
        if not 0 <= index < size <= known.size:
            raise PolicyError("out-of-range", "no such record at that size", status=404)
        return inclusion(index, size, known.nodes.node)

    def consistency(self, stream: str, old: int, size: int) -> list[bytes]:
        """Return the proof that the tree of `old` leaves is a prefix of the one of `size`.

        Raises:
            PolicyError: `out-of-range`.
        """
        known = self._known(stream)
        if not 0 < old <= size <= known.size:
            raise PolicyError("out-of-range", "no such sizes", status=404)
        return consistency(old, size, known.nodes.node)

    def heads(self) -> list[Head]:
        """Return every stream, the root first."""
        return [self._head(s) for s in sorted(self.streams.values(), key=_order)]

    def watermarks(self) -> list[Watermark]:
        """Return what was received before this start; once, to the collector."""
        taken, self._recovered = self._recovered, []
        return taken

    def trust(self) -> dict[str, Any]:
        """Return what a verifier of this installation starts from."""
        return self._trust.document(self.streams.values())

    def rebuilt(self) -> list[str]:
        """Return the derived files that this start had to rebuild."""
        return list(self._rebuilt)

    # Starting.

    streams: dict[str, Stream]
    _recovered: list[Watermark]

    def _start(self, installation: str | None) -> None:
        self._keys = KeyStore(self._folder.keys, self._folder.disk)
        secret = self._keys.single("signing").octets
        self._trust = Trust(self._folder, Signer("x", secret).public)
        files, torn = read_journal(self._folder, self._keys)
        recovery = Recovery(self._folder, self._keys, files)
        recovery.run()
        self._take_over(recovery)
        name = self._trust.installation(installation, fresh=not self.streams)
        self._heads = Heads(self._folder, name, secret)
        self._check_registers()
        number = files[-1].first + files[-1].count if files else self._next_number()
        journal_id = files[-1].header.journal if files else secrets.token_hex(16)
        self._journal = JournalWriter(self._folder, self._keys, journal_id, number, self._now_ms())
        self._positions.save(number, self._effective_ms, self._sizes())
        self._root_checkpoint = ""
        self._signed_size = -1
        self._first_facts(torn)
        self.tick()

    def _take_over(self, recovery: Recovery) -> None:
        self.streams = recovery.streams
        self._seals = recovery.seals
        self._effective_ms = recovery.effective_ms
        self._recovered = recovery.watermarks
        self._rebuilt = recovery.rebuilt
        self._ends = recovery.ends
        self._positions = Positions(self._folder)
        self._jobs: list[tuple[SealJob, Future[SealResult]]] = []
        self._by_class = {(s.tenant, s.data_class): s.stream for s in self.streams.values()}
        # Refused numbers of a tenant wait for the tenant's next seal, which then counts them.
        self._refused: defaultdict[str, list[tuple[int, str, str, int]]] = defaultdict(list)
        for tenant, number, producer, epoch, seq in recovery.refused:
            self._refused[tenant].append((number, producer, epoch, seq))

    def _next_number(self) -> int:
        # Every journal file is sealed and gone: go on behind the last number the folder knows.
        return self._positions.next_number()

    def _check_registers(self) -> None:
        """Refuse to start behind what was signed.

        Raises:
            IntegrityError: `rolled-back` or `forked`.
        """
        for stream_id in self._folder.streams():
            register = self._heads.read(stream_id)
            if register is None:
                continue
            stream = self.streams.get(stream_id)
            size = stream.size if stream else 0
            if stream is None or register[0] > size:
                raise IntegrityError(
                    "rolled-back",
                    f"stream {stream_id}: {register[0]} records were signed, {size} are here",
                    hint="The folder is older than what was signed. Restore the newest copy.",
                )
            if root_of_range(0, register[0], stream.nodes.node) != register[1]:
                raise IntegrityError(
                    "forked",
                    f"stream {stream_id}: another root was signed for {register[0]} records",
                    hint="Run `auditroll verify`, and restore the folder from its copy.",
                )

    def _first_facts(self, torn: TornTail | None) -> None:
        roots = [s for s in self.streams.values() if s.kind == "root"]
        root_id = roots[0].stream if roots else self._create("root", "", "")
        self._root = self.streams[root_id]
        self._trust.save(self.streams.values())
        if torn is not None:
            fields = {
                "journal_file": torn.file,
                "valid_octets": torn.valid_octets,
                "lost_octets": torn.lost_octets,
                "last_frame": torn.last_frame,
                "reason_code": "torn-tail",
            }
            ledgers = [s.stream for s in self.streams.values() if s.kind != "data"]
            self._commit("fact", [(stream, "ledger.recovery", fields) for stream in ledgers])

    # Writing facts and applying frames.

    def _create(self, kind: str, tenant: str, data_class: str) -> str:
        stream_id = secrets.token_hex(16)
        now = self._received_now()
        record = facts.genesis(
            kind, tenant, data_class, self._trust.name, self._trust.public_key, now
        )
        self._commit_records("fact", [(stream_id, record)], now)
        self._by_class[tenant, data_class] = stream_id
        if kind != "root":
            self._trust.save(self.streams.values())
        return stream_id

    def _commit(self, kind: str, wanted: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
        """Journal facts as (stream, event type, fields), durable and applied on return."""
        now = self._received_now()
        records = [
            (stream, facts.fact(event_type, self.streams[stream].tenant, fields, now))
            for stream, event_type, fields in wanted
        ]
        self._commit_records(kind, records, now)

    def _commit_records(self, kind: str, records: Iterable[tuple[str, bytes]], now: int) -> None:
        seeded = [(stream, os.urandom(16), record) for stream, record in records]
        header = FrameHeader(kind, now)
        self.append([encode_plaintext(header, seeded, received_at=format_time(now))])

    def _received_now(self) -> int:
        """Return the effective time of receipt of a record taken now."""
        return max(self._now_ms(), self._effective_ms)

    def _apply(self, number: int, plaintext: bytes) -> int:
        head, lazy = decode_plaintext(plaintext)
        entries = list(lazy)
        self._effective_ms = max(self._effective_ms, parse_time(head["received_at"]))
        for entry in entries:
            if entry.stream not in self.streams:
                genesis = entry.record | {"stream": entry.stream}
                self.streams[entry.stream] = new_stream(self._folder, genesis)
        for stream, index, public in apply_entries(self.streams, entries, self._effective_ms):
            if public["event_type"] == "ledger.seal" and public["target_stream"] == stream.stream:
                stream.note_own_seal(index)
        for seq, _code in head.get("quarantined", ()):
            refused = (number, head["producer_id"], head["epoch"], seq)
            self._refused[head["tenant_id"]].append(refused)
        return self._effective_ms

    # Heads.

    def _list_heads(self, streams: Sequence[Stream]) -> None:
        """Persist a root group and only then count its heads as listed; sign the root."""
        heads = {stream.stream: stream.head() for stream in streams}
        if heads:
            now = self._received_now()
            groups = [(self._root.stream, leaf) for leaf in facts.root_groups(heads, now)]
            self._commit_records("root", groups, now)
        for stream in streams:
            stream.listed = heads[stream.stream]
        self._sign_root()

    def _sign_root(self) -> None:
        head = self._root.listed = self._root.head()
        self._root_checkpoint = self._heads.sign(self._root.stream, head)
        self._signed_size = head[0]

    # Segments.

    def _close_due(self, *, pressed: bool = False) -> None:
        now = self._received_now()
        for stream in self.streams.values():
            end = stream.closable(now, self._after_ms, pressed=pressed)
            if end is not None:
                self._close_segment(stream, end)
        if sum(stream.tail_octets for stream in self.streams.values()) > MAX_TAIL_OCTETS:
            largest = max(self.streams.values(), key=lambda stream: stream.tail_octets)
            end = largest.closable(now, self._after_ms, pressed=True)
            if end is not None:
                self._close_segment(largest, end)

    def _close_segment(self, stream: Stream, end: int) -> None:
        key = self._keys.create("segment")
        meta = SegmentMeta(stream.stream, stream.sealed, end - stream.sealed, 0, key.id)
        records = pack(stream.unsealed(stream.sealed, end))
        job = SealJob(str(self._folder.root), meta, key.octets, records)
        stream.sealing = True
        # The octets are the worker's from here on; only their place is kept.
        self._jobs.append((job._replace(records=b""), self._worker(job)))

    def _announce_finished(self, *, wait: bool = False) -> None:
        """Record the seal of every segment that is durable, then forget its records."""
        ready = [job for job in self._jobs if wait or job[1].done()]
        self._jobs = [job for job in self._jobs if job not in ready]
        for job, future in ready:
            stream = self.streams[job.meta.stream]
            stream.sealing = False
            self._announce(stream, job, future.result())
        if ready:
            self._trust.save(self.streams.values())

    def _announce(self, stream: Stream, job: SealJob, result: SealResult) -> None:
        end = job.meta.end
        ledger = stream.stream if stream.kind == "root" else self.ledger(stream.tenant)
        peaks = [stream.nodes.node(level, at) for level, at in _peaks(end)]
        refused = self._refused.pop(stream.tenant, []) if stream.kind == "data" else []
        parts = seal_fields(
            job,
            result,
            data_class=stream.data_class,
            tree_root=_root_of(end, peaks),
            compact_range=peaks,
            last_leaf_hash=stream.nodes.node(0, end - 1),
            refused=_by_epoch(refused),
        )
        self._commit("fact", [(ledger, "ledger.seal", fields) for fields in parts])
        for fields in parts:
            self._seals.add(fields)
        self._seals.take_watermarks()
        stream.drop_sealed(end)
        stream.nodes.flush()
        if stream.kind != "root" and stream.listed is not None:
            self._heads.sign(stream.stream, stream.listed)

    # The journal's files.

    def _rotate(self) -> None:
        self._ends[self._journal.first] = self._sizes()
        self._journal.rotate(self._now_ms())
        self._positions.save(self._journal.first, self._effective_ms, self._sizes())

    def _drop_journal(self) -> None:
        """Drop files whose every record stands in a segment whose seal is durable."""
        waiting = min((entry[0] for mine in self._refused.values() for entry in mine), default=None)
        for first in sorted(self._ends):
            later = min(f for f in [*self._ends, self._journal.first] if f > first)
            if waiting is not None and waiting < later:
                return
            ends = self._ends[first]
            if any(self.streams[stream].sealed < end for stream, end in ends.items()):
                return
            self._folder.disk.remove(self._folder.journal_file(first))
            self._folder.disk.sync_dir(self._folder.journal)
            self._positions.remove(first)
            del self._ends[first]

    def _sizes(self) -> dict[str, int]:
        return {stream.stream: stream.size for stream in self.streams.values()}

    def _known(self, stream: str) -> Stream:
        known = self.streams.get(stream)
        if known is None:
            raise PolicyError("stream-unknown", "there is no such stream", status=404)
        return known

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


def _order(stream: Stream) -> tuple[bool, str, str, str]:
    return (stream.kind != "root", stream.tenant, stream.data_class, stream.stream)


def _peaks(size: int) -> list[tuple[int, int]]:
    """Return level and index of the perfect subtrees of [0, size), largest first."""
    peaks: list[tuple[int, int]] = []
    at = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append((level, at >> level))
            at += 1 << level
    return peaks


def _root_of(size: int, peaks: Sequence[bytes]) -> bytes:
    return Frontier.from_compact_range(size, peaks).root()


def _by_epoch(refused: Iterable[tuple[int, str, str, int]]) -> list[Watermark]:
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for _number, producer, epoch, seq in refused:
        numbers[producer, epoch].append(seq)
    return [(*key, merged(found)) for key, found in sorted(numbers.items())]
