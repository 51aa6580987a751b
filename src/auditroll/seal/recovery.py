"""Starting: from seals and the remaining journal to the state the process had.

Nothing here sequences: records go through `apply_entries`, as in live work. What is derived
(positions at the start of a journal file, hashes for proofs) is rebuilt when it is missing, and
that is reported.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import orjson

from auditroll.errors import IntegrityError
from auditroll.event.times import parse_time
from auditroll.keys import KeyStore
from auditroll.seal.apply import apply_entries
from auditroll.seal.journal import JournalFile
from auditroll.seal.nodes import NodeStore
from auditroll.seal.sealed import Seals
from auditroll.seal.segments import Watermark, merged, remove_strays
from auditroll.seal.streams import Stream
from auditroll.segment import SegmentData, read_segment
from auditroll.segment.journal import BadFrame, Entry, decode_plaintext
from auditroll.store import DataFolder, SegmentName
from auditroll.tlog import Frontier, leaf_hash

__all__ = ["Positions", "Recovery"]

_CLASSLESS: Final = ("root", "ledger")


class Positions:
    """Where each stream stood when a journal file began; derived.

    Args:
        folder: The data folder.
    """

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder.derived / "journal"

    def save(self, first: int, received_ms: int, sizes: dict[str, int]) -> None:
        """Note the sizes at the start of the file whose first frame is `first`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        text = orjson.dumps({"received_ms": received_ms, "sizes": sizes})
        (self._folder / f"{first:020d}.json").write_bytes(text)

    def load(self, first: int) -> tuple[int, dict[str, int]] | None:
        """Return time and sizes, or None if they are not there or not readable."""
        try:
            found = orjson.loads((self._folder / f"{first:020d}.json").read_bytes())
            sizes = {str(stream): int(size) for stream, size in found["sizes"].items()}
            return int(found["received_ms"]), sizes
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def next_number(self) -> int:
        """Return a number above every frame's that the folder remembers."""
        names = sorted(path.stem for path in self._folder.glob("*.json"))
        return int(names[-1]) if names else 0

    def remove(self, first: int) -> None:
        """Forget a file."""
        (self._folder / f"{first:020d}.json").unlink(missing_ok=True)


