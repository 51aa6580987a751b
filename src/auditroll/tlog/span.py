"""The Merkle tree over a range of leaves that need not begin at 0."""

from collections.abc import Sequence
from hashlib import sha256

__all__ = ["NodeKey", "Span"]

NodeKey = tuple[int, int]
"""Level and index of the perfect subtree of leaves [index 2^level, (index+1) 2^level)."""


class Span:
    """The largest perfect subtrees that lie within the leaves [first, end).

    Memory is two hashes a level, however many leaves are appended.

    Invariant: at each level, the covered nodes are [ceil(first / 2^level), end >> level); an odd
    first one has its sibling outside and stands in `_left`, an even last one waits in `_right`.

    Args:
        first: Index of the first leaf.
    """

    __slots__ = ("_left", "_right", "end", "first")

    def __init__(self, first: int) -> None:
        self.first = first
        self.end = first
        self._left: dict[NodeKey, bytes] = {}
        self._right: dict[int, bytes] = {}

    def append_many(self, leaf_hashes: Sequence[bytes]) -> None:
        """Append the hashes of the leaves that follow."""
        level, start, end = 0, self.first, self.end
        nodes = list(leaf_hashes)
        self.end += len(nodes)
        while nodes:
            if start == end and start & 1:
                self._left[level, start] = nodes.pop(0)
                start, end = start + 1, end + 1
            elif end & 1:
                nodes.insert(0, self._right.pop(level))
                end -= 1
            if len(nodes) & 1:
                self._right[level] = nodes.pop()
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            level, start, end = level + 1, (start + 1) >> 1, end >> 1

    def nodes(self) -> dict[NodeKey, bytes]:
        """Return the subtrees' roots by level and index."""
        return self._left | {
            (level, (self.end >> level) - 1): hash_ for level, hash_ in self._right.items()
        }
