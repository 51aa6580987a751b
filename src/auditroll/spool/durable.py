"""Group commit: one thread makes durable what many requests have written."""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from auditroll.disk import Disk

__all__ = ["GroupSync", "Pending"]

# Promise of the mode `durable`: what a response followed survives power loss 50 ms later. Half of
# it collects writes, half is the disk's.
COLLECT_S: Final = 0.025
_JOIN_S: Final = 5.0
_REMEMBERED_FAILURES: Final = 64


class Pending(NamedTuple):
    """What must be synced for everything written so far to be durable.

    Args:
        files: Descriptors, in the order of writing.
        done: Those of them that get no more octets, to be closed.
        folder: Folder with a new name, or None.
        target: The writer's count that is then durable.
    """

    files: list[int]
    done: list[int]
    folder: Path | None
    target: int

    def sync(self, disk: Disk) -> None:
        """Make it durable.

        Raises:
            OSError: The disk refused; what was written may be lost with the power.
        """
        for fd in self.files:
            disk.datasync(fd)
        if self.folder is not None:
            disk.sync_dir(self.folder)
        for fd in self.done:
            disk.close(fd)


class GroupSync:
    """Syncs at most every 25 ms while there is something to sync, at once while somebody waits.

    Args:
        disk: Where the files are.
        take: Returns what is to be synced and takes it over; called by one thread at a time.
        abandon: Gets what could not be synced. A failed sync may have dropped the octets it could
            not write, so that a second one proves nothing: such files are never synced again.
    """

    def __init__(
        self, disk: Disk, take: Callable[[], Pending], abandon: Callable[[Pending], None]
    ) -> None:
        self._disk = disk
        self._take = take
        self._abandon = abandon
        self._changed = threading.Condition()
        self._turn = threading.Lock()
        self._durable = 0
        self._failed: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED_FAILURES)
        self.failures = 0
        self._dirty = False
        self._waiting = 0
        self._stopped = False
        self._thread: threading.Thread | None = None

    @property
    def durable(self) -> int:
        """The writer's count up to which everything was synced, or was told to have failed."""
        return self._durable

    def touch(self) -> None:
        """Say that something was written; cheap while an earlier word of it is still unheard."""
        if self._dirty:
            return
        with self._changed:
            self._dirty = True
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(
                    target=self._run, name="auditroll-sync", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def wait(self, target: int) -> bool:
        """Return once everything up to `target` is durable; False when the disk refused."""
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: self._durable >= target or not self._is_running())
            finally:
                self._waiting -= 1
        if self._durable < target:
            self.flush()
        return not any(low < target <= high for low, high in self._failed)

    def flush(self) -> None:
        """Sync now, in the calling thread."""
        with self._turn:
            self._dirty = False
            pending = self._take()
            try:
                pending.sync(self._disk)
            except OSError:
                self._abandon(pending)
                with self._changed:
                    self.failures += 1
                    self._failed.append((self._durable, pending.target))
            with self._changed:
                self._durable = max(self._durable, pending.target)
                self._changed.notify_all()

    def stop(self) -> None:
        """End the thread; `flush` still works."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def _is_running(self) -> bool:
        return not self._stopped and self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty or self._stopped)
                # Collect what others write meanwhile, unless somebody waits for it.
                self._changed.wait_for(lambda: self._waiting > 0 or self._stopped, COLLECT_S)
                if self._stopped:
                    return
            self.flush()
