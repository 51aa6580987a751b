"""S1 to S3: recorder, spool and shipper against a real collector over a network that fails."""

import dataclasses
import errno
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from auditroll.disk import Disk
from auditroll.recorder import Recorder, load_credential
from auditroll.ship import Shipper, Tuning
from auditroll.spool.layout import list_epochs
from auditroll.wire import ProducerCredential, decode_answer, encode_batch
from tests.cases.gateway import Gateway, Mode, drip, lose_answer, refuse, silence
from tests.crash.test_server_kill import line
from tests.e2e.server import Server, running, verify
from tests.unit.recorder.support import REQUEST

pytestmark = pytest.mark.e2e

QUICK = Tuning(
    batch_lines=20,
    linger_s=0.02,
    scan_s=0.1,
    connect_s=2.0,
    read_s=2.0,
    deadline_s=3.0,
    first_wait_s=0.02,
    longest_wait_s=0.2,
    drain_s=60.0,
)
WAIT_S = 60.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("data")) as found:
        yield found
        found.stop()
    assert verify(found.data)["verdict"] == "ok"


@pytest.fixture
def gateway(server: Server) -> Iterator[Gateway]:
    found = Gateway(server.url)
    yield found
    found.close()


@pytest.fixture
def credential(server: Server, gateway: Gateway) -> ProducerCredential:
    known = load_credential(server.ready["producer_key_file"])
    return msgspec.structs.replace(known, collector_url=gateway.url)


def recorder_of(credential: ProducerCredential, spool: Path, service: str) -> Recorder:
    """Return a recorder with its shipper in a thread beside it."""
    return Recorder(
        credential,
        service=service,
        environment="test",
        spool_root=spool,
        companion=lambda made: Shipper(credential, made.spool_root, tuning=QUICK),
    )


def new_service() -> str:
    return f"svc-{secrets.token_hex(4)}"


def record(recorder: Recorder, numbers: range) -> None:
    for number in numbers:
        recorder.record(REQUEST | {"latency_ms": number})


def stored(server: Server, service: str) -> list[int]:
    words = ("event_type=http.request", f"service_name={service}")
    rows = server.run("search", *words, "--limit", "0", "--json").splitlines()
    return sorted(json.loads(row)["latency_ms"] for row in rows)


def spooled(credential: ProducerCredential, spool: Path) -> list[str]:
    return [folder.epoch for folder in list_epochs(spool, credential.producer_id, Disk())]


# S1


@pytest.mark.parametrize("mode", [silence, drip, refuse], ids=["silence", "drip", "500"])
def test_s1_a_collector_that_fails_delays_no_request_and_loses_nothing(
    server: Server, gateway: Gateway, credential: ProducerCredential, tmp_path: Path, mode: Mode
) -> None:
    service = new_service()
    gateway.fail(mode)
    recorder = recorder_of(credential, tmp_path, service)
    record(recorder, range(100))
    # The shipper is caught in an exchange that does not end; requests do not wait for it.
    assert gateway.met.wait(WAIT_S)
    record(recorder, range(100, 200))
    assert recorder.sync()
    assert recorder.health().dropped == 0
    if mode is not drip:
        assert stored(server, service) == []
    gateway.heal()
    # Nobody does anything: it drains by itself, and what is delivered leaves the disk.
    while len(found := stored(server, service)) < 200:
        time.sleep(0.1)
    assert found == list(range(200))
    recorder.close()
    assert spooled(credential, tmp_path) == []


def test_s1_a_collector_that_is_away_raises_an_alarm_and_holds_one_batch(
    gateway: Gateway, credential: ProducerCredential, tmp_path: Path
) -> None:
    recorder = Recorder(credential, service=new_service(), environment="test", spool_root=tmp_path)
    gateway.fail(refuse)
    shipper = Shipper(credential, tmp_path, tuning=QUICK)
    for round_ in range(5):
        record(recorder, range(round_ * 50, round_ * 50 + 50))
        shipper.step()
    assert (shipper.health.state, shipper.health.failures > 0) == ("waiting", True)
    assert shipper.health.last_error
    assert shipper.health.pending_octets > 50_000
    gateway.heal()
    recorder.close()
    while spooled(credential, tmp_path):
        shipper.step()
    assert (shipper.health.state, shipper.health.failures) == ("ok", 0)
    # What is spooled is measured now and then, not at every step.
    until = time.monotonic() + 30
    while shipper.health.pending_octets and time.monotonic() < until:
        shipper.step()
        time.sleep(0.05)
    assert shipper.health.pending_octets == 0
    shipper._release()


