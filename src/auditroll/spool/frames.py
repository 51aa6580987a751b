r"""Octets of a spool file: a header, then one frame a record.

::

    header  "ARSPOL1" LF, u32 n, n octets canonical JSON, u32 CRC32C of all before
    frame   "\xf1ARF", u32 L, u32 CRC32C(u64 number || line), u64 number, L octets of line

Integers are big-endian. The frame's mark lets a reader find the next whole frame behind damage.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import crc32c

from auditroll.event import MAX_LINE_OCTETS, Refused, decode_exact, encode

__all__ = [
    "HEAD_OCTETS",
    "MAX_FRAME_OCTETS",
    "Damage",
    "Frame",
    "encode_frame",
    "encode_header",
    "read_frames",
    "read_header",
]

_FILE_MARK: Final = b"ARSPOL1\n"
_FRAME_MARK: Final = b"\xf1ARF"
_HEAD: Final = struct.Struct(">4sII")
_NUMBER: Final = struct.Struct(">Q")
_U32: Final = struct.Struct(">I")
HEAD_OCTETS: Final = _HEAD.size + _NUMBER.size
MAX_FRAME_OCTETS: Final = HEAD_OCTETS + MAX_LINE_OCTETS
_MAX_HEADER_OCTETS: Final = 1024


class Frame(NamedTuple):
    """One whole frame.

    Args:
        number: The record's `producer_seq`.
        line: The record's wire line, without its LF.
        end: Offset behind it in the octets read.
    """

    number: int
    line: bytes
    end: int


class Damage(NamedTuple):
    """Octets that are no frame, up to the next one.

    Args:
        end: Offset of the next whole frame, or of the end of what was read.
        torn: Nothing follows: it may be a frame that is not written to its end.
    """

    end: int
    torn: bool


def encode_header(epoch: str, producer_id: str, first: int) -> bytes:
    """Return a file's header.

    Args:
        epoch: The `producer_epoch`.
        producer_id: Of the credential.
        first: Number of the first frame.
    """
    described = encode({"epoch": epoch, "first": first, "format": 1, "producer_id": producer_id})
    octets = _FILE_MARK + _U32.pack(len(described)) + described
    return octets + _U32.pack(crc32c.crc32c(octets))


def read_header(octets: bytes, epoch: str, first: int) -> int | None:
    """Return where the frames begin, or None when the header is not this file's.

    Args:
        octets: From the start of the file.
        epoch: It must name.
        first: It must name.
    """
    start = len(_FILE_MARK) + _U32.size
    if not octets.startswith(_FILE_MARK) or len(octets) < start:
        return None
    end = start + _U32.unpack_from(octets, len(_FILE_MARK))[0]
    if end > _MAX_HEADER_OCTETS or len(octets) < end + _U32.size:
        return None
    if _U32.unpack_from(octets, end)[0] != crc32c.crc32c(octets[:end]):
        return None
    try:
        described = decode_exact(octets[start:end])
    except Refused:
        return None
    known = described.get("epoch") == epoch and described.get("first") == first
    return end + _U32.size if known else None


def encode_frame(number: int, line: bytes) -> bytes:
    """Return a frame.

    Args:
        number: The record's `producer_seq`.
        line: At most 64,512 octets without LF.
    """
    body = _NUMBER.pack(number) + line
    return _HEAD.pack(_FRAME_MARK, len(line), crc32c.crc32c(body)) + body


def read_frames(octets: bytes, start: int = 0) -> Iterator[Frame | Damage]:
    """Yield what stands in `octets` from `start`, in order; the last may be torn damage."""
    place = start
    while place < len(octets):
        frame = _frame_at(octets, place)
        if frame is None:
            place, found = _next_frame(octets, place)
            yield Damage(place, torn=not found)
        else:
            place = frame.end
            yield frame


def _frame_at(octets: bytes, place: int) -> Frame | None:
    if len(octets) - place < HEAD_OCTETS:
        return None
    mark, size, checksum = _HEAD.unpack_from(octets, place)
    body = place + _HEAD.size
    end = place + HEAD_OCTETS + size
    if mark != _FRAME_MARK or size > MAX_LINE_OCTETS or end > len(octets):
        return None
    if crc32c.crc32c(memoryview(octets)[body:end]) != checksum:
        return None
    number = _NUMBER.unpack_from(octets, body)[0]
    return Frame(number, octets[body + _NUMBER.size : end], end)


def _next_frame(octets: bytes, place: int) -> tuple[int, bool]:
    """Return where the next whole frame behind `place` begins, and whether there is one."""
    while True:
        place = octets.find(_FRAME_MARK, place + 1)
        if place < 0:
            return len(octets), False
        if _frame_at(octets, place) is not None:
            return place, True
