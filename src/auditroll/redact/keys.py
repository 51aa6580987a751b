"""Names that say what a value is: `client_secret`, `refreshToken`, `Authorization`, `dob`.

A name is cut into words, and sequences of words are compared, never substrings: `session_count`
and `secretary` are no secrets, `clientSecret` and `x-api-key` are.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

__all__ = ["KEY_KINDS", "kind_of_key", "words_of_key"]

_MARKER: Final = re.compile(r"\[REDACTED:[A-Z0-9_]{1,32}\]")
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

# Sequences of words, and what a value under such a name is.
_SECRET: Final = (
    "access key",
    "accesskey",
    "api key",
    "apikey",
    "assertion",
    "auth",
    "authorization",
    "bearer",
    "client secret",
    "connection string",
    "cookie",
    "credential",
    "credentials",
    "csrf",
    "cvc",
    "cvv",
    "encryption key",
    "jwt",
    "master key",
    "otp",
    "pass phrase",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "pin",
    "private key",
    "privatekey",
    "proxy authorization",
    "pwd",
    "refreshtoken",
    "accesstoken",
    "secret",
    "secrets",
    "secret key",
    "session",
    "session id",
    "sessionid",
    "session key",
    "set cookie",
    "sid",
    "signature",
    "signing key",
    "ssh key",
    "token",
    "xsrf",
)
_PERSONAL: Final = {
    "EMAIL": ("email", "e mail", "mail address", "email address"),
    "SSN": ("ssn", "social security number", "social security"),
    "DOB": ("dob", "date of birth", "birth date", "birthdate", "birthday"),
    "PHONE": ("phone", "telephone", "mobile number", "phone number", "fax number", "msisdn"),
    "CARD": ("card number", "cardnumber", "credit card", "pan"),
    "IBAN": ("iban", "account number"),
    "MRN": ("mrn", "medical record number"),
    "PASSPORT": ("passport", "passport number"),
    "NAME": (
        "first name",
        "firstname",
        "last name",
        "lastname",
        "full name",
        "fullname",
        "surname",
        "maiden name",
        "given name",
        "family name",
        "patient name",
    ),
    "ADDRESS": ("street", "street address", "home address", "postal address", "zip code"),
}
_KINDS: Final[dict[tuple[str, ...], str]] = {tuple(name.split()): "SECRET" for name in _SECRET} | {
    tuple(name.split()): kind for kind, names in _PERSONAL.items() for name in names
}
# Every kind that a name can give.
KEY_KINDS: Final = frozenset(_KINDS.values())
_LONGEST: Final = max(map(len, _KINDS))

# A word behind or before the sequence that makes it a count, a method or a time, not the value.
_HARMLESS_AFTER: Final = frozenset(
    (
        *("count", "counts", "method", "methods", "type", "types", "in", "out", "total", "used"),
        *("limit", "limits", "usage", "length", "size", "expires", "expiry", "expiration", "ttl"),
        *("duration", "age", "state", "status", "enabled", "required", "policy", "version"),
        *("provider", "scheme", "level", "mode", "ms", "seconds", "verified", "present", "valid"),
        *("hash", "cached", "budget", "rate"),
    )
)
_HARMLESS_BEFORE: Final = frozenset(
    ("max", "min", "num", "total", "no", "has", "is", "prompt", "completion")
)


def words_of_key(name: str) -> tuple[str, ...]:
    """Return the lower-case words of a key: split at signs and where the case changes."""
    return tuple(word.lower() for word in _WORD.findall(unicodedata.normalize("NFKC", name)))


@lru_cache(maxsize=4096)
def kind_of_key(name: str) -> str | None:
    """Return what a value under this name is, or None if the name says nothing.

    Args:
        name: A key of an object, a header, a parameter.
    """
    words = words_of_key(_MARKER.sub(" ", name[:256]))
    for size in range(min(_LONGEST, len(words)), 0, -1):
        for first in range(len(words) - size + 1):
            kind = _KINDS.get(words[first : first + size])
            if kind and not _harmless(words, first, first + size):
                return kind
    return None


def _harmless(words: tuple[str, ...], first: int, last: int) -> bool:
    return (words[last : last + 1] != () and words[last] in _HARMLESS_AFTER) or (
        first > 0 and words[first - 1] in _HARMLESS_BEFORE
    )
