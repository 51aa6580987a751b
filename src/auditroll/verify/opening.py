"""One line of a bundle, opened: what it says, and whether its commitments hold.

Whole lines of the shapes that occur are read on a short path that refuses nothing by itself:
whatever is unusual goes to `parse_line`, which is the definition.
"""

from dataclasses import dataclass
from hashlib import sha256, shake_128
from typing import Any, Final

import orjson

from auditroll.event.canonical import MAX_INTEGER, MAX_LEAF_OCTETS, Refused, decode_exact
from auditroll.event.fields import SLOT_FIELDS, SLOT_OF, SLOTS
from auditroll.tlog.line import BadLine, Line, parse_line

__all__ = ["LineOpener", "Opened"]

_SORTED: Final = orjson.OPT_SORT_KEYS
_EMPTY: Final = b"{}"
_SLOT_NAMES: Final = tuple((slot, frozenset(SLOT_FIELDS[slot])) for slot in SLOTS)
_MEMBERS: Final = ("leaf", "seed", "slots")
# Key tuples of leaves that passed the full check. Bounded: hostile lines must not fill memory.
_MAX_SHAPES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Opened:
    """A line that could be read.

    Args:
        index: Place in the stream.
        leaf_hash: What enters chain and tree.
        public: The leaf's fields; None if only its hash is kept.
        line: The line, if a slot is hidden; else None.
        holds: Whether commitments give `sealed` and every field stands where it belongs.
    """

    index: int
    leaf_hash: bytes
    public: dict[str, Any] | None
    line: Line | None
    holds: bool


class LineOpener:
    """Opens the lines of one stream.

    Args:
        stream: Stream id that every leaf must name.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._shapes: set[tuple[str, ...]] = set()

    def open(self, raw: bytes) -> Opened:
        """Open a line without its LF.

        Raises:
            BadLine: Unreadable, not canonical, or of another stream.
        """
        return self._open_whole(raw) or self._open_slowly(raw)

    def _open_whole(self, raw: bytes) -> Opened | None:
        """Open a whole line of a known shape; None sends it the long way."""
        try:
            found = orjson.loads(raw)
            leaf = found["leaf"].encode()
            public = orjson.loads(leaf)
            index, seed = public["index"], bytes.fromhex(found["seed"])
            if (
                tuple(found) != _MEMBERS
                or tuple(public) not in self._shapes
                or orjson.dumps(found, option=_SORTED) != raw
                or orjson.dumps(public, option=_SORTED) != leaf
                or len(leaf) > MAX_LEAF_OCTETS
                or (type(index), public["stream"], seed.hex()) != (int, self._stream, found["seed"])
                or index < 0
                or not _are_plain(public)
            ):
                return None
            sealed = _sealed(seed, found["slots"])
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
        if sealed is None:
            return None
        hash_ = sha256(b"\x00" + leaf).digest()
        return Opened(index, hash_, public, None, sealed == public["sealed"])

    def _open_slowly(self, raw: bytes) -> Opened:
        line = parse_line(raw)
        if line.hash_only:
            return Opened(line.index, line.hash_only, None, None, holds=True)
        try:
            public = decode_exact(line.leaf)
        except Refused as refused:
            raise BadLine(refused.code) from None
        index = public.get("index")
        if type(index) is not int or index < 0 or public.get("stream") != self._stream:
            raise BadLine("stream or index")
        placed = public.keys().isdisjoint(SLOT_OF)
        if placed and len(self._shapes) < _MAX_SHAPES and "sealed" in public:
            self._shapes.add(tuple(public))
        holds = placed and line.sealed() == public.get("sealed")
        return Opened(index, line.leaf_hash(), public, line if line.hidden else None, holds)


def _sealed(seed: bytes, slots: dict[str, dict[str, Any]]) -> str | None:
    """Return `sealed` for slots whose every value is plain; None for others."""
    salts = shake_128(seed).digest(96)
    digests: list[bytes] = []
    empty = len(slots)
    for number, (slot, names) in enumerate(_SLOT_NAMES):
        fields = slots.get(slot)
        octets = _EMPTY
        if fields is not None:
            if not fields or not names.issuperset(fields) or not _are_plain(fields):
                return None
            octets = orjson.dumps(fields, option=_SORTED)
            empty -= 1
        digests.append(sha256(salts[16 * number : 16 * number + 16] + octets).digest())
    return None if empty else sha256(b"".join(digests)).hexdigest()


def _are_plain(values: dict[str, Any]) -> bool:
    """Tell whether the values need no closer look.

    Plain are strings, booleans and integers in range, and lists of them. Strings hold no lone
    surrogate: orjson refuses them.
    """
    for value in values.values():
        kind: type[Any] = type(value)
        if kind is str or kind is bool:
            continue
        if kind is int and -MAX_INTEGER <= value <= MAX_INTEGER:
            continue
        if kind is list and all(type(item) is str for item in value):
            continue
        return False
    return True
