"""The harness itself: it must find the mistakes that it is there to find."""

from pathlib import Path

from auditroll.disk import Disk
from tests.crash.powercut import RecordingDisk, power_cuts


def whole_or_absent(disk: Disk, path: Path, octets: bytes, *, sync: bool) -> None:
    fd = disk.create(path.with_suffix(".tmp"))
    disk.write(fd, octets)
    if sync:
        disk.datasync(fd)
    disk.close(fd)
    disk.rename(path.with_suffix(".tmp"), path)
    disk.sync_dir(path.parent)


def contents(root: Path, name: str, *, sync: bool) -> set[bytes | None]:
    disk = RecordingDisk(root)
    whole_or_absent(disk, root / name, b"octets", sync=sync)
    return {cut.files.get(Path(name)) for cut in power_cuts(disk.trace)}


def test_a_replaced_file_is_whole_or_absent(tmp_path: Path) -> None:
    assert contents(tmp_path, "head", sync=True) == {None, b"octets"}


def test_a_missing_sync_is_found(tmp_path: Path) -> None:
    found = contents(tmp_path, "head", sync=False)
    assert found == {None, b"octets", b"oct", b"", bytes(6)}


def test_a_later_write_may_survive_an_earlier_one(tmp_path: Path) -> None:
    disk = RecordingDisk(tmp_path)
    fd = disk.create(tmp_path / "log")
    disk.sync_dir(tmp_path)
    disk.write(fd, b"ab")
    disk.write(fd, b"cd")
    disk.close(fd)
    found = {cut.files.get(Path("log")) for cut in power_cuts(disk.trace)}
    assert {b"abcd", b"ab", b"", b"\0\0cd", b"abc", b"ab\0\0"} <= found


def test_a_removal_may_be_undone_until_its_folder_is_synced(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"1")
    disk = RecordingDisk(tmp_path)
    disk.remove(tmp_path / "old")
    disk.mark("removed")
    assert {len(cut.files) for cut in power_cuts(disk.trace) if cut.marks} == {0, 1}
    disk.sync_dir(tmp_path)
    disk.mark("durable")
    cuts = list(power_cuts(disk.trace))
    assert {len(cut.files) for cut in cuts if "durable" in [mark.label for mark in cut.marks]} == {
        0
    }


def test_states_are_put_into_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    disk = RecordingDisk(root)
    disk.make_dirs(root / "a" / "b")
    disk.replace(root / "a" / "b" / "c", b"1")
    disk.rename(root / "a", root / "z")
    disk.sync_dir(root)
    last = list(power_cuts(disk.trace))[-1]
    place = last.materialise(tmp_path / "cut")
    assert (place / "z" / "b" / "c").read_bytes() == b"1"
    assert not (place / "a").exists()
