"""Data folders: sound ones in every state a server leaves them in, and every kind of damage."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from auditroll.event.canonical import decode, encode
from auditroll.event.times import format_time
from auditroll.keys import KeyStore
from auditroll.segment import encode_segment, key_id_of, read_segment
from auditroll.segment.journal import (
    FileHeader,
    FrameCodec,
    FrameHeader,
    encode_plaintext,
    read_file_header,
    scan_frames,
)
from auditroll.tlog import Checkpoint, Line, Signer
from auditroll.verify import FolderReader, Report, Trust, verify_installation
from auditroll.verify.journal import JournalFile
from auditroll.verify.replay import Replay
from tests.unit.seal.support import INSTALLATION, START_MS, TENANT, Clock, batch, event, opened
from tests.unit.verify.folders import copied, evidence, fill, flip, key_of, verify

Names = dict[str, str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Names]:
    folder = tmp_path_factory.mktemp("made") / "data"
    return folder, fill(folder)


@pytest.fixture
def folder(made: tuple[Path, Names], tmp_path: Path) -> Path:
    return copied(made[0], tmp_path / "data")


@pytest.fixture
def names(made: tuple[Path, Names]) -> Names:
    return made[1]


def said(report: Report) -> set[tuple[str, str, int, int]]:
    return {(f.verdict, f.stream, f.first, f.end) for f in report.findings}


def journals(folder: Path) -> list[Path]:
    return sorted((folder / "journal").iterdir())


def segments(folder: Path, stream: str) -> list[Path]:
    return sorted((folder / "streams" / stream / "segments").iterdir())


# What is sound.


@pytest.mark.parametrize("running", [False, True])
def test_a_sound_folder_is_ok(folder: Path, *, running: bool) -> None:
    report = verify(folder, running=running)
    assert (report.verdict, report.findings) == ("ok", [])
    assert report.counts.records > 50 + 9


def test_a_new_folder_is_ok(tmp_path: Path) -> None:
    log = opened(tmp_path / "data", Clock())
    assert verify(tmp_path / "data", running=True).verdict == "ok"
    log.close()
    assert verify(tmp_path / "data").verdict == "ok"


def test_a_server_that_is_killed_leaves_an_ok_folder_after_every_append(tmp_path: Path) -> None:
    clock = Clock()
    log = opened(tmp_path / "data", clock, seal_after_s=5)
    stream = log.stream(TENANT, "standard")
    for number in range(12):
        log.append([batch(stream, range(number * 3, number * 3 + 3), now_ms=clock.now_ms)])
        if number % 3 == 2:
            log.tick()
        if number % 4 == 3:
            log.seal_all()
        clock.forward(1.5)
        for running in (False, True):
            report = verify(tmp_path / "data", running=running)
            assert (report.verdict, report.findings) == ("ok", [])
    log.close()


def test_the_journal_may_be_gone_when_everything_is_sealed(tmp_path: Path) -> None:
    """Sealed journal files are dropped; the tail then begins in a later file."""
    clock = Clock()
    for start in range(3):
        log = opened(tmp_path / "data", clock, seal_after_s=1)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, range(start * 5, start * 5 + 5), now_ms=clock.now_ms)])
        for _ in range(4):
            clock.forward(5)
            log.seal_all()
            log.tick()
        log.close()
    assert journals(tmp_path / "data")[0].name != f"{0:020d}.arj"
    assert verify(tmp_path / "data").findings == []


def test_the_effective_time_goes_on_when_the_clock_falls_behind(tmp_path: Path) -> None:
    clock = Clock()
    log = opened(tmp_path / "data", clock, seal_after_s=1)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(5), now_ms=clock.now_ms)])
    clock.forward(5)
    log.seal_all()
    log.tick()
    clock.forward(-3600)
    log.append([batch(stream, range(5, 9), now_ms=clock.now_ms)])
    log.tick()
    log.close()
    for number in range(2):
        clock.forward(-60)
        log = opened(tmp_path / "data", clock, seal_after_s=600)
        log.append([batch(stream, [10 + number], now_ms=clock.now_ms)])
        log.close()
    assert verify(tmp_path / "data").findings == []


# The journal.


def test_a_cut_last_frame_is_torn_unless_a_server_is_writing_it(folder: Path) -> None:
    last = journals(folder)[-1]
    with last.open("ab") as file:
        file.write(b"\0\0\0\x50abcd")
    report = verify(folder)
    (finding,) = report.findings
    assert (finding.verdict, finding.stream) == ("torn", "-")
    assert finding.where.startswith(f"journal/{last.name} octets [")
    assert verify(folder, running=True).findings == []


def test_octets_that_begin_no_frame_are_torn_even_while_a_server_runs(folder: Path) -> None:
    with journals(folder)[-1].open("ab") as file:
        file.write(bytes(500))
    assert verify(folder, running=True).verdict == "torn"


def test_a_tail_in_an_earlier_file_is_altered(folder: Path) -> None:
    with journals(folder)[0].open("ab") as file:
        file.write(b"\0\0\0\x50abcd")
    assert verify(folder, running=True).verdict == "altered"


@pytest.mark.parametrize("size", [0, 7, 11, 60])
def test_a_cut_header_of_the_last_file_is_torn(folder: Path, size: int) -> None:
    last = journals(folder)[-1]
    later = last.with_name(f"{10**6:020d}.arj")
    later.write_bytes(last.read_bytes()[:size])
    found = said(verify(folder))
    assert ("torn", "-", 10**6, 10**6) in found
    assert ("torn", "-", 10**6, 10**6) not in said(verify(folder, running=True))


def test_a_damaged_header_is_altered_even_in_an_empty_last_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    clock = Clock()
    opened(folder, clock).close()
    log = opened(folder, clock)
    last = journals(folder)[-1]
    size = last.stat().st_size
    header = last.read_bytes()
    for offset in range(size):
        damaged = bytearray(header)
        damaged[offset] ^= 4
        last.write_bytes(damaged)
        assert verify(folder, running=True).exit == 1
    last.write_bytes(header)
    log.close()


def test_a_missing_journal_file_is_named_by_its_frames(tmp_path: Path) -> None:
    clock = Clock()
    for number in range(3):
        log = opened(tmp_path / "data", clock, seal_after_s=600)
        stream = log.stream(TENANT, "standard")
        log.append([batch(stream, [number], now_ms=clock.now_ms)])
        log.close()
    _, middle, last = journals(tmp_path / "data")
    middle.unlink()
    report = verify(tmp_path / "data")
    first, end = int(middle.stem), int(last.stem)
    assert ("missing", "-", first, end) in said(report)
    assert report.exit == 1


def test_a_missing_last_journal_file_is_rolled_back(folder: Path, names: Names) -> None:
    journals(folder)[-1].unlink()
    report = verify(folder)
    assert report.verdict == "rolled-back"
    assert any(f.stream == names["root"] and f.verdict == "rolled-back" for f in report.findings)


def test_a_journal_file_whose_key_is_gone_is_key_unknown(folder: Path) -> None:
    header, _ = read_file_header(journals(folder)[-1].read_bytes())
    (folder / "keys" / f"{header.key_id}.key").unlink()
    assert ("key-unknown", "-", header.first, header.first) in said(verify(folder))


def test_a_journal_file_under_another_name_is_altered(folder: Path) -> None:
    last = journals(folder)[-1]
    last.rename(last.with_name(f"{int(last.stem) + 1:020d}.arj"))
    assert verify(folder).exit == 1


class Closed(FolderReader):
    """A folder some of whose files cannot be opened, for some time."""

    def __init__(self, root: Path, refused: str, times: int = 10**9) -> None:
        super().__init__(root, ("streams", "journal"))
        self.refused = refused
        self.times = times

    def open(self, path: str):  # type: ignore[no-untyped-def]
        if self.refused in path and self.times > 0:
            self.times -= 1
            raise PermissionError(path)
        return super().open(path)


def judged(reader: FolderReader, folder: Path, *, running: bool = False) -> Report:
    trust = Trust.parse((folder / "keys" / "trust.json").read_bytes())
    return verify_installation(reader, trust, key_of(folder), running=running)


def test_a_journal_file_that_cannot_be_opened_is_missing(folder: Path) -> None:
    name = journals(folder)[0].name
    report = judged(Closed(folder, name), folder)
    assert ("missing", "-", 0, 0) in said(report)


def test_a_journal_file_that_a_server_drops_meanwhile_is_not_missed(folder: Path) -> None:
    name = journals(folder)[0].name
    report = judged(Closed(folder, name, times=3), folder, running=True)
    assert report.findings == []


class Dropping(FolderReader):
    """A folder whose first journal file, and its key, go when the journal has been opened."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ("streams", "journal"))
        self.folder = folder
        self.first = journals(folder)[0]
        header, _ = read_file_header(self.first.read_bytes())
        self.key = folder / "keys" / f"{header.key_id}.key"

    def open(self, path: str):  # type: ignore[no-untyped-def]
        file = super().open(path)
        if path.endswith(".arj") and self.first.exists():
            self.first.unlink()
            self.key.unlink()
        return file


