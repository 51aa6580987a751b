"""Real access logs that nobody on this project wrote."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from auditroll.event import Event
from auditroll.event.batch import check_batch
from auditroll.ingest import ingest_path
from tests.support import CORPORA, needs_corpora
from tests.unit.ingest.fake_collector import FakeCollector

pytestmark = [needs_corpora, pytest.mark.corpora]

FILES = [
    path for name in ("apache", "nginx") for path in sorted((CORPORA / "logs" / name).glob("*"))
]


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    collector = FakeCollector()
    yield collector
    collector.close()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_line_is_a_valid_record_or_quarantined(path: Path, collector: FakeCollector) -> None:
    text = path.read_bytes()
    lines = text.count(b"\n") + (not text.endswith(b"\n"))
    summary = ingest_path(path, "combined", collector.credential())
    assert summary.lines == lines == summary.accepted + summary.quarantined
    assert summary.quarantined <= 0.005 * lines
    (epoch,) = collector.epochs.values()
    octets = b"\n".join(epoch.lines[seq] for seq in sorted(epoch.lines))
    events = msgspec.json.Decoder(Event).decode_lines(octets)
    encode = msgspec.json.Encoder(order="deterministic").encode
    assert b"\n".join(map(encode, events)) == octets
    assert check_batch(events) == {}
    assert ingest_path(path, "combined", collector.credential()).duplicates == lines


def test_values_checked_by_hand(collector: FakeCollector) -> None:
    ingest_path(
        CORPORA / "logs" / "apache" / "beats_access_test.log", "combined", collector.credential()
    )
    ingest_path(
        CORPORA / "logs" / "nginx" / "beats_access_test.log", "combined", collector.credential()
    )
    rows = [
        (
            record["timestamp"],
            record.get("http_method"),
            record["status_code"],
            record["outcome"],
            record.get("bytes_out"),
            record.get("source_net"),
        )
        for record in collector.records()
    ]
    assert rows == [
        ("2016-12-26T14:16:29.000Z", "GET", 404, "error", 209, "::/48"),
        ("2016-12-26T16:22:13.000Z", "GET", 404, "error", 499, "192.168.33.0/24"),
        ("2016-12-26T14:16:48.000Z", None, 408, "error", None, "::/48"),
        ("2017-05-29T19:02:48.000Z", "GET", 200, "ok", 612, None),
        ("2019-02-02T04:38:45.000Z", None, 408, "error", 152, "127.0.0.0/24"),
        ("2019-07-04T07:20:46.000Z", "GET", 200, "ok", 32953, "123.123.123.0/24"),
        ("2016-12-07T10:05:07.000Z", "GET", 200, "ok", 571, "127.0.0.0/24"),
        ("2017-05-29T19:02:48.000Z", "GET", 404, "error", 612, "172.17.0.0/24"),
        ("2016-12-07T10:05:07.000Z", "GET", 200, "ok", 571, "85.181.35.0/24"),
        ("2016-01-22T13:18:29.000Z", "GET", 200, "ok", 25507, "10.2.1.0/24"),
        ("2016-12-30T06:47:09.000Z", "GET", 404, "error", 8571, "10.2.2.0/24"),
        ("2018-04-12T07:48:40.000Z", None, 400, "error", 0, "127.0.0.0/24"),
    ]
