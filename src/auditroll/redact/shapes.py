"""Checks that read a match and its surroundings: what the patterns cannot say."""

import binascii
import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Final

from auditroll.redact import digits
from auditroll.redact.detector import Check, Hit

__all__ = [
    "Unscannable",
    "basic_value",
    "bearer_value",
    "card_run",
    "email",
    "iban_run",
    "ipv4",
    "ipv6",
    "mac",
    "number",
    "passport",
    "ssn_groups",
    "unglued",
    "url",
    "url_credentials",
]

# More groups of digits in one run than any text of people holds; trying all windows of a longer
# run would cost more than a value may.
MAX_GROUPS: Final = 128

_FILES: Final = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "ico",
        "css",
        "js",
        "ts",
        "py",
        "rb",
        "go",
        "map",
        "html",
    ]
)
_VERSION_BEFORE: Final = re.compile(
    r"""(?:(?:^|[\s(;,"'])[A-Za-z][\w.+-]*/|\b(?:v|ver|version|release|build|rv)[ .:=]*)$""",
    re.IGNORECASE,
)
_HOUSE_BEFORE: Final = re.compile(r"\b(?:suite|apt|unit|room|floor|box|zip)[ .#]*$", re.IGNORECASE)
_CARD_BEFORE: Final = re.compile(
    r"(?:card|\bpan\b|visa|master|maestro|credit|debit|amex|payment)[^0-9]*$", re.IGNORECASE
)
_JOINTS: Final = str.maketrans("", "", ":-.")
_CLOCK: Final = re.compile(r"[0-9]{1,2}(?::[0-9]{2}){2}(?:\.[0-9]+)?:?")
_PORT: Final = re.compile(r"[A-Za-z][\w+.-]*://[^/@\s]*:[0-9]{1,5}/")
_GROUP: Final = re.compile(r"[0-9]+")
_LOOK_BACK: Final = 48


class Unscannable(Exception):
    """The value would cost more than its budget; it must not pass."""


