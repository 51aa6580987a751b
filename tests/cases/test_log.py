"""L1, L3, L6: what is stored comes back, what is taken away or changed is named."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from auditroll.event.canonical import decode, encode
from auditroll.seal import Sequencer
from auditroll.tlog import Line, encode_line, parse_line
from auditroll.verify import Report, verify_bundle
from tests.conformance.memory import MemoryReader
from tests.unit.seal.support import TENANT, Clock, batch, lines_of, opened
from tests.unit.verify.bundles import (
    DATA,
    ROOT,
    Files,
    edited,
    listed,
    records_path,
    with_manifest,
)
from tests.unit.verify.folders import verify as verify_folder

RECORDS = records_path(DATA)
EVENTS = 5


def judged(files: Files) -> Report:
    return verify_bundle(MemoryReader(with_manifest(files)))


def said(report: Report, stream: str) -> set[tuple[str, int, int]]:
    return {(f.verdict, f.first, f.end) for f in report.findings if f.stream == stream}


def appended(log: Sequencer, count: int, clock: Clock) -> str:
    """Append events of finely different times, listed and signed."""
    stream = log.stream(TENANT, "standard")
    for number in range(count):
        clock.forward(0.001)
        log.append([batch(stream, [number], now_ms=clock.now_ms)])
    log.tick()
    return stream


def segments(folder: Path, stream: str) -> list[Path]:
    return sorted((folder / "streams" / stream / "segments").glob("*.parquet"))


# L1


def test_l1_a_record_has_the_same_octets_in_the_tail_a_segment_and_after_a_restart(
    tmp_path: Path,
) -> None:
    clock = Clock()
    log = opened(tmp_path, clock)
    stream = appended(log, 300, clock)
    told = stored(log, tmp_path, stream)
    times = [decode(parse_line(line.rstrip()).leaf)["received_at"] for line in told]
    assert len(set(times[1:])) == 300
    log.seal_all()
    assert segments(tmp_path, stream)
    assert stored(log, tmp_path, stream) == told
    log.abandon()
    again = opened(tmp_path, clock)
    assert stored(again, tmp_path, stream) == told
    again.close()
    assert verify_folder(tmp_path).verdict == "ok"


def stored(log: Sequencer, folder: Path, stream: str) -> list[bytes]:
    """Return a stream's lines from its segments and its tail."""
    sealed = sum(info.count for info in log.segments(stream))
    return [encode_line(line) for line in lines_of(folder, stream, log.tail(stream, sealed))]


# L3


@pytest.mark.parametrize("kept", range(EVENTS + 1))
def test_l3_records_deleted_from_the_end_of_a_bundle_are_a_truncated_tail(kept: int) -> None:
    """The manifest is made anew, so that nothing but the signed head knows of them."""
    log = listed(EVENTS)
    size = log.data.size
    first = kept + 1
    report = judged(edited(log.files(), RECORDS, lambda lines: lines[:first]))
    expected = {("truncated-tail", first, size)} if first < size else set()
    assert said(report, DATA) == expected
    assert report.exit == bool(expected)


@pytest.mark.parametrize("remove", [True, False], ids=["file-gone", "file-empty"])
def test_l3_a_deleted_stream_of_a_bundle_is_empty_but_anchored(*, remove: bool) -> None:
    log = listed(EVENTS)
    files = log.files() | {RECORDS: b""}
    if remove:
        del files[RECORDS]
    report = judged(files)
    assert ("empty-but-anchored", 0, log.data.size) in said(report, DATA)
    assert (report.verdict, report.exit) == ("empty-but-anchored", 1)


def test_l3_a_bundle_without_any_record_is_empty_but_anchored() -> None:
    files = {
        path: octets for path, octets in listed(EVENTS).files().items() if "records" not in path
    }
    report = judged(files)
    assert (report.verdict, report.exit) == ("empty-but-anchored", 1)


def test_l3_records_and_their_head_deleted_together_are_rolled_back() -> None:
    """Whoever puts an older signed head beside fewer records is contradicted by the root."""
    log = listed(EVENTS)
    older = listed(EVENTS - 2)
    files = log.files()
    for path in (RECORDS, f"streams/{DATA}/checkpoint"):
        files[path] = older.files()[path]
    report = judged(files)
    assert {verdict for verdict, _, _ in said(report, DATA)} == {"rolled-back"}
    assert report.exit == 1


class Stopped:
    """A data folder of five events in two segments and the journal, its server stopped."""

    def __init__(self, folder: Path) -> None:
        clock = Clock()
        log = opened(folder, clock, seal_after_s=60)
        self.folder = folder
        self.root = log.ready().root_stream
        self.stream = log.stream(TENANT, "standard")
        for seqs in (range(3), range(3, EVENTS)):
            log.append([batch(self.stream, seqs, now_ms=clock.now_ms)])
            log.tick()
            log.seal_all()
            log.tick()
        log.close()
        assert verify_folder(folder).verdict == "ok"

    def drop_journal(self) -> None:
        for path in (self.folder / "journal").iterdir():
            path.unlink()

    def report(self) -> Report:
        return verify_folder(self.folder)


def test_l3_the_last_segment_deleted_from_a_stopped_folder(tmp_path: Path) -> None:
    made = Stopped(tmp_path)
    segments(tmp_path, made.stream)[-1].unlink()
    report = made.report()
    assert ("truncated-tail", 4, 6) in said(report, made.stream)
    assert report.exit == 1


