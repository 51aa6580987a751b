"""Keyed hashes of values that must not be guessable: paths, sets of ids, credentials."""

import hashlib
import hmac
from collections.abc import Iterable

__all__ = ["KeyedHash"]


class KeyedHash:
    """HMAC-SHA-256 with the tenant's payload key, in the record's HASH form.

    Args:
        key_id: Id of the key, shown in each hash.
        key: The key.
    """

    def __init__(self, key_id: str, key: bytes) -> None:
        self._prefix = f"hmac:{key_id}:"
        self._key = key

    def of(self, value: bytes) -> str:
        """Return the hash of some octets."""
        return self._prefix + hmac.digest(self._key, value, hashlib.sha256).hex()

    def of_set(self, references: Iterable[str]) -> str:
        """Return the hash of a set of references, whatever their order.

        Source: format reference section 5.2, `resource_set_hash`.
        """
        return self.of("\n".join(sorted(references)).encode())
