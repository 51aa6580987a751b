"""Runs against a collector that speaks the wire format and fails like a real one."""

import io
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from auditroll.errors import AccessError, CollectorError, PolicyError, ProducerError
from auditroll.ingest import MappingFile, ingest_path
from auditroll.ingest import api as module
from auditroll.ingest.build import Builder
from auditroll.ingest.hops import Proxies
from auditroll.ingest.port import CollectorPort
from auditroll.ingest.session import Following, Session
from auditroll.ingest.source import FileSource, PipeSource
from auditroll.ingest.tally import Summary
from tests.unit.ingest.fake_collector import FakeCollector


def log_line(number: int, text: str = "x") -> bytes:
    return (
        f"192.0.2.{number % 250} - - [17/May/2015:10:{number // 60 % 60:02d}:{number % 60:02d} "
        f'+0000] "GET /{text}/{number} HTTP/1.1" 200 {number} "-" "curl/8.1"\n'
    ).encode()


def write_log(path: Path, count: int, first: int = 0) -> Path:
    path.write_bytes(b"".join(log_line(number) for number in range(first, first + count)))
    return path


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def test_every_line_once_and_again_all_duplicates(tmp_path: Path, collector: FakeCollector) -> None:
    log = write_log(tmp_path / "a.log", 12_000)
    seen: list[tuple[Summary, int]] = []
    summary = ingest_path(
        log,
        "combined",
        collector.credential(),
        progress=lambda done, octets: seen.append((done, octets)),
    )
    assert summary == Summary(lines=12_000, accepted=12_000, duplicates=0, quarantined=0)
    assert [record["bytes_out"] for record in collector.records()] == list(range(12_000))
    assert seen[-1] == (summary, log.stat().st_size)
    assert max(count for _, _, count in collector.batches) == 5_000
    again = ingest_path(log, "combined", collector.credential())
    assert again == Summary(lines=12_000, accepted=0, duplicates=12_000, quarantined=0)
    assert collector.requests == 3


def test_unreadable_lines_keep_their_number_and_nothing_of_them_leaves(
    tmp_path: Path, collector: FakeCollector
) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(
        log_line(0) + b"\n" + b"canary-1\n" + log_line(3) + b"x" * 300_000 + b"\n" + log_line(5)
    )
    summary = ingest_path(log, "combined", collector.credential())
    assert (summary.lines, summary.accepted, summary.quarantined) == (6, 3, 3)
    assert summary.reasons == {"empty": 1, "no-time": 1, "too-long": 1}
    assert summary.examples == ((1, "empty"), (2, "no-time"), (4, "too-long"))
    (epoch,) = collector.epochs.values()
    assert [epoch.lines[seq] for seq in (1, 2, 4)] == [b"{}"] * 3
    assert [record["producer_seq"] for record in collector.records()] == [0, 3, 5]


def test_it_goes_on_where_the_collector_is(tmp_path: Path, collector: FakeCollector) -> None:
    log = write_log(tmp_path / "a.log", 10)
    ingest_path(log, "combined", collector.credential())
    with log.open("ab") as file:
        for number in range(10, 15):
            file.write(log_line(number))
    summary = ingest_path(log, "combined", collector.credential())
    assert (summary.accepted, summary.duplicates) == (5, 10)
    assert len(collector.epochs) == 1


def test_another_file_with_the_same_first_line_is_another_epoch(
    tmp_path: Path, collector: FakeCollector
) -> None:
    log = write_log(tmp_path / "a.log", 10)
    ingest_path(log, "combined", collector.credential())
    log.write_bytes(log_line(0) + b"".join(log_line(n, "other") for n in range(1, 10)))
    summary = ingest_path(log, "combined", collector.credential())
    assert (summary.accepted, summary.duplicates) == (10, 0)
    assert len(collector.epochs) == 2
    log.write_bytes(log_line(0))
    assert ingest_path(log, "combined", collector.credential()).accepted == 1
    assert len(collector.epochs) == 3


def test_a_last_line_without_end_counts_and_stays_the_same_line(
    tmp_path: Path, collector: FakeCollector
) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(log_line(0) + log_line(1)[:-1])
    assert ingest_path(log, "combined", collector.credential()).accepted == 2
    log.write_bytes(log_line(0) + log_line(1) + log_line(2))
    summary = ingest_path(log, "combined", collector.credential())
    assert (summary.accepted, summary.duplicates) == (1, 2)


def test_an_empty_file(tmp_path: Path, collector: FakeCollector) -> None:
    log = tmp_path / "a.log"
    log.touch()
    assert ingest_path(log, "combined", collector.credential()).lines == 0


