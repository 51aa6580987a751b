"""Bundles beyond the vectors: each rule of section 13, and each way to be absent."""

from typing import Any

import pytest

from auditroll.event.canonical import decode, encode
from auditroll.event.times import format_time
from auditroll.tlog import Cosigner, Frontier, Line, Signer, encode_line, parse_line
from auditroll.verify import Finding, Report, Trust, verify_bundle
from tests.conformance.memory import MemoryReader
from tests.unit.verify.bundles import (
    DATA,
    DAY_MS,
    INSTALLATION,
    LEDGER,
    ROOT,
    SECRET,
    START_MS,
    Files,
    Log,
    Stream,
    commitment_of,
    edited,
    genesis,
    hidden,
    listed,
    records_path,
    request,
    stream_id,
    tile_file,
    with_manifest,
)

DATA_RECORDS = records_path(DATA)


def judged(files: Files, trust: dict[str, Any] | None = None) -> Report:
    own = None if trust is None else Trust.parse(encode(trust))
    return verify_bundle(MemoryReader(with_manifest(files)), own)


def said(report: Report) -> set[tuple[str, str, int, int]]:
    return {(f.verdict, f.stream, f.first, f.end) for f in report.findings}


def test_a_sound_bundle_is_ok() -> None:
    report = judged(listed().files())
    assert (report.verdict, report.exit, report.findings) == ("ok", 0, [])
    assert report.counts.records == 1 + 1 + 1 + 1 + 9


def test_an_empty_bundle_cannot_be_judged() -> None:
    report = verify_bundle(MemoryReader({}))
    assert said(report) == {("cannot-judge", "-", 0, 0)}
    assert report.exit == 2


# Manifest.


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b'{"files":[],"format":"auditroll-bundle/2"}',
        b'{"files":{},"format":"auditroll-bundle/1"}',
        b'{"files":[{"path":"a"}],"format":"auditroll-bundle/1"}',
        b'{"files":[{"bytes":0,"path":1,"sha256":""}],"format":"auditroll-bundle/1"}',
        b'{"files":[7],"format":"auditroll-bundle/1"}',
        b'{ "files":[],"format":"auditroll-bundle/1"}',
    ],
)
def test_an_unreadable_manifest_leaves_the_rest_to_be_judged(manifest: bytes) -> None:
    files = listed().files() | {"manifest.json": manifest}
    report = verify_bundle(MemoryReader(files))
    assert said(report) == {("cannot-judge", "-", 0, 0)}
    assert report.counts.records == 13


def test_a_manifest_that_is_not_sorted_is_unreadable() -> None:
    files = with_manifest(listed().files())
    manifest = decode(files["manifest.json"])
    manifest["files"].reverse()
    files["manifest.json"] = encode(manifest)
    assert said(verify_bundle(MemoryReader(files))) == {("cannot-judge", "-", 0, 0)}


def test_files_that_are_absent_changed_or_not_listed() -> None:
    files = with_manifest(listed().files() | {"policy": b"x", "anchors/4.tsr": b"y"})
    del files["policy"]
    files |= {"anchors/4.tsr": b"z", "more": b""}
    report = verify_bundle(MemoryReader(files))
    assert [(f.verdict, f.where) for f in report.findings] == [
        ("altered", "anchors/4.tsr"),
        ("missing", "policy"),
        ("altered", "more"),
    ]
    assert all((f.stream, f.first, f.end) == ("-", 0, 0) for f in report.findings)


class Unreadable(MemoryReader):
    """Lists its files but opens none of the broken ones."""

    def __init__(self, files: Files, broken: str) -> None:
        super().__init__(files)
        self._broken = broken

    def open(self, path: str) -> Any:
        if path == self._broken:
            raise PermissionError(path)
        return super().open(path)


def test_a_file_that_cannot_be_opened_is_as_good_as_absent() -> None:
    files = with_manifest(listed().files())
    report = verify_bundle(Unreadable(files, DATA_RECORDS))
    assert said(report) == {("altered", "-", 0, 0), ("empty-but-anchored", DATA, 0, 10)}


# Heads.


def test_a_stream_that_no_root_group_lists_cannot_be_judged() -> None:
    log = Log()
    log.list_heads([log.ledger])
    assert said(judged(log.files())) == {("cannot-judge", DATA, 0, 10)}


