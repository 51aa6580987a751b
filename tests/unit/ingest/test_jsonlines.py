"""JSON lines: mappings, and what servers write that is no JSON (S6)."""

import pytest

from auditroll.errors import PolicyError
from auditroll.ingest import DEFAULT_MAPPING, TARGETS, MappingFile, Unreadable
from auditroll.ingest.jsonlines import JsonReader
from auditroll.ingest.repair import read_object

READER = JsonReader(DEFAULT_MAPPING)
WHEN = 1_431_857_103_000


def test_nginx_json() -> None:
    entry = READER.parse(
        b'{"time_iso8601":"2015-05-17T10:05:03+00:00","remote_addr":"10.0.0.1",'
        b'"http_x_forwarded_for":"192.0.2.7, 10.0.0.9","remote_user":"jane",'
        b'"request":"GET /a?b=c HTTP/1.1","status":"200, 503","body_bytes_sent":"12",'
        b'"request_time":"0.0105","http_user_agent":"curl/8","request_id":"' + b"a" * 32 + b'",'
        b'"http_cookie":"secret"}'
    )
    assert entry.when == WHEN
    assert entry.hops == ["192.0.2.7", "10.0.0.9", "10.0.0.1"]
    assert entry.user == "jane"
    assert (entry.method, entry.target, entry.status) == ("GET", "/a?b=c", 503)
    assert (entry.bytes_out, entry.latency_ms, entry.agent) == (12, 10, "curl/8")
    assert entry.fields == {"request_id": "a" * 32}
    assert entry.dropped == 1


def test_nested_paths_lists_and_constants() -> None:
    mapping = MappingFile.decode(
        b'{"fields":{"timestamp":"ts","path":["a.b.0.uri","x"],"user_agent":"h.User-Agent",'
        b'"latency_us":"dur","http_method":"m","address":"ips","route":"t.r","status_code":"s"},'
        b'"constants":{"user_role":"clerk","purpose_of_use":"treatment"}}'
    )
    entry = JsonReader(mapping).parse(
        b'{"ts":1431857103.5,"a":{"b":[{"uri":"/x"}]},"h":{"User-Agent":["A/1","B/2"]},'
        b'"dur":2500,"m":"POST","ips":["192.0.2.1","10.0.0.1, 10.0.0.2"],"t.r":"/p/{id}","s":201}'
    )
    assert entry.when == WHEN + 500
    assert entry.target == "/x"
    assert entry.agent == "A/1 B/2"
    assert entry.latency_ms == 2
    assert entry.method == "POST"
    assert entry.hops == ["192.0.2.1", "10.0.0.1", "10.0.0.2"]
    assert entry.fields == {
        "route": "/p/{id}",
        "user_role": "clerk",
        "purpose_of_use": "treatment",
    }


def test_values_that_do_not_fit_their_field_are_dropped_and_counted() -> None:
    mapping = MappingFile(
        fields={
            "timestamp": "t",
            "trace_id": "trace",
            "bytes_in": "in",
            "bytes_out": "out",
            "latency_s": "l",
            "user_role": "r",
        }
    )
    entry = JsonReader(mapping).parse(
        b'{"t":"2015-05-17T10:05:03Z","trace":"zz","in":-5,"out":true,"l":"soon","r":7}'
    )
    assert entry.fields == {}
    assert (entry.bytes_out, entry.latency_ms) == (-1, -1)
    assert entry.dropped == 3


