"""One owner of a data folder at a time."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

from auditroll.errors import PolicyError

__all__ = ["FolderLock"]

# A predecessor that was killed is gone from the lock as soon as the kernel has reaped it.
WAIT_S = 5.0


class FolderLock:
    """An exclusive lock that ends with its process, however that ends.

    Args:
        path: The lock file.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    @classmethod
    def take(cls, path: Path, *, wait_s: float = WAIT_S) -> Self:
        """Return the lock, held.

        Raises:
            PolicyError: `data-locked`: another process holds it.
        """
        lock = cls(path)
        until = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(lock._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < until:
                    time.sleep(0.05)
                    continue
                lock.release()
                raise PolicyError(
                    "data-locked",
                    "another process owns this data folder",
                    hint="Stop the other auditroll, or name another folder with --data.",
                ) from None
            os.truncate(lock._fd, 0)
            os.write(lock._fd, f"{os.getpid()}\n".encode())
            return lock

    def release(self) -> None:
        """Give the lock up."""
        os.close(self._fd)