def test_s1_a_full_disk_at_the_producer_obeys_the_mode_and_drains(
    server: Server, credential: ProducerCredential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = new_service()
    recorder = recorder_of(credential, tmp_path, service)
    record(recorder, range(20))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Disk, "write", full)
        # Ordinary requests are answered; their records are held.
        record(recorder, range(20, 40))
        # A strict one is told that its record is not durable.
        recorder.record(REQUEST | {"latency_ms": 40}, mode="strict")
        assert not recorder.sync()
    record(recorder, range(41, 60))
    recorder.close()
    found = stored(server, service)
    assert set(found) >= {*range(40), *range(41, 60)}
    assert len(found) == len(set(found))
    assert spooled(credential, tmp_path) == []


# S2


def test_s2_an_acknowledgement_lost_after_the_commit_three_times_and_other_cuts(
    server: Server, gateway: Gateway, credential: ProducerCredential, tmp_path: Path
) -> None:
    service = new_service()
    recorder = Recorder(credential, service=service, environment="test", spool_root=tmp_path)
    record(recorder, range(60))
    assert recorder.sync()
    (folder,) = list_epochs(tmp_path, credential.producer_id, Disk())
    for lines in (7, 61, 13):
        # The batch is stored, its answer is lost, and the next attempt knows nothing of it.
        gateway.fail(lose_answer)
        tuning = dataclasses.replace(QUICK, batch_lines=lines)
        shipper = Shipper(credential, tmp_path, tuning=tuning)
        while not gateway.met.is_set():
            shipper.step()
        gateway.heal()
        while shipper.health.acknowledged < 61:
            shipper.step()
        assert shipper.health.duplicates >= min(lines, 61)
        shipper._release()
        folder.cursor_path.unlink(missing_ok=True)
    assert stored(server, service) == list(range(60))
    recorder.close()


@pytest.mark.parametrize("cut", [1, 7, 50, 100])
def test_s2_the_same_lines_at_once_in_other_cuts_are_stored_once(server: Server, cut: int) -> None:
    epoch, service = secrets.token_hex(16), "crash"
    lines = [line(epoch, seq) for seq in range(100)]
    send = _sender(server, epoch)

    def deliver(size: int) -> None:
        for first in range(0, 100, size):
            send(lines[first : first + size], first)

    threads = [threading.Thread(target=deliver, args=(size,)) for size in (cut, cut, 33)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    words = (f"service_name={service}", f"producer_epoch={epoch}", "--limit", "0", "--json")
    rows = [json.loads(row) for row in server.run("search", *words).splitlines()]
    assert sorted(row["producer_seq"] for row in rows) == list(range(100))


def _sender(server: Server, epoch: str) -> Callable[[list[bytes], int], httpx.Response]:
    key = json.loads(Path(server.ready["producer_key_file"]).read_bytes())["key"]

    def send(lines: list[bytes], first: int) -> httpx.Response:
        headers, body = encode_batch(lines, epoch, first)
        headers["Authorization"] = f"Bearer {key}"
        answer = httpx.post(server.ready["ingest_url"], content=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer

    return send


# S3


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b'{"event_type":', "syntax"),
        (b'{"a":1,"a":2}', "duplicate"),
        (b'{"latency_ms":1.5}', "float"),
        (None, "grammar"),
    ],
)
def test_s3_a_bad_line_is_named_and_its_neighbours_are_stored(
    server: Server, bad: bytes | None, code: str
) -> None:
    epoch = secrets.token_hex(16)
    lines = [line(epoch, seq) for seq in range(100)]
    lines[57] = bad or lines[57].replace(b'"READ"', b'"READ IT"')
    answer = decode_answer(_sender(server, epoch)(lines, 0).content)
    assert (answer.accepted, answer.quarantined) == (99, 1)
    (result,) = answer.results
    assert (result.seq, result.result, result.code) == (57, "quarantined", code)
    assert answer.durable_through == 99
    words = ("service_name=crash", f"producer_epoch={epoch}", "--limit", "0", "--json")
    assert len(server.run("search", *words).splitlines()) == 99
