"""The collector over the sequencer's own process: concurrency, fencing, sudden ends."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auditroll.access import Control, Tenant
from auditroll.collect import Collector
from auditroll.collect.lines import encode_event
from auditroll.errors import CollectorError, PolicyError
from auditroll.event import Event, decode_exact
from auditroll.keys import KeyStore
from auditroll.seal import SequencerClient
from auditroll.vault.assign import Vault
from auditroll.wire.batch import Answer, encode_batch
from tests.unit.collect.support import EPOCH, TENANT, event, events

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Server:
    """Everything `auditroll up` starts, without HTTP."""

    def __init__(self, sequencer: SequencerClient, folder: Path) -> None:
        self.sequencer = sequencer
        self.control = Control.open(folder / "control")
        self.control.tenants.create(Tenant(tenant=TENANT))
        self.vault = Vault.open(folder / "vault", KeyStore(folder / "keys"))
        self.vault.keyring.provision(TENANT)
        self.collector = Collector(self.control, self.vault, sequencer)

    @classmethod
    async def start(cls, folder: Path) -> "Server":
        sequencer = await SequencerClient.start(folder, installation="test.example")
        server = cls(sequencer, folder)
        await server.collector.start()
        return server

    async def stop(self) -> None:
        await self.collector.stop()
        self.vault.close()
        self.control.close()
        await self.sequencer.stop()

    async def send(
        self, key: str, lines: list[Event], first: int = 0, epoch: str = EPOCH
    ) -> Answer:
        headers, body = encode_batch([encode_event(line) for line in lines], epoch, first)
        return await self.collector.ingest(key, headers, body)

    async def numbers(self) -> list[tuple[str, int]]:
        stream = await self.sequencer.stream(TENANT, "standard")
        leaves = [decode_exact(line.leaf) for line in await self.sequencer.tail(stream, 1)]
        return [(leaf["producer_epoch"], leaf["producer_seq"]) for leaf in leaves]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    running = await Server.start(tmp_path)
    yield running
    await running.stop()


async def test_many_producers_at_once_lose_and_repeat_nothing(server: Server) -> None:
    """Case L2: 3,000 records from ten tasks, each batch sent twice."""
    _, key = server.control.producers.register("api", TENANT, ["*"])
    epochs = [f"{number:032x}" for number in range(10)]

    async def produce(epoch: str) -> int:
        accepted = 0
        for first in range(0, 300, 50):
            lines = events(50, first, producer_epoch=epoch)
            answers = await asyncio.gather(
                *(server.send(key, lines, first, epoch) for _ in range(2))
            )
            accepted += sum(answer.accepted for answer in answers)
        return accepted

    assert await asyncio.gather(*map(produce, epochs)) == [300] * 10
    numbers = await server.numbers()
    assert len(numbers) == 3000
    assert set(numbers) == {(epoch, seq) for epoch in epochs for seq in range(300)}


async def test_a_second_process_is_refused(server: Server, tmp_path: Path) -> None:
    """Case L2, the other half."""
    with pytest.raises(PolicyError) as refused:
        await SequencerClient.start(tmp_path, installation="test.example")
    assert refused.value.code == "data-locked"


async def test_what_was_answered_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    server = await Server.start(tmp_path)
    _, key = server.control.producers.register("api", TENANT, ["*"])
    await server.send(key, events(100))
    os.kill(server.sequencer._process.pid, signal.SIGKILL)

    async def send_until_it_fails() -> None:
        for first in range(100, 1000, 10):
            await server.send(key, events(10, first), first)

    with pytest.raises(CollectorError):
        await send_until_it_fails()
    received = server.collector.epochs.find("api", EPOCH)
    assert received is not None
    answered = received.received.through()
    server.vault.close()
    server.control.close()
    await server.sequencer.stop()

    again = await Server.start(tmp_path)
    recovered = again.collector.epochs.find("api", EPOCH)
    assert recovered is not None
    assert recovered.received.through() >= answered
    await again.send(key, events(300))
    assert [seq for _, seq in await again.numbers()] == list(range(300))
    await again.stop()


async def test_a_restart_keeps_pseudonyms_and_epochs(tmp_path: Path) -> None:
    before = await Server.start(tmp_path)
    _, key = before.control.producers.register("api", TENANT, ["*"])
    await before.send(key, [event(0), event(1, service_name="anything")])
    await before.stop()

    after = await Server.start(tmp_path)
    answer = await after.send(key, events(3))
    assert (answer.duplicates, answer.accepted, answer.durable_through) == (2, 1, 2)
    await after.stop()
