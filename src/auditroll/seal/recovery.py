"""Starting: from seals and the remaining journal to the state the process had.

Nothing here sequences: records go through `apply_entries`, as in live work. What is derived
(positions at the start of a journal file, hashes for proofs) is rebuilt when it is missing, and
that is reported.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from auditroll.errors import IntegrityError
from auditroll.seal.apply import apply_entries
from auditroll.seal.frames import read_frame
from auditroll.seal.journal import JournalFile
from auditroll.seal.nodes import NodeStore
from auditroll.seal.placing import Item
from auditroll.seal.positions import Positions
from auditroll.seal.reading import SegmentReader
from auditroll.seal.roll import note_fact
from auditroll.seal.sealed import Seals
from auditroll.seal.segments import Watermark, merged
from auditroll.seal.streams import Stream
from auditroll.segment.journal import BadFrame
from auditroll.store import DataFolder
from auditroll.tlog import Frontier, leaf_hash

__all__ = ["Recovery", "new_stream", "rebuild_nodes"]


class Recovery:
    """One start of the sequencer.

    Args:
        folder: The data folder.
        reader: Opens segments.
        files: The journal, found sound.
    """

    def __init__(
        self, folder: DataFolder, reader: SegmentReader, files: Sequence[JournalFile]
    ) -> None:
        self._folder = folder
        self._reader = reader
        self._files = files
        self.streams: dict[str, Stream] = {}
        self.geneses: dict[str, dict[str, Any]] = {}
        self.seals = Seals()
        self.effective_ms = 0
        self.watermarks: list[Watermark] = []
        # Number and head of every frame that refused lines.
        self.refusals: list[tuple[int, dict[str, Any]]] = []
        # Sizes at the end of each journal file.
        self.ends: dict[int, dict[str, int]] = {}
        self.rebuilt: list[str] = []
        self.strays: list[Path] = []

    def run(self) -> None:
        """Rebuild the state.

        Raises:
            IntegrityError: The evidence does not fit together.
        """
        self._collect_facts()
        for stream in self.streams.values():
            self._find_strays(stream)
            self._resume(stream)
        self._replay()
        self.watermarks += self.seals.take_watermarks()
        self.rebuilt += self._reader.rebuilt

    # Facts: what streams there are, and what is sealed.

    def _collect_facts(self) -> None:
        for fact in self._journal_facts():
            self._note_fact(fact)
        # A stream whose genesis the journal no longer holds has it in its first segment.
        for stream_id in self._folder.streams():
            names = self._folder.segments(stream_id)
            if names and stream_id not in self.streams:
                self._note_fact(self._reader.genesis(names[0]))
        for stream in list(self.streams.values()):
            if stream.kind != "data":
                for name in self._folder.segments(stream.stream):
                    for seal in self._reader.seals(name):
                        self._note_fact(seal)

    def _journal_facts(self) -> Iterator[dict[str, Any]]:
        for file in self._files:
            for _, plaintext in file.plaintexts():
                if plaintext.startswith(b'{"kind":"fact"'):
                    for record, _seed, stream, _shape in read_frame(plaintext).items:
                        yield record | {"stream": stream}

    def _note_fact(self, fact: dict[str, Any]) -> None:
        if fact["event_type"] == "ledger.genesis" and fact["stream"] not in self.streams:
            self.streams[fact["stream"]] = new_stream(self._folder, fact)
            self.geneses[fact["stream"]] = fact
        elif fact["event_type"] == "ledger.seal":
            self.seals.add(fact)

    def _find_strays(self, stream: Stream) -> None:
        """Note files that no seal names: a crash came between file and seal."""
        sealed = {info.object_name for info in self.seals.infos(stream.stream)}
        self.strays += self._folder.stray_files(stream.stream)
        self.strays += [
            self._folder.segment(name)
            for name in self._folder.segments(stream.stream)
            if name.object_name not in sealed
        ]

    # The sealed prefix.

    def _resume(self, stream: Stream) -> None:
        seal = self.seals.newest(stream.stream)
        if seal is None:
            stream.nodes.remove()
            return
        size = seal["first_index"] + seal["count"]
        peaks = [bytes.fromhex(hash_) for hash_ in seal["compact_range"]]
        frontier = Frontier.from_compact_range(size, peaks)
        stream.resume(frontier, bytes.fromhex(seal["last_leaf_hash"]))
        if not stream.nodes.resume(size, peaks):
            self.rebuilt.append(f"derived/tiles/{stream.stream}")
            rebuild_nodes(stream, self.seals, self._reader)

    # The tail.

    def _replay(self) -> None:
        positions = self._start_positions()
        for file in self._files:
            for number, plaintext in file.plaintexts():
                self._replay_frame(number, plaintext, positions)
            self.ends[file.first] = dict(positions)

    def _replay_frame(self, number: int, plaintext: bytes, positions: dict[str, int]) -> None:
        frame = read_frame(plaintext)
        self.effective_ms = max(self.effective_ms, frame.received_ms)
        fresh: list[Item] = []
        numbers: list[int] = []
        for item in frame.items:
            record, _seed, stream_id, _shape = item
            stream = self.streams.get(stream_id)
            if stream is None:
                raise BadFrame(f"frame {number} is of a stream without genesis")
            at = positions.get(stream_id, 0)
            positions[stream_id] = at + 1
            if "producer_seq" in record:
                numbers.append(record["producer_seq"])
            if at >= stream.sealed:
                fresh.append(item)
        self._note_batch(number, frame.head, numbers)
        for fact in apply_entries(self.streams, fresh, self.effective_ms):
            note_fact(fact.stream, fact.at, fact.public)

    def _note_batch(self, number: int, head: dict[str, Any], numbers: list[int]) -> None:
        if head["kind"] != "batch":
            return
        refused = [seq for seq, _ in head.get("quarantined", ())]
        if refused:
            self.refusals.append((number, head))
        self.watermarks.append((head["producer_id"], head["epoch"], merged([*numbers, *refused])))

    def _start_positions(self) -> dict[str, int]:
        """Return where each stream stood at the first remaining frame, and set the time there."""
        if not self._files:
            return {}
        first = self._files[0].first
        known = Positions(self._folder).load(first)
        if known is not None:
            self.effective_ms, positions = known
            return positions
        if first:
            self.rebuilt.append(f"derived/journal/{first:020d}.json")
        positions = self._align()
        self.effective_ms = max(
            (self._received_ms(stream, size - 1) for stream, size in positions.items() if size),
            default=0,
        )
        return positions

    def _received_ms(self, stream: str, index: int) -> int:
        for info in self.seals.infos(stream):
            if info.first_index <= index < info.end:
                return self._reader.received_ms(info, index)
        return 0

    def _align(self) -> dict[str, int]:
        """Find each stream's first journalled record among its sealed ones, by its seed.

        A seed is 16 random octets, so it stands once.
        """
        seeds: dict[str, bytes] = {}
        for file in self._files:
            for _, plaintext in file.plaintexts():
                for _record, seed, stream_id, _shape in read_frame(plaintext).items:
                    seeds.setdefault(stream_id, seed)
        return {
            stream.stream: self._index_of(stream, seeds.get(stream.stream))
            for stream in self.streams.values()
        }

    def _index_of(self, stream: Stream, seed: bytes | None) -> int:
        for info in reversed(self.seals.infos(stream.stream) if seed else []):
            index = self._reader.index_of(info, seed or b"")
            if index is not None:
                return index
        return stream.sealed


def new_stream(folder: DataFolder, genesis: dict[str, Any]) -> Stream:
    """Return the empty stream that a genesis record describes."""
    stream_id = genesis["stream"]
    return Stream(
        stream_id,
        genesis["stream_kind"],
        genesis.get("tenant_id", ""),
        genesis.get("data_class", ""),
        NodeStore(folder.derived / "tiles", stream_id),
    )


def rebuild_nodes(stream: Stream, seals: Seals, reader: SegmentReader) -> None:
    """Compute a stream's hashes again, from its segments and its tail.

    Raises:
        IntegrityError: `altered`: the records do not give the stream's root.
    """
    stream.nodes.remove()
    for info in seals.infos(stream.stream):
        if info.end <= stream.sealed:
            for hashes in reader.leaf_hashes(info):
                stream.nodes.append(hashes)
    if stream.tail:
        stream.nodes.append([leaf_hash(record.leaf) for record in stream.unsealed(stream.sealed)])
    stream.nodes.flush()
    if not stream.nodes.agrees(stream.size, stream.frontier.compact_range()):
        raise IntegrityError(
            "altered",
            f"stream {stream.stream}: its segments do not give the root that their seal names",
            hint="Run `auditroll verify`, and restore the damaged segments from their copy.",
        )
