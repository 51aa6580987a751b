"""Bloom filters: small sets that answer "certainly not" or "perhaps"."""

from collections.abc import Collection
from hashlib import blake2b
from typing import Final

import numpy as np

__all__ = ["bloom", "perhaps"]

# 12 bits and 8 probes a value: about 3 of 1,000 absent values are taken for present.
BITS_PER_VALUE: Final = 12
PROBES: Final = 8
HASH_OCTETS: Final = 8


def bloom(values: Collection[str]) -> bytes:
    """Return the filter of the values; no octets at all for no values."""
    if not values:
        return b""
    digests = b"".join(_digest(value) for value in values)
    halves = np.frombuffer(digests, dtype="<u4").reshape(-1, 2).astype(np.uint64)
    octets = (len(values) * BITS_PER_VALUE + 7) // 8
    probes = np.arange(PROBES, dtype=np.uint64)
    places = (halves[:, :1] + probes * (halves[:, 1:] | np.uint64(1))) % np.uint64(octets * 8)
    bits = np.zeros(octets * 8, dtype=bool)
    bits[places.ravel()] = True
    return np.packbits(bits, bitorder="little").tobytes()


def perhaps(octets: bytes, value: str) -> bool:
    """Return False if `value` is certainly not in the set that `octets` is the filter of."""
    if not octets:
        return False
    digest = _digest(value)
    start = int.from_bytes(digest[:4], "little")
    step = int.from_bytes(digest[4:], "little") | 1
    places = ((start + probe * step) % (len(octets) * 8) for probe in range(PROBES))
    return all(octets[place >> 3] >> (place & 7) & 1 for place in places)


def _digest(value: str) -> bytes:
    return blake2b(value.encode(), digest_size=HASH_OCTETS).digest()
