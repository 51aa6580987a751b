"""Which keys serve a tenant's identities; the key store holds the octets."""

import sqlite3
import threading
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from auditroll.clock import now_ms
from auditroll.errors import CollectorError
from auditroll.keys import Key, KeyStore

__all__ = ["Keyring", "Use"]


class Use(StrEnum):
    """What a key is for; also the key store's name of the use."""

    LOOKUP = "lookup"
    PAYLOAD = "payload-hmac"
    EPOCH = "vault-epoch"
    ROW = "vault-row"


class Keyring:
    """The keys of every tenant, by use; the newest of a use is current.

    Args:
        connection: To the vault's database, used by nobody else.
        store: Where the octets are; a key destroyed there is gone here too.
    """

    def __init__(self, connection: sqlite3.Connection, store: KeyStore) -> None:
        self._connection = connection
        self._store = store
        self._lock = threading.Lock()
        self._ids: dict[tuple[str, str], list[str]] = {}
        for tenant, use, key_id in connection.execute(
            "SELECT tenant, use, key_id FROM keyring ORDER BY number"
        ):
            self._ids.setdefault((tenant, use), []).append(key_id)

    def provision(self, tenant: str) -> None:
        """Make the keys `tenant` lacks; a tenant that has them all is left alone."""
        with self._lock:
            for use in Use:
                if not self._ids.get((tenant, use)):
                    self._add(tenant, use)

    def rotate(self, tenant: str, use: Use) -> Key:
        """Make a new current key; the older ones stay until the store destroys them."""
        with self._lock:
            return self._add(tenant, use)

    def current(self, tenant: str, use: Use) -> Key:
        """Return the key to use from now on.

        Raises:
            CollectorError: `key-unknown`, the tenant was not provisioned or the key is destroyed.
        """
        for key_id in reversed(self._ids.get((tenant, use), [])):
            octets = self._octets(key_id)
            if octets is not None:
                return Key(key_id, octets)
        raise CollectorError("key-unknown", f"the tenant has no key for {use}")

    def find(self, tenant: str, use: Use, key_id: str) -> bytes | None:
        """Return a key by its id; None unless it is this tenant's, for this use, and exists."""
        known = self._ids.get((tenant, use), [])
        return self._octets(key_id) if key_id in known else None

    def epoch_public(self, tenant: str) -> tuple[str, bytes]:
        """Return the id and the public half of the current epoch key, for credentials.

        Raises:
            CollectorError: `key-unknown`.
        """
        key = self.current(tenant, Use.EPOCH)
        private = X25519PrivateKey.from_private_bytes(key.octets)
        return key.id, private.public_key().public_bytes_raw()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _add(self, tenant: str, use: Use) -> Key:
        # The store's key is durable before the row names it: a crash between leaves a key that
        # nothing refers to, never a row without its key.
        key = self._store.create(use)
        self._connection.execute(
            "INSERT INTO keyring (tenant, use, key_id, created) VALUES (?, ?, ?, ?)",
            (tenant, use, key.id, now_ms()),
        )
        self._ids.setdefault((tenant, use), []).append(key.id)
        return key

    def _octets(self, key_id: str) -> bytes | None:
        try:
            return self._store.get(key_id)
        except KeyError:
            return None