class Recovery:
    """One start of the sequencer.

    Args:
        folder: The data folder.
        keys: The key store.
        files: The journal, read.
    """

    def __init__(self, folder: DataFolder, keys: KeyStore, files: Sequence[JournalFile]) -> None:
        self._folder = folder
        self._keys = keys
        self._files = files
        self.streams: dict[str, Stream] = {}
        self.seals = Seals()
        self.effective_ms = 0
        self.watermarks: list[Watermark] = []
        self.refused: list[tuple[str, int, str, str, int]] = []
        self.ends: dict[int, dict[str, int]] = {}
        self.rebuilt: list[str] = []

    def run(self) -> None:
        """Rebuild the state.

        Raises:
            IntegrityError: The evidence does not fit together.
        """
        self._collect_facts()
        for stream in self.streams.values():
            self._resume(stream)
            names = {info.object_name for info in self.seals.infos(stream.stream)}
            remove_strays(self._folder, stream.stream, names, self._folder.disk)
        self._replay()
        self.watermarks += self.seals.take_watermarks()

    # Facts: what streams there are, and what is sealed.

    def _collect_facts(self) -> None:
        for fact in self._journal_facts():
            self._note_fact(fact)
        # A stream whose genesis the journal no longer holds has it in its first segment.
        for stream_id in self._folder.streams():
            if self._folder.segments(stream_id) and stream_id not in self.streams:
                first = next(self._open(self._folder.segments(stream_id)[0]).lines())
                self._note_fact(first.record())
        for stream in list(self.streams.values()):
            if stream.kind in _CLASSLESS:
                self._collect_seals(stream)

    def _collect_seals(self, stream: Stream) -> None:
        for name in self._folder.segments(stream.stream):
            for line in self._open(name).lines():
                if b'"ledger.seal"' in line.leaf:
                    self._note_fact(orjson.loads(line.leaf))

    def _journal_facts(self) -> Iterator[dict[str, Any]]:
        for file in self._files:
            for _, plaintext in file.plaintexts():
                if plaintext.startswith(b'{"kind":"fact"'):
                    _, entries = decode_plaintext(plaintext)
                    for entry in entries:
                        yield entry.record | {"stream": entry.stream}

    def _note_fact(self, fact: dict[str, Any]) -> None:
        if fact.get("event_type") == "ledger.genesis" and fact["stream"] not in self.streams:
            self.streams[fact["stream"]] = new_stream(self._folder, fact)
        elif fact.get("event_type") == "ledger.seal":
            self.seals.add(fact)

    def _open(self, name: SegmentName) -> SegmentData:
        data = self._folder.disk.read(self._folder.segment(name))
        return open_segment(data, self._keys)

    # The sealed prefix.

    def _resume(self, stream: Stream) -> None:
        seal = self.seals.newest(stream.stream)
        if seal is None:
            stream.nodes.remove()
            return
        size = seal["first_index"] + seal["count"]
        peaks = [bytes.fromhex(hash_) for hash_ in seal["compact_range"]]
        stream.resume(
            size, Frontier.from_compact_range(size, peaks), bytes.fromhex(seal["last_leaf_hash"])
        )
        if not stream.nodes.resume(size) or not holds(stream.nodes, size, peaks):
            self.rebuilt.append(f"derived/tiles/{stream.stream}")
            self.rebuild_nodes(stream)

    def rebuild_nodes(self, stream: Stream) -> None:
        """Compute the hashes of the sealed records again, from the segments."""
        stream.nodes.remove()
        for info in self.seals.infos(stream.stream):
            name = SegmentName(info.stream, info.first_index, info.generation)
            segment = self._open(name)
            for group in range(segment.groups):
                leaves = segment.read_group(group, ["leaf"]).column("leaf")
                stream.nodes.append([leaf_hash(leaf.as_py()) for leaf in leaves])
        stream.nodes.flush()

    # The tail.

    def _replay(self) -> None:
        positions = self._start_positions()
        for file in self._files:
            for number, plaintext in file.plaintexts():
                self._replay_frame(number, plaintext, positions)
            self.ends[file.first] = dict(positions)

    def _replay_frame(self, number: int, plaintext: bytes, positions: dict[str, int]) -> None:
        head, entries = decode_plaintext(plaintext)
        self.effective_ms = max(self.effective_ms, parse_time(head["received_at"]))
        fresh: list[Entry] = []
        numbers: list[int] = []
        for entry in entries:
            stream = self.streams.get(entry.stream)
            if stream is None:
                raise BadFrame(f"frame {number} is of a stream without genesis")
            at = positions.get(entry.stream, 0)
            positions[entry.stream] = at + 1
            if "producer_seq" in entry.record:
                numbers.append(entry.record["producer_seq"])
            if at >= stream.sealed:
                fresh.append(entry)
        self._note_batch(number, head, numbers)
        for stream, index, public in apply_entries(self.streams, fresh, self.effective_ms):
            if public["event_type"] == "ledger.seal" and public["target_stream"] == stream.stream:
                stream.note_own_seal(index)

    def _note_batch(self, number: int, head: dict[str, Any], numbers: list[int]) -> None:
        if head["kind"] != "batch":
            return
        producer, epoch, tenant = head["producer_id"], head["epoch"], head["tenant_id"]
        refused = [seq for seq, _ in head.get("quarantined", ())]
        self.watermarks.append((producer, epoch, merged([*numbers, *refused])))
        self.refused += ((tenant, number, producer, epoch, seq) for seq in refused)

    def _start_positions(self) -> dict[str, int]:
        """Return where each stream stood at the first remaining frame, and set the time there."""
        first = self._files[0].first if self._files else None
        known = None if first is None else Positions(self._folder).load(first)
        if known is not None:
            self.effective_ms, positions = known
            return positions
        if first:
            self.rebuilt.append(f"derived/journal/{first:020d}.json")
        positions = self._align()
        self.effective_ms = max(
            (self._received_at(stream, positions[stream.stream] - 1) for stream in self._sealed()),
            default=0,
        )
        return positions

    def _sealed(self) -> Iterator[Stream]:
        return (stream for stream in self.streams.values() if stream.sealed)

    def _received_at(self, stream: Stream, index: int) -> int:
        """Return when a sealed record was received, in milliseconds since 1970."""
        for info in self.seals.infos(stream.stream):
            if info.first_index <= index < info.end:
                segment = self._open(SegmentName(info.stream, info.first_index, info.generation))
                line = next(islice(segment.lines(), index - info.first_index, None))
                return parse_time(orjson.loads(line.leaf)["received_at"])
        return 0

    def _align(self) -> dict[str, int]:
        """Find each stream's first journalled record among its sealed ones, by its seed.

        A seed is 16 random octets, so it stands once.
        """
        seeds: dict[str, bytes] = {}
        for file in self._files:
            for _, plaintext in file.plaintexts():
                for entry in decode_plaintext(plaintext)[1]:
                    seeds.setdefault(entry.stream, entry.seed)
        return {
            stream.stream: self._index_of(stream, seeds[stream.stream])
            if stream.stream in seeds
            else stream.sealed
            for stream in self.streams.values()
        }

    def _index_of(self, stream: Stream, seed: bytes) -> int:
        for info in reversed(self.seals.infos(stream.stream)):
            segment = self._open(SegmentName(info.stream, info.first_index, info.generation))
            at = info.first_index
            for group in range(segment.groups):
                column = segment.read_group(group, ["seed"]).column("seed").to_pylist()
                if seed in column:
                    return int(at + column.index(seed))
                at += len(column)
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


def open_segment(data: bytes, keys: KeyStore) -> SegmentData:
    """Return a segment, decrypted with the key it names.

    Raises:
        IntegrityError: `key-unknown` or `segment-altered`.
    """
    from auditroll.segment import key_id_of

    key_id = key_id_of(data)
    try:
        return read_segment(data, keys.get(key_id))
    except KeyError:
        raise IntegrityError(
            "key-unknown",
            f"the key {key_id} of a segment is not in the key store",
            hint="Restore keys/ from its backup.",
        ) from None


def holds(nodes: NodeStore, size: int, peaks: Sequence[bytes]) -> bool:
    """Tell whether stored hashes give the compact range of `size` leaves."""
    at = 0
    for level, peak in zip(
        (level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1),
        peaks,
        strict=True,
    ):
        if nodes.node(level, at >> level) != peak:
            return False
        at += 1 << level
    return True
