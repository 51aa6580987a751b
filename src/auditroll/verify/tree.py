"""The root of a tree from what is there: lines first, then what replaces absent ones."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from auditroll.tlog.frontier import subtree_root
from auditroll.tlog.hashing import EMPTY_ROOT, node_hash
from auditroll.tlog.proof import root_of_range
from auditroll.tlog.span import NodeKey
from auditroll.tlog.tiles import node_place
from auditroll.verify.scan import Run

__all__ = ["NotDerivable", "TileSource", "compact_nodes", "tree_root"]

TileSource = Callable[[int, int, int], Sequence[bytes] | None]
"""(tile level, tile index, number of hashes needed) -> the hashes of the tile, or None."""


class NotDerivable(Exception):
    """A hash that nothing gives."""


def compact_nodes(size: int, compact_range: Any) -> dict[NodeKey, bytes]:
    """Return the nodes of a compact range; none if it is malformed.

    Args:
        size: Number of leaves that it covers.
        compact_range: As a `ledger.seal` has it: hex digits, largest subtree first.
    """
    try:
        hashes = [bytes.fromhex(text) for text in compact_range]
    except (TypeError, ValueError):
        return {}
    if len(hashes) != size.bit_count() or any(len(hash_) != 32 for hash_ in hashes):
        return {}
    levels = [level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1]
    nodes: dict[NodeKey, bytes] = {}
    at = 0
    for level, hash_ in zip(levels, hashes, strict=True):
        nodes[level, at >> level] = hash_
        at += 1 << level
    return nodes


def tree_root(
    size: int, runs: Iterable[Run], replaced: Mapping[NodeKey, bytes], tiles: TileSource
) -> bytes:
    """Return the root of the tree of `size` leaves.

    A subtree that a line lies in is computed from lines; a hash from elsewhere stands only for
    subtrees without any line, or lines would pass that nothing binds to the root.

    Args:
        size: Number of leaves.
        runs: Lines, by first index; none crosses `size`.
        replaced: Nodes of the deleted prefix.
        tiles: Hashes in place of absent lines.

    Raises:
        NotDerivable: A hash is not to be had.

    Source: format reference, section 13, step 7.
    """
    within = [run for run in runs if run.end <= size]
    return EMPTY_ROOT if size == 0 else root_of_range(0, size, _Known(within, replaced, tiles).node)


class _Known:
    def __init__(
        self, runs: Sequence[Run], replaced: Mapping[NodeKey, bytes], tiles: TileSource
    ) -> None:
        self._lines: dict[NodeKey, bytes] = {}
        for run in runs:
            self._lines |= run.span.nodes()
        self._firsts = [run.first for run in runs]
        self._ends = [run.end for run in runs]
        self._replaced = replaced
        self._tiles = tiles

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a perfect subtree.

        Raises:
            NotDerivable: A hash is not to be had.
        """
        known = self._lines.get((level, index))
        if known is None and not self._holds_lines(index << level, (index + 1) << level):
            known = self._elsewhere(level, index)
        if known is not None:
            return known
        if level == 0:
            raise NotDerivable
        return node_hash(self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1))

    def _holds_lines(self, first: int, end: int) -> bool:
        """Tell whether a line lies in [first, end)."""
        at = bisect_right(self._ends, first)
        return at < len(self._firsts) and self._firsts[at] < end

    def _elsewhere(self, level: int, index: int) -> bytes | None:
        replaced = self._replaced.get((level, index))
        if replaced is not None:
            return replaced
        place = node_place(level, index)
        end = place.start + place.count
        hashes = self._tiles(place.level, place.index, end)
        return None if hashes is None else subtree_root(hashes[place.start : end])