def test_a_journal_file_dropped_between_opening_and_key_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    clock = Clock()
    log = opened(folder, clock, seal_after_s=1)
    stream = log.stream(TENANT, "standard")
    log.append([batch(stream, range(5), now_ms=clock.now_ms)])
    log.close()
    log = opened(folder, clock, seal_after_s=1)
    for _ in range(3):
        clock.forward(5)
        log.seal_all()
    copy = copied(folder, tmp_path / "copy")
    log.close()
    assert len(journals(copy)) == 2
    assert judged(Dropping(copy), copy, running=True).findings == []


Edit = Callable[[list[bytes]], Sequence[bytes]]


def rewrite_journal(path: Path, keys: KeyStore, edit: Edit) -> None:
    """Change the plaintexts of a journal file, as one who has the keys could."""
    data = path.read_bytes()
    header, start = read_file_header(data)
    codec = FrameCodec(header, keys.get(header.key_id))
    texts = edit([codec.decode(frame) for frame in scan_frames(data, start, header.first).frames])
    frames = [codec.encode(header.first + at, text) for at, text in enumerate(texts)]
    path.write_bytes(data[:start] + b"".join(frames))


def replaced(old: bytes, new: bytes) -> Edit:
    return lambda texts: [text.replace(old, new) for text in texts]


