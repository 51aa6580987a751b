"""Sessions: numbering, modes, forks, full disks, farewells."""

import asyncio
import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from auditroll.disk import Disk
from auditroll.errors import PolicyError
from auditroll.recorder import Recorder, load_credential
from auditroll.recorder import session as session_module
from auditroll.spool import SpoolLimits
from tests.support import ROOT
from tests.unit.recorder.support import (
    CREDENTIAL,
    REQUEST,
    epochs,
    events,
    opened,
    recorder_in,
    run_in_child,
)


class FullDisk(Disk):
    """A disk that is full while `full`."""

    full = False

    def write(self, fd: int, data: bytes) -> None:
        if self.full:
            os.write(fd, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "no space")
        super().write(fd, data)


def test_an_epoch_from_open_to_close(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    assert recorder.epoch == ""
    for _ in range(3):
        recorder.record(REQUEST)
    epoch = recorder.epoch
    recorder.close()
    recorder.close()
    records = epochs(tmp_path)[epoch]
    assert [record["event_type"] for record in records] == [
        "producer.open",
        *["http.request"] * 3,
        "producer.close",
    ]
    assert records[0]["mode"] == "durable"
    last = records[-1]
    assert (last["last_seq"], last["seen"], last["written"], last["dropped"]) == (3, 3, 3, 0)
    recorder.record(REQUEST)
    assert len(events(tmp_path)) == 3


def test_nothing_is_opened_before_the_first_event(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path / "spool")
    assert not (tmp_path / "spool").exists()
    assert recorder.health().state == "ok"
    recorder.start()
    assert recorder.epoch
    recorder.close()


def test_heartbeats_say_how_far_the_numbers_go(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path, heartbeat_s=0.01)
    recorder.record(REQUEST)
    beats = threading.Event()
    while not beats.wait(0.01):
        records = epochs(tmp_path)[recorder.epoch]
        if [record["event_type"] for record in records].count("producer.heartbeat") >= 2:
            beats.set()
    recorder.close()
    for record in epochs(tmp_path)[recorder.epoch]:
        if record["event_type"] == "producer.heartbeat":
            assert record["last_seq"] == record["producer_seq"] - 1
            assert (record["seen"], record["written"], record["dropped"]) == (1, 1, 0)


def test_available_events_are_written_by_a_thread(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path, mode="available")
    for number in range(200):
        recorder.record(REQUEST | {"latency_ms": number})
    recorder.close()
    assert [event["latency_ms"] for event in events(tmp_path)] == list(range(200))


def test_available_events_beyond_the_queue_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "MAX_HELD", 5)
    disk = FullDisk()
    recorder = recorder_in(tmp_path, mode="available", disk=disk)
    recorder.start()
    disk.full = True
    for _ in range(9):
        recorder.record(REQUEST)
    health = recorder.health()
    assert (health.seen, health.written, health.held, health.dropped) == (9, 0, 5, 4)
    disk.full = False
    recorder.close()
    close = epochs(tmp_path)[recorder.epoch][-1]
    assert (close["seen"], close["written"], close["dropped"]) == (9, 5, 4)


def test_a_full_disk_holds_events_and_says_so(tmp_path: Path) -> None:
    disk = FullDisk()
    recorder = recorder_in(tmp_path, disk=disk)
    recorder.record(REQUEST)
    assert recorder.sync()
    disk.full = True
    recorder.record(REQUEST)
    assert recorder.health().state == "holding"
    assert recorder.health().last_error == "spool-full"
    # The request whose event is missing is told; the next one is not blamed for it.
    assert not recorder.sync()
    disk.full = False
    recorder.record(REQUEST)
    assert recorder.sync()
    recorder.close()
    assert len(events(tmp_path)) == 3
    assert recorder.health().dropped == 0


