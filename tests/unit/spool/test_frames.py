"""Frames: what is whole is found, whatever stands around it."""

from auditroll.spool.frames import (
    HEAD_OCTETS,
    Damage,
    Frame,
    encode_frame,
    encode_header,
    read_frames,
    read_header,
)

EPOCH = "0123456789abcdef0123456789abcdef"


def numbers(octets: bytes) -> list[int]:
    return [item.number for item in read_frames(octets) if isinstance(item, Frame)]


def test_frames_come_back_in_order() -> None:
    octets = b"".join(encode_frame(number, b"line %d" % number) for number in range(5))
    frames = list(read_frames(octets))
    assert [(frame.number, frame.line) for frame in frames if isinstance(frame, Frame)] == [
        (number, b"line %d" % number) for number in range(5)
    ]
    assert frames[-1].end == len(octets)


def test_each_octet_of_a_frame_matters() -> None:
    octets = encode_frame(0, b"first") + encode_frame(1, b"second") + encode_frame(2, b"third")
    start = HEAD_OCTETS + len(b"first")
    for place in range(start, start + HEAD_OCTETS + len(b"second")):
        changed = bytearray(octets)
        changed[place] ^= 0x40
        assert numbers(bytes(changed)) == [0, 2], place


def test_a_cut_frame_is_torn_at_every_length() -> None:
    whole = encode_frame(0, b"first")
    for size in range(1, HEAD_OCTETS + 6):
        items = list(read_frames(whole + encode_frame(1, b"second")[:size]))
        assert items[1:] == [Damage(len(whole) + size, torn=True)]


def test_a_line_that_looks_like_a_frame_is_not_one() -> None:
    inner = encode_frame(9, b"x")
    octets = encode_frame(0, b"before " + inner[:-1] + b"!") + encode_frame(1, b"after")
    assert numbers(octets) == [0, 1]


def test_a_header_belongs_to_one_file() -> None:
    header = encode_header(EPOCH, "api", 17)
    assert read_header(header + b"rest", EPOCH, 17) == len(header)
    assert read_header(header, EPOCH, 18) is None
    assert read_header(header, EPOCH[::-1], 17) is None
    for place in range(len(header)):
        changed = bytearray(header)
        changed[place] ^= 1
        assert read_header(bytes(changed), EPOCH, 17) is None
        assert read_header(header[:place], EPOCH, 17) is None
