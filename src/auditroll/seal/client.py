"""The sequencer from the HTTP process: the same methods, awaited."""

import asyncio
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import msgspec

from auditroll.errors import CollectorError, Error
from auditroll.seal.calls import LENGTH, Ready, decode_error, encode_request
from auditroll.seal.child import SOCKET_OCTETS, spawn
from auditroll.seal.records import Unsealed, unpack
from auditroll.seal.sealed import SegmentInfo
from auditroll.seal.segments import Watermark
from auditroll.seal.state import Appended, Head, Listing, Snapshot

__all__ = ["SequencerClient"]

T = TypeVar("T")

# A sequencer that was told to stop writes its last heads; replaying a crash's journal takes longer.
STOP_S: Final = 30.0
# What one answer holds of a tail; some megabytes.
PIECE_RECORDS: Final = 4096


class SequencerClient:
    """A sequencer in a process of its own, which ends when this one does.

    Use `start`. For one event loop; a call from another thread goes through that loop.

    Args:
        process: The child.
        reader: Where its answers arrive.
        writer: Where requests go.
        ready: What it said first.
    """

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ready: Ready,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._ready = ready
        self._checkpoint = ready.root_checkpoint
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._number = 0
        self._gone: Callable[[], None] | None = None
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    @classmethod
    async def start(
        cls,
        root: Path,
        *,
        installation: str | None = None,
        seal_after_s: float | None = None,
    ) -> Self:
        """Start the child and wait until it has recovered.

        The kernel ends the child with the *thread* that started it, so the thread of the event
        loop must live as long as the client.

        Args:
            root: The data folder.
            installation: Its name, fixed at the first start; None takes the one it has.
            seal_after_s: Longest time a record stays without a segment.

        Raises:
            PolicyError: `data-locked`; `installation-changed`; `bad-name`; `unsafe-keys`.
            IntegrityError: `altered`, `rolled-back`, `forked`, `missing`, `key-unknown`.
            CollectorError: `sequencer-gone`: the child ended before it could say why.
        """
        options = {"root": str(root), "installation": installation, "seal_after_s": seal_after_s}
        process, ours = spawn("auditroll.seal.process", msgspec.json.encode(options).decode())
        reader, writer = await asyncio.open_connection(sock=ours, limit=SOCKET_OCTETS)
        try:
            _, error, result = await _receive(reader)
        except (EOFError, OSError):
            process.wait()
            raise _gone() from None
        if error is not None:
            writer.close()
            await asyncio.to_thread(process.wait)
            raise decode_error(error)
        return cls(process, reader, writer, msgspec.convert(result, Ready))

    @property
    def ready(self) -> Ready:
        """What names the installation."""
        return self._ready

    @property
    def alive(self) -> bool:
        """Whether the child still answers."""
        return not self._listening.done()

    def on_gone(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once if the child ends although nobody stopped it."""
        self._gone = callback

    async def stop(self) -> None:
        """Have the child write its last heads and end; calls under way are answered first."""
        self._gone = None
        if self._waiting:
            await asyncio.gather(*self._waiting.values(), return_exceptions=True)
        self._writer.close()
        self._listening.cancel()
        try:
            await asyncio.to_thread(self._process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    # Appending.

    async def append(self, plaintexts: Sequence[bytes]) -> list[Appended]:
        """Make batches durable and part of the log; see `Sequencer.append`."""
        return await self._call(list[Appended], "append", plaintexts)

    async def stream(self, tenant: str, data_class: str) -> str:
        """Return the stream of a tenant's class, with genesis if it is new."""
        return await self._call(str, "stream", tenant, data_class)

    async def ledger(self, tenant: str) -> str:
        """Return the tenant's ledger, with genesis if it is new."""
        return await self._call(str, "ledger", tenant)

    async def fact(self, tenant: str, event_type: str, fields: dict[str, Any]) -> int:
        """Record a fact in the tenant's ledger, durable on return, and return its index."""
        return await self._call(int, "fact", tenant, event_type, fields)

    async def relist(self, streams: Iterable[str]) -> Listing:
        """List heads again, sign them and the root, and return all as of one moment."""
        return await self._call(Listing, "relist", list(streams))

    # Reading.

    async def root_checkpoint(self) -> str:
        """Return the newest signed root checkpoint; costs nothing."""
        return self._checkpoint

    async def stream_checkpoint(self, stream: str) -> str:
        """Return a signed checkpoint of the stream's newest listed head."""
        return await self._call(str, "stream_checkpoint", stream)

    async def tail(self, stream: str, first: int, end: int | None = None) -> list[Unsealed]:
        """Return the records in [first, end) that no segment holds yet.

        They come in pieces, so that appends are not kept waiting. Should a segment be announced
        meanwhile, the records above it are returned: always a run without a gap.
        """
        found: list[Unsealed] = []
        while end is None or first < end:
            start, packed = await self._call(
                tuple[int, list[bytes]], "piece", stream, first, end, PIECE_RECORDS
            )
            records = [record for octets in packed for record in unpack(octets)]
            if start != first:
                found = []
            if not records:
                break
            found += records
            first = start + len(records)
        return found

    async def segments(self, stream: str) -> list[SegmentInfo]:
        """Return the stream's sealed segments in order."""
        return await self._call(list[SegmentInfo], "segments", stream)

    async def inclusion(self, stream: str, index: int, size: int) -> list[bytes]:
        """Return the audit path of a record in the tree of `size` leaves."""
        return await self._call(list[bytes], "inclusion", stream, index, size)

    async def consistency(self, stream: str, old: int, size: int) -> list[bytes]:
        """Return the proof that the tree of `old` leaves is a prefix of the one of `size`."""
        return await self._call(list[bytes], "consistency", stream, old, size)

    async def heads(self) -> list[Head]:
        """Return every stream with its root, the root stream first."""
        return await self._call(list[Head], "heads")

    async def snapshot(self) -> Snapshot:
        """Return every stream's size and the newest root checkpoint, as of one moment."""
        return await self._call(Snapshot, "snapshot")

    async def watermarks(self) -> list[Watermark]:
        """Return what was received before this start; once, to the collector."""
        return await self._call(list[Watermark], "watermarks")

    async def rebuilt(self) -> list[str]:
        """Return the derived files that had to be made again since the start."""
        return await self._call(list[str], "rebuilt")

    async def _call(self, kind: type[T], method: str, *arguments: Any) -> T:
        if not self.alive:
            raise _gone()
        self._number += 1
        number = self._number
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(encode_request(number, method, arguments))
            await self._writer.drain()
            return msgspec.convert(await answer, kind)
        except OSError:
            raise _gone() from None
        finally:
            self._waiting.pop(number, None)

    async def _listen(self) -> None:
        try:
            while True:
                number, error, result = await _receive(self._reader)
                if number == 0:
                    self._checkpoint = result
                elif (answer := self._waiting.get(number)) is not None and not answer.done():
                    if error is None:
                        answer.set_result(result)
                    else:
                        answer.set_exception(decode_error(error))
        except (EOFError, OSError):
            self._fail(_gone())

    def _fail(self, error: Error) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
        if self._gone is not None:
            self._gone()


async def _receive(reader: asyncio.StreamReader) -> tuple[int, Any, Any]:
    length = LENGTH.unpack(await reader.readexactly(LENGTH.size))[0]
    number, error, result = msgspec.msgpack.decode(await reader.readexactly(length))
    return number, error, result


def _gone() -> CollectorError:
    return CollectorError(
        "sequencer-gone",
        "the sequencer has ended; nothing unanswered was acknowledged",
        hint="See its last words in the log, then start auditroll again.",
        retry_after=5,
    )
