"""The journal's octets (format reference, section 9). Pure: files and clocks are the caller's."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
import zstandard
from crc32c import crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from auditroll.errors import IntegrityError
from auditroll.event.canonical import Refused, decode_exact, encode

__all__ = [
    "MAX_FRAME_OCTETS",
    "BadFrame",
    "Entry",
    "FileHeader",
    "Frame",
    "FrameCodec",
    "FrameHeader",
    "decode_entry",
    "decode_plaintext",
    "encode_plaintext",
    "frame_at",
    "is_cut",
    "next_frame",
    "read_file_header",
    "scan_frames",
]

MAGIC: Final = b"ARJRNL1\n"
MAX_FRAME_OCTETS: Final = 2**26
_U32: Final = struct.Struct(">I")
_FRAME: Final = struct.Struct(">IIQ")
_TAG_OCTETS: Final = 16
# How many damaged frames in a row are still told from a torn tail.
_FRAMES_SOUGHT: Final = 256
_MAX_HEADER_OCTETS: Final = 4096
# Far above what 5,000 lines of 64,512 octets decode to; a bomb is refused, not inflated.
_MAX_PLAINTEXT_OCTETS: Final = 2**29


class BadFrame(IntegrityError):
    """Octets of a journal that are not what was written.

    Args:
        reason: For a person.
        offset: Where the damage begins in the file.
    """

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__("altered", f"journal: {reason}", offset=offset)
        self.offset = offset


class FileHeader(NamedTuple):
    """The head of one journal file.

    Args:
        created: TIME text.
        first: Number of the file's first frame.
        journal: Id of the journal, 32 hex digits.
        key_id: The file's own key.
        codec: `none` or `zstd`.
    """

    created: str
    first: int
    journal: str
    key_id: str
    codec: str = "zstd"

    def encode(self) -> bytes:
        """Return the header's octets with their checksum."""
        body = encode(
            {
                "alg": "A256GCM",
                "codec": self.codec,
                "created": self.created,
                "first": self.first,
                "format": 1,
                "journal": self.journal,
                "key_id": self.key_id,
            }
        )
        head = MAGIC + _U32.pack(len(body)) + body
        return head + _U32.pack(crc32c(head))


class Frame(NamedTuple):
    """One frame as it stands in a file: number, encrypted body, and where it begins."""

    number: int
    body: bytes
    offset: int


class FrameHeader(NamedTuple):
    """The first line of a frame's plaintext.

    Args:
        kind: `batch`, `fact` or `root`.
        received_at: Milliseconds since 1970; the collector's clock.
        tenant_id: Of a batch.
        producer_id: Of a batch.
        epoch: Of a batch.
        first_seq: Of a batch: the first line's number.
        quarantined: Of a batch: numbers that were refused, with their code.
    """

    kind: str
    received_at: int
    tenant_id: str = ""
    producer_id: str = ""
    epoch: str = ""
    first_seq: int = 0
    quarantined: tuple[tuple[int, str], ...] = ()


