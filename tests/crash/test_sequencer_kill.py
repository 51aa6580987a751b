"""The sequencer's process killed at any moment: by the clock, and before every disk operation."""

import asyncio
import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

import pytest

from auditroll.disk import Disk
from auditroll.errors import CollectorError
from auditroll.seal import Sequencer, SequencerClient
from auditroll.tlog import Frontier, leaf_hash
from auditroll.tlog.checkpoint import read_checkpoint
from tests.crash.runs import crash_runs, kills
from tests.unit.seal.support import (
    INSTALLATION,
    TENANT,
    Clock,
    batch,
    check_all,
    facts_of,
    lines_of,
    opened,
)

pytestmark = pytest.mark.crash

KILLS = kills("sequencer")
STEPS = crash_runs(16)


class Witness:
    """What was told to the world before a kill, and must hold after it."""

    def __init__(self) -> None:
        self.acknowledged: set[int] = set()
        self.checkpoints: set[str] = set()

    def check(self, log: Sequencer, folder: Path) -> None:
        records = check_all(log, folder)
        events = [e for public in records.values() for e in facts_of(public, "http.request")]
        numbers = [public["producer_seq"] for public in events]
        assert len(set(numbers)) == len(numbers)
        assert set(numbers) >= self.acknowledged
        hashes: dict[str, list[bytes]] = {}
        for head in log.heads():
            lines = lines_of(folder, head.stream, log.tail(head.stream, head.sealed))
            hashes[head.stream] = [leaf_hash(line.leaf) for line in lines]
        for note in self.checkpoints:
            origin = note.split("\n", 1)[0]
            signed = read_checkpoint(note, origin)
            frontier = Frontier()
            frontier.append_many(hashes[origin.rsplit("/", 1)[1]][: signed.size])
            assert frontier.root() == signed.root


async def load(client: SequencerClient, witness: Witness, first: int, delay_s: float) -> int:
    """Append from several tasks until the process is killed; return the next number."""
    stream = await client.stream(TENANT, "standard")
    next_number = first

    async def writer() -> None:
        nonlocal next_number
        with contextlib.suppress(CollectorError):
            while True:
                seqs = range(next_number, next_number + 1 + secrets.randbelow(40))
                next_number = seqs.stop
                await client.append([batch(stream, seqs)])
                witness.acknowledged.update(seqs)
                witness.checkpoints.add(await client.root_checkpoint())

    writers = [asyncio.ensure_future(writer()) for _ in range(4)]
    await asyncio.sleep(delay_s)
    client._process.kill()
    await asyncio.gather(*writers)
    await client.stop()
    return next_number


def test_killed_by_the_clock(tmp_path: Path) -> None:
    witness, number = Witness(), 0
    for _ in range(KILLS):

        async def life(first: int) -> int:
            client = await SequencerClient.start(
                tmp_path, installation=INSTALLATION, seal_after_s=0.3
            )
            delay_s = secrets.randbelow(1500) / 1000
            return await load(client, witness, first, delay_s)

        number = asyncio.run(life(number))
        log = Sequencer(tmp_path)
        witness.check(log, tmp_path)
        log.abandon()


class Killed(BaseException):
    """The process is gone; nothing in it can catch this."""


class MortalDisk(Disk):
    """Dies before its n-th operation, or in the middle of a write."""

    def __init__(self, life: int) -> None:
        self.life = life

    def _live(self) -> None:
        self.life -= 1
        if self.life < 0:
            raise Killed

    def create(self, path: Path) -> int:
        self._live()
        return super().create(path)

    def write(self, fd: int, data: bytes) -> None:
        self.life -= 1
        if self.life < 0:
            super().write(fd, data[: len(data) // 2])
            raise Killed
        super().write(fd, data)

    def datasync(self, fd: int) -> None:
        self._live()

    def sync_dir(self, folder: Path) -> None:
        self._live()

    def truncate(self, fd: int, size: int) -> None:
        self._live()
        super().truncate(fd, size)

    def rename(self, source: Path, target: Path) -> None:
        self._live()
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._live()
        super().remove(path)


def life(folder: Path, disk: Disk, witness: Witness, clock: Clock) -> None:
    """Everything a sequencer does to its disk, twice over."""
    log: Any = None
    try:
        for turn in range(2):
            log = opened(folder, clock, disk=disk, seal_after_s=60)
            stream = log.stream(TENANT, "standard")
            for part in range(3):
                seqs = range(turn * 100 + part * 10, turn * 100 + part * 10 + 10)
                log.append([batch(stream, seqs, now_ms=clock.now_ms)])
                witness.acknowledged.update(seqs)
                log.tick()
                witness.checkpoints.add(log.root_checkpoint())
                witness.checkpoints.update(log.relist([stream]).checkpoints.values())
                clock.forward(61)
            log.tick()
            log.tick()
            log.close()
            log = None
    finally:
        if log is not None:
            with contextlib.suppress(OSError):
                log.abandon()


def test_killed_before_every_disk_operation(tmp_path: Path) -> None:
    counter = MortalDisk(10**9)
    life(tmp_path / "whole", counter, Witness(), Clock())
    total = 10**9 - counter.life
    assert total > 200
    for step in sorted({round(total * run / STEPS) for run in range(STEPS)}):
        folder, witness, clock = tmp_path / str(step), Witness(), Clock()
        with contextlib.suppress(Killed):
            life(folder, MortalDisk(step), witness, clock)
        log = opened(folder, clock)
        witness.check(log, folder)
        log.append([batch(log.stream(TENANT, "standard"), [10_000], now_ms=clock.now_ms)])
        log.close()


def test_a_start_killed_at_any_operation_can_be_repeated(tmp_path: Path) -> None:
    """Recovery itself is not allowed to make anything worse."""
    witness, clock = Witness(), Clock()
    with contextlib.suppress(Killed):
        life(tmp_path, MortalDisk(150), witness, clock)
    torn = max((tmp_path / "journal").iterdir())
    torn.write_bytes(torn.read_bytes() + os.urandom(50))
    for step in range(0, 400, 5):
        with contextlib.suppress(Killed):
            opened(tmp_path, clock, disk=MortalDisk(step)).abandon()
            break
    else:
        pytest.fail("a start takes fewer operations")
    log = opened(tmp_path, clock)
    witness.check(log, tmp_path)
    root = check_all(log, tmp_path)[log.ready().root_stream]
    assert facts_of(root, "ledger.recovery")
    log.close()
