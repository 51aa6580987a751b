"""A tree by the definition: slow, and plainly the one of RFC 6962 section 2.1."""

import hashlib
from collections.abc import Sequence

from auditroll.tlog.hashing import EMPTY_ROOT, leaf_hash, node_hash


def leaves(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(leaf) for leaf in leaves(count)]


def naive_root(leaf_hashes: Sequence[bytes]) -> bytes:
    if not leaf_hashes:
        return EMPTY_ROOT
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    split = 1
    while split * 2 < len(leaf_hashes):
        split *= 2
    return node_hash(naive_root(leaf_hashes[:split]), naive_root(leaf_hashes[split:]))


class Tree:
    """Every perfect subtree of a tree, by level."""

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self.levels = [list(leaf_hashes)]
        while len(self.levels[-1]) > 1:
            level = self.levels[-1]
            pairs = zip(level[::2], level[1::2], strict=False)
            self.levels.append([node_hash(left, right) for left, right in pairs])

    def node(self, level: int, index: int) -> bytes:
        return self.levels[level][index]


def random_hash(seed: object) -> bytes:
    return hashlib.sha256(str(seed).encode()).digest()
