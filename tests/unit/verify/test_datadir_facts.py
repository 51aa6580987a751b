"""Data folders whose segments were deleted or rewritten, as the ledger says or not."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from auditroll.event.canonical import decode, encode
from auditroll.event.times import format_time
from auditroll.keys import KeyStore
from auditroll.seal import Sequencer
from auditroll.segment import SegmentMeta, encode_segment, key_id_of, read_segment
from auditroll.tlog import Line
from auditroll.verify import Report, Trust
from tests.unit.seal.support import TENANT, Clock, batch, opened
from tests.unit.segment.records import hide
from tests.unit.verify.folders import flip, verify

DAY_S = 86_400


def said(report: Report) -> set[tuple[str, str, int, int]]:
    return {(f.verdict, f.stream, f.first, f.end) for f in report.findings}


class Made:
    """A log with three data segments, of 6, 5 and 5 records, and an open ledger."""

    def __init__(self, folder: Path, *, keep_journal: bool = True) -> None:
        self.folder = folder
        self.clock = Clock()
        self.log: Sequencer = opened(folder, self.clock, seal_after_s=1)
        self.stream = self.log.stream(TENANT, "standard")
        for number in range(3):
            numbers = range(number * 5, number * 5 + 5)
            self.log.append([batch(self.stream, numbers, now_ms=self.clock.now_ms)])
            self.clock.forward(10)
            self.log.seal_all()
            self.log.tick()
        if not keep_journal:
            self.restart()
        self.ledger = self.log.ledger(TENANT)

    def restart(self) -> None:
        """Go on in a new journal file, and let the server drop the old one."""
        self.log.close()
        self.log = opened(self.folder, self.clock, seal_after_s=1)
        for _ in range(3):
            self.clock.forward(10)
            self.log.seal_all()
            self.log.tick()

    def segments(self, stream: str | None = None) -> list[Path]:
        return sorted((self.folder / "streams" / (stream or self.stream) / "segments").iterdir())

    def fact(self, event_type: str, **fields: Any) -> None:
        self.log.fact(TENANT, event_type, {"data_class": "standard", **fields})

    def delete(self, first: int, count: int) -> None:
        self.fact("retention.deletion", target_stream=self.stream, first_index=first, count=count)
        (path,) = [path for path in self.segments() if path.name.startswith(f"{first:020d}")]
        path.unlink()

    def verdicts(self) -> Report:
        self.log.tick()
        self.log.close()
        return verify(self.folder)


@pytest.mark.parametrize("keep_journal", [True, False])
def test_segments_deleted_when_they_were_due_are_expired(
    tmp_path: Path, *, keep_journal: bool
) -> None:
    made = Made(tmp_path / "data", keep_journal=keep_journal)
    made.fact("retention.policy", retain_days=1)
    made.clock.forward(2 * DAY_S)
    made.delete(0, 6)
    made.delete(6, 5)
    report = made.verdicts()
    stream = made.stream
    assert said(report) == {("expired", stream, 0, 6), ("expired", stream, 6, 11)}
    assert report.exit == 0


def test_a_stream_may_expire_as_a_whole_and_go_on(tmp_path: Path) -> None:
    made = Made(tmp_path / "data", keep_journal=False)
    made.fact("retention.policy", retain_days=1)
    made.clock.forward(2 * DAY_S)
    for first, count in ((0, 6), (6, 5), (11, 5)):
        made.delete(first, count)
    made.log.append([batch(made.stream, range(50, 53), now_ms=made.clock.now_ms)])
    report = made.verdicts()
    assert {finding.verdict for finding in report.findings} == {"expired"}
    # The register's older size lies within what is gone, and is not asked for.
    assert report.exit == 0


def test_a_register_within_the_deleted_prefix_cannot_be_judged(tmp_path: Path) -> None:
    made = Made(tmp_path / "data", keep_journal=False)
    made.fact("retention.policy", retain_days=1)
    made.clock.forward(2 * DAY_S)
    made.delete(0, 6)
    path = tmp_path / "data" / "streams" / made.stream / "head.json"
    made.log.tick()
    made.log.close()
    path.write_bytes(encode(decode(path.read_bytes()) | {"size": 3}))
    assert ("cannot-judge", made.stream, 0, 3) in said(verify(tmp_path / "data"))


def test_segments_deleted_before_they_were_due_are_deleted_early(tmp_path: Path) -> None:
    made = Made(tmp_path / "data")
    made.fact("retention.policy", retain_days=3)
    made.clock.forward(2 * DAY_S)
    made.delete(0, 6)
    assert said(made.verdicts()) == {("deleted-early", made.stream, 0, 6)}


def test_a_segment_removed_by_hand_is_missing_where_it_lay(tmp_path: Path) -> None:
    made = Made(tmp_path / "data")
    made.segments()[1].unlink()
    assert ("missing", made.stream, 6, 11) in said(made.verdicts())


def test_a_tail_behind_a_lost_segment_holds_its_place(tmp_path: Path) -> None:
    """What the journal repeats of a segment that cannot be read cannot be placed."""
    made = Made(tmp_path / "data", keep_journal=True)
    made.log.append([batch(made.stream, range(50, 53), now_ms=made.clock.now_ms)])
    made.log.tick()
    made.log.close()
    path = made.segments()[0]
    flip(path, path.stat().st_size // 2)
    found = said(verify(tmp_path / "data"))
    assert all(finding[0] == "altered" for finding in found)
    assert ("altered", made.stream, 0, 6) in found


def rewritten(made: Made, *, named: bool = True, excused: bool = True) -> Path:
    """Redact a slot of record 7 in the second segment, under a new key, as generation 1."""
    old = made.segments()[1]
    data = old.read_bytes()
    keys = KeyStore(made.folder / "keys")
    segment = read_segment(data, keys.get(key_id_of(data)))
    lines: list[Line] = list(segment.lines())
    hidden = hide(lines[1], "agent")
    withheld = hide(lines[2], "agent", marker=None)
    key = keys.create("segment")
    meta = SegmentMeta(made.stream, 6, 5, 1, key.id)
    octets = encode_segment([lines[0], hidden, withheld, *lines[3:]], meta, key.octets)
    path = old.with_name(f"{6:020d}-0001.parquet")
    path.write_bytes(octets)
    old.unlink()
    if excused:
        made.fact(
            "ledger.redaction",
            target_stream=made.stream,
            target_index=7,
            slot="agent",
            slot_commitment=hidden.hidden["agent"].commitment,
        )
    if named:
        made.fact(
            "ledger.rewrite",
            target_stream=made.stream,
            first_index=6,
            count=5,
            generation=1,
            object_name=f"streams/{made.stream}/segments/{path.name}",
            object_sha256=sha256(octets).hexdigest(),
            object_bytes=len(octets),
            segment_key_id=key.id,
        )
    return path


def test_a_redaction_that_the_ledger_records_is_redacted(tmp_path: Path) -> None:
    made = Made(tmp_path / "data", keep_journal=False)
    rewritten(made)
    report = made.verdicts()
    assert said(report) == {("redacted", made.stream, 7, 8)}
    assert (report.exit, report.counts.redacted, report.counts.withheld) == (0, 1, 1)


def test_a_redaction_without_its_record_is_altered(tmp_path: Path) -> None:
    made = Made(tmp_path / "data", keep_journal=False)
    rewritten(made, excused=False)
    assert said(made.verdicts()) == {("altered", made.stream, 7, 8)}


def test_a_rewrite_that_the_ledger_does_not_name_is_no_evidence(tmp_path: Path) -> None:
    made = Made(tmp_path / "data", keep_journal=False)
    rewritten(made, named=False)
    assert ("missing", made.stream, 6, 11) in said(made.verdicts())


def test_a_deleted_segment_that_was_rewritten_before_is_expired(tmp_path: Path) -> None:
    made = Made(tmp_path / "data", keep_journal=False)
    path = rewritten(made)
    made.fact("retention.policy", retain_days=1)
    made.clock.forward(2 * DAY_S)
    made.delete(0, 6)
    made.fact("retention.deletion", target_stream=made.stream, first_index=6, count=5)
    path.unlink()
    assert {finding.verdict for finding in made.verdicts().findings} == {"expired"}


@pytest.mark.parametrize(
    "changes",
    [{"first_index": 3, "count": 4}, {"first_index": 14, "count": 9}],
)
def test_a_second_seal_of_the_same_records_is_altered(
    tmp_path: Path, changes: dict[str, int]
) -> None:
    made = Made(tmp_path / "data")
    seal = {
        "target_stream": made.stream,
        "generation": 0,
        "object_name": made.segments()[0].relative_to(made.folder).as_posix(),
        "object_sha256": "00" * 32,
        "object_bytes": 1,
        "segment_key_id": "x",
        "received_max": format_time(0),
        **changes,
    }
    made.fact("ledger.seal", **seal)
    made.fact("ledger.seal", **seal | {"count": "4"})
    made.fact("retention.deletion", target_stream=made.stream, first_index="0", count=4)
    assert {finding.verdict for finding in made.verdicts().findings} == {"altered"}


def test_a_lost_middle_segment_of_a_ledger_is_missing(tmp_path: Path) -> None:
    made = Made(tmp_path / "data", keep_journal=False)
    for _ in range(3):
        made.fact("retention.policy", retain_days=9)
        made.clock.forward(10)
        made.log.seal_all()
        made.log.tick()
    files = made.segments(made.ledger)
    assert len(files) > 2
    files[1].unlink()
    report = made.verdicts()
    assert any(f.verdict == "missing" and f.stream == made.ledger for f in report.findings)


def test_a_ledgers_file_that_cannot_be_opened_is_as_good_as_absent(tmp_path: Path) -> None:
    made = Made(tmp_path / "data", keep_journal=False)
    made.log.tick()
    made.log.close()
    path = made.segments(made.ledger)[0]
    path.unlink()
    path.mkdir()
    (path / "x").write_text("")
    assert verify(tmp_path / "data").exit == 1


def test_a_listed_root_that_is_no_hash_is_altered(tmp_path: Path) -> None:
    made = Made(tmp_path / "data")
    heads = [{"root": "not a hash", "size": 16, "stream": made.stream}]
    root = next(head.stream for head in made.log.heads() if head.kind == "root")
    made.log.roll.facts([(root, "root.heads", {"heads": heads, "part": 1, "parts": 1})])
    made.log.close()
    found = said(verify(tmp_path / "data"))
    assert ("altered", made.stream, 0, 16) in found or ("forked", made.stream, 0, 16) in found


def test_a_server_that_never_stops_dropping_files_is_waited_for_only_so_long(
    tmp_path: Path,
) -> None:
    from tests.unit.verify.test_datadir import Closed, judged

    made = Made(tmp_path / "data")
    made.log.close()
    report = judged(Closed(tmp_path / "data", ".arj"), tmp_path / "data", running=True)
    assert report.verdict == "missing" or report.exit == 1
    assert Trust.parse((tmp_path / "data" / "keys" / "trust.json").read_bytes()).quorum == 0


@pytest.mark.parametrize("offset", [5000, -300])
def test_a_ledgers_segment_of_garbage_does_not_hide_what_it_is(tmp_path: Path, offset: int) -> None:
    """Another segment, or none, says what kind of stream it is; nothing is ok."""
    made = Made(tmp_path / "data", keep_journal=False)
    made.log.tick()
    made.log.close()
    path = made.segments(made.ledger)[0]
    flip(path, offset % path.stat().st_size)
    report = verify(tmp_path / "data")
    assert ("altered", made.ledger, 0, 1) in said(report)
