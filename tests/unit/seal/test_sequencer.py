"""The log in one process: places, facts, heads, proofs, seals."""

import os
from pathlib import Path

import pytest

from auditroll.errors import CollectorError, PolicyError
from auditroll.event.canonical import decode_exact, encode
from auditroll.event.times import format_time
from auditroll.segment.journal import FrameHeader, encode_plaintext
from auditroll.tlog import (
    Checkpoint,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.seal.support import (
    EPOCH,
    INSTALLATION,
    START_MS,
    TENANT,
    Clock,
    batch,
    check_all,
    event,
    facts_of,
    opened,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def size_of(checkpoint: str) -> int:
    return int(checkpoint.split("\n")[1])


def test_a_new_log_begins_with_its_root(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    (root,) = log.heads()
    (genesis,) = check_all(log, tmp_path)[root.stream]
    assert (root.kind, root.size) == ("root", 1)
    assert genesis["event_type"] == "ledger.genesis"
    assert genesis["installation"] == INSTALLATION
    assert genesis["stream_kind"] == "root"
    assert "tenant_id" not in genesis
    assert genesis["keys"] == [{"alg": "ed25519", "public": log.ready().public_key}]
    assert size_of(log.root_checkpoint()) == 1


def test_a_tenant_has_its_ledger_before_its_first_stream(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    stream = log.stream(TENANT, "standard")
    assert log.stream(TENANT, "standard") == stream
    heads = {head.kind: head for head in log.heads()}
    assert heads["data"].stream == stream
    assert heads["ledger"].tenant == TENANT
    records = check_all(log, tmp_path)
    assert records[stream][0]["data_class"] == "standard"
    assert "data_class" not in records[heads["ledger"].stream][0]


@pytest.mark.parametrize(("tenant", "name"), [("Clinic", "standard"), ("clinic", "a b"), ("", "x")])
def test_a_name_that_is_no_name_makes_no_stream(
    tmp_path: Path, clock: Clock, tenant: str, name: str
) -> None:
    log = opened(tmp_path, clock)
    with pytest.raises(PolicyError) as refused:
        log.stream(tenant, name)
    assert refused.value.code == "bad-name"
    with pytest.raises(PolicyError):
        log.ledger(tenant.upper())
    assert len(log.heads()) == 1


def test_records_are_placed_chained_and_committed_to(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    stream = log.stream(TENANT, "standard")
    appended = log.append([batch(stream, range(5)), batch(stream, range(5, 7))])
    assert appended[1].frame == appended[0].frame + 1
    records = check_all(log, tmp_path)[stream]
    assert [public.get("producer_seq") for public in records] == [None, *range(7)]
    whole = log.tail(stream, 3, 4)[0].line().record()
    assert whole["user_agent"] == "curl/8.5 \u00fc\u4e16"
    assert whole["index"] == 3


def test_equal_event_ids_are_two_records(tmp_path: Path, clock: Clock) -> None:
    """L10: only producer, epoch and number tell records apart."""
    log = opened(tmp_path, clock)
    stream = log.stream(TENANT, "standard")
    same = "01a0c450-6c00-7000-8000-000000000000"
    log.append([batch(stream, range(2), event_id=same)])
    records = check_all(log, tmp_path)[stream]
    assert [public["event_id"] for public in records[1:]] == [same, same]


def test_a_clock_that_goes_back_does_not_take_received_at_back(
    tmp_path: Path, clock: Clock
) -> None:
    log = opened(tmp_path, clock)
    stream = log.stream(TENANT, "standard")
    first, second = log.append(
        [
            batch(stream, [0], now_ms=START_MS + 9000),
            batch(stream, [1], now_ms=START_MS - 5000),
        ]
    )
    assert first.received_ms == second.received_ms == START_MS + 9000
    log.fact(TENANT, "retention.policy", {"data_class": "standard"})
    records = check_all(log, tmp_path)
    fact = facts_of(records[log.ledger(TENANT)], "retention.policy")[0]
    assert fact["received_at"] == fact["timestamp"] == format_time(START_MS + 9000)


def test_a_note_stands_in_the_detail_slot(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    index = log.fact(TENANT, "retention.hold", {"note": "case 7", "data_class": "standard"})
    line = log.tail(log.ledger(TENANT), index)[0].line()
    assert "note" not in decode_exact(line.leaf)
    assert line.slots == {"detail": {"note": "case 7"}}


class TestFramesThatAreRefused:
    """What is journalled must apply at every later start, so nothing else gets in."""

    @pytest.fixture
    def stream(self, tmp_path: Path, clock: Clock) -> str:
        self.log = opened(tmp_path, clock)
        stream = self.log.stream(TENANT, "standard")
        self.size = self.log.streams[stream].size
        return stream

    def refuse(self, plaintext: bytes) -> None:
        frames = self.log.roll.journal.number
        with pytest.raises(CollectorError) as refused:
            self.log.append([plaintext])
        assert refused.value.code == "frame-refused"
        assert self.log.roll.journal.number == frames

    def frame(self, stream: str, record: bytes, seed: bytes = bytes(16)) -> bytes:
        header = FrameHeader("batch", START_MS, TENANT, "api", EPOCH, 0)
        return encode_plaintext(header, [(stream, seed, record)], received_at=format_time(START_MS))

    def test_another_stream(self, stream: str) -> None:
        self.refuse(batch("0" * 32, [0]))

    def test_a_record_too_long_for_its_leaf(self, stream: str) -> None:
        self.refuse(self.frame(stream, encode(event(0, error_code="e" * 65_400))))

    def test_a_record_that_brings_its_own_envelope(self, stream: str) -> None:
        self.refuse(self.frame(stream, encode(event(0, index=7))))

    def test_a_seed_of_another_length(self, stream: str) -> None:
        self.refuse(self.frame(stream, encode(event(0)), seed=bytes(15)))

    @pytest.mark.parametrize(
        "plaintext",
        [
            b"",
            b"{}\n",
            b'{"kind":"batch"}\n',
            b'{"kind":"batch","received_at":"yesterday"}\n',
            b'{"kind":"batch","received_at":"2026-01-01T00:00:00.000Z"}\n{"record":1}\n',
            b'{"kind":"batch","received_at":"2026-01-01T00:00:00.000Z"}\n[]\n',
            b'{"kind":"batch","received_at":"2026-01-01T00:00:00.000Z"}',
        ],
    )
    def test_what_is_no_frame(self, stream: str, plaintext: bytes) -> None:
        self.refuse(plaintext)

    def test_the_longest_record_that_fits(self, stream: str) -> None:
        record = encode(event(0, error_code="e"))
        record = encode(event(0, error_code="e" * (65_535 - 330 - len(record) - 60)))
        self.log.append([self.frame(stream, record)])
        assert self.log.streams[stream].size == self.size + 1


class TestHeads:
    def test_growth_is_listed_and_signed_once(self, tmp_path: Path, clock: Clock) -> None:
        log = opened(tmp_path, clock)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, range(3))])
        log.tick()
        signed = log.root_checkpoint()
        log.tick()
        assert log.root_checkpoint() == signed
        records = check_all(log, tmp_path)
        (group,) = facts_of(records[log.ready().root_stream], "root.heads")
        assert group["heads"] == sorted(group["heads"], key=lambda head: head["stream"])
        listed = {head["stream"]: head["size"] for head in group["heads"]}
        assert listed == {stream: 4, log.ledger(TENANT): 1}
        assert (group["part"], group["parts"]) == (1, 1)

    def test_a_large_group_has_parts(self, tmp_path: Path, clock: Clock) -> None:
        log = opened(tmp_path, clock)
        for number in range(201):
            log.stream(f"tenant-{number}", "standard")
        log.tick()
        records = check_all(log, tmp_path)
        groups = facts_of(records[log.ready().root_stream], "root.heads")
        assert [(g["part"], g["parts"], len(g["heads"])) for g in groups] == [
            (1, 2, 400),
            (2, 2, 2),
        ]

    def test_the_register_is_set_before_the_checkpoint(self, tmp_path: Path, clock: Clock) -> None:
        log = opened(tmp_path, clock)
        root = log.ready().root_stream
        log.stream(TENANT, "standard")
        log.tick()
        folder = tmp_path / "streams" / root
        register = decode_exact((folder / "head.json").read_bytes())
        (head, *_) = log.heads()
        assert register == {"root": head.root, "size": head.size, "stream": root}
        assert (folder / "checkpoint").read_text(encoding="utf-8") == log.root_checkpoint()

    def test_relisting_gives_one_moment(self, tmp_path: Path, clock: Clock) -> None:
        log = opened(tmp_path, clock)
        stream = log.stream(TENANT, "standard")
        log.tick()
        log.append([batch(stream, range(4))])
        listing = log.relist([stream, log.ledger(TENANT)])
        assert listing.sizes[stream] == 5
        for one, size in listing.sizes.items():
            assert size_of(listing.checkpoints[one]) == size
        root = log.ready().root_stream
        assert listing.checkpoints[root] == log.root_checkpoint()
        group = facts_of(check_all(log, tmp_path)[root], "root.heads")[-1]
        assert {head["stream"] for head in group["heads"]} == {stream, log.ledger(TENANT)}
        again = log.relist([stream])
        assert again.sizes[stream] == 5
        check_all(log, tmp_path)

    def test_only_a_listed_head_is_signed(self, tmp_path: Path, clock: Clock) -> None:
        log = opened(tmp_path, clock)
        stream = log.stream(TENANT, "standard")
        with pytest.raises(PolicyError) as young:
            log.stream_checkpoint(stream)
        assert young.value.code == "not-listed"
        log.tick()
        log.append([batch(stream, range(4))])
        assert size_of(log.stream_checkpoint(stream)) == 1
        log.tick()
        assert size_of(log.stream_checkpoint(stream)) == 5

    def test_unknown_streams(self, tmp_path: Path, clock: Clock) -> None:
        log = opened(tmp_path, clock)
        for ask in (log.tail, log.packed):
            with pytest.raises(PolicyError) as unknown:
                ask("0" * 32, 0)
            assert (unknown.value.code, unknown.value.status) == ("stream-unknown", 404)


class TestProofs:
    def test_every_record_and_every_prefix(self, tmp_path: Path, clock: Clock) -> None:
        log = opened(tmp_path, clock)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, range(300))])
        log.seal_all()
        log.append([batch(stream, range(300, 320))])
        size = log.streams[stream].size
        root = log.streams[stream].frontier.root()
        hashes = [leaf_hash(encode(public)) for public in check_all(log, tmp_path)[stream]]
        for index in (0, 1, 255, 256, 299, 300, size - 1):
            path = log.inclusion(stream, index, size)
            verify_inclusion(index, size, hashes[index], path, root)
        for old in (1, 2, 255, 256, 257, size - 1, size):
            older = log.streams[stream].frontier.__class__()
            older.append_many(hashes[:old])
            proof = log.consistency(stream, old, size)
            verify_consistency(old, size, older.root(), root, proof)

    @pytest.mark.parametrize(("index", "size"), [(-1, 1), (1, 1), (0, 2), (0, 0)])
    def test_out_of_range(self, tmp_path: Path, clock: Clock, index: int, size: int) -> None:
        log = opened(tmp_path, clock)
        with pytest.raises(PolicyError) as refused:
            log.inclusion(log.ready().root_stream, index, size)
        assert refused.value.code == "out-of-range"

    @pytest.mark.parametrize(("old", "size"), [(0, 1), (2, 1), (1, 2)])
    def test_sizes_out_of_range(self, tmp_path: Path, clock: Clock, old: int, size: int) -> None:
        log = opened(tmp_path, clock)
        with pytest.raises(PolicyError) as refused:
            log.consistency(log.ready().root_stream, old, size)
        assert refused.value.code == "out-of-range"