def test_a_head_beyond_the_listed_one_cannot_be_judged() -> None:
    log = listed()
    log.data.append(request(10), START_MS + 10)
    assert said(judged(log.files())) == {("cannot-judge", DATA, 10, 11)}


def test_a_head_behind_the_listed_one_is_rolled_back() -> None:
    log = listed()
    old = Log()
    files = log.files() | {f"streams/{DATA}/checkpoint": old.data.checkpoint().encode()}
    assert judged(files).verdict == "ok"
    log.data.append(request(10), START_MS + 10)
    log.list_heads()
    trust = log.trust(streams=[{"min_size": 1, "stream": s.stream} for s in log.streams])
    files = log.files(trust) | {f"streams/{DATA}/checkpoint": old.data.checkpoint().encode()}
    assert said(judged(files)) == {
        ("rolled-back", DATA, 10, 11),
        ("altered", DATA, 10, 11),
    }


def test_lines_beyond_the_head_are_named_by_range_when_they_are_many() -> None:
    log, old = listed(1500), Log()
    trust = log.trust(streams=[{"min_size": 1, "stream": s.stream} for s in log.streams])
    files = log.files(trust) | {f"streams/{DATA}/checkpoint": old.data.checkpoint().encode()}
    assert ("altered", DATA, 10, 1501) in said(judged(files))


def test_a_root_that_lists_backwards_contradicts_itself() -> None:
    log, old = Log(), Log(4)
    log.list_heads()
    log.list_heads([log.ledger, old.data])
    other = Stream(DATA, "clinic")
    for number in range(5):
        other.append(request(number))
    log.list_heads([other])
    log.list_heads()
    assert said(judged(log.files())) == {
        ("rolled-back", DATA, 5, 10),
        ("forked", DATA, 0, 5),
    }


def test_root_leaves_out_of_order_are_judged_in_the_order_of_the_root() -> None:
    log, old = Log(), Log(4)
    log.list_heads([log.ledger, old.data])
    log.list_heads()
    files = edited(log.files(), records_path(ROOT), lambda lines: [lines[0], lines[2], lines[1]])
    assert said(judged(files)) == {("reordered", ROOT, 1, 3)}


@pytest.mark.parametrize("heads", [7, [7], [{"stream": 7}], [{"stream": DATA, "size": "1"}]])
def test_a_malformed_listing_lists_nothing(heads: Any) -> None:
    log = listed()
    log.root.append({"event_type": "root.heads", "heads": heads})
    assert judged(log.files()).verdict == "ok"


def test_a_checkpoint_that_is_not_text_is_altered() -> None:
    files = listed().files() | {f"streams/{DATA}/checkpoint": b"\xff\n\n"}
    assert said(judged(files)) == {("altered", DATA, 0, 10)}


def test_keys_are_bound_to_sizes_of_the_root_and_may_be_revoked() -> None:
    log = listed()
    key = log.trust()["keys"][0]
    size = log.root.size
    foreign = {"alg": "ed25519", "public": Signer("x", bytes(32)).public.hex()}
    for bounds in ({"until_size": size}, {"from_size": size}, {"revoked": False}):
        assert judged(log.files(), log.trust(keys=[key | bounds])).verdict == "ok"
    for bounds in ({"until_size": size - 1}, {"from_size": size + 1}):
        found = said(judged(log.files(), log.trust(keys=[key | bounds])))
        assert ("key-unknown", ROOT, 0, size) in found
        assert {finding[0] for finding in found} == {"key-unknown", "cannot-judge"}
    revoked = judged(log.files(), log.trust(keys=[key | {"revoked": True}, foreign]))
    assert {finding[0] for finding in said(revoked)} == {"key-unknown"}
    later = {"alg": "ml-dsa-44", "public": "00"}
    assert judged(log.files(), log.trust(keys=[later, key])).verdict == "ok"


def test_a_stream_without_a_head_is_missing() -> None:
    trust = listed().trust()
    trust["streams"].append({"min_size": 3, "stream": "00" * 16})
    assert said(judged(listed().files(), trust)) == {("missing", "00" * 16, 0, 3)}


# The auditor's own checkpoint, witnesses and time.


