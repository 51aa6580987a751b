"""The journal as evidence: every frame's checksum, number and seal, and what frames say.

Source: format reference, section 9.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO, Final, NamedTuple

from auditroll.segment.journal import (
    BadFrame,
    Entry,
    FileHeader,
    Frame,
    FrameCodec,
    decode_entry,
    decode_plaintext,
    frame_at,
    is_cut,
    next_frame,
    read_file_header,
)
from auditroll.verify.report import NO_STREAM, Finding

__all__ = ["JournalFile", "JournalFrame", "JournalLine", "KeyOf", "check_numbers"]

_FRAME_HEAD_OCTETS: Final = 16
# Where the header's JSON begins: magic, length.
_JSON_START: Final = 12
_CHECKSUM_OCTETS: Final = 4
# A frame's line ends in `"seed":"<32 digits>","stream":"<32 digits>"}`.
_STREAM: Final = slice(-34, -2)
_STREAM_NAME: Final = slice(-46, -34)
_SEED: Final = slice(-78, -46)
_SEED_NAME: Final = slice(-87, -78)

KeyOf = Callable[[str], bytes | None]
"""Returns the octets of a key by its id; None if they are not there."""


class JournalFrame:
    """One frame, open.

    Args:
        number: Its number.
        path: Of its file.
        plaintext: What it holds.

    Raises:
        BadFrame: It is not what the format says.
    """

    __slots__ = ("head", "number", "path", "plaintext")

    def __init__(self, number: int, path: str, plaintext: bytes) -> None:
        self.number = number
        self.path = path
        self.plaintext = plaintext
        self.head, _entries = decode_plaintext(plaintext)
        if not isinstance(self.head.get("received_at"), str):
            raise BadFrame(f"frame {number} has no time")

    @property
    def is_batch(self) -> bool:
        """Whether its records come from a producer; else they are facts or root leaves."""
        return self.head.get("kind") == "batch"

    def lines(self) -> Iterator["JournalLine"]:
        """Yield its records, not decoded.

        Raises:
            BadFrame: A line does not end as the format says.
        """
        for octets in self.plaintext.split(b"\n")[1:-1]:
            if octets[_SEED_NAME] != b',"seed":"' or octets[_STREAM_NAME] != b'","stream":"':
                raise BadFrame(f"a record of frame {self.number} is not what was written")
            yield JournalLine(octets[_STREAM].decode(errors="replace"), octets[_SEED], octets)


class JournalLine(NamedTuple):
    """One record in a frame.

    Args:
        stream: Stream id.
        seed: 32 hex digits.
        octets: The whole line.
    """

    stream: str
    seed: bytes
    octets: bytes

    def entry(self) -> Entry:
        """Return the record, decoded.

        Raises:
            BadFrame: It is not what the format says.
        """
        entry = decode_entry(self.octets)
        if type(entry.record) is not dict:
            raise BadFrame("a record that is no object")
        return entry


class JournalFile:
    """One file of the journal, open.

    Args:
        path: Its name.
        first: Number of the first frame, as the name says.
        file: The open file; it stays readable when its name is gone.
        is_last: Whether no later file exists.
    """

    def __init__(self, path: str, first: int, file: BinaryIO, *, is_last: bool) -> None:
        self.path = path
        self.first = first
        self.end = first
        self.findings: list[Finding] = []
        self._file = file
        self._is_last = is_last
        self._codec: FrameCodec | None = None
        self._limit = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.findings

    def check(self, key_of: KeyOf, *, running: bool) -> Iterator[JournalFrame]:
        """Check the file and yield its frames; those behind damage too.

        Args:
            key_of: The key store.
            running: Whether a server may be writing the last frame just now.
        """
        data = self._file.read()
        self._limit = len(data)
        header, start = _header(data)
        if header is None or header.first != self.first:
            self._note_header(data, running=running)
            return
        key = key_of(header.key_id)
        if key is None:
            self._note("key-unknown", self.first, self.first, 0, len(data))
            return
        self._codec = FrameCodec(header, key)
        for frame in self._walk(data, start, running=running):
            opened = self._open(self._codec, frame)
            if opened is not None:
                yield opened

    def replay(self) -> Iterator[JournalFrame]:
        """Yield the frames before any damage again, as far as `check` read."""
        if self._codec is None:
            return
        self._file.seek(0)
        data = self._file.read(self._limit)
        _found, offset = read_file_header(data)
        number = self.first
        while (frame := frame_at(data, offset, number)) is not None:
            opened = self._open(self._codec, frame)
            if opened is None:
                return
            yield opened
            offset, number = _end_of(frame), number + 1

    def lose(self, frame: JournalFrame) -> None:
        """Note a frame whose records are not what the format says."""
        self._note("altered", frame.number, frame.number + 1, 0, self._limit)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _walk(self, data: bytes, start: int, *, running: bool) -> Iterator[Frame]:
        """Yield whole frames; note what stands between and behind them."""
        offset, number = start, self.first
        while offset < len(data):
            frame = frame_at(data, offset, number)
            if frame is None:
                frame = next_frame(data, offset, number)
                if frame is None:
                    self._note_tail(data, offset, number, running=running)
                    break
                self._note("altered", number, frame.number, offset, frame.offset)
            yield frame
            offset, number = _end_of(frame), frame.number + 1
        self.end = number

    def _open(self, codec: FrameCodec, frame: Frame) -> JournalFrame | None:
        try:
            return JournalFrame(frame.number, self.path, codec.decode(frame))
        except (BadFrame, AttributeError):
            self._note("altered", frame.number, frame.number + 1, frame.offset, _end_of(frame))
            return None

    def _note_header(self, data: bytes, *, running: bool) -> None:
        """Note a file without a readable header; a crash may leave a cut one, last of all."""
        if self._is_last and _is_cut_header(data):
            if not running:
                self._note("torn", self.first, self.first, 0, len(data))
        else:
            self._note("altered", self.first, self.first, 0, len(data))

    def _note_tail(self, data: bytes, offset: int, number: int, *, running: bool) -> None:
        if not self._is_last:
            self._note("altered", number, number + 1, offset, len(data))
        elif not (running and is_cut(data, offset, number)):
            self._note("torn", number, number + 1, offset, len(data))

    def _note(self, verdict: str, first: int, end: int, start: int, stop: int) -> None:
        where = f"{self.path} octets [{start},{stop})"
        finding = Finding(verdict, NO_STREAM, first, end, where)
        if finding not in self.findings:
            self.findings.append(finding)


def check_numbers(files: Sequence[JournalFile]) -> Iterator[Finding]:
    """Yield the frames that are missing between files that were checked and found whole."""
    for before, after in pairwise(files):
        if before.is_whole and after.first != before.end:
            first, end = sorted((before.end, after.first))
            yield Finding("missing", NO_STREAM, first, end, f"frames before {after.path}")


def _header(data: bytes) -> tuple[FileHeader | None, int]:
    try:
        return read_file_header(data)
    except BadFrame:
        return None, 0


def _is_cut_header(data: bytes) -> bool:
    """Tell whether a header ends before its checksum does, by its length and by its text."""
    length = int.from_bytes(data[8:_JSON_START], "big")
    whole = _JSON_START + length + _CHECKSUM_OCTETS <= len(data)
    brace = data.find(b"}", _JSON_START)
    return not whole and (brace < 0 or brace + 1 + _CHECKSUM_OCTETS > len(data))


def _end_of(frame: Frame) -> int:
    return frame.offset + _FRAME_HEAD_OCTETS + len(frame.body)
