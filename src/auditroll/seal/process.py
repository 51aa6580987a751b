"""The sequencer's process: one loop that drains, writes, syncs while it sequences, and answers.

It shares a socket with the collector's front and nothing else, and dies with it.
"""

import ctypes
import gc
import logging
import multiprocessing
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path
from typing import Any, Final

import msgspec

from auditroll.errors import Error
from auditroll.seal.messages import Reader, failure, pack_message
from auditroll.seal.segments import be_nice, write_segment
from auditroll.seal.sequencer import Sequencer

__all__ = ["Settings", "main"]

_log = logging.getLogger("auditroll.sequencer")

TICK_S: Final = 0.5
_RECEIVE_OCTETS: Final = 2**20
# Frames that share one sync; a larger group would keep its first batch waiting.
MAX_GROUP: Final = 64
_PR_SET_PDEATHSIG: Final = 1


class Settings(msgspec.Struct, frozen=True):
    """How the process is started.

    Args:
        root: The data folder.
        installation: Its name, or None for the one it has.
        seal_after_s: Longest time a record stays without a segment.
    """

    root: str
    installation: str | None = None
    seal_after_s: float = 300.0


def die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process when its parent ends.

    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # The parent was gone before the kernel was asked.
        os._exit(1)


def _start_worker(parent: int) -> None:
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    be_nice()


class _Host:
    """Serves one sequencer to one socket."""

    def __init__(self, sequencer: Sequencer, channel: socket.socket) -> None:
        self._sequencer = sequencer
        self._channel = channel
        self._reader = Reader()
        self._syncer = ThreadPoolExecutor(1, "sync")
        self._methods: dict[str, Callable[..., Any]] = {
            "stream": sequencer.stream,
            "fact": sequencer.fact,
            "watermarks": sequencer.watermarks,
            "heads": sequencer.heads,
            "relist": sequencer.relist,
            "tail": sequencer.tail,
            "segments": lambda stream: [astuple(info) for info in sequencer.segments(stream)],
            "inclusion": sequencer.inclusion,
            "consistency": sequencer.consistency,
            "root_checkpoint": sequencer.root_checkpoint,
            "stream_checkpoint": sequencer.stream_checkpoint,
            "trust": sequencer.trust,
            "rebuilt": sequencer.rebuilt,
            "seal_all": sequencer.seal_all,
        }

    def run(self) -> None:
        """Serve until the other side closes the socket."""
        due = time.monotonic() + TICK_S
        while (messages := self._receive(due)) is not None:
            appends = [message for message in messages if message[1] == "append"]
            for at in range(0, len(appends), MAX_GROUP):
                self._append(appends[at : at + MAX_GROUP])
            for number, method, arguments in messages:
                if method != "append":
                    self._call(number, method, arguments)
            if time.monotonic() >= due:
                self._tick()
                due = time.monotonic() + TICK_S

    def _receive(self, due: float) -> list[Any] | None:
        """Return what has arrived, or nothing at `due`; None when the other side is gone."""
        ready, _, _ = select.select([self._channel], [], [], max(due - time.monotonic(), 0))
        if not ready:
            return []
        messages: list[Any] = []
        while True:
            try:
                octets = self._channel.recv(_RECEIVE_OCTETS, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return messages
            if not octets:
                return None
            messages += self._reader.feed(octets)

    def _append(self, messages: Sequence[Any]) -> None:
        """Make a group of batches durable with one sync, and sequence it meanwhile.

        Nothing is answered before the sync has returned. Sequencing ahead of it is safe: after a
        failed sync this process accepts nothing more, and what it sequenced dies with it.
        """
        plaintexts = [message[2][0] for message in messages]
        try:
            numbers = self._sequencer.write(plaintexts)
            synced = self._syncer.submit(self._sequencer.sync)
            appended = self._sequencer.apply(numbers, plaintexts)
            synced.result()
        except Exception as error:
            _log.exception("append failed")
            for message in messages:
                self._send([message[0], failure(error), None])
            if not isinstance(error, Error):
                raise
            return
        for message, done in zip(messages, appended, strict=True):
            self._send([message[0], None, done])

    def _call(self, number: int, method: str, arguments: Sequence[Any]) -> None:
        try:
            answer = [number, None, self._methods[method](*arguments)]
        except Error as error:
            answer = [number, failure(error), None]
        self._send(answer)

    def _tick(self) -> None:
        try:
            self._sequencer.tick()
        except Error:
            # Records already durable stay acknowledged; the front sees the root stand still.
            _log.exception("tick failed")

    def _send(self, message: list[Any]) -> None:
        self._channel.sendall(pack_message(message))


def serve(channel: socket.socket, settings: Settings) -> None:
    """Open the folder, tell the other side, and serve it.

    Args:
        channel: A connected stream socket.
        settings: Of this installation.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(
        1, mp_context=context, initializer=_start_worker, initargs=(os.getpid(),)
    )
    try:
        sequencer = Sequencer(
            Path(settings.root),
            installation=settings.installation,
            seal_after_s=settings.seal_after_s,
            worker=lambda job: pool.submit(write_segment, job),
        )
    except Error as error:
        channel.sendall(pack_message([0, failure(error), None]))
        return
    channel.sendall(pack_message([0, None, "ready"]))
    # What start-up made lives for ever; the collector need not look at it again.
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
    try:
        _Host(sequencer, channel).run()
    finally:
        sequencer.close()
        pool.shutdown()


def main() -> None:
    """Run with the arguments FD PARENT SETTINGS."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor, parent, settings = sys.argv[1:4]
    die_with_parent(int(parent))
    with socket.socket(fileno=int(descriptor)) as channel:
        serve(channel, msgspec.json.decode(settings, type=Settings))
