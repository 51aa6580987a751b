"""Canonical JSON: one byte string for one value (format reference, section 2).

The accepted values are a subset of RFC 8785's: no floats, no null. For this subset msgspec with
sorted keys writes RFC 8785's bytes, because keys are ASCII and integers are exact; it is twice as
fast as orjson here, and orjson is the stricter and faster reader.
"""

import json
import re
from typing import Any, Final, NoReturn, cast

import msgspec
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
# Keys found good before; a record's keys are always the same few.
_good_keys: set[str] = set()
_MAX_GOOD_KEYS: Final = 4096
# Writes every control character below U+0020 as this format does, and U+007F raw.
_encode = msgspec.json.Encoder(order="deterministic").encode


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
    return _dumps(value)


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
        _check(value, 1)
        return _object(value) if _encode(value) == octets else None
    except (orjson.JSONDecodeError, Refused):
        return None


def _dumps(value: Any) -> bytes:
    """Encode what `_check` took; only strings can still be at fault."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        raise Refused("surrogate") from None


def _check(value: Any, depth: int) -> None:
    """Refuse what has no canonical form, but for lone surrogates.

    Args:
        value: What is to be encoded.
        depth: Containers around it, and itself if it is one.
    """
    kind = cast("object", type(value))
    if kind is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise Refused("range")
    elif kind is dict:
        _check_members(value, depth)
    elif kind is list or kind is tuple:
        _check_depth(depth)
        for element in value:
            _check(element, depth + 1)
    elif kind is not str and kind is not bool:
        raise Refused("null" if value is None else "float" if kind is float else "syntax")


def _check_members(members: dict[Any, Any], depth: int) -> None:
    """Check an object: the hot path, so that strings, most values, cost no call."""
    _check_depth(depth)
    for key, value in members.items():
        if key not in _good_keys:
            _check_key(key)
        if type(value) is not str:
            _check(value, depth + 1)


def _check_key(key: Any) -> None:
    if type(key) is not str or _KEY.fullmatch(key) is None:
        raise Refused("key")
    if len(_good_keys) < _MAX_GOOD_KEYS:
        _good_keys.add(key)


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused("depth")


def _decode_slowly(octets: bytes) -> dict[str, Any]:
    """Decode with the standard library, whose hooks see what a fast parser hides."""
    if octets.startswith(_BOM):
        raise Refused("bom")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("utf8") from None
    try:
        value = _PARSER.decode(text)
    except RecursionError:
        raise Refused("depth") from None
    except ValueError:
        raise Refused("syntax") from None
    _check(value, 1)
    _dumps(value)
    return _object(value)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused("toplevel")
    return cast("dict[str, Any]", value)


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


# One text, one value: a second one is an error of its own.
_PARSER: Final = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_integer,
    parse_float=_refuse_float,
    parse_constant=_refuse_constant,
)
