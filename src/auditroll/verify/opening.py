"""One line of a bundle, opened: what it says, and whether its commitments hold.

Whole lines of the shapes that occur are read on a short path that refuses nothing by itself:
whatever is unusual goes to `parse_line`, which is the definition.
"""

from hashlib import sha256, shake_128
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import orjson

from auditroll.event.canonical import MAX_INTEGER, MAX_LEAF_OCTETS, Refused, decode_exact
from auditroll.event.fields import SLOT_FIELDS, SLOT_OF, SLOTS
from auditroll.tlog.line import BadLine, Line, parse_line

__all__ = ["LineOpener", "Opened"]

_SORTED: Final = orjson.OPT_SORT_KEYS
_EMPTY: Final = b"{}"
# A slot's place among the commitments and its names, in the order in which a line shows slots.
_SHOWN: Final = tuple(
    (slot, number, frozenset(SLOT_FIELDS[slot]), f'"{slot}":'.encode())
    for number, slot in sorted(enumerate(SLOTS), key=lambda numbered: numbered[1])
)
# Key tuples of leaves that passed the full check. Bounded: hostile lines must not fill memory.
_MAX_SHAPES: Final = 4_096

_Plain = str | bool | Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)] | list[str]


class _Whole(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A whole line, in the order of its members."""

    leaf: str
    seed: str
    slots: dict[str, dict[str, _Plain]]


_decode_line: Final = msgspec.json.Decoder(_Whole).decode
_decode_leaf: Final = msgspec.json.Decoder(dict[str, _Plain]).decode


class Opened(NamedTuple):
    """A line that could be read.

    Args:
        at: Its index in the stream.
        leaf_hash: What enters chain and tree.
        public: The leaf's fields; None if only its hash is kept.
        line: The line, if a slot is hidden; else None.
        holds: Whether commitments give `sealed` and every field stands where it belongs.
    """

    at: int
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
        """Open a whole line of a known shape; None sends it the long way.

        The decoders admit only values that need no closer look, and the octets made from them
        again must be those that were read: so no key stood twice and no number was rounded.
        """
        try:
            found = _decode_line(raw)
            leaf = found.leaf.encode()
            public = _decode_leaf(leaf)
            seed = bytes.fromhex(found.seed)
        except ValueError:
            return None
        known = tuple(public) in self._shapes and len(leaf) <= MAX_LEAF_OCTETS
        if not known or orjson.dumps(public, option=_SORTED) != leaf:
            return None
        again, sealed = _made_again(found, seed)
        at = public["index"]
        if again != raw or type(at) is not int or at < 0 or public["stream"] != self._stream:
            return None
        hash_ = sha256(b"\x00" + leaf).digest()
        return Opened(at, hash_, public, None, sealed == public["sealed"])

    def _open_slowly(self, raw: bytes) -> Opened:
        line = parse_line(raw)
        if line.hash_only:
            return Opened(line.index, line.hash_only, None, None, holds=True)
        try:
            public = decode_exact(line.leaf)
        except Refused as refused:
            raise BadLine(refused.code) from None
        at = public.get("index")
        if type(at) is not int or at < 0 or public.get("stream") != self._stream:
            raise BadLine("stream or index")
        placed = public.keys().isdisjoint(SLOT_OF)
        if placed and len(self._shapes) < _MAX_SHAPES and "sealed" in public:
            self._shapes.add(tuple(public))
        holds = placed and line.sealed() == public.get("sealed")
        return Opened(at, line.leaf_hash(), public, line if line.hidden else None, holds)


def _made_again(found: _Whole, seed: bytes) -> tuple[bytes, str]:
    """Return the line's octets and `sealed`, both from what was decoded.

    A slot that is empty or holds a field of another leaves a gap in the octets.
    """
    salts = shake_128(seed).digest(96)
    digests = [b""] * 6
    shown: list[bytes] = []
    for slot, number, names, lead in _SHOWN:
        fields = found.slots.get(slot)
        octets = _EMPTY
        if fields and names.issuperset(fields):
            octets = orjson.dumps(fields, option=_SORTED)
            shown.append(lead + octets)
        digests[number] = sha256(salts[16 * number : 16 * number + 16] + octets).digest()
    text = orjson.dumps(found.leaf)
    members = (text, b',"seed":"', seed.hex().encode(), b'","slots":{', b",".join(shown), b"}}")
    return b'{"leaf":' + b"".join(members), sha256(b"".join(digests)).hexdigest()
