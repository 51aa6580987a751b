"""What identifies a person, as data: one row a detector, the more specific kind first.

Where a number says nothing by itself (a date, a record number), the pattern asks for the word
before it.
"""

from typing import Final

from auditroll.redact import digits, shapes
from auditroll.redact.detector import Detector, alone
from auditroll.redact.phones import (
    NEAR_WORDS,
    SHAPES,
    WORDS_BEFORE,
    phone_near_words,
    phone_shape,
)

__all__ = ["PERSONAL"]

# What may stand between a word and the number that it names.
_IS: Final = r"(?:[ \t:=#\"'.,()-]|\b(?:is|was|are|it|it's|number|num|no|nr|id|on|in|the|s|of)\b)*"
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE: Final = (
    r"(?P<v>[0-9]{1,2}[ ./-][0-9]{1,2}[ ./-][0-9]{2,4}"
    r"|[0-9]{4}[ ./-]?[0-9]{2}[ ./-]?[0-9]{2}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)?[ .-]{_MONTH}[ .,-]+[0-9]{{2,4}}"
    rf"|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}})"
)
_NINE: Final = r"(?P<v>[0-9]{3}[ .-]?[0-9]{2}[ .-]?[0-9]{4})"

PERSONAL: Final[tuple[Detector, ...]] = (
    Detector(
        "EMAIL",
        r"""(?:[\pL\pN._%+'*!#$^{|}~-]+|"[^"@\x1e]+")@"""
        r"""[\pL\pN](?:[\pL\pN.-]*)\.(?:\pL\pL+|xn--[A-Za-z0-9-]+)""",
        shapes.email,
    ),
    Detector(
        "EMAIL",
        r"(?i)[\pL\pN._%+-]+ *[\[({<] *at *[\])}>] *[\pL\pN-]+"
        r"(?: *(?:\.|[\[({<] *dot *[\])}>]) *[\pL\pN-]+)+",
    ),
    Detector(
        "EMAIL",
        r"(?i)[\pL\pN._%+-]+ at [\pL\pN-]+(?: dot [\pL\pN-]+)* dot \pL\pL+",
    ),
    Detector("CARD", r"[0-9](?: ?[.+-]? ?[0-9]){11,}", shapes.card_run),
    Detector(
        "SSN",
        r"[0-9]{3}[ .-][0-9]{2}[ .-][0-9]{4}",
        shapes.ssn_groups(digits.ssn),
        again=True,
    ),
    Detector(
        "SSN",
        r"(?i)(?:\bssn|social security)" + _IS + _NINE,
        shapes.number(digits.ssn),
    ),
    Detector(
        "ITIN",
        r"9[0-9]{2}[ .-][0-9]{2}[ .-][0-9]{4}",
        shapes.ssn_groups(digits.itin),
        again=True,
    ),
    Detector("ITIN", r"(?i)(?:\bitin|taxpayer)" + _IS + _NINE, shapes.number(digits.itin)),
    Detector(
        "IBAN",
        r"(?:^|[^A-Za-z0-9])(?P<v>[A-Za-z]{2}[0-9]{2}(?:[ .-]?[A-Za-z0-9]){11,})",
        shapes.iban_run,
        again=True,
    ),
    Detector("IP", r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9.]+", shapes.ipv4),
    Detector("IP", r"[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", shapes.ipv6),
    Detector(
        "MAC",
        r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5,}"
        r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}",
        shapes.mac,
    ),
    Detector(
        "DOB",
        r"(?i)(?:\bdob\b|d\.o\.b|date[ _-]?of[ _-]?birth|birth[ _-]?(?:date|day)|\bborn\b"
        r"|geburtsdatum)" + _IS + _DATE,
    ),
    Detector(
        "MRN",
        r"(?i)(?:\bmrn|medical[ _-]?record|chart)" + _IS + r"(?P<v>[A-Z]*-?[0-9]{4,12})",
        alone,
    ),
    Detector("PASSPORT", r"(?i)passport" + _IS + r"(?P<v>[A-Z0-9]{6,9})", shapes.passport),
    Detector(
        "LICENSE",
        r"(?i)(?:driver'?s?|driving)[ _-]?licen[cs]e" + _IS + r"(?P<v>[A-Z0-9-]{6,20})",
        shapes.passport,
    ),
    Detector("NPI", r"(?i)\bnpi" + _IS + r"(?P<v>[0-9]{10})", shapes.number(digits.npi)),
    Detector("DEA", r"(?i)\bdea" + _IS + r"(?P<v>[A-Z]{2}[0-9]{7})", shapes.number(digits.dea)),
    Detector(
        "NHS",
        r"(?i)\bnhs" + _IS + r"(?P<v>[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4})",
        shapes.number(digits.nhs),
    ),
    Detector(
        "AADHAAR",
        r"[2-9][0-9]{3}[ -][0-9]{4}[ -][0-9]{4}",
        shapes.number(digits.aadhaar),
        again=True,
    ),
    Detector(
        "AADHAAR", r"(?i)aadha?ar" + _IS + r"(?P<v>[2-9][0-9]{11})", shapes.number(digits.aadhaar)
    ),
    # Source: CMS, Understanding the Medicare Beneficiary Identifier format.
    Detector(
        "MBI",
        r"[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9][0-9]-?"
        r"[AC-HJKMNP-RT-Y]{2}[0-9]{2}",
        alone,
        again=True,
    ),
    # Last: some of the numbers above have the shape of one.
    Detector("PHONE", SHAPES, phone_shape),
    Detector("PHONE", WORDS_BEFORE, phone_near_words),
    Detector("PHONE", NEAR_WORDS, phone_near_words),
)