def test_the_held_checkpoint_must_be_on_the_way_to_the_new_one() -> None:
    log = listed()
    held = {"root": log.root.frontier.root().hex(), "size": log.root.size}
    log.list_heads()
    assert judged(log.files(), log.trust(last_checkpoint=held)).verdict == "ok"
    forked = held | {"root": "00" * 32}
    found = said(judged(log.files(), log.trust(last_checkpoint=forked)))
    assert found == {("forked", ROOT, 0, 2)}
    now = {"root": log.root.frontier.root().hex(), "size": log.root.size}
    assert judged(log.files(), log.trust(last_checkpoint=now)).verdict == "ok"
    later = now | {"size": 5}
    found = said(judged(log.files(), log.trust(last_checkpoint=later)))
    assert found == {("rolled-back", ROOT, 3, 5)}


def test_the_held_checkpoint_cannot_be_judged_without_the_lines() -> None:
    log = listed()
    log.list_heads()
    files = edited(log.files(), records_path(ROOT), lambda lines: lines[1:])
    streams = log.trust()["streams"]
    streams[0]["required"] = [[1, 3]]
    held = {"root": "00" * 32, "size": 2}
    found = said(judged(files, log.trust(streams=streams, last_checkpoint=held)))
    assert found == {("cannot-judge", ROOT, 0, 3), ("cannot-judge", ROOT, 0, 2)}


def cosigned(log: Log, *cosigners: Cosigner) -> Files:
    files = log.files()
    path = f"streams/{ROOT}/checkpoint"
    body = files[path].decode().split("\n\n")[0] + "\n"
    lines = "".join(cosigner.cosign(body, 1_790_000_000).line() + "\n" for cosigner in cosigners)
    return files | {path: files[path] + lines.encode()}


def test_a_quorum_of_witnesses_is_demanded() -> None:
    log = listed()
    one, two = Cosigner("one.example", bytes(32)), Cosigner("two.example", SECRET)
    trust = log.trust(witnesses=[one.vkey, two.vkey], quorum=2)
    assert judged(cosigned(log, one, two), trust).verdict == "ok"
    assert said(judged(cosigned(log, one), trust)) == {("cannot-judge", ROOT, 0, 2)}
    assert said(judged(log.files(), trust)) == {("cannot-judge", ROOT, 0, 2)}
    assert judged(log.files(), log.trust(witnesses=[one.vkey], quorum=0)).verdict == "ok"
    impostor = Cosigner("one.example", SECRET)
    line = impostor.cosign("x\n", 0).line().split(" ")
    real = one.cosign("another text\n", 0).line().split(" ")
    forged = cosigned(log, two)
    forged[f"streams/{ROOT}/checkpoint"] += (" ".join([*line[:2], real[2]]) + "\n").encode()
    assert said(judged(forged, trust)) == {("altered", ROOT, 0, 2)}


def test_the_log_must_reach_both_ends_of_the_time_in_question() -> None:
    log = listed()
    first, last = format_time(START_MS), format_time(START_MS + 1000)
    assert judged(log.files(), log.trust(time_range=[first, first])).verdict == "ok"
    early = format_time(START_MS - 1)
    for span in ([first, last], [early, first]):
        report = judged(log.files(), log.trust(time_range=span))
        assert said(report) == {("cannot-judge", ROOT, 0, 2)}


# Lines.


def test_a_line_of_another_stream_is_altered_and_holds_its_place() -> None:
    log = listed()
    stray = log.ledger.lines[0]
    files = edited(
        log.files(), DATA_RECORDS, lambda lines: [*lines[:4], encode_line(stray), *lines[5:]]
    )
    report = judged(files)
    assert said(report) == {("altered", DATA, 4, 5)}
    assert report.counts.records == 12


@pytest.mark.parametrize("garbage", [b"\n", b"x\n", b"x" * (2**21) + b"\n", b"\xff\n"])
def test_a_line_that_is_none_is_altered_and_holds_its_place(garbage: bytes) -> None:
    files = edited(listed().files(), DATA_RECORDS, lambda lines: [*lines[:4], garbage, *lines[5:]])
    assert said(judged(files)) == {("altered", DATA, 4, 5)}


def test_a_line_may_be_cut_in_any_file() -> None:
    log = listed()
    files = log.files()
    lines = files[DATA_RECORDS].splitlines(keepends=True)
    files[DATA_RECORDS] = b"".join(lines[:4]) + lines[4][:-9]
    files[records_path(DATA, 5)] = b"".join(lines[5:])
    assert said(judged(files)) == {("torn", DATA, 4, 5)}


