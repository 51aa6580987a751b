"""The fast path never tells another story than the strict one."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from auditroll.collect.lines import encode_event, read_lines
from auditroll.event import MAX_INTEGER, Event, Refused, decode, encode

TEXT = st.text(max_size=20)
NUMBER = st.integers(-MAX_INTEGER, MAX_INTEGER)
VALUE = st.one_of(TEXT, NUMBER, st.booleans(), st.lists(TEXT, max_size=3))
NAMES = st.one_of(st.sampled_from(Event.__struct_fields__), st.sampled_from(["action", "x", "y"]))
RECORD = st.dictionaries(NAMES, VALUE, max_size=8)


@given(st.lists(RECORD, min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_one_batch_or_single_lines_give_the_same(records: list[dict[str, Any]]) -> None:
    lines = [encode(record) for record in records]
    together = read_lines(b"".join(line + b"\n" for line in lines), range(len(lines)))
    alone = [read_lines(line + b"\n", [seq]) for seq, line in enumerate(lines)]

    assert together.refused == {seq: code for one in alone for seq, code in one.refused.items()}
    assert together.events == [event for one in alone for event in one.events]


@given(RECORD)
@settings(deadline=None)
def test_what_is_stored_is_canonical_and_was_sent(record: dict[str, Any]) -> None:
    admission = read_lines(encode(record) + b"\n", [0])
    for event in admission.events:
        stored = decode(encode_event(event))
        assert encode(stored) == encode_event(event)
        renamed = {"action": "action_type"}
        sent = {renamed.get(name, name): value for name, value in record.items()} | record
        for name in stored.keys() - {"dropped_fields"}:
            assert stored[name] == sent[name]


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_any_octets_are_an_event_or_a_code(octets: bytes) -> None:
    line = octets.replace(b"\n", b"")
    admission = read_lines(line + b"\n", [0])
    assert len(admission.events) + len(admission.refused) == 1
    assert admission.refused.get(0, "") == (refusal(line) or admission.refused.get(0, ""))


def refusal(line: bytes) -> str:
    try:
        decode(line)
    except Refused as refused:
        return refused.code
    return ""
