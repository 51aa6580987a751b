"""Hashes of leaves and interior nodes."""

from hashlib import sha256
from typing import Final

__all__ = ["EMPTY_ROOT", "HASH_OCTETS", "ZERO_HASH", "leaf_hash", "node_hash"]

HASH_OCTETS: Final = 32
# Source: RFC 6962 section 2.1: the root of no leaves is the hash of the empty string.
EMPTY_ROOT: Final = sha256(b"").digest()
# `prev_hash` of a stream's first leaf (format reference, section 4).
ZERO_HASH: Final = bytes(HASH_OCTETS)


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf: chain link and tree leaf at once.

    Source: RFC 6962 section 2.1.
    """
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an interior node.

    Source: RFC 6962 section 2.1.
    """
    return sha256(b"\x01" + left + right).digest()
