"""The writer of evidence bundles (format reference, section 12)."""

import hashlib
import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from auditroll.disk import Disk
from auditroll.errors import PolicyError
from auditroll.event.canonical import encode
from auditroll.event.times import format_time

__all__ = ["BundleWriter"]

LINES_PER_FILE = 65_536
FORMAT = "auditroll-bundle/1"


class BundleWriter:
    """Writes one bundle into an empty folder; the manifest comes last and makes it whole.

    A bundle that was interrupted has no manifest, so the verifier calls it `cannot-judge`.

    Args:
        folder: Absent or empty; created readable by its owner only.

    Raises:
        PolicyError: `bundle-exists`: the folder holds files already.
    """

    def __init__(self, folder: Path) -> None:
        if folder.exists() and any(folder.iterdir()):
            raise PolicyError(
                "bundle-exists",
                f"{folder} is not empty",
                hint="Name a new folder: a bundle holds no file that its manifest does not list.",
            )
        self._disk = Disk()
        self._disk.make_dirs(folder)
        self._folder = folder
        self._files: list[dict[str, Any]] = []

    def add_text(self, path: str, text: str) -> None:
        """Write one small file, such as a checkpoint."""
        with self._create(path) as file:
            file.write(text.encode())

    def add_trust(self, trust: Mapping[str, Any]) -> None:
        """Write `trust.json`, the copy for convenience."""
        self.add_text("trust.json", encode(trust).decode())

    def add_lines(self, stream: str, lines: Iterable[bytes]) -> int:
        """Write a stream's lines from index 0, each with its LF, and return how many they were."""
        count = 0
        rest = iter(lines)
        line = next(rest, None)
        while line is not None:
            last = count + LINES_PER_FILE
            with self._create(f"streams/{stream}/records/{count:020d}.ndjson") as file:
                while line is not None and count < last:
                    file.write(line)
                    count += 1
                    line = next(rest, None)
        return count

    def finish(self, created_ms: int) -> None:
        """Write the manifest.

        Args:
            created_ms: When the bundle was made, in milliseconds since 1970.
        """
        manifest = {
            "created": format_time(created_ms),
            "files": sorted(self._files, key=lambda file: str(file["path"])),
            "format": FORMAT,
        }
        self._disk.replace(self._folder / "manifest.json", encode(manifest))

    @contextmanager
    def _create(self, path: str) -> Generator["_Hashed"]:
        """Write one file; it is listed once it is whole."""
        target = self._folder / path
        self._disk.make_dirs(target.parent)
        with os.fdopen(self._disk.create(target), "wb", buffering=2**20) as raw:
            file = _Hashed(raw)
            yield file
            raw.flush()
            # Before the manifest names it: a manifest never outlives its files in a power cut.
            self._disk.datasync(raw.fileno())
        self._disk.sync_dir(target.parent)
        self._files.append({"bytes": file.size, "path": path, "sha256": file.sha256})


class _Hashed:
    """A file that is hashed and measured as it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()
