"""The writer of evidence bundles (format reference, section 12)."""

import hashlib
from collections.abc import Iterable, Mapping
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
        digest = hashlib.sha256()
        with self._create(path) as file:
            size = _write(file, text.encode(), digest)
            self._listed(path, size, digest.hexdigest())

    def add_trust(self, trust: Mapping[str, Any]) -> None:
        """Write `trust.json`, the copy for convenience."""
        self.add_text("trust.json", encode(trust).decode())

    def add_lines(self, stream: str, lines: Iterable[bytes]) -> int:
        """Write a stream's lines from index 0, each with its LF, and return how many they were."""
        count = 0
        rest = iter(lines)
        line = next(rest, None)
        while line is not None:
            path = f"streams/{stream}/records/{count:020d}.ndjson"
            digest, size, last = hashlib.sha256(), 0, count + LINES_PER_FILE
            with self._create(path) as file:
                while line is not None and count < last:
                    size += _write(file, line, digest)
                    count += 1
                    line = next(rest, None)
                self._listed(path, size, digest.hexdigest())
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

    def _create(self, path: str) -> BinaryIO:
        target = self._folder / path
        self._disk.make_dirs(target.parent)
        return open(self._disk.create(target), "wb", buffering=2**20)  # noqa: PTH123

    def _listed(self, path: str, size: int, sha256: str) -> None:
        self._files.append({"bytes": size, "path": path, "sha256": sha256})


def _write(file: BinaryIO, data: bytes, digest: "hashlib._Hash") -> int:
    file.write(data)
    digest.update(data)
    return len(data)
