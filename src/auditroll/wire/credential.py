"""A producer's credential file: all it needs to start while the collector is down."""

import ipaddress
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from auditroll.errors import PolicyError

__all__ = ["Address", "PayloadKey", "ProducerCredential", "VaultEpoch"]

FORMAT: Final = "auditroll-producer/1"


class Address(NamedTuple):
    """Where a collector is.

    Args:
        host: Name or address.
        port: TCP port.
        path: What comes before `/v1`, without a slash at its end.
        secure: Over TLS.
    """

    host: str
    port: int
    path: str
    secure: bool


class PayloadKey(msgspec.Struct, frozen=True, kw_only=True):
    """Key of the keyed hashes.

    Args:
        id: Name in `hmac:<id>:...`.
        key: 32 octets, hex.
    """

    id: str
    key: str


class VaultEpoch(msgspec.Struct, frozen=True, kw_only=True):
    """The vault's key for new identities.

    Args:
        id: Name in the envelopes.
        public: X25519, 32 octets, hex.
    """

    id: str
    public: str


class ProducerCredential(msgspec.Struct, frozen=True, kw_only=True):
    """What a producer is given once.

    Args:
        format: `auditroll-producer/1`.
        collector_url: Base address of the collector.
        producer_id: The `producer_id` of its records.
        tenant_id: The tenant of its records.
        services: The `service_name`s it may write for; `*` stands for every one.
        key: Bearer key, `ark_` and 43 characters.
        lookup_key: Of the tenant, 32 octets, hex.
        payload_key: Of the tenant.
        vault_epoch: Of the tenant.
        personal_types: Resource types whose ids name a person.
        resource_grammars: Resource type to the grammar of its opaque ids.
        ca_file: Certificates that the collector's is checked against; the system's when empty.
    """

    format: str = FORMAT
    collector_url: str
    producer_id: str
    tenant_id: str
    services: list[str]
    key: str
    lookup_key: str
    payload_key: PayloadKey
    vault_epoch: VaultEpoch
    personal_types: list[str] = []
    resource_grammars: dict[str, str] = {}
    ca_file: str = ""

    def encode(self) -> bytes:
        """Return the file's octets; they hold secrets."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @classmethod
    def decode(cls, octets: bytes) -> "ProducerCredential":
        """Return the credential that a file holds.

        Raises:
            PolicyError: `bad-credential`: it is none.
        """
        try:
            credential = msgspec.json.decode(octets, type=cls)
        except msgspec.DecodeError as error:
            raise _bad(str(error)) from None
        if credential.format != FORMAT:
            raise _bad(f"the format is not {FORMAT}")
        return credential

    def address(self) -> Address:
        """Return where the collector is.

        Raises:
            PolicyError: `bad-credential`: it is no address. `insecure-collector`: the key and the
                records would cross a network in clear.
        """
        try:
            parts = urlsplit(self.collector_url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _bad("collector_url is no address") from None
        if parts.scheme not in {"http", "https"} or not host:
            raise _bad("collector_url is no address")
        secure = parts.scheme == "https"
        if not secure and not _is_this_machine(host):
            raise PolicyError(
                "insecure-collector",
                f"the key would go to {host} in clear",
                hint="Use an https address; http is for a collector on this machine.",
            )
        return Address(host, port or (443 if secure else 80), parts.path.rstrip("/"), secure)

    def fingerprint(self) -> str:
        """Return a name for logs that tells nothing of the key."""
        return sha256(self.key.encode()).hexdigest()[:12]


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _bad(reason: str) -> PolicyError:
    return PolicyError(
        "bad-credential",
        f"this is no producer's credential: {reason}",
        hint="Use the file that `auditroll producer create` or `auditroll up` wrote.",
    )
