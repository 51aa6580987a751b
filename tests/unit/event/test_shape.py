"""Shapes: the same set of values as a check and as JSON Schema."""

from typing import Any

import jsonschema
import pytest

from auditroll.event.shape import (
    AnyOf,
    Array,
    Choice,
    Flag,
    Members,
    Pair,
    Shape,
    Table,
    Text,
    Whole,
    itself,
)

CASES: list[tuple[Shape, list[Any], list[Any]]] = [
    (Text("NAME"), ["a"], ["A", 1, ["a"], True]),
    (Choice(("a", "b")), ["a"], ["c", 1]),
    (Choice(("a",), "PURPOSE"), ["a", "x-b"], ["b", "x-"]),
    (Whole(1, 5), [1, 5], [0, 6, True, "1", 2.5]),
    (Flag(), [True, False], [0, 1, "true"]),
    (AnyOf((Whole(), Flag())), [3, True], ["x", -1]),
    (Array(Whole()), [[], [3, 1]], ["x", [True], {}, 3]),
    (Array(Whole(), 1, 2), [[1], [1, 2]], [[], [1, 2, 3]]),
    (Array(Text("NAME"), key=itself), [[], ["a", "b"]], [["a", "a"]]),
    (Pair(), [[0, 0], [1, 2]], [[1], [1, 2, 3], ["a", 1], "ab"]),
    (Table(Text("FIELD"), Whole(), 2), [{}, {"a": 1}], [[], {"A": 1}, {"a": "b"}]),
    (Table(Text("FIELD"), Whole(), 1), [{"a": 1}], [{"a": 1, "b": 2}]),
    (Table(Text("FIELD"), Whole(), 2, (("a", Whole(0, 1)),)), [{"a": 1, "b": 5}], [{"a": 2}]),
    (Members({"a": Whole()}), [{"a": 1}], [{}, [], {"a": "x"}, {"a": 1, "b": 2}]),
    (Members({"a": Whole(), "b": Flag()}, frozenset({"b"})), [{"a": 1}, {"a": 1, "b": True}], [{}]),
]


@pytest.mark.parametrize(("shape", "accepted", "refused"), CASES)
def test_check_and_schema_agree(shape: Shape, accepted: list[Any], refused: list[Any]) -> None:
    schema = jsonschema.Draft202012Validator(shape.schema())
    for value in accepted:
        assert shape.fits(value)
        assert schema.is_valid(value)
    for value in refused:
        assert not shape.fits(value)
        assert not schema.is_valid(value)


def test_what_only_the_check_can_say() -> None:
    assert not Pair().fits([2, 1])
    assert not Array(Text("NAME"), key=itself).fits(["b", "a"])
    assert not Whole().fits(2.0)
