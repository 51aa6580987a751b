"""The bundle writer: whole or without a manifest."""

import hashlib
import json
from pathlib import Path

import pytest

from auditroll.errors import PolicyError
from auditroll.event.canonical import encode
from auditroll.export import BundleWriter, bundle
from auditroll.verify import FolderReader, verify_bundle

STREAM = "ab" * 16
NOW_MS = 1_790_000_000_000


def test_the_folder_must_be_new_or_empty(tmp_path: Path) -> None:
    BundleWriter(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(PolicyError) as caught:
        BundleWriter(tmp_path)
    assert caught.value.code == "bundle-exists"
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_manifest_is_canonical_and_lists_every_other_file(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    writer = BundleWriter(folder)
    writer.add_text(f"streams/{STREAM}/checkpoint", "note\n")
    writer.add_lines(STREAM, [b"{}\n"])
    writer.add_trust({"format": "auditroll-trust/1"})
    writer.finish(NOW_MS)

    octets = (folder / "manifest.json").read_bytes()
    manifest = json.loads(octets)
    assert octets == encode(manifest)
    assert manifest["format"] == "auditroll-bundle/1"
    paths = [file["path"] for file in manifest["files"]]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert paths == sorted(there - {"manifest.json"})
    for file in manifest["files"]:
        data = (folder / file["path"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_lines_are_split_into_files_named_by_their_first_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "LINES_PER_FILE", 3)
    writer = BundleWriter(tmp_path)
    lines = [b"%d\n" % number for number in range(7)]
    assert writer.add_lines(STREAM, lines) == 7
    records = tmp_path / "streams" / STREAM / "records"
    files = sorted(records.iterdir())
    assert [int(path.stem) for path in files] == [0, 3, 6]
    assert all(len(path.stem) == 20 for path in files)
    assert b"".join(path.read_bytes() for path in files) == b"".join(lines)


def test_a_stream_without_lines_has_no_file(tmp_path: Path) -> None:
    assert BundleWriter(tmp_path).add_lines(STREAM, []) == 0
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_bundle_cannot_be_judged(tmp_path: Path) -> None:
    writer = BundleWriter(tmp_path)

    def breaks_off() -> object:
        yield b"{}\n"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        writer.add_lines(STREAM, breaks_off())
    assert not (tmp_path / "manifest.json").exists()
    report = verify_bundle(FolderReader(tmp_path), None)
    assert (report.verdict, report.exit) == ("cannot-judge", 2)


def test_only_the_owner_reads_a_bundle(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    writer = BundleWriter(folder)
    writer.add_text("trust.json", "{}")
    writer.finish(NOW_MS)
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