def test_slot_fields_have_no_place_in_the_public_part() -> None:
    log = Log()
    line = log.data.append(request(10), START_MS + 10)
    public = decode(line.leaf, limit=2**17) | {"route": "/"}
    log.data.lines[-1] = Line(leaf=encode(public), seed=line.seed, slots=line.slots)
    log.data.frontier = frontier_of(log.data)
    log.list_heads()
    assert said(judged(log.files())) == {("altered", DATA, 10, 11)}


def frontier_of(stream: Stream) -> Frontier:
    frontier = Frontier()
    frontier.append_many([line.leaf_hash() for line in stream.lines])
    return frontier


def test_a_leaf_without_index_or_that_is_no_object_holds_its_place() -> None:
    log = listed()
    for leaf in ("{}", "[]", '{"a":1.5}', f'{{"index":-1,"stream":"{DATA}"}}'):
        bad = encode({"leaf": leaf, "seed": "00" * 16, "slots": {}}) + b"\n"
        files = edited(
            log.files(), DATA_RECORDS, lambda lines, bad=bad: [*lines[:4], bad, *lines[5:]]
        )
        assert said(judged(files)) == {("altered", DATA, 4, 5)}


def test_records_of_every_shape_of_value_are_opened() -> None:
    log = Log()
    shapes: list[dict[str, Any]] = [
        {"resource_ids": ["case:1", "case:2"]},
        {"redactions": {"EMAIL": 2}},
        {"ext": {"level": 7, "flag": True}},
        {"success": True, "resource_count": 2**53 - 1},
        {"user_agent": 'quote " backslash \\ tab \t é 漢 \U0001f600'},
    ]
    for shape in shapes * 3:
        log.data.append({**request(1), **shape}, START_MS + 100)
    log.list_heads()
    assert judged(log.files()).verdict == "ok"


def test_received_at_does_not_fall_not_even_over_a_gap() -> None:
    log = Log(3)
    log.data.append(request(3), START_MS - 5)
    log.data.append(request(4), START_MS - 4)
    log.list_heads()
    assert said(judged(log.files())) == {("altered", DATA, 4, 5)}
    files = edited(log.files(), DATA_RECORDS, lambda lines: [*lines[:3], *lines[4:]])
    assert said(judged(files)) == {("altered", DATA, 4, 5), ("missing", DATA, 3, 4)}
    kept = leaf_only(log.data, 3)
    files = edited(log.files(), DATA_RECORDS, lambda lines: [*lines[:3], kept, *lines[4:]])
    assert said(judged(files)) == {("altered", DATA, 4, 5)}


def leaf_only(stream: Stream, index: int) -> bytes:
    return encode_line(Line(index=index, hash_only=stream.lines[index].leaf_hash()))


def test_leaf_only_lines_keep_chain_and_tree() -> None:
    log = listed()
    first = [leaf_only(log.data, index) for index in range(3)]
    files = edited(log.files(), DATA_RECORDS, lambda lines: [*first, *lines[3:]])
    report = judged(files)
    assert (report.verdict, report.counts.leaf_only) == ("ok", 3)
    forged = encode_line(Line(index=2, hash_only=bytes(32)))
    files = edited(log.files(), DATA_RECORDS, lambda lines: [*lines[:2], forged, *lines[3:]])
    assert said(judged(files)) == {("altered", DATA, 2, 4)}


def test_genesis_stands_at_the_beginning_and_only_there() -> None:
    log = Log(3)
    log.data.append(genesis("data"), START_MS + 5)
    log.list_heads()
    assert said(judged(log.files())) == {("altered", DATA, 4, 5)}
    log = Log()
    log.data = log.streams[2] = Stream(DATA, "clinic")
    log.data.append(request(0))
    log.list_heads()
    assert said(judged(log.files())) == {("altered", DATA, 0, 1)}


def test_the_first_line_follows_nothing() -> None:
    log = Log(0)
    log.data = log.streams[2] = Stream(DATA, "clinic")
    log.data.last_hash = b"\1" * 32
    log.data.append(genesis("data"))
    log.data.append(request(0))
    log.list_heads()
    assert said(judged(log.files())) == {("altered", DATA, 0, 1)}


