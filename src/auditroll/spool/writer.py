"""The writing end: one per process and epoch, one `write` a record."""

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditroll.disk import Disk
from auditroll.spool.durable import GroupSync, Pending
from auditroll.spool.errors import SpoolError, is_full
from auditroll.spool.frames import encode_frame, encode_header
from auditroll.spool.layout import SpoolFolder
from auditroll.spool.lock import FileLock

__all__ = ["SpoolLimits", "SpoolWriter"]

_MIB: Final = 2**20
_MEASURE_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolLimits:
    """Sizes, in octets.

    Args:
        file: A file is not continued beyond this; smaller ones are removed sooner.
        epoch: All files of one process together; beyond it records are refused.
        reserve: Kept free for what must be written on a full disk.
    """

    file: int = 8 * _MIB
    epoch: int = 1024 * _MIB
    reserve: int = 256 * 1024


class SpoolWriter:
    """Keeps the records of one epoch on the disk until the collector has them.

    A record is in the spool when `append` returns: it survives the death of the process. It
    survives power loss when `sync` has returned True, at the latest 50 ms later without.

    Args:
        folder: Of the epoch, made by `SpoolFolder.create`.
        owner: The lock that came with it.
        limits: Sizes.
    """

    def __init__(self, folder: SpoolFolder, owner: FileLock, limits: SpoolLimits) -> None:
        self.folder = folder
        self.limits = limits
        self.epoch = folder.epoch
        self._owner = owner
        self._disk = folder.disk
        self._lock = threading.Lock()
        self._next = 0
        self._fd = -1
        self._size = 0
        # Number, start and end of a frame whose write was begun and is not accounted for.
        self._begun: tuple[int, int, int] | None = None
        self._retired: list[int] = []
        self._new_name = False
        self._held = 0
        self._measured = time.monotonic()
        self._closed = False
        self._group = GroupSync(self._disk, self._take, self._abandon)
        self._make_reserve()

    @classmethod
    def open(
        cls,
        root: Path,
        producer_id: str,
        *,
        disk: Disk | None = None,
        limits: SpoolLimits | None = None,
        epoch: str | None = None,
    ) -> "SpoolWriter":
        """Begin a new epoch.

        Args:
            root: Folder of all spools.
            producer_id: Of the credential.
            disk: Another disk than the real one.
            limits: Other sizes than the usual ones.
            epoch: 32 hex digits that no other epoch has; random when not given.

        Raises:
            SpoolError: The disk refused.
        """
        try:
            folder, owner = SpoolFolder.create(
                root, producer_id, epoch or secrets.token_hex(16), disk or Disk()
            )
        except OSError as error:
            raise SpoolError.of(error) from error
        return cls(folder, owner, limits or SpoolLimits())

    @property
    def count(self) -> int:
        """How many records were appended; also the next one's number."""
        return self._next

    @property
    def sync_failures(self) -> int:
        """How often the disk refused to sync."""
        return self._group.failures

    def append(self, make: Callable[[int], bytes], *, vital: bool = False) -> int:
        """Append one record and return its number.

        Args:
            make: Returns the line without LF, given the record's number; it must not append.
            vital: Use the reserve when the disk or the spool is full.

        Raises:
            SpoolError: It is not in the spool, and its number will be another's.
        """
        with self._lock:
            if self._begun is not None:
                self._account(*self._begun)
            number = self._next
            frame = encode_frame(number, make(number))
            try:
                self._write(frame, vital=vital)
            except OSError as error:
                raise SpoolError.of(error) from error
            self._next = number + 1
            self._begun = None
        self._group.touch()
        return number

    def sync(self) -> bool:
        """Wait until every record appended so far survives power loss; False if one may not."""
        return self._group.wait(self._next)

    def octets(self) -> int:
        """Return how much of the disk this epoch takes, at most a second ago."""
        now = time.monotonic()
        if now - self._measured > _MEASURE_EVERY_S:
            # Archived files are removed by whoever sends them, perhaps another process.
            self._held, self._measured = self.folder.octets(), now
        return self._held

    def close(self) -> None:
        """Sync and close; the folder is then anybody's to send."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._retire()
        self._group.stop()
        self._group.flush()
        self.folder.reserve_path.unlink(missing_ok=True)
        self._owner.release()

    def forget(self) -> None:
        """Close what a forked child inherited, without a word to the disk.

        No lock is taken: the thread that held it does not exist in the child.
        """
        self._closed = True
        self._owner.release()
        for fd in (*self._retired, self._fd):
            if fd >= 0:
                with contextlib.suppress(OSError):
                    self._disk.close(fd)
        self._fd = -1

    def _write(self, frame: bytes, *, vital: bool) -> None:
        if self._closed:
            raise SpoolError("spool-closed", "the spool is closed")
        if not vital and self._held + len(frame) > self.limits.epoch:
            self._refuse_when_full(len(frame))
        try:
            self._write_once(frame)
        except OSError as error:
            if not (vital and is_full(error) and self.folder.reserve_path.exists()):
                raise
            self.folder.reserve_path.unlink(missing_ok=True)
            self._write_once(frame)
        self._size += len(frame)
        self._held += len(frame)

    def _refuse_when_full(self, octets: int) -> None:
        if self.octets() + octets > self.limits.epoch:
            raise SpoolError.over_limit(self.limits.epoch)

    def _write_once(self, frame: bytes) -> None:
        if self._fd < 0 or self._size + len(frame) > self.limits.file:
            self._next_file()
        self._begun = (self._next, self._size, self._size + len(frame))
        try:
            self._disk.write(self._fd, frame)
        except OSError:
            # A full disk takes a part of the frame: it must not stand before the next one.
            self._cut()
            self._begun = None
            raise

    def _next_file(self) -> None:
        """Go on in a new file; the present one stays if there can be none."""
        path = self.folder.file(self._next)
        try:
            fd = self._disk.create(path)
        except FileExistsError:
            # A file of this name holds no record: the one it is named after was never written.
            self._disk.remove(path)
            fd = self._disk.create(path)
        header = encode_header(self.epoch, self.folder.producer_id, self._next)
        try:
            self._disk.write(fd, header)
        except OSError:
            self._disk.close(fd)
            self._disk.remove(path)
            raise
        self._retire()
        self._fd, self._size, self._new_name = fd, len(header), True
        self._held += len(header)

    def _cut(self) -> None:
        try:
            self._disk.truncate(self._fd, self._size)
        except OSError:
            self._retire()

    def _retire(self) -> None:
        """Write no more to the present file; the next sync closes it."""
        if self._fd >= 0:
            self._retired.append(self._fd)
            self._fd = -1

    def _account(self, number: int, start: int, end: int) -> None:
        """Settle a frame whose writer was stopped by an exception out of a signal handler."""
        self._begun = None
        self._size = start
        if self._fd < 0:
            return
        if os.fstat(self._fd).st_size == end:
            self._size, self._next = end, number + 1
        else:
            self._cut()

    def _take(self) -> Pending:
        with self._lock:
            done, self._retired = self._retired, []
            current = [self._fd] if self._fd >= 0 else []
            folder = self.folder.path if self._new_name else None
            self._new_name = False
            return Pending([*done, *current], done, folder, self._next)

    def _abandon(self, pending: Pending) -> None:
        with self._lock:
            if self._fd in pending.files:
                self._fd = -1
            # If there is a new name, it is synced together with the next file's.
            self._new_name = self._new_name or pending.folder is not None
        for fd in pending.files:
            with contextlib.suppress(OSError):
                self._disk.close(fd)

    def _make_reserve(self) -> None:
        """Take space that a full disk cannot take away; without it things only go less well."""
        if not self.limits.reserve:
            return
        with contextlib.suppress(OSError):
            fd = os.open(self.folder.reserve_path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(fd, 0, self.limits.reserve)
            finally:
                os.close(fd)