def test_an_unsealed_record_changed_by_one_who_has_the_keys_is_altered(
    folder: Path, names: Names
) -> None:
    edit = replaced(b'"status_code":200', b'"status_code":201')
    rewrite_journal(journals(folder)[-1], KeyStore(folder / "keys"), edit)
    found = said(verify(folder))
    assert ("altered", names["data"], 0, 51) in found


def test_a_journalled_copy_of_another_record_is_altered(folder: Path, names: Names) -> None:
    def edit(texts: list[bytes]) -> Sequence[bytes]:
        at = next(at for at, text in enumerate(texts) if names["data"].encode() in text[200:])
        batch_at = next(at for at, text in enumerate(texts) if text.startswith(b'{"epoch"'))
        lines = texts[batch_at].split(b"\n")
        lines[3] = lines[3][:-78] + b"0" * 32 + lines[3][-46:]
        texts[batch_at] = b"\n".join(lines)
        assert at <= batch_at
        return texts

    rewrite_journal(journals(folder)[0], KeyStore(folder / "keys"), edit)
    assert said(verify(folder)) == {("altered", names["data"], 3, 4)}


HEAD = b'{"kind":"fact","received_at":"2026-09-21T14:13:20.000Z"}\n'


@pytest.mark.parametrize(
    "text",
    [
        b"{}\n",
        b"[]\n",
        b"not json\n",
        HEAD[:-1],
        HEAD + b"{}\n",
        HEAD + b"x" * 9 + b',"seed":"' + b"0" * 32 + b'","stream":"' + b"0" * 32 + b'"}\n',
        HEAD + b'{"record":{},"seed":"' + b"z" * 32 + b'","stream":"' + b"0" * 32 + b'"}\n',
        HEAD + b'{"record":[],"seed":"' + b"0" * 32 + b'","stream":"' + b"0" * 32 + b'"}\n',
        HEAD.replace(b"fact", b"batch")
        + b'{"record":7,"seed":"'
        + b"0" * 32
        + b'","stream":"STREAM"}\n',
        HEAD.replace(b"fact", b"batch")
        + b'{"record":{"route":"'
        + b"/" * 70_000
        + b'","x":"'
        + b"y" * 70_000
        + b'"},"seed":"'
        + b"0" * 32
        + b'","stream":"STREAM"}\n',
    ],
)
def test_a_frame_that_is_not_what_the_format_says_is_altered(
    folder: Path, names: Names, text: bytes
) -> None:
    wrong = text.replace(b"STREAM", names["data"].encode())
    rewrite_journal(journals(folder)[-1], KeyStore(folder / "keys"), lambda old: [*old, wrong])
    report = verify(folder)
    assert report.exit == 1
    assert any(finding.stream == "-" for finding in report.findings)


