"""Tiles: the tree in pieces of 256 hashes, as files.

Source: C2SP tlog-tiles.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from auditroll.errors import IntegrityError
from auditroll.tlog.hashing import HASH_OCTETS

__all__ = [
    "TILE_HEIGHT",
    "TILE_WIDTH",
    "NodePlace",
    "Tile",
    "decode_entries",
    "encode_entries",
    "entries_path",
    "node_place",
    "parse_tile_path",
    "tile_hashes",
    "tile_path",
    "tiles_of_size",
]

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
# Source: C2SP tlog-tiles: levels 0 to 5 hold any tree of fewer than 2^48 leaves; 63 bounds names.
_MAX_LEVEL: Final = 63
_GROUP: Final = 1000
_LENGTH: Final = struct.Struct(">H")
_PATH: Final = re.compile(
    r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile's coordinates.

    Args:
        level: Its hashes are roots of subtrees of 256^level leaves.
        index: From the left.
        width: Number of hashes, 1 to 256; below 256 it is partial.
    """

    level: int
    index: int
    width: int = TILE_WIDTH


@dataclass(frozen=True, slots=True)
class NodePlace:
    """Where a node's hash comes from: the root over some hashes of one tile.

    Args:
        level: Of the tile.
        index: Of the tile.
        start: First hash in the tile.
        count: Number of hashes, a power of two.
    """

    level: int
    index: int
    start: int
    count: int


def tile_path(tile: Tile) -> str:
    """Return the path of a tile, such as `tile/0/x001/067.p/12`."""
    return f"tile/{tile.level}/{_numbered(tile.index, tile.width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of an entry bundle.

    Args:
        index: Of the bundle; it holds the leaves below the level-0 tile of that index.
        width: Number of leaves.
    """
    return f"tile/entries/{_numbered(index, width)}"


def parse_tile_path(path: str) -> Tile | None:
    """Return the coordinates that a hash tile's path says, or None if it is no such path."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    level, number, partial = match.groups()
    groups = number.replace("x", "").split("/")
    width = int(partial) if partial else TILE_WIDTH
    tile = Tile(int(level), int("".join(groups)), width)
    sound = tile.level <= _MAX_LEVEL and tile_path(tile) == path
    return tile if sound and (partial is None or width < TILE_WIDTH) else None


def node_place(level: int, index: int) -> NodePlace:
    """Return where the hash of a node is found with the fewest hashes."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    first = index << height
    return NodePlace(tile_level, first >> TILE_HEIGHT, first % TILE_WIDTH, 1 << height)


def tile_hashes(octets: bytes, tile: Tile) -> list[bytes]:
    """Return the hashes that a tile's file holds.

    Raises:
        IntegrityError: `bad-tile`: its length is not that of its width.
    """
    if len(octets) != tile.width * HASH_OCTETS:
        raise IntegrityError("bad-tile", "a tile's length does not fit its width")
    return [octets[at : at + HASH_OCTETS] for at in range(0, len(octets), HASH_OCTETS)]


def tiles_of_size(size: int) -> Iterator[Tile]:
    """Yield the tiles of a tree of `size` leaves; the last of a level may be partial."""
    level, count = 0, size
    while count:
        for index in range(count >> TILE_HEIGHT):
            yield Tile(level, index)
        if count % TILE_WIDTH:
            yield Tile(level, count >> TILE_HEIGHT, count % TILE_WIDTH)
        level, count = level + 1, count >> TILE_HEIGHT


def encode_entries(leaves: Iterable[bytes]) -> bytes:
    """Return the octets of an entry bundle.

    Raises:
        ValueError: A leaf is longer than 65,535 octets.
    """
    pieces: list[bytes] = []
    for leaf in leaves:
        if len(leaf) > 0xFFFF:
            raise ValueError("an entry has at most 65,535 octets")
        pieces += (_LENGTH.pack(len(leaf)), leaf)
    return b"".join(pieces)


def decode_entries(octets: bytes) -> list[bytes]:
    """Return the leaves of an entry bundle.

    Raises:
        IntegrityError: `bad-tile`: it ends within an entry.
    """
    leaves: list[bytes] = []
    at = 0
    while at < len(octets):
        start = at + _LENGTH.size
        length = _LENGTH.unpack_from(octets, at)[0] if start <= len(octets) else 0
        at = start + length
        if at > len(octets):
            raise IntegrityError("bad-tile", "an entry bundle ends within an entry")
        leaves.append(octets[start:at])
    return leaves


def _numbered(index: int, width: int) -> str:
    """Return the index in groups of three digits, all but the last led by `x`."""
    groups = [f"{index % _GROUP:03d}"]
    while index >= _GROUP:
        index //= _GROUP
        groups.append(f"x{index % _GROUP:03d}")
    path = "/".join(reversed(groups))
    return path if width == TILE_WIDTH else f"{path}.p/{width}"
