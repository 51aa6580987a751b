"""Signed notes: a text and the lines of those who signed it.

Source: C2SP signed-note.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from auditroll.errors import IntegrityError

__all__ = [
    "ED25519",
    "BadNote",
    "NoteVerifier",
    "Signature",
    "Signer",
    "Verifier",
    "canonical_base64",
    "key_id",
    "open_note",
    "parse_note",
    "sign_note",
]

ED25519: Final = 0x01
_DASH: Final = "\N{EM DASH}"
_KEY_ID_OCTETS: Final = 4
# Far above a quorum's signatures; a note is read by people and fits a page.
MAX_NOTE_OCTETS: Final = 1_000_000


class BadNote(IntegrityError):
    """A note that does not hold.

    `code` is `altered` (malformed, or a known key's signature fails) or `key-unknown` (no
    signature of a known key).
    """


def canonical_base64(text: str) -> bytes:
    """Return the octets of base64 text in its one canonical encoding.

    Raises:
        BadNote: `altered`: another encoding, such as one with stray bits.

    Source: RFC 4648 sections 3.5 and 4.
    """
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("altered", "not base64") from None
    if base64.b64encode(octets).decode() != text:
        raise BadNote("altered", "not the canonical base64")
    return octets


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    """Return the four octets that name a key under `name`.

    Source: C2SP signed-note, "Signatures".
    """
    return sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:_KEY_ID_OCTETS]


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line.

    Args:
        name: The key's name.
        key_id: 4 octets.
        signature: The signature's octets.
    """

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line without its LF."""
        return f"{_DASH} {self.name} {base64.b64encode(self.key_id + self.signature).decode()}"


class NoteVerifier(Protocol):
    """A key that judges signatures of its own name and id."""

    @property
    def name(self) -> str:
        """The key's name."""
        ...

    @property
    def key_id(self) -> bytes:
        """The key's id, 4 octets."""
        ...

    def verify(self, text: str, signature: bytes) -> bool:
        """Tell whether `signature` is this key's over `text`."""
        ...


class Verifier:
    """An Ed25519 public key under a name.

    Args:
        name: Key name; the checkpoint's origin.
        public: 32 octets.
    """

    def __init__(self, name: str, public: bytes) -> None:
        self.name = name
        self.public = public
        self.key_id = key_id(name, ED25519, public)
        self._key = Ed25519PublicKey.from_public_bytes(public)

    @classmethod
    def from_vkey(cls, vkey: str) -> Self:
        """Return the verifier that a vkey describes.

        Raises:
            BadNote: `altered`: not an Ed25519 vkey.
        """
        parts = vkey.split("+", 2)
        if len(parts) != 3:
            raise BadNote("altered", "not a vkey")
        octets = canonical_base64(parts[2])
        if len(octets) != 33 or octets[0] != ED25519:
            raise BadNote("altered", "not an Ed25519 vkey")
        verifier = cls(parts[0], octets[1:])
        if verifier.key_id.hex() != parts[1]:
            raise BadNote("altered", "the vkey's id is not its key's")
        return verifier

    @property
    def vkey(self) -> str:
        """The key as one line of text."""
        return _vkey(self.name, self.public)

    def verify(self, text: str, signature: bytes) -> bool:
        """Tell whether `signature` is this key's over `text`."""
        try:
            self._key.verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


class Signer:
    """An Ed25519 private key under a name.

    Args:
        name: Key name; the checkpoint's origin.
        secret: 32 octets.
    """

    def __init__(self, name: str, secret: bytes) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(name, ED25519, self.public)

    @property
    def vkey(self) -> str:
        """The public key as one line of text."""
        return _vkey(self.name, self.public)

    def sign(self, text: str) -> Signature:
        """Return the signature over `text`, which ends in LF."""
        return Signature(self.name, self.key_id, self._key.sign(text.encode()))


def _vkey(name: str, public: bytes) -> str:
    key = bytes([ED25519]) + public
    return f"{name}+{key_id(name, ED25519, public).hex()}+{base64.b64encode(key).decode()}"


def sign_note(text: str, signers: Iterable[Signer]) -> str:
    """Return `text` with a signature line of each signer.

    Raises:
        ValueError: The text does not end in LF.
    """
    if not text.endswith("\n"):
        raise ValueError("a note's text ends in LF")
    return text + "\n" + "".join(signer.sign(text).line() + "\n" for signer in signers)


def open_note(note: str, verifiers: Sequence[NoteVerifier]) -> tuple[str, list[NoteVerifier]]:
    """Return a note's text and the known keys that signed it.

    Args:
        note: The whole note.
        verifiers: Known keys; signatures of others are ignored.

    Raises:
        BadNote: `altered`: malformed, or a known key's signature fails; `key-unknown`: no known
            key's signature is there.
    """
    text, signatures = parse_note(note)
    signed: list[NoteVerifier] = []
    for signature in signatures:
        for verifier in verifiers:
            if (verifier.name, verifier.key_id) != (signature.name, signature.key_id):
                continue
            if not verifier.verify(text, signature.signature):
                raise BadNote("altered", f"the signature of {signature.name} fails")
            if verifier not in signed:
                signed.append(verifier)
    if not signed:
        raise BadNote("key-unknown", "no signature of a known key")
    return text, signed


def parse_note(note: str) -> tuple[str, list[Signature]]:
    """Return a note's text and signature lines, none of them verified.

    Raises:
        BadNote: `altered`: malformed.
    """
    text, separator, tail = note.rpartition("\n\n")
    if not separator or not tail.endswith("\n") or len(note.encode()) > MAX_NOTE_OCTETS:
        raise BadNote("altered", "not a signed note")
    if any(char < " " and char != "\n" for char in note):
        raise BadNote("altered", "a control character in the note")
    return text + "\n", [_signature(line) for line in tail[:-1].split("\n")]


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or not parts[1] or "+" in parts[1]:
        raise BadNote("altered", "not a signature line")
    octets = canonical_base64(parts[2])
    if len(octets) <= _KEY_ID_OCTETS:
        raise BadNote("altered", "a signature without octets")
    return Signature(parts[1], octets[:_KEY_ID_OCTETS], octets[_KEY_ID_OCTETS:])
