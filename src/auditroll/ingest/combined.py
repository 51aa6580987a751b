"""Apache's and nginx's combined format, as real files have it.

Strict parsers fail on a tenth of real files: a virtual host or a list of forwarded addresses in
front, a host name for an address, a user with spaces, an empty request, fields behind the last.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from auditroll.ingest.entry import Entry, Unreadable
from auditroll.ingest.hops import is_address, split_hops
from auditroll.ingest.moments import parse_moment

__all__ = ["parse_combined", "unescape"]

_TOKEN: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"|(\S+)')
_QUOTED: Final = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"')
_ESCAPE: Final = re.compile(r"\\x([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\(.)")
_PROTOCOL: Final = re.compile(r" HTTP/[0-9](?:\.[0-9])?$")
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_NOTHING: Final = frozenset(("", "-"))


def parse_combined(line: str) -> Entry:
    """Return what a line in the combined (or common) format says.

    Args:
        line: Without its end; octets that are not UTF-8 as surrogates.

    Raises:
        Unreadable: `empty`, `no-time`, `bad-time`, `no-zone`, `no-request`, `no-status`.

    Source: Apache mod_log_config; nginx ngx_http_log_module.
    """
    if not line.strip():
        raise Unreadable("empty")
    lead = _QUOTED.match(line)
    start = _request_quote(line, lead.end() if lead else 0)
    close = line.rfind("]", 0, start)
    opening = line.rfind("[", 0, close)
    if opening < 0:
        raise Unreadable("no-time")
    entry = Entry(parse_moment(line[opening + 1 : close]))
    forwarded = unescape(lead[1]) if lead else ""
    hops, entry.user, entry.dropped = _who(forwarded, line[lead.end() if lead else 0 : opening])
    entry.hops = list(hops)
    _what(entry, [match.groups() for match in _TOKEN.finditer(line, start)])
    return entry


def unescape(text: str) -> str:
    r"""Return a logged string without the log's escapes: `\"`, `\\`, `\xHH`, `\n` ...

    Octets given as `\xHH` are read as UTF-8; those that are none stay as surrogates.
    """
    if "\\" not in text:
        return text
    octets = _ESCAPE.sub(_unescaped, text).encode("utf-8", "surrogateescape")
    return octets.decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[str]) -> str:
    octet, point, sign = match.groups()
    if octet:
        return bytes.fromhex(octet).decode("utf-8", "surrogateescape")
    if point:
        return chr(int(point, 16)) if not point.lower().startswith(("d8", "d9")) else "\ufffd"
    return _CONTROLS.get(sign, sign)


def _request_quote(line: str, start: int) -> int:
    """Return where the request begins: at the first bare quote behind a bracket.

    A user's name may hold anything but a bare quote, or be a pair of them.
    """
    at = line.find('"', start)
    while at >= 0:
        if line[at - 1] != "\\" and line[:at].rstrip().endswith("]"):
            return at
        at = line.find('"', at + 1)
    raise Unreadable("no-request" if "]" in line else "no-time")


class _Who(NamedTuple):
    hops: tuple[str, ...]
    user: str
    dropped: int


@lru_cache(maxsize=16_384)
def _who(forwarded: str, text: str) -> _Who:
    """Read `[vhost] host[, host...] ident user`; everything behind ident is the user."""
    words = text.split()
    hops = split_hops(forwarded)
    dropped = 0
    while words and words[0].endswith(","):
        hops.append(words.pop(0).rstrip(","))
    # In front of an address stands a virtual host, or the end of a list of forwarded addresses.
    while len(words) > 1 and is_address(words[1]):
        first = words.pop(0)
        if is_address(first):
            hops.append(first)
        else:
            dropped += 1
    hops += words[:1]
    dropped += bool(words[1:2] and words[1] not in _NOTHING)
    user = " ".join(words[2:])
    return _Who(tuple(hops), "" if user in _NOTHING or user == '""' else unescape(user), dropped)


def _what(entry: Entry, tokens: list[tuple[str | None, ...]]) -> None:
    """Read `"request" status bytes ["referer" ["agent" ...]]`."""
    if not tokens or tokens[0][0] is None:
        raise Unreadable("no-request")
    words = [quoted if quoted is not None else str(bare) for quoted, bare in tokens]
    if len(words) < 2 or tokens[1][1] is None:
        raise Unreadable("no-status")
    _request(entry, unescape(words[0]))
    entry.status = _status(words[1])
    if len(words) > 2 and words[2].isascii() and words[2].isdigit():
        entry.bytes_out = int(words[2][:16])
    if len(words) > 4 and words[4] not in _NOTHING:
        entry.agent = unescape(words[4])
    entry.dropped += sum(word not in _NOTHING for word in (*words[3:4], *words[5:]))
    # nginx's own `main` format ends in the forwarded addresses.
    if len(words) > 5 and tokens[5][0] is not None:
        listed = split_hops(words[5])
        if listed and all(map(is_address, listed)):
            entry.hops = listed + entry.hops
            entry.dropped -= 1


def _request(entry: Entry, request: str) -> None:
    if request in _NOTHING:
        return
    method, space, target = _PROTOCOL.sub("", request).partition(" ")
    entry.method = method if space else "-"
    entry.target = target if space else request


def _status(word: str) -> int:
    if word == "-":
        return 0
    if not (word.isascii() and word.isdigit() and len(word) == 3):
        raise Unreadable("no-status")
    return int(word) if 100 <= int(word) <= 599 else 0
