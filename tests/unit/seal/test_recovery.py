"""What a start finds: the same log, or a reason not to start."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditroll.errors import IntegrityError, PolicyError
from auditroll.event.canonical import encode
from auditroll.seal import Sequencer
from tests.unit.seal.support import (
    EPOCH,
    TENANT,
    Clock,
    batch,
    check_all,
    facts_of,
    opened,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def grown(folder: Path, clock: Clock) -> tuple[Sequencer, str]:
    """Return a log with sealed records, unsealed ones, and a journal file that holds both."""
    log = opened(folder, clock)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(700))])
    log.tick()
    log.seal_all()
    log.append([batch(stream, range(700, 720), quarantined=[(720, "grammar")])])
    log.tick()
    return log, stream


def state(log: Sequencer) -> Any:
    """Return what must be the same after a restart."""
    root = log.ready().root_stream
    data = [head for head in log.heads() if head.kind == "data"]
    proofs = [log.inclusion(head.stream, 5, head.size) for head in data]
    proofs += [log.consistency(head.stream, 300, 721) for head in data]
    heads = {head.stream: (head.size, head.root) for head in data if head.stream != root}
    return heads, proofs


def numbers(log: Sequencer) -> set[int]:
    return {
        seq
        for producer, epoch, ranges in log.watermarks()
        for first, last in ranges
        for seq in range(first, last + 1)
        if (producer, epoch) == ("api", EPOCH)
    }


def test_a_restart_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    log, stream = grown(tmp_path, clock)
    before = state(log)
    records = check_all(log, tmp_path)
    log.close()
    again = opened(tmp_path, clock)
    assert state(again) == before
    assert check_all(again, tmp_path)[stream] == records[stream]
    assert numbers(again) == set(range(721))
    assert numbers(again) == set()
    assert again.rebuilt() == []


def test_a_death_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    log, stream = grown(tmp_path, clock)
    before = state(log)
    log.abandon()
    again = opened(tmp_path, clock)
    assert state(again) == before
    again.append([batch(stream, range(721, 730))])
    assert len(check_all(again, tmp_path)[stream]) == 730


def test_three_restarts_in_a_row(tmp_path: Path, clock: Clock) -> None:
    log, stream = grown(tmp_path, clock)
    for number in range(3):
        log.abandon()
        log = opened(tmp_path, clock)
        log.append([batch(stream, [721 + number])])
        log.seal_all()
    assert len(check_all(log, tmp_path)[stream]) == 724
    assert numbers(log) == set(range(723))


class TestDerivedFiles:
    """L9: what is derived is made again from the evidence, with the same answers."""

    def check(self, folder: Path, clock: Clock, spoil: Callable[[Path], None]) -> list[str]:
        log, stream = grown(folder, clock)
        log.seal_all()
        log.append([batch(stream, range(721, 725))])
        log.tick()
        before, records = state(log), check_all(log, folder)
        log.close()
        # A second start, so that the first journal file's records are sealed in part.
        opened(folder, clock).close()
        spoil(folder / "derived")
        again = opened(folder, clock)
        assert state(again) == before
        assert check_all(again, folder)[stream] == records[stream]
        assert numbers(again) == set(range(725))
        return again.rebuilt()

    def test_all_deleted(self, tmp_path: Path, clock: Clock) -> None:
        rebuilt = self.check(tmp_path, clock, shutil.rmtree)
        assert any(path.startswith("derived/tiles/") for path in rebuilt)

    def test_positions_deleted_after_the_first_files_are_gone(
        self, tmp_path: Path, clock: Clock
    ) -> None:
        log = opened(tmp_path, clock, seal_after_s=60)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, range(30), now_ms=clock.now_ms)])
        log.close()
        log = opened(tmp_path, clock, seal_after_s=60)
        log.append([batch(stream, range(30, 40), now_ms=clock.now_ms)])
        for _ in range(4):
            clock.forward(61)
            log.tick()
        log.append([batch(stream, range(40, 43), now_ms=clock.now_ms)])
        first = min(path.name for path in (tmp_path / "journal").iterdir())
        assert int(first[:20]) > 0
        records = check_all(log, tmp_path)
        log.abandon()
        shutil.rmtree(tmp_path / "derived" / "journal")
        clock.now_ms = 0
        again = opened(tmp_path, clock)
        assert check_all(again, tmp_path)[stream] == records[stream]
        assert f"derived/journal/{first[:20]}.json" in again.rebuilt()

    @pytest.mark.parametrize("kind", ["tiles", "journal", "seals"])
    @pytest.mark.parametrize("damage", ["flip", "cut", "zeros", "longer"])
    def test_damaged(self, tmp_path: Path, clock: Clock, kind: str, damage: str) -> None:
        def spoil(derived: Path) -> None:
            for path in sorted((derived / kind).rglob("*")):
                if path.is_file():
                    path.write_bytes(damaged(path.read_bytes(), damage))

        rebuilt = self.check(tmp_path, clock, spoil)
        if kind == "tiles" and damage != "longer":
            assert any(path.startswith("derived/tiles/") for path in rebuilt)

    def test_a_tile_damaged_while_it_runs(self, tmp_path: Path, clock: Clock) -> None:
        log, stream = grown(tmp_path, clock)
        before = state(log)
        for stale in log.streams.values():
            stale.nodes.flush()
            stale.nodes._cache.clear()
        path = tmp_path / "derived" / "tiles" / f"{stream}.0"
        path.write_bytes(damaged(path.read_bytes(), "flip"))
        assert state(log) == before
        assert log.rebuilt() == [f"derived/tiles/{stream}"]


def damaged(octets: bytes, damage: str) -> bytes:
    middle = len(octets) // 2
    return {
        "flip": octets[:middle] + bytes([octets[middle] ^ 1]) + octets[middle + 1 :],
        "cut": octets[:middle],
        "zeros": bytes(len(octets)),
        "longer": octets + b"x" * 100,
    }[damage]


class TestStrays:
    """The process died between a segment's file and its seal."""

    @pytest.mark.parametrize("named", [True, False])
    def test_the_segment_is_written_again(
        self, tmp_path: Path, clock: Clock, *, named: bool
    ) -> None:
        log, stream = grown(tmp_path, clock)
        log.abandon()
        segments = tmp_path / "streams" / stream / "segments"
        stray = f"{700:020d}-0000.parquet"
        path = segments / (stray if named else f".{stray}.segment-{1:016x}.sealing")
        path.write_bytes(next(segments.iterdir()).read_bytes())
        (segments / f"{800:020d}-0000.parquet").write_bytes(b"no segment")
        (tmp_path / "streams" / stream / ".head.json.1.tmp").write_bytes(b"{")
        again = opened(tmp_path, clock)
        assert not path.exists()
        assert not list((tmp_path / "streams").rglob(".*"))
        again.seal_all()
        assert len(check_all(again, tmp_path)[stream]) == 721


