"""The growing edge of a Merkle tree: all that is needed to append and to know the root."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Self, cast

from auditroll.tlog.hashing import EMPTY_ROOT, node_hash

__all__ = ["Frontier", "subtree_root"]


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root of any number of leaf hashes.

    Source: RFC 6962 section 2.1.
    """
    frontier = Frontier()
    frontier.append_many(hashes)
    return frontier.root()


class Frontier:
    """The roots of the perfect subtrees of a tree, and its size.

    Invariant: `_peaks[level]` is the root of the perfect subtree of 2^level leaves exactly if bit
    `level` of `size` is set, else None.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes | None] = []

    @classmethod
    def from_compact_range(cls, size: int, hashes: Sequence[bytes]) -> Self:
        """Return the frontier of [0, size) from its compact range.

        Args:
            size: Number of leaves.
            hashes: Roots of the perfect subtrees of `size`'s binary form, largest first.

        Raises:
            ValueError: The number of hashes does not fit the size.
        """
        if len(hashes) != size.bit_count() or any(len(hash_) != 32 for hash_ in hashes):
            raise ValueError("a compact range has one hash for each bit of its size")
        frontier = cls()
        frontier.size = size
        rest = list(hashes)
        frontier._peaks = [
            rest.pop() if size >> level & 1 else None for level in range(size.bit_length())
        ]
        return frontier

    def append_many(
        self, leaf_hashes: Sequence[bytes], completed: Mapping[int, list[bytes]] | None = None
    ) -> None:
        """Append leaves, level by level: about one interior hash a leaf, in one comprehension.

        Args:
            leaf_hashes: In the order of the leaves.
            completed: Lists by level, which take the roots of the perfect subtrees of that level
                that become whole.
        """
        level, nodes = 0, list(leaf_hashes)
        position = self.size
        self.size += len(nodes)
        while nodes or level < len(self._peaks):
            if level == len(self._peaks):
                self._peaks.append(None)
            left = self._peaks[level]
            if position >> level & 1 and nodes:
                nodes.insert(0, cast("bytes", left))  # set by the invariant
                position -= 1 << level
            if nodes:
                self._peaks[level] = nodes.pop() if len(nodes) & 1 else None
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [sha256(b"\x01" + a + b).digest() for a, b in pairs]
            level += 1
            if not nodes:
                return
            if completed and level in completed:
                completed[level].extend(nodes)

    def root(self) -> bytes:
        """Return the root of the whole tree.

        Source: RFC 6962 section 2.1.
        """
        root: bytes | None = None
        for peak in self._peaks:
            if peak is not None:
                root = peak if root is None else node_hash(peak, root)
        return EMPTY_ROOT if root is None else root

    def compact_range(self) -> list[bytes]:
        """Return the roots of the perfect subtrees, largest first."""
        return [peak for peak in reversed(self._peaks) if peak is not None]

    def copy(self) -> "Frontier":
        """Return a frontier that grows on its own."""
        twin = Frontier()
        twin.size = self.size
        twin._peaks = list(self._peaks)
        return twin
