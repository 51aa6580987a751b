"""The reference page and the JSON Schema are what the definition says.

After a change of the definition: AUDITROLL_WRITE_DOCS=1 pytest tests/unit/event/test_reference.py
"""

import os
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from auditroll.event.facts import FACTS
from auditroll.event.fields import FIELDS
from auditroll.event.grammar import PATTERNS
from auditroll.event.jsonschema import schema
from auditroll.event.reference import record_page
from tests.support import ROOT
from tests.unit.event.records import PSEUDO, model_call, stored
from tests.unit.event.test_facts import FIELDS as FACT_FIELDS
from tests.unit.event.test_facts import fact

REFERENCE = ROOT / "docs" / "reference"
VALIDATOR = jsonschema.Draft202012Validator(schema())


def held(path: Path, text: str) -> str:
    """Return what the page says; with AUDITROLL_WRITE_DOCS set, after writing it."""
    if os.environ.get("AUDITROLL_WRITE_DOCS"):
        path.write_text(text)
    return path.read_text()


def test_the_schema_is_published() -> None:
    text = msgspec.json.format(msgspec.json.encode(schema()), indent=1).decode() + "\n"
    assert held(REFERENCE / "record.schema.json", text) == text
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_page_is_published() -> None:
    page = record_page()
    assert held(REFERENCE / "record.md", page) == page


def test_the_page_shows_every_field_fact_and_grammar() -> None:
    page = record_page()
    assert all(f"| `{name}` |" in page for name in (*FIELDS, *FACTS))
    assert all(f"| {name} |" in page for name in PATTERNS)


@pytest.mark.parametrize("record", [stored(), model_call()])
def test_the_schema_accepts_events(record: dict[str, Any]) -> None:
    VALIDATOR.validate(record)


@pytest.mark.parametrize("event_type", sorted(FACT_FIELDS))
def test_the_schema_accepts_facts(event_type: str) -> None:
    VALIDATOR.validate(fact(event_type))


@pytest.mark.parametrize(
    "record",
    [
        {},
        stored(event_id=None),
        stored(user_id="jane"),
        stored(unheard_of=1),
        stored(note="x"),
        stored(success=False),
        stored(status_code=403),
        stored(status_code=500),
        stored(status_code=None),
        stored(resource_type=None),
        stored(purpose_of_use="break-glass"),
        stored(mode="strict"),
        stored(event_type="producer.open", mode="strict"),
        stored(event_type="recorder.fallback"),
        model_call(usage_state=None),
        stored(resource_ids=[f"patient:{PSEUDO}"] * 101, resource_count=101),
        fact("ledger.gap", resolved=None),
        fact("ledger.gap", user_id="anonymous"),
        fact("ledger.gap", tenant_id=None),
    ],
)
def test_the_schema_refuses(record: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(record)
