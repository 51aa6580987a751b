"""Check digits and number ranges: what makes a run of digits a card, an SSN, an IBAN ...

A check digit alone lets one of ten random numbers through; every check here also asks for the
ranges and lengths that the issuer uses.
"""

from functools import lru_cache
from typing import Final

__all__ = [
    "aadhaar",
    "card",
    "dea",
    "iban",
    "itin",
    "luhn",
    "nhs",
    "npi",
    "only_digits",
    "ssn",
]

# First digits (as numbers of a fixed width), and the lengths issued under them.
# Source: ISO/IEC 7812-1; the networks' published ranges.
_CARDS: Final[tuple[tuple[int, int, frozenset[int]], ...]] = (
    (4, 4, frozenset((13, 16, 19))),  # Visa
    (51, 55, frozenset((16,))),  # Mastercard
    (2221, 2720, frozenset((16,))),
    (34, 34, frozenset((15,))),  # American Express
    (37, 37, frozenset((15,))),
    (300, 305, frozenset((14,))),  # Diners Club
    (3095, 3095, frozenset((14,))),
    (36, 36, frozenset((14,))),
    (38, 39, frozenset((14,))),
    (3528, 3589, frozenset((16,))),  # JCB
    (2131, 2131, frozenset((15,))),
    (1800, 1800, frozenset((15,))),
    (6011, 6011, frozenset((16, 19))),  # Discover
    (644, 659, frozenset((16, 19))),
    (62, 62, frozenset((16, 17, 18, 19))),  # UnionPay
    (8171, 8171, frozenset((16,))),
    (2200, 2204, frozenset((16, 19))),  # Mir
    (6069, 6085, frozenset((16,))),  # RuPay
)
# Maestro has the rest of 50 and 56 to 69, in twelve lengths: one of sixty random numbers. Without
# separators or a word that says card, only the prefixes known to be issued count.
_MAESTRO: Final[tuple[tuple[int, int, frozenset[int]], ...]] = (
    (50, 50, frozenset(range(12, 20))),
    (56, 58, frozenset(range(12, 20))),
    (60, 69, frozenset(range(12, 20))),
)
_MAESTRO_ISSUED: Final = frozenset(
    (
        *("5000", "5018", "5020", "5038", "5612", "5641", "5893", "6304", "6331", "6333", "6390"),
        *("6703", "6706", "6709", "6759", "6761", "6762", "6763", "6767", "6771", "6799"),
    )
)

# Source: SWIFT IBAN registry.
IBAN_LENGTHS: Final[dict[str, int]] = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE", "BI"), 16),
    **dict.fromkeys(("DK", "FI", "FK", "FO", "GL", "NL", "SD"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"), 20),
    **dict.fromkeys(("CH", "CR", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA"), 22),
    **dict.fromkeys(("AE", "GI", "IL", "IQ", "OM", "SO", "TL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"), 24),
    **dict.fromkeys(("LY", "PT", "ST"), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("DJ", "FR", "GR", "IT", "MC", "MR", "SM"), 27),
    **dict.fromkeys(("AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"), 28),
    **dict.fromkeys(("BR", "EG", "PS", "QA", "UA"), 29),
    **dict.fromkeys(("JO", "KW", "MU", "YE"), 30),
    **dict.fromkeys(("MT", "SC"), 31),
    "LC": 32,
    "RU": 33,
}

_ITIN_GROUPS: Final = frozenset((*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)))

_VERHOEFF_PRODUCT: Final = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_TURN: Final = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def only_digits(text: str) -> str:
    """Return the ASCII digits of `text`."""
    return "".join(filter("0123456789".__contains__, text))


def luhn(number: str) -> bool:
    """Say whether the last digit is the Luhn check digit.

    Source: ISO/IEC 7812-1 annex B.
    """
    total = sum(map(int, number[-1::-2]))
    total += sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return total % 10 == 0


def card(number: str, *, likely: bool = True) -> bool:
    """Say whether `number` (digits) is a payment card: issuer range, its length, check digit.

    Args:
        number: Digits only.
        likely: Something else speaks for a card: grouped digits, or a word near by. A bare number
            must lie in a range that is in use.
    """
    if len(set(number)) < 2:
        return False
    prefix, length = number[:4], len(number)
    if length in _lengths(prefix, _CARDS):
        fits = likely or length != 13
    else:
        fits = length in _lengths(prefix, _MAESTRO) and (likely or prefix in _MAESTRO_ISSUED)
    return fits and luhn(number)


@lru_cache(maxsize=20_000)
def _lengths(prefix: str, table: tuple[tuple[int, int, frozenset[int]], ...]) -> frozenset[int]:
    lengths: frozenset[int] = frozenset()
    for first, last, issued in table:
        if first <= int(prefix[: len(str(first))] or "0") <= last:
            lengths |= issued
    return lengths


def ssn(number: str) -> bool:
    """Say whether nine digits are a US social security number that can have been issued.

    Source: 20 CFR 422.103; SSA randomization (no area 000, 666, 9xx, no zero group or serial).
    """
    area, group, serial = number[:3], number[3:5], number[5:]
    return (
        len(number) == 9
        and area not in {"000", "666"}
        and area[0] != "9"
        and group != "00"
        and serial != "0000"
        and len(set(number)) > 1
    )


def itin(number: str) -> bool:
    """Say whether nine digits are a US individual taxpayer identification number.

    Source: IRS Internal Revenue Manual 3.21.263.
    """
    return len(number) == 9 and number[0] == "9" and int(number[3:5]) in _ITIN_GROUPS


def iban(text: str) -> int:
    """Return how many letters and digits at the start of `text` are an IBAN; 0 if none.

    Args:
        text: Letters and digits, without separators; more may follow.

    Source: ISO 13616-1, ISO 7064 mod 97-10.
    """
    upper = text.upper()
    length = IBAN_LENGTHS.get(upper[:2], 0)
    if not length or len(upper) < length:
        return 0
    turned = upper[4:length] + upper[:4]
    number = "".join(str(int(character, 36)) for character in turned)
    return length if int(number) % 97 == 1 else 0


def npi(number: str) -> bool:
    """Say whether ten digits are a US national provider identifier.

    Source: 45 CFR 162.406; the check digit covers the prefix 80840.
    """
    return len(number) == 10 and number[0] in "12" and luhn("80840" + number)


def nhs(number: str) -> bool:
    """Say whether ten digits are an NHS number.

    Source: NHS data dictionary, NHS NUMBER (modulus 11).
    """
    if len(number) != 10 or len(set(number)) == 1:
        return False
    total = sum(
        int(digit) * weight for digit, weight in zip(number, range(10, 1, -1), strict=False)
    )
    return (11 - total % 11) % 11 == int(number[9])


def dea(number: str) -> bool:
    """Say whether two letters and seven digits are a US DEA registration number.

    Source: 21 CFR 1301; the seventh digit is (1st+3rd+5th + 2*(2nd+4th+6th)) mod 10.
    """
    digits = [int(digit) for digit in number[2:]]
    total = sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])
    return len(digits) == 7 and total % 10 == digits[6]


def aadhaar(number: str) -> bool:
    """Say whether twelve digits are an Aadhaar number.

    Source: UIDAI, Verhoeff check digit; the first digit is 2 to 9.
    """
    if len(number) != 12 or number[0] in "01" or len(set(number)) == 1:
        return False
    check = 0
    for place, digit in enumerate(reversed(number)):
        turned = int(_VERHOEFF_TURN[place % 8][int(digit)])
        check = int(_VERHOEFF_PRODUCT[check][turned])
    return check == 0
