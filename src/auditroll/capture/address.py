"""Who really called: the client's address behind proxies that can be lied to.

Only a proxy named by the operator is believed, and of what it forwards only the part it added
itself: the list is walked from the right, over trusted hops, to the first address that is not one.
Whatever is not an address stops the walk; a name or an e-mail address never becomes a source.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from auditroll.errors import PolicyError

__all__ = ["REJECTED", "AddressPolicy", "ClientAddress", "ForwardedHeader"]

ForwardedHeader = Literal["x-forwarded-for", "forwarded"]

REJECTED: Final = "FORWARDED_ADDRESS"  # key of `redactions` when a forwarded address was none

_MAX_HOPS: Final = 32  # a longer list is an attack, not a route
_MAX_CACHED: Final = 4_096
_MAX_CACHED_CHARS: Final = 256  # so that the cache stays below 2 MiB whatever clients send
_UNIX: Final = "unix"

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddress(NamedTuple):
    """What is known of where a request came from.

    Args:
        fields: The record's fields `source_ip`, `source_net`, `peer_net`, as far as known, and
            `redactions` when a forwarded address was rejected.
        trusted: The peer is a trusted proxy, so its request id and trace are believed.
    """

    fields: Mapping[str, Any]
    trusted: bool


class AddressPolicy:
    """Finds the client's address; believes only the proxies it was given.

    Args:
        trusted: Addresses and networks of the operator's own proxies, in CIDR form; `unix` for
            whoever connects over a Unix socket.
        header: The one header that these proxies write. The other is not read: a client may
            have written it.

    Raises:
        PolicyError: `trusted-proxies`: not a network, or all addresses of the internet.
    """

    def __init__(
        self, trusted: Iterable[str] = (), header: ForwardedHeader = "x-forwarded-for"
    ) -> None:
        texts = list(trusted)
        self.header = header.encode()
        self._networks = [_network(text) for text in texts if text != _UNIX]
        self._unix = _UNIX in texts
        self._entries = _forwarded_entries if header == "forwarded" else _plain_entries
        self._cached: Callable[[str, str], ClientAddress] = lru_cache(_MAX_CACHED)(self._find)

    def find(self, peer: tuple[str, int] | None, forwarded: str) -> ClientAddress:
        """Return what is known of the client's address; never raises.

        Args:
            peer: Host and port of the socket's other end; None for a Unix socket.
            forwarded: Values of the header, joined by commas; empty when there was none.
        """
        host = peer[0] if peer else ""
        # A server that follows forwarding headers by itself has put a forwarded value in the
        # peer's place, and shows it by port 0: who the real peer was is then unknown.
        rewritten = bool(host) and peer is not None and peer[1] == 0
        if rewritten:
            return self._rewritten(host)
        if len(host) + len(forwarded) > _MAX_CACHED_CHARS:
            return self._find(host, forwarded)
        return self._cached(host, forwarded)

    def _rewritten(self, host: str) -> ClientAddress:
        source = _parse(host)
        return ClientAddress(_fields(source, None, rejected=source is None), trusted=False)

    def _find(self, host: str, forwarded: str) -> ClientAddress:
        peer = _parse(host)
        trusted = self._trusts(peer) if peer is not None else self._unix and not host
        if not trusted or not forwarded:
            return ClientAddress(_fields(peer, peer, rejected=False), trusted)
        source, rejected = self._walk(self._entries(forwarded), peer)
        return ClientAddress(_fields(source, peer, rejected=rejected), trusted)

    def _walk(self, entries: list[str], peer: _IP | None) -> tuple[_IP | None, bool]:
        """Return the first address from the right that is no trusted proxy, and a rejection."""
        source = peer
        for entry in reversed(entries[-_MAX_HOPS:]):
            if _is_hidden(entry):
                return None, False
            source = _parse(_without_port(entry))
            if source is None:
                return None, True
            if not self._trusts(source):
                return source, False
        return (None, True) if len(entries) > _MAX_HOPS else (source, False)

    def _trusts(self, ip: _IP) -> bool:
        return any(ip in network for network in self._networks)


def _network(text: str) -> _Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise PolicyError(
            "trusted-proxies",
            f"{text!r} is not a network",
            hint="Name your proxies like 10.0.0.0/8, 192.0.2.7 or unix.",
        ) from error
    if network.prefixlen == 0:
        raise PolicyError(
            "trusted-proxies",
            "every address of the internet would be trusted as a proxy",
            hint="Name only the networks that your own proxies connect from.",
        )
    return network


def _parse(text: str) -> _IP | None:
    """Return the address, an IPv4-mapped one as the IPv4 address it is."""
    if "%" in text:  # a zone names an interface of another host
        return None
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


def _without_port(entry: str) -> str:
    """Return the host of `v4`, `v4:port`, `v6` or `[v6]:port`; what is none of these, unchanged."""
    if entry.startswith("["):
        host, bracket, rest = entry[1:].partition("]")
        return host if bracket and (not rest or _is_port(rest)) else entry
    host, colon, _ = entry.partition(":")
    return host if colon and _is_port(entry[len(host) :]) else entry


def _is_port(text: str) -> bool:
    return text[:1] == ":" and text[1:].isascii() and text[1:].isdigit() and len(text) <= 6


def _plain_entries(header: str) -> list[str]:
    return [entry.strip() for entry in header.split(",") if entry.strip()]


def _forwarded_entries(header: str) -> list[str]:
    """Return the `for` of each element; an element without one hides its hop.

    Source: RFC 7239 section 4.
    """
    return [_for_value(element) for element in _split(header, ",") if element.strip()]


def _for_value(element: str) -> str:
    for pair in _split(element, ";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            value = value.strip()
            return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    return "unknown"


def _split(text: str, separator: str) -> list[str]:
    """Split at separators outside quoted strings."""
    parts: list[str] = []
    quoted = False
    start = 0
    for position, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _is_hidden(entry: str) -> bool:
    """Tell whether a proxy says that it does not tell. Source: RFC 7239 sections 6.2 and 6.3."""
    return entry == "unknown" or entry.startswith("_")


def _fields(source: _IP | None, peer: _IP | None, *, rejected: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if source is not None:
        fields["source_ip"] = str(source)
        fields["source_net"] = _net(source)
    if peer is not None:
        fields["peer_net"] = _net(peer)
    if rejected:
        fields["redactions"] = {REJECTED: 1}
    return fields


def _net(ip: _IP) -> str:
    """Return the network that a record may show: /24 or /48."""
    bits = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network((ip, bits), strict=False))
