"""A bundle reads the same from a folder, a tar or a zip; damage in an archive is damage."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from auditroll.verify import ArchiveReader, FolderReader, verify_bundle
from auditroll.verify.reader import blocks
from tests.unit.verify.bundles import listed, with_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "evidence"
    for name, data in with_manifest(listed(200).files()).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def test_a_folder(folder: Path) -> None:
    reader = FolderReader(folder)
    assert "manifest.json" in reader.list()
    assert verify_bundle(reader).verdict == "ok"
    with pytest.raises(OSError, match="nothing"):
        reader.open("nothing")
    assert FolderReader(folder, ("absent",)).list() == []


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("prefix", ["", "evidence", "."])
def test_a_tar(folder: Path, tmp_path: Path, mode: str, prefix: str) -> None:
    path = tmp_path / "evidence.tar"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        archive.add(folder, prefix or "/")
    assert verify_bundle(ArchiveReader(path)).verdict == "ok"


def zipped(folder: Path, path: Path, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder.parent))
    return path


def test_a_zip(folder: Path, tmp_path: Path) -> None:
    reader = ArchiveReader(zipped(folder, tmp_path / "evidence.zip"))
    assert verify_bundle(reader).verdict == "ok"
    with pytest.raises(FileNotFoundError):
        reader.open("nothing")


def test_a_zip_damaged_anywhere_is_never_ok(folder: Path, tmp_path: Path) -> None:
    data = zipped(folder, tmp_path / "evidence.zip").read_bytes()
    damaged = tmp_path / "damaged.zip"
    for offset in range(0, len(data), 211):
        damaged.write_bytes(data[:offset] + bytes([data[offset] ^ 0x10]) + data[offset + 1 :])
        try:
            reader = ArchiveReader(damaged)
        except OSError:
            continue
        # A changed time stamp of a member changes nothing that is read.
        report = verify_bundle(reader)
        assert report.verdict != "ok" or same_files(reader, folder)


def same_files(reader: ArchiveReader, folder: Path) -> bool:
    files = {path: reader.open(path).read() for path in reader.list()}
    return files == {path: (folder / path).read_bytes() for path in FolderReader(folder).list()}


def test_a_cut_tar_is_never_ok(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "evidence.tgz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "evidence")
    data = path.read_bytes()
    for size in range(0, len(data), len(data) // 20):
        path.write_bytes(data[:size])
        try:
            reader = ArchiveReader(path)
        except OSError:
            continue
        # The last blocks of a tar hold nothing.
        assert verify_bundle(reader).verdict != "ok" or same_files(reader, folder)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evidence"
    path.write_bytes(b"no archive at all" * 99)
    with pytest.raises(OSError, match="no archive"):
        ArchiveReader(path)


def test_links_and_folders_of_an_archive_are_no_files(tmp_path: Path) -> None:
    path = tmp_path / "evidence.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("manifest.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert ArchiveReader(path).list() == []


def test_a_file_that_cannot_be_read_on_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (2**20 + 1))

    class Failing:
        def __init__(self) -> None:
            self.left = 1

        def read(self, size: int) -> bytes:
            self.left -= 1
            if self.left < 0:
                raise OSError("the disk is gone")
            return b"x" * size

    assert len(list(blocks(Failing()))) == 1  # type: ignore[arg-type]
    with path.open("rb") as file:
        assert [len(block) for block in blocks(file)] == [2**20, 1]