def test_a_break_between_files_is_a_break() -> None:
    log = Log(4)
    log.data.last_hash = b"\1" * 32
    log.data.append(request(5), START_MS + 9)
    log.list_heads()
    files = log.files()
    lines = files[DATA_RECORDS].splitlines(keepends=True)
    files[DATA_RECORDS] = b"".join(lines[:5])
    files[records_path(DATA, 5)] = b"".join(lines[5:])
    assert said(judged(files)) == {("altered", DATA, 4, 6)}
    # Out of order, the same break is found when the runs are put together.
    swapped = edited(log.files(), DATA_RECORDS, lambda lines: [*lines[:3], lines[5], *lines[3:5]])
    assert said(judged(swapped)) == {("altered", DATA, 4, 6), ("reordered", DATA, 3, 6)}


def test_lines_in_reverse_are_reordered_and_duplicates_among_them_found() -> None:
    log = listed()
    files = edited(log.files(), DATA_RECORDS, lambda lines: lines[::-1])
    assert said(judged(files)) == {("reordered", DATA, 0, 10)}
    files = edited(log.files(), DATA_RECORDS, lambda lines: [*lines[::-1], lines[4]])
    report = judged(files)
    assert said(report) == {("reordered", DATA, 0, 10), ("altered", DATA, 4, 5)}
    assert report.counts.records == 13


# Requirements and tiles.


def ranged(log: Log, first: int, end: int, required: list[list[int]]) -> tuple[Files, Any]:
    """Return a bundle that holds only [first, end) of the data stream."""
    files = log.files()
    lines = files.pop(DATA_RECORDS).splitlines(keepends=True)
    files[records_path(DATA, first)] = b"".join(lines[first:end])
    streams = log.trust()["streams"]
    streams[2]["required"] = required
    return files, log.trust(streams=streams)


def test_gaps_are_named_by_where_they_lie() -> None:
    files, trust = ranged(listed(), 2, 5, [[1, 6], [7, 10]])
    assert said(judged(files, trust)) == {
        ("missing", DATA, 1, 2),
        ("missing", DATA, 5, 6),
        ("truncated-tail", DATA, 7, 10),
    }


def test_a_range_without_tiles_cannot_be_judged_and_with_them_it_can() -> None:
    log = listed()
    files, trust = ranged(log, 3, 7, [[3, 7]])
    assert said(judged(files, trust)) == {("cannot-judge", DATA, 0, 10)}
    path, octets = tile_file(log.data, 10)
    assert judged(files | {path: octets}, trust).verdict == "ok"
    short, cut = tile_file(log.data, 9)
    assert said(judged(files | {short: cut}, trust)) == {("cannot-judge", DATA, 0, 10)}
    # The wider of two tiles is taken; one that is malformed is as good as absent.
    assert judged(files | {path: octets, short: cut}, trust).verdict == "ok"
    assert judged(files | {path: octets[:-1]}, trust).verdict == "cannot-judge"


@pytest.mark.parametrize("place", range(10))
def test_a_tile_proves_only_absent_lines(place: int) -> None:
    """A forged hash is found where no line covers it; where one does, it is not used."""
    log = listed()
    files, trust = ranged(log, 3, 7, [[3, 7]])
    path, octets = tile_file(log.data, 10)
    forged = bytearray(octets)
    forged[32 * place] ^= 1
    verdict = judged(files | {path: bytes(forged)}, trust).verdict
    assert verdict == ("ok" if 3 <= place < 7 else "altered")


def test_nothing_required_nothing_missing() -> None:
    log = listed()
    files, trust = ranged(log, 0, 0, [])
    path, octets = tile_file(log.data, 10)
    assert judged(files | {path: octets}, trust).verdict == "ok"


# Retention.


def deleted(
    *,
    after_days: int = 400,
    days: object = 365,
    before: list[tuple[str, dict[str, Any]]] | None = None,
    fact: dict[str, Any] | None = None,
    seal: dict[str, Any] | None = None,
) -> Files:
    """Return a bundle whose data stream lost [0, 4) by a deletion."""
    log = Log()
    log.fact("retention.policy", data_class="standard", retain_days=days)
    log.fact("retention.policy", data_class="other", retain_days=36_500)
    sealed = log.data.seal_of(0, 4, START_MS + 3) | (seal or {})
    log.ledger.append({name: value for name, value in sealed.items() if value is not None})
    for event_type, fields in before or []:
        log.fact(event_type, data_class="standard", **fields)
    log.now_ms += after_days * DAY_MS
    deletion = {"target_stream": DATA, "first_index": 0, "count": 4, **(fact or {})}
    log.fact("retention.deletion", **deletion)
    log.list_heads()
    files = log.files()
    lines = files.pop(DATA_RECORDS).splitlines(keepends=True)
    return files | {records_path(DATA, 4): b"".join(lines[4:])}