def test_a_record_of_a_stream_without_genesis_is_altered(folder: Path) -> None:
    header = FrameHeader("batch", START_MS, TENANT, "api", "ab" * 16, 900)
    record = ("00" * 16, os.urandom(16), encode(event(900)))
    text = encode_plaintext(header, [record], received_at=format_time(START_MS))
    rewrite_journal(journals(folder)[-1], KeyStore(folder / "keys"), lambda old: [*old, text])
    assert ("altered", "00" * 16, 0, 1) in said(verify(folder))


# Segments.


def test_a_missing_segment_is_named_by_its_records(folder: Path, names: Names) -> None:
    segments(folder, names["data"])[0].unlink()
    assert ("truncated-head", names["data"], 0, 41) in said(verify(folder))


def test_a_stream_whose_files_are_all_gone_is_empty_but_anchored(
    folder: Path, names: Names
) -> None:
    shutil.rmtree(folder / "streams" / names["data"])
    rewrite_journal(journals(folder)[0], KeyStore(folder / "keys"), lambda texts: texts)
    for path in journals(folder):
        path.unlink()
    assert verify(folder).exit == 1


def test_a_segment_whose_key_is_gone_is_key_unknown(folder: Path, names: Names) -> None:
    (path,) = segments(folder, names["other"])
    (folder / "keys" / f"{key_id_of(path.read_bytes())}.key").unlink()
    report = verify(folder)
    assert report.verdict == "key-unknown"
    assert said(report) == {("key-unknown", names["other"], 0, 6)}


def test_a_ledgers_segment_whose_key_is_gone_is_key_unknown(folder: Path, names: Names) -> None:
    (path,) = segments(folder, names["ledger"])
    (folder / "keys" / f"{key_id_of(path.read_bytes())}.key").unlink()
    assert ("key-unknown", names["ledger"], 0, 1) in said(verify(folder))


@pytest.mark.parametrize("kind", ["root", "ledger", "data"])
def test_a_segment_that_is_cut_is_altered(folder: Path, names: Names, kind: str) -> None:
    (path,) = segments(folder, names[kind])
    path.write_bytes(path.read_bytes()[:-9])
    report = verify(folder)
    assert report.exit == 1
    assert any(f.stream == names[kind] and f.verdict == "altered" for f in report.findings)


def rewrite_segment(path: Path, keys: KeyStore, edit: Callable[[list[Line]], list[Line]]) -> None:
    """Change a segment's lines, as one who has the keys could."""
    data = path.read_bytes()
    key_id = key_id_of(data)
    segment = read_segment(data, keys.get(key_id))
    lines = edit(list(segment.lines()))
    meta = replace(segment.meta, count=len(lines))
    path.write_bytes(encode_segment(lines, meta, keys.get(key_id)))


def changed_leaf(line: Line, old: bytes, new: bytes) -> Line:
    return Line(leaf=line.leaf.replace(old, new), seed=line.seed, slots=line.slots)


@pytest.mark.parametrize("kind", ["root", "ledger", "data", "other"])
def test_a_segment_rewritten_by_one_who_has_the_keys_is_altered(
    folder: Path, names: Names, kind: str
) -> None:
    def edit(lines: list[Line]) -> list[Line]:
        return [changed_leaf(line, b"2026", b"2027") for line in lines]

    (path,) = segments(folder, names[kind])
    rewrite_segment(path, KeyStore(folder / "keys"), edit)
    report = verify(folder)
    assert report.exit == 1
    assert any(f.stream == names[kind] and f.verdict == "altered" for f in report.findings)


def test_a_segment_of_fewer_records_stands_elsewhere(folder: Path, names: Names) -> None:
    (path,) = segments(folder, names["data"])
    rewrite_segment(path, KeyStore(folder / "keys"), lambda lines: lines[:-1])
    assert ("altered", names["data"], 0, 41) in said(verify(folder))


def test_a_segment_in_another_streams_place_is_altered(folder: Path, names: Names) -> None:
    (mine,), (other,) = segments(folder, names["data"]), segments(folder, names["other"])
    shutil.copy(other, mine)
    assert ("altered", names["data"], 0, 41) in said(verify(folder))


def test_a_stray_file_that_no_seal_names_is_no_evidence(folder: Path, names: Names) -> None:
    (mine,) = segments(folder, names["data"])
    shutil.copy(mine, mine.with_name(f"{7:020d}-0000.parquet"))
    (ledger,) = segments(folder, names["ledger"])
    shutil.copy(ledger, ledger.with_name(f"{0:020d}-0000.parquet.tmp"))
    (folder / "streams" / "note.txt").write_text("x")
    assert verify(folder).findings == []


