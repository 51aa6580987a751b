"""The field table, derived from the model (format reference, section 5)."""

from collections.abc import Mapping
from typing import Final, get_type_hints

from auditroll.event.model import Event
from auditroll.event.spec import SLOTS, Spec

__all__ = [
    "ENVELOPE_FIELDS",
    "FIELDS",
    "PRODUCER_FACT_FIELDS",
    "PUBLIC_FIELDS",
    "SEGMENT_COLUMNS",
    "SLOTS",
    "SLOT_FIELDS",
    "SLOT_OF",
]

# What the ledger adds; these fields are in every leaf of every stream (section 5.1).
ENVELOPE_FIELDS: Final[Mapping[str, Spec]] = {
    "index": Spec("envelope", "Place in the stream, from 0.", kind="int", required=True, by="S"),
    "prev_hash": Spec(
        "envelope", "Hash of the leaf before this one.", grammar="H32", required=True, by="S"
    ),
    "received_at": Spec(
        "envelope",
        "When the collector took the record.",
        kind="time",
        grammar="TIME",
        required=True,
        by="C",
    ),
    "schema_version": Spec(
        "envelope",
        "Version of this table.",
        kind="int",
        required=True,
        by="C",
        minimum=1,
        maximum=1,
    ),
    "sealed": Spec(
        "envelope", "Hash over the six slots' commitments.", grammar="H32", required=True, by="C"
    ),
    "stream": Spec("envelope", "Stream id.", grammar="ID16", required=True, by="C"),
}

# Extra public fields of producer.* events (section 6); they have no segment column.
PRODUCER_FACT_FIELDS: Final = frozenset(
    {"dropped", "last_seq", "mode", "previous_epoch", "seen", "written"}
)


def _declared() -> dict[str, Spec]:
    hints = get_type_hints(Event, include_extras=True)
    return {name: spec for name, hint in hints.items() for spec in hint.__metadata__}


FIELDS: Final[Mapping[str, Spec]] = dict(sorted({**ENVELOPE_FIELDS, **_declared()}.items()))

SLOT_OF: Final[Mapping[str, str]] = {
    name: spec.place for name, spec in FIELDS.items() if spec.place != "public"
}

SLOT_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    slot: tuple(name for name, place in SLOT_OF.items() if place == slot) for slot in SLOTS
}

PUBLIC_FIELDS: Final = frozenset(FIELDS) - frozenset(SLOT_OF)

# Sections 5.1, 5.2 and 5.3, sorted by name: the typed columns of a segment.
SEGMENT_COLUMNS: Final = tuple(name for name in FIELDS if name not in PRODUCER_FACT_FIELDS)
