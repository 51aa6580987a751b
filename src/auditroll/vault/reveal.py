"""Show who stands behind a pseudonym. Only privacy requests may use this."""

import sqlite3
from typing import NamedTuple

from cryptography.exceptions import InvalidTag

from auditroll.errors import IntegrityError
from auditroll.vault.keyring import Keyring, Use
from auditroll.vault.rows import Sealed, open_row
from auditroll.wire.envelope import binding

__all__ = ["Revealed", "reveal"]


class Revealed(NamedTuple):
    """An identity, its namespace, and the binding the ledger must hold for it."""

    namespace: str
    identity: str
    binding: str


def reveal(
    connection: sqlite3.Connection, keyring: Keyring, tenant: str, pseudonym: str
) -> Revealed | None:
    """Return who `pseudonym` is; None if nobody is known by it.

    The caller compares `binding` with the `vault.binding` facts of the tenant's ledger: a row
    whose mapping was exchanged decrypts under its own key, but its binding is not announced.

    Raises:
        IntegrityError: `vault-row`, the row does not decrypt.
    """
    row = connection.execute(
        "SELECT lookup, namespace, pseudonym, key_id, nonce, sealed FROM mapping"
        " WHERE tenant = ? AND pseudonym = ?",
        (tenant, bytes.fromhex(pseudonym.removeprefix("p_"))),
    ).fetchone()
    if row is None:
        return None
    lookup, namespace, octets, key_id, nonce, sealed = row
    key = keyring.find(tenant, Use.ROW, key_id)
    if key is None:
        return None
    try:
        salt, identity = open_row(key, (tenant, namespace, lookup, octets), Sealed(nonce, sealed))
    except InvalidTag as error:
        raise IntegrityError("vault-row", "a row of the vault does not decrypt") from error
    return Revealed(namespace, identity, binding(salt, pseudonym, namespace, identity))
