"""The public and the sealed part of a record (format reference, section 4)."""

from collections.abc import Mapping, Sequence
from hashlib import sha256, shake_128
from typing import Any, Final, NamedTuple

import msgspec

from auditroll.event.canonical import MAX_LEAF_OCTETS, Refused
from auditroll.event.fields import SLOT_OF, SLOTS

__all__ = [
    "SCHEMA_VERSION",
    "SEED_OCTETS",
    "Sealed",
    "commitment",
    "make_leaf",
    "salts",
    "seal_record",
    "seal_slots",
    "sealed_hash",
    "split",
]

SCHEMA_VERSION: Final = 1
SEED_OCTETS: Final = 16
_SALT_OCTETS: Final = 16
_EMPTY: Final = b"{}"
# The octets of `event.canonical.encode` for values that were checked before.
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_NUMBER: Final = {slot: number for number, slot in enumerate(SLOTS)}
_SLOT_NUMBER_OF: Final = {field: _NUMBER[slot] for field, slot in SLOT_OF.items()}


class Sealed(NamedTuple):
    """A record split into what enters the log and what its commitments hide.

    Args:
        public: Fields of the public part, without the envelope.
        slots: The slots that hold fields.
        sealed: Hash over the six commitments, 64 hex digits.
    """

    public: dict[str, Any]
    slots: dict[str, dict[str, Any]]
    sealed: str


def salts(seed: bytes) -> tuple[bytes, ...]:
    """Return the six slots' salts.

    Args:
        seed: 16 random octets, one seed a record, never derived from content.

    Raises:
        ValueError: Not 16 octets.
    """
    if len(seed) != SEED_OCTETS:
        raise ValueError("a seed has 16 octets")
    pieces = shake_128(seed).digest(_SALT_OCTETS * len(SLOTS))
    return tuple(pieces[at : at + _SALT_OCTETS] for at in range(0, len(pieces), _SALT_OCTETS))


def commitment(salt: bytes, slot: Mapping[str, Any]) -> bytes:
    """Return the commitment to one slot; an empty slot has one too.

    Args:
        salt: The slot's 16 octets.
        slot: The slot's present fields, values of the accepted JSON subset.
    """
    return sha256(salt + _encode(slot)).digest()


def sealed_hash(commitments: Sequence[bytes]) -> str:
    """Return `sealed`: the hash over the six commitments in slot order, 64 hex digits."""
    return sha256(b"".join(commitments)).hexdigest()


def seal_slots(seed: bytes, slots: Mapping[str, Mapping[str, Any]]) -> str:
    """Return `sealed` of a record whose six slots are all known."""
    return sealed_hash(
        [
            commitment(salt, slots.get(slot, {}))
            for slot, salt in zip(SLOTS, salts(seed), strict=True)
        ]
    )


def split(record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the public part and the slots that hold fields."""
    public, slots = dict(record), dict[str, dict[str, Any]]()
    for name in public.keys() & SLOT_OF.keys():
        slots.setdefault(SLOT_OF[name], {})[name] = public.pop(name)
    return public, slots


def seal_record(record: dict[str, Any], seed: bytes) -> Sealed:
    """Split `record` and commit to its slots; the hot path of the sequencer.

    Args:
        record: A flat record; its slot fields are moved out of it.
        seed: 16 random octets.
    """
    slots: dict[str, dict[str, Any]] = {}
    for name in record.keys() & _SLOT_NUMBER_OF.keys():
        slot = SLOT_OF[name]
        held = slots.get(slot)
        if held is None:
            slots[slot] = {name: record.pop(name)}
        else:
            held[name] = record.pop(name)
    pieces = shake_128(seed).digest(96)
    encode = _encode
    digests = [
        sha256(
            pieces[16 * number : 16 * number + 16]
            + (encode(slots[slot]) if slot in slots else _EMPTY)
        ).digest()
        for number, slot in enumerate(SLOTS)
    ]
    return Sealed(record, slots, sha256(b"".join(digests)).hexdigest())


def make_leaf(
    public: dict[str, Any],
    *,
    stream: str,
    index: int,
    prev_hash: str,
    sealed: str,
    received_at: str,
) -> bytes:
    """Return the leaf: the only octets that enter a hash tree.

    Args:
        public: Public part without the envelope; the envelope is added to it.
        stream: Stream id, 32 hex digits.
        index: Place in the stream, from 0.
        prev_hash: Hash of the leaf before, 64 hex digits; zeros at index 0.
        sealed: From `seal_record`.
        received_at: TIME text.

    Raises:
        Refused: `size`, the leaf would exceed 65,535 octets.
    """
    public["schema_version"] = SCHEMA_VERSION
    public["stream"] = stream
    public["index"] = index
    public["prev_hash"] = prev_hash
    public["sealed"] = sealed
    public["received_at"] = received_at
    leaf = _encode(public)
    if len(leaf) > MAX_LEAF_OCTETS:
        raise Refused("size")
    return leaf
