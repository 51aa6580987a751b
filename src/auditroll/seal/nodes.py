"""Hashes of every leaf and of every 256th power of leaves, for proofs.

One flat file a level under `derived/tiles/`: level L holds the roots of perfect subtrees of 256^L
leaves, 32 octets each, so that octets [8192 n, 8192 (n+1)) are C2SP's tile (L, n). Everything here
can be rebuilt from the leaves; nothing is synced.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from auditroll.tlog.frontier import subtree_root
from auditroll.tlog.hashing import HASH_OCTETS

__all__ = ["NodeStore"]

TILE_WIDTH: Final = 256
_TILE_LEVELS: Final = 8
_TILE_OCTETS: Final = TILE_WIDTH * HASH_OCTETS
# Below this a stream's hashes wait in memory: a thousand slow streams write no small pieces.
_FLUSH_OCTETS: Final = 4 * _TILE_OCTETS


class NodeStore:
    """The hashes of one stream.

    Args:
        folder: `derived/tiles/`.
        stream: Stream id.
    """

    __slots__ = ("_folder", "_levels", "_stored", "_stream", "size")

    def __init__(self, folder: Path, stream: str) -> None:
        self._folder = folder
        self._stream = stream
        self.size = 0
        self._stored: list[int] = []
        self._levels: list[bytearray] = []

    def resume(self, size: int) -> bool:
        """Go on behind `size` leaves whose hashes the files hold; tell whether they do.

        The root is the caller's to check: a changed hash shows in it.
        """
        self.size, self._stored, self._levels = size, [], []
        count = size
        while count:
            path = self._path(len(self._stored))
            if not path.is_file() or path.stat().st_size < count * HASH_OCTETS:
                self.size, self._stored, self._levels = 0, [], []
                return False
            with path.open("r+b") as file:
                file.truncate(count * HASH_OCTETS)
            self._stored.append(count * HASH_OCTETS)
            self._levels.append(bytearray())
            count //= TILE_WIDTH
        return True

    def append(self, leaf_hashes: Sequence[bytes]) -> None:
        """Append leaves, and every interior hash that they complete."""
        self._append(0, b"".join(leaf_hashes))
        self.size += len(leaf_hashes)
        if self._levels and len(self._levels[0]) >= _FLUSH_OCTETS:
            self.flush()

    def flush(self) -> None:
        """Write what waits in memory."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for level, waiting in enumerate(self._levels):
            if waiting:
                with self._path(level).open("ab") as file:
                    if file.tell() != self._stored[level]:
                        file.truncate(self._stored[level])
                    file.write(waiting)
                self._stored[level] += len(waiting)
                waiting.clear()

    def node(self, level: int, index: int) -> bytes:
        """Return the root of the perfect subtree of leaves [index 2^level, (index+1) 2^level)."""
        stored_level, height = divmod(level, _TILE_LEVELS)
        width = 1 << height
        octets = self._read(stored_level, index * width * HASH_OCTETS, width * HASH_OCTETS)
        hashes = [octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS)]
        return hashes[0] if width == 1 else subtree_root(hashes)

    def remove(self) -> None:
        """Drop the files, so that they are rebuilt."""
        for path in self._folder.glob(f"{self._stream}.*"):
            path.unlink()
        self.size, self._stored, self._levels = 0, [], []

    def _append(self, level: int, hashes: bytes) -> None:
        if level == len(self._levels):
            self._levels.append(bytearray())
            self._stored.append(0)
        before = (self._stored[level] + len(self._levels[level])) // _TILE_OCTETS
        self._levels[level] += hashes
        after = (self._stored[level] + len(self._levels[level])) // _TILE_OCTETS
        if after > before:
            roots = [self._tile_root(level, tile) for tile in range(before, after)]
            self._append(level + 1, b"".join(roots))

    def _tile_root(self, level: int, tile: int) -> bytes:
        octets = self._read(level, tile * _TILE_OCTETS, _TILE_OCTETS)
        return subtree_root([octets[at : at + HASH_OCTETS] for at in range(0, _TILE_OCTETS, 32)])

    def _read(self, level: int, start: int, length: int) -> bytes:
        stored = self._stored[level]
        waiting = self._levels[level]
        octets = b""
        if start < stored:
            with self._path(level).open("rb") as file:
                file.seek(start)
                octets = file.read(min(length, stored - start))
        first = max(start - stored, 0)
        octets += bytes(waiting[first : first + length - len(octets)])
        if len(octets) != length:
            raise IndexError("a hash that is not there yet")
        return octets

    def _path(self, level: int) -> Path:
        return self._folder / f"{self._stream}.{level}"
