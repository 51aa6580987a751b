"""Damaged spools (S5): they open, say exactly what is lost, and go on."""

from pathlib import Path

import pytest

from auditroll.spool import EpochReader, LostRange
from auditroll.spool.layout import SpoolFolder
from tests.unit.spool.support import fill, line, only_epoch, open_spool, read_all

COUNT = 30


@pytest.fixture
def folder(tmp_path: Path) -> SpoolFolder:
    writer = open_spool(tmp_path)
    fill(writer, COUNT)
    writer.close()
    folder = only_epoch(tmp_path)
    assert len(folder.files()) > 3
    return folder


def without(*lost: LostRange) -> list[int]:
    gone = {number for first, last in lost for number in range(first, last + 1)}
    return [number for number in range(COUNT) if number not in gone]


def test_a_whole_spool_loses_nothing(folder: SpoolFolder) -> None:
    assert read_all(folder) == (list(range(COUNT)), [])


@pytest.mark.parametrize("number", [0, 1, 13, COUNT - 2])
def test_a_flipped_bit_loses_its_own_record(folder: SpoolFolder, number: int) -> None:
    for first in folder.files():
        octets = bytearray(folder.file(first).read_bytes())
        place = octets.find(line(number))
        if place >= 0:
            octets[place + 8] ^= 1
            folder.file(first).write_bytes(octets)
    lost = LostRange(number, number)
    assert read_all(folder) == (without(lost), [lost])


def test_a_flipped_bit_in_any_place_loses_at_most_one_record(folder: SpoolFolder) -> None:
    path = folder.file(folder.files()[1])
    original = path.read_bytes()
    for place in range(0, len(original), 3):
        octets = bytearray(original)
        octets[place] ^= 0x10
        path.write_bytes(octets)
        found, lost = read_all(folder)
        assert found == without(*lost), place
        assert sum(last - first + 1 for first, last in lost) <= 1
    path.write_bytes(original)


def test_the_oldest_file_is_gone(folder: SpoolFolder) -> None:
    oldest, second, *_ = folder.files()
    folder.file(oldest).unlink()
    lost = LostRange(0, second - 1)
    assert read_all(folder) == (without(lost), [lost])


def test_files_in_the_middle_are_gone(folder: SpoolFolder) -> None:
    _, second, third, fourth, *_ = folder.files()
    folder.file(second).unlink()
    folder.file(third).unlink()
    lost = LostRange(second, fourth - 1)
    assert read_all(folder) == (without(lost), [lost])


@pytest.mark.parametrize("place", [0, 1])
def test_a_zero_filled_file(folder: SpoolFolder, place: int) -> None:
    first, following = folder.files()[place : place + 2]
    path = folder.file(first)
    path.write_bytes(bytes(path.stat().st_size))
    lost = LostRange(first, following - 1)
    assert read_all(folder) == (without(lost), [lost])


def test_the_last_file_is_zero_filled(folder: SpoolFolder) -> None:
    last = folder.files()[-1]
    folder.file(last).write_bytes(bytes(300))
    reader = EpochReader(folder)
    found: list[int] = []
    while (chunk := reader.read(100, 10_000, complete=True)) is not None:
        found.extend(range(chunk.first, chunk.last + 1))
    # How many records stood there nobody can say; that something did is not kept quiet.
    assert (found, reader.lost, reader.torn_octets) == (list(range(last)), [], 300)


def test_a_damaged_header_loses_nothing(folder: SpoolFolder) -> None:
    path = folder.file(folder.files()[1])
    octets = bytearray(path.read_bytes())
    octets[:12] = bytes(12)
    path.write_bytes(octets)
    assert read_all(folder) == (list(range(COUNT)), [])


def test_an_empty_file_and_foreign_names(folder: SpoolFolder) -> None:
    first, following = folder.files()[1:3]
    folder.file(first).write_bytes(b"")
    (folder.path / "notes.txt").write_text("not ours")
    lost = LostRange(first, following - 1)
    assert read_all(folder) == (without(lost), [lost])


def test_a_damaged_cursor_sends_everything_again(folder: SpoolFolder) -> None:
    folder.cursor_path.write_bytes(b"\0\0\0")
    assert read_all(folder) == (list(range(COUNT)), [])


def test_garbage_between_frames_of_a_large_file(tmp_path: Path) -> None:
    """More garbage than one read takes must not hide what follows."""
    writer = open_spool(tmp_path)
    fill(writer, 2)
    writer.close()
    folder = only_epoch(tmp_path)
    path = folder.file(0)
    octets = path.read_bytes()
    place = octets.index(line(1)) - 20
    path.write_bytes(octets[:place] + b"\xf1ARF" * 700_000 + octets[place:])
    assert read_all(folder) == ([0, 1], [])
