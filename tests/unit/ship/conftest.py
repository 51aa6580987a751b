"""A collector and a recorder whose shipper is driven by the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from auditroll.recorder import Recorder
from auditroll.ship import Shipper, Tuning
from auditroll.wire import ProducerCredential
from tests.unit.recorder.support import CREDENTIAL
from tests.unit.ship.collector import FakeCollector

QUICK = Tuning(
    batch_lines=10,
    linger_s=0.01,
    scan_s=0.0,
    connect_s=1.0,
    read_s=0.5,
    deadline_s=0.5,
    first_wait_s=0.01,
    longest_wait_s=0.05,
    drain_s=10.0,
)


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    running = FakeCollector()
    yield running
    running.close()


@pytest.fixture
def credential(collector: FakeCollector) -> ProducerCredential:
    return msgspec.structs.replace(CREDENTIAL, collector_url=collector.url)


@pytest.fixture
def recorder(credential: ProducerCredential, tmp_path: Path) -> Iterator[Recorder]:
    running = Recorder(
        credential, service="frontdesk", environment="test", spool_root=tmp_path / "spool"
    )
    yield running
    running.close()


@pytest.fixture
def shipper(recorder: Recorder) -> Iterator[Shipper]:
    running = Shipper(recorder.credential, recorder.spool_root, tuning=QUICK, renew=recorder.renew)
    yield running
    running._release()


@pytest.fixture
def drain(shipper: Shipper) -> Callable[[], None]:
    """Ship until there is nothing to ship and nothing to wait for."""

    def run() -> None:
        quiet = 0
        while quiet < 2:
            busy = shipper.step()
            waiting = shipper._backoff.left_s() > 0 or any(
                delivery.backoff.left_s() > 0 for delivery in shipper._deliveries.values()
            )
            quiet = 0 if busy or waiting else quiet + 1

    return run
