"""Closing segments, announcing them, and dropping the journal files they replace.

    due tail -> worker writes a file under a temporary name, durable
             -> file gets its name -> `ledger.seal` is journalled -> tail forgotten
             -> journal files without an unsealed record go, and their keys

If the process dies between two of these steps, the next start finds a file that no seal names and
removes it; the records are still in the journal.
"""

import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditroll.errors import CollectorError, Error
from auditroll.keys import KeyStore
from auditroll.seal.heads import Heads
from auditroll.seal.positions import Positions
from auditroll.seal.roll import Refusal, Roll
from auditroll.seal.sealed import Seals, seal_fields
from auditroll.seal.segments import SealJob, SealResult, Watermark, merged, name_of
from auditroll.seal.streams import Stream
from auditroll.store import DataFolder
from auditroll.tlog import Frontier

__all__ = ["MAX_TAIL_OCTETS", "Sealing", "Worker"]

_log = logging.getLogger("auditroll.seal")

Worker = Callable[[SealJob], "Future[SealResult]"]
"""Writes segments; called from the sequencer's thread, answers from any."""

# Records that wait for their segment; beyond it the largest tails are closed early.
MAX_TAIL_OCTETS: Final = 512 * 2**20
# Journal files kept for the sake of tails that are not due; beyond it those are closed early.
MAX_JOURNAL_FILES: Final = 8
# Announcing costs syncs, and ingestion waits meanwhile.
_MAX_ANNOUNCED: Final = 16
_RETRY_S: Final = 30.0


class _Kept(NamedTuple):
    """A journal file that is complete: its key, and each stream's size at its end."""

    key_id: str
    ends: dict[str, int]


