"""Durable file operations: the few system calls both sides build their crash safety on.

Everything that must survive a crash goes through a `Disk`, so that a test can put a recording
one in its place and replay every order of writes a power cut may leave behind.
"""

import contextlib
import os
from pathlib import Path

__all__ = ["DIR_MODE", "FILE_MODE", "Disk"]

FILE_MODE = 0o600
DIR_MODE = 0o700


class Disk:
    """The real file system, with the ordering rules written down.

    A byte survives power loss only after `datasync` of its file; a name only after `sync_dir` of
    its folder. Nothing else is promised, and nothing else may be relied on.
    """

    def create(self, path: Path) -> int:
        """Create a file for appending and return its descriptor.

        Raises:
            FileExistsError: The name is taken; evidence is never opened for append again.
        """
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        return os.open(path, flags, FILE_MODE)

    def reopen(self, path: Path) -> int:
        """Open an existing file for cutting its end; nothing is ever appended to it again."""
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    def write(self, fd: int, data: bytes) -> None:
        """Append all of `data`.

        Raises:
            OSError: Not all of it could be written; the file may end in a part of `data`, which
                the caller cuts off with `truncate`.
        """
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]

    def datasync(self, fd: int) -> None:
        """Make everything written to `fd` survive power loss."""
        os.fdatasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to `size` octets."""
        os.ftruncate(fd, size)

    def close(self, fd: int) -> None:
        """Close a descriptor made by `create`."""
        os.close(fd)

    def sync_dir(self, folder: Path) -> None:
        """Make the names in `folder` survive power loss."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def make_dirs(self, folder: Path) -> None:
        """Create `folder` and its parents, each name durable, readable by the owner only."""
        missing: list[Path] = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            with contextlib.suppress(FileExistsError):
                path.mkdir(mode=DIR_MODE)
            self.sync_dir(path.parent)

    def replace(self, path: Path, data: bytes) -> None:
        """Put `data` under the name `path`, whole or not at all, durable on return."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.unlink(missing_ok=True)
        fd = self.create(temporary)
        try:
            self.write(fd, data)
            self.datasync(fd)
        finally:
            self.close(fd)
        self.rename(temporary, path)
        self.sync_dir(path.parent)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name in one step; durable after `sync_dir`."""
        source.replace(target)

    def read(self, path: Path) -> bytes:
        """Return the whole file."""
        return path.read_bytes()

    def remove(self, path: Path) -> None:
        """Remove a name; durable after `sync_dir`."""
        path.unlink()

    def remove_dir(self, folder: Path) -> None:
        """Remove an empty folder; durable after `sync_dir` of its parent."""
        folder.rmdir()
