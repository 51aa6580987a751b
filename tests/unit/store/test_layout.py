"""Names in a data folder."""

from pathlib import Path

from auditroll.store import DataFolder, SegmentName

STREAM = "ab" * 16


def test_names_are_the_formats(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    name = SegmentName(STREAM, 65_536, 2)
    file = "00000000000000065536-0002.parquet"
    assert name.object_name == f"streams/{STREAM}/segments/{file}"
    assert folder.segment(name) == tmp_path / name.object_name
    assert folder.journal_file(7) == tmp_path / "journal" / "00000000000000000007.arj"
    assert folder.head(STREAM) == tmp_path / "streams" / STREAM / "head.json"
    assert folder.checkpoint(STREAM) == tmp_path / "streams" / STREAM / "checkpoint"


def test_only_what_has_such_a_name_is_listed(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    segments = tmp_path / "streams" / STREAM / "segments"
    segments.mkdir(parents=True)
    (tmp_path / "streams" / "lost+found").mkdir()
    for name in (f"{5:020d}-0000.parquet", f"{0:020d}-0001.parquet", f"{0:020d}-0000.parquet"):
        (segments / name).touch()
    (segments / f".{9:020d}-0000.parquet.tmp").touch()
    (segments / "notes.txt").touch()
    for name in (f"{3:020d}.arj", f"{0:020d}.arj", "0.arj", f"{1:020d}.arj.bak"):
        (tmp_path / "journal" / name).touch()
    assert folder.streams() == [STREAM]
    assert folder.segments(STREAM) == [
        SegmentName(STREAM, 0, 0),
        SegmentName(STREAM, 0, 1),
        SegmentName(STREAM, 5, 0),
    ]
    assert folder.journal_files() == [0, 3]
    assert [path.name for path in folder.stray_files(STREAM)] == [f".{9:020d}-0000.parquet.tmp"]
    assert folder.segments("cd" * 16) == []


def test_folders_are_the_owners_alone(tmp_path: Path) -> None:
    DataFolder(tmp_path / "data")
    for name in ("streams", "journal", "derived", "keys", "run"):
        assert (tmp_path / "data" / name).stat().st_mode & 0o077 == 0