# Registers and checkpoints.


@pytest.mark.parametrize(
    "register",
    [
        b"",
        b"{}",
        b"x",
        b'{"root":"00","size":1,"stream":"x"}',
        b'{"root":7,"size":1,"stream":"x"}',
    ],
)
def test_a_register_that_is_none_is_altered(folder: Path, names: Names, register: bytes) -> None:
    (folder / "streams" / names["data"] / "head.json").write_bytes(register)
    (finding,) = verify(folder).findings
    assert finding[:3] == ("altered", names["data"], 0)
    assert finding.where.endswith("head.json")


def register_of(folder: Path, stream: str) -> dict[str, object]:
    return decode((folder / "streams" / stream / "head.json").read_bytes())


@pytest.mark.parametrize("kind", ["root", "data"])
def test_a_register_ahead_of_the_data_is_rolled_back(folder: Path, names: Names, kind: str) -> None:
    stream = names[kind]
    register = register_of(folder, stream) | {"size": 900}
    (folder / "streams" / stream / "head.json").write_bytes(encode(register))
    report = verify(folder)
    assert report.verdict == "rolled-back"
    assert all(finding.end == 900 for finding in report.findings)


def test_a_register_of_another_root_is_altered(folder: Path, names: Names) -> None:
    register = register_of(folder, names["data"]) | {"root": "00" * 32}
    (folder / "streams" / names["data"] / "head.json").write_bytes(encode(register))
    assert verify(folder).verdict == "altered"


def signed(folder: Path, stream: str, size: int, root: bytes) -> None:
    """Sign a checkpoint with the installation's own key."""
    keys = KeyStore(folder / "keys")
    origin = f"{INSTALLATION}/{stream}"
    note = Checkpoint(origin, size, root).sign([Signer(origin, keys.single("signing").octets)])
    (folder / "streams" / stream / "checkpoint").write_text(note)


def test_a_second_signed_history_is_forked(folder: Path, names: Names) -> None:
    signed(folder, names["data"], 7, b"\1" * 32)
    assert said(verify(folder)) == {("forked", names["data"], 0, 7)}


def test_a_root_checkpoint_is_needed(folder: Path, names: Names) -> None:
    (folder / "streams" / names["root"] / "checkpoint").unlink()
    report = verify(folder)
    assert report.verdict == "missing"
    (folder / "streams" / names["root"] / "checkpoint").write_bytes(b"\xff")
    assert verify(folder).verdict == "altered"


def test_a_streams_checkpoint_and_register_can_be_made_again(folder: Path, names: Names) -> None:
    (folder / "streams" / names["data"] / "checkpoint").unlink()
    (folder / "streams" / names["data"] / "head.json").unlink()
    assert verify(folder).findings == []


def test_another_installations_trust_knows_no_key(folder: Path, tmp_path: Path) -> None:
    opened(tmp_path / "other", Clock()).close()
    own = decode((folder / "keys" / "trust.json").read_bytes())
    other = decode((tmp_path / "other" / "keys" / "trust.json").read_bytes())
    trust = Trust.parse(encode(own | {"keys": other["keys"]}))
    report = verify(folder, trust)
    assert report.verdict == "key-unknown"
    assert {finding.verdict for finding in report.findings} == {"key-unknown"}


def test_a_held_checkpoint_finds_a_restored_copy(folder: Path, names: Names) -> None:
    own = decode((folder / "keys" / "trust.json").read_bytes())
    root = names["root"]
    note = (folder / "streams" / root / "checkpoint").read_text()
    head = Checkpoint.parse(note.split("\n\n")[0] + "\n")
    held = {"root": head.root.hex(), "size": head.size}
    assert verify(folder, Trust.parse(encode(own | {"last_checkpoint": held}))).verdict == "ok"
    later = held | {"size": head.size + 3}
    report = verify(folder, Trust.parse(encode(own | {"last_checkpoint": later})))
    assert said(report) == {("rolled-back", root, head.size, head.size + 3)}
    earlier = {"root": "00" * 32, "size": 3}
    report = verify(folder, Trust.parse(encode(own | {"last_checkpoint": earlier})))
    assert said(report) == {("forked", root, 0, 3)}


def test_a_stream_that_must_exist_and_does_not_is_rolled_back(folder: Path) -> None:
    own = decode((folder / "keys" / "trust.json").read_bytes())
    streams = [*own["streams"], {"min_size": 5, "stream": "00" * 16}]
    report = verify(folder, Trust.parse(encode(own | {"streams": streams})))
    assert said(report) == {("rolled-back", "00" * 16, 0, 5)}