def test_json_lines_with_a_mapping(tmp_path: Path, collector: FakeCollector) -> None:
    log = tmp_path / "a.json"
    log.write_bytes(b'{"when":1431857103,"u":"/x"}\n{"when":"?"}\r\n')
    summary = ingest_path(
        log,
        "json",
        collector.credential(),
        service="pay",
        environment="test",
        mapping=MappingFile(fields={"timestamp": "when", "path": "u"}),
        source_name="pay-log",
    )
    assert summary.reasons == {"bad-time": 1}
    (record,) = collector.records()
    assert (record["service_name"], record["environment"]) == ("pay", "test")


def test_s9_the_collector_is_down_while_the_file_is_read(
    tmp_path: Path, collector: FakeCollector
) -> None:
    log = write_log(tmp_path / "a.log", 20_000)
    collector.fail = lambda number: 503 if number % 3 else 0
    collector.lose_answer = lambda number: number % 2 == 0
    summary = ingest_path(log, "combined", collector.credential())
    assert summary.lines == 20_000
    assert summary.accepted + summary.duplicates == 20_000
    assert [record["bytes_out"] for record in collector.records()] == list(range(20_000))


def test_s2_an_answer_that_was_lost_stores_nothing_twice(
    tmp_path: Path, collector: FakeCollector
) -> None:
    log = write_log(tmp_path / "a.log", 10)
    collector.lose_answer = lambda number: number == 1
    summary = ingest_path(log, "combined", collector.credential())
    assert summary.duplicates == 10
    assert len(collector.records()) == 10


def test_a_collector_that_stays_away(tmp_path: Path, collector: FakeCollector) -> None:
    log = write_log(tmp_path / "a.log", 10)
    collector.fail = lambda _number: 503
    collector.retry_after = "0"
    with pytest.raises(CollectorError) as caught:
        ingest_path(log, "combined", collector.credential(), patience_s=0.5)
    assert caught.value.code == "collector-unreachable"
    collector.fail = lambda _number: 0
    assert ingest_path(log, "combined", collector.credential()).accepted == 10


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, AccessError, "unauthenticated"),
        (403, AccessError, "unauthenticated"),
        (400, ProducerError, "collector-refused"),
        (413, ProducerError, "collector-refused"),
    ],
)
def test_refusals_end_the_run(
    tmp_path: Path, collector: FakeCollector, status: int, error: type[Exception], code: str
) -> None:
    log = write_log(tmp_path / "a.log", 10)
    collector.fail = lambda _number: status
    with pytest.raises(error) as caught:
        ingest_path(log, "combined", collector.credential())
    assert caught.value.code == code  # type: ignore[attr-defined]


def test_a_collector_that_lacks_earlier_lines_gets_them_again(
    tmp_path: Path, collector: FakeCollector
) -> None:
    log = write_log(tmp_path / "a.log", 7_000)
    collector.fail = lambda number: 409 if number == 2 else 0
    summary = ingest_path(log, "combined", collector.credential())
    assert (summary.lines, summary.accepted) == (7_000, 7_000)
    collector.fail = lambda _number: 409
    with pytest.raises(ProducerError) as caught:
        ingest_path(write_log(tmp_path / "b.log", 3), "combined", collector.credential())
    assert caught.value.code == "source-behind"


def test_an_answer_in_another_form(tmp_path: Path, collector: FakeCollector) -> None:
    log = write_log(tmp_path / "a.log", 1)
    collector.garbage = True
    with pytest.raises(CollectorError) as caught:
        ingest_path(log, "combined", collector.credential())
    assert caught.value.code == "bad-answer"


