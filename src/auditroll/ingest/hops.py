"""Addresses in logs: which of the listed ones is the client's."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from auditroll.errors import PolicyError

__all__ = ["Address", "Proxies", "is_address", "parse_address", "split_hops"]


class Address(NamedTuple):
    """An address as records have it.

    Args:
        text: RFC 5952 text, an IPv4-mapped address as IPv4.
        net: Its /24 or /48.
    """

    text: str
    net: str


@lru_cache(maxsize=65_536)
def parse_address(text: str) -> Address | None:
    """Return the address that `text` is, also with a port or in brackets; None if it is none.

    Source: RFC 5952 section 4; RFC 7239 section 6.
    """
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    bits = 24 if address.version == 4 else 48
    return Address(str(address), str(ipaddress.ip_network((address, bits), strict=False)))


def is_address(text: str) -> bool:
    """Say whether `text` is an IP address."""
    return parse_address(text) is not None


def split_hops(text: str) -> list[str]:
    """Return the entries of a list of forwarded addresses, without empty ones and dashes."""
    return [entry for part in text.split(",") if (entry := part.strip()) not in {"", "-"}]


class Proxies:
    """The proxies whose forwarded addresses are believed.

    Args:
        trusted: Networks in CIDR form; with none, only the nearest peer is believed.

    Raises:
        PolicyError: `bad-network`.
    """

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        try:
            self._networks = tuple(ipaddress.ip_network(text) for text in trusted)
        except ValueError as error:
            raise PolicyError(
                "bad-network",
                f"a trusted proxy is not a network: {error}",
                hint="Write it as 10.0.0.0/8.",
                status=422,
            ) from None

    def client(self, hops: Sequence[str]) -> Address | None:
        """Return the client: from the nearest peer back over trusted proxies, no further.

        A hop that is no address ends the way: what lies behind it was not vouched for.
        """
        found: Address | None = None
        for hop in reversed(hops):
            address = parse_address(hop)
            if address is None:
                break
            found = address
            if not self._trusts(address.text):
                break
        return found

    def _trusts(self, text: str) -> bool:
        if not self._networks:
            return False
        address = ipaddress.ip_address(text)
        return any(address in network for network in self._networks)
