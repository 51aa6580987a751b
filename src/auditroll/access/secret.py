"""Mint and compare bearer secrets.

A secret carries 256 random bits, so a plain SHA-256 of it cannot be guessed back and no salt or
slow hash is needed. Secrets are compared by looking their hash up: how long that takes depends on
octets of a SHA-256 that whoever guesses cannot steer, so time tells nothing about a secret.
"""

import hashlib
import re
import secrets

__all__ = [
    "ENROLMENT_ALPHABET",
    "PRODUCER_PREFIX",
    "SESSION_PREFIX",
    "TOKEN_PREFIX",
    "digest",
    "mint",
    "mint_enrolment",
    "normalise_enrolment",
    "well_formed",
]

PRODUCER_PREFIX = "ark_"
TOKEN_PREFIX = "art_"  # noqa: S105 - a prefix, not a secret
SESSION_PREFIX = "ars_"
SECRET_OCTETS = 32

# Crockford's base 32: typed by people, so without the letters that look like digits.
ENROLMENT_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ENROLMENT_SYMBOLS = 25
ENROLMENT_GROUP = 5

_SECRET = re.compile(r"ar[kts]_[A-Za-z0-9_-]{43}")
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def mint(prefix: str) -> str:
    """Return a new secret: `prefix` and 43 characters of base64url, 256 random bits."""
    return prefix + secrets.token_urlsafe(SECRET_OCTETS)


def mint_enrolment() -> str:
    """Return a new one-time code of 125 random bits, in five groups of five symbols."""
    symbols = "".join(secrets.choice(ENROLMENT_ALPHABET) for _ in range(ENROLMENT_SYMBOLS))
    starts = range(0, ENROLMENT_SYMBOLS, ENROLMENT_GROUP)
    return "-".join(symbols[start : start + ENROLMENT_GROUP] for start in starts)


def normalise_enrolment(typed: str) -> str:
    """Return a typed code without its dashes and look-alikes, ready for `digest`."""
    return typed.strip().upper().translate(_LOOKALIKES)


def well_formed(secret: str) -> bool:
    """Tell whether `secret` can have come from `mint`, before any table is asked."""
    return _SECRET.fullmatch(secret) is not None


def digest(secret: str) -> bytes:
    """Return the 32 octets that are stored in place of `secret`."""
    return hashlib.sha256(secret.encode()).digest()
