"""Tile names and tile contents."""

import pytest

from auditroll.errors import IntegrityError
from auditroll.tlog import subtree_root
from auditroll.tlog.tiles import (
    Tile,
    decode_entries,
    encode_entries,
    entries_path,
    node_place,
    parse_tile_path,
    tile_hashes,
    tile_path,
    tiles_of_size,
)
from tests.unit.tlog.trees import Tree, hashes


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 0, 12), "tile/0/000.p/12"),
        (Tile(1, 1234067), "tile/1/x001/x234/067"),
        (Tile(3, 1000, 255), "tile/3/x001/000.p/255"),
        (Tile(63, 999), "tile/63/999"),
    ],
)
def test_a_tiles_path_and_back(tile: Tile, path: str) -> None:
    assert tile_path(tile) == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/300",
        "tile/64/000",
        "tile/entries/000",
        "tile/0/000\n",
        "x/tile/0/000",
    ],
)
def test_other_paths_name_no_tile(path: str) -> None:
    assert parse_tile_path(path) is None


def test_entry_bundles_have_their_own_path() -> None:
    assert entries_path(273) == "tile/entries/273"
    assert entries_path(1000, 112) == "tile/entries/x001/000.p/112"


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 70_000])
def test_the_tiles_of_a_size_hold_every_hash_once(size: int) -> None:
    tiles = list(tiles_of_size(size))
    counts = [sum(tile.width for tile in tiles if tile.level == level) for level in range(3)]
    assert counts == [size, size // 256, size // 256 // 256]
    assert all(parse_tile_path(tile_path(tile)) == tile for tile in tiles)


def test_every_node_is_the_root_over_its_place_in_one_tile() -> None:
    tree = Tree(hashes(700))
    for level, nodes in enumerate(tree.levels):
        for index, node in enumerate(nodes):
            place = node_place(level, index)
            first = place.index * 256 + place.start
            stored = tree.levels[8 * place.level][first : first + place.count]
            assert subtree_root(stored) == node


def test_a_tile_of_another_length_is_refused() -> None:
    assert tile_hashes(bytes(64), Tile(0, 0, 2)) == [bytes(32)] * 2
    with pytest.raises(IntegrityError, match="width"):
        tile_hashes(bytes(64), Tile(0, 0, 3))


def test_entry_bundles_round_trip() -> None:
    leaves = [b"", b"{}", b"x" * 65_535]
    assert decode_entries(encode_entries(leaves)) == leaves
    with pytest.raises(ValueError, match="65,535"):
        encode_entries([b"x" * 65_536])


@pytest.mark.parametrize("octets", [b"\x00", b"\x00\x02a", b"\x00\x01ab"])
def test_a_cut_entry_bundle_is_refused(octets: bytes) -> None:
    with pytest.raises(IntegrityError, match="ends within"):
        decode_entries(octets)
