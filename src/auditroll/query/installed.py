"""The source over a running sequencer and the data folder it owns."""

import asyncio
import mmap
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from auditroll.keys import KeyStore
from auditroll.query.source import Snapshot, StreamHead
from auditroll.store import DataFolder, SegmentName
from auditroll.tlog.line import Line

if TYPE_CHECKING:
    from auditroll.seal import SequencerClient

__all__ = ["InstalledSource"]

T = TypeVar("T")
ANSWER_TIMEOUT_S: Final = 30.0


class Wait(Protocol):
    """Waits for what a coroutine of the client returns."""

    def __call__(self, answer: Coroutine[Any, Any, T], /) -> T:
        """Return the answer."""
        ...


class InstalledSource:
    """Live data of one installation; see `Source`.

    Segments are found by their files: one that a seal does not announce yet holds the same
    records as the tail, and strays of a crash are gone before the sequencer serves.

    Args:
        folder: The data folder.
        keys: Its key store.
        client: The sequencer.
        wait: Runs a coroutine of the client on the client's event loop.
    """

    def __init__(
        self, folder: DataFolder, keys: KeyStore, client: "SequencerClient", wait: Wait
    ) -> None:
        self._folder = folder
        self._keys = keys
        self._client = client
        self._wait = wait

    @classmethod
    def over_client(
        cls,
        folder: DataFolder,
        keys: KeyStore,
        client: "SequencerClient",
        loop: asyncio.AbstractEventLoop,
    ) -> "InstalledSource":
        """Return the source for threads beside the event loop that the client lives on.

        Args:
            folder: The data folder.
            keys: Its key store.
            client: The sequencer.
            loop: The client's. No method of the source may be called on it.
        """

        def wait(answer: Coroutine[Any, Any, T], /) -> T:
            return asyncio.run_coroutine_threadsafe(answer, loop).result(ANSWER_TIMEOUT_S)

        return cls(folder, keys, client, wait)

    def snapshot(self) -> Snapshot:
        """Return the streams as they are now; see `Source`."""
        now = self._wait(self._client.snapshot())
        return Snapshot(
            root_checkpoint=now.root_checkpoint,
            streams={
                found.stream: StreamHead(found.tenant, found.data_class, found.size)
                for found in now.streams
            },
        )

    def tail(self, stream: str, first: int) -> Sequence[Line]:
        """Return the unsealed records; see `Source`."""
        return [record.line() for record in self._wait(self._client.tail(stream, first))]

    def segments(self, stream: str) -> Sequence[SegmentName]:
        """Return the stream's segments; see `Source`."""
        return self._folder.segments(stream)

    def read(self, name: SegmentName) -> memoryview:
        """Map a segment's file; see `Source`."""
        return _mapped(self._folder.segment(name))

    def key(self, key_id: str) -> bytes:
        """Return a data key; see `Source`."""
        return self._keys.get(key_id)


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
