"""No change to evidence is ever called ok, and none makes the verifier fail."""

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditroll.event.canonical import encode
from auditroll.tlog import BadLine, encode_line
from auditroll.verify import Report, Trust, verify_bundle
from auditroll.verify.opening import LineOpener, Opened
from auditroll.verify.ranges import clipped, merged, subtracted
from tests.conformance.memory import MemoryReader
from tests.unit.segment.records import STREAM, hide, lines_from, model_call, request
from tests.unit.verify.bundles import DATA, Files, listed, records_path, with_manifest
from tests.unit.verify.folders import evidence, fill, verify

LOG = listed(20)
FILES = LOG.files()
TRUST = Trust.parse(FILES["trust.json"])
EVIDENCE = sorted(FILES.keys() - {"trust.json"})
LINES = FILES[records_path(DATA)].splitlines(keepends=True)


def judged(files: Files) -> Report:
    """Verify with the auditor's own trust, behind a manifest that the forger made anew."""
    return verify_bundle(MemoryReader(with_manifest(files)), TRUST)


@given(st.sampled_from(EVIDENCE), st.data())
def test_no_changed_octet_of_a_bundle_is_ok(path: str, data: st.DataObject) -> None:
    octets = bytearray(FILES[path])
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] ^= data.draw(st.integers(1, 255))
    report = judged(FILES | {path: bytes(octets)})
    assert report.exit != 0
    assert report.findings


@given(st.sampled_from(EVIDENCE), st.data())
def test_no_cut_file_of_a_bundle_is_ok(path: str, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(FILES[path]) - 1))
    assert judged(FILES | {path: FILES[path][:size]}).exit != 0


@given(st.lists(st.integers(0, len(LINES) - 1), max_size=30))
def test_no_other_sequence_of_the_lines_is_ok(places: list[int]) -> None:
    files = FILES | {records_path(DATA): b"".join(LINES[place] for place in places)}
    report = judged(files)
    assert (report.exit == 0) == (places == list(range(len(LINES))))
    assert report.counts.records == 3 + len(set(places))


@given(st.binary(max_size=200), st.sampled_from([*EVIDENCE, "manifest.json", "trust.json"]))
def test_no_garbage_makes_the_verifier_fail(garbage: bytes, path: str) -> None:
    files = with_manifest(FILES) | {path: garbage}
    assert verify_bundle(MemoryReader(files)).exit != 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("verify") / "data"
    fill(made)
    return made


def with_one(folder: Path, path: Path, change: Callable[[bytes], bytes]) -> tuple[Report, Report]:
    """Verify a folder with one file changed, server stopped and running; then undo it."""
    before = path.read_bytes()
    path.write_bytes(change(before))
    try:
        return verify(folder), verify(folder, running=True)
    finally:
        path.write_bytes(before)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_octet_of_a_data_folder_is_ok(folder: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(evidence(folder)))
    at = data.draw(st.integers(0, path.stat().st_size - 1))
    mask = data.draw(st.integers(1, 255))

    def change(octets: bytes) -> bytes:
        return octets[:at] + bytes([octets[at] ^ mask]) + octets[at + 1 :]

    for report in with_one(folder, path, change):
        assert report.exit != 0
        assert all(finding.where or finding.end > finding.first for finding in report.findings)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_cut_segment_or_register_is_ok(folder: Path, data: st.DataObject) -> None:
    files = [path for path in evidence(folder) if path.suffix != ".arj"]
    path = data.draw(st.sampled_from(files))
    size = data.draw(st.integers(0, path.stat().st_size - 1))
    for report in with_one(folder, path, lambda octets: octets[:size]):
        assert report.exit != 0


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_cut_journal_is_never_ok_once_its_records_were_signed(
    folder: Path, data: st.DataObject
) -> None:
    files = [path for path in evidence(folder) if path.suffix == ".arj"]
    path = data.draw(st.sampled_from(files))
    size = data.draw(st.integers(0, path.stat().st_size - 1))
    for report in with_one(folder, path, lambda octets: octets[:size]):
        assert report.exit != 0


def test_the_folder_is_as_it_was(folder: Path, tmp_path: Path) -> None:
    """The tests above undo what they do, so a last look must be ok."""
    shutil.copytree(folder, tmp_path / "data")
    assert verify(tmp_path / "data").findings == []


SHAPES = lines_from([request(number) if number % 3 else model_call(number) for number in range(12)])


def opened(opener: LineOpener, raw: bytes) -> Opened | str:
    try:
        return opener.open(raw)
    except BadLine as refused:
        return refused.code


@given(st.sampled_from(SHAPES), st.sampled_from([None, "agent", "actor"]), st.data())
def test_the_short_way_of_opening_a_line_is_the_long_way(
    line: object, slot: str | None, data: st.DataObject
) -> None:
    """An opener that has seen every shape judges as one that has seen none."""
    chosen = SHAPES[SHAPES.index(line)]  # type: ignore[arg-type]
    raw = encode_line(chosen if slot is None else hide(chosen, slot))[:-1]
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw = raw[:at] + data.draw(st.binary(max_size=2)) + raw[at + 1 :]
    practised = LineOpener(STREAM)
    for shape in SHAPES:
        practised.open(encode_line(shape)[:-1])
    assert opened(practised, raw) == opened(LineOpener(STREAM), raw)


ranges = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def members(found: list[tuple[int, int]]) -> set[int]:
    return {index for first, end in found for index in range(first, end)}


@given(ranges, ranges, st.integers(0, 40), st.integers(0, 40))
def test_ranges_are_sets_of_indices(
    some: list[tuple[int, int]], taken: list[tuple[int, int]], first: int, end: int
) -> None:
    assert members(merged(some)) == members(some)
    assert members(subtracted(some, taken)) == members(some) - members(taken)
    assert members(clipped(some, first, end)) == members(some) & set(range(first, end))
    for found in (merged(some), subtracted(some, taken), clipped(some, first, end)):
        assert all(before[1] < after[0] for before, after in pairwise(found))


@given(st.binary(max_size=300))
def test_no_octets_make_a_trust_file_fail_otherwise_than_said(octets: bytes) -> None:
    from auditroll.verify import BadTrust

    with pytest.raises(BadTrust):
        Trust.parse(octets)


def test_the_forgers_manifest_is_right() -> None:
    assert judged(FILES).verdict == "ok"
    assert encode(LOG.trust()) == FILES["trust.json"]
