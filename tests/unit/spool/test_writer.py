"""The writing end on a healthy and on a full disk."""

import errno
import os
import resource
import threading
from pathlib import Path

import pytest

from auditroll.disk import Disk
from auditroll.spool import EpochReader, FileLock, SpoolError, SpoolLimits, default_root
from auditroll.spool.layout import SpoolFolder, list_epochs
from tests.unit.spool.support import PRODUCER, SMALL, fill, line, only_epoch, open_spool, read_all


class FullDisk(Disk):
    """A disk that takes only so many octets, the last write in part, as a real one does."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.can_truncate = True

    def write(self, fd: int, data: bytes) -> None:
        taken = data[: self.room]
        self.room -= len(taken)
        os.write(fd, taken)
        if len(taken) < len(data):
            raise OSError(errno.ENOSPC, "no space")

    def truncate(self, fd: int, size: int) -> None:
        if not self.can_truncate:
            raise OSError(errno.EIO, "no")
        super().truncate(fd, size)


class DeafDisk(Disk):
    """A disk whose syncs fail while `deaf`."""

    deaf = False

    def datasync(self, fd: int) -> None:
        if self.deaf:
            raise OSError(errno.EIO, "sync")
        super().datasync(fd)


def test_records_are_readable_when_append_returns(tmp_path: Path) -> None:
    writer = open_spool(tmp_path)
    fill(writer, 25)
    # The owner lives: nobody may take the tail for torn.
    folder = only_epoch(tmp_path)
    assert folder.has_owner()
    assert read_all(folder, complete=False) == (list(range(25)), [])
    writer.close()
    assert not folder.has_owner()


def test_sync_returns_when_everything_is_durable(tmp_path: Path) -> None:
    writer = open_spool(tmp_path)
    fill(writer, 3)
    assert writer.sync()
    assert writer.sync()
    writer.close()
    with pytest.raises(SpoolError, match="closed"):
        fill(writer, 1)
    writer.close()


def test_many_threads_one_sequence(tmp_path: Path) -> None:
    writer = open_spool(tmp_path)
    threads = [threading.Thread(target=fill, args=(writer, 100)) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert writer.sync()
    for thread in threads:
        thread.join()
    writer.close()
    assert read_all(only_epoch(tmp_path)) == (list(range(500)), [])


@pytest.mark.parametrize("room", [200, 333, 1001])
def test_a_limit_of_the_kernel_leaves_no_torn_frame(tmp_path: Path, room: int) -> None:
    """The kernel takes a part of a frame before it refuses, as a full disk does."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        writer = open_spool(tmp_path, limits=SpoolLimits(file=1 << 20, reserve=0))
        code = ""
        try:
            fill(writer, 100)
        except SpoolError as error:
            code = error.code
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        fill(writer, 3)
        os._exit(0 if code == "spool-full" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    numbers, lost = read_all(only_epoch(tmp_path))
    assert numbers == list(range(len(numbers)))
    assert (len(numbers) >= 3, lost) == (True, [])
    reader = EpochReader(only_epoch(tmp_path))
    while reader.read(100, 10_000, complete=True) is not None:
        pass
    assert reader.torn_octets == 0


@pytest.mark.parametrize("room", range(150, 600, 37))
def test_a_full_disk_leaves_no_torn_frame(tmp_path: Path, room: int) -> None:
    disk = FullDisk(room)
    writer = open_spool(tmp_path, disk=disk)
    with pytest.raises(SpoolError) as refused:
        fill(writer, 100)
    assert refused.value.code == "spool-full"
    kept = writer.count
    disk.room = 10_000
    fill(writer, 5)
    writer.close()
    assert read_all(only_epoch(tmp_path)) == (list(range(kept + 5)), [])


def test_a_disk_that_cannot_even_cut(tmp_path: Path) -> None:
    disk = FullDisk(400)
    disk.can_truncate = False
    writer = open_spool(tmp_path, disk=disk)
    with pytest.raises(SpoolError):
        fill(writer, 10)
    kept = writer.count
    disk.room = 10_000
    fill(writer, 5)
    writer.close()
    assert read_all(only_epoch(tmp_path)) == (list(range(kept + 5)), [])


def test_the_reserve_serves_what_is_vital(tmp_path: Path) -> None:
    limits = SpoolLimits(file=4096, epoch=1 << 20, reserve=4096)
    disk = FullDisk(10_000)
    writer = open_spool(tmp_path, disk=disk, limits=limits)
    reserve = writer.folder.reserve_path
    assert reserve.stat().st_blocks * 512 >= 4096
    disk.room = 10
    with pytest.raises(SpoolError):
        fill(writer, 1)
    assert reserve.exists()

    # What the reserve gives back is the disk's: the fake one has it from here on.
    original = disk.write

    def write(fd: int, data: bytes) -> None:
        if not reserve.exists():
            disk.room = max(disk.room, 4096)
        original(fd, data)

    disk.write = write  # type: ignore[method-assign]
    writer.append(line, vital=True)
    assert not reserve.exists()
    writer.close()
    assert read_all(only_epoch(tmp_path))[0] == [0]


def test_a_spool_grows_only_to_its_limit(tmp_path: Path) -> None:
    limits = SpoolLimits(file=512, epoch=2_000, reserve=0)
    writer = open_spool(tmp_path, limits=limits)
    with pytest.raises(SpoolError) as refused:
        fill(writer, 100)
    assert refused.value.code == "spool-full"
    assert writer.folder.octets() <= 2_000 + 512
    writer.append(line, vital=True)
    kept = writer.count
    reader = EpochReader(writer.folder)
    while reader.read(100, 10_000, complete=False) is not None:
        pass
    reader.forget(kept - 1, complete=False)
    writer._measured -= 10  # a second passes
    fill(writer, 1)
    writer.close()


def test_a_failed_sync_is_told_and_its_file_given_up(tmp_path: Path) -> None:
    disk = DeafDisk()
    writer = open_spool(tmp_path, disk=disk)
    fill(writer, 1)
    assert writer.sync()
    disk.deaf = True
    fill(writer, 1)
    assert not writer.sync()
    disk.deaf = False
    # Nothing that failed is called durable by a later sync that works.
    assert not writer.sync()
    fill(writer, 1)
    assert writer.sync()
    assert writer.sync_failures >= 1
    writer.close()
    assert read_all(only_epoch(tmp_path)) == ([0, 1, 2], [])


def test_an_exception_in_the_middle_of_a_write(tmp_path: Path) -> None:
    """A signal handler may raise anywhere; no number is used twice and no record is doubled."""

    class Interrupted(Disk):
        before = after = False

        def write(self, fd: int, data: bytes) -> None:
            if self.before:
                self.before = False
                super().write(fd, data[:9])
                raise KeyboardInterrupt
            super().write(fd, data)
            if self.after:
                self.after = False
                raise KeyboardInterrupt

    disk = Interrupted()
    writer = open_spool(tmp_path, disk=disk)
    fill(writer, 1)
    disk.after = True
    with pytest.raises(KeyboardInterrupt):
        fill(writer, 1)
    fill(writer, 1)
    disk.before = True
    with pytest.raises(KeyboardInterrupt):
        fill(writer, 1)
    fill(writer, 2)
    writer.close()
    assert read_all(only_epoch(tmp_path)) == ([0, 1, 2, 3, 4], [])


def test_a_record_that_cannot_be_made_takes_no_number(tmp_path: Path) -> None:
    writer = open_spool(tmp_path)

    def broken(_number: int) -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        writer.append(broken)
    fill(writer, 2)
    writer.close()
    assert read_all(only_epoch(tmp_path)) == ([0, 1], [])


def test_a_dead_owners_folder_can_be_taken_over(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        fill(open_spool(tmp_path), 9)
        os._exit(0)
    os.waitpid(child, 0)
    folder = only_epoch(tmp_path)
    assert not folder.has_owner()
    assert read_all(folder) == (list(range(9)), [])


def test_a_forked_child_does_not_hold_its_parents_locks(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    parent = os.fork()
    if parent == 0:
        writer = open_spool(tmp_path)
        fill(writer, 1)
        if os.fork() == 0:
            os.close(write_end)
            threading.Event().wait(20)
            os._exit(0)
        os._exit(0)
    os.close(write_end)
    os.waitpid(parent, 0)
    assert not only_epoch(tmp_path).has_owner()
    os.close(read_end)


def test_a_lock_on_a_removed_folder_is_none(tmp_path: Path) -> None:
    assert FileLock.acquire(tmp_path / "gone" / "owner") is None
    lock = FileLock.acquire(tmp_path / "owner")
    assert lock is not None
    assert FileLock.acquire(tmp_path / "owner") is None
    lock.release()
    lock.release()
    assert FileLock.is_free(tmp_path / "owner")


def test_archived_files_go_and_the_cursor_stays(tmp_path: Path) -> None:
    writer = open_spool(tmp_path)
    fill(writer, 30)
    folder = only_epoch(tmp_path)
    reader = EpochReader(folder)
    while reader.read(100, 10_000, complete=False) is not None:
        pass
    second = folder.files()[1]
    reader.forget(second - 2, complete=False)
    assert folder.files()[0] == 0
    reader.forget(second - 1, complete=False)
    assert folder.files()[0] == second
    assert EpochReader(folder).next == second
    reader.forget(29, complete=False)
    assert len(folder.files()) == 1
    fill(writer, 1)
    chunk = reader.read(100, 10_000, complete=False)
    assert chunk is not None
    assert (chunk.first, chunk.last) == (30, 30)
    writer.close()
    assert reader.read(100, 10_000, complete=True) is None
    reader.forget(30, complete=True)
    assert folder.files() == []
    folder.remove()
    assert list(list_epochs(tmp_path, PRODUCER, Disk())) == []


def test_a_folder_that_never_became_an_epoch_is_cleared(tmp_path: Path) -> None:
    young = tmp_path / PRODUCER / ".new-0123456789abcdef0123456789abcdef"
    young.mkdir(parents=True)
    assert list(list_epochs(tmp_path, PRODUCER, Disk())) == []
    assert young.exists()
    os.utime(young, (0, 0))
    assert list(list_epochs(tmp_path, PRODUCER, Disk())) == []
    assert not young.exists()


def test_two_writers_never_share_an_epoch(tmp_path: Path) -> None:
    one, two = open_spool(tmp_path), open_spool(tmp_path)
    assert one.epoch != two.epoch
    assert {folder.epoch for folder in list_epochs(tmp_path, PRODUCER, Disk())} == {
        one.epoch,
        two.epoch,
    }
    assert SpoolFolder(one.folder.path, Disk()).producer_id == PRODUCER
    assert SMALL.file == 512
    one.close()
    two.close()


def test_where_spools_stand_when_nobody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITROLL_SPOOL", "/spool")
    assert default_root() == Path("/spool")
    monkeypatch.delenv("AUDITROLL_SPOOL")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_root() == Path("/state/auditroll/spool")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/x")
    assert default_root() == Path("/home/x/.local/state/auditroll/spool")


def test_a_cursor_on_a_full_disk_takes_the_reserve(tmp_path: Path) -> None:
    limits = SpoolLimits(file=512, epoch=1 << 20, reserve=4096)
    writer = open_spool(tmp_path, limits=limits)
    fill(writer, 20)
    reserve = writer.folder.reserve_path

    class OnlyReserve(Disk):
        def write(self, fd: int, data: bytes) -> None:
            if reserve.exists():
                raise OSError(errno.ENOSPC, "no space")
            super().write(fd, data)

    reader = EpochReader(SpoolFolder(writer.folder.path, OnlyReserve()))
    while reader.read(100, 10_000, complete=False) is not None:
        pass
    reader.forget(19, complete=False)
    assert len(writer.folder.files()) == 1
    assert EpochReader(writer.folder).next == 20
    writer.close()
