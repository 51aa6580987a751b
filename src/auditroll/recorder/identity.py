"""Identities on their way out of the application: sealed for the vault, never kept in clear."""

import base64
import hmac
import ipaddress
import re
from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from auditroll.event import Envelope
from auditroll.wire import LookupKey, ProducerCredential, seal_identity
from auditroll.wire.envelope import MAX_IDENTITY_OCTETS

__all__ = ["Identities", "KeyedHash", "shortened"]

# An envelope costs about 100 microseconds; so many are remembered, about 40 MiB when full.
MAX_ENVELOPES: Final = 50_000
_CARRIED: Final = "auditroll-sealed:"
_CARRIED_LABEL: Final = b"auditroll/carried/1\0"
_TYPE: Final = re.compile("[a-z][a-z0-9_]{0,31}")


class KeyedHash:
    """HMAC-SHA-256 with the tenant's payload key, in the record's HASH form.

    Args:
        credential: Whose payload key.
    """

    def __init__(self, credential: ProducerCredential) -> None:
        self._prefix = f"hmac:{credential.payload_key.id}:"
        self._key = bytes.fromhex(credential.payload_key.key)

    def of(self, octets: bytes) -> str:
        """Return the hash of `octets`."""
        return self._prefix + hmac.digest(self._key, octets, sha256).hex()


class Identities:
    """Seals identities with a producer's keys; safe in many threads.

    Args:
        credential: Whose keys.
    """

    def __init__(self, credential: ProducerCredential) -> None:
        self._credential = credential
        self._public = bytes.fromhex(credential.vault_epoch.public)
        self._lookup = LookupKey(bytes.fromhex(credential.lookup_key))
        self._carry_key = bytes.fromhex(credential.lookup_key)
        self._sealed = lru_cache(MAX_ENVELOPES)(self._seal)
        self._address = lru_cache(4096)(_normal_address)

    def user(self, identity: str) -> Envelope:
        """Return the envelope of a person, or of a service acting as one."""
        return self._sealed("user", identity, None)

    def address(self, text: str) -> Envelope | None:
        """Return the envelope of a client's address, None when it is no address."""
        normal = self._address(text)
        return None if normal is None else self._sealed("ip", normal, None)

    def entity(self, reference: str) -> Envelope | None:
        """Return the envelope of `type:id`, None when it has no type."""
        kind, separator, opaque = reference.partition(":")
        if not separator or not opaque or _TYPE.fullmatch(kind) is None:
            return None
        return self._sealed("entity", reference, kind)

    def carry(self, identity: str) -> str:
        """Return a sealed user as text, for a queue between two processes of this tenant."""
        octets = msgspec.json.encode(self.user(identity))
        return _CARRIED + base64.urlsafe_b64encode(self._tag(octets) + octets).decode()

    def carried(self, text: str) -> Envelope | None:
        """Return what `carry` sealed, None when `text` does not come from it.

        Without the check, whoever chooses a user name could put an envelope of his own into a
        record, and have the vault refuse the record because of it.
        """
        if not text.startswith(_CARRIED):
            return None
        try:
            octets = base64.urlsafe_b64decode(text.removeprefix(_CARRIED))
            tag, sealed = octets[:32], octets[32:]
            if not hmac.compare_digest(tag, self._tag(sealed)):
                return None
            return msgspec.json.decode(sealed, type=Envelope)
        except ValueError:
            return None

    def _tag(self, octets: bytes) -> bytes:
        return hmac.digest(self._carry_key, _CARRIED_LABEL + octets, sha256)

    def _seal(self, namespace: str, identity: str, kind: str | None) -> Envelope:
        credential = self._credential
        return seal_identity(
            self._public,
            credential.vault_epoch.id,
            self._lookup,
            credential.tenant_id,
            namespace,
            identity,
            resource_type=kind,
        )


def shortened(identity: str) -> tuple[str, bool]:
    """Return an identity as an envelope can hold it, and whether it was changed for that."""
    octets = identity.encode("utf-8", "backslashreplace")
    if len(octets) > MAX_IDENTITY_OCTETS:
        return octets[:MAX_IDENTITY_OCTETS].decode("utf-8", "ignore"), True
    text = octets.decode()
    return text, text != identity


def _normal_address(text: str) -> str | None:
    """Return an address in RFC 5952 form, an IPv4-mapped one as the IPv4 address it is."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
    return str(address)