EXPIRED = ("expired", DATA, 0, 4)
EARLY = ("deleted-early", DATA, 0, 4)
CUT = ("truncated-head", DATA, 0, 4)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (deleted(), {EXPIRED}),
        (deleted(after_days=365), {EARLY}),
        (deleted(after_days=366), {EXPIRED}),
        (deleted(days="365"), {EARLY}),
        (deleted(days=0), {EARLY}),
        (deleted(days=36_501), {EARLY}),
        (deleted(before=[("retention.hold", {"hold_id": "h"})]), {EARLY}),
        (
            deleted(
                before=[
                    ("retention.hold", {"hold_id": "h"}),
                    ("retention.release", {"hold_id": "h"}),
                ]
            ),
            {EXPIRED},
        ),
        (deleted(before=[("retention.policy", {"retain_days": 500})]), {EARLY}),
        (deleted(fact={"count": 5}), {CUT}),
        (deleted(fact={"count": 0}), {CUT}),
        (deleted(fact={"count": "4"}), {CUT}),
        (deleted(fact={"first_index": 1, "count": 3}), {CUT}),
        (deleted(fact={"target_stream": LEDGER}), {CUT}),
        (deleted(seal={"count": "4"}), {CUT}),
        (deleted(seal={"data_class": "unknown"}), {EARLY}),
        (deleted(seal={"data_class": None}), {EARLY}),
        (deleted(seal={"received_max": "yesterday"}), {EARLY}),
        (deleted(seal={"received_max": None}), {EARLY}),
        (deleted(seal={"last_leaf_hash": "00" * 32}), {EXPIRED, ("altered", DATA, 3, 5)}),
        (deleted(seal={"compact_range": ["00" * 32]}), {EXPIRED, ("altered", DATA, 4, 10)}),
        (deleted(seal={"compact_range": []}), {EXPIRED, ("cannot-judge", DATA, 4, 10)}),
        (deleted(seal={"compact_range": 7}), {EXPIRED, ("cannot-judge", DATA, 4, 10)}),
        (deleted(seal={"compact_range": ["zz"]}), {EXPIRED, ("cannot-judge", DATA, 4, 10)}),
    ],
)
def test_a_deleted_prefix_is_judged_by_policy_seal_and_holds(
    files: Files, found: set[tuple[str, str, int, int]]
) -> None:
    assert said(judged(files)) == found


def test_a_deletion_whose_lines_are_there_excuses_nothing() -> None:
    files = deleted()
    log = Log()
    files[DATA_RECORDS] = encode_line(log.data.lines[0])
    assert said(judged(files)) == {("missing", DATA, 1, 4)}


def test_deletions_follow_each_other() -> None:
    log = Log()
    log.fact("retention.policy", data_class="standard", retain_days=1)
    log.ledger.append(log.data.seal_of(0, 4, START_MS + 3))
    log.ledger.append(log.data.seal_of(4, 6, START_MS + 9))
    log.now_ms += 10 * DAY_MS
    for first, count in ((0, 4), (4, 6)):
        log.fact("retention.deletion", target_stream=DATA, first_index=first, count=count)
    log.list_heads()
    files = log.files()
    del files[DATA_RECORDS]
    report = judged(files)
    assert said(report) == {("expired", DATA, 0, 4), ("expired", DATA, 4, 10)}
    assert report.exit == 0


def other_tenant(kind: str, tenant: str) -> Files:
    """Return a bundle whose deletion stands in another stream than its tenant's ledger."""
    log = Log()
    stranger = Stream(stream_id("stranger"), tenant)
    log.streams.append(stranger)
    stranger.append(genesis(kind))
    fact = {"event_type": "retention.policy", "data_class": "standard", "retain_days": 1}
    stranger.append(fact)
    stranger.append(log.data.seal_of(0, 4, START_MS + 3))
    log.now_ms += 10 * DAY_MS
    deletion = {"target_stream": DATA, "first_index": 0, "count": 4}
    stranger.append({"event_type": "retention.deletion", **deletion}, log.now_ms)
    log.list_heads()
    files = log.files()
    lines = files.pop(DATA_RECORDS).splitlines(keepends=True)
    return files | {records_path(DATA, 4): b"".join(lines[4:])}


