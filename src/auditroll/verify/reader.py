"""The port through which a verifier reads: names and octets, whatever holds them."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, Protocol

__all__ = ["BLOCK_OCTETS", "Reader", "blocks", "read_file"]

BLOCK_OCTETS: Final = 2**20


class Reader(Protocol):
    """A folder, an archive, or a mapping in memory."""

    def list(self) -> Sequence[str]:
        """Return the path of every file, `/` between the names."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Return an open file.

        Raises:
            OSError: It is not there, or not readable.
        """
        ...


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's octets in pieces; a file that cannot be read on ends there."""
    while True:
        try:
            block = file.read(BLOCK_OCTETS)
        except (OSError, EOFError):
            return
        if not block:
            return
        yield block


def read_file(reader: Reader, path: str, limit: int) -> bytes:
    """Return a file's octets, one more than `limit` at most.

    Raises:
        OSError: Not there, or not readable.
    """
    with reader.open(path) as file:
        return file.read(limit + 1)
