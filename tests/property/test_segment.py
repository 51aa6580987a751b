"""Whatever the record, sealing gives its octets back; whatever the damage, it is noticed."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditroll.errors import IntegrityError
from auditroll.event.fields import FIELDS, SEGMENT_COLUMNS
from auditroll.event.times import format_time
from auditroll.segment import (
    SegmentMeta,
    check_columns,
    check_table,
    encode_segment,
    read_segment,
    table_of,
)
from auditroll.segment.rows import typed_row
from tests.unit.segment.records import STREAM, lines_from, model_call, request

KEY = bytes(range(1, 33))
# Set by the log or by `request`; a record must not bring its own.
ENVELOPE = {"stream", "index", "prev_hash", "sealed", "received_at", "schema_version"}
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
INTEGER = st.integers(-(2**53) + 1, 2**53 - 1)
KEYS = st.from_regex(r"[A-Za-z0-9_.:-]{1,12}", fullmatch=True)
VALUES = {
    "str": TEXT,
    "enum": TEXT,
    "int": INTEGER,
    "bool": st.booleans(),
    "time": st.integers(-62_135_596_800_000, 253_402_300_799_999).map(format_time),
    "list": st.lists(TEXT, max_size=4),
    "counts": st.dictionaries(KEYS, INTEGER, max_size=4),
    "hashes": st.dictionaries(KEYS, TEXT, max_size=4),
    "ext": st.dictionaries(KEYS, st.one_of(TEXT, INTEGER, st.booleans()), max_size=4),
}
RECORDS = st.fixed_dictionaries(
    {"event_id": TEXT, "timestamp": VALUES["time"]},
    optional={
        name: VALUES[FIELDS[name].kind]
        for name in SEGMENT_COLUMNS
        if name not in ENVELOPE | {"event_id", "timestamp"}
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=6))
def test_records_come_back_and_their_columns_hold(records):
    lines = lines_from(records)
    table = table_of(lines)
    assert list(check_table(table, STREAM, 0)) == []
    assert [typed_row(table, row) for row in range(len(lines))] == [line.record() for line in lines]
    meta = SegmentMeta(STREAM, 0, len(lines), 0, "segment-1")
    opened = read_segment(encode_segment(lines, meta, KEY), KEY)
    assert list(opened.lines()) == lines
    assert list(check_columns(opened)) == []


LINES = lines_from([*(request(number) for number in range(40)), model_call(40)])
SEGMENT = encode_segment(LINES, SegmentMeta(STREAM, 0, len(LINES), 0, "segment-1"), KEY)


def outcome(data):
    """Return what a verifier learns: the lines, or None where damage is noticed."""
    try:
        opened = read_segment(data, KEY)
        return None if list(check_columns(opened)) else list(opened.lines())
    except IntegrityError:
        return None


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(SEGMENT) - 1), st.integers(1, 255))
def test_a_changed_octet_is_noticed_wherever_it_is(offset, change):
    damaged = bytearray(SEGMENT)
    damaged[offset] ^= change
    assert outcome(bytes(damaged)) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(SEGMENT) - 1))
def test_a_cut_file_is_noticed_wherever_it_ends(length):
    assert outcome(SEGMENT[:length]) is None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(set(SEGMENT_COLUMNS) - {"leaf"})), st.data())
def test_a_changed_column_is_noticed_whichever_it_is(name, data):
    record = data.draw(RECORDS)
    original = table_of(lines_from([record]))
    other = table_of(lines_from([record | {name: data.draw(VALUES[FIELDS[name].kind])}]))
    column = other[name]
    swapped = original.set_column(original.schema.get_field_index(name), name, column)
    failing = list(check_table(swapped, STREAM, 0))
    assert failing == ([] if column.equals(original[name]) else [0])
