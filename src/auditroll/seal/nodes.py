"""Hashes of every leaf and of every 256th power of leaves, for proofs.

One flat file a level under `derived/tiles/`: level L holds the roots of perfect subtrees of 256^L
leaves, 32 octets each, so that octets [8192 n, 8192 (n+1)) are C2SP's tile (L, n). Everything here
can be rebuilt from the leaves, so nothing is synced and nothing is believed: a tile that comes from
a file must give the hash its parent tile holds of it, up to the edge, which stays in memory and
was checked against the tree's frontier.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from auditroll.tlog.frontier import subtree_root
from auditroll.tlog.hashing import HASH_OCTETS

__all__ = ["TILE_HEIGHTS", "NodeStore"]

TILE_WIDTH: Final = 256
_TILE_LEVELS: Final = 8
TILE_HEIGHTS: Final = (8, 16, 24, 32, 40, 48)
"""Levels of the tree whose hashes are the second, third ... level of tiles; 2^53 leaves."""
_TILE_OCTETS: Final = TILE_WIDTH * HASH_OCTETS
# Below this a stream's hashes wait in memory: a thousand slow streams write no small pieces.
_FLUSH_OCTETS: Final = 4 * _TILE_OCTETS
_CACHED_TILES: Final = 4


class _Damaged(Exception):
    """A file does not hold what the tree says."""


class _Level:
    """One level: what its file holds, what waits for it, and the tile that is not full yet."""

    __slots__ = ("edge", "stored", "waiting")

    def __init__(self) -> None:
        self.stored = 0
        self.waiting = bytearray()
        self.edge = bytearray()


class NodeStore:
    """The hashes of one stream.

    Args:
        folder: `derived/tiles/`.
        stream: Stream id.
    """

    __slots__ = ("_cache", "_folder", "_levels", "_rebuild", "_stream", "size")

    def __init__(self, folder: Path, stream: str) -> None:
        self._folder = folder
        self._stream = stream
        self.size = 0
        self._levels: list[_Level] = []
        self._cache: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._rebuild: Callable[[], None] | None = None

    def on_damage(self, rebuild: Callable[[], None]) -> None:
        """Have `rebuild` called when a file turns out to be missing or damaged.

        It calls `remove` and appends every leaf again.
        """
        self._rebuild = rebuild

    def resume(self, size: int, peaks: Sequence[bytes]) -> bool:
        """Go on behind `size` leaves whose hashes the files hold; tell whether they do.

        Args:
            size: Number of leaves.
            peaks: Their compact range, from evidence.
        """
        self._forget()
        count = size
        while count:
            level = _Level()
            self._levels.append(level)
            level.stored = count * HASH_OCTETS
            try:
                with self._path(len(self._levels) - 1).open("r+b") as file:
                    file.truncate(level.stored)
                    file.seek(level.stored - level.stored % _TILE_OCTETS)
                    level.edge += file.read()
            except OSError:
                self._forget()
                return False
            count //= TILE_WIDTH
        self.size = size
        if not self.agrees(size, peaks):
            self._forget()
            return False
        return True

    def append(
        self, leaf_hashes: Sequence[bytes], completed: Mapping[int, list[bytes]] | None = None
    ) -> None:
        """Append leaves, and every interior hash that they complete.

        Args:
            leaf_hashes: In the order of the leaves.
            completed: From the tree's frontier, for `TILE_HEIGHTS`; worked out when absent.
        """
        self.size += len(leaf_hashes)
        if completed is None:
            self._append(0, b"".join(leaf_hashes))
        else:
            for number, hashes in enumerate([leaf_hashes, *completed.values()]):
                if hashes:
                    self._extend(number, b"".join(hashes))
        if len(self._levels[0].waiting) >= _FLUSH_OCTETS:
            self.flush()

    def flush(self) -> None:
        """Write what waits in memory."""
        for number, level in enumerate(self._levels):
            if level.waiting:
                self._folder.mkdir(parents=True, exist_ok=True)
                with self._path(number).open("ab") as file:
                    # A file that is longer or shorter is damaged; a later read finds out.
                    file.truncate(level.stored)
                    file.write(level.waiting)
                level.stored += len(level.waiting)
                level.waiting.clear()

    def node(self, level: int, index: int) -> bytes:
        """Return the root of the perfect subtree of leaves [index 2^level, (index+1) 2^level).

        Raises:
            IndexError: The tree has no such subtree.
        """
        tile_level, height = divmod(level, _TILE_LEVELS)
        first = index << height
        tile, at = divmod(first, TILE_WIDTH)
        octets = self._sound_tile(tile_level, tile)
        octets = octets[at * HASH_OCTETS : (at + (1 << height)) * HASH_OCTETS]
        if len(octets) != HASH_OCTETS << height:
            raise IndexError("a hash that is not there yet")
        return octets if height == 0 else subtree_root(_split(octets))

    def remove(self) -> None:
        """Drop the files, so that they are rebuilt."""
        self._forget()
        level = 0
        with contextlib.suppress(FileNotFoundError):
            while True:
                self._path(level).unlink()
                level += 1

    def _forget(self) -> None:
        self.size = 0
        self._levels = []
        self._cache.clear()

    def _append(self, number: int, hashes: bytes) -> None:
        tiles = self._extend(number, hashes)
        if tiles:
            roots = [
                subtree_root(_split(tiles[at : at + _TILE_OCTETS]))
                for at in range(0, len(tiles), _TILE_OCTETS)
            ]
            self._append(number + 1, b"".join(roots))

    def _extend(self, number: int, hashes: bytes) -> bytes:
        """Append hashes to one level and return the tiles that are full now."""
        if number == len(self._levels):
            self._levels.append(_Level())
        level = self._levels[number]
        level.waiting += hashes
        level.edge += hashes
        full = len(level.edge) // _TILE_OCTETS * _TILE_OCTETS
        tiles = bytes(level.edge[:full])
        del level.edge[:full]
        return tiles

    def agrees(self, size: int, peaks: Sequence[bytes]) -> bool:
        """Tell whether the edges give the compact range; full tiles are checked when read.

        Args:
            size: Number of leaves.
            peaks: Their compact range.
        """
        found: list[bytes] = []
        if size != self.size:
            return False
        for number in reversed(range(len(self._levels))):
            octets = bytes(self._levels[number].edge)
            width = (self.size >> _TILE_LEVELS * number) % TILE_WIDTH
            if len(octets) != width * HASH_OCTETS:
                return False
            at = 0
            for bit in reversed(range(_TILE_LEVELS)):
                if width >> bit & 1:
                    end = at + (HASH_OCTETS << bit)
                    found.append(subtree_root(_split(octets[at:end])))
                    at = end
        return found == list(peaks)

    def _sound_tile(self, level: int, tile: int) -> bytes:
        try:
            return self._tile(level, tile)
        except _Damaged:
            if self._rebuild is None:
                raise
            self._rebuild()
        return self._tile(level, tile)

    def _tile(self, level: int, tile: int) -> bytes:
        """Return a tile, full or the edge, as the tree says it is.

        Raises:
            _Damaged: The file says otherwise.
        """
        if level >= len(self._levels):
            raise IndexError("a hash that is not there yet")
        full = self._levels[level].stored + len(self._levels[level].waiting)
        if tile >= full // _TILE_OCTETS:
            return bytes(self._levels[level].edge) if tile == full // _TILE_OCTETS else b""
        known = self._cache.get((level, tile))
        if known is not None:
            self._cache.move_to_end((level, tile))
            return known
        octets = self._read(level, tile)
        above, at = divmod(tile, TILE_WIDTH)
        parent = self._tile(level + 1, above)[at * HASH_OCTETS : (at + 1) * HASH_OCTETS]
        if len(octets) != _TILE_OCTETS or subtree_root(_split(octets)) != parent:
            raise _Damaged
        self._cache[level, tile] = octets
        if len(self._cache) > _CACHED_TILES:
            self._cache.popitem(last=False)
        return octets

    def _read(self, number: int, tile: int) -> bytes:
        level = self._levels[number]
        start, end = tile * _TILE_OCTETS, (tile + 1) * _TILE_OCTETS
        octets = b""
        if start < level.stored:
            try:
                with self._path(number).open("rb") as file:
                    file.seek(start)
                    octets = file.read(min(end, level.stored) - start)
            except OSError:
                raise _Damaged from None
        if end > level.stored:
            octets += level.waiting[max(start - level.stored, 0) : end - level.stored]
        return octets

    def _path(self, level: int) -> Path:
        return self._folder / f"{self._stream}.{level}"


def _split(octets: bytes) -> list[bytes]:
    return [octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS)]