def test_only_the_request_whose_event_is_missing_is_told(tmp_path: Path) -> None:
    disk = FullDisk()
    recorder = recorder_in(tmp_path, disk=disk)
    recorder.start()

    async def request(*, full: bool, turn: asyncio.Event, following: asyncio.Event) -> bool:
        await turn.wait()
        disk.full = full
        recorder.record(REQUEST)
        disk.full = False
        following.set()
        await asyncio.sleep(0)
        return await asyncio.to_thread(recorder.sync)

    async def serve() -> list[bool]:
        turns = [asyncio.Event() for _ in range(4)]
        turns[0].set()
        tasks = [
            request(full=full, turn=turns[place], following=turns[place + 1])
            for place, full in enumerate((False, True, False))
        ]
        return await asyncio.gather(*tasks)

    assert asyncio.run(serve()) == [True, False, True]
    recorder.close()


def test_a_spool_at_its_limit_still_says_farewell(tmp_path: Path) -> None:
    limits = SpoolLimits(file=4096, epoch=6_000, reserve=0)
    recorder = recorder_in(tmp_path, limits=limits)
    for _ in range(20):
        recorder.record(REQUEST)
    recorder.close()
    records = epochs(tmp_path)[recorder.epoch]
    last = records[-1]
    assert last["event_type"] == "producer.close"
    assert last["seen"] == 20
    assert last["written"] == len(records) - 2
    assert last["written"] + last["dropped"] == 20
    assert last["dropped"] > 0


def test_a_spool_that_cannot_be_opened_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_RETRY_S", 0.01)
    root = tmp_path / "spool"
    root.write_text("in the way")
    recorder = recorder_in(root)
    recorder.record(REQUEST)
    assert not recorder.sync()
    assert recorder.health().state == "holding"
    root.unlink()
    while recorder.health().held:
        threading.Event().wait(0.01)
    recorder.close()
    assert len(events(root)) == 1


def test_record_never_raises(tmp_path: Path) -> None:
    class Broken(Mapping[str, Any]):
        def __getitem__(self, _: str) -> Any:
            raise RuntimeError

        def __iter__(self) -> Any:
            raise RuntimeError

        def __len__(self) -> int:
            raise RuntimeError

    recorder = recorder_in(tmp_path)
    recorder.record(Broken())
    recorder.record({})
    recorder.record(REQUEST | {"event_type": "producer.open"})
    recorder.record({"event_type": "http.request", "ext": {1: 2}})
    recorder.close()
    assert [event["event_type"] for event in events(tmp_path)] == [
        *["recorder.fallback"] * 3,
        "http.request",
    ]
    assert recorder.health().fallbacks == 3
    assert recorder.health().dropped == 0


def test_two_users_at_once_in_threads_and_tasks(tmp_path: Path) -> None:
    """C10: a record never names another request's user."""
    recorder = recorder_in(tmp_path)

    def work(user: str) -> None:
        for number in range(50):
            fields = {"user_id": user, "resource_id": f"patient:{user}", "latency_ms": number}
            recorder.record(REQUEST | fields)

    async def tasks() -> None:
        await asyncio.gather(*(asyncio.to_thread(work, f"task-{name}") for name in "ab"))

    threads = [threading.Thread(target=work, args=(f"thread-{name}",)) for name in "ab"]
    for thread in threads:
        thread.start()
    asyncio.run(tasks())
    for thread in threads:
        thread.join()
    recorder.close()
    found = events(tmp_path)
    assert len(found) == 200
    for event in found:
        user = opened(event["user_id"], "user")
        assert opened(event["resource_id"], "entity") == f"patient:{user}"


def test_forked_workers_record_in_epochs_of_their_own(tmp_path: Path) -> None:
    """C9: the application is loaded, and has recorded, before the workers are forked."""
    recorder = recorder_in(tmp_path)
    recorder.record(REQUEST | {"latency_ms": 0})

    def work() -> None:
        for number in range(5):
            recorder.record(REQUEST | {"latency_ms": number})
        assert recorder.sync()

    for _ in range(4):
        run_in_child(work)
    recorder.record(REQUEST | {"latency_ms": 1})
    recorder.close()
    found = epochs(tmp_path)
    assert len(found) == 5
    assert sorted(len(records) for records in found.values()) == [4, 6, 6, 6, 6]
    assert len({event["event_id"] for event in events(tmp_path)}) == 22


