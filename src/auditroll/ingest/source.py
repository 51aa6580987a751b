"""Where lines come from: a named file, which can be read again, or a pipe, which cannot."""

import io
from pathlib import Path
from typing import Final, Protocol

import zstandard

from auditroll.errors import PolicyError
from auditroll.ingest.reader import FileReader

__all__ = ["MAX_KEPT_OCTETS", "FileSource", "Pipe", "PipeSource", "Source"]

# Of a pipe's text, compressed, while it is not known whether it was sent before.
MAX_KEPT_OCTETS: Final = 256 * 2**20


class Source(Protocol):
    """Something that gives the same lines from the start each time it is opened."""

    name: str

    def open(self) -> FileReader:
        """Return a reader at the first line.

        Raises:
            PolicyError: `no-such-log`, or `pipe-too-long`: it cannot be read again.
        """
        ...

    def settle(self) -> None:
        """Forget what was kept for reading again: the place to go on from is known."""
        ...


class Pipe(Protocol):
    """Something that gives what is there."""

    def read1(self, size: int, /) -> bytes:
        """Return at most `size` octets, at least one unless it has ended."""
        ...


class FileSource:
    """A file under a path.

    Args:
        path: Of the file; may be replaced while it is followed.
        name: Part of the epoch's name; the same at each run.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name

    def open(self) -> FileReader:
        """Return a reader at the first line."""
        try:
            return FileReader(self.path.open("rb"))
        except OSError as error:
            raise PolicyError(
                "no-such-log",
                f"the log cannot be read: {error.strerror}",
                hint="Check its path and its permissions.",
                status=404,
            ) from error

    def settle(self) -> None:
        """Do nothing: a file can be read again at any time."""


class PipeSource:
    """A pipe, kept compressed in memory as far as it was read, until `settle`.

    Args:
        pipe: For example standard input's buffer.
        name: Part of the epoch's name; the same at each run.
    """

    def __init__(self, pipe: Pipe, name: str) -> None:
        self.name = name
        self._pipe = pipe
        self._kept = _Kept()

    def open(self) -> FileReader:
        """Return a reader that begins with what was kept."""
        return FileReader(io.BufferedReader(_Replay(self._kept, self._pipe)))

    def settle(self) -> None:
        """Stop keeping."""
        self._kept.keeping = False


class _Kept:
    """What was read of a pipe, in compressed frames."""

    def __init__(self) -> None:
        self.keeping = True
        self.frames: list[bytes] = []
        self.octets = 0

    def keep(self, chunk: bytes) -> None:
        frame = zstandard.ZstdCompressor(level=1).compress(chunk)
        self.octets += len(frame)
        if self.octets > MAX_KEPT_OCTETS:
            raise PolicyError(
                "pipe-too-long",
                "what was piped in before is too long to be compared in memory",
                hint="Write it to a file and ingest that.",
                status=413,
            )
        self.frames.append(frame)


class _Replay(io.RawIOBase):
    """First the kept frames, then the pipe, keeping what it gives."""

    def __init__(self, kept: _Kept, pipe: Pipe) -> None:
        self._kept = kept
        self._pipe = pipe
        self._next = 0
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if not self._rest:
            self._rest = self._chunk(len(view))
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def _chunk(self, size: int) -> bytes:
        if self._next < len(self._kept.frames):
            frame = self._kept.frames[self._next]
            if not self._kept.keeping:
                self._kept.frames[self._next] = b""
            self._next += 1
            return zstandard.ZstdDecompressor().decompress(frame)
        chunk = self._pipe.read1(size)
        if self._kept.keeping and chunk:
            self._kept.keep(chunk)
            self._next += 1
        return chunk
