"""Names in a data folder: evidence in `streams/` and `journal/`, the rest can be rebuilt."""

import re
from pathlib import Path
from typing import NamedTuple

from auditroll.disk import Disk

__all__ = ["DataFolder", "SegmentName"]

_SEGMENT = re.compile(r"([0-9]{20})-([0-9]{4})\.parquet")
_JOURNAL = re.compile(r"([0-9]{20})\.arj")
_STREAM = re.compile(r"[0-9a-f]{32}")


class SegmentName(NamedTuple):
    """Where one segment lies.

    Args:
        stream: Stream id.
        first_index: Index of its first record.
        generation: 0 when sealed, one more for every rewrite.
    """

    stream: str
    first_index: int
    generation: int

    @property
    def object_name(self) -> str:
        """The name under the data folder, and in an object store.

        Source: format reference, section 10.
        """
        file = f"{self.first_index:020d}-{self.generation:04d}.parquet"
        return f"streams/{self.stream}/segments/{file}"


class DataFolder:
    """One installation's folder.

    Args:
        root: The folder; made when absent.
        disk: File operations.
    """

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root = root
        self.disk = disk or Disk()
        for name in ("streams", "journal", "derived", "keys", "run"):
            self.disk.make_dirs(root / name)

    @property
    def journal(self) -> Path:
        """Folder of the journal's files."""
        return self.root / "journal"

    @property
    def derived(self) -> Path:
        """Folder of what can be rebuilt from the evidence."""
        return self.root / "derived"

    @property
    def keys(self) -> Path:
        """Folder of the key store."""
        return self.root / "keys"

    @property
    def lock_file(self) -> Path:
        """File whose lock makes one process the folder's owner."""
        return self.root / "run" / "lock"

    @property
    def torn_note(self) -> Path:
        """What a start cut off the journal and has not recorded yet."""
        return self.root / "run" / "torn.json"

    def stream(self, stream: str) -> Path:
        """Folder of one stream."""
        return self.root / "streams" / stream

    def head(self, stream: str) -> Path:
        """The head register (format reference, section 8)."""
        return self.stream(stream) / "head.json"

    def checkpoint(self, stream: str) -> Path:
        """The newest signed checkpoint."""
        return self.stream(stream) / "checkpoint"

    def segment(self, name: SegmentName) -> Path:
        """The file of one segment."""
        return self.root / name.object_name

    def journal_file(self, first: int) -> Path:
        """The journal file whose first frame has the number `first`."""
        return self.journal / f"{first:020d}.arj"

    def streams(self) -> list[str]:
        """Return the ids of the streams that have a folder, sorted."""
        return sorted(
            entry.name
            for entry in (self.root / "streams").iterdir()
            if _STREAM.fullmatch(entry.name)
        )

    def segments(self, stream: str) -> list[SegmentName]:
        """Return the stream's segment files, sorted by first index and generation."""
        folder = self.stream(stream) / "segments"
        if not folder.is_dir():
            return []
        matches = (_SEGMENT.fullmatch(entry.name) for entry in folder.iterdir())
        return sorted(SegmentName(stream, int(m[1]), int(m[2])) for m in matches if m)

    def stray_files(self, stream: str) -> list[Path]:
        """Return what a crash may have left of files that never got their name."""
        folder = self.stream(stream)
        hidden = [*folder.glob(".*"), *(folder / "segments").glob(".*")]
        return sorted(path for path in hidden if path.is_file())

    def journal_files(self) -> list[int]:
        """Return the first frame's number of every journal file, sorted."""
        matches = (_JOURNAL.fullmatch(entry.name) for entry in self.journal.iterdir())
        return sorted(int(match[1]) for match in matches if match)
