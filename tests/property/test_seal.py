"""The sequencer's parts against plain models of them."""

from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from auditroll.event.canonical import encode
from auditroll.event.fields import ENVELOPE_FIELDS, FIELDS, SLOT_OF
from auditroll.seal.nodes import NodeStore
from auditroll.seal.placing import items_of, place
from auditroll.seal.records import PLACE, Tail, unpack
from auditroll.seal.segments import merged
from auditroll.seal.streams import MAX_SPAN_MS, Stream
from auditroll.tlog import Frontier, make_leaf, seal_record

values = st.one_of(
    st.text(max_size=20),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.booleans(),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.sampled_from(["a", "b.c", "d_e"]), st.integers(0, 9), max_size=3),
)
public = sorted(set(FIELDS) - set(SLOT_OF) - set(ENVELOPE_FIELDS))
records = st.dictionaries(
    st.sampled_from(sorted(SLOT_OF)) | st.sampled_from(public), values, min_size=1, max_size=12
)


@given(records, st.binary(min_size=16, max_size=16), st.integers(0, 2**53 - 1))
def test_placing_is_what_the_format_says(record: dict[str, object], seed: bytes, at: int) -> None:
    stream, previous, received = "ab" * 16, bytes(range(32)), "2026-01-01T00:00:00.000Z"
    line = encode({"record": record, "seed": seed.hex(), "stream": stream})
    leaf, slots, leaf_hash = place(items_of([line])[0], at, previous, received)
    expected = seal_record(dict(record), seed)
    assert leaf == make_leaf(
        dict(expected.public),
        stream=stream,
        index=at,
        prev_hash=previous.hex(),
        sealed=expected.sealed,
        received_at=received,
    )
    packed = PLACE.pack(len(leaf), len(slots), seed) + leaf + slots
    (unsealed,) = unpack(packed)
    assert unsealed.line().slots == expected.slots
    assert unsealed.line().sealed() == expected.sealed
    assert leaf_hash == sha256(b"\x00" + leaf).digest()
    assert encode(unsealed.line().slots) == encode(expected.slots)


def packed(number: int) -> bytes:
    leaf, slots = b"l" * (number % 7), b"{}" + b" " * (number % 3)
    return PLACE.pack(len(leaf), len(slots), number.to_bytes(16, "big")) + leaf + slots


@given(
    st.lists(st.integers(1, 6), max_size=12),
    st.lists(st.integers(0, 30), max_size=6),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_a_tail_is_a_list(counts: list[int], drops: list[int], first: int, end: int) -> None:
    tail, model, at = Tail(), list[int](), 0
    dropped = 0
    for turn, count in enumerate(counts):
        tail.append(count, b"".join(packed(at + number) for number in range(count)))
        model += range(at, at + count)
        at += count
        if turn < len(drops):
            below = min(max(drops[turn], dropped), at)
            dropped = below
            tail.drop(below)
            model = [number for number in model if number >= below]
        found = [
            int.from_bytes(record.seed, "big")
            for piece in tail.pieces(first, end)
            for record in unpack(piece)
        ]
        assert found == [number for number in model if first <= number < end]
        assert len(tail) == len(model)
        assert tail.octets == sum(len(packed(number)) for number in model)


@given(st.lists(st.integers(0, 200)))
def test_merged_ranges_hold_exactly_the_numbers(numbers: list[int]) -> None:
    ranges = merged(numbers)
    assert [n for first, last in ranges for n in range(first, last + 1)] == sorted(set(numbers))
    assert all(b[0] - a[1] > 1 for a, b in pairwise(ranges))


@settings(max_examples=25)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=6), st.data())
def test_a_node_store_is_the_tree(counts: list[int], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        nodes, frontier = NodeStore(Path(folder), "ab" * 16), Frontier()
        hashes: list[bytes] = []
        for count in counts:
            new = [sha256(bytes([n % 256, n // 256])).digest() for n in range(count)]
            nodes.append(new)
            frontier.append_many(new)
            hashes += new
            if data.draw(st.booleans()):
                nodes.flush()
            if data.draw(st.booleans()):
                nodes.flush()
                nodes = NodeStore(Path(folder), "ab" * 16)
                assert nodes.resume(frontier.size, frontier.compact_range())
        assert nodes.agrees(frontier.size, frontier.compact_range())
        index = data.draw(st.integers(0, len(hashes) - 1))
        assert nodes.node(0, index) == hashes[index]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(0, MAX_SPAN_MS // 2)), min_size=1, max_size=12
    )
)
def test_segments_cover_a_stream_and_span_less_than_a_day(
    batches: list[tuple[int, int]],
) -> None:
    with TemporaryDirectory() as folder:
        stream = Stream("ab" * 16, "data", "t", "standard", NodeStore(Path(folder), "ab" * 16))
        now, times = 0, list[int]()
        for count, pause in batches:
            now += pause
            octets = b"".join(packed(number) for number in range(count))
            stream.extend(octets, [bytes(32)] * count, now)
            times += [now] * count
        segments: list[tuple[int, int]] = []
        while (end := stream.closable(now + 10**12, 1)) is not None:
            segments.append((stream.sealed, end))
            stream.drop_sealed(end)
    assert [first for first, _ in segments] == [0, *(end for _, end in segments[:-1])]
    assert segments[-1][1] == len(times)
    for first, end in segments:
        assert times[end - 1] < times[first] + MAX_SPAN_MS
