"""The process's loop and the worker's, without processes: what they answer, and when they end."""

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auditroll.disk import Disk
from auditroll.errors import CollectorError
from auditroll.seal import Sequencer, process, sealer
from auditroll.seal.calls import LENGTH, decode_error, encode_request, message
from auditroll.seal.child import receive
from auditroll.seal.process import Host
from tests.unit.seal.support import INSTALLATION, TENANT, batch, check_all


class FailingDisk(Disk):
    """Fails where it is told to."""

    def __init__(self) -> None:
        self.write_fails = False
        self.sync_fails = False
        self.rename_fails = False

    def write(self, fd: int, data: bytes) -> None:
        if self.write_fails:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(fd, data)

    def datasync(self, fd: int) -> None:
        if self.sync_fails:
            raise OSError(errno.EIO, "Input/output error")
        super().datasync(fd)

    def rename(self, source: Path, target: Path) -> None:
        if self.rename_fails:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().rename(source, target)


class Peer:
    """The other end of the socket, one call at a time."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.checkpoints: list[str] = []
        self.number = 0

    def ask(self, method: str, *arguments: Any) -> Any:
        self.number += 1
        self.channel.sendall(encode_request(self.number, method, arguments))
        return self.answer()

    def answer(self) -> Any:
        while True:
            length = LENGTH.unpack(receive(self.channel, LENGTH.size))[0]
            number, error, result = msgspec.msgpack.decode(receive(self.channel, length))
            if number == 0:
                self.checkpoints.append(result)
                continue
            if error is not None:
                raise decode_error(error)
            return result


class Running:
    """A host in a thread."""

    def __init__(self, folder: Path) -> None:
        self.disk = FailingDisk()
        self.log = Sequencer(folder, installation=INSTALLATION, disk=self.disk, wait_s=0)
        ours, theirs = socket.socketpair()
        self.peer = Peer(ours)
        self.theirs = theirs
        self.ended: BaseException | None = None
        self.host = Host(self.log, theirs)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.host.run()
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.ended = error

    def end(self) -> BaseException | None:
        self.peer.channel.close()
        self.thread.join(30)
        assert not self.thread.is_alive()
        self.theirs.close()
        self.log.abandon()
        return self.ended


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    if running.thread.is_alive():
        running.end()


def until(condition: Callable[[], Any]) -> None:
    """Ask until it holds; a limit only for what never comes."""
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.02)
    pytest.fail("it never came")


def test_a_group_is_answered_frame_by_frame(running: Running, tmp_path: Path) -> None:
    peer = running.peer
    stream = peer.ask("stream", TENANT, "standard")
    requests = [encode_request(n, "append", [[batch(stream, [n])]]) for n in range(10, 20)]
    peer.channel.sendall(b"".join(requests))
    frames = [peer.answer()[0][0] for _ in requests]
    assert frames == sorted(set(frames))
    until(lambda: peer.ask("snapshot") and peer.checkpoints)
    assert running.end() is None
    assert len(check_all(Sequencer(tmp_path, wait_s=0), tmp_path)[stream]) == 11


def test_a_large_group_is_divided(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_GROUP_OCTETS", 100)
    stream = running.peer.ask("stream", TENANT, "standard")
    assert len(running.peer.ask("append", [batch(stream, [0]), batch(stream, [1])])) == 2


def test_a_full_disk_is_told_and_freed(running: Running) -> None:
    peer = running.peer
    stream = peer.ask("stream", TENANT, "standard")
    running.disk.write_fails = True
    with pytest.raises(CollectorError) as refused:
        peer.ask("append", [batch(stream, [0])])
    assert refused.value.code == "journal-full"
    with pytest.raises(CollectorError):
        peer.ask("fact", TENANT, "retention.hold", {"data_class": "standard"})
    until(lambda: "journal-full" in peer.ask("snapshot")[3])
    running.disk.write_fails = False
    assert len(peer.ask("append", [batch(stream, [0])])) == 1
    until(lambda: peer.ask("snapshot")[3] == "")
    running.disk.rename_fails = True
    with pytest.raises(CollectorError) as refused:
        peer.ask("relist", [stream])
    assert refused.value.code == "disk-failed"
    running.disk.rename_fails = False
    assert running.end() is None


@pytest.mark.parametrize("method", ["append", "fact"])
def test_a_failed_sync_ends_it(running: Running, method: str) -> None:
    """What is durable is not known any more, so nothing is answered and nothing signed."""
    stream = running.peer.ask("stream", TENANT, "standard")
    running.disk.sync_fails = True
    arguments = {
        "append": ([batch(stream, [0])],),
        "fact": (TENANT, "retention.hold", {"data_class": "standard"}),
    }[method]
    running.peer.channel.sendall(encode_request(9, method, arguments))
    running.thread.join(30)
    assert isinstance(running.ended, CollectorError)
    assert running.ended.code == "journal-failed"


def test_a_disk_that_cannot_cut_ends_it(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = running.peer.ask("stream", TENANT, "standard")

    def fail(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(running.disk, "truncate", fail)
    running.disk.write_fails = True
    with pytest.raises(CollectorError) as refused:
        running.peer.ask("append", [batch(stream, [0])])
    assert refused.value.code == "journal-failed"
    running.thread.join(30)
    assert isinstance(running.ended, CollectorError)


def test_upkeep_after_a_failed_sync_ends_it(running: Running) -> None:
    running.peer.ask("stream", TENANT, "standard")
    running.disk.sync_fails = True
    running.thread.join(30)
    assert isinstance(running.ended, CollectorError | OSError)


def test_a_peer_that_went_away_ends_it(running: Running) -> None:
    stream = running.peer.ask("stream", TENANT, "standard")
    requests = [encode_request(n, "append", [[batch(stream, [n])]]) for n in range(200)]
    running.peer.channel.sendall(b"".join(requests))
    assert running.end() is None or type(running.ended).__name__ == "_PeerGone"


@pytest.mark.parametrize("wrong", [None, "name", "file"])
def test_the_program_says_how_its_start_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str | None
) -> None:
    monkeypatch.setattr(process, "die_with_parent", lambda parent: None)
    if wrong == "file":
        (tmp_path / "data").write_bytes(b"")
    options = {
        "root": str(tmp_path / "data"),
        "installation": "Not A Name" if wrong == "name" else INSTALLATION,
        "seal_after_s": None,
    }
    ours, theirs = socket.socketpair()
    arguments = ["-m", str(theirs.detach()), "1", msgspec.json.encode(options).decode()]
    monkeypatch.setattr("sys.argv", arguments)
    thread = threading.Thread(target=process.main)
    thread.start()
    length = LENGTH.unpack(receive(ours, LENGTH.size))[0]
    number, error, result = msgspec.msgpack.decode(receive(ours, length))
    assert number == 0
    codes = {None: None, "name": "bad-name", "file": "disk-failed"}
    assert (error[1] if error else None) == codes[wrong]
    if wrong is None:
        assert result[0] == INSTALLATION
        stream = Peer(ours).ask("stream", TENANT, "standard")
        assert len(stream) == 32
    ours.close()
    thread.join(30)
    assert not thread.is_alive()


def test_the_program_ends_badly_when_the_journal_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "die_with_parent", lambda parent: None)
    options = {"root": str(tmp_path), "installation": INSTALLATION, "seal_after_s": 60}
    ours, theirs = socket.socketpair()
    arguments = ["-m", str(theirs.detach()), "1", msgspec.json.encode(options).decode()]
    monkeypatch.setattr("sys.argv", arguments)

    def fail(*_: Any) -> None:
        raise CollectorError("journal-failed", "the disk is gone")

    monkeypatch.setattr(Host, "run", fail)
    with pytest.raises(SystemExit) as ended:
        process.main()
    assert ended.value.code == 1
    ours.close()


def test_the_workers_program_ends_with_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "die_with_parent", lambda parent: None)
    monkeypatch.setattr(sealer.os, "nice", lambda more: more)
    ours, theirs = socket.socketpair()
    monkeypatch.setattr("sys.argv", ["-m", str(theirs.detach()), "1"])
    ours.close()
    sealer.main()


def test_the_worker_answers_and_ends_with_its_socket(tmp_path: Path) -> None:
    log = Sequencer(tmp_path, installation=INSTALLATION, wait_s=0)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(20))])
    pieces = log.packed(stream, 0)
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=_serve, args=[theirs])
    thread.start()
    job = {"root": str(tmp_path), "stream": stream, "first_index": 0, "count": 21, "pieces": []}
    peer = Peer(ours)
    for count, code in ((21, ""), (20, "segment-failed")):
        ours.sendall(message((job | {"count": count}, [len(piece) for piece in pieces])))
        ours.sendall(b"".join(pieces))
        length = LENGTH.unpack(receive(ours, LENGTH.size))[0]
        _, error, result = msgspec.msgpack.decode(receive(ours, length))
        assert (error[1] if error else "") == code
        assert bool(result) != bool(code)
    peer.channel.close()
    thread.join(30)
    assert not thread.is_alive()


def _serve(channel: socket.socket) -> None:
    with channel, pytest.raises(EOFError):
        sealer.serve(channel)
