"""Whatever is withheld, in whatever order, the proof stands and the values are gone."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from auditroll.event.fields import SLOT_FIELDS, SLOTS
from auditroll.tlog import Line, encode_line, make_leaf, parse_line, seal_record, withhold

TEXTS = st.text("abcdefghij", min_size=8, max_size=12).map(lambda text: f"<{text}>")
SLOT_RECORDS = st.dictionaries(
    st.sampled_from(sorted(field for fields in SLOT_FIELDS.values() for field in fields)), TEXTS
)


def line_of(record: dict[str, Any], seed: bytes) -> Line:
    public, slots, sealed = seal_record({"event_type": "http.request", **record}, seed)
    leaf = make_leaf(
        public,
        stream="ab" * 16,
        index=0,
        prev_hash="0" * 64,
        sealed=sealed,
        received_at="2026-01-01T00:00:00.000Z",
    )
    return Line(leaf=leaf, seed=seed, slots=slots)


@given(
    SLOT_RECORDS,
    st.binary(min_size=16, max_size=16),
    st.sets(st.sampled_from(SLOTS)),
    st.sets(st.sampled_from(SLOTS)),
)
def test_withheld_values_are_gone_and_the_rest_verifies(
    record: dict[str, Any], seed: bytes, first: set[str], then: set[str]
) -> None:
    whole = line_of(record, seed)
    line = withhold(withhold(whole, first), then)
    assert line == withhold(whole, first | then)
    octets = encode_line(line)
    assert parse_line(octets[:-1]) == line
    assert line.sealed() == line.record()["sealed"]
    assert line.leaf_hash() == whole.leaf_hash()
    shown = {slot: fields for slot, fields in whole.slots.items() if slot not in first | then}
    assert line.slots == shown
    hidden_values = {value for slot in first | then for value in whole.slots.get(slot, {}).values()}
    shown_values = {value for fields in shown.values() for value in fields.values()}
    assert all(value.encode() not in octets for value in hidden_values - shown_values)
    assert (line.seed is None) == bool(first | then)
