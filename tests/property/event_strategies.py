"""Hypothesis strategies for records: valid ones, and valid ones with something wrong."""

import string
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from auditroll.event import MAX_INTEGER, format_time, uuid7
from auditroll.event.fields import ENVELOPE_FIELDS, FIELDS, PRODUCER_FACT_FIELDS
from auditroll.event.grammar import PATTERNS
from auditroll.event.model import Envelope
from auditroll.event.rules import REQUIRED_BY_PURPOSE, REQUIRED_BY_TYPE, REQUIRED_WITH
from auditroll.event.spec import Spec
from auditroll.event.times import MAX_MS
from auditroll.event.values import EVENT_TYPES

_KEY = string.ascii_letters + string.digits + "_.:-"

keys = st.text(_KEY, min_size=1, max_size=9) | st.just("k" * 64)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
integers = st.integers(-MAX_INTEGER, MAX_INTEGER)
times = st.integers(0, MAX_MS).map(format_time)

values = st.recursive(
    st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(keys, values, max_size=8)

_NETS = st.sampled_from(["0.0.0.0/24", "192.0.2.0/24", "2001:db8::/48", "::/48"])


def _hex(octets: int, before: str = "", after: str = "") -> st.SearchStrategy[str]:
    """Return hex digits of random octets: far cheaper than drawing each digit."""
    return st.binary(min_size=octets, max_size=octets).map(
        lambda found: before + found.hex() + after
    )


# What from_regex would draw slowly, and what a pattern alone does not describe.
_SPECIAL = {
    "ID16": _hex(16),
    "H32": _hex(32),
    "PSEUDO": _hex(16, "p_"),
    "USER": st.just("anonymous") | _hex(16, "p_"),
    "SUBJECT": _hex(16, "patient:p_") | _hex(16, "a:p_"),
    "HASH": _hex(32, "sha256:") | _hex(32, "hmac:k-1:"),
    "HMAC": _hex(32, "hmac:k:"),
    "SHA256": _hex(32, "sha256:"),
    "RID": _hex(16) | st.uuids().map(str),
    "UUID": st.uuids().map(str),
    "UUID7": st.builds(uuid7, st.integers(0, MAX_MS), st.binary(min_size=10, max_size=10)),
    "HEX": _hex(32),
    "TIME": times,
    "NET": _NETS,
    "B64": st.binary(min_size=48, max_size=90).map(lambda octets: b64encode(octets).decode()),
    "TRACE": _hex(15, after="0f"),
    "SPAN": _hex(7, "a0"),
}


def grammar(name: str) -> st.SearchStrategy[str]:
    """Return strings of a named grammar."""
    if name in _SPECIAL:
        return _SPECIAL[name]
    return st.from_regex(PATTERNS[name], fullmatch=True)


def _strings(spec: Spec) -> st.SearchStrategy[str]:
    closed = st.sampled_from(spec.values) if spec.values else st.nothing()
    return closed | grammar(spec.grammar) if spec.grammar else closed


def _maps(spec: Spec, items: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(spec.values) if spec.values else grammar(spec.key)
    return st.dictionaries(names, items, max_size=min(spec.most, 4))


def _counts(spec: Spec) -> st.SearchStrategy[dict[str, int]]:
    maps = _maps(spec, st.integers(spec.minimum, spec.maximum))
    return maps.map(lambda found: {k: v & 1 if k in spec.bits else v for k, v in found.items()})


def _lists(spec: Spec) -> st.SearchStrategy[list[str]]:
    most = min(spec.most, 5)
    if spec.unique:
        return st.sets(_strings(spec), max_size=most).map(sorted)
    return st.lists(_strings(spec), min_size=spec.least, max_size=most)


_EXT = st.integers(0, MAX_INTEGER) | st.booleans() | grammar("CODE") | grammar("REF")


def field(spec: Spec) -> st.SearchStrategy[Any]:
    """Return stored values of a field."""
    by_kind = {
        "int": lambda: st.integers(spec.minimum, spec.maximum),
        "bool": st.booleans,
        "list": lambda: _lists(spec),
        "counts": lambda: _counts(spec),
        "hashes": lambda: _maps(spec, grammar(spec.grammar)),
        "ext": lambda: _maps(spec, _EXT),
    }
    return by_kind.get(spec.kind, lambda: _strings(spec))()


envelopes = st.builds(Envelope, c=grammar("B64"), e=grammar("NAME"), l=grammar("H32"))
entities = st.builds(
    Envelope, c=grammar("B64"), e=grammar("NAME"), l=grammar("H32"), t=grammar("TYPE")
)
_WIRE = {
    "user_id": st.just("anonymous") | envelopes,
    "on_behalf_of": envelopes,
    "source_ip": envelopes,
    "subject_id": entities,
    "resource_id": grammar("REF") | entities,
    "resource_ids": st.lists(grammar("REF") | entities, min_size=1, max_size=4),
}
_STORED: Mapping[str, st.SearchStrategy[Any]] = {
    name: field(spec) for name, spec in FIELDS.items() if name not in ENVELOPE_FIELDS
}
_SPECIAL_TYPES = {"recorder.fallback", "producer.open", "producer.heartbeat", "producer.close"}
_OPTIONAL = [
    name
    for name, spec in FIELDS.items()
    if not spec.required and name not in PRODUCER_FACT_FIELDS and name != "note"
]
_REQUIRED = [n for n, s in FIELDS.items() if s.required and n not in ENVELOPE_FIELDS]


@st.composite
def events(draw: st.DrawFn, *, stored: bool) -> dict[str, Any]:
    """Return valid events: fields first, then what the rules between fields demand of them."""
    known = _STORED if stored else {**_STORED, **_WIRE}
    chosen = [*_REQUIRED, *draw(st.lists(st.sampled_from(_OPTIONAL), unique=True, max_size=9))]
    if not stored:
        chosen = [n for n in chosen if FIELDS[n].by == "P" or FIELDS[n].identity]
    record = {name: draw(known[name]) for name in chosen}
    record["event_type"] = draw(
        st.sampled_from([name for name in EVENT_TYPES if name not in _SPECIAL_TYPES])
    )
    for name in _demanded(record):
        record.setdefault(name, draw(known[name]))
    if "part" in record:
        record["part"] = min(record["part"], record["parts"])
    status = record.get("status_code", 200)
    if status in {401, 403}:
        record["outcome"] = "denied"
    elif status >= 400 and record["outcome"] == "ok":
        record["outcome"] = "error"
    record["success"] = record["outcome"] == "ok"
    return record


def _demanded(record: dict[str, Any]) -> list[str]:
    found = [name for have, need in REQUIRED_WITH.items() if have in record for name in need]
    found += REQUIRED_BY_TYPE.get(record["event_type"], ())
    found += REQUIRED_BY_PURPOSE.get(record.get("purpose_of_use", ""), ())
    return found


# Deliberately wrong somewhere.
_ODD = st.sampled_from(
    [None, True, 0, -1, 1.0, "", "x", "A", "\n", [], {}, ["a"], {"a": 1}, "anonymous", 2**53]
)


@st.composite
def spoiled_events(draw: st.DrawFn, *, stored: bool) -> dict[str, Any]:
    """Return events of which a few fields were dropped, swapped or replaced by something odd."""
    record = draw(events(stored=stored))
    names = st.sampled_from(sorted({*record, "note", "mode", "last_seq", "part", "resource_ids"}))
    for name in draw(st.lists(names, max_size=3)):
        how = draw(st.sampled_from(["drop", "odd", "redraw", "type"]))
        if how == "drop":
            record.pop(name, None)
        elif how == "odd":
            record[name] = draw(_ODD)
        elif how == "redraw":
            record[name] = draw(_STORED[name])
        else:
            record["event_type"] = draw(st.sampled_from(EVENT_TYPES))
    return record