class Entry(NamedTuple):
    """One record in a frame.

    Args:
        record: All fields but the envelope, pseudonyms resolved.
        seed: 16 octets.
        stream: Stream id.
    """

    record: dict[str, Any]
    seed: bytes
    stream: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What a file holds.

    Args:
        frames: In order, checksums right.
        end: Octets that valid frames cover.
        size: Octets of the file.
    """

    frames: list[Frame]
    end: int
    size: int

    @property
    def torn(self) -> bool:
        """Whether octets follow the last valid frame."""
        return self.end < self.size


def read_file_header(data: bytes) -> tuple[FileHeader, int]:
    """Return a file's header and its length in octets.

    Raises:
        BadFrame: The header is short, damaged or of another format.
    """
    start = len(MAGIC) + _U32.size
    if len(data) < start or data[: len(MAGIC)] != MAGIC:
        raise BadFrame("not a journal file")
    length = _U32.unpack_from(data, len(MAGIC))[0]
    end = start + length
    if length > _MAX_HEADER_OCTETS or len(data) < end + _U32.size:
        raise BadFrame("the header is cut")
    if _U32.unpack_from(data, end)[0] != crc32c(data[:end]):
        raise BadFrame("the header's checksum is wrong")
    try:
        found = decode_exact(data[start:end])
        if found["alg"] != "A256GCM" or found["format"] != 1 or len(found) != 7:
            raise BadFrame("a header of another format")
        header = FileHeader(
            created=found["created"],
            first=found["first"],
            journal=found["journal"],
            key_id=found["key_id"],
            codec=found["codec"],
        )
    except (Refused, KeyError):
        raise BadFrame("the header is not what was written") from None
    return header, end + _U32.size


def scan_frames(data: bytes, start: int, first: int) -> Scan:
    """Return the frames of a file, up to the first octet that is no valid frame.

    Args:
        data: The whole file.
        start: Length of the header.
        first: Number of the first frame.

    Raises:
        BadFrame: A damaged frame has a valid one behind it, so it is no torn tail.
    """
    frames: list[Frame] = []
    offset, number = start, first
    while (frame := frame_at(data, offset, number)) is not None:
        frames.append(frame)
        offset += _FRAME.size + len(frame.body)
        number += 1
    if offset < len(data) and next_frame(data, offset, number) is not None:
        raise BadFrame(f"frame {number} is damaged", offset)
    return Scan(frames, offset, len(data))


def frame_at(data: bytes, offset: int, number: int) -> Frame | None:
    """Return the frame of that number at an offset; None if it is short or damaged."""
    if len(data) < offset + _FRAME.size:
        return None
    length, checksum, found = _FRAME.unpack_from(data, offset)
    end = offset + _FRAME.size + length
    if found != number or length > MAX_FRAME_OCTETS or len(data) < end or length < _TAG_OCTETS:
        return None
    # The checksum covers the number and the body, which adjoin.
    if crc32c(data[offset + 8 : end]) != checksum:
        return None
    return Frame(number, data[offset + _FRAME.size : end], offset)


def next_frame(data: bytes, offset: int, number: int) -> Frame | None:
    """Return the first whole frame behind a damaged one; None if none follows.

    A frame's number is sought, then its checksum tells whether it is one.

    Args:
        data: The whole file.
        offset: Where the damaged frame begins.
        number: Its number.
    """
    for later in range(number + 1, number + _FRAMES_SOUGHT):
        wanted = later.to_bytes(8, "big")
        at = data.find(wanted, offset)
        while at >= 0:
            frame = frame_at(data, at - 8, later) if at >= 8 else None
            if frame is not None:
                return frame
            at = data.find(wanted, at + 1)
    return None


def is_cut(data: bytes, offset: int, number: int) -> bool:
    """Tell whether what stands at an offset is the beginning of a frame, and no more.

    So looks what another process is just writing.
    """
    if len(data) < offset + _FRAME.size:
        return True
    length, _checksum, found = _FRAME.unpack_from(data, offset)
    cut = len(data) < offset + _FRAME.size + int(length)
    return cut and found == number and length <= MAX_FRAME_OCTETS


class FrameCodec:
    """Encrypts and decrypts the frames of one file.

    One key is used for one file and a file is never opened for append again, so a frame number is
    a nonce that is never used twice.

    Args:
        header: The file's.
        key: The file's key, 32 octets.
    """

    def __init__(self, header: FileHeader, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._journal = bytes.fromhex(header.journal)
        self._zstd = header.codec == "zstd"
        self._compressor = zstandard.ZstdCompressor(level=1)
        self._decompressor = zstandard.ZstdDecompressor()

    def encode(self, number: int, plaintext: bytes) -> bytes:
        """Return a frame's octets.

        Raises:
            ValueError: The frame would be longer than a reader accepts.
        """
        text = self._compressor.compress(plaintext) if self._zstd else plaintext
        counter = number.to_bytes(8, "big")
        body = self._cipher.encrypt(b"\0\0\0\0" + counter, text, self._journal + counter)
        if len(body) > MAX_FRAME_OCTETS:
            raise ValueError("a frame of more than 2^26 octets")
        return _FRAME.pack(len(body), crc32c(counter + body), number) + body

    def decode(self, frame: Frame) -> bytes:
        """Return a frame's plaintext.

        Raises:
            BadFrame: The body was changed, or is not this key's.
        """
        counter = frame.number.to_bytes(8, "big")
        try:
            text = self._cipher.decrypt(b"\0\0\0\0" + counter, frame.body, self._journal + counter)
            if not self._zstd:
                return text
            return self._decompressor.decompress(text, max_output_size=_MAX_PLAINTEXT_OCTETS)
        except (InvalidTag, zstandard.ZstdError):
            raise BadFrame(f"frame {frame.number} does not open", frame.offset) from None


def encode_plaintext(
    header: FrameHeader, records: Iterable[tuple[str, bytes, bytes]], *, received_at: str
) -> bytes:
    """Return a frame's plaintext.

    Args:
        header: The frame's.
        records: Stream id, seed and the record's canonical octets, in the order of the frame.
        received_at: TIME text of `header.received_at`.
    """
    head: dict[str, Any] = {"kind": header.kind, "received_at": received_at}
    if header.kind == "batch":
        head |= {
            "epoch": header.epoch,
            "first_seq": header.first_seq,
            "producer_id": header.producer_id,
            "tenant_id": header.tenant_id,
        }
        if header.quarantined:
            head["quarantined"] = [list(pair) for pair in header.quarantined]
    lines = [orjson.dumps(head, option=orjson.OPT_SORT_KEYS)]
    lines += [
        b'{"record":'
        + record
        + b',"seed":"'
        + seed.hex().encode()
        + b'","stream":"'
        + stream.encode()
        + b'"}'
        for stream, seed, record in records
    ]
    return b"\n".join(lines) + b"\n"


def decode_plaintext(plaintext: bytes) -> tuple[dict[str, Any], Iterator[Entry]]:
    """Return a frame's head, with `received_at` as TIME text, and its records.

    Raises:
        BadFrame: Not what `encode_plaintext` writes.
    """
    lines = plaintext.split(b"\n")
    if len(lines) < 2 or lines[-1]:
        raise BadFrame("a frame without its last line end")
    try:
        head = orjson.loads(lines[0])
    except orjson.JSONDecodeError:
        raise BadFrame("a frame without a head") from None
    return head, _entries(lines[1:-1])


def _entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    for line in lines:
        yield decode_entry(line)


def decode_entry(line: bytes) -> Entry:
    """Return the record in one line of a frame's plaintext.

    Raises:
        BadFrame: Not what `encode_plaintext` writes.
    """
    try:
        found = orjson.loads(line)
        return Entry(found["record"], bytes.fromhex(found["seed"]), found["stream"])
    except (orjson.JSONDecodeError, KeyError, ValueError, TypeError):
        raise BadFrame("a record in a frame is not what was written") from None
