"""The record: one definition, its grammars, its canonical octets."""

from auditroll.event.canonical import (
    MAX_INTEGER,
    MAX_LEAF_OCTETS,
    MAX_LINE_OCTETS,
    Refused,
    decode,
    decode_exact,
    encode,
)
from auditroll.event.fields import (
    FIELDS,
    PUBLIC_FIELDS,
    SEGMENT_COLUMNS,
    SLOT_FIELDS,
    SLOT_OF,
    SLOTS,
)
from auditroll.event.ids import request_id, uuid7
from auditroll.event.model import Envelope, Event
from auditroll.event.spec import Spec
from auditroll.event.times import format_time, parse_time

__all__ = [
    "FIELDS",
    "MAX_INTEGER",
    "MAX_LEAF_OCTETS",
    "MAX_LINE_OCTETS",
    "PUBLIC_FIELDS",
    "SEGMENT_COLUMNS",
    "SLOTS",
    "SLOT_FIELDS",
    "SLOT_OF",
    "Envelope",
    "Event",
    "Refused",
    "Spec",
    "decode",
    "decode_exact",
    "encode",
    "format_time",
    "parse_time",
    "request_id",
    "uuid7",
]
