"""The record as JSON Schema, generated from the one definition.

The schema accepts every record that `check_event` (stored) and `check_fact` accept. It cannot say
everything: real instants, sorted arrays, `part` against `parts` are theirs alone.
"""

from collections.abc import Collection
from typing import Any

from auditroll.event.facts import FACTS, Fact, fact_shapes
from auditroll.event.fields import ENVELOPE_FIELDS, FIELDS, PRODUCER_FACT_FIELDS
from auditroll.event.rules import (
    FALLBACK_FIELDS,
    PRODUCER_FIELDS,
    REQUIRED_BY_PURPOSE,
    REQUIRED_BY_TYPE,
    REQUIRED_WITH,
)
from auditroll.event.shape import shape_of
from auditroll.event.spec import Spec

__all__ = ["schema"]

_Schema = dict[str, Any]


def schema() -> _Schema:
    """Return the JSON Schema (2020-12) of a stored record, its slots merged into it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:auditroll:record:1",
        "title": "auditroll record, schema version 1",
        "type": "object",
        "required": ["event_type"],
        "if": {"properties": {"event_type": {"enum": sorted(FACTS)}}},
        "then": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in sorted(FACTS)]},
        "else": {"$ref": "#/$defs/event"},
        "$defs": {"event": _event(), **{name: _fact(name, FACTS[name]) for name in sorted(FACTS)}},
    }


def _event() -> _Schema:
    shown = {name: spec for name, spec in FIELDS.items() if name != "note"}
    return {
        "type": "object",
        "properties": {name: _property(spec) for name, spec in shown.items()},
        "additionalProperties": False,
        "required": [
            name for name, spec in shown.items() if spec.required and name not in ENVELOPE_FIELDS
        ],
        "dependentRequired": {name: sorted(needed) for name, needed in REQUIRED_WITH.items()},
        "allOf": [
            *(_when("event_type", name, needed) for name, needed in REQUIRED_BY_TYPE.items()),
            *(
                _when("purpose_of_use", name, needed)
                for name, needed in REQUIRED_BY_PURPOSE.items()
            ),
            *_outcome_rules(),
            *_type_rules(),
        ],
    }


def _property(spec: Spec) -> _Schema:
    unit = f" Unit: {spec.unit}." if spec.unit else ""
    return {"description": spec.doc + unit, **shape_of(spec).schema()}


def _is(field: str, *values: str | int) -> _Schema:
    return {"properties": {field: {"enum": list(values)}}, "required": [field]}


def _when(field: str, value: str, needed: Collection[str]) -> _Schema:
    return {"if": _is(field, value), "then": {"required": sorted(needed)}}


def _outcome_rules() -> list[_Schema]:
    failed = {"properties": {"status_code": {"minimum": 400}}, "required": ["status_code"]}
    success = {"properties": {"success": {"const": True}}}
    failure = {"properties": {"success": {"const": False}}}
    return [
        {"if": _is("outcome", "ok"), "then": success, "else": failure},
        {"if": _is("status_code", 401, 403), "then": _is("outcome", "denied")},
        {"if": failed, "then": {"not": _is("outcome", "ok")}},
    ]


def _type_rules() -> list[_Schema]:
    """Return which types alone may have certain fields, and which may have few."""
    rules: list[_Schema] = []
    for field in sorted(PRODUCER_FACT_FIELDS):
        types = [name for name, own in PRODUCER_FIELDS.items() if field in own]
        rules.append({"if": {"required": [field]}, "then": _is("event_type", *types)})
    fallback = {**_is("outcome", "unknown"), "propertyNames": {"enum": sorted(FALLBACK_FIELDS)}}
    opened = _is("producer_seq", 0)
    rules.append({"if": _is("event_type", "recorder.fallback"), "then": fallback})
    rules.append({"if": _is("event_type", "producer.open"), "then": opened})
    return rules


def _fact(name: str, fact: Fact) -> _Schema:
    required = {"event_id", "event_type", "timestamp"} | (fact.fields.keys() - fact.optional)
    if fact.home == "ledger":
        required |= {"tenant_id"}
    return {
        "description": fact.doc,
        "type": "object",
        "properties": {key: shape.schema() for key, shape in sorted(fact_shapes(name).items())},
        "additionalProperties": False,
        "required": sorted(required),
    }
