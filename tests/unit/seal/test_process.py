"""The sequencer in its own process, asked by many at once."""

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from auditroll.clock import now_ms
from auditroll.errors import AccessError, CollectorError, Error, IntegrityError, PolicyError
from auditroll.seal import Sequencer, SequencerClient
from auditroll.seal.calls import decode_error, encode_error
from auditroll.seal.sealer import Sealer
from auditroll.seal.segments import SealJob
from auditroll.tlog import verify_inclusion
from tests.unit.seal.support import (
    INSTALLATION,
    TENANT,
    batch,
    check_all,
    facts_of,
    lines_of,
)


@contextlib.asynccontextmanager
async def started(folder: Path, seal_after_s: float = 300) -> AsyncIterator[SequencerClient]:
    client = await SequencerClient.start(
        folder, installation=INSTALLATION, seal_after_s=seal_after_s
    )
    try:
        yield client
    finally:
        await client.stop()


async def wait_for(condition: object, *, within_s: float = 30) -> None:
    """Wait until `condition()` holds; a limit only for what never comes."""
    until = time.monotonic() + within_s
    while not await condition():  # type: ignore[operator]
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


def test_every_method_crosses_the_border(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as client:
            assert client.ready.installation == INSTALLATION
            stream = await client.stream(TENANT, "standard")
            (appended,) = await client.append([batch(stream, range(300), now_ms=now_ms())])
            assert appended.received_ms > 0
            ledger = await client.ledger(TENANT)
            assert await client.fact(TENANT, "vault.binding", {"bindings": ["ab" * 32]}) == 1
            listing = await client.relist([stream, ledger])
            assert listing.sizes[stream] == 301
            assert await client.root_checkpoint() == listing.checkpoints[listing.root_stream]
            assert await client.stream_checkpoint(stream) == listing.checkpoints[stream]
            heads = {head.stream: head for head in await client.heads()}
            assert heads[stream].listed == heads[stream].size == 301
            path = await client.inclusion(stream, 7, 301)
            tail = await client.tail(stream, 0)
            root = bytes.fromhex(heads[stream].root)
            verify_inclusion(7, 301, tail[7].line().leaf_hash(), path, root)
            assert len(await client.consistency(stream, 256, 301)) > 0
            assert [len(await client.tail(stream, 290)), len(await client.tail(stream, 0, 5))] == [
                11,
                5,
            ]
            snapshot = await client.snapshot()
            assert [one.size for one in snapshot.streams if one.stream == stream] == [301]
            assert await client.segments(stream) == []
            assert await client.watermarks() == []
            assert await client.rebuilt() == []

    asyncio.run(scenario())
    log = Sequencer(tmp_path)
    check_all(log, tmp_path)
    log.close()


def test_errors_cross_the_border(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as client:
            with pytest.raises(PolicyError) as refused:
                await client.stream("Not A Tenant", "standard")
            assert refused.value.code == "bad-name"
            with pytest.raises(CollectorError) as broken:
                await client.append([b"no frame"])
            assert broken.value.code == "frame-refused"
            # One that is refused does not take others along.
            stream = await client.stream(TENANT, "standard")
            good, bad = await asyncio.gather(
                client.append([batch(stream, [0])]),
                client.append([batch("0" * 32, [0])]),
                return_exceptions=True,
            )
            assert isinstance(bad, CollectorError)
            assert not isinstance(good, BaseException)

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", [AccessError, CollectorError, IntegrityError, PolicyError])
def test_an_error_comes_back_whole(kind: type[Error]) -> None:
    class Narrow(kind):  # type: ignore[misc,valid-type]
        pass

    error = Narrow("some-code", "what happened", hint="what to do", status=418, retry_after=5)
    import msgspec

    number, told, result = msgspec.msgpack.decode(encode_error(7, error)[4:])
    again = decode_error(told)
    assert (number, result) == (7, None)
    assert type(again) is kind
    assert again.problem() == error.problem()


def test_three_thousand_appends_at_once(tmp_path: Path) -> None:
    """L2: one chain, no fork, everything acknowledged is there once."""

    async def scenario() -> str:
        async with started(tmp_path) as client:
            stream = await client.stream(TENANT, "standard")
            numbers = await asyncio.gather(
                *(client.append([batch(stream, [number])]) for number in range(3000))
            )
            frames = [appended.frame for (appended,) in numbers]
            assert len(set(frames)) == 3000
            with pytest.raises(PolicyError) as refused:
                await SequencerClient.start(tmp_path, installation=INSTALLATION)
            assert refused.value.code == "data-locked"
            return stream

    stream = asyncio.run(scenario())
    log = Sequencer(tmp_path)
    events = facts_of(check_all(log, tmp_path)[stream], "http.request")
    assert sorted(public["producer_seq"] for public in events) == list(range(3000))
    log.close()


def test_segments_are_written_in_a_third_process(tmp_path: Path) -> None:
    async def scenario() -> str:
        async with started(tmp_path, seal_after_s=0.5) as client:
            stream = await client.stream(TENANT, "standard")
            await client.append([batch(stream, range(600))])

            async def sealed() -> bool:
                return sum(info.count for info in await client.segments(stream)) == 601

            await wait_for(sealed)
            assert await client.tail(stream, 0) == []
            return stream

    stream = asyncio.run(scenario())
    log = Sequencer(tmp_path)
    assert len(check_all(log, tmp_path)[stream]) == 601
    assert len(lines_of(tmp_path, stream, [])) == 601
    log.close()


def test_checkpoints_are_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with started(tmp_path) as client:
            before = await client.root_checkpoint()
            await client.stream(TENANT, "standard")

            async def grown() -> bool:
                return await client.root_checkpoint() != before

            await wait_for(grown)

    asyncio.run(scenario())


def test_a_tail_comes_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditroll.seal.client.PIECE_RECORDS", 100)

    async def scenario() -> None:
        async with started(tmp_path) as client:
            stream = await client.stream(TENANT, "standard")
            await client.append([batch(stream, range(450))])
            tail = await client.tail(stream, 3)
            indices = [record.line().record()["index"] for record in tail]
            assert indices == list(range(3, 451))
            assert await client.tail(stream, 451) == []

    asyncio.run(scenario())


class TestEnds:
    def test_a_killed_sequencer_fails_what_waits(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            client = await SequencerClient.start(tmp_path, installation=INSTALLATION)
            gone = asyncio.Event()
            client.on_gone(gone.set)
            stream = await client.stream(TENANT, "standard")
            waiting = [
                asyncio.ensure_future(client.append([batch(stream, [number])]))
                for number in range(50)
            ]
            await asyncio.sleep(0)
            client._process.kill()
            answers = await asyncio.gather(*waiting, return_exceptions=True)
            failed = [answer for answer in answers if isinstance(answer, CollectorError)]
            assert {error.code for error in failed} <= {"sequencer-gone"}
            await asyncio.wait_for(gone.wait(), 10)
            assert not client.alive
            with pytest.raises(CollectorError):
                await client.heads()
            await client.stop()

        asyncio.run(scenario())
        Sequencer(tmp_path).close()

    def test_it_ends_with_its_parent(self, tmp_path: Path) -> None:
        program = (
            "import asyncio, sys, os\n"
            "from pathlib import Path\n"
            "from auditroll.seal import SequencerClient\n"
            "async def main():\n"
            f"    c = await SequencerClient.start(Path({str(tmp_path)!r}), installation='a.b')\n"
            "    print(c._process.pid, flush=True)\n"
            "    await asyncio.sleep(3600)\n"
            "asyncio.run(main())\n"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            parent.send_signal(signal.SIGKILL)
        until = time.monotonic() + 30
        while Path(f"/proc/{child}").exists() and not ended(child):
            assert time.monotonic() < until
            time.sleep(0.02)
        # The successor need not wait for anybody.
        Sequencer(tmp_path).close()

    def test_a_folder_that_cannot_be_used(self, tmp_path: Path) -> None:
        (tmp_path / "data").write_text("a file", encoding="utf-8")

        async def scenario() -> None:
            with pytest.raises(CollectorError) as refused:
                await SequencerClient.start(tmp_path / "data")
            assert refused.value.code == "disk-failed"

        asyncio.run(scenario())

    def test_a_child_that_says_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", "/bin/false")

        async def scenario() -> None:
            with pytest.raises(CollectorError) as refused:
                await SequencerClient.start(tmp_path)
            assert refused.value.code == "sequencer-gone"

        asyncio.run(scenario())


def ended(pid: int) -> bool:
    """Tell whether a process is only waiting to be collected."""
    with contextlib.suppress(OSError):
        return ") Z " in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return True


class TestSealer:
    @pytest.fixture
    def sealer(self) -> Iterator[Sealer]:
        sealer = Sealer()
        yield sealer
        sealer.close()

    def job(self, folder: Path) -> SealJob:
        log = Sequencer(folder, installation=INSTALLATION)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, range(20))])
        log.close()
        return SealJob(str(folder), stream, 0, 21, log.packed(stream, 0))

    def test_it_is_started_again_after_it_died(self, tmp_path: Path, sealer: Sealer) -> None:
        job = self.job(tmp_path)
        assert sealer.submit(job).result(60).object_bytes > 0
        assert sealer._process is not None
        sealer._process.kill()
        with pytest.raises((Error, OSError)):
            sealer.submit(job).result(60)
        result = sealer.submit(job).result(60)
        assert Path(result.temporary).stat().st_size == result.object_bytes

    def test_what_it_cannot_write_it_says(self, tmp_path: Path, sealer: Sealer) -> None:
        job = self.job(tmp_path)
        (tmp_path / "streams" / job.stream).mkdir(exist_ok=True)
        (tmp_path / "streams" / job.stream / "segments").write_bytes(b"")
        with pytest.raises(CollectorError) as refused:
            sealer.submit(job).result(60)
        assert refused.value.code == "segment-failed"
