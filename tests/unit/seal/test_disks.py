"""Disks that fill up: nothing acknowledged is lost, nothing signed twice, and it goes on."""

import contextlib
import errno
from pathlib import Path

import pytest

from auditroll.disk import Disk
from auditroll.errors import CollectorError
from tests.unit.seal.support import TENANT, Clock, batch, check_all, facts_of, opened


class FillingDisk(Disk):
    """Refuses its n-th operation from now on, and every one after it until there is room."""

    def __init__(self) -> None:
        self.room: int | None = None

    def _use(self) -> None:
        if self.room is not None:
            self.room -= 1
            if self.room < 0:
                raise OSError(errno.ENOSPC, "No space left on device")

    def create(self, path: Path) -> int:
        self._use()
        return super().create(path)

    def write(self, fd: int, data: bytes) -> None:
        try:
            self._use()
        except OSError:
            super().write(fd, data[: len(data) // 2])
            raise
        super().write(fd, data)

    def rename(self, source: Path, target: Path) -> None:
        self._use()
        super().rename(source, target)


@pytest.mark.parametrize("room", [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 28])
def test_the_disk_fills_and_is_freed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr("auditroll.seal.sealing._RETRY_S", 0.0)
    disk, clock = FillingDisk(), Clock()
    log = opened(tmp_path, clock, disk=disk, seal_after_s=60)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(300), quarantined=[(300, "pii")], now_ms=clock.now_ms)])
    log.tick()
    clock.forward(61)
    disk.room = room
    acknowledged = set(range(300))
    for turn in range(4):
        with contextlib.suppress(CollectorError, OSError):
            log.tick()
        with contextlib.suppress(CollectorError):
            log.append([batch(stream, [400 + turn], now_ms=clock.now_ms)])
            acknowledged.add(400 + turn)
        clock.forward(61)
    assert not log.roll.journal.failed
    disk.room = None
    for _ in range(4):
        clock.forward(61)
        log.tick()
    log.append([batch(stream, [500], now_ms=clock.now_ms)])
    records = check_all(log, tmp_path)
    found = {public["producer_seq"] for public in facts_of(records[stream], "http.request")}
    assert found == acknowledged | {500}
    assert log.snapshot().problem == ""
    counted = {
        seq
        for seal in facts_of(records[log.ledger(TENANT)], "ledger.seal")
        for mark in seal["watermarks"]
        for first, last in mark["ranges"]
        for seq in range(first, last + 1)
    }
    assert counted >= set(range(301))
    log.abandon()
    again = opened(tmp_path, clock)
    assert check_all(again, tmp_path)[stream] == records[stream]


def test_a_new_journal_file_that_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditroll.seal.journal.ROTATE_OCTETS", 2000)
    disk, clock = FillingDisk(), Clock()
    log = opened(tmp_path, clock, disk=disk)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(30))])
    for room in range(4):
        disk.room = room
        with pytest.raises(CollectorError) as refused:
            log.append([batch(stream, [30])])
        assert refused.value.code == "journal-full"
    disk.room = None
    # The file that goes on is not complete: it must not be dropped when its records are sealed.
    log.tick()
    log.seal_all()
    log.tick()
    log.append([batch(stream, [30])])
    log.abandon()
    again = opened(tmp_path, clock)
    assert len(check_all(again, tmp_path)[stream]) == 32
