"""Texts hidden in a token: base64, base64url, base32 and hexadecimal, plain or deflated."""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

__all__ = ["MAX_INFLATED_OCTETS", "SIGN", "Token", "tokens"]

# What a compressed token may grow to; more is a bomb and is not a text of a log.
MAX_INFLATED_OCTETS: Final = 65_536

_ONE: Final = "[A-Za-z0-9+/_-]"
_TELLING: Final = "[A-Z0-9+/_]"
# For the gate: a run of ten with a capital or a digit in it (words have none), or pairs of digits.
SIGN: Final = (
    "|".join(f"{_ONE}{{{n}}}{_TELLING}{_ONE}{{{9 - n},}}" for n in range(9))
    + f"|{_ONE}{{9,}}{_TELLING}"
    + "|(?:[0-9A-Fa-f]{2}[ :,-]){6}[0-9A-Fa-f]{2}"
)

_CANDIDATE: Final = re.compile(
    r"(?P<pairs>(?:[0-9A-Fa-f]{2}[ :,-]){6,}[0-9A-Fa-f]{2}(?![0-9A-Fa-f]))"
    r"|(?P<run>[A-Za-z0-9+/_-]{10,}={0,6})"
)
_PIECE: Final = re.compile(r"[A-Za-z0-9+/]{10,}={0,6}|[A-Za-z0-9]{10,}")
_PARTS: Final = re.compile(r"[A-Za-z0-9]{10,}={0,6}")
_HEX: Final = re.compile(r"(?:0[xX])?((?:[0-9A-Fa-f]{2}){7,})")
_BASE32: Final = re.compile(r"[A-Z2-7]{12,}")
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Token(NamedTuple):
    """A token and the text it holds.

    Args:
        start: First character of the token.
        end: Character after it.
        text: What it decodes to; printable.
    """

    start: int
    end: int
    text: str


def tokens(text: str) -> Iterator[Token]:
    """Yield every token of `text` that decodes to printable text, under each encoding it fits."""
    for match in _CANDIDATE.finditer(text):
        start, end = match.span()
        if match.lastgroup == "pairs":
            yield from _decoded(start, end, re.sub("[ :,-]", "", match[0]), (_from_hex,))
            continue
        run = match[0]
        if _is_word(run):
            continue
        yield from _decoded(start, end, run, _DECODERS)
        if not run.isalnum():
            for piece in _pieces(run):
                yield from _decoded(start, end, piece, _DECODERS)


def _is_word(run: str) -> bool:
    """Say so of lower-case words, joined by dashes or not; of short capital or title-case ones."""
    letters = run.replace("-", "")
    if not letters.isalpha():
        return False
    return letters.islower() or (len(run) < 16 and (letters.isupper() or letters.istitle()))


def _pieces(run: str) -> Iterator[str]:
    """Yield what stands between the signs of a run, since `_`, `-` and `/` also separate."""
    seen = {run}
    for pattern in (_PIECE, _PARTS):
        for piece in pattern.findall(run):
            if piece not in seen:
                seen.add(piece)
                yield piece


def _decoded(
    start: int, end: int, token: str, decoders: tuple[Callable[[str], bytes | None], ...]
) -> Iterator[Token]:
    for decode in decoders:
        octets = decode(token)
        hidden = _text_of(octets) if octets else None
        if hidden:
            yield Token(start, end, hidden)


def _from_base64(token: str) -> bytes | None:
    bare = token.rstrip("=")
    if len(bare) % 4 == 1:
        return None
    padded = bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4)
    return base64.b64decode(padded)


def _from_hex(token: str) -> bytes | None:
    match = _HEX.fullmatch(token)
    return bytes.fromhex(match[1]) if match else None


def _from_base32(token: str) -> bytes | None:
    bare = token.rstrip("=").upper()
    if not _BASE32.fullmatch(bare):
        return None
    try:
        return base64.b32decode(bare + "=" * (-len(bare) % 8))
    except (binascii.Error, ValueError):
        return None


_DECODERS: Final = (_from_base64, _from_hex, _from_base32)


def _text_of(octets: bytes) -> str | None:
    """Return the printable text that octets hold in UTF-8, UTF-16 or deflated; else None."""
    if octets[:2] == b"\x1f\x8b" or octets[:1] == b"\x78":
        octets = _inflated(octets) or octets
    try:
        text = octets.decode("utf-16-le" if octets[1::2].strip(b"\0") == b"" else "utf-8")
    except UnicodeDecodeError:
        return None
    if octets[:1] == b"\0":
        text = octets.decode("utf-16-be", "replace")
    return None if _NO_TEXT.search(text) else text


def _inflated(octets: bytes) -> bytes | None:
    try:
        return zlib.decompressobj(wbits=47).decompress(octets, MAX_INFLATED_OCTETS)
    except zlib.error:
        return None
