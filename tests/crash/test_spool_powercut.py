"""The spool after a power cut, in every state the disk may be left in."""

from pathlib import Path

import pytest

from auditroll.disk import Disk
from auditroll.spool import EpochReader, SpoolLimits
from auditroll.spool.cursor import read_cursor
from auditroll.spool.layout import SpoolFolder, list_epochs
from tests.crash.powercut import Cut, RecordingDisk, power_cuts
from tests.unit.spool.support import PRODUCER, fill, open_spool, read_all

pytestmark = pytest.mark.crash

LIMITS = SpoolLimits(file=260, epoch=1 << 20, reserve=0)


def found_in(place: Path) -> tuple[list[int], EpochReader | None]:
    """Return the numbers that a restart finds, whatever state the folder is in."""
    folders = list(list_epochs(place, PRODUCER, Disk()))
    if not folders:
        return [], None
    (folder,) = folders
    numbers, lost = read_all(folder)
    assert numbers == sorted(set(numbers))
    reader = EpochReader(folder)
    holes = [number for first, last in lost for number in range(first, last + 1)]
    # What is known to have been there, by a later record or a later file's name, is there or named.
    known = sorted(numbers + holes)
    assert known == list(range(reader.next, reader.next + len(known)))
    return numbers, reader


def test_what_was_synced_survives_and_what_was_not_is_named(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    root.mkdir()
    disk = RecordingDisk(root)
    writer = open_spool(root, disk=disk, limits=LIMITS)
    for step in range(4):
        fill(writer, step + 1)
        if step != 2:
            writer._group.flush()
            disk.mark("durable", writer.count)
    cuts = 0
    for cut in power_cuts(disk.trace, budget=40):
        numbers, _ = found_in(cut.materialise(tmp_path / "cut"))
        assert set(range(cut.promised("durable", 0))) <= set(numbers), cut.at
        cuts += 1
    assert cuts > 200
    writer.close()


def test_the_background_sync_keeps_its_promise_without_a_wait(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    root.mkdir()
    disk = RecordingDisk(root)
    writer = open_spool(root, disk=disk, limits=LIMITS)
    fill(writer, 3)
    assert writer.sync()
    disk.mark("durable", 3)
    for cut in power_cuts(disk.trace, budget=20):
        numbers, _ = found_in(cut.materialise(tmp_path / "cut"))
        assert set(range(cut.promised("durable", 0))) <= set(numbers)
    writer.close()


def check_delivery(cut: Cut, place: Path, total: int) -> None:
    """Nothing is removed that the cursor does not call archived, or the rest is not there."""
    folders = list(list_epochs(place, PRODUCER, Disk()))
    archived = max(cut.all_promised("archived"), default=-1)
    if not folders:
        assert archived == total - 1
        return
    folder = folders[0]
    assert read_cursor(folder) <= archived
    numbers, lost = read_all(folder)
    assert lost == []
    assert set(range(archived + 1, total)) <= set(numbers)


def test_removal_of_what_was_delivered(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    root.mkdir()
    writer = open_spool(root, limits=LIMITS)
    fill(writer, 9)
    writer.close()
    disk = RecordingDisk(root)
    (known,) = list_epochs(root, PRODUCER, Disk())
    folder = SpoolFolder(known.path, disk)
    reader = EpochReader(folder)
    while (chunk := reader.read(2, 10_000, complete=True)) is not None:
        disk.mark("archived", chunk.last)
        reader.forget(chunk.last, complete=True)
    assert folder.files() == []
    folder.remove()
    for cut in power_cuts(disk.trace, budget=40):
        check_delivery(cut, cut.materialise(tmp_path / "cut"), 9)
