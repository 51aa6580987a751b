"""Other readings of a text: folded characters, escapes undone; each can name its source.

A view is the text a reader (or a browser, a JSON parser, a shell) would see. Detectors run on it,
and a hit is carried back to the characters it came from.
"""

import html
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from auditroll.redact.shapes import Unscannable

__all__ = ["SIGN", "View", "readings"]

# More layers of escapes than this is hostile: the value is not passed.
MAX_ROUNDS: Final = 8
# `=41` is read apart from all else, since `key=4111 ...` is the commoner meaning; so often.
MAX_QUOTED: Final = 3

# For the gate: what makes a text readable in another way. Without it a text is its only view.
SIGN: Final = (
    r"[^\x09\x0a\x0d\x1e\x20-\x7e]|%u?[0-9A-Fa-f][0-9A-Fa-f]|\\[uUxN/0-7\"]"
    r"|&#[0-9xX]|&[A-Za-z]+;|=[0-9A-Fa-f][0-9A-Fa-f]|=\r?\n"
)
_UNUSUAL: Final = re.compile(r"[^\x09\x0a\x0d\x1e\x20-\x7e]")
# The class in front lets the search skip to where an escape can begin.
_ESCAPE: Final = re.compile(
    r"[%\\&](?:(?<=%)(?:"
    r"(?P<percent>[89A-Fa-f][0-9A-Fa-f](?:%[89A-Fa-f][0-9A-Fa-f])*|[0-7][0-9A-Fa-f])"
    r"|u(?P<wide>[0-9A-Fa-f]{4})"
    r")|(?<=\\)\\*(?:"
    r"u\{(?P<braced>[0-9A-Fa-f]{1,6})\}"
    r"|u(?P<high>[dD][89abAB][0-9A-Fa-f]{2})\\+u(?P<low>[dD][c-fC-F][0-9A-Fa-f]{2})"
    r"|u(?P<unicode>[0-9A-Fa-f]{4})"
    r"|U(?P<long>[0-9A-Fa-f]{8})"
    r"|(?P<hex>x[89A-Fa-f][0-9A-Fa-f](?:\\+x[89A-Fa-f][0-9A-Fa-f])*|x[0-7][0-9A-Fa-f])"
    r"|(?P<octal>[01][0-7]{2})"
    r"|N\{(?P<name>[A-Za-z0-9 -]{1,64})\}"
    r"|(?P<plain>[/\"])"
    r")|(?<=&)(?P<entity>#[0-9]{1,7};?|#[xX][0-9A-Fa-f]{1,6};?|[A-Za-z]{2,24};))"
)
_QUOTED_PRINTABLE: Final = re.compile(r"(?P<octets>(?:=[0-9A-Fa-f]{2})+|=\r?\n)")
_PLUS: Final = re.compile(r"\+")
_NO_DIGIT: Final = re.compile(r"[^0-9A-Fa-f]+")

# Letters of other scripts that look like Latin ones, and signs that look like `.` and `@`.
_CONFUSABLE: Final = str.maketrans(
    "авсԁеһіјӏмпорԛѕтихуАВСЕНІЈКМОРЅТХУԜԝαεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ。٫·∙⋅⸱",  # noqa: RUF001
    "abcdehijlmnopqstuxyABCEHIJKMOPSTXYWwaeiKvoptuxABEZHIKMNOPTYX......",
)


class Piece(NamedTuple):
    """One replaced piece: where it stands in the view and in the text below it."""

    start: int
    end: int
    source_start: int
    source_end: int


