"""The named grammars of the format (format reference, section 3): anchored, ASCII, linear.

A grammar here has no nested repetition, so Python's `re` matches each in linear time; lengths are
bounded by the grammar itself. Grammars that users bring are compiled by re2 (`registry`).
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from ipaddress import ip_network
from typing import Final

from auditroll.event.times import is_time
from auditroll.event.values import EVENT_TYPES

__all__ = ["GRAMMARS", "PATTERNS", "Grammar", "is_base64", "is_net", "is_time", "joined"]

Grammar = Callable[[str], object]
"""Returns something true exactly if the string is of the grammar."""

_CODE = "[a-z][a-z0-9._-]{0,63}"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

PATTERNS: Final[Mapping[str, str]] = {
    "ID16": "[0-9a-f]{32}",
    "H32": "[0-9a-f]{64}",
    "UUID": _UUID,
    "UUID7": "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "TIME": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z",
    "NAME": "[a-z0-9][a-z0-9._-]{0,63}",
    "CODE": _CODE,
    "MODEL": "[A-Za-z0-9][A-Za-z0-9._:/+-]{0,127}",
    "PSEUDO": "p_[0-9a-f]{32}",
    "USER": "anonymous|p_[0-9a-f]{32}",
    "REF": "[a-z][a-z0-9_]{0,31}:[A-Za-z0-9][A-Za-z0-9._-]{0,95}",
    "SUBJECT": "[a-z][a-z0-9_]{0,31}:p_[0-9a-f]{32}",
    "TYPE": "[a-z][a-z0-9_]{0,31}",
    "HASH": "sha256:[0-9a-f]{64}|hmac:[a-z0-9][a-z0-9-]{0,31}:[0-9a-f]{64}",
    "HMAC": "hmac:[a-z0-9][a-z0-9-]{0,31}:[0-9a-f]{64}",
    "SHA256": "sha256:[0-9a-f]{64}",
    "FIELD": "[a-z][a-z0-9_.]{0,63}",
    "RID": f"[0-9a-f]{{32}}|{_UUID}|1-[0-9a-f]{{8}}-[0-9a-f]{{24}}",
    "MARKER": r"\[REDACTED:[A-Z0-9_]{1,32}\]",
    "TENANT": "[a-z0-9][a-z0-9-]{0,62}",
    "ROLE": "[A-Za-z][A-Za-z0-9_.:-]{0,63}",
    "ROUTE": "/[A-Za-z0-9_{}.:/*~-]{0,255}",
    "UPSTREAM": "[A-Za-z0-9_.:=+-]{1,128}",
    "PROVIDER_ID": "[A-Za-z0-9_.:=+/-]{1,128}",
    "NET": r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.0/24|[0-9a-f:]{2,39}/48",
    "TEXT256": "[ -~\u00a0-\ud7ff\ue000-\U0010ffff]{0,256}",
    "TEXT1024": "[ -~\u00a0-\ud7ff\ue000-\U0010ffff]{0,1024}",
    "TRACE": "[0-9a-f]{32}",
    "SPAN": "[0-9a-f]{16}",
    "TICKET": f"[A-Z][A-Z0-9]{{0,15}}-[0-9]{{1,12}}|{_UUID}",
    "COUNTER": "[A-Z0-9_]{1,32}",
    "REASON": "[A-Za-z_]{1,48}",
    "INSTALLATION": "[a-z0-9.-]{1,100}(?:/[a-z0-9.-]{1,64})?",
    "EVENT_TYPE": "|".join(map(re.escape, EVENT_TYPES)) + f"|x[.]{_CODE}",
    "PURPOSE": f"x-{_CODE}",
    "B64": "[A-Za-z0-9+/]*(?:[AEIMQUYcgkosw048]=|[AQgw]==)?",
    "HEX": "(?:[0-9a-f]{2}){32,1312}",
    "OBJECT": "streams/[0-9a-f]{32}/segments/[0-9]{20}-[0-9]{4}[.]parquet",
    "JOURNAL_FILE": "[0-9]{20}[.]arj",
}


def is_net(text: str) -> bool:
    """Tell whether `text` is an IPv4 /24 or an IPv6 /48, written as RFC 5952 does."""
    if _NET.fullmatch(text) is None:
        return False
    try:
        return str(ip_network(text)) == text
    except ValueError:
        return False


def is_base64(text: str) -> bool:
    """Tell whether `text` is the one base64 encoding of its octets, of whole groups of four.

    Source: RFC 4648 sections 3.5 and 4.
    """
    return len(text) % 4 == 0 and _BASE64.fullmatch(text) is not None


def joined(name: str) -> Callable[[Collection[str]], bool]:
    """Return what tells whether all of many strings are of a grammar, in one match.

    Args:
        name: A grammar of which no string holds a line feed: UUID7, RID, TIME, TRACE or SPAN.
    """
    lines = re.compile(f"(?:(?:{PATTERNS[name]})\n)*+").fullmatch
    few = _FEW.get(name)

    def all_match(texts: Collection[str]) -> bool:
        # A string with a line feed would pass for two: then there are more lines than strings.
        text = "\n".join(texts) + "\n"
        if text.count("\n") != len(texts) or lines(text) is None:
            return False
        return few is None or all(map(GRAMMARS[name], few(texts)))

    return all_match


def _seconds(texts: Iterable[str]) -> set[str]:
    return {text[:19] + ".000Z" for text in texts}


def _zeros(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if text.startswith("0000")]


# Of strings of a pattern, the few that can still be outside its grammar, or others as good.
_FEW: Final[Mapping[str, Callable[[Iterable[str]], Collection[str]]]] = {
    "SPAN": _zeros,
    "TIME": _seconds,
    "TRACE": _zeros,
}


def _not_all_zero(name: str) -> Grammar:
    matches = re.compile(PATTERNS[name]).fullmatch
    return lambda text: matches(text) and text.strip("0")


_NET: Final = re.compile(PATTERNS["NET"])
_BASE64: Final = re.compile(PATTERNS["B64"])

GRAMMARS: Final[Mapping[str, Grammar]] = {
    **{name: re.compile(pattern).fullmatch for name, pattern in PATTERNS.items()},
    "B64": is_base64,
    "NET": is_net,
    "SPAN": _not_all_zero("SPAN"),
    "TIME": is_time,
    "TRACE": _not_all_zero("TRACE"),
}
