"""One record as it leaves the log: leaf and opening in one canonical line (section 12)."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, cast

import msgspec
import orjson

from auditroll.errors import IntegrityError
from auditroll.event.canonical import Refused, decode_exact
from auditroll.event.fields import SLOT_FIELDS, SLOTS
from auditroll.tlog.hashing import leaf_hash
from auditroll.tlog.slots import commitment, salts, sealed_hash

__all__ = [
    "MAX_LINE_OCTETS",
    "BadLine",
    "Hidden",
    "Line",
    "encode_line",
    "parse_line",
    "withhold",
]

# A leaf as JSON string at worst doubles (every octet escaped would be six, but a leaf is JSON).
MAX_LINE_OCTETS: Final = 2**20

_H32 = re.compile("[0-9a-f]{64}")
_ID16 = re.compile("[0-9a-f]{32}")
_MARKER = re.compile(r"\[REDACTED:[A-Z0-9_]{1,32}\]")


class BadLine(IntegrityError):
    """A line that is no line of the format; the verifier calls it `altered`."""

    def __init__(self, reason: str) -> None:
        super().__init__("bad-line", f"not a line of the format: {reason}")


class Hidden(msgspec.Struct, frozen=True, omit_defaults=True):
    """A slot whose values are not shown.

    Args:
        commitment: The slot's commitment, 64 hex digits.
        why: `redacted` or `withheld`.
        marker: What stands in the place of a redacted value.
    """

    commitment: str
    why: str
    marker: str | None = None


class Line(msgspec.Struct, frozen=True):
    """A record with its opening, or only the hash of its leaf.

    Exactly one of three forms: whole (`leaf`, `seed`, `slots`), with hidden slots (`leaf`,
    `salts` of the shown slots, `hidden`, `slots`), or leaf only (`index`, `leaf_hash`).

    Args:
        leaf: The hashed octets; empty if only the hash is known.
        seed: 16 octets that open all slots; None if a slot is hidden.
        slots: The shown slots that hold fields.
        hidden: Hidden slots by name.
        salts: Salts of the shown slots, if a slot is hidden.
        index: Place in the stream, in the leaf-only form; else -1.
        hash_only: The leaf's hash in the leaf-only form, else empty.
    """

    leaf: bytes = b""
    seed: bytes | None = None
    slots: dict[str, dict[str, Any]] = {}
    hidden: dict[str, Hidden] = {}
    salts: dict[str, bytes] = {}
    index: int = -1
    hash_only: bytes = b""

    def leaf_hash(self) -> bytes:
        """Return the hash that enters chain and tree."""
        return self.hash_only or leaf_hash(self.leaf)

    def sealed(self) -> str:
        """Return `sealed` re-computed from the opening, 64 hex digits."""
        known = dict(zip(SLOTS, salts(self.seed), strict=True)) if self.seed else self.salts
        return sealed_hash(
            [
                bytes.fromhex(self.hidden[slot].commitment)
                if slot in self.hidden
                else commitment(known[slot], self.slots.get(slot, {}))
                for slot in SLOTS
            ]
        )

    def record(self) -> dict[str, Any]:
        """Return the flat record: public part and shown slot fields together."""
        flat: dict[str, Any] = orjson.loads(self.leaf) if self.leaf else {"index": self.index}
        for fields in self.slots.values():
            flat.update(fields)
        return flat


def encode_line(line: Line) -> bytes:
    """Return the canonical octets of `line` and an LF."""
    return orjson.dumps(_members(line), option=orjson.OPT_SORT_KEYS) + b"\n"


def parse_line(octets: bytes) -> Line:
    """Return the line that `octets` hold, without their LF.

    Raises:
        BadLine: Not canonical, or no form of section 12. What the leaf says is not checked here.
    """
    try:
        # A line nests one container deeper than a leaf's slots, far below the limit of 8.
        found = decode_exact(octets, limit=MAX_LINE_OCTETS)
    except Refused as refused:
        raise BadLine(refused.code) from None
    keys = set(found)
    if keys == {"index", "leaf_hash"}:
        return _leaf_only(found)
    if keys == {"leaf", "seed", "slots"}:
        return Line(
            leaf=_leaf(found["leaf"]),
            seed=bytes.fromhex(_matched(_ID16, found["seed"], "seed")),
            slots=_slots(found["slots"]),
        )
    if keys == {"hidden", "leaf", "salts", "slots"}:
        return _with_hidden(found)
    raise BadLine("members")


def withhold(line: Line, slots: Collection[str]) -> Line:
    """Return `line` without the values of these slots; it proves the same leaf.

    A slot that holds nothing is withheld, too, so that nobody sees that it was empty. What is
    hidden already stays as it is.

    Args:
        line: Any form of line.
        slots: Names of slots.

    Raises:
        ValueError: There is no slot of that name.
    """
    if unknown := set(slots) - set(SLOTS):
        raise ValueError(f"no slot is called {min(unknown)}")
    hide = set(slots) - line.hidden.keys()
    if line.hash_only or not hide:
        return line
    known = dict(line.salts)
    if line.seed is not None:
        known.update(zip(SLOTS, salts(line.seed), strict=True))
    withheld = {
        slot: Hidden(commitment(known[slot], line.slots.get(slot, {})).hex(), "withheld")
        for slot in hide
    }
    return Line(
        leaf=line.leaf,
        slots={slot: fields for slot, fields in line.slots.items() if slot not in hide},
        hidden=line.hidden | withheld,
        salts={slot: salt for slot, salt in known.items() if slot not in hide},
    )


def _members(line: Line) -> dict[str, Any]:
    if line.hash_only:
        return {"index": line.index, "leaf_hash": line.hash_only.hex()}
    members: dict[str, Any] = {"leaf": line.leaf.decode(), "slots": line.slots}
    if line.seed is not None:
        return members | {"seed": line.seed.hex()}
    return members | {
        "hidden": {
            slot: {
                name: value
                for name, value in (
                    ("commitment", hidden.commitment),
                    ("marker", hidden.marker),
                    ("why", hidden.why),
                )
                if value is not None
            }
            for slot, hidden in line.hidden.items()
        },
        "salts": {slot: salt.hex() for slot, salt in line.salts.items()},
    }


def _leaf_only(found: Mapping[str, Any]) -> Line:
    if type(found["index"]) is not int or found["index"] < 0:
        raise BadLine("index")
    digest = bytes.fromhex(_matched(_H32, found["leaf_hash"], "leaf_hash"))
    return Line(index=found["index"], hash_only=digest)


def _with_hidden(found: Mapping[str, Any]) -> Line:
    hidden, shown = _objects(found["hidden"]), _object(found["salts"])
    if not hidden or not hidden.keys() <= set(SLOTS):
        raise BadLine("hidden")
    if shown.keys() != set(SLOTS) - hidden.keys():
        raise BadLine("salts")
    slots = _slots(found["slots"])
    if slots.keys() & hidden.keys():
        raise BadLine("a hidden slot is shown")
    return Line(
        leaf=_leaf(found["leaf"]),
        slots=slots,
        hidden={slot: _hidden(members) for slot, members in hidden.items()},
        salts={slot: bytes.fromhex(_matched(_ID16, salt, "salts")) for slot, salt in shown.items()},
    )


def _hidden(members: Mapping[str, Any]) -> Hidden:
    why = members.get("why")
    wanted = {"commitment", "marker", "why"} if why == "redacted" else {"commitment", "why"}
    if why not in ("redacted", "withheld") or set(members) != wanted:
        raise BadLine("hidden")
    marker = _matched(_MARKER, members["marker"], "marker") if why == "redacted" else None
    return Hidden(_matched(_H32, members["commitment"], "commitment"), why, marker)


def _slots(value: Any) -> dict[str, dict[str, Any]]:
    slots = _objects(value)
    for slot, fields in slots.items():
        if not fields or not fields.keys() <= set(SLOT_FIELDS.get(slot, ())):
            raise BadLine("slots")
    return slots


def _objects(value: Any) -> dict[str, dict[str, Any]]:
    found = _object(value)
    if not all(isinstance(item, dict) for item in found.values()):
        raise BadLine("not objects")
    return found


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadLine("not an object")
    return cast("dict[str, Any]", value)


def _leaf(value: Any) -> bytes:
    if not isinstance(value, str) or not value:
        raise BadLine("leaf")
    return value.encode()


def _matched(pattern: re.Pattern[str], value: Any, name: str) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise BadLine(name)
    return value