class View:
    """A text and the way back to the text it was read from.

    Args:
        text: The reading.
        layers: For each step from the source, its replaced pieces in order.
    """

    __slots__ = ("layers", "text")

    def __init__(self, text: str, layers: tuple[list[Piece], ...] = ()) -> None:
        self.text = text
        self.layers = layers

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of the source that gave the non-empty range of this view."""
        for layer in reversed(self.layers):
            first, last = _below(layer, start), _below(layer, end - 1)
            start, end = first[0], last[1]
        return start, end

    def replace(self, pattern: re.Pattern[str], read: Callable[[re.Match[str]], str]) -> "View":
        """Return the view in which each match is what `read` says; this one if nothing changes."""
        pieces: list[Piece] = []
        parts: list[str] = []
        done = length = 0
        for match in pattern.finditer(self.text):
            new = read(match)
            if new == match[0]:
                continue
            parts += self.text[done : match.start()], new
            length += match.start() - done
            pieces.append(Piece(length, length + len(new), match.start(), match.end()))
            length += len(new)
            done = match.end()
        if not pieces:
            return self
        parts.append(self.text[done:])
        return View("".join(parts), (*self.layers, pieces))


def readings(text: str) -> Iterator[View]:
    """Yield the views of a text, the last of each branch having nothing left to undo.

    Raises:
        Unscannable: More layers than a value may have, or a view much longer than the text.
    """
    view = View(text)
    for view in _undone(View(text), len(text)):
        yield view
    spaced = view.replace(_PLUS, _space)
    if spaced is not view:
        yield spaced
    yield from _unquoted(view, len(text))


def _unquoted(view: View, length: int) -> Iterator[View]:
    for _ in range(MAX_QUOTED):
        quoted = view.replace(_QUOTED_PRINTABLE, _quoted)
        if quoted is view:
            return
        yield quoted
        view = quoted
        for deeper in _undone(quoted, length):
            yield deeper
            view = deeper


def _undone(view: View, length: int) -> Iterator[View]:
    for _ in range(MAX_ROUNDS):
        after = _plain(view).replace(_ESCAPE, _unescaped)
        if after is view:
            return
        if len(after.text) > 4 * length + 64:
            break
        view = after
        yield view
    raise Unscannable("too many layers of escapes")


def _plain(view: View) -> View:
    """Fold what is not ASCII; where each character gives one, positions do not move."""
    text = view.text
    if text.isascii() and _UNUSUAL.search(text) is None:
        return view
    folded = text.translate(_FOLDS)
    if folded == text:
        return view
    if len(folded) == len(text) and all(len(_FOLDS[ord(one)]) == 1 for one in set(text)):
        return View(folded, view.layers)
    return view.replace(_UNUSUAL, _folded)


def _below(layer: list[Piece], at: int) -> tuple[int, int]:
    """Return the source range of one character of a view."""
    number = bisect_right(layer, at, key=_start) - 1
    if number < 0:
        return at, at + 1
    piece = layer[number]
    if at < piece.end:
        return piece.source_start, piece.source_end
    source = piece.source_end + at - piece.end
    return source, source + 1


def _start(piece: Piece) -> int:
    return piece.start


class _Folds(dict[int, str]):
    """The ASCII reading of each character, found once: width, dashes, digits, look-alikes.

    Source: UAX 15 (NFKD), UTS 39 (confusables, in part).
    """

    def __missing__(self, point: int) -> str:
        character = chr(point)
        if 0xE0020 <= point <= 0xE007E:
            folded = chr(point - 0xE0000)
        elif character in _KEPT:
            folded = character
        else:
            plain = unicodedata.normalize("NFKD", character)
            folded = "".join(map(_fold_one, plain)).translate(_CONFUSABLE)
        self[point] = folded
        return folded


# At most one entry a character of Unicode.
_FOLDS: Final = _Folds()
_KEPT: Final = "\t\n\r\x1e"


def _folded(match: re.Match[str]) -> str:
    return _FOLDS[ord(match[0])]


def _fold_one(character: str) -> str:
    if " " <= character <= "~":
        return character
    category = unicodedata.category(character)
    if category in {"Cf", "Mn", "Me", "Cc"}:
        return ""
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Pd" or character in "\u2212\u02d7\u2043":
        return "-"
    return {"Zs": " ", "Zl": "\n", "Zp": "\n"}.get(category, character)


def _unescaped(match: re.Match[str]) -> str:
    kind, value = str(match.lastgroup), match[str(match.lastgroup)]
    if kind in {"percent", "hex"}:
        return _octets(match[0])
    if kind == "entity":
        return html.unescape(match[0])
    if kind == "plain":
        return str(value)
    if kind == "name":
        return _named(value, match[0])
    if kind == "low":
        high, low = int(match["high"], 16), int(value, 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
    return _character(int(value, 8 if kind == "octal" else 16), match[0])


def _character(point: int, otherwise: str) -> str:
    if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
        return otherwise
    return chr(point)


def _named(name: str, otherwise: str) -> str:
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return otherwise


def _octets(escaped: str) -> str:
    octets = bytes.fromhex(_NO_DIGIT.sub("", escaped))
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _quoted(match: re.Match[str]) -> str:
    value = match[0]
    return "" if value[1] in "\r\n" else _octets(value)


def _space(_match: re.Match[str]) -> str:
    return " "
