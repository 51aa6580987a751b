"""The sequencer's process: one loop that drains, writes, syncs while it sequences, and answers.

It shares a socket with the HTTP process and nothing else, and dies with it. Three threads: one
receives, one syncs, and the main one does everything else.
"""

import gc
import logging
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec

from auditroll.errors import CollectorError, Error
from auditroll.seal.calls import LENGTH, encode_answer, encode_error
from auditroll.seal.child import die_with_parent, receive
from auditroll.seal.frames import Frame
from auditroll.seal.sealer import Sealer
from auditroll.seal.sequencer import SEAL_AFTER_S, Sequencer

__all__ = ["Host", "main"]

_log = logging.getLogger("auditroll.seal")

# A stream that grew is in the root at most a second later, with what a group takes.
TICK_S: Final = 0.7
ANNOUNCE_S: Final = 0.1
# What shares one sync; more would keep the first batch of the group waiting.
MAX_GROUP_OCTETS: Final = 8 * 2**20

Request = tuple[int, str, list[Any]]


class _PeerGone(Exception):
    """The HTTP process does not listen any more."""


class Host:
    """Serves one sequencer to one socket.

    Args:
        sequencer: The log.
        channel: Connected to the HTTP process.
    """

    def __init__(self, sequencer: Sequencer, channel: socket.socket) -> None:
        self._sequencer = sequencer
        self._channel = channel
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._syncer = ThreadPoolExecutor(1, "sync")
        self._told = sequencer.root_checkpoint()
        self._methods: dict[str, Callable[..., Any]] = {
            name: getattr(sequencer, name)
            for name in (
                "consistency", "fact", "heads", "inclusion", "ledger", "piece", "rebuilt",
                "relist", "segments", "snapshot", "stream", "stream_checkpoint", "watermarks",
            )
        }  # fmt: skip

    def run(self) -> None:
        """Serve until the other side closes the socket.

        Raises:
            CollectorError: `journal-failed`: a sync failed, and what is durable is not known.
        """
        threading.Thread(target=self._receive, name="receive", daemon=True).start()
        tick_due = time.monotonic() + TICK_S
        announce_due = time.monotonic() + ANNOUNCE_S
        while (requests := self._take(min(tick_due, announce_due))) is not None:
            self._serve(requests)
            now = time.monotonic()
            if now >= tick_due:
                self._do(self._sequencer.tick)
                tick_due = time.monotonic() + TICK_S
            elif now >= announce_due:
                self._do(self._sequencer.announce)
                announce_due = time.monotonic() + ANNOUNCE_S
            self._tell_checkpoint()

    def _do(self, work: Callable[[], Any]) -> None:
        """Do what is due; what a full disk prevents is tried again the next time."""
        try:
            work()
        except (CollectorError, OSError) as error:
            if self._sequencer.roll.journal.failed:
                raise
            _log.error("the sequencer's upkeep failed: %s", error)
            self._sequencer.problem = str(error)
        else:
            self._sequencer.problem = ""

    def _receive(self) -> None:
        try:
            while True:
                length = LENGTH.unpack(receive(self._channel, LENGTH.size))[0]
                octets = receive(self._channel, length)
                self._requests.put(msgspec.msgpack.decode(octets, type=Request))
        except (EOFError, OSError):
            self._requests.put(None)

    def _take(self, due: float) -> list[Request] | None:
        """Return what has arrived, or nothing at `due`; None when the other side is gone."""
        taken: list[Request] = []
        try:
            request = self._requests.get(timeout=max(due - time.monotonic(), 0.0001))
            while request is not None:
                taken.append(request)
                request = self._requests.get_nowait()
        except queue.Empty:
            return taken
        # What came before the end is served; the end is found again the next time.
        self._requests.put(None)
        return taken or None

    def _serve(self, requests: Sequence[Request]) -> None:
        group: list[tuple[int, list[Frame]]] = []
        size = 0
        for number, method, arguments in requests:
            if method != "append":
                self._call(number, method, arguments)
                continue
            try:
                frames = self._sequencer.admit(arguments[0])
            except Error as error:
                self._send(encode_error(number, error))
                continue
            group.append((number, frames))
            size += sum(len(frame.plaintext) for frame in frames)
            if size >= MAX_GROUP_OCTETS:
                self._append(group)
                group, size = [], 0
        if group:
            self._append(group)

    def _append(self, group: Sequence[tuple[int, list[Frame]]]) -> None:
        """Make a group of batches durable with one sync, and sequence it meanwhile.

        Nothing is answered before the sync has returned. Sequencing ahead of it is safe: after a
        failed sync this process ends, and what it sequenced ends with it.
        """
        roll = self._sequencer.roll
        frames = [frame for _, mine in group for frame in mine]
        try:
            numbers = roll.write(frames)
        except CollectorError as error:
            for number, _ in group:
                self._send(encode_error(number, error))
            if roll.journal.failed:
                raise
            return
        synced = self._syncer.submit(roll.sync)
        appended = iter(roll.apply(numbers, frames))
        synced.result()
        answers = [encode_answer(number, [next(appended) for _ in mine]) for number, mine in group]
        self._send(b"".join(answers))

    def _call(self, number: int, method: str, arguments: Sequence[Any]) -> None:
        try:
            answer = encode_answer(number, self._methods[method](*arguments))
            # Whoever has the answer must not see an older checkpoint than it speaks of.
            self._tell_checkpoint()
        except (Error, OSError) as error:
            if self._sequencer.roll.journal.failed:
                raise
            told = error if isinstance(error, Error) else disk_failed(error)
            answer = encode_error(number, told)
        self._send(answer)

    def _tell_checkpoint(self) -> None:
        newest = self._sequencer.root_checkpoint()
        if newest != self._told:
            self._send(encode_answer(0, newest))
            self._told = newest

    def _send(self, octets: bytes) -> None:
        try:
            self._channel.sendall(octets)
        except OSError:
            raise _PeerGone from None


