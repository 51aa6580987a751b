"""Canonical JSON: one byte string for one value (format reference, section 2).

The accepted values are a subset of RFC 8785's: no floats, no null. For this subset orjson with
sorted keys writes RFC 8785's bytes, because keys are ASCII and integers are exact.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn

import orjson

from auditroll.errors import ProducerError

__all__ = [
    "MAX_DEPTH",
    "MAX_INTEGER",
    "MAX_LEAF_OCTETS",
    "MAX_LINE_OCTETS",
    "Refused",
    "decode",
    "decode_exact",
    "encode",
]

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 8
MAX_LEAF_OCTETS: Final = 65_535
# A wire line leaves room for the envelope that the collector adds to it.
MAX_LINE_OCTETS: Final = 64_512

_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile("[\ud800-\udfff]")
# orjson writes every control character below U+0020 as this format does, and U+007F raw.
_OPTIONS = orjson.OPT_SORT_KEYS


class Refused(ProducerError):
    """Octets that are not canonical JSON of the accepted kind; `code` says why (section 2)."""

    def __init__(self, code: str) -> None:
        super().__init__(code, f"refused JSON: {code}", status=400)


def encode(value: Any) -> bytes:
    """Return the canonical octets of `value`.

    Args:
        value: Objects, arrays, strings, booleans, integers within 2^53 - 1.

    Raises:
        Refused: The value has no canonical form.

    Source: RFC 8785 section 3.2, restricted.
    """
    _check(value, 1)
    return orjson.dumps(value, option=_OPTIONS)


def decode(octets: bytes, *, limit: int = MAX_LINE_OCTETS) -> dict[str, Any]:
    """Return the object that `octets` hold, in any key order and white space.

    Args:
        octets: One JSON text.
        limit: Greatest accepted length in octets.

    Raises:
        Refused: With the code of section 2.
    """
    if len(octets) > limit:
        raise Refused("size")
    found = _decode_canonical(octets)
    return _decode_slowly(octets) if found is None else found


def decode_exact(octets: bytes, *, limit: int = MAX_LEAF_OCTETS) -> dict[str, Any]:
    """Return the object that `octets` hold; they must be canonical.

    Raises:
        Refused: With the code of section 2; `noncanonical` if re-encoding gives other octets.
    """
    if len(octets) > limit:
        raise Refused("size")
    found = _decode_canonical(octets)
    if found is not None:
        return found
    _decode_slowly(octets)
    raise Refused("noncanonical")


def _decode_canonical(octets: bytes) -> dict[str, Any] | None:
    """Return the object if `octets` are canonical, else None.

    Equality with the re-encoding proves that no key stands twice and no number was rounded; what
    remains to be checked (floats that re-encode to themselves, null, depth, keys, range) `_check`
    does.
    """
    try:
        value = orjson.loads(octets)
        if not isinstance(value, dict):
            return None
        _check(value, 1)
        return value if orjson.dumps(value, option=_OPTIONS) == octets else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, Refused):
        return None


def _check(value: Any, depth: int) -> None:
    """Refuse what has no canonical form; `depth` counts the containers around and including."""
    kind = type(value)
    if kind is str:
        if not value.isascii() and _SURROGATE.search(value):
            raise Refused("surrogate")
    elif kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise Refused("range")
    elif kind is dict:
        _check_members(value, depth)
    elif kind is list or kind is tuple:
        _check_elements(value, depth)
    elif kind is not bool:
        raise Refused({type(None): "null", float: "float"}.get(kind, "syntax"))


def _check_members(members: dict[Any, Any], depth: int) -> None:
    for key in members:
        if type(key) is not str or _KEY.fullmatch(key) is None:
            raise Refused("key")
    _check_elements(members.values(), depth)


def _check_elements(values: Iterable[Any], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused("depth")
    for value in values:
        _check(value, depth + 1)


def _decode_slowly(octets: bytes) -> dict[str, Any]:
    """Decode with the standard library, whose hooks see what a fast parser hides."""
    if octets.startswith(_BOM):
        raise Refused("bom")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("utf8") from None
    try:
        value = _parse(text)
    except RecursionError:
        raise Refused("depth") from None
    except ValueError:
        raise Refused("syntax") from None
    _check(value, 1)
    if not isinstance(value, dict):
        raise Refused("toplevel")
    return value


def _parse(text: str) -> Any:
    # JSON's white space is these four characters; str.strip() would drop more.
    return json.loads(
        text.strip(" \t\n\r"),
        object_pairs_hook=_unique,
        parse_int=_integer,
        parse_float=_refuse_float,
        parse_constant=_refuse_constant,
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("duplicate")
    return found


def _integer(digits: str) -> int:
    if digits == "-0":
        raise Refused("negzero")
    # 17 digits and more are out of range; int() of millions of digits would take minutes.
    if len(digits) > 17:
        raise Refused("range")
    return int(digits)


def _refuse_float(_digits: str) -> NoReturn:
    raise Refused("float")


def _refuse_constant(_name: str) -> NoReturn:
    raise Refused("syntax")
