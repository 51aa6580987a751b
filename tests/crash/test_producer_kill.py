"""S4: a producer killed at random points, shipped by itself or an agent, collected for real."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from auditroll.disk import Disk
from auditroll.recorder import Recorder, load_credential
from auditroll.ship import Shipper
from auditroll.spool.layout import list_epochs
from auditroll.wire import ProducerCredential
from tests.crash.runs import kills
from tests.crash.test_spool_kill import LIMITS, killed
from tests.e2e.server import AUDITROLL, running, verify
from tests.unit.ship.conftest import QUICK

pytestmark = pytest.mark.crash


def producer(credential: ProducerCredential, spool: Path, *, ships: bool) -> Callable[[], Recorder]:
    """Return what a producer process begins with."""

    def make() -> Recorder:
        return Recorder(
            credential,
            service="frontdesk",
            environment="test",
            spool_root=spool,
            limits=LIMITS,
            companion=(lambda made: Shipper(credential, made.spool_root, tuning=QUICK))
            if ships
            else None,
        )

    return make


def test_every_answered_request_is_in_the_collectors_log_once(tmp_path: Path) -> None:
    spool, answered = tmp_path / "spool", []
    with running(tmp_path / "data") as server:
        key_file = server.ready["producer_key_file"]
        credential = load_credential(key_file)
        agent = subprocess.Popen(
            [*AUDITROLL, "agent", "--credential", key_file, "--spool", str(spool)],
            stdout=subprocess.DEVNULL,
        )
        try:
            for run in range(kills("producer-collector")):
                make = producer(credential, spool, ships=bool(run % 3))
                answered += killed(make, run)
        finally:
            agent.terminate()
            agent.wait()
        last = Shipper(credential, spool, tuning=QUICK)
        while list(list_epochs(spool, credential.producer_id, Disk())):
            last.step()
        last.close()
        rows = server.run("search", "event_type=http.request", "--limit", "0", "--json")
        found = [json.loads(row)["latency_ms"] for row in rows.splitlines()]
        server.stop()
    assert len(found) == len(set(found))
    assert set(answered) <= set(found)
    # What is more than answered is the one request under way when the process died.
    assert len(found) - len(answered) <= kills("producer-collector")
    assert verify(tmp_path / "data")["verdict"] == "ok"
