"""The journal's files: what is written, what is read again, what is refused."""

import errno
from pathlib import Path

import pytest

from auditroll.disk import Disk
from auditroll.errors import CollectorError, IntegrityError
from auditroll.keys import KeyStore
from auditroll.seal.journal import JournalWriter, TornTail, clear_torn, read_journal
from auditroll.segment.journal import BadFrame, FileHeader, FrameCodec, read_file_header
from auditroll.store import DataFolder

JOURNAL = "cd" * 16


class FailingDisk(Disk):
    """Refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.refuse: set[str] = set()
        self.room: int | None = None

    def write(self, fd: int, data: bytes) -> None:
        if self.room is not None and len(data) > self.room:
            super().write(fd, data[: self.room])
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(fd, data)

    def datasync(self, fd: int) -> None:
        if "datasync" in self.refuse:
            raise OSError(errno.EIO, "Input/output error")
        super().datasync(fd)

    def truncate(self, fd: int, size: int) -> None:
        if "truncate" in self.refuse:
            raise OSError(errno.EIO, "Input/output error")
        super().truncate(fd, size)


@pytest.fixture
def disk() -> FailingDisk:
    return FailingDisk()


@pytest.fixture
def folder(tmp_path: Path, disk: FailingDisk) -> DataFolder:
    return DataFolder(tmp_path, disk)


@pytest.fixture
def keys(folder: DataFolder) -> KeyStore:
    return KeyStore(folder.keys)


def writer(folder: DataFolder, keys: KeyStore, number: int = 0) -> JournalWriter:
    return JournalWriter(folder, keys, JOURNAL, number, 1_790_000_000_000)


def put(journal: JournalWriter, *texts: bytes) -> list[int]:
    numbers = journal.write(texts)
    journal.sync()
    return numbers


def read(folder: DataFolder, keys: KeyStore) -> list[tuple[int, bytes]]:
    files, torn = read_journal(folder, keys)
    assert torn is None
    return [frame for file in files for frame in file.plaintexts()]


def test_frames_come_back(folder: DataFolder, keys: KeyStore) -> None:
    journal = writer(folder, keys)
    assert put(journal, b"one", b"two") == [0, 1]
    journal.rotate(1_790_000_000_001)
    assert put(journal, b"three") == [2]
    journal.close()
    assert read(folder, keys) == [(0, b"one"), (1, b"two"), (2, b"three")]


def test_nothing_of_it_stands_in_the_file(folder: DataFolder, keys: KeyStore) -> None:
    put(writer(folder, keys), b"jane@example.com" * 10)
    assert b"jane" not in folder.journal_file(0).read_bytes()


def test_files_have_keys_of_their_own(folder: DataFolder, keys: KeyStore) -> None:
    journal = writer(folder, keys)
    put(journal, b"one")
    journal.rotate(1_790_000_000_001)
    put(journal, b"two")
    headers = [read_file_header(folder.journal_file(first).read_bytes())[0] for first in (0, 1)]
    assert headers[0].key_id != headers[1].key_id
    assert headers[0].journal == headers[1].journal == JOURNAL


def test_two_groups_have_a_sync_between_them(folder: DataFolder, keys: KeyStore) -> None:
    journal = writer(folder, keys)
    journal.write([b"one"])
    with pytest.raises(CollectorError):
        journal.write([b"two"])


class TestDisksThatFail:
    def test_a_full_disk_takes_nothing_and_works_again(
        self, folder: DataFolder, keys: KeyStore, disk: FailingDisk
    ) -> None:
        journal = writer(folder, keys)
        put(journal, b"one")
        size = folder.journal_file(0).stat().st_size
        disk.room = 20
        with pytest.raises(CollectorError) as refused:
            journal.write([b"two" * 100])
        assert (refused.value.code, refused.value.status) == ("journal-full", 503)
        assert folder.journal_file(0).stat().st_size == size
        disk.room = None
        assert put(journal, b"three") == [1]
        assert read(folder, keys) == [(0, b"one"), (1, b"three")]

    def test_a_disk_that_cannot_cut_fails_for_good(
        self, folder: DataFolder, keys: KeyStore, disk: FailingDisk
    ) -> None:
        journal = writer(folder, keys)
        disk.room = 20
        disk.refuse = {"truncate"}
        with pytest.raises(CollectorError) as refused:
            journal.write([b"two" * 100])
        assert refused.value.code == "journal-failed"
        disk.room, disk.refuse = None, set()
        with pytest.raises(CollectorError):
            journal.write([b"three"])

    def test_a_failed_sync_is_not_tried_again(
        self, folder: DataFolder, keys: KeyStore, disk: FailingDisk
    ) -> None:
        journal = writer(folder, keys)
        journal.write([b"one"])
        disk.refuse = {"datasync"}
        with pytest.raises(CollectorError) as refused:
            journal.sync()
        assert refused.value.code == "journal-failed"
        disk.refuse = set()
        with pytest.raises(CollectorError):
            journal.write([b"two"])


class TestEndsOfFiles:
    @pytest.fixture
    def octets(self, folder: DataFolder, keys: KeyStore) -> bytes:
        journal = writer(folder, keys)
        put(journal, b"one", b"two")
        journal.close()
        return folder.journal_file(0).read_bytes()

    @pytest.mark.parametrize("lost", [1, 15, 16, 17, 25])
    def test_a_short_frame_is_cut(
        self, folder: DataFolder, keys: KeyStore, octets: bytes, lost: int
    ) -> None:
        path = folder.journal_file(0)
        path.write_bytes(octets[:-lost])
        (file,), torn = read_journal(folder, keys)
        assert list(file.plaintexts()) == [(0, b"one")]
        assert torn == TornTail(path.name, path.stat().st_size, len(octets) - lost - torn[1], 0)
        # The note outlives another crash, until it is recorded.
        assert read_journal(folder, keys)[1] == torn
        clear_torn(folder)
        clear_torn(folder)
        assert read_journal(folder, keys)[1] is None

    @pytest.mark.parametrize("rest", [b"\0" * 40, b"x", b"\0" * 5000])
    def test_what_follows_the_last_frame_is_cut(
        self, folder: DataFolder, keys: KeyStore, octets: bytes, rest: bytes
    ) -> None:
        folder.journal_file(0).write_bytes(octets + rest)
        (file,), torn = read_journal(folder, keys)
        assert file.count == 2
        assert torn == TornTail(folder.journal_file(0).name, len(octets), len(rest), 1)
        assert folder.journal_file(0).read_bytes() == octets

    def test_every_octet_counts(self, folder: DataFolder, keys: KeyStore, octets: bytes) -> None:
        """A changed octet before the last frame is damage; in the last frame it is a torn tail."""
        _, start = read_file_header(octets)
        last = octets.rindex((1).to_bytes(8, "big"), start) - 8
        for at in range(len(octets)):
            changed = octets[:at] + bytes([octets[at] ^ 0x40]) + octets[at + 1 :]
            folder.journal_file(0).write_bytes(changed)
            if at < last:
                with pytest.raises(IntegrityError) as refused:
                    read_journal(folder, keys)
                assert refused.value.code == "altered"
                assert folder.journal_file(0).read_bytes() == changed
            else:
                (file,), torn = read_journal(folder, keys)
                assert (file.count, torn is not None) == (1, True)

    def test_a_cut_file_before_the_last_is_altered(
        self, folder: DataFolder, keys: KeyStore, octets: bytes
    ) -> None:
        put(writer(folder, keys, 2), b"three")
        folder.journal_file(0).write_bytes(octets[:-1])
        with pytest.raises(IntegrityError) as refused:
            read_journal(folder, keys)
        assert refused.value.code == "altered"

    def test_a_missing_file_between_two_is_altered(
        self, folder: DataFolder, keys: KeyStore, octets: bytes
    ) -> None:
        put(writer(folder, keys, 2), b"three")
        put(writer(folder, keys, 3), b"four")
        folder.journal_file(2).unlink()
        with pytest.raises(IntegrityError) as refused:
            read_journal(folder, keys)
        assert refused.value.code == "altered"

    def test_a_file_under_another_name_is_altered(
        self, folder: DataFolder, keys: KeyStore, octets: bytes
    ) -> None:
        folder.journal_file(0).rename(folder.journal_file(5))
        with pytest.raises(IntegrityError) as refused:
            read_journal(folder, keys)
        assert refused.value.code == "altered"

    @pytest.mark.parametrize("header", [b"", b"ARJ", bytes(100), bytes(187)])
    def test_a_file_that_was_just_begun_is_removed(
        self, folder: DataFolder, keys: KeyStore, octets: bytes, header: bytes
    ) -> None:
        folder.journal_file(2).write_bytes(header)
        assert read(folder, keys) == [(0, b"one"), (1, b"two")]
        assert not folder.journal_file(2).exists()

    def test_a_long_file_without_a_header_is_altered(
        self, folder: DataFolder, keys: KeyStore, octets: bytes
    ) -> None:
        folder.journal_file(0).write_bytes(bytes(len(octets)))
        with pytest.raises(IntegrityError) as refused:
            read_journal(folder, keys)
        assert refused.value.code == "altered"

    def test_a_file_without_frames_leaves_its_name(
        self, folder: DataFolder, keys: KeyStore, octets: bytes
    ) -> None:
        writer(folder, keys, 2).close()
        assert len(read(folder, keys)) == 2
        put(writer(folder, keys, 2), b"three")
        assert len(read(folder, keys)) == 3

    def test_without_its_key(self, folder: DataFolder, keys: KeyStore, octets: bytes) -> None:
        keys.destroy(read_file_header(octets)[0].key_id)
        with pytest.raises(IntegrityError) as refused:
            read_journal(folder, keys)
        assert refused.value.code == "key-unknown"

    def test_frames_moved_to_another_file_do_not_open(self, folder: DataFolder) -> None:
        """The number and the journal's id are bound to each frame."""
        one = FileHeader("2026-01-01T00:00:00.000Z", 0, JOURNAL, "journal-1")
        other = one._replace(journal="ef" * 16)
        from auditroll.segment.journal import scan_frames

        octets = FrameCodec(one, bytes(32)).encode(0, b"one")
        (frame,) = scan_frames(octets, 0, 0).frames
        assert FrameCodec(one, bytes(32)).decode(frame) == b"one"
        with pytest.raises(BadFrame):
            FrameCodec(other, bytes(32)).decode(frame)
        with pytest.raises(BadFrame):
            FrameCodec(one, bytes(31) + b"1").decode(frame)
        with pytest.raises(BadFrame):
            FrameCodec(one, bytes(32)).decode(frame._replace(number=1))

    def test_a_codec_of_none(self) -> None:
        header = FileHeader("2026-01-01T00:00:00.000Z", 0, JOURNAL, "journal-1", codec="none")
        again, length = read_file_header(header.encode())
        assert (again, length) == (header, len(header.encode()))
        from auditroll.segment.journal import scan_frames

        octets = FrameCodec(header, bytes(32)).encode(0, b"one")
        assert len(octets) == 16 + 3 + 16
        (frame,) = scan_frames(octets, 0, 0).frames
        assert FrameCodec(header, bytes(32)).decode(frame) == b"one"
