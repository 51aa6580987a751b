"""The engine over a real sequencer in its own process, asked from worker threads."""

import asyncio

import pytest

from auditroll.clock import now_ms
from auditroll.errors import AccessError
from auditroll.event.canonical import encode
from auditroll.event.times import format_time
from auditroll.keys import KeyStore
from auditroll.query import Engine, Filter, InstalledSource, Query
from auditroll.seal import SequencerClient
from auditroll.segment.journal import FrameHeader, encode_plaintext
from auditroll.store import DataFolder
from auditroll.tlog import Frontier
from tests.unit.segment.records import octets, pseudonym, request

pytestmark = pytest.mark.anyio
EPOCH = "ab" * 16


@pytest.fixture
def anyio_backend():
    return "asyncio"


def frame(stream, first, count):
    received = now_ms()
    header = FrameHeader("batch", received, "clinic", "records-api", EPOCH, first)
    records = [
        (stream, octets("installed", number), encode(request(number)))
        for number in range(first, first + count)
    ]
    return encode_plaintext(header, records, received_at=format_time(received))


async def wait_for_segments(folder, stream):
    for _ in range(200):
        if folder.segments(stream):
            return
        await asyncio.sleep(0.05)
    pytest.fail("no segment was sealed")


async def test_search_sees_what_was_appended_before_and_after_sealing(tmp_path):
    client = await SequencerClient.start(tmp_path, installation="test.example", seal_after_s=0.1)
    folder = DataFolder(tmp_path)
    source = InstalledSource.over_client(
        folder, KeyStore(folder.keys), client, asyncio.get_running_loop()
    )
    try:
        with Engine(source, folder.derived) as engine:
            await check(client, folder, engine)
    finally:
        await client.stop()


async def check(client, folder, engine):
    stream = await client.stream("clinic", "standard")
    await client.append([frame(stream, 0, 400)])
    # A search in the same instant finds them: sealed or not.
    page = await asyncio.to_thread(engine.search, Query("clinic", limit=1000, streams=[stream]))
    assert sorted(row["index"] for row in page.rows) == list(range(401))
    assert page.pinned.streams == {stream: 401}
    assert page.pinned.root_checkpoint.startswith("test.example/")
    await wait_for_segments(folder, stream)
    await client.append([frame(stream, 400, 50)])
    query = Query("clinic", [Filter("user_id", "eq", pseudonym(2003))], limit=1000)
    found = await asyncio.to_thread(engine.search, query)
    assert found.unreadable == []
    assert sorted(row["producer_seq"] for row in found.rows) == list(range(3, 450, 11))
    lines = await asyncio.to_thread(lambda: list(engine.lines("clinic", stream)))
    frontier = Frontier()
    frontier.append_many([line.leaf_hash() for line in lines])
    (head,) = [head for head in await client.heads() if head.stream == stream]
    assert (frontier.size, frontier.root().hex()) == (head.size, head.root)
    (ledger,) = [head for head in await client.heads() if head.kind == "ledger"]
    facts = await asyncio.to_thread(engine.search, Query("clinic", streams=[ledger.stream]))
    assert "ledger.seal" in {row["event_type"] for row in facts.rows}
    root = await asyncio.to_thread(engine.search, Query("", order="oldest"))
    assert [row["event_type"] for row in root.rows][:2] == ["ledger.genesis", "root.heads"]
    with pytest.raises(AccessError):
        await asyncio.to_thread(engine.line, "other", stream, 0)
