"""The journal's files: written by one process, read once when it starts."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from auditroll.errors import CollectorError, IntegrityError
from auditroll.event.times import format_time
from auditroll.keys import KeyStore
from auditroll.segment.journal import (
    BadFrame,
    FileHeader,
    Frame,
    FrameCodec,
    read_file_header,
    scan_frames,
)
from auditroll.store import DataFolder

__all__ = ["JournalFile", "JournalWriter", "TornTail", "read_journal"]

ROTATE_OCTETS: Final = 64 * 2**20


class TornTail(NamedTuple):
    """What a crash left behind the last whole frame, and was cut off.

    Args:
        file: Name of the journal file.
        valid_octets: Length it was cut to.
        lost_octets: How many octets were cut; none of them was acknowledged.
        last_frame: Number of the last whole frame; -1 if there is none.
    """

    file: str
    valid_octets: int
    lost_octets: int
    last_frame: int


class JournalFile:
    """One file, read whole.

    Args:
        first: Number of its first frame.
        header: Its header.
        codec: Opens its frames.
        frames: Its frames, still encrypted.
    """

    def __init__(
        self, first: int, header: FileHeader, codec: FrameCodec, frames: Sequence[Frame]
    ) -> None:
        self.first = first
        self.header = header
        self._codec = codec
        self._frames = frames

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self._frames)

    def plaintexts(self) -> Iterator[tuple[int, bytes]]:
        """Yield each frame's number and plaintext.

        Raises:
            BadFrame: A frame does not open.
        """
        for frame in self._frames:
            yield frame.number, self._codec.decode(frame)


class JournalWriter:
    """Appends frames; a frame counts only after `sync`.

    A file is never opened again: every writer starts a file of its own, with a key of its own.

    Args:
        folder: The data folder.
        keys: Makes and keeps the files' keys.
        journal_id: Id of the journal, 32 hex digits.
        number: Number of the next frame.
        now_ms: Milliseconds since 1970.
    """

    def __init__(
        self, folder: DataFolder, keys: KeyStore, journal_id: str, number: int, now_ms: int
    ) -> None:
        self._folder = folder
        self._disk = folder.disk
        self._keys = keys
        self._journal_id = journal_id
        self.number = number
        self.failed = False
        self._open(now_ms)

    @property
    def full(self) -> bool:
        """Whether the next file is due."""
        return self._size >= ROTATE_OCTETS

    @property
    def first(self) -> int:
        """Number of the current file's first frame."""
        return self._first

    def write(self, plaintexts: Sequence[bytes]) -> list[int]:
        """Append frames with one write and return their numbers.

        Raises:
            CollectorError: `journal-failed`: the disk refused; no frame of this writer is
                accepted any more, since what stands behind the last sync is not known.
        """
        if self.failed:
            raise _failed()
        numbers = list(range(self.number, self.number + len(plaintexts)))
        octets = b"".join(
            self._codec.encode(number, text)
            for number, text in zip(numbers, plaintexts, strict=True)
        )
        try:
            self._disk.write(self._fd, octets)
        except OSError as error:
            self.failed = True
            raise _failed() from error
        self._size += len(octets)
        self.number += len(numbers)
        return numbers

    def sync(self) -> None:
        """Make everything written survive power loss.

        Raises:
            CollectorError: `journal-failed`.
        """
        try:
            self._disk.datasync(self._fd)
        except OSError as error:
            # A failed sync may have dropped the pages it could not write; trying again and being
            # told "ok" would prove nothing.
            self.failed = True
            raise _failed() from error

    def rotate(self, now_ms: int) -> None:
        """Go on in a new file. Everything written before is synced."""
        self.sync()
        self.close()
        self._open(now_ms)

    def close(self) -> None:
        """Close the file."""
        self._disk.close(self._fd)

    def _open(self, now_ms: int) -> None:
        key = self._keys.create("journal")
        header = FileHeader(format_time(now_ms), self.number, self._journal_id, key.id)
        self._codec = FrameCodec(header, key.octets)
        self._first = self.number
        octets = header.encode()
        self._fd = self._disk.create(self._folder.journal_file(self.number))
        self._disk.write(self._fd, octets)
        self._disk.datasync(self._fd)
        self._disk.sync_dir(self._folder.journal)
        self._size = len(octets)


def _failed() -> CollectorError:
    return CollectorError(
        "journal-failed",
        "the journal's disk refused a write",
        hint="Free or mend the disk, then restart; nothing acknowledged is lost.",
        retry_after=5,
    )


def read_journal(folder: DataFolder, keys: KeyStore) -> tuple[list[JournalFile], TornTail | None]:
    """Return every journal file, and what was cut from the last.

    A file without a frame holds nothing; it is removed, so that its name is free.

    Raises:
        IntegrityError: `altered`: damage that is no torn tail. `key-unknown`: a file's key is
            gone.
    """
    numbers = folder.journal_files()
    files: list[JournalFile] = []
    torn: TornTail | None = None
    for position, first in enumerate(numbers):
        last = position == len(numbers) - 1
        file, cut = _read_file(folder, keys, first, last=last)
        torn = torn or cut
        if file is None:
            continue
        if files and file.first != files[-1].first + files[-1].count:
            raise IntegrityError(
                "altered",
                f"journal frames from {files[-1].first + files[-1].count} are missing",
                hint=_RESTORE,
            )
        files.append(file)
    return files, torn


_RESTORE = "Run `auditroll verify`; restore the folder from its copy if it names damage."


def _read_file(
    folder: DataFolder, keys: KeyStore, first: int, *, last: bool
) -> tuple[JournalFile | None, TornTail | None]:
    path = folder.journal_file(first)
    data = folder.disk.read(path)
    try:
        header, start = read_file_header(data)
        scan = scan_frames(data, start, first)
    except BadFrame:
        # Only a header that a crash cut short may be unreadable: the file then has no frame.
        if not last or len(data) >= _HEADER_BOUND:
            raise
        _remove(folder, first)
        return None, TornTail(path.name, 0, len(data), first - 1)
    if header.first != first:
        raise IntegrityError("altered", f"{path.name} begins with frame {header.first}")
    cut = None
    if scan.torn:
        if not last:
            raise IntegrityError("altered", f"{path.name} is cut, though a later file exists")
        cut = TornTail(path.name, scan.end, scan.size - scan.end, first + len(scan.frames) - 1)
        _cut(folder, first, scan.end)
    if not scan.frames:
        _remove(folder, first)
        return None, cut
    try:
        key = keys.get(header.key_id)
    except KeyError:
        raise IntegrityError(
            "key-unknown",
            f"the key of {path.name} is not in the key store",
            hint="Restore keys/ from its backup.",
        ) from None
    return JournalFile(first, header, FrameCodec(header, key), scan.frames), cut


# A header is about 200 octets; a longer file without a readable header has lost frames.
_HEADER_BOUND: Final = 256


def _remove(folder: DataFolder, first: int) -> None:
    folder.disk.remove(folder.journal_file(first))
    folder.disk.sync_dir(folder.journal)


def _cut(folder: DataFolder, first: int, size: int) -> None:
    fd = folder.disk.reopen(folder.journal_file(first))
    try:
        folder.disk.truncate(fd, size)
        folder.disk.datasync(fd)
    finally:
        folder.disk.close(fd)