class TestRefusedStarts:
    def refuse(self, folder: Path, clock: Clock, code: str) -> None:
        with pytest.raises(IntegrityError) as refused:
            opened(folder, clock)
        assert refused.value.code == code
        assert refused.value.hint

    def test_a_register_above_the_data(self, tmp_path: Path, clock: Clock) -> None:
        """L8: an older journal under newer registers."""
        log, stream = grown(tmp_path / "new", clock)
        log.abandon()
        shutil.copytree(tmp_path / "new", tmp_path / "old")
        log = opened(tmp_path / "new", clock)
        log.append([batch(stream, range(721, 800))])
        log.tick()
        log.relist([stream])
        log.close()
        shutil.rmtree(tmp_path / "new" / "journal")
        shutil.copytree(tmp_path / "old" / "journal", tmp_path / "new" / "journal")
        self.refuse(tmp_path / "new", clock, "rolled-back")
        assert not (tmp_path / "new" / "run" / "torn.json").exists()

    def test_a_register_of_another_tree(self, tmp_path: Path, clock: Clock) -> None:
        log, stream = grown(tmp_path, clock)
        size = log.streams[stream].size
        log.abandon()
        octets = encode({"root": "ab" * 32, "size": size, "stream": stream})
        (tmp_path / "streams" / stream / "head.json").write_bytes(octets)
        self.refuse(tmp_path, clock, "forked")

    @pytest.mark.parametrize("octets", [b"", b"{}", b'{"root":"ab","size":1,"stream":"x"}'])
    def test_a_damaged_register(self, tmp_path: Path, clock: Clock, octets: bytes) -> None:
        log, stream = grown(tmp_path, clock)
        log.abandon()
        (tmp_path / "streams" / stream / "head.json").write_bytes(octets)
        self.refuse(tmp_path, clock, "altered")

    def test_everything_but_the_keys_is_gone(self, tmp_path: Path, clock: Clock) -> None:
        """L3: a whole log deleted is not a new log."""
        grown(tmp_path, clock)[0].close()
        shutil.rmtree(tmp_path / "streams")
        shutil.rmtree(tmp_path / "journal")
        self.refuse(tmp_path, clock, "missing")

    def test_a_sealed_tail_is_gone(self, tmp_path: Path, clock: Clock) -> None:
        log, stream = grown(tmp_path, clock)
        log.close()
        shutil.rmtree(tmp_path / "streams" / stream)
        for path in (tmp_path / "journal").iterdir():
            path.unlink()
        with pytest.raises(IntegrityError) as refused:
            opened(tmp_path, clock)
        assert refused.value.code in {"missing", "rolled-back"}

    def test_a_damaged_trust_file(self, tmp_path: Path, clock: Clock) -> None:
        grown(tmp_path, clock)[0].close()
        (tmp_path / "keys" / "trust.json").write_bytes(b"{")
        self.refuse(tmp_path, clock, "altered")

    def test_a_lost_trust_file_is_made_again(self, tmp_path: Path, clock: Clock) -> None:
        log, _ = grown(tmp_path, clock)
        log.close()
        before = (tmp_path / "keys" / "trust.json").read_bytes()
        (tmp_path / "keys" / "trust.json").unlink()
        opened(tmp_path, clock).close()
        assert (tmp_path / "keys" / "trust.json").read_bytes() == before

    @pytest.mark.parametrize("use", ["signing", "journal", "segment"])
    def test_a_lost_key(self, tmp_path: Path, clock: Clock, use: str) -> None:
        log, _ = grown(tmp_path, clock)
        log.close()
        for path in (tmp_path / "keys").glob(f"{use}-*.key"):
            path.unlink()
        for path in (tmp_path / "derived").rglob("*"):
            if path.is_file():
                path.unlink()
        self.refuse(tmp_path, clock, "key-unknown")

    def test_another_signing_key(self, tmp_path: Path, clock: Clock) -> None:
        grown(tmp_path / "a", clock)[0].close()
        grown(tmp_path / "b", clock)[0].close()
        for path in (tmp_path / "a" / "keys").glob("signing-*.key"):
            path.unlink()
        self.refuse(tmp_path / "a", clock, "key-unknown")

    def test_another_installation(self, tmp_path: Path, clock: Clock) -> None:
        grown(tmp_path, clock)[0].close()
        with pytest.raises(PolicyError) as refused:
            Sequencer(tmp_path, installation="other.example", wait_s=0)
        assert refused.value.code == "installation-changed"
        Sequencer(tmp_path, wait_s=0).close()

    def test_a_name_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(PolicyError) as refused:
            Sequencer(tmp_path, installation="Not A Name", wait_s=0)
        assert refused.value.code == "bad-name"

    def test_an_altered_segment_whose_hashes_are_needed(self, tmp_path: Path, clock: Clock) -> None:
        log, stream = grown(tmp_path, clock)
        log.close()
        path = next((tmp_path / "streams" / stream / "segments").iterdir())
        data = bytearray(path.read_bytes())
        # The leaves are the first column.
        data[2000] ^= 1
        path.write_bytes(data)
        shutil.rmtree(tmp_path / "derived")
        with pytest.raises(IntegrityError):
            opened(tmp_path, clock)

    def test_a_frame_of_a_stream_without_genesis(self, tmp_path: Path, clock: Clock) -> None:
        log, _ = grown(tmp_path, clock)
        log.roll.journal.write([batch("0" * 32, [0])])
        log.roll.journal.sync()
        log.abandon()
        with pytest.raises(IntegrityError) as refused:
            opened(tmp_path, clock)
        assert refused.value.code == "altered"

    def test_segments_that_are_not_the_seals(self, tmp_path: Path, clock: Clock) -> None:
        """The file opens, but the leaves in it do not give the root that its seal names."""
        log, _ = grown(tmp_path, clock)
        log.close()
        shutil.rmtree(tmp_path / "derived")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("auditroll.seal.reading.leaf_hash", lambda leaf: bytes(32))
            with pytest.raises(IntegrityError) as refused:
                opened(tmp_path, clock)
        assert refused.value.code == "altered"
        opened(tmp_path, clock).close()