def test_the_first_path_with_a_value_counts() -> None:
    entry = READER.parse(
        b'{"timestamp":"-","@timestamp":null,"time":"","ts":1431857103000,"uri":"/y"}'
    )
    assert (entry.when, entry.target) == (WHEN, "/y")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"uri":"/\\xC3\\xA3"}', {"uri": "/ã"}),
        (b'{"uri":"/\\xE3"}', {"uri": "/ã"}),
        (b'{"uri":"/\\\\xC3 \\x22"}', {"uri": '/\\xC3 "'}),
        (
            b'{"time": 10/Oct/2000:13:55:36 -0700, "a": 1}',
            {"time": "10/Oct/2000:13:55:36 -0700", "a": 1},
        ),
        (b'{"time":2015-05-17T10:05:03+00:00}', {"time": "2015-05-17T10:05:03+00:00"}),
        (b'{"ip": 10.0.0.1, "up": -, "last": -}', {"ip": "10.0.0.1", "up": "-", "last": "-"}),
        (b'{"a":,"b":1,"c":}', {"a": None, "b": 1, "c": None}),
        (b'{"uri":"caf\xe9"}', {"uri": "café"}),
        (b'{"uri":"\xc3\xa9 \xff"}', {"uri": "é ÿ"}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
    ],
)
def test_s6_what_is_nearly_json_is_repaired(line: bytes, expected: dict[str, object]) -> None:
    assert read_object(line) == expected


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", "empty"),
        (b"  ", "empty"),
        (b"{", "syntax"),
        (b'{"a":"\\q"}', "syntax"),
        (b"[1]", "not-an-object"),
        (b'"x"', "not-an-object"),
        (b"{}", "no-time"),
        (b'{"time":true}', "no-time"),
        (b'{"time":"soon"}', "bad-time"),
        (b'{"time":"2015-05-17T10:05:03"}', "no-zone"),
        (b'{"ts":1431857103,"status":"x"}', "no-status"),
        (b'{"ts":1431857103,"status":2000}', "no-status"),
    ],
)
def test_s6_what_is_not_is_refused_with_its_reason(line: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        READER.parse(line)
    assert caught.value.code == code


def test_a_status_out_of_range_is_none() -> None:
    assert READER.parse(b'{"ts":1431857103,"status":0}').status == 0


def test_a_request_that_is_not_three_words() -> None:
    assert READER.parse(b'{"ts":1431857103,"request":"garbage"}').method == "-"
    assert READER.parse(b'{"ts":1431857103,"request":"GET /x"}').target == "/x"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b'{"fields":{}}',
        b'{"fields":{"timestamp":"t","nope":"x"}}',
        b'{"fields":{"timestamp":"t","event_id":"x"}}',
        b'{"fields":{"timestamp":"t"},"format":"other/1"}',
        b'{"fields":{"timestamp":"t"},"extra":1}',
    ],
)
def test_bad_mappings_are_refused(octets: bytes) -> None:
    with pytest.raises(PolicyError) as caught:
        MappingFile.decode(octets)
    assert caught.value.code == "bad-mapping"


@pytest.mark.parametrize("path", ["", "a.b.c.d.e.f.g.h.i"])
def test_bad_paths_are_refused(path: str) -> None:
    with pytest.raises(PolicyError):
        JsonReader(MappingFile(fields={"timestamp": path}))


def test_no_target_is_set_by_the_collector_or_names_a_person_in_clear() -> None:
    assert not TARGETS & {"user_id", "source_ip", "tenant_id", "event_id", "producer_seq", "ext"}


def test_a_method_or_path_of_its_own_wins_over_the_request() -> None:
    mapping = MappingFile(
        fields={"timestamp": "t", "http_method": "m", "path": "p", "request": "r"},
        constants={"stream_requested": True} if "stream_requested" in TARGETS else {},
    )
    entry = JsonReader(mapping).parse(b'{"t":1431857103,"m":"PUT","p":"/p","r":"GET /r HTTP/1.1"}')
    assert (entry.method, entry.target) == ("PUT", "/p")


def test_a_path_into_nothing_is_nothing() -> None:
    mapping = MappingFile(fields={"timestamp": "t", "path": ["a.9", "b.x", "c.0.d"]})
    entry = JsonReader(mapping).parse(b'{"t":1431857103,"a":[1],"b":3,"c":[{"d":"/z"}]}')
    assert entry.target == "/z"
