"""Telephone numbers: which grouped digits are one.

A bare run of digits is an id unless the words around it say otherwise: calling every ten digits a
telephone number is the commonest false alarm of such detectors.
"""

import re
from collections.abc import Iterator
from typing import Final

from auditroll.redact.detector import Hit
from auditroll.redact.digits import only_digits

__all__ = ["NEAR_WORDS", "SHAPES", "WORDS_BEFORE", "phone_near_words", "phone_shape"]

# Source: ITU-T E.164 assigned country codes; one and two digit codes stand for all below them.
_ONE: Final = "17"
_TWO: Final = (
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64"
    " 65 66 81 82 84 86 90 91 92 93 94 95 98 21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85"
    " 87 88 96 97 99"
)

_EXTENSION: Final = r"(?: ?(?:x|ext\.?) ?[0-9]+)?"
# What is a telephone number by its shape alone.
SHAPES: Final = "|".join(
    (
        # +49 30 1234567
        r"\+[1-9][0-9]*(?: ?[ .()/-] ?\(?[0-9]+\)?)*" + _EXTENSION,
        # 0049-30-1234567
        r"00[1-9][0-9]{0,2}(?: ?[ .()/-] ?\(?[0-9]+\)?)+" + _EXTENSION,
        # (978)645-9740, 166-684-7899, 001-748-088-2851x818
        r"(?:(?:\+?1|001)[ .-])?(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}" + _EXTENSION,
        # (88) 684-334, (022) 0793-176
        r"\([0-9]{2,4}\) ?[0-9]{3,4}[ -][0-9]{3,4}",
        # 06-10446904, 089 72 63 41, 0487 23 46 71
        r"0[1-9][0-9]{0,4}[ -][0-9]{2,8}(?:[ -][0-9]{2,4})*",
        # 02.27.96.63.08
        r"0[1-9](?:\.[0-9]{2}){4}",
    )
)
_NUMBER: Final = r"(?P<v>[+(]?[0-9][0-9 ().-]*[0-9]" + _EXTENSION + ")"
WORDS_BEFORE: Final = (
    r"(?i)(?:phone|telephone|\btel|mobile|\bcell|\bfax|whatsapp|\bsms|\bcall(?:ed|ing)?"
    r"|reach(?:ed)?|answering|contact|telefon|téléphone|teléfono|handy)"
    r"(?: ?(?:number|no\.?|nr\.?|#|us|me|him|her|them|you|at|on|is|was|under|to))*[ \t:=.\"'#-]*"
    + _NUMBER
)
# Without dots: versions stand before words such as `Mobile`.
NEAR_WORDS: Final = (
    r"(?i)(?P<v>[+(]?[0-9][0-9 ()-]*[0-9]" + _EXTENSION + r")[ -]*"
    r"(?:office|fax|mobile|cell|home|work|phone|tel|direct)\b"
)

_DATE: Final = re.compile(
    r"[0-3]?[0-9][ ./-][01]?[0-9][ ./-](?:19|20)[0-9]{2}"
    r"|(?:19|20)[0-9]{2}[ ./-][01]?[0-9][ ./-][0-3]?[0-9]"
)
_SSN: Final = re.compile(r"[0-9]{3}([ .-])[0-9]{2}\1[0-9]{4}")
_INTERNATIONAL: Final = re.compile(r"\+|00[1-9][0-9]*[ ./()-]")


def phone_shape(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept a number that is one by its shape: enough digits, a known country, no date, no SSN."""
    if _touched(hit) or not _plausible(hit.value):
        return
    if hit.value[0] == "+" or _INTERNATIONAL.match(hit.value):
        digits = only_digits(hit.value.partition("x")[0]).removeprefix("00")
        if not (8 <= len(digits) <= 15 and _country(digits)):
            return
    elif hit.value.startswith("00") or not 8 <= len(_main(hit.value)) <= 14:
        return
    yield hit.start, hit.end


def phone_near_words(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept a number beside a word such as `phone`: 6 to 15 digits, no date."""
    glued = hit.before.isalnum() or hit.before in {".", "/"}
    if not glued and _plausible(hit.value) and 6 <= len(_main(hit.value)) <= 15:
        yield hit.start, hit.end


def _plausible(value: str) -> bool:
    return _DATE.match(value) is None and _SSN.fullmatch(value) is None


def _main(value: str) -> str:
    return only_digits(re.split("[xe]", value)[0])


def _touched(hit: Hit) -> bool:
    text, before, after = hit.text, hit.before, hit.after
    left = before != "" and before in "-+./:" and text[hit.start - 2 : hit.start - 1].isalnum()
    right = after != "" and after in "-.:/" and text[hit.end + 1 : hit.end + 2].isdigit()
    return before.isalnum() or after.isalnum() or left or right


def _country(digits: str) -> bool:
    return digits[0] in _ONE or digits[:2] in _TWO
