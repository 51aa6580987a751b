"""The source over a running sequencer and the data folder it owns."""

import asyncio
import mmap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from auditroll.keys import KeyStore
from auditroll.query.source import Snapshot, StreamHead
from auditroll.store import DataFolder, SegmentName
from auditroll.tlog.line import Line

if TYPE_CHECKING:
    from auditroll.seal import Head, SequencerClient, Unsealed

__all__ = ["InstalledSource"]

ANSWER_TIMEOUT_S: Final = 30.0


class InstalledSource:
    """Live data of one installation; see `Source`.

    Segments are found by their files: one that a seal does not announce yet holds the same
    records as the tail, and strays of a crash are gone before the sequencer serves.

    Args:
        folder: The data folder.
        keys: Its key store.
        call: Calls a method of the sequencer by name and returns its answer.
    """

    def __init__(self, folder: DataFolder, keys: KeyStore, call: Callable[..., Any]) -> None:
        self._folder = folder
        self._keys = keys
        self._call = call

    @classmethod
    def over_client(
        cls,
        folder: DataFolder,
        keys: KeyStore,
        client: "SequencerClient",
        loop: asyncio.AbstractEventLoop,
    ) -> "InstalledSource":
        """Return the source over a sequencer's process.

        Args:
            folder: The data folder.
            keys: Its key store.
            client: Used on `loop` only; the source's own threads hand their calls over to it.
            loop: The client's event loop. The source's methods must not be called on it.
        """

        def call(method: str, *arguments: Any) -> Any:
            answer = asyncio.run_coroutine_threadsafe(getattr(client, method)(*arguments), loop)
            return answer.result(ANSWER_TIMEOUT_S)

        return cls(folder, keys, call)

    def snapshot(self) -> Snapshot:
        """Return the streams as they are now; see `Source`."""
        heads: list[Head] = self._call("heads")
        return Snapshot(
            root_checkpoint=self._call("root_checkpoint"),
            streams={
                head.stream: StreamHead(head.tenant, head.data_class, head.size) for head in heads
            },
        )

    def tail(self, stream: str, first: int) -> Sequence[Line]:
        """Return the unsealed records; see `Source`."""
        records: list[Unsealed] = self._call("tail", stream, first)
        return [record.line() for record in records]

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