def email(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept an address unless its end is a file name such as `icon@2x.png`.

    Source: RFC 5321 section 4.5.3.1 (lengths).
    """
    local, _, domain = hit.value.rpartition("@")
    if len(domain) <= 255 and domain.rpartition(".")[2].lower() not in _FILES:
        yield hit.end - len(domain) - 1 - min(len(local), 320), hit.end


def card_run(hit: Hit) -> Iterator[tuple[int, int]]:
    """Find cards in a run of digits with separators: whole groups, the longest first."""
    if hit.before.isalnum() or hit.after.isalnum():
        return
    groups = [match.span() for match in _GROUP.finditer(hit.text, hit.start, hit.end)]
    if len(groups) > MAX_GROUPS:
        raise Unscannable("too many groups of digits")
    said = _CARD_BEFORE.search(hit.text[max(0, hit.start - _LOOK_BACK) : hit.start]) is not None
    first = 0
    while first < len(groups):
        last = _card_window(hit.text, groups, first, said=said)
        if last < 0:
            first += 1
            continue
        yield groups[first][0], groups[last][1]
        first = last + 1


def _card_window(text: str, groups: list[tuple[int, int]], first: int, *, said: bool) -> int:
    """Return the last group of the longest card that begins with group `first`, or -1."""
    best, number = -1, ""
    for last in range(first, len(groups)):
        number += text[slice(*groups[last])]
        if len(number) > 19:
            break
        if len(number) >= 12 and digits.card(number, likely=said or last > first):
            best = last
    return best


def ssn_groups(valid: Callable[[str], bool]) -> Check:
    """Accept three, two and four digits with one separator, if `valid` says so of the digits."""

    def check(hit: Hit) -> Iterator[tuple[int, int]]:
        value = hit.value
        same = value[3] == value[6]
        housing = _HOUSE_BEFORE.search(hit.text[max(0, hit.start - _LOOK_BACK) : hit.start])
        if not (housing or _digits_touch(hit)) and same and valid(digits.only_digits(value)):
            yield hit.start, hit.end

    return check


def _digits_touch(hit: Hit) -> bool:
    """Say whether the number goes on to the left or right, directly or behind a dash or dot."""
    text, start, end = hit.text, hit.start, hit.end
    return (
        hit.before.isdigit()
        or hit.after.isdigit()
        or (hit.before != "" and hit.before in "-." and text[start - 2 : start - 1].isalnum())
        or (hit.after != "" and hit.after in "-." and text[end + 1 : end + 2].isalnum())
    )


def unglued(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept the match if no letter or digit stands before it."""
    if not hit.before.isalnum():
        yield hit.start, hit.end


def number(valid: Callable[[str], bool]) -> Check:
    """Accept letters and digits which, without separators, `valid` accepts and nothing touches."""

    def check(hit: Hit) -> Iterator[tuple[int, int]]:
        bare = re.sub("[^0-9A-Za-z]", "", hit.value)
        if not (hit.before.isalnum() or hit.after.isalnum()) and valid(bare):
            yield hit.start, hit.end

    return check


def iban_run(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept the length that the country uses, if its check digits hold.

    Letters glued on behind are not part of it; a digit is, and refuses it.
    """
    compact = re.sub("[ .-]", "", hit.value)
    length = digits.iban(compact)
    if not length:
        return
    end = hit.start
    for _ in range(length):
        end += 1
        while end < hit.end and hit.text[end - 1] in " .-":
            end += 1
    if not hit.text[end : end + 1].isdigit():
        yield hit.start, end


def ipv4(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept four octets that are neither part of a longer number nor a version."""
    value = hit.value.rstrip(".")
    end = hit.start + len(value)
    octets = value.split(".")
    if hit.before.isalnum() or hit.after.isalnum() or _digits_touch(Hit(hit.text, hit.start, end)):
        return
    in_range = all(0 < len(octet) < 4 and int(octet) < 256 for octet in octets)
    if len(octets) == 4 and in_range and not _is_version(hit):
        yield hit.start, end


def _is_version(hit: Hit) -> bool:
    return _VERSION_BEFORE.search(hit.text[max(0, hit.start - _LOOK_BACK) : hit.start]) is not None


def ipv6(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept an address; a clock time, `::` and words of hexadecimal letters are none."""
    start, text = hit.start, hit.text
    if hit.after.isalnum() or _CLOCK.fullmatch(hit.value):
        return
    kept = hit.value.rstrip(".")
    end = start + len(kept) - (kept.endswith(":") and not kept.endswith("::"))
    starts = [start] if not hit.before.isalnum() else []
    at = start
    for _ in range(2):
        at = text.find(":", at, end) + 1
        if not at:
            break
        starts.append(at)
    for first in starts:
        if _is_ipv6(text[first:end]):
            yield first, end
            return


def _is_ipv6(value: str) -> bool:
    groups = [group for group in value.split(":") if group]
    if len(groups) < 2 or not any(character.isdigit() for character in value):
        return False
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return True


def mac(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept six octets that are not a piece of a longer fingerprint."""
    if len(_without_joints(hit.value)) == 12 and not (hit.before.isalnum() or hit.after.isalnum()):
        yield hit.start, hit.end


def _without_joints(text: str) -> str:
    """Return `text` without colons, dashes and dots."""
    return text.translate(_JOINTS)


def url(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept an address without the punctuation of the sentence behind it."""
    yield hit.start, hit.start + len(hit.value.rstrip(".,;:!?)]}*"))


def url_credentials(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept an address with a user's secret; a port and a later `@` are none."""
    if _PORT.match(hit.value) is None:
        yield from url(hit)


def bearer_value(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept a token: `bearer authentication` is only a word, so it has a digit or is long."""
    value = hit.value
    if len(value) >= 8 and (len(value) >= 24 or any(map(str.isdigit, value))):
        yield hit.start, hit.end


def basic_value(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept base64 of `user:password`.

    Source: RFC 7617 section 2.
    """
    value = hit.value.rstrip("=")
    try:
        decoded = b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return
    if b":" in decoded:
        yield hit.start, hit.end


def passport(hit: Hit) -> Iterator[tuple[int, int]]:
    """Accept a document number: enough digits that it is no word, and nothing touching it."""
    if sum(map(str.isdigit, hit.value)) >= 4 and not hit.after.isalnum():
        yield hit.start, hit.end
