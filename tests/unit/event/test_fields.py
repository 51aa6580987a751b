"""The one definition and what is derived from it, held to the text of the format."""

import re

import msgspec
import pytest

from auditroll.event.canonical import encode
from auditroll.event.facts import FACTS
from auditroll.event.fields import (
    ENVELOPE_FIELDS,
    FIELDS,
    PRODUCER_FACT_FIELDS,
    PUBLIC_FIELDS,
    SEGMENT_COLUMNS,
    SLOT_FIELDS,
    SLOT_OF,
    SLOTS,
)
from auditroll.event.model import Event
from auditroll.event.values import EVENT_TYPES
from tests.support import ROOT
from tests.unit.event.records import wire

FORMAT = (ROOT / "docs" / "reference" / "format.md").read_text()


def section(number: str) -> str:
    start = FORMAT.index(f"\n## {number}. ")
    return FORMAT[start : FORMAT.index("\n## ", start + 1)]


def names(text: str) -> set[str]:
    return set(re.findall(r"[a-z][a-z0-9_]+", text))


def table(heading: str) -> set[str]:
    """Return the names in the first column of a table of section 5."""
    body = section("5").split(f"### {heading}")[1].split("###")[0]
    cells = [line.split("|")[1] for line in body.splitlines() if line.startswith("| ")]
    return {name for cell in cells[1:] for name in names(cell)}


def test_the_fields_are_those_of_the_format() -> None:
    listed = table("5.1") | table("5.2") | table("5.3")
    assert set(SEGMENT_COLUMNS) == listed
    assert set(FIELDS) == listed | PRODUCER_FACT_FIELDS
    assert set(ENVELOPE_FIELDS) < table("5.1")


def test_the_slots_are_those_of_the_format() -> None:
    listed = section("4").split("Slot order and fields:")[1].split("Every field not named")[0]
    found = {slot: names(body) for slot, body in re.findall(r"`(\w+)` \(([^)]*)\)", listed)}
    assert list(found) == list(SLOTS)
    assert {slot: set(fields) for slot, fields in SLOT_FIELDS.items()} == found
    assert set(FIELDS) - set(SLOT_OF) == PUBLIC_FIELDS


def test_required_fields_are_those_of_the_format() -> None:
    rows = re.findall(r"^\| ([a-z_, ]+) \|[^\n]*\| R[ a-z]* \|[^\n]*$", section("5"), re.MULTILINE)
    assert {n for row in rows for n in names(row)} == {n for n, s in FIELDS.items() if s.required}


def test_event_types_and_facts_are_those_of_the_format() -> None:
    events, facts = section("6").split("Facts have")
    listed = re.findall(r"[a-z]+\.[a-z]+", events.split("`")[1])
    assert list(EVENT_TYPES) == listed
    rows = re.findall(r"^\| ([a-z]+\.[a-z]+)", facts, re.MULTILINE)
    assert set(FACTS) == {*rows, "retention.release"}


def test_enums_are_those_of_the_format() -> None:
    whole = section("5")
    for name, spec in FIELDS.items():
        if spec.kind == "enum" and name != "mode":
            row = next(
                line for line in whole.splitlines() if re.match(rf"\| [^|]*\b{name}\b", line)
            )
            assert all(re.search(rf"(?<![\w.]){re.escape(v)}(?![\w])", row) for v in spec.values)


def test_fields_are_declared_in_the_order_of_their_octets() -> None:
    assert list(Event.__struct_fields__) == sorted(Event.__struct_fields__)
    assert list(FIELDS) == sorted(FIELDS)
    assert list(SEGMENT_COLUMNS) == sorted(SEGMENT_COLUMNS)


def test_every_list_and_map_has_a_bound() -> None:
    bounded = {"list", "counts", "hashes", "ext"}
    assert all(spec.most > 0 for spec in FIELDS.values() if spec.kind in bounded)


def test_an_event_is_canonical_by_construction() -> None:
    record = msgspec.to_builtins(msgspec.convert(msgspec.to_builtins(wire()), Event))
    octets = encode(record)
    event = msgspec.json.decode(octets, type=Event)
    assert msgspec.json.encode(event) == octets


@pytest.mark.parametrize("octets", [b'{"user_id":{"c":"","e":"","l":"","x":1}}', b'{"success":1}'])
def test_an_event_has_the_types_of_its_fields(octets: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(octets, type=Event)
