"""The journal's files: written by one process, read once when it starts."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from auditroll.errors import CollectorError, IntegrityError
from auditroll.event.canonical import Refused, decode, encode
from auditroll.event.times import format_time
from auditroll.keys import KeyStore
from auditroll.segment.journal import (
    BadFrame,
    FileHeader,
    FrameCodec,
    read_file_header,
    scan_frames,
)
from auditroll.store import DataFolder

__all__ = ["JournalFile", "JournalWriter", "TornTail", "clear_torn", "read_journal"]

ROTATE_OCTETS: Final = 64 * 2**20
_KEY_USE: Final = "journal"
_HINT: Final = "Run `auditroll verify`; restore the folder from its copy if it names damage."


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
    """One file that was found sound. Its octets are read when they are asked for.

    Args:
        folder: The data folder.
        header: The file's.
        start: Length of the header.
        count: Number of frames.
        key: The file's key.
    """

    def __init__(
        self, folder: DataFolder, header: FileHeader, start: int, count: int, key: bytes
    ) -> None:
        self.header = header
        self.count = count
        self._folder = folder
        self._start = start
        self._codec = FrameCodec(header, key)

    @property
    def first(self) -> int:
        """Number of the first frame."""
        return self.header.first

    @property
    def end(self) -> int:
        """Number after the last frame."""
        return self.header.first + self.count

    def plaintexts(self) -> Iterator[tuple[int, bytes]]:
        """Yield each frame's number and plaintext.

        Raises:
            BadFrame: A frame does not open.
        """
        data = self._folder.disk.read(self._folder.journal_file(self.first))
        for frame in scan_frames(data, self._start, self.first).frames:
            yield frame.number, self._codec.decode(frame)


class JournalWriter:
    """Appends frames; a frame counts only after `sync`.

    A file is never opened again: every writer starts a file of its own, with a key of its own.
    Two writes to a file always have a sync between them, so that a power cut leaves one torn
    group at the end and never a hole with sound frames behind it.

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
        self._synced = True
        self._open(now_ms)

    @property
    def full(self) -> bool:
        """Whether the next file is due."""
        return self._size >= ROTATE_OCTETS

    @property
    def first(self) -> int:
        """Number of the current file's first frame."""
        return self.header.first

    def write(self, plaintexts: Sequence[bytes]) -> list[int]:
        """Append frames with one write and return their numbers.

        Raises:
            CollectorError: `journal-full`: the disk refused, and what it took was cut off again.
                `journal-failed`: that was refused too, or a sync was; no frame of this writer is
                accepted any more, since what stands behind the last sync is not known.
        """
        if self.failed or not self._synced:
            raise _failed()
        numbers = list(range(self.number, self.number + len(plaintexts)))
        octets = b"".join(
            self._codec.encode(number, text)
            for number, text in zip(numbers, plaintexts, strict=True)
        )
        self._synced = False
        try:
            self._disk.write(self._fd, octets)
        except OSError as error:
            self._undo()
            raise _full() from error
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
        self._synced = True

    def _undo(self) -> None:
        """Cut off a part of a group; nothing of it was sequenced or acknowledged."""
        try:
            self._disk.truncate(self._fd, self._size)
        except OSError as error:
            self.failed = True
            raise _failed() from error
        self.sync()

    def rotate(self, now_ms: int) -> None:
        """Go on in a new file. Everything written before is synced.

        Raises:
            CollectorError: `journal-full`: there is no new file; the old one goes on.
        """
        before = self._fd
        self._open(now_ms)
        self._disk.close(before)

    def close(self) -> None:
        """Close the file."""
        self._disk.close(self._fd)

    def _open(self, now_ms: int) -> None:
        path = self._folder.journal_file(self.number)
        try:
            key = self._keys.create(_KEY_USE)
            header = FileHeader(format_time(now_ms), self.number, self._journal_id, key.id)
            fd = self._disk.create(path)
            self._disk.write(fd, header.encode())
            self._disk.datasync(fd)
            self._disk.sync_dir(self._folder.journal)
        except OSError as error:
            # Its name must be free for the next attempt.
            if path.exists():
                self._disk.remove(path)
            raise _full() from error
        self.header, self._fd = header, fd
        self._codec = FrameCodec(header, key.octets)
        self._size = len(header.encode())


def _full() -> CollectorError:
    return CollectorError(
        "journal-full",
        "the journal's disk takes no more",
        hint="Free the disk; producers keep their records and send them again.",
        retry_after=5,
    )


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
    # A start that cut a tail and died before it could record that left this note.
    torn = _noted_torn(folder)
    for first in numbers:
        file, cut = _read_file(folder, keys, first, last=first == numbers[-1])
        torn = cut or torn
        if file is None:
            continue
        if files and file.first != files[-1].end:
            raise _altered(f"frames from number {files[-1].end} on are missing")
        files.append(file)
    return files, torn


def _read_file(
    folder: DataFolder, keys: KeyStore, first: int, *, last: bool
) -> tuple[JournalFile | None, TornTail | None]:
    path = folder.journal_file(first)
    data = folder.disk.read(path)
    try:
        header, start = read_file_header(data)
    except BadFrame:
        # The header is synced before the first frame is written: a crash may have spoiled it only
        # if nothing stands behind it.
        if not last or len(data) > _header_octets(first):
            raise
        _remove(folder, first)
        return None, None
    if header.first != first:
        raise _altered(f"{path.name} begins with frame {header.first}")
    scan = scan_frames(data, start, first)
    count = len(scan.frames)
    cut = None
    if scan.torn:
        if not last:
            raise _altered(f"{path.name} is cut, though a later file exists")
        cut = TornTail(path.name, scan.end, scan.size - scan.end, first + count - 1)
        _note_torn(folder, cut)
        _cut(folder, first, scan.end)
    if not count:
        _remove(folder, first)
        return None, cut
    return JournalFile(folder, header, start, count, _key(keys, header, path.name)), cut


def _header_octets(first: int) -> int:
    """Return how long the header of a file is that begins with this frame."""
    header = FileHeader(format_time(0), first, "0" * 32, f"{_KEY_USE}-{'0' * 16}")
    return len(header.encode())


def _key(keys: KeyStore, header: FileHeader, name: str) -> bytes:
    try:
        return keys.get(header.key_id)
    except KeyError:
        raise IntegrityError(
            "key-unknown",
            f"the key of {name} is not in the key store",
            hint="Restore keys/ from its backup.",
        ) from None


def _altered(reason: str) -> IntegrityError:
    return IntegrityError("altered", f"journal: {reason}", hint=_HINT)


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


def _note_torn(folder: DataFolder, torn: TornTail) -> None:
    folder.disk.replace(folder.torn_note, encode(torn._asdict()))


def _noted_torn(folder: DataFolder) -> TornTail | None:
    try:
        return TornTail(**decode(folder.disk.read(folder.torn_note)))
    except (FileNotFoundError, Refused, TypeError):
        return None


def clear_torn(folder: DataFolder) -> None:
    """Forget the note of a cut that the ledgers now record."""
    if folder.torn_note.exists():
        folder.disk.remove(folder.torn_note)
        folder.disk.sync_dir(folder.torn_note.parent)