def test_facts_excuse_only_from_the_tenants_ledger_or_the_root() -> None:
    assert said(judged(other_tenant("ledger", "clinic"))) == {EXPIRED}
    assert said(judged(other_tenant("root", ""))) == {EXPIRED}
    assert said(judged(other_tenant("ledger", "lab"))) == {CUT}
    assert said(judged(other_tenant("data", "clinic"))) == {CUT}


def test_a_ledger_without_its_genesis_excuses_nothing() -> None:
    files = edited(
        deleted(),
        records_path(LEDGER),
        lambda lines: [encode_line(Line(index=0, hash_only=leaf_hash_of(lines[0]))), *lines[1:]],
    )
    assert said(judged(files)) == {CUT}


def leaf_hash_of(line: bytes) -> bytes:
    return parse_line(line[:-1]).leaf_hash()


# Redaction.


def redacted(why: str = "redacted", **changes: Any) -> Files:
    log = Log()
    line = log.data.lines[5]
    fact = {
        "target_stream": DATA,
        "target_index": 5,
        "slot": "agent",
        "slot_commitment": commitment_of(line, "agent"),
        **changes,
    }
    log.fact("ledger.redaction", **fact)
    log.list_heads()
    hidden_line = hidden(line, why, "agent", "actor")
    return edited(log.files(), DATA_RECORDS, lambda lines: [*lines[:5], hidden_line, *lines[6:]])


def test_each_redacted_slot_needs_its_own_record() -> None:
    report = judged(redacted())
    assert sorted(finding[:4] for finding in report.findings) == [
        ("altered", DATA, 5, 6),
        ("redacted", DATA, 5, 6),
    ]
    assert report.counts.redacted == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"target_stream": LEDGER},
        {"target_index": 4},
        {"slot": "detail"},
        {"slot_commitment": "00" * 32},
    ],
)
def test_a_record_of_another_redaction_does_not_count(changes: dict[str, Any]) -> None:
    report = judged(redacted(**changes))
    assert report.findings == [Finding("altered", DATA, 5, 6)] * 2


def test_withheld_slots_are_counted_only() -> None:
    report = judged(redacted(why="withheld"))
    assert (report.verdict, report.counts.withheld) == ("ok", 2)


def test_the_report_is_canonical_json() -> None:
    text = judged(redacted()).as_json()
    assert text.startswith(b'{"counts":{"leaf_only":0,"records":14,"redacted":2,"withheld":0}')
    assert text.endswith(b'"verdict":"altered"}')
    assert INSTALLATION.encode() not in text


def test_two_signed_histories_of_one_size_are_forked() -> None:
    log, other = listed(), Log()
    other.data.lines.pop()
    forged = Stream(DATA, "clinic")
    for line in other.data.lines:
        forged.lines.append(line)
    forged.frontier = frontier_of(forged)
    forged.last_hash = forged.lines[-1].leaf_hash()
    forged.append(request(77), START_MS + 99)
    log.streams[2] = log.data = forged
    assert said(judged(log.files(listed().trust()))) == {("forked", DATA, 0, 10)}


def test_a_policy_after_the_deletion_does_not_excuse_it() -> None:
    log = Log()
    log.ledger.append(log.data.seal_of(0, 4, START_MS + 3))
    log.now_ms += 10 * DAY_MS
    log.fact("retention.deletion", target_stream=DATA, first_index=0, count=4)
    log.fact("retention.policy", data_class="standard", retain_days=1)
    log.list_heads()
    files = log.files()
    lines = files.pop(DATA_RECORDS).splitlines(keepends=True)
    assert said(judged(files | {records_path(DATA, 4): b"".join(lines[4:])})) == {EARLY}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"seed":"', b'"seed":" '),
        (b'"slots":{', b'"slots":{"agent":{},'),
        (b'"user_id":"anonymous"', b'"user_id": "anonymous"'),
        (b'"user_id":"anonymous"', b'"user_id":"anonymous","user_id":"anonymous"'),
    ],
)
def test_a_line_of_a_known_shape_in_other_octets_is_altered(old: bytes, new: bytes) -> None:
    files = edited(
        listed().files(),
        DATA_RECORDS,
        lambda lines: [*lines[:6], lines[6].replace(old, new, 1), *lines[7:]],
    )
    assert said(judged(files)) == {("altered", DATA, 6, 7)}
