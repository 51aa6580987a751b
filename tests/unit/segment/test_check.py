"""A typed column that says something else than the leaf is found, whichever column it is."""

import pyarrow as pa
import pytest

from auditroll.segment import check_table, table_of
from tests.unit.segment.records import STREAM, hide, lines_from, model_call, request, seal_fact


@pytest.fixture(scope="module")
def lines():
    return lines_from([request(0), model_call(1), seal_fact(2), request(3), request(4)])


@pytest.fixture(scope="module")
def table(lines):
    return table_of([*lines[:3], hide(lines[3], "actor"), lines[4]])


def changed(table, name, row, value):
    values = table[name].to_pylist()
    values[row] = value
    at = table.schema.get_field_index(name)
    field = table.schema.field(name)
    return table.set_column(at, field, pa.array(values, field.type))


def failing(table, *, stream=STREAM, first=0):
    return list(check_table(table, stream, first))


def test_an_honest_table_holds(table):
    assert failing(table) == []


@pytest.mark.parametrize(
    ("name", "row", "value"),
    [
        ("action_type", 0, "DELETE"),
        ("index", 0, 1),
        ("success", 0, False),
        ("status_code", 4, 201),
        ("timestamp", 4, 1_790_000_000_001),
        ("received_at", 2, 5),
        ("tenant_id", 2, "other"),
        ("tokens_in", 1, 2**53),
        ("tokens_in", 0, 3),
        ("finish_reasons", 1, None),
        ("finish_reasons", 1, ["stop"]),
        ("modality_in", 1, ["audio", None]),
        ("modality_in", 0, [None]),
        ("usage_raw", 1, [("prompt_tokens", 12)]),
        ("redactions", 1, [("EMAIL", 2), ("EMAIL", 2)]),
        ("redactions", 0, []),
        ("cut_fields", 1, None),
        ("event_id", 4, None),
        ("sealed", 0, "0" * 64),
        ("user_id", 0, "p_" + "0" * 32),
        ("user_id", 0, None),
        ("user_id", 3, "p_" + "0" * 32),
        ("user_agent", 1, 'quote " backslash'),
        ("note", 1, None),
        ("note", 2, "another"),
        ("resource_ids", 1, []),
        ("ext", 1, '{"flag":true}'),
        ("ext", 1, "{}"),
        ("opening", 0, "{}"),
        ("opening", 3, "{}"),
        ("opening", 3, None),
        ("seed", 0, bytes(16)),
        ("seed", 3, bytes(16)),
        ("span_id", 0, "0" * 16),
        ("leaf", 0, b"{}"),
        ("leaf", 0, b"not json"),
    ],
)
def test_one_changed_value_fails_its_row_alone(table, name, row, value):
    assert failing(changed(table, name, row, value)) == [row]


def test_text_smuggled_through_ext_cannot_stand_for_another_column(lines):
    record = request(0, ext={"level": 1}, note="x")
    table = table_of(lines_from([record]))
    smuggled = changed(changed(table, "ext", 0, '{"level":1},"note":"x"'), "note", 0, None)
    assert failing(smuggled) == [0]


def test_a_leaf_that_is_not_canonical_fails_even_if_its_values_agree(table):
    leaf = table["leaf"][0].as_py()
    assert failing(changed(table, "leaf", 0, leaf.replace(b'":', b'": ', 1))) == [0]


def test_an_integer_beyond_the_format_fails_although_leaf_and_column_agree():
    (line,) = lines_from([request(0, latency_ms=2**53)])
    assert failing(table_of([line])) == [0]


def test_rows_of_another_place_or_stream_fail(table):
    assert failing(table, first=1) == [0, 1, 2, 3, 4]
    assert failing(table, stream="00" * 16) == [0, 1, 2, 3, 4]
