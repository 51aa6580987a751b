"""Identities on the wire: a keyed look-up and a ciphertext for the vault (section 11)."""

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from auditroll.errors import ProducerError
from auditroll.event.model import Envelope

__all__ = [
    "MAX_IDENTITY_OCTETS",
    "NAMESPACES",
    "LookupKey",
    "binding",
    "lookup_of",
    "open_identity",
    "seal_identity",
]

NAMESPACES: Final = ("user", "ip", "entity")
MAX_IDENTITY_OCTETS: Final = 512
_LOOKUP: Final = b"auditroll/lookup/1\0"
_VAULT: Final = b"auditroll/vault/1\0"
_BLOCK_OCTETS: Final = 64

# DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Source: RFC 9180 section 7.
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class LookupKey:
    """A tenant's look-up key, ready to use: HMAC-SHA-256 from two states that are copied.

    Args:
        key: 32 octets.

    Source: RFC 2104; copying the keyed states is a fifth of the cost of `hmac.digest`.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (sha256(key).digest() if len(key) > _BLOCK_OCTETS else key).ljust(
            _BLOCK_OCTETS, b"\0"
        )
        self._inner = sha256(bytes(octet ^ 0x36 for octet in block))
        self._outer = sha256(bytes(octet ^ 0x5C for octet in block))

    def lookup(self, tenant: str, namespace: str, identity: str) -> str:
        """Return the look-up of an identity, 64 hex digits."""
        inner = self._inner.copy()
        inner.update(_message(tenant, namespace, identity))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


def lookup_of(key: bytes, tenant: str, namespace: str, identity: str) -> str:
    """Return the look-up of one identity, 64 hex digits.

    Args:
        key: The tenant's look-up key, 32 octets.
        tenant: Tenant id.
        namespace: `user`, `ip` or `entity`.
        identity: As the application gave it, not normalised.
    """
    return hmac.digest(key, _message(tenant, namespace, identity), sha256).hex()


def seal_identity(
    public: bytes,
    epoch_id: str,
    lookup_key: LookupKey,
    tenant: str,
    namespace: str,
    identity: str,
    *,
    resource_type: str | None = None,
) -> Envelope:
    """Return the envelope of an identity; only the vault opens it.

    Args:
        public: The vault's epoch key, X25519, 32 octets.
        epoch_id: Name of that key.
        lookup_key: The tenant's.
        tenant: Tenant id.
        namespace: `user`, `ip` or `entity`.
        identity: At most 512 octets of UTF-8.
        resource_type: Of a personal resource, whose stored value is `type:pseudonym`.

    Raises:
        ProducerError: `identity`: too long, or not encodable.

    Source: RFC 9180 section 5.1.1 (base mode), single shot.
    """
    text = _octets(identity)
    key = X25519PublicKey.from_public_bytes(public)
    sealed = _SUITE.encrypt(text, key, info=_info(tenant, namespace, epoch_id))
    envelope = {
        "c": base64.b64encode(sealed).decode(),
        "e": epoch_id,
        "l": lookup_key.lookup(tenant, namespace, identity),
    }
    return Envelope(**envelope) if resource_type is None else Envelope(**envelope, t=resource_type)


def open_identity(private: bytes, envelope: Envelope, tenant: str, namespace: str) -> str:
    """Return the identity in an envelope. The caller compares its look-up.

    Args:
        private: The vault's epoch key, 32 octets.
        envelope: From the wire.
        tenant: Tenant of the credential.
        namespace: Of the field it stands in.

    Raises:
        ProducerError: `identity`: it does not open, or holds no identity.
    """
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        sealed = base64.b64decode(envelope.c, validate=True)
        text = _SUITE.decrypt(sealed, key, info=_info(tenant, namespace, envelope.e))
        identity = text.decode()
    except (binascii.Error, InvalidTag, ValueError):
        raise ProducerError("identity", "an identity's envelope does not open") from None
    if len(text) > MAX_IDENTITY_OCTETS:
        raise ProducerError("identity", "an identity is longer than 512 octets")
    return identity


def binding(salt: bytes, pseudonym: str, namespace: str, identity: str) -> str:
    """Return the commitment that ties a pseudonym to its identity, 64 hex digits.

    Args:
        salt: 32 random octets, kept in the vault's row.
        pseudonym: `p_` and 32 hex digits.
        namespace: `user`, `ip` or `entity`.
        identity: As the application gave it.
    """
    message = salt + pseudonym.encode() + namespace.encode() + b"\0" + identity.encode()
    return sha256(message).hexdigest()


def _octets(identity: str) -> bytes:
    try:
        octets = identity.encode()
    except UnicodeEncodeError:
        raise ProducerError("identity", "an identity is not Unicode text") from None
    if len(octets) > MAX_IDENTITY_OCTETS:
        raise ProducerError("identity", "an identity is longer than 512 octets")
    return octets


def _message(tenant: str, namespace: str, identity: str) -> bytes:
    return b"\0".join((_LOOKUP[:-1], tenant.encode(), namespace.encode(), identity.encode()))


def _info(tenant: str, namespace: str, epoch_id: str) -> bytes:
    return b"\0".join((_VAULT[:-1], tenant.encode(), namespace.encode(), epoch_id.encode()))
