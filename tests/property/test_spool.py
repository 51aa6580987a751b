"""Properties of the spool."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from auditroll.spool import EpochReader, SpoolLimits
from auditroll.spool.frames import Frame, encode_frame, read_frames
from tests.unit.spool.support import fill, line, only_epoch, open_spool

LIMITS = SpoolLimits(file=400, reserve=0)


@given(st.lists(st.binary(max_size=80), max_size=12), st.binary(max_size=60), st.data())
def test_frames_survive_garbage_between_them(
    lines: list[bytes], garbage: bytes, data: st.DataObject
) -> None:
    frames = [encode_frame(number, text) for number, text in enumerate(lines)]
    place = data.draw(st.integers(0, len(frames)))
    octets = b"".join(frames[:place]) + garbage + b"".join(frames[place:])
    found = [item for item in read_frames(octets) if isinstance(item, Frame)]
    assert [(frame.number, frame.line) for frame in found] == list(enumerate(lines))


@given(st.binary(max_size=400))
def test_reading_ends_and_covers_everything(octets: bytes) -> None:
    ends = [item.end for item in read_frames(octets)]
    assert ends == sorted(set(ends))
    assert not octets or ends[-1] == len(octets)


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=6),
    st.integers(1, 9),
    st.integers(1, 500),
    st.data(),
)
def test_what_is_written_is_read_in_any_portions(
    writes: list[int], max_lines: int, max_octets: int, data: st.DataObject
) -> None:
    """Writing, reading, starting over and removing, interleaved in any way."""
    with tempfile.TemporaryDirectory() as folder:
        writer = open_spool(Path(folder), limits=LIMITS)
        fill(writer, 1)
        reader = EpochReader(only_epoch(Path(folder)))
        taken = 0
        for count in writes:
            fill(writer, count)
            while (chunk := reader.read(max_lines, max_octets, complete=False)) is not None:
                assert chunk.first == taken
                expected = [line(number) for number in range(chunk.first, chunk.last + 1)]
                assert list(chunk.lines) == expected
                assert len(chunk.lines) <= max_lines
                taken = chunk.last + 1
            assert taken == writer.count
            archived = data.draw(st.integers(-1, taken - 1))
            reader.forget(archived, complete=False)
            if data.draw(st.booleans()):
                reader = EpochReader(reader.folder)
                assert reader.next <= taken
                taken = reader.next
        writer.close()
        while (chunk := reader.read(max_lines, max_octets, complete=True)) is not None:
            taken = chunk.last + 1
        reader.forget(taken - 1, complete=True)
        assert reader.lost == []
        assert reader.folder.files() == []


@settings(max_examples=60)
@given(
    st.integers(0, 10_000), st.sampled_from(["flip", "cut", "zero", "remove"]), st.integers(1, 200)
)
def test_any_damage_is_survived_and_named(place: int, kind: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer = open_spool(Path(folder), limits=LIMITS)
        fill(writer, 20)
        writer.close()
        epoch = only_epoch(Path(folder))
        files = epoch.files()
        path = epoch.file(files[place % len(files)])
        damage(path, kind, place, size)
        reader = EpochReader(epoch)
        numbers: list[int] = []
        while (chunk := reader.read(6, 1_000, complete=True)) is not None:
            assert list(chunk.lines) == [line(n) for n in range(chunk.first, chunk.last + 1)]
            numbers += range(chunk.first, chunk.last + 1)
        lost = [number for first, last in reader.lost for number in range(first, last + 1)]
        known = sorted(numbers + lost)
        assert known == list(range(len(known)))
        # Only at the very end of the epoch can a record be missing without a name.
        assert len(known) >= files[-1]


def damage(path: Path, kind: str, place: int, size: int) -> None:
    octets = bytearray(path.read_bytes())
    at = place % len(octets)
    if kind == "flip":
        octets[at] ^= size % 255 + 1
    elif kind == "cut":
        del octets[at:]
    elif kind == "zero":
        octets[at : at + size] = bytes(min(size, len(octets) - at))
    if kind == "remove":
        path.unlink()
    else:
        path.write_bytes(octets)