def test_a_fork_while_other_threads_record(tmp_path: Path) -> None:
    """The child must not wait for a lock whose holder does not exist in it."""
    recorder = recorder_in(tmp_path)
    stop = threading.Event()

    def record() -> None:
        while not stop.is_set():
            recorder.record(REQUEST)

    threads = [threading.Thread(target=record) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        run_in_child(lambda: recorder.record(REQUEST))
    stop.set()
    for thread in threads:
        thread.join()
    recorder.close()
    assert len(epochs(tmp_path)) == 6


_POOL = """
import multiprocessing, sys
from pathlib import Path
sys.path[:0] = [{src!r}, {root!r}]
from tests.unit.recorder.support import REQUEST, recorder_in

recorder = recorder_in(Path({spool!r}))

def work(number):
    recorder.record(REQUEST | {{"latency_ms": number}})

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    with context.Pool(2) as pool:
        pool.map(work, range(20), chunksize=1)
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_process_pools_record_and_say_farewell(tmp_path: Path, method: str) -> None:
    """C9: workers of multiprocessing leave without `atexit`."""
    script = tmp_path / "pool.py"
    spool = tmp_path / "spool"
    script.write_text(
        _POOL.format(src=str(ROOT / "src"), root=str(ROOT), spool=str(spool), method=method)
    )
    subprocess.run([sys.executable, script], check=True, timeout=120)
    found = epochs(spool)
    numbers = [event["latency_ms"] for event in events(spool)]
    assert sorted(numbers) == list(range(20))
    assert {records[-1]["event_type"] for records in found.values()} == {"producer.close"}


def test_an_epoch_is_closed_when_the_process_ends(tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'src')!r}, {str(ROOT)!r}]\n"
        "from pathlib import Path\n"
        "from tests.unit.recorder.support import REQUEST, recorder_in\n"
        f"recorder = recorder_in(Path({str(tmp_path)!r}), mode='available')\n"
        "for _ in range(50): recorder.record(REQUEST)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    (records,) = epochs(tmp_path).values()
    assert len(records) == 52
    assert records[-1]["event_type"] == "producer.close"


def test_a_new_process_names_the_dead_one_before_it(tmp_path: Path) -> None:
    dead = recorder_in(tmp_path)
    run_in_child(lambda: dead.record(REQUEST))
    (dead_epoch,) = epochs(tmp_path)
    first, second = recorder_in(tmp_path), recorder_in(tmp_path)
    first.start()
    second.start()
    found = epochs(tmp_path)
    assert found[first.epoch][0]["previous_epoch"] == dead_epoch
    assert "previous_epoch" not in found[second.epoch][0]
    first.close()
    second.close()


def test_seal_user_is_understood(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    recorder.record(REQUEST | {"on_behalf_of": recorder.seal_user("jane")})
    recorder.close()
    assert opened(events(tmp_path)[0]["on_behalf_of"], "user") == "jane"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"service": "other"}, "bad-service"),
        ({"environment": "moon"}, "bad-environment"),
        ({"mode": "loud"}, "bad-mode"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_start(
    tmp_path: Path, options: dict[str, str], code: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        recorder_in(tmp_path, **options)
    assert refused.value.code == code


def test_the_companion_lives_with_the_epoch(tmp_path: Path) -> None:
    calls: list[str] = []

    class Companion:
        def start(self) -> None:
            calls.append("start")

        def close(self) -> None:
            calls.append("close")

    def companion(_recorder: Recorder) -> Companion:
        calls.append("make")
        return Companion()

    recorder = recorder_in(tmp_path, companion=companion)
    assert calls == []
    recorder.record(REQUEST)
    recorder.close()
    assert calls == ["make", "start", "close"]


def test_a_credential_file(tmp_path: Path) -> None:
    path = tmp_path / "credential.json"
    with pytest.raises(PolicyError) as refused:
        load_credential(path)
    assert refused.value.code == "credential-missing"
    path.write_bytes(CREDENTIAL.encode())
    path.chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)
    with pytest.raises(PolicyError) as refused:
        load_credential(path)
    assert refused.value.code == "credential-exposed"
    path.chmod(0o600)
    assert load_credential(path) == CREDENTIAL
    path.write_text("{}")
    with pytest.raises(PolicyError) as refused:
        load_credential(path)
    assert refused.value.code == "bad-credential"
