"""Lines of a source with their numbers and the hash of everything up to them."""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

__all__ = ["MAX_LINE_OCTETS", "FileReader"]

# A longer line of an access log is none; it is quarantined, not kept in memory.
MAX_LINE_OCTETS: Final = 256 * 1024
_GUARD_OCTETS: Final = 64


class FileReader:
    """Reads one open file from its start, line by line; may be asked again when it has grown.

    Args:
        file: Owned by the reader.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = sha256()
        # Hash of an unfinished line and all before it; None between lines.
        self._ahead: Any = None
        self._partial = b""
        self._guard = b""
        self.count = 0
        self.octets = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, *, final: bool = False) -> bytes | None:
        """Return the next line without its LF, or None if no whole line is there yet.

        An overlong line comes as its first 256 KiB and one octet.

        Args:
            final: The file is finished: a last line without LF counts, as if it had one.
        """
        while True:
            piece = self._file.readline(MAX_LINE_OCTETS)
            if not piece:
                return self._whole(b"\n") if final and self._ahead is not None else None
            self.octets += len(piece)
            self._guard = (self._guard + piece)[-_GUARD_OCTETS:]
            if piece.endswith(b"\n"):
                return self._whole(piece)
            if self._ahead is None:
                self._ahead = self._hash.copy()
            self._ahead.update(piece)
            self._partial = (self._partial + piece)[: MAX_LINE_OCTETS + 1]

    def prefix_sha256(self) -> str:
        """Return the hash of the file up to the end of the last line returned."""
        return self._hash.hexdigest()

    def skip(self, count: int) -> str | None:
        """Pass over lines; return the hash up to the last of them, None if there are fewer."""
        for _ in range(count):
            if self.read(final=True) is None:
                return None
        return self.prefix_sha256()

    def cut(self) -> bool:
        """Say whether the file is shorter or other than what was read of it (copytruncate)."""
        fd = self._file.fileno()
        if os.fstat(fd).st_size < self.octets:
            return True
        guard = os.pread(fd, len(self._guard), self.octets - len(self._guard))
        return guard != self._guard

    def replaced(self, path: Path) -> bool:
        """Say whether another file stands under the name now (rotation)."""
        mine = os.fstat(self._file.fileno())
        try:
            there = path.stat()
        except FileNotFoundError:
            return True
        return (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino)

    def _whole(self, end: bytes) -> bytes:
        if self._ahead is not None:
            self._hash, self._ahead = self._ahead, None
        self._hash.update(end)
        line = self._partial + end[:-1]
        self._partial = b""
        self.count += 1
        return line[: MAX_LINE_OCTETS + 1]