def test_the_second_owner_is_refused(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    with pytest.raises(PolicyError) as refused:
        opened(tmp_path, clock)
    assert refused.value.code == "data-locked"
    log.close()
    opened(tmp_path, clock).close()


def test_a_snapshot_names_every_stream(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(3))])
    snapshot = log.snapshot()
    assert snapshot.root_checkpoint == log.root_checkpoint()
    assert [one.kind for one in snapshot.streams] == ["root", "ledger", "data"]
    assert snapshot.streams[2].size == 4
    assert snapshot.unsealed_octets > 0
    assert snapshot.problem == ""


def test_a_full_journal_file_is_followed_by_another(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditroll.seal.journal.ROTATE_OCTETS", 2000)
    log = opened(tmp_path, clock)
    stream = log.stream(TENANT, "standard")
    for number in range(6):
        log.append([batch(stream, range(number * 10, number * 10 + 10))])
    files = sorted((tmp_path / "journal").iterdir())
    assert len(files) > 2
    keys = {path.read_bytes()[12:260].split(b'"key_id":"')[1].split(b'"')[0] for path in files}
    assert len(keys) == len(files)
    log.abandon()
    again = opened(tmp_path, clock)
    assert len(check_all(again, tmp_path)[stream]) == 61


def test_the_checkpoint_is_the_trees(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    root = log.streams[log.ready().root_stream]
    body = Checkpoint(f"{INSTALLATION}/{root.stream}", *root.head()).body()
    assert log.root_checkpoint().startswith(body)


def test_seeds_differ(tmp_path: Path, clock: Clock) -> None:
    log = opened(tmp_path, clock)
    for _ in range(5):
        log.fact(TENANT, "vault.binding", {"bindings": [os.urandom(32).hex()]})
    seeds = [record.seed for record in log.tail(log.ledger(TENANT), 0)]
    assert len(set(seeds)) == len(seeds) == 6
