"""The collector's side of the sequencer's process."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from auditroll.errors import CollectorError
from auditroll.seal.messages import Reader, error_of, pack_message
from auditroll.seal.process import Settings
from auditroll.seal.sealed import SegmentInfo
from auditroll.seal.segments import Watermark
from auditroll.seal.sequencer import Appended, Head
from auditroll.seal.streams import Unsealed

__all__ = ["SequencerClient"]

_RECEIVE_OCTETS: Final = 2**20
CLOSE_TIMEOUT_S: Final = 60.0
_INFO_FIELDS: Final = tuple(field.name for field in fields(SegmentInfo))


class SequencerClient:
    """Speaks with one sequencer process; every method of `Sequencer`, awaitable.

    Used from one event loop. Other threads go through `call_from_thread`.

    Args:
        process: The child.
        reader: Messages from it.
        writer: Messages to it.
    """

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._last = 0
        self._loop = asyncio.get_running_loop()
        self._listener = self._loop.create_task(self._listen())

    @classmethod
    async def start(
        cls, root: Path, *, installation: str | None = None, seal_after_s: float = 300.0
    ) -> Self:
        """Start the process and wait until it owns the folder.

        Args:
            root: The data folder.
            installation: Its name, or None for the one it has.
            seal_after_s: Longest time a record stays without a segment.

        Raises:
            PolicyError: `data-locked`, `installation-changed`.
            IntegrityError: The folder is not what was left.
        """
        ours, theirs = socket.socketpair()
        settings = Settings(str(root), installation, seal_after_s)
        with theirs:
            process = subprocess.Popen(  # noqa: S603, ASYNC220  a child of ours, started at once
                [
                    sys.executable,
                    "-c",
                    "from auditroll.seal.process import main; main()",
                    str(theirs.fileno()),
                    str(os.getpid()),
                    msgspec.json.encode(settings).decode(),
                ],
                pass_fds=[theirs.fileno()],
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        client = cls(process, reader, writer)
        ready = client._waiting[0] = client._loop.create_future()
        try:
            await ready
        except BaseException:
            await client.close()
            raise
        return client

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None and not self._listener.done()

    async def append(self, plaintext: bytes) -> Appended:
        """Make one batch durable and part of the log.

        Raises:
            CollectorError: `journal-failed`, or `sequencer-gone`: nothing was acknowledged.
        """
        return Appended(*await self._call("append", plaintext))

    async def stream(self, tenant: str, data_class: str) -> str:
        """Return the stream of a tenant's class, with genesis if it is new."""
        return str(await self._call("stream", tenant, data_class))

    async def fact(self, tenant: str, event_type: str, fields: dict[str, Any]) -> int:
        """Record a fact in the tenant's ledger and return its index."""
        return int(await self._call("fact", tenant, event_type, fields))

    async def watermarks(self) -> list[Watermark]:
        """Return what was received before this start; once."""
        return [
            (producer, epoch, [(first, last) for first, last in ranges])
            for producer, epoch, ranges in await self._call("watermarks")
        ]

    async def heads(self) -> list[Head]:
        """Return every stream, the root first."""
        return [Head(*head) for head in await self._call("heads")]

    async def relist(self, streams: Sequence[str]) -> list[Head]:
        """List heads again, sign the root, and return them."""
        return [Head(*head) for head in await self._call("relist", list(streams))]

    async def tail(self, stream: str, first: int, end: int | None = None) -> list[Unsealed]:
        """Return the records from `first` on that no segment holds yet."""
        return [Unsealed(*record) for record in await self._call("tail", stream, first, end)]

    async def segments(self, stream: str) -> list[SegmentInfo]:
        """Return the stream's sealed segments in order."""
        return [_info(values) for values in await self._call("segments", stream)]

    async def inclusion(self, stream: str, index: int, size: int) -> list[bytes]:
        """Return the audit path of a record in the tree of `size` leaves."""
        path: list[bytes] = await self._call("inclusion", stream, index, size)
        return path

    async def consistency(self, stream: str, old: int, size: int) -> list[bytes]:
        """Return the proof that the tree of `old` leaves is a prefix of the one of `size`."""
        proof: list[bytes] = await self._call("consistency", stream, old, size)
        return proof

    async def root_checkpoint(self) -> str:
        """Return the newest signed root checkpoint."""
        return str(await self._call("root_checkpoint"))

    async def stream_checkpoint(self, stream: str) -> str:
        """Return a signed checkpoint of the stream's newest listed head."""
        return str(await self._call("stream_checkpoint", stream))

    async def trust(self) -> dict[str, Any]:
        """Return the trust document of this installation."""
        document: dict[str, Any] = await self._call("trust")
        return document

    async def rebuilt(self) -> list[str]:
        """Return the derived files that the start had to rebuild."""
        return list(await self._call("rebuilt"))

    async def seal_all(self) -> None:
        """Close and seal every tail that a segment may hold."""
        await self._call("seal_all")

    async def close(self) -> None:
        """Let the process finish: list, sign, give the folder free."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        try:
            await asyncio.to_thread(self._process.wait, CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        await self._listener

    async def _call(self, method: str, *arguments: Any) -> Any:
        if self._listener.done():
            raise _gone()
        self._last += 1
        answer = self._waiting[self._last] = self._loop.create_future()
        self._writer.write(pack_message([self._last, method, arguments]))
        await self._writer.drain()
        return await answer

    async def _listen(self) -> None:
        """Hand each answer to who waits for it; when the process is gone, fail all."""
        messages = Reader()
        try:
            while octets := await self._reader.read(_RECEIVE_OCTETS):
                for number, error, result in messages.feed(octets):
                    answer = self._waiting.pop(number, None)
                    if answer is None or answer.done():
                        continue
                    if error is None:
                        answer.set_result(result)
                    else:
                        answer.set_exception(error_of(error))
        except OSError:
            pass
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(_gone())
            self._waiting.clear()


def _info(values: Iterable[Any]) -> SegmentInfo:
    return msgspec.convert(dict(zip(_INFO_FIELDS, values, strict=True)), SegmentInfo)


def _gone() -> CollectorError:
    return CollectorError(
        "sequencer-gone",
        "the sequencer's process has ended",
        hint="Its log says why. Start the collector again; nothing acknowledged is lost.",
        retry_after=5,
    )
