"""From the octets of a batch to events.

The fast path decodes the whole batch at once and encodes it again: if that gives the same octets,
no line held a key twice, an unknown field, a number in another form or a field out of order, none
of which the decoder would have told. Lines that differ are parsed one by one with every refusal of
the format.

Source: docs/reference/format.md sections 2 and 11.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET

from auditroll.collect.admission import Admission
from auditroll.event import FIELDS, MAX_LINE_OCTETS, Event, Refused, decode
from auditroll.event.check import normalise

__all__ = ["encode_event", "read_lines", "split_lines"]

# What a producer may send; everything else of the table is set here, whatever a line says.
SENT = frozenset(
    name for name, spec in FIELDS.items() if spec.by == "P" or spec.identity
) & frozenset(Event.__struct_fields__)
_SET_HERE = attrgetter(*sorted(frozenset(Event.__struct_fields__) - SENT))
_NOTHING_SET = (UNSET,) * (len(Event.__struct_fields__) - len(SENT))

_DECODER = msgspec.json.Decoder(Event)
# Fields are declared in sorted order; "deterministic" sorts the keys of maps as well.
_ENCODER = msgspec.json.Encoder(order="deterministic")

encode_event = _ENCODER.encode


def split_lines(octets: bytes) -> list[bytes]:
    """Return the lines of a body without their LF; a last one may lack it."""
    lines = octets.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def read_lines(octets: bytes, seqs: Sequence[int]) -> Admission:
    """Decode lines.

    Args:
        octets: The lines, each with its LF.
        seqs: The sequence number that each line must have; as many as lines.

    Returns:
        Events in the order of their lines, and the codes of lines that hold none.
    """
    events = _all_at_once(octets, len(seqs))
    if events is not None:
        return Admission(events, list(seqs), {})
    admission = Admission([], [], {})
    for line, seq in zip(split_lines(octets), seqs, strict=True):
        try:
            event = _canonical(line) or _strict(line)
        except Refused as refused:
            admission.refused[seq] = refused.code
        except msgspec.ValidationError:
            admission.refused[seq] = "grammar"
        else:
            admission.events.append(event)
            admission.seqs.append(seq)
    return admission


def _all_at_once(octets: bytes, count: int) -> list[Event] | None:
    """Return the events if every line is canonical and holds only what a producer sends."""
    if _has_long_line(octets):
        return None
    try:
        events = _DECODER.decode_lines(octets)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if len(events) != count or _ENCODER.encode_lines(events) != octets:
        return None
    return events if all(_SET_HERE(event) == _NOTHING_SET for event in events) else None


def _has_long_line(octets: bytes) -> bool:
    """Tell whether a line exceeds its limit, in steps of about that limit."""
    start = 0
    while len(octets) - start > MAX_LINE_OCTETS:
        end = octets.rfind(b"\n", start, start + MAX_LINE_OCTETS + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _canonical(line: bytes) -> Event | None:
    if len(line) > MAX_LINE_OCTETS:
        raise Refused("size")
    try:
        event = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if _ENCODER.encode(event) != line or _SET_HERE(event) != _NOTHING_SET:
        return None
    return event


def _strict(line: bytes) -> Event:
    """Parse with every refusal, apply aliases, drop and count what no producer may send."""
    record: dict[str, Any] = normalise(decode(line))
    unknown = record.keys() - SENT
    for name in unknown:
        del record[name]
    event = msgspec.convert(record, Event)
    if unknown:
        before = event.dropped_fields
        event.dropped_fields = len(unknown) + (0 if before is UNSET else before)
    return event
