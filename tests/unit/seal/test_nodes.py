"""Hashes for proofs: in files that are not believed."""

from hashlib import sha256
from pathlib import Path

import pytest

from auditroll.seal.nodes import NodeStore
from auditroll.tlog import Frontier, subtree_root

STREAM = "ab" * 16


def leaves(count: int, first: int = 0) -> list[bytes]:
    return [sha256(str(number).encode()).digest() for number in range(first, first + count)]


def filled(folder: Path, count: int) -> NodeStore:
    nodes = NodeStore(folder, STREAM)
    for at in range(0, count, 1000):
        nodes.append(leaves(min(1000, count - at), at))
    return nodes


def peaks(count: int) -> list[bytes]:
    frontier = Frontier()
    frontier.append_many(leaves(count))
    return frontier.compact_range()


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1000])
def test_nodes_are_the_trees(tmp_path: Path, count: int) -> None:
    nodes = filled(tmp_path, count)
    hashes = leaves(count)
    for level in range(count.bit_length()):
        width = 1 << level
        for index in range(count // width):
            expected = subtree_root(hashes[index * width : (index + 1) * width])
            assert nodes.node(level, index) == expected
        with pytest.raises(IndexError):
            nodes.node(level, count // width)


def test_a_third_level(tmp_path: Path) -> None:
    nodes = filled(tmp_path, 65_536 + 300)
    nodes.flush()
    assert nodes.node(16, 0) == subtree_root(leaves(65_536))
    again = NodeStore(tmp_path, STREAM)
    assert again.resume(65_836, peaks(65_836))
    assert again.node(16, 0) == nodes.node(16, 0)
    assert again.node(8, 255) == nodes.node(8, 255)
    assert again.node(3, 100) == nodes.node(3, 100)


@pytest.mark.parametrize("size", [1, 256, 300, 512, 513])
def test_it_goes_on_behind_any_size(tmp_path: Path, size: int) -> None:
    filled(tmp_path, 1000).flush()
    again = NodeStore(tmp_path, STREAM)
    assert again.resume(size, peaks(size))
    again.append(leaves(1000 - size, size))
    assert again.agrees(1000, peaks(1000))
    assert again.node(0, 999) == leaves(1, 999)[0]


@pytest.mark.parametrize("size", [1001, 300])
def test_files_that_do_not_hold_it(tmp_path: Path, size: int) -> None:
    filled(tmp_path, 1000).flush()
    again = NodeStore(tmp_path, STREAM)
    assert not again.resume(size, [*peaks(size)[:-1], b"1" * 32])
    assert again.size == 0


def test_no_files(tmp_path: Path) -> None:
    assert not NodeStore(tmp_path / "none", STREAM).resume(5, peaks(5))
    assert NodeStore(tmp_path / "none", STREAM).resume(0, [])


class TestDamage:
    def spoiled(self, folder: Path, level: int, at: int) -> NodeStore:
        filled(folder, 1000).flush()
        path = folder / f"{STREAM}.{level}"
        octets = bytearray(path.read_bytes())
        octets[at] ^= 1
        path.write_bytes(octets)
        nodes = NodeStore(folder, STREAM)
        assert nodes.resume(1000, peaks(1000))
        return nodes

    def test_a_full_tile_is_found_out_when_it_is_read(self, tmp_path: Path) -> None:
        nodes = self.spoiled(tmp_path, 0, 100)
        assert nodes.node(0, 300) == leaves(1, 300)[0]

        def rebuild() -> None:
            nodes.remove()
            nodes.append(leaves(1000))

        nodes.on_damage(rebuild)
        assert nodes.node(0, 3) == leaves(1, 3)[0]

    def test_without_a_way_to_rebuild_it_says_so(self, tmp_path: Path) -> None:
        nodes = self.spoiled(tmp_path, 0, 100)
        with pytest.raises(Exception, match=r"^$"):
            nodes.node(0, 3)

    def test_a_file_that_cannot_be_read(self, tmp_path: Path) -> None:
        nodes = filled(tmp_path, 1000)
        nodes.flush()
        (tmp_path / f"{STREAM}.0").unlink()
        with pytest.raises(Exception, match=r"^$"):
            nodes.node(0, 3)

    def test_another_size_does_not_agree(self, tmp_path: Path) -> None:
        assert not filled(tmp_path, 1000).agrees(999, peaks(999))

    def test_the_edge_is_found_out_at_once(self, tmp_path: Path) -> None:
        filled(tmp_path, 1000).flush()
        path = tmp_path / f"{STREAM}.0"
        octets = bytearray(path.read_bytes())
        octets[999 * 32] ^= 1
        path.write_bytes(octets)
        assert not NodeStore(tmp_path, STREAM).resume(1000, peaks(1000))

    def test_a_file_that_vanishes_is_written_whole_again(self, tmp_path: Path) -> None:
        nodes = filled(tmp_path, 1000)
        nodes.on_damage(lambda: (nodes.remove(), nodes.append(leaves(1000)))[0])
        nodes.flush()
        (tmp_path / f"{STREAM}.0").unlink()
        assert nodes.node(0, 3) == leaves(1, 3)[0]