def test_standard_input(
    tmp_path: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with write_log(tmp_path / "a.log", 3).open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert ingest_path("-", "combined", collector.credential()).accepted == 3


def test_options_that_cannot_be(tmp_path: Path, collector: FakeCollector) -> None:
    log = write_log(tmp_path / "a.log", 1)
    credential = collector.credential()
    for arguments in (
        {"service": "Not A Name"},
        {"environment": "moon"},
    ):
        with pytest.raises(PolicyError) as caught:
            ingest_path(log, "combined", credential, **arguments)
        assert caught.value.code == "bad-option"
    with pytest.raises(PolicyError) as caught:
        ingest_path(log, "xml", credential)
    assert caught.value.code == "unknown-format"
    with pytest.raises(PolicyError) as caught:
        ingest_path(tmp_path / "none", "combined", credential)
    assert caught.value.code == "no-such-log"
    with pytest.raises(PolicyError) as caught:
        ingest_path("-", "combined", credential, follow=True)
    assert caught.value.code == "bad-option"


def pipe_session(collector: FakeCollector, content: bytes) -> Session:
    credential = collector.credential()
    return Session(
        PipeSource(io.BytesIO(content), "-"),
        module.reader_for("combined"),
        Builder(credential, "web", "test", Proxies()),
        CollectorPort(credential, 60),
    )


def test_a_pipe_is_compared_with_what_was_sent_before(collector: FakeCollector) -> None:
    content = b"".join(map(log_line, range(9_000)))
    assert pipe_session(collector, content).run().accepted == 9_000
    longer = content + log_line(9_000)
    summary = pipe_session(collector, longer).run()
    assert (summary.accepted, summary.duplicates) == (1, 9_000)
    other = log_line(0) + b"".join(map(log_line, range(5_000, 9_000)))
    summary = pipe_session(collector, other).run()
    assert summary == Summary(lines=4_001, accepted=4_001, duplicates=0, quarantined=0)


def test_a_pipe_too_long_to_be_compared(
    collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditroll.ingest.source.MAX_KEPT_OCTETS", 100)
    with pytest.raises(PolicyError) as caught:
        pipe_session(collector, b"".join(map(log_line, range(100)))).run()
    assert caught.value.code == "pipe-too-long"


def test_a_pipe_cannot_go_back(collector: FakeCollector) -> None:
    collector.fail = lambda _number: 409
    with pytest.raises(ProducerError) as caught:
        pipe_session(collector, log_line(0)).run()
    assert caught.value.code == "source-behind"


class Follower:
    """A session in a thread, watching a file closely."""

    def __init__(self, collector: FakeCollector, path: Path) -> None:
        self.stop = threading.Event()
        credential = collector.credential()
        session = Session(
            FileSource(path, str(path)),
            module.reader_for("combined"),
            Builder(credential, "web", "test", Proxies()),
            CollectorPort(credential, 60),
        )
        following = Following(path, self.stop.is_set, poll_s=0.01, grace_s=0.05)
        self.summary: Summary | None = None

        def run() -> None:
            self.summary = session.run(following)

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def finish(self) -> Summary:
        self.stop.set()
        self.thread.join(30)
        assert self.summary is not None
        return self.summary


def stored(collector: FakeCollector) -> list[int]:
    return [record["bytes_out"] for record in collector.records()]


def test_a_growing_file_is_followed_and_a_last_line_without_end_waits(
    tmp_path: Path, collector: FakeCollector
) -> None:
    log = tmp_path / "a.log"
    follower = Follower(collector, log)
    time.sleep(0.05)
    log.write_bytes(log_line(0))
    wait_for(lambda: stored(collector) == [0])
    with log.open("ab") as file:
        file.write(log_line(1)[:30])
        file.flush()
        time.sleep(0.1)
        assert stored(collector) == [0]
        file.write(log_line(1)[30:] + log_line(2)[:-1])
    wait_for(lambda: stored(collector) == [0, 1])
    summary = follower.finish()
    assert (summary.lines, summary.notices) == (2, ())
    resumed = ingest_path(log, "combined", collector.credential())
    assert (resumed.accepted, resumed.duplicates) == (1, 2)


def test_s8_a_file_truncated_in_place_is_noticed(tmp_path: Path, collector: FakeCollector) -> None:
    log = write_log(tmp_path / "a.log", 50)
    follower = Follower(collector, log)
    wait_for(lambda: len(stored(collector)) == 50)
    with log.open("r+b") as file:
        file.truncate(0)
    with log.open("ab") as file:
        file.write(b"".join(log_line(number) for number in range(50, 60)))
    wait_for(lambda: len(stored(collector)) == 60)
    summary = follower.finish()
    assert sorted(stored(collector)) == list(range(60))
    assert [(notice.kind, notice.lines) for notice in summary.notices] == [("truncated", 50)]


def test_s8_a_file_truncated_and_grown_beyond_its_old_size_is_noticed(
    tmp_path: Path, collector: FakeCollector
) -> None:
    log = write_log(tmp_path / "a.log", 5)
    follower = Follower(collector, log)
    wait_for(lambda: len(stored(collector)) == 5)
    log.write_bytes(b"".join(log_line(number, "long" * 9) for number in range(5, 25)))
    wait_for(lambda: len(stored(collector)) == 25)
    summary = follower.finish()
    assert sorted(stored(collector)) == list(range(25))
    assert [notice.kind for notice in summary.notices] == ["truncated"]


def test_a_rotated_file_is_read_to_its_end(tmp_path: Path, collector: FakeCollector) -> None:
    log = write_log(tmp_path / "a.log", 5)
    follower = Follower(collector, log)
    wait_for(lambda: len(stored(collector)) == 5)
    old = log.rename(tmp_path / "a.log.1")
    with old.open("ab") as file:
        file.write(log_line(5) + log_line(6)[:-1])
    wait_for(lambda: len(stored(collector)) == 7)
    write_log(log, 3, first=7)
    wait_for(lambda: len(stored(collector)) == 10)
    summary = follower.finish()
    assert sorted(stored(collector)) == list(range(10))
    assert [(notice.kind, notice.lines) for notice in summary.notices] == [("rotated", 7)]


def test_following_ends_before_there_is_a_file(tmp_path: Path, collector: FakeCollector) -> None:
    assert Follower(collector, tmp_path / "none.log").finish().lines == 0