def test_every_evidence_file_is_read(folder: Path) -> None:
    """One octet changed in the middle of any file is found, and the file or range named."""
    for path in evidence(folder):
        offset = path.stat().st_size // 2
        flip(path, offset)
        report = verify(folder)
        assert report.exit, path
        assert any(f.where or f.end > f.first for f in report.findings)
        flip(path, offset)
    assert verify(folder).verdict == "ok"


def test_a_header_of_another_journal_is_altered(folder: Path) -> None:
    last = journals(folder)[-1]
    data = last.read_bytes()
    header, start = read_file_header(data)
    other = FileHeader(header.created, header.first, "00" * 16, header.key_id, header.codec)
    last.write_bytes(other.encode() + data[start:])
    assert verify(folder).exit == 1


def test_a_tail_of_many_records_is_replayed(tmp_path: Path) -> None:
    clock = Clock()
    log = opened(tmp_path / "data", clock, seal_after_s=600)
    stream = log.stream(TENANT, "standard")
    for start in range(0, 9000, 3000):
        log.append([batch(stream, range(start, start + 3000), now_ms=clock.now_ms)])
    log.tick()
    log.close()
    report = verify(tmp_path / "data")
    assert report.findings == []
    assert report.counts.records > 9000


def test_a_ledgers_segment_that_a_seal_in_the_journal_contradicts_is_altered(
    tmp_path: Path,
) -> None:
    clock = Clock()
    log = opened(tmp_path / "data", clock, seal_after_s=1)
    ledger = log.ledger(TENANT)
    clock.forward(5)
    log.seal_all()
    log.tick()
    log.close()
    (path,) = segments(tmp_path / "data", ledger)
    rewrite_segment(path, KeyStore(tmp_path / "data" / "keys"), lambda lines: [*lines, lines[0]])
    assert ("altered", ledger, 0, 1) in said(verify(tmp_path / "data"))


def test_a_first_segment_of_garbage_says_nothing_of_its_stream(tmp_path: Path) -> None:
    """Without journal and first segment, the next one says what kind of stream it is."""
    clock = Clock()
    log = opened(tmp_path / "data", clock, seal_after_s=1)
    stream = log.stream(TENANT, "standard")
    for number in range(3):
        log.append([batch(stream, [number], now_ms=clock.now_ms)])
        clock.forward(5)
        log.seal_all()
        log.tick()
    log.close()
    log = opened(tmp_path / "data", clock, seal_after_s=1)
    for _ in range(3):
        clock.forward(5)
        log.seal_all()
        log.tick()
    ledger = log.ledger(TENANT)
    log.close()
    path = segments(tmp_path / "data", ledger)[0]
    path.write_bytes(b"PARE" + path.read_bytes()[4:-400] + path.read_bytes()[-400:])
    flip(path, 5000)
    report = verify(tmp_path / "data")
    assert ("altered", ledger, 0, 1) in said(report)
    assert any(finding.stream == stream for finding in report.findings) or report.exit == 1


def test_a_typed_value_that_the_leaf_does_not_prove_is_altered(folder: Path, names: Names) -> None:
    def edit(lines: list[Line]) -> list[Line]:
        forged = {**lines[5].slots, "agent": {"user_agent": "forged"}}
        lines[5] = Line(leaf=lines[5].leaf, seed=lines[5].seed, slots=forged)
        return lines

    (path,) = segments(folder, names["data"])
    rewrite_segment(path, KeyStore(folder / "keys"), edit)
    assert said(verify(folder)) == {
        ("altered", names["data"], 0, 41),
        ("altered", names["data"], 5, 6),
    }


def test_a_ledgers_segment_that_cannot_be_opened_is_missing(folder: Path, names: Names) -> None:
    report = judged(Closed(folder, f"{names['ledger']}/segments"), folder)
    assert said(report) == {("missing", names["ledger"], 0, 1)}


def test_a_record_of_a_stream_that_nobody_scanned_is_passed_over(folder: Path) -> None:
    path = journals(folder)[-1]
    with path.open("rb") as handle:
        file = JournalFile(path.name, int(path.stem), handle, is_last=True)
        assert list(file.check(key_of(folder), running=False))
        Replay({}, {}, lambda _leaf: None, running=False).run([file])
        assert file.is_whole
