"""Recorder, spool and shipper against the real collector, each of them killed on the way."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from auditroll.disk import Disk
from auditroll.recorder import load_credential
from auditroll.ship import Shipper, Tuning
from auditroll.spool.layout import list_epochs
from tests.e2e.server import Server, running, verify
from tests.support import ROOT

pytestmark = pytest.mark.e2e

QUICK = Tuning(linger_s=0.02, scan_s=0.1, first_wait_s=0.02, longest_wait_s=0.2)

PRODUCER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from auditroll.recorder import Recorder, load_credential
from auditroll.ship import Shipper, Tuning
from tests.unit.recorder.support import REQUEST

credential = load_credential({credential!r})
tuning = Tuning(linger_s=0.02, scan_s=0.1, first_wait_s=0.02, longest_wait_s=0.2)
recorder = Recorder(
    credential, service="frontdesk", environment="test", spool_root=Path({spool!r}),
    companion=lambda made: Shipper(credential, made.spool_root, tuning=tuning),
)
first, count, linger = map(int, sys.argv[1:])
for number in range(first, first + count):
    recorder.record(REQUEST | {{"latency_ms": number, "user_id": f"user-{{number % 5}}"}})
    print(number, flush=True)
if linger:
    sys.stdin.read()
recorder.close()
"""


def produce(script: Path, first: int, count: int, *, linger: bool) -> subprocess.Popen[bytes]:
    """Start a producer and return once it has answered all its requests."""
    process = subprocess.Popen(
        [sys.executable, script, str(first), str(count), str(int(linger))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    for _ in range(count):
        assert process.stdout.readline(), process.wait()
    return process


def drain(server: Server, spool: Path) -> Shipper:
    """Ship everything that is left, as the next process of the producer would."""
    credential = load_credential(server.ready["producer_key_file"])
    shipper = Shipper(credential, spool, tuning=QUICK)
    while list(list_epochs(spool, credential.producer_id, Disk())):
        shipper.step()
    shipper.close()
    return shipper


def stored(server: Server) -> list[int]:
    rows = server.run("search", "event_type=http.request", "--limit", "0", "--json")
    return sorted(json.loads(row)["latency_ms"] for row in rows.splitlines())


def test_every_answered_request_is_in_the_log_once(tmp_path: Path) -> None:
    """S2, S4: producers end well or are killed, the collector is killed in between."""
    data, spool = tmp_path / "data", tmp_path / "spool"
    script = tmp_path / "producer.py"
    with running(data) as server:
        key_file = server.ready["producer_key_file"]
        # The next server listens elsewhere: each start writes the credential anew.
        text = PRODUCER.format(root=str(ROOT), credential=key_file, spool=str(spool))
        script.write_text(text)
        assert produce(script, 0, 40, linger=False).wait() == 0
        victim = produce(script, 40, 40, linger=True)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        lasting = produce(script, 80, 40, linger=True)
        server.kill()
        os.kill(lasting.pid, signal.SIGKILL)
        lasting.wait()
    # Nobody listens: requests are answered even so.
    assert produce(script, 120, 40, linger=False).wait() == 0
    with running(data) as server:
        assert produce(script, 160, 40, linger=False).wait() == 0
        shipper = drain(server, spool)
        assert shipper.health.quarantined == {}
        assert shipper.health.lost == []
        assert stored(server) == list(range(200))
        opened = server.run("search", "event_type=producer.open", "--limit", "0", "--json")
        closed = server.run("search", "event_type=producer.close", "--limit", "0", "--json")
        assert len(opened.splitlines()) == 5
        assert len(closed.splitlines()) == 3
        server.stop()
    assert verify(data)["verdict"] == "ok"


def test_no_identity_is_on_the_producers_disk(tmp_path: Path) -> None:
    data, spool = tmp_path / "data", tmp_path / "spool"
    script = tmp_path / "producer.py"
    with running(data) as server:
        key_file = server.ready["producer_key_file"]
        text = PRODUCER.format(root=str(ROOT), credential=key_file, spool=str(spool))
        script.write_text(text)
        server.kill()
    produce(script, 0, 20, linger=False).wait()
    octets = b"".join(path.read_bytes() for path in spool.rglob("*") if path.is_file())
    assert octets.count(b"http.request") == 20
    for identity in (b"user-3", b"203.0.113.7"):
        assert identity not in octets
