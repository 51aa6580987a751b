"""A frame's plaintext, read: by the sequencer before it is journalled, and by every later start."""

from typing import Any, Final, NamedTuple, cast

import orjson

from auditroll.event.times import parse_time
from auditroll.seal.placing import Item, items_of
from auditroll.segment.journal import MAX_FRAME_OCTETS, BadFrame

__all__ = ["Frame", "read_frame"]

# A leaf has at most 65,535 octets. Its envelope (stream, index, hashes, time) needs 330 beside
# the record; a frame's line carries 90 beside it.
MAX_LINE_OCTETS: Final = 65_535 - 330 + 90


class Frame(NamedTuple):
    """A plaintext whose records can be placed.

    Args:
        plaintext: Its octets.
        head: Its first line.
        received_ms: The head's time of receipt.
        items: Its records.
    """

    plaintext: bytes
    head: dict[str, Any]
    received_ms: int
    items: list[Item]


def read_frame(plaintext: bytes) -> Frame:
    """Return a frame.

    Raises:
        BadFrame: Not what `encode_plaintext` writes, or a record has no place in a leaf.
    """
    lines = plaintext.split(b"\n")
    if len(lines) < 2 or lines[-1]:
        raise BadFrame("a frame without its last line end")
    if max(map(len, lines)) > MAX_LINE_OCTETS or len(plaintext) > MAX_FRAME_OCTETS // 2:
        raise BadFrame("a record or a frame is too long")
    try:
        head = cast("dict[str, Any]", orjson.loads(lines[0]))
        received_ms = parse_time(head["received_at"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise BadFrame("a frame without a head") from None
    return Frame(plaintext, head, received_ms, items_of(lines[1:-1]))