class Sealing:
    """The segments of one installation, from due to announced.

    Args:
        folder: The data folder.
        keys: The key store.
        roll: Streams and journal.
        seals: What is sealed.
        heads: Signs a stream's checkpoint at each sealing.
        worker: Writes segments.
        after_ms: Longest time a record stays without a segment.
    """

    def __init__(
        self,
        folder: DataFolder,
        keys: KeyStore,
        roll: Roll,
        seals: Seals,
        heads: Heads,
        worker: Worker,
        after_ms: int,
    ) -> None:
        self._folder = folder
        self._keys = keys
        self._roll = roll
        self._seals = seals
        self._heads = heads
        self._worker = worker
        self._after_ms = after_ms
        self._positions = Positions(folder)
        self._jobs: list[tuple[SealJob, Future[SealResult]]] = []
        self._kept: dict[int, _Kept] = {}
        # Tenants whose refused numbers their ledger's seal counts, for want of a data stream's.
        self._without_data: set[str] = set()
        self._not_before = 0.0
        self.problem = ""

    def keep(self, first: int, key_id: str, ends: dict[str, int]) -> None:
        """Take charge of a complete journal file.

        Args:
            first: Number of its first frame.
            key_id: Of its key.
            ends: Each stream's size at its end.
        """
        self._kept[first] = _Kept(key_id, ends)

    # Closing.

    def close_due(self) -> None:
        """Hand every segment that is due to the worker."""
        if time.monotonic() < self._not_before:
            return
        now = self._roll.received_now()
        for stream in self._roll.streams.values():
            self._close(stream, stream.closable(now, self._after_ms))
        for stream in [*self._largest(), *self._pinning()]:
            self._close(stream, stream.closable(now, self._after_ms, pressed=True))

    def close_all(self) -> None:
        """Hand every tail that is not only its own seals to the worker."""
        now = self._roll.received_now()
        for stream in self._roll.streams.values():
            if not stream.only_own_seals:
                self._close(stream, stream.closable(now, 0, pressed=True))

    def tail_octets(self) -> int:
        """Return how much waits for its segment."""
        return sum(stream.tail.octets for stream in self._roll.streams.values())

    def _close(self, stream: Stream, end: int | None) -> None:
        if end is None:
            return
        pieces = stream.tail.pieces(stream.sealed, end)
        job = SealJob(
            str(self._folder.root), stream.stream, stream.sealed, end - stream.sealed, pieces
        )
        stream.sealing = True
        # The octets stay in the tail, and are shared with the worker until it has them.
        self._jobs.append((replace(job, pieces=()), self._worker(job)))

    def _largest(self) -> Iterable[Stream]:
        """Yield the largest tails, until what is left when they are sealed is little enough."""
        streams = self._roll.streams.values()
        waiting = sum(stream.tail.octets for stream in streams if not stream.sealing)
        if waiting <= MAX_TAIL_OCTETS:
            return
        for stream in sorted(streams, key=lambda stream: -stream.tail.octets):
            if not stream.sealing:
                yield stream
                waiting -= stream.tail.octets
                if waiting <= MAX_TAIL_OCTETS // 2:
                    return

    def _pinning(self) -> Iterable[Stream]:
        """Yield the streams that keep the oldest journal files, once there are too many.

        A ledger whose tail is its own seal is not closed by time, so it would keep every file
        after the one that seal stands in.
        """
        if len(self._kept) <= MAX_JOURNAL_FILES:
            return
        first = min(self._kept)
        streams = self._roll.streams
        for stream_id, end in self._kept[first].ends.items():
            if streams[stream_id].sealed < end:
                yield streams[stream_id]
        for tenant in self._refused_before(self._next_file(first)):
            ledger = self._roll.find(tenant, "")
            if ledger is not None:
                self._without_data.add(tenant)
                yield streams[ledger]

    # Announcing.

    def announce(self, *, wait: bool = False) -> bool:
        """Record the seals of finished segments, then forget their records.

        Args:
            wait: For every segment under way.

        Returns:
            Whether there was any.
        """
        ready: list[tuple[SealJob, Future[SealResult]]] = []
        rest: list[tuple[SealJob, Future[SealResult]]] = []
        for one in self._jobs:
            room = wait or len(ready) < _MAX_ANNOUNCED
            (ready if room and (wait or one[1].done()) else rest).append(one)
        self._jobs = rest
        done = [(job, result) for job, future in ready if (result := self._result(job, future))]
        if done:
            try:
                self._announce(done)
            except (CollectorError, OSError):
                # Nothing of it counts yet; it is announced again.
                finished = {id(job) for job, _ in done}
                self._jobs[:0] = [one for one in ready if id(one[0]) in finished]
                raise
        return bool(done)

    def _result(self, job: SealJob, future: "Future[SealResult]") -> SealResult | None:
        stream = self._roll.streams[job.stream]
        try:
            result = future.result()
        except (Error, OSError, EOFError) as error:
            # The records stay in the journal and in the tail; ingestion goes on.
            _log.error("a segment of stream %s could not be written: %s", job.stream, error)
            self.problem = str(error)
            self._not_before = time.monotonic() + _RETRY_S
            stream.sealing = False
            return None
        self.problem = ""
        return result

    def _announce(self, done: Sequence[tuple[SealJob, SealResult]]) -> None:
        facts: list[tuple[str, str, dict[str, Any]]] = []
        for job, result in done:
            stream = self._roll.streams[job.stream]
            self._name(job, result)
            ledger = stream if stream.kind == "root" else self._ledger(stream.tenant)
            fields = self._fields(stream, job, result)
            facts += [(ledger.stream, "ledger.seal", part) for part in fields]
        # If the process dies here, these files are strays.
        self._roll.facts(facts)
        for _, _, part in facts:
            self._seals.add(part)
        self._seals.take_watermarks()
        for job, _ in done:
            self._forget(self._roll.streams[job.stream], job)

    def _name(self, job: SealJob, result: SealResult) -> None:
        path, temporary = self._folder.segment(name_of(job)), Path(result.temporary)
        if temporary.exists():
            self._folder.disk.rename(temporary, path)
        self._folder.disk.sync_dir(path.parent)

    def _fields(self, stream: Stream, job: SealJob, result: SealResult) -> list[dict[str, Any]]:
        peaks = [stream.nodes.node(level, at) for level, at in _peaks(job.end)]
        return seal_fields(
            job,
            result,
            data_class=stream.data_class,
            tree_root=Frontier.from_compact_range(job.end, peaks).root(),
            compact_range=peaks,
            last_leaf_hash=stream.nodes.node(0, job.end - 1),
            refused=_by_epoch(self._refused(stream)),
        )

    def _refused(self, stream: Stream) -> list[Refusal]:
        """Return the refused numbers that this stream's seal counts."""
        counts = stream.kind == "data" or stream.tenant in self._without_data
        if stream.kind == "root" or not counts:
            return []
        return self._roll.refused.get(stream.tenant, [])

    def _forget(self, stream: Stream, job: SealJob) -> None:
        if self._refused(stream):
            # They are in the seal that was just recorded.
            del self._roll.refused[stream.tenant]
            self._without_data.discard(stream.tenant)
        stream.sealing = False
        stream.drop_sealed(job.end)
        stream.nodes.flush()
        if stream.kind != "root" and stream.listed is not None:
            self._heads.sign(stream.stream, stream.listed)

    def _ledger(self, tenant: str) -> Stream:
        return self._roll.streams[self._roll.find(tenant, "") or ""]

    # The journal's files.

    def rotate(self, now_ms: int) -> None:
        """Go on in a new journal file.

        Raises:
            CollectorError: `journal-full`: the old one goes on, and is not complete.
        """
        roll, sizes = self._roll, self.sizes()
        complete = roll.journal.header
        roll.journal.rotate(now_ms)
        self.keep(complete.first, complete.key_id, sizes)
        # Derived: without it the next start searches for the positions.
        with contextlib.suppress(OSError):
            self._positions.save(roll.journal.first, roll.effective_ms, sizes)

    def drop_journal(self, root: str) -> None:
        """Drop files whose every record stands in a segment whose seal is durable.

        Args:
            root: Id of the root stream, which records the end of their keys.
        """
        dropped: list[str] = []
        for first in sorted(self._kept):
            kept = self._kept[first]
            if self._refused_before(self._next_file(first)) or any(
                self._roll.streams[stream].sealed < end for stream, end in kept.ends.items()
            ):
                break
            self._folder.disk.remove(self._folder.journal_file(first))
            self._folder.disk.sync_dir(self._folder.journal)
            self._positions.remove(first)
            del self._kept[first]
            dropped.append(kept.key_id)
        self.destroy_keys(root, dropped)

    def destroy_keys(self, root: str, key_ids: Sequence[str]) -> None:
        """Destroy keys whose octets are gone, recorded first: a start finishes what was cut off."""
        facts: list[tuple[str, str, dict[str, Any]]] = [
            (
                root,
                "key.destroyed",
                {
                    "destroyed_key_id": key_id,
                    "key_use": key_id.split("-")[0],
                    "reason_code": "superseded",
                },
            )
            for key_id in key_ids
        ]
        if facts:
            self._roll.facts(facts)
        for key_id in key_ids:
            self._keys.destroy(key_id)

    def sizes(self) -> dict[str, int]:
        """Return each stream's size."""
        return {stream.stream: stream.size for stream in self._roll.streams.values()}

    def _next_file(self, first: int) -> int:
        return min(f for f in [*self._kept, self._roll.journal.first] if f > first)

    def _refused_before(self, frame: int) -> list[str]:
        """Return the tenants with refused numbers in frames below `frame` that no seal counts."""
        return [
            tenant
            for tenant, refused in self._roll.refused.items()
            if any(one.frame < frame for one in refused)
        ]


def _peaks(size: int) -> list[tuple[int, int]]:
    """Return level and index of the perfect subtrees of [0, size), largest first."""
    peaks: list[tuple[int, int]] = []
    at = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append((level, at >> level))
            at += 1 << level
    return peaks


def _by_epoch(refused: Iterable[Refusal]) -> list[Watermark]:
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for one in refused:
        numbers[one.producer, one.epoch].append(one.seq)
    return [(*key, merged(found)) for key, found in sorted(numbers.items())]
