"""The process that writes segments, beside the sequencer and never in its way."""

import os
import queue
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final

import msgspec

from auditroll.errors import CollectorError, Error
from auditroll.seal.calls import LENGTH, decode_error, encode_answer, encode_error, message
from auditroll.seal.child import die_with_parent, receive, spawn
from auditroll.seal.segments import SealJob, SealResult, write_segment

__all__ = ["Sealer", "serve"]

# Ingestion comes first; a lag shows in the status and presses back when it grows.
_NICE: Final = 5


class Sealer:
    """Hands jobs to the child, one at a time, and starts it again if it dies."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[tuple[SealJob, Future[SealResult]] | None] = (
            queue.SimpleQueue()
        )
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
        self._thread.start()

    def submit(self, job: SealJob) -> "Future[SealResult]":
        """Have a segment written."""
        done: Future[SealResult] = Future()
        self._jobs.put((job, done))
        return done

    def close(self) -> None:
        """End the child at once; what it was writing is written again after the next start."""
        self._closed = True
        self._jobs.put(None)
        if (process := self._process) is not None:
            process.kill()
        self._thread.join()

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            job, done = entry
            try:
                done.set_result(self._write(job))
            except Error as error:
                done.set_exception(error)
            except (EOFError, OSError):
                if self._process is not None:
                    self._process.kill()
                self._reap()
                done.set_exception(_died())
        self._reap()

    def _next(self) -> tuple[SealJob, "Future[SealResult]"] | None:
        return None if self._closed else self._jobs.get()

    def _write(self, job: SealJob) -> SealResult:
        if self._channel is None:
            self._process, self._channel = spawn("auditroll.seal.sealer")
        lengths = [len(piece) for piece in job.pieces]
        channel = self._channel
        channel.sendall(message((replace(job, pieces=()), lengths)))
        for piece in job.pieces:
            channel.sendall(piece)
        length = LENGTH.unpack(receive(channel, LENGTH.size))[0]
        _, error, result = msgspec.msgpack.decode(receive(channel, length))
        if error is not None:
            raise decode_error(error)
        return msgspec.convert(result, SealResult)

    def _reap(self) -> None:
        """Let the child see the end of its socket, and wait for its own."""
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            self._process.wait()
        self._process = self._channel = None


def _died() -> CollectorError:
    return CollectorError(
        "sealer-gone",
        "the process that writes segments has ended",
        hint="It is started again; see the log and the machine's memory.",
    )


def serve(channel: socket.socket) -> None:
    """Write the segments that are asked for.

    Raises:
        EOFError: The sequencer closed the socket.
    """
    while True:
        length = LENGTH.unpack(receive(channel, LENGTH.size))[0]
        fields, lengths = msgspec.msgpack.decode(receive(channel, length), type=tuple[Any, Any])
        job = msgspec.convert(fields, SealJob)
        job = replace(job, pieces=[receive(channel, length) for length in lengths])
        try:
            answer = encode_answer(0, write_segment(job))
        except Error as error:
            answer = encode_error(0, error)
        except (OSError, ValueError) as error:
            answer = encode_error(0, CollectorError("segment-failed", str(error)))
        channel.sendall(answer)


def main() -> None:
    """Serve the sequencer until it closes the socket."""
    number, parent = map(int, sys.argv[1:3])
    die_with_parent(parent)
    os.nice(_NICE)
    with socket.socket(fileno=number) as channel:
        try:
            serve(channel)
        except (EOFError, OSError):
            return


if __name__ == "__main__":
    main()
