"""The explicit Arrow schema of a segment.

Source: format reference, section 10.
"""

from functools import cache
from typing import Any, Final

from auditroll.event.fields import FIELDS, SEGMENT_COLUMNS, SLOT_OF
from auditroll.segment.arrow import Schema, pa

__all__ = [
    "LEAF",
    "OBJECT_FIELDS",
    "OPENING",
    "PUBLIC_COLUMNS",
    "SEED",
    "SEED_OCTETS",
    "TIME_FIELDS",
    "arrow_schema",
    "arrow_type",
]

LEAF: Final = "leaf"
SEED: Final = "seed"
OPENING: Final = "opening"
SEED_OCTETS: Final = 16

PUBLIC_COLUMNS: Final = tuple(name for name in SEGMENT_COLUMNS if name not in SLOT_OF)
TIME_FIELDS: Final = tuple(name for name in SEGMENT_COLUMNS if FIELDS[name].kind == "time")
# Fields whose value is a JSON object.
OBJECT_FIELDS: Final = frozenset(
    name for name in SEGMENT_COLUMNS if FIELDS[name].kind in {"counts", "hashes", "ext"}
)


@cache
def arrow_type(name: str) -> Any:
    """Return the Arrow type of a field's column."""
    types = {
        "str": pa.utf8(),
        "enum": pa.utf8(),
        "int": pa.int64(),
        "bool": pa.bool_(),
        "time": pa.timestamp("ms", "UTC"),
        "list": pa.list_(pa.utf8()),
        "counts": pa.map_(pa.utf8(), pa.int64()),
        "hashes": pa.map_(pa.utf8(), pa.utf8()),
        "ext": pa.utf8(),
    }
    return types[FIELDS[name].kind]


@cache
def arrow_schema() -> Schema:
    """Return the columns of every segment, in order: leaf, seed, opening, the fields by name."""
    return pa.schema(
        [
            pa.field(LEAF, pa.binary(), nullable=False),
            pa.field(SEED, pa.binary(SEED_OCTETS)),
            pa.field(OPENING, pa.utf8()),
            *(pa.field(name, arrow_type(name)) for name in SEGMENT_COLUMNS),
        ]
    )