@pytest.mark.parametrize("whole_folder", [False, True])
def test_l3_all_of_a_stream_deleted_from_a_stopped_folder(
    tmp_path: Path, *, whole_folder: bool
) -> None:
    made = Stopped(tmp_path)
    if whole_folder:
        shutil.rmtree(tmp_path / "streams" / made.stream)
    else:
        for path in segments(tmp_path, made.stream):
            path.unlink()
    # The journal still holds the records; the sealed files are missed all the same.
    report = made.report()
    assert ("truncated-head", 0, 6) in said(report, made.stream)
    assert report.exit == 1
    made.drop_journal()
    report = made.report()
    assert ("empty-but-anchored", 0, 6) in said(report, made.stream)
    assert report.exit == 1


def test_l3_the_journal_deleted(tmp_path: Path) -> None:
    """What only the journal held was listed and signed."""
    made = Stopped(tmp_path)
    made.drop_journal()
    report = made.report()
    assert "rolled-back" in {verdict for verdict, _, _ in said(report, made.root)}
    assert report.exit == 1


def test_l3_every_record_of_the_log_deleted_is_empty_but_anchored(tmp_path: Path) -> None:
    made = Stopped(tmp_path)
    made.drop_journal()
    for path in (tmp_path / "streams").glob("*/segments/*"):
        path.unlink()
    report = made.report()
    assert "empty-but-anchored" in {verdict for verdict, _, _ in said(report, made.root)}
    # The root that would list the other streams' heads is empty too, but their registers stand.
    assert {verdict for verdict, _, _ in said(report, made.stream)} == {"rolled-back"}
    assert report.exit == 1


@pytest.mark.parametrize("gone", [("streams",), ("journal",), ("streams", "journal")])
def test_l3_records_deleted_with_their_heads_are_never_ok(
    tmp_path: Path, gone: Sequence[str]
) -> None:
    made = Stopped(tmp_path)
    for name in gone:
        shutil.rmtree(tmp_path / name)
        (tmp_path / name).mkdir()
    report = made.report()
    assert report.exit == 1
    if len(gone) == 2:
        assert report.verdict == "rolled-back"


# L4


def test_l4_the_oldest_segment_deleted_by_hand_is_a_truncated_head(tmp_path: Path) -> None:
    made = Stopped(tmp_path)
    segments(tmp_path, made.stream)[0].unlink()
    report = made.report()
    assert ("truncated-head", 0, 4) in said(report, made.stream)
    assert report.exit == 1


# L6


def in_leaf(edit: Callable[[dict[str, object]], dict[str, object]]) -> Callable[[bytes], bytes]:
    """Return an edit of the leaf's JSON, written as any JSON store would."""

    def edited_line(octets: bytes) -> bytes:
        line = parse_line(octets.rstrip())
        leaf = json.dumps(edit(json.loads(line.leaf)), ensure_ascii=False, separators=(",", ":"))
        return raw_line(octets, leaf)

    return edited_line


def raw_line(octets: bytes, leaf: str) -> bytes:
    """Return a line with another leaf, canonical outside of it."""
    return encode(json.loads(octets) | {"leaf": leaf}) + b"\n"


def in_slots(octets: bytes) -> bytes:
    """Flip one value inside a slot: it is in no leaf, only committed to."""
    line = parse_line(octets.rstrip())
    slots = {name: dict(fields) for name, fields in line.slots.items()}
    name = next(iter(slots))
    field = next(iter(slots[name]))
    slots[name][field] = f"{slots[name][field]}x"
    return encode_line(Line(leaf=line.leaf, seed=line.seed, slots=slots))


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(in_leaf(lambda leaf: leaf | {"latency_ms": 999}), id="value"),
        pytest.param(in_slots, id="nested-value"),
        pytest.param(in_leaf(lambda leaf: dict(reversed(leaf.items()))), id="keys-reordered"),
        pytest.param(in_leaf(lambda leaf: leaf | {"zz": None}), id="key-added"),
        pytest.param(
            in_leaf(lambda leaf: {k: v for k, v in leaf.items() if k != "latency_ms"}),
            id="key-removed",
        ),
        pytest.param(
            lambda octets: raw_line(
                octets, parse_line(octets.rstrip()).leaf.decode().replace(":", ": ", 1)
            ),
            id="white-space",
        ),
    ],
)
@pytest.mark.parametrize("at", [1, 3, EVENTS])
def test_l6_any_change_inside_a_record_is_altered(edit: Callable[[bytes], bytes], at: int) -> None:
    def change(lines: list[bytes]) -> list[bytes]:
        return [*lines[:at], edit(lines[at]), *lines[at + 1 :]]

    report = judged(edited(listed(EVENTS).files(), RECORDS, change))
    assert any(v == "altered" and first <= at < end for v, first, end in said(report, DATA))
    assert (report.verdict, report.exit) == ("altered", 1)


@pytest.mark.parametrize("stream", [DATA, ROOT])
def test_l6_a_duplicated_line_is_altered_wherever_it_is_put(stream: str) -> None:
    log = listed(EVENTS)
    path = records_path(stream)
    count = len(log.files()[path].splitlines())
    for source in range(count):
        for target in range(count + 1):

            def insert(
                lines: list[bytes], source: int = source, target: int = target
            ) -> list[bytes]:
                return [*lines[:target], lines[source], *lines[target:]]

            report = judged(edited(log.files(), path, insert))
            verdicts = {verdict for verdict, _, _ in said(report, stream)}
            assert verdicts, (source, target)
            assert verdicts <= {"altered", "reordered"}
            assert report.exit == 1


def test_l6_two_lines_swapped_are_reordered() -> None:
    for at in range(EVENTS):

        def swap(lines: list[bytes], at: int = at) -> list[bytes]:
            return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]

        report = judged(edited(listed(EVENTS).files(), RECORDS, swap))
        assert ("reordered", at, at + 2) in said(report, DATA)
        assert report.exit == 1
