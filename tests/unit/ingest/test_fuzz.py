"""Whatever a line is: exactly one outcome, a valid record or a reason, nothing raw in it."""

import io
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from auditroll.event import Event
from auditroll.event.batch import check_batch
from auditroll.ingest import Unreadable, ingest_path, reader_for
from auditroll.ingest.build import Builder
from auditroll.ingest.hops import Proxies
from auditroll.ingest.reader import FileReader
from tests.unit.ingest.fake_collector import FakeCollector

PIECES = st.sampled_from(
    [
        b'"',
        b"\\",
        b" ",
        b"[",
        b"]",
        b"-",
        b",",
        b":",
        b"{",
        b"}",
        b"[17/May/2015:10:05:03 +0000]",
        b'"GET / HTTP/1.1"',
        b"200",
        b"192.0.2.1",
        b"\\x22",
        b"\\xff",
        b"\xff",
        b"\xc3\xa9",
        b'"time"',
        b'"2015-05-17T10:05:03Z"',
        b'"status":200',
        b'"uri":"/x"',
        b"\r",
        b"\x00",
        b"null",
        b"1e999",
        b"\\ud800",
    ]
)
LINES = st.one_of(
    st.binary(max_size=80),
    st.lists(st.one_of(PIECES, st.binary(max_size=4)), max_size=14).map(b"".join),
).filter(lambda line: b"\n" not in line)
REASONS = {
    *("empty", "no-time", "bad-time", "no-zone", "no-request", "no-status"),
    *("syntax", "not-an-object", "identity"),
}
LIKELY = st.tuples(LINES, LINES, LINES).map(
    lambda parts: parts[0] + b' [17/May/2015:10:05:03 +0000] "' + parts[1] + b'" 200 1 ' + parts[2]
)

_CREDENTIAL = FakeCollector().credential()
BUILDER = Builder(_CREDENTIAL, "web", "production", Proxies())


@settings(max_examples=300)
@given(st.sampled_from(["combined", "json"]), st.one_of(LINES, LIKELY))
@example("json", b'{"ts":1431857103,"status":200,"user_agent":"\\ud800"}')
@example("json", b'{"ts":1e300}')
@example("json", b'{"ts":-1,"bytes":1e400}')
def test_any_line_is_a_valid_record_or_a_reason(name: str, line: bytes) -> None:
    octets = outcome(name, line)
    if isinstance(octets, str):
        assert octets in REASONS
        return
    event = msgspec.json.decode(octets, type=Event)
    assert b"\n" not in octets
    assert check_batch([event]) == {}


def outcome(name: str, line: bytes) -> bytes | str:
    try:
        return BUILDER.line(reader_for(name)(line), "0" * 32, 0)
    except Unreadable as unreadable:
        return unreadable.code


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(LINES, LIKELY), min_size=1, max_size=20), st.booleans())
def test_lines_in_are_records_and_quarantined(
    tmp_path: Path, collector: FakeCollector, lines: list[bytes], ended: bool
) -> None:
    log = tmp_path / "fuzz.log"
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    log.write_bytes(content)
    count = content.count(b"\n") + (not content.endswith(b"\n") and content != b"")
    summary = ingest_path(log, "combined", collector.credential())
    assert summary.lines == count
    assert summary.accepted + summary.quarantined + summary.duplicates == count
    assert summary.quarantined == sum(summary.reasons.values())


@given(st.lists(st.binary(max_size=20), max_size=10))
def test_the_reader_gives_each_line_once_however_the_file_grows(chunks: list[bytes]) -> None:
    buffer = io.BytesIO()
    reader = FileReader(buffer)
    got: list[bytes] = []
    for chunk in chunks:
        place = buffer.tell()
        buffer.seek(0, io.SEEK_END)
        buffer.write(chunk)
        buffer.seek(place)
        while (line := reader.read()) is not None:
            got.append(line)
    while (line := reader.read(final=True)) is not None:
        got.append(line)
    content = b"".join(chunks)
    expected = content.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert got == expected
    assert reader.count == len(expected)
