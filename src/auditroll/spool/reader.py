"""The reading end: the records of one epoch in order, and what of them is lost."""

import os
from collections.abc import Sequence
from typing import Final, NamedTuple

from auditroll.spool.cursor import read_cursor, write_cursor
from auditroll.spool.frames import MAX_FRAME_OCTETS, Frame, read_frames, read_header
from auditroll.spool.layout import SpoolFolder

__all__ = ["Chunk", "EpochReader", "LostRange"]

_READ_OCTETS: Final = 2**20


class LostRange(NamedTuple):
    """Records that were numbered and are not there any more.

    Args:
        first: The first of them.
        last: The last of them.
    """

    first: int
    last: int


class Chunk(NamedTuple):
    """Records that follow one another without a hole.

    Args:
        first: Number of the first.
        lines: Wire lines without LF.
    """

    first: int
    lines: Sequence[bytes]

    @property
    def last(self) -> int:
        """Number of the last record."""
        return self.first + len(self.lines) - 1


class EpochReader:
    """Reads one epoch from its cursor on; the caller holds the folder's `shipper` lock.

    Damage is passed over: a record is lost only if its own octets are, and the numbers around it
    say which one it was.

    Args:
        folder: Of the epoch.
    """

    def __init__(self, folder: SpoolFolder) -> None:
        self.folder = folder
        self.archived_through = read_cursor(folder)
        self.lost: list[LostRange] = []
        self.torn_octets = 0
        self._next = self.archived_through + 1
        self._file: int = -1
        self._offset: int = 0

    @property
    def next(self) -> int:
        """Number of the record that is read next, if it is there."""
        return self._next

    def seek(self, number: int) -> None:
        """Read from `number` on."""
        self._next, self._file, self._offset = number, -1, 0

    def read(self, max_lines: int, max_octets: int, *, complete: bool) -> Chunk | None:
        """Return the next records, or None when there are none now.

        Args:
            max_lines: At most so many.
            max_octets: Of all lines with their LF; one line may have more.
            complete: Nobody appends to the epoch any more.
        """
        batch = _Batch(max_lines, max_octets)
        while not batch.full and (files := self._reachable()):
            last = files[-1] == self._file
            if not self._read_file(batch, final=complete or not last) or last:
                break
            # The file is read to its end, and another follows.
            self._file, self._offset = files[files.index(self._file) + 1], 0
            if not self._reach(self._file, batch):
                break
        return Chunk(batch.first, batch.lines) if batch.lines else None

    def forget(self, through: int, *, complete: bool) -> None:
        """Note that the collector has archived everything up to `through`, and remove that.

        The cursor is durable before a file goes: a crash in between leaves files that are known
        to be archived, never a missing file that is not.

        Args:
            through: From the collector.
            complete: Nobody appends to the epoch any more.

        Raises:
            OSError: The disk refused.
        """
        if through > self.archived_through:
            write_cursor(self.folder, through)
            self.archived_through = through
        files = self.folder.files()
        ends = [first - 1 for first in files[1:]]
        if complete and self._next == through + 1 and not self.has_more():
            ends.append(through)
        removable = [first for first, end in zip(files, ends, strict=False) if end <= through]
        for first in removable:
            self.folder.disk.remove(self.folder.file(first))
        if removable:
            self.folder.disk.sync_dir(self.folder.path)

    def has_more(self) -> bool:
        """Tell whether a record may stand behind the last one read."""
        files = self._reachable()
        if not files:
            return False
        if files[-1] != self._file:
            return True
        try:
            return self.folder.file(self._file).stat().st_size > self._offset
        except FileNotFoundError:
            return False

    def _reachable(self) -> list[int]:
        """Return the files from the present one on; when none is chosen, choose it."""
        files = self.folder.files()
        if self._file < 0 or self._file not in files:
            behind = [first for first in files if first > self._file]
            before = [first for first in files if first <= self._next]
            if not behind:
                return []
            self._file = before[-1] if before and before[-1] > self._file else behind[0]
            self._offset = 0
            self._reach(self._file, None)
        return [first for first in files if first >= self._file]

    def _reach(self, first: int, batch: "_Batch | None") -> bool:
        """Come to record `first`; False when it does not join what is in the batch."""
        if first <= self._next:
            return True
        if batch is not None and batch.lines:
            return False
        self._lose(first)
        return True

    def _lose(self, found: int) -> None:
        self.lost.append(LostRange(self._next, found - 1))
        self._next = found

    def _read_file(self, batch: "_Batch", *, final: bool) -> bool:
        """Read on in the present file; True when its end is reached.

        Args:
            batch: Takes the records.
            final: Nothing is appended to this file any more.
        """
        while not batch.full:
            octets = self._octets()
            at_end = len(octets) < _READ_OCTETS
            if not octets:
                return True
            consumed, stopped = self._take(octets, batch)
            self._offset += consumed
            if stopped:
                return False
            if at_end:
                return self._finish(len(octets) - consumed, final=final)
            if not consumed:
                # Not one frame in all this: the next one, if any, begins further on.
                self._offset += len(octets) - MAX_FRAME_OCTETS
        return False

    def _finish(self, rest: int, *, final: bool) -> bool:
        """Deal with octets at a file's end that are no frame: perhaps not yet."""
        if rest and final:
            self.torn_octets += rest
            self._offset += rest
        return final or not rest

    def _octets(self) -> bytes:
        """Return the next octets of the present file, from its first frame on."""
        try:
            fd = os.open(self.folder.file(self._file), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return b""
        try:
            if not self._offset:
                head = os.pread(fd, 2048, 0)
                # Frames behind a damaged header are found by their mark.
                self._offset = read_header(head, self.folder.epoch, self._file) or 0
            return os.pread(fd, _READ_OCTETS, self._offset)
        finally:
            os.close(fd)

    def _take(self, octets: bytes, batch: "_Batch") -> tuple[int, bool]:
        """Take whole frames and return how many octets they are, and whether to stop there."""
        consumed = 0
        for item in read_frames(octets):
            if not isinstance(item, Frame):
                consumed = consumed if item.torn else item.end
                continue
            if item.number > self._next and not self._reach(item.number, batch):
                return consumed, True
            if item.number == self._next:
                if not batch.take(item):
                    return consumed, True
                self._next += 1
            consumed = item.end
        return consumed, False


class _Batch:
    """Collects lines up to its limits."""

    def __init__(self, max_lines: int, max_octets: int) -> None:
        self.first = 0
        self.lines: list[bytes] = []
        self.full = False
        self._max_lines = max_lines
        self._left = max_octets

    def take(self, frame: Frame) -> bool:
        size = len(frame.line) + 1
        if self.lines and (len(self.lines) >= self._max_lines or size > self._left):
            self.full = True
            return False
        if not self.lines:
            self.first = frame.number
        self.lines.append(frame.line)
        self._left -= size
        return True
