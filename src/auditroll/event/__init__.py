"""The record: one definition, its grammars, its canonical octets."""

from auditroll.event.batch import as_record, check_batch
from auditroll.event.canonical import (
    MAX_INTEGER,
    MAX_LEAF_OCTETS,
    MAX_LINE_OCTETS,
    Refused,
    decode,
    decode_exact,
    encode,
)
from auditroll.event.check import Invalid, check_event, normalise
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
from auditroll.event.registry import UNREGISTERED, Registry
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
    "UNREGISTERED",
    "Envelope",
    "Event",
    "Invalid",
    "Refused",
    "Registry",
    "Spec",
    "as_record",
    "check_batch",
    "check_event",
    "decode",
    "decode_exact",
    "encode",
    "format_time",
    "normalise",
    "parse_time",
    "request_id",
    "uuid7",
]
