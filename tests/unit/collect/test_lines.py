"""Lines to events: every refusal of the format, and no field a producer may not set."""

import pytest
from msgspec import UNSET

from auditroll.collect.lines import encode_event, read_lines, split_lines
from auditroll.event import MAX_LINE_OCTETS, decode, encode
from tests.unit.collect.support import event, events


def octets(*lines: bytes) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def line(**fields: object) -> bytes:
    return encode(decode(encode_event(event(0))) | fields)


def test_canonical_lines_are_read_at_once() -> None:
    sent = events(20)
    admission = read_lines(octets(*map(encode_event, sent)), range(20))
    assert admission.events == sent
    assert admission.seqs == list(range(20))
    assert admission.refused == {}


def test_any_order_and_white_space_is_accepted() -> None:
    pretty = b'{ "producer_seq" : 5,\t"event_type":"http.request" }'
    admission = read_lines(octets(pretty, encode_event(event(1))), [0, 1])
    assert admission.events[0].producer_seq == 5
    assert len(admission.events) == 2


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'{"user_agent":"\xff"}', "utf8"),
        (b'\xef\xbb\xbf{"latency_ms":1}', "bom"),
        (b"", "syntax"),
        (b"{}{}", "syntax"),
        (b'{"latency_ms":01}', "syntax"),
        (b'{"latency_ms":NaN}', "syntax"),
        (b'{"latency_ms":1,"latency_ms":2}', "duplicate"),
        (b'{"latency_ms":1,"latency\\u005fms":1}', "duplicate"),
        (b'{"latency_ms":1.0}', "float"),
        (b'{"latency_ms":-0}', "negzero"),
        (b'{"latency_ms": 9007199254740992}', "range"),
        (b'{"latency_ms":null}', "null"),
        (b'{"user_agent":"\\ud800"}', "surrogate"),
        (b'{"user agent":"x"}', "key"),
        (b'{"ext": {"a":[[[[[[[[1]]]]]]]]}}', "depth"),
        (b"[]", "toplevel"),
        (b'{"user_agent":"' + b"x" * MAX_LINE_OCTETS + b'"}', "size"),
        (b'{"latency_ms":"12"}', "grammar"),
        (b'{"user_id":{"c":"x","e":"y","l":"z","m":1}}', "grammar"),
    ],
)
def test_bad_lines_are_named_and_their_neighbours_kept(bad: bytes, code: str) -> None:
    good = encode_event(event(1))
    admission = read_lines(octets(good, bad, good), [7, 8, 9])
    assert admission.refused == {8: code}
    assert admission.seqs == [7, 9]
    assert admission.quarantined() == [(8, code)]


def test_a_canonical_line_beyond_the_limit_is_refused() -> None:
    long = line(user_agent="x" * MAX_LINE_OCTETS)
    assert read_lines(octets(long), [0]).refused == {0: "size"}
    just = line(user_agent="x" * (MAX_LINE_OCTETS - len(line(user_agent=""))))
    assert len(just) == MAX_LINE_OCTETS
    assert read_lines(octets(just), [0]).refused == {}


def test_aliases_are_taken_and_unknown_fields_counted() -> None:
    record = decode(encode_event(event(0)))
    record["action"] = record.pop("action_type")
    record |= {"purpose": "treatment", "patient_name": "Jane", "dropped_fields": 2}
    (read,) = read_lines(octets(encode(record)), [0]).events
    assert (read.action_type, read.purpose_of_use, read.dropped_fields) == ("READ", "treatment", 3)
    assert b"Jane" not in encode_event(read)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenant_id", "other"),
        ("data_class", "system"),
        ("producer_id", "other"),
        ("clock_skew", True),
        ("note", "free text"),
        ("stream", "0" * 32),
        ("index", 7),
        ("prev_hash", "0" * 64),
        ("sealed", "0" * 64),
        ("received_at", "2026-01-01T00:00:00.000Z"),
        ("schema_version", 1),
    ],
)
def test_what_the_collector_sets_is_dropped_and_counted(name: str, value: object) -> None:
    admission = read_lines(octets(line(**{name: value})), [0])
    (read,) = admission.events
    assert read.dropped_fields == 1
    assert getattr(read, name, UNSET) is UNSET


def test_maps_are_stored_in_canonical_order() -> None:
    sent = line(redactions={"EMAIL": 1, "CARD": 2})
    shuffled = sent.replace(b'{"CARD":2,"EMAIL":1}', b'{"EMAIL":1,"CARD":2}')
    assert shuffled != sent
    (read,) = read_lines(octets(shuffled), [0]).events
    assert encode_event(read) == sent


def test_lines_are_split_at_line_ends_only() -> None:
    assert split_lines(b"a\r\nb\x0bc\n") == [b"a\r", b"b\x0bc"]
    assert split_lines(b"a\nb") == [b"a", b"b"]
