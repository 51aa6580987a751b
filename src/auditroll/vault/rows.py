"""What a vault row hides: the identity and the salt of its binding."""

import os
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["SALT_OCTETS", "Sealed", "open_row", "seal_row"]

SALT_OCTETS = 32
_NONCE_OCTETS = 12


class Sealed(NamedTuple):
    """An encrypted row content."""

    nonce: bytes
    octets: bytes


def seal_row(
    key: bytes, context: tuple[str, str, bytes, bytes], salt: bytes, identity: str
) -> Sealed:
    """Encrypt salt and identity under the vault's key.

    Args:
        key: 32 octets.
        context: Tenant, namespace, lookup and pseudonym: a content moved to another row does not
            open.
        salt: `SALT_OCTETS` octets.
        identity: As the application gave it.

    Source: NIST SP 800-38D section 8.3: random 96-bit nonces, so at most 2^32 rows a key.
    """
    nonce = os.urandom(_NONCE_OCTETS)
    plain = salt + identity.encode()
    return Sealed(nonce, AESGCM(key).encrypt(nonce, plain, _associated(context)))


def open_row(
    key: bytes, context: tuple[str, str, bytes, bytes], sealed: Sealed
) -> tuple[bytes, str]:
    """Return salt and identity.

    Raises:
        cryptography.exceptions.InvalidTag: Key, context or content is not the one of `seal_row`.
    """
    plain = AESGCM(key).decrypt(sealed.nonce, sealed.octets, _associated(context))
    return plain[:SALT_OCTETS], plain[SALT_OCTETS:].decode()


def _associated(context: tuple[str, str, bytes, bytes]) -> bytes:
    tenant, namespace, lookup, pseudonym = context
    head = f"auditroll/vault-row/1\0{tenant}\0{namespace}\0".encode()
    return head + lookup + pseudonym
