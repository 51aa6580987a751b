"""What a tenant registers."""

import pytest

from auditroll.errors import PolicyError
from auditroll.event.registry import UNREGISTERED, Registry
from tests.unit.event.records import PSEUDO


def test_without_registrations_the_formats_grammars_decide() -> None:
    assert UNREGISTERED.fits_reference("patient:1274")
    assert not UNREGISTERED.fits_reference("patient")
    assert UNREGISTERED.allows("x.anything")
    assert UNREGISTERED.allows("x-anything")
    assert UNREGISTERED.allows("treatment")


def test_a_grammar_matches_the_whole_opaque_part() -> None:
    registry = Registry.compile(resource_grammars={"file": "[0-9]{4}|[a-z]{2}"})
    assert registry.fits_reference("file:0042")
    assert registry.fits_reference("file:ab")
    assert not registry.fits_reference("file:00421")
    assert not registry.fits_reference("file:abc")
    assert registry.fits_reference("room:anything")


def test_a_personal_type_is_stored_as_a_pseudonym() -> None:
    registry = Registry.compile(personal_types=["patient"])
    assert registry.is_personal("patient:1274")
    assert not registry.is_personal("file:1274")
    assert registry.fits_reference(f"patient:{PSEUDO}")
    assert not registry.fits_reference("patient:1274")


def test_only_registered_codes_are_allowed() -> None:
    registry = Registry.compile(purposes={"x-teaching"}, event_types={"x.door"})
    assert registry.allows("x-teaching")
    assert registry.allows("x.door")
    assert not registry.allows("x-other")
    assert not registry.allows("x.other")


@pytest.mark.parametrize("text", ["(?=a)", r"(a)\1", "(", "a{1001}"])
def test_a_grammar_that_cannot_be_matched_in_linear_time_is_refused(text: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Registry.compile(resource_grammars={"file": text})
    assert refused.value.code == "resource-grammar"
