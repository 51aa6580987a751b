"""One verdict, whether a record is judged alone, in a batch, or by the published schema."""

from typing import Any

import jsonschema
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from auditroll.event import Event, Invalid, Registry, as_record, check_batch, check_event
from auditroll.event.canonical import Refused, decode, encode
from auditroll.event.check import REQUIRED
from auditroll.event.fields import FIELDS
from auditroll.event.grammar import GRAMMARS, PATTERNS
from auditroll.event.jsonschema import schema
from tests.property.event_strategies import events, grammar, spoiled_events

FIELDS_OF_EVENT = frozenset(Event.__struct_fields__)
VALIDATOR = jsonschema.Draft202012Validator(schema())
REGISTRY = Registry.compile(
    personal_types={"a", "patient"},
    resource_grammars={"b": "[0-9]*", "file": "[a-f]+"},
    ext_fields={"a"},
    purposes={"x-a"},
    event_types={"x.a"},
)


def verdict(record: dict[str, Any], *, stored: bool, registry: Registry) -> Any:
    try:
        check_event(record, stored=stored, registry=registry)
    except Invalid as invalid:
        return invalid.code, invalid.field
    return None


def as_event(record: dict[str, Any]) -> Event:
    held = {name: value for name, value in record.items() if name in FIELDS_OF_EVENT}
    return Event(**{name: UNSET if value is None else value for name, value in held.items()})


@given(events(stored=True))
@settings(max_examples=40)
def test_what_the_definition_generates_is_valid_when_stored(record: dict[str, Any]) -> None:
    check_event(record, stored=True)


@given(events(stored=False))
@settings(max_examples=40)
def test_what_the_definition_generates_is_valid_on_the_wire(record: dict[str, Any]) -> None:
    check_event(record, stored=False)


@st.composite
def batches(draw: st.DrawFn) -> tuple[bool, list[dict[str, Any]]]:
    """Return whether they are stored, and many records of a few kinds, good and bad mixed."""
    stored = draw(st.booleans())
    kinds = st.lists(events(stored=stored) | spoiled_events(stored=stored), min_size=1, max_size=4)
    few = draw(kinds)
    return stored, draw(st.lists(st.sampled_from(few), min_size=8, max_size=12))


@given(batches(), st.sampled_from([Registry(), REGISTRY]))
@settings(max_examples=40)
def test_a_batch_gives_the_verdicts_of_its_events(
    case: tuple[bool, list[dict[str, Any]]], registry: Registry
) -> None:
    stored, records = case
    batch = [as_event(record) for record in records]
    expected = {
        index: found
        for index, event in enumerate(batch)
        if (found := verdict(as_record(event), stored=stored, registry=registry)) is not None
    }
    found = check_batch(batch, stored=stored, registry=registry)
    assert {index: (one.code, one.field) for index, one in found.items()} == expected


@given(events(stored=False), st.lists(spoiled_events(stored=False), max_size=2), st.data())
@settings(max_examples=30)
def test_one_bad_line_among_equal_ones_is_found(
    good: dict[str, Any], bad: list[dict[str, Any]], data: st.DataObject
) -> None:
    batch = [as_event(good | {"producer_seq": n}) for n in range(9)]
    for record in bad:
        batch[data.draw(st.integers(0, 8))] = as_event(record)
    expected = [
        index
        for index, event in enumerate(batch)
        if verdict(as_record(event), stored=False, registry=Registry()) is not None
    ]
    assert list(check_batch(batch)) == expected


@given(events(stored=True) | spoiled_events(stored=True))
@settings(max_examples=30)
def test_the_schema_accepts_what_the_check_accepts(record: dict[str, Any]) -> None:
    if verdict(record, stored=True, registry=Registry()) is None:
        VALIDATOR.validate(record)


@given(events(stored=False))
@settings(max_examples=40)
def test_an_event_survives_the_wire(record: dict[str, Any]) -> None:
    event = as_event(record)
    octets = msgspec.json.Encoder(order="deterministic").encode(event)
    assert octets == encode(decode(octets))
    assert msgspec.json.decode(octets, type=Event) == event


@given(events(stored=True))
@settings(max_examples=40)
def test_a_valid_stored_event_is_canonical_by_construction(record: dict[str, Any]) -> None:
    event = as_event(record)
    assert msgspec.json.Encoder(order="deterministic").encode(event) == encode(as_record(event))


@given(events(stored=True), st.sampled_from(REQUIRED[True]))
@settings(max_examples=40)
def test_without_a_required_field_nothing_is_valid(record: dict[str, Any], name: str) -> None:
    del record[name]
    assert verdict(record, stored=True, registry=Registry()) == ("required", name)


@given(spoiled_events(stored=True))
@settings(max_examples=40)
def test_a_verdict_has_one_of_its_codes(record: dict[str, Any]) -> None:
    found = verdict(record, stored=True, registry=Registry())
    assert found is None or found[0] in {"grammar", "required", "consistency"}


@given(spoiled_events(stored=True))
@settings(max_examples=40)
def test_what_is_valid_can_be_encoded(record: dict[str, Any]) -> None:
    if verdict(record, stored=True, registry=Registry()) is None:
        try:
            encode(record)
        except Refused as refused:
            raise AssertionError(refused.code) from refused


@given(st.sampled_from(sorted(PATTERNS)).flatmap(lambda n: st.tuples(st.just(n), grammar(n))))
@settings(max_examples=40)
def test_a_grammar_takes_its_own_language_and_nothing_appended(case: tuple[str, str]) -> None:
    name, text = case
    assert GRAMMARS[name](text)
    assert not GRAMMARS[name](text + "\n")
    assert not GRAMMARS[name](text + "\x00")


@given(st.sampled_from(sorted(FIELDS)), events(stored=True), st.text(max_size=20))
@settings(max_examples=40)
def test_a_value_that_fits_no_grammar_names_its_field(
    name: str, record: dict[str, Any], text: str
) -> None:
    record[name] = "\x00" + text
    found = verdict(record, stored=True, registry=Registry())
    assert found == ("grammar", name)
