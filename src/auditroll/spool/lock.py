"""Locks that die with their process, so that a dead one's files can be taken over."""

import fcntl
import os
from pathlib import Path
from typing import Self
from weakref import WeakSet

__all__ = ["FileLock"]


class FileLock:
    """An exclusive lock on a file, held until `release` or the end of the process.

    A forked child inherits the descriptor, and with it the lock: it gives its copy up at once, or
    the parent's death would not be seen as long as the child lives.

    Args:
        fd: Descriptor that holds the lock; owned by this object.
    """

    __slots__ = ("__weakref__", "_fd")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        _held.add(self)

    @classmethod
    def acquire(cls, path: Path) -> "FileLock | None":
        """Take the lock, or return None when somebody has it or the folder is gone.

        Args:
            path: The lock file, made when it is not there.
        """
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had the lock may have removed the folder while we opened the file.
            if os.fstat(fd).st_nlink:
                return cls(fd)
        except BlockingIOError:
            pass
        os.close(fd)
        return None

    @classmethod
    def is_free(cls, path: Path) -> bool:
        """Tell whether nobody holds the lock at this moment."""
        lock = cls.acquire(path)
        if lock is not None:
            lock.release()
        return lock is not None

    def release(self) -> None:
        """Give the lock up; harmless when that was done before."""
        _held.discard(self)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


_held: WeakSet[FileLock] = WeakSet()


def _drop_inherited() -> None:
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_drop_inherited)
