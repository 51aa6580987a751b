"""Giving one record its place: what `tlog.seal_record` and `tlog.make_leaf` say, in less time.

Records of one producer have few shapes, and which fields make up which slot is worked out once a
shape. A slot is encoded once, for its commitment and for the tail.
"""

from collections.abc import Iterable
from hashlib import sha256, shake_128
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from auditroll.event.fields import ENVELOPE_FIELDS, SLOT_FIELDS, SLOTS
from auditroll.segment.journal import BadFrame
from auditroll.tlog.slots import SCHEMA_VERSION, SEED_OCTETS

__all__ = ["Item", "items_of", "place"]

_SALT_OCTETS: Final = 16
_EMPTY: Final = b"{}"
# The octets of `event.canonical.encode` for values that were checked before.
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_MAX_SHAPES: Final = 4096


class _Slot(NamedTuple):
    """One slot of a shape.

    Args:
        salt: Where its salt stands among the record's salts.
        fields: Those of its fields that the record has, sorted.
        name: The slot's name as the start of a JSON member.
        only: Octets before the value, if there is one field.
    """

    salt: slice
    fields: tuple[str, ...]
    name: bytes
    only: bytes


_shapes: dict[tuple[str, ...], tuple[_Slot, ...]] = {}


Item = tuple[dict[str, Any], bytes, str, tuple[_Slot, ...]]
"""A record on its way to its place: its fields, which `place` uses up, seed, stream and shape."""


def items_of(lines: Iterable[bytes]) -> list[Item]:
    """Return the records in a frame's lines.

    One loop without calls of our own: it runs for every record, before and after a restart.

    Raises:
        BadFrame: A line is not what a collector writes; it could not be placed.
    """
    loads, unhex, shape_of = orjson.loads, bytes.fromhex, _shapes.get
    items: list[Item] = []
    try:
        for line in lines:
            found = loads(line)
            record, seed = found["record"], unhex(found["seed"])
            names = tuple(record)
            shape = shape_of(names) or _learn(names)
            if len(seed) != SEED_OCTETS:
                raise BadFrame("a seed of another length")
            items.append((record, seed, found["stream"], shape))
    except (orjson.JSONDecodeError, KeyError, ValueError, TypeError):
        raise BadFrame("a record in a frame is not what was written") from None
    return items


def place(item: Item, at: int, previous: bytes, received_at: str) -> tuple[bytes, bytes, bytes]:
    """Commit to a record and chain it to the one before.

    Args:
        item: The record.
        at: The record's index.
        previous: Hash of the leaf before, 32 octets.
        received_at: TIME text.

    Returns:
        The leaf, the slots that hold fields as a JSON object, and the leaf's hash.

    Source: format reference, section 4.
    """
    record, seed, stream, shape = item
    encode = _encode
    salts = shake_128(seed).digest(_SALT_OCTETS * len(SLOTS))
    commitments: list[bytes] = []
    shown: list[bytes] = []
    for salt, fields, name, only in shape:
        octets = _EMPTY
        if only:
            octets = only + encode(record.pop(fields[0])) + b"}"
            shown.append(name + octets)
        elif fields:
            octets = encode({field: record.pop(field) for field in fields})
            shown.append(name + octets)
        commitments.append(sha256(salts[salt] + octets).digest())
    record["schema_version"], record["stream"], record["index"] = SCHEMA_VERSION, stream, at
    record["prev_hash"], record["received_at"] = previous.hex(), received_at
    record["sealed"] = sha256(b"".join(commitments)).hexdigest()
    leaf = encode(record)
    return leaf, b"{" + b",".join(shown) + b"}", sha256(b"\x00" + leaf).digest()


def _learn(names: tuple[str, ...]) -> tuple[_Slot, ...]:
    if not ENVELOPE_FIELDS.keys().isdisjoint(names):
        raise BadFrame("a record that brings its own envelope")
    if len(_shapes) >= _MAX_SHAPES:
        _shapes.clear()
    shape = tuple(_slot(slot, number, names) for number, slot in enumerate(SLOTS))
    _shapes[names] = shape
    return shape


def _slot(slot: str, number: int, names: tuple[str, ...]) -> _Slot:
    fields = tuple(sorted(set(names).intersection(SLOT_FIELDS[slot])))
    return _Slot(
        salt=slice(_SALT_OCTETS * number, _SALT_OCTETS * (number + 1)),
        fields=fields,
        name=f'"{slot}":'.encode(),
        only=f'{{"{fields[0]}":'.encode() if len(fields) == 1 else b"",
    )
