"""Inclusion and consistency proofs.

Source: RFC 6962 section 2.1; verification as in RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Final

from auditroll.errors import IntegrityError
from auditroll.tlog.hashing import HASH_OCTETS, node_hash

__all__ = [
    "Node",
    "ProofError",
    "consistency",
    "format_tlog_proof",
    "inclusion",
    "root_of_range",
    "verify_consistency",
    "verify_inclusion",
]

Node = Callable[[int, int], bytes]
"""(level, index) -> root of the perfect subtree of leaves [index 2^level, (index+1) 2^level)."""

_MAX_PROOF: Final = 64


class ProofError(IntegrityError):
    """A proof that does not hold."""

    def __init__(self, reason: str) -> None:
        super().__init__("proof-failed", f"the proof does not hold: {reason}")


def root_of_range(first: int, end: int, node: Node) -> bytes:
    """Return the hash of leaves [first, end), a subtree of a larger tree.

    Args:
        first: Multiple of the largest power of two below `end - first`.
        end: Above `first`.
        node: Hashes of perfect subtrees.
    """
    size = end - first
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, first >> level)
    split = _split(size)
    left = root_of_range(first, first + split, node)
    return node_hash(left, root_of_range(first + split, end, node))


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """Return the audit path of a leaf, nearest the leaf first.

    Args:
        index: Of the leaf, 0 to size - 1.
        size: Number of leaves of the tree.
        node: Hashes of perfect subtrees within the tree.

    Raises:
        ValueError: No such leaf.

    Source: RFC 6962 section 2.1.1.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(root_of_range(middle, end, node))
            end = middle
        else:
            path.append(root_of_range(first, middle, node))
            first = middle
    return path[::-1]


def consistency(old: int, size: int, node: Node) -> list[bytes]:
    """Return the proof that the tree of `old` leaves is a prefix of the tree of `size` leaves.

    Args:
        old: 1 to size.
        size: Number of leaves of the newer tree.
        node: Hashes of perfect subtrees within the newer tree.

    Raises:
        ValueError: No such sizes.

    Source: RFC 6962 section 2.1.2.
    """
    if not 0 < old <= size:
        raise ValueError("no such sizes")
    proof: list[bytes] = []
    first, end, whole = 0, size, True
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            proof.append(root_of_range(middle, end, node))
            end = middle
        else:
            proof.append(root_of_range(first, middle, node))
            first, whole = middle, False
    if not whole:
        proof.append(root_of_range(first, end, node))
    return proof[::-1]


def verify_inclusion(
    index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check an audit path.

    Args:
        index: Of the leaf.
        size: Of the tree.
        leaf_hash: 32 octets.
        proof: Nearest the leaf first.
        root: 32 octets, from a checkpoint.

    Raises:
        ProofError: It does not lead from the leaf to the root.
    """
    _check_hashes([leaf_hash, *proof])
    if not 0 <= index < size:
        raise ProofError("no such leaf")
    position, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:
            raise ProofError("too long")
        if position & 1 or position == last:
            found = node_hash(sibling, found)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError("too short")
    if found != root:
        raise ProofError("another root")


def verify_consistency(
    old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that one tree is a prefix of another.

    Args:
        old: Size of the older tree, at least 1.
        size: Size of the newer tree.
        old_root: 32 octets.
        root: 32 octets.
        proof: From `consistency`.

    Raises:
        ProofError: It does not lead to both roots.
    """
    _check_hashes(proof)
    if not 0 < old <= size:
        raise ProofError("no such sizes")
    if old == size:
        if proof or old_root != root:
            raise ProofError("another root")
        return
    # A perfect older tree is its own first hash.
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise ProofError("too short")
    older, newer = _fold(old, size, path)
    if older != old_root or newer != root:
        raise ProofError("another root")


def _fold(old: int, size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    position, last = old - 1, size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofError("too long")
        if position & 1 or position == last:
            older = node_hash(sibling, older)
            newer = node_hash(sibling, newer)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            newer = node_hash(newer, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ProofError("too short")
    return older, newer


def format_tlog_proof(index: int, proof: Sequence[bytes], checkpoint: str) -> str:
    """Return the text of a proof file.

    Args:
        index: Of the leaf.
        proof: Audit path, nearest the leaf first.
        checkpoint: Signed note of the tree that the proof leads to.

    Source: C2SP tlog-proof.
    """
    hashes = "".join(base64.b64encode(hash_).decode() + "\n" for hash_ in proof)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{checkpoint}"


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > _MAX_PROOF + 2 or any(len(hash_) != HASH_OCTETS for hash_ in hashes):
        raise ProofError("not hashes")