class TestTornTails:
    def tear(self, folder: Path, clock: Clock, cut: int) -> tuple[Sequencer, str, int]:
        """Lose the end of the last frame, as a crash before its sync does."""
        log, stream = grown(folder, clock)
        size = log.streams[stream].size
        log.append([batch(stream, range(721, 731))])
        path = folder / "journal" / f"{log.roll.journal.first:020d}.arj"
        log.abandon()
        octets = path.read_bytes()
        path.write_bytes(octets[:-cut])
        return opened(folder, clock), stream, size

    @pytest.mark.parametrize("cut", [1, 20, 300])
    def test_a_torn_frame_is_cut_and_recorded(self, tmp_path: Path, clock: Clock, cut: int) -> None:
        log, stream, size = self.tear(tmp_path, clock, cut)
        assert log.streams[stream].size == size
        records = check_all(log, tmp_path)
        for where in (log.ledger(TENANT), log.ready().root_stream):
            (fact,) = facts_of(records[where], "ledger.recovery")
            assert fact["reason_code"] == "torn-tail"
            assert fact["journal_file"] == f"{0:020d}.arj"
            assert fact["lost_octets"] > 0
        path = tmp_path / "journal" / f"{0:020d}.arj"
        assert path.stat().st_size == fact["valid_octets"]
        assert not (tmp_path / "run" / "torn.json").exists()
        log.append([batch(stream, range(721, 731))])
        log.abandon()
        again = opened(tmp_path, clock)
        assert len(facts_of(check_all(again, tmp_path)[stream], "http.request")) == 730

    def test_a_cut_that_was_not_recorded_is_recorded_later(
        self, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log, stream = grown(tmp_path, clock)
        log.append([batch(stream, range(721, 731))])
        log.abandon()
        path = tmp_path / "journal" / f"{0:020d}.arj"
        path.write_bytes(path.read_bytes()[:-3])

        def die(*_: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("auditroll.seal.starting.Start._record_torn", die)
            with pytest.raises(KeyboardInterrupt):
                opened(tmp_path, clock)
        assert (tmp_path / "run" / "torn.json").exists()
        log = opened(tmp_path, clock)
        records = check_all(log, tmp_path)
        assert facts_of(records[log.ready().root_stream], "ledger.recovery")
        assert not (tmp_path / "run" / "torn.json").exists()

    def test_damage_with_a_sound_frame_behind_it_is_no_torn_tail(
        self, tmp_path: Path, clock: Clock
    ) -> None:
        log, stream = grown(tmp_path, clock)
        log.append([batch(stream, range(721, 731))])
        log.abandon()
        path = tmp_path / "journal" / f"{0:020d}.arj"
        octets = bytearray(path.read_bytes())
        octets[len(octets) // 2] ^= 1
        path.write_bytes(octets)
        with pytest.raises(IntegrityError) as refused:
            opened(tmp_path, clock)
        assert refused.value.code == "altered"
        assert path.read_bytes() == octets


def test_the_key_of_a_segment_that_never_counted_is_destroyed(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, stream = grown(tmp_path, clock)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    keys = {path.stem for path in (tmp_path / "keys").glob("segment-*.key")}
    for named in (False, True):
        target = "Sealing._announce" if not named else "Sealing._fields"
        with monkeypatch.context() as patched:
            patched.setattr(f"auditroll.seal.sealing.{target}", die)
            with pytest.raises(KeyboardInterrupt):
                log.seal_all()
        new = {path.stem for path in (tmp_path / "keys").glob("segment-*.key")} - keys
        assert new
        log.abandon()
        log = opened(tmp_path, clock)
        assert not new & {path.stem for path in (tmp_path / "keys").glob("*.key")}
        root = check_all(log, tmp_path)[log.ready().root_stream]
        gone = {fact["destroyed_key_id"] for fact in facts_of(root, "key.destroyed")}
        assert new <= gone
    log.seal_all()
    assert len(check_all(log, tmp_path)[stream]) == 721