def disk_failed(error: OSError) -> CollectorError:
    """Return what to tell of an operation that a disk refused."""
    return CollectorError(
        "disk-failed",
        f"the data folder cannot be used: {error.strerror}",
        hint="Free or mend the disk; nothing acknowledged is lost.",
        retry_after=5,
    )


def _open(channel: socket.socket, options: dict[str, Any], sealer: Sealer) -> Sequencer | None:
    """Start the sequencer, and tell the other side how that went."""
    try:
        sequencer = Sequencer(
            Path(options["root"]),
            installation=options["installation"],
            seal_after_s=options["seal_after_s"] or SEAL_AFTER_S,
            worker=sealer.submit,
        )
    except Error as error:
        channel.sendall(encode_error(0, error))
        return None
    except OSError as error:
        channel.sendall(encode_error(0, disk_failed(error)))
        return None
    channel.sendall(encode_answer(0, sequencer.ready()))
    return sequencer


def main() -> None:
    """Run with the arguments SOCKET PARENT OPTIONS."""
    number, parent, options = sys.argv[1:4]
    die_with_parent(int(parent))
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    sealer = Sealer()
    with socket.socket(fileno=int(number)) as channel:
        sequencer = _open(channel, msgspec.json.decode(options), sealer)
        if sequencer is None:
            return
        # What the start made lives for ever: the collector need not look at it again. Records
        # live as plain octets, so a full collection finds little.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 1000)
        try:
            Host(sequencer, channel).run()
        except _PeerGone:
            _log.info("the HTTP process has gone; what it was not told, it asks again")
        except (Error, OSError) as error:
            _log.critical("%s", error.diagnostics() if isinstance(error, Error) else error)
            sys.exit(1)
        sequencer.close()
        sealer.close()


if __name__ == "__main__":
    main()
