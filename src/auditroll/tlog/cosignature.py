"""Cosignatures: a witness says that it saw a checkpoint, and when.

Source: C2SP tlog-cosignature.
"""

import base64
import struct
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditroll.tlog.note import (
    BadNote,
    Signature,
    Verifier,
    canonical_base64,
    key_id,
)

__all__ = ["COSIGNATURE", "Cosigner", "Witness"]

COSIGNATURE: Final = 0x04
_TIME: Final = struct.Struct(">Q")
_SIGNATURE_OCTETS: Final = 64


class Witness:
    """A witness's public key under its name.

    Args:
        name: Key name of the witness.
        public: Ed25519, 32 octets.
    """

    def __init__(self, name: str, public: bytes) -> None:
        self.name = name
        self.key_id = key_id(name, COSIGNATURE, public)
        self._verifier = Verifier(name, public)

    @classmethod
    def from_vkey(cls, vkey: str) -> Self:
        """Return the witness that a vkey describes.

        Raises:
            BadNote: `altered`: not the vkey of an Ed25519 witness.
        """
        parts = vkey.split("+", 2)
        octets = canonical_base64(parts[2]) if len(parts) == 3 else b""
        if len(octets) != 33 or octets[0] != COSIGNATURE:
            raise BadNote("altered", "not a witness's vkey")
        witness = cls(parts[0], octets[1:])
        if witness.key_id.hex() != parts[1]:
            raise BadNote("altered", "the vkey's id is not its key's")
        return witness

    def verify(self, text: str, signature: bytes) -> bool:
        """Tell whether `signature`, time and all, is this witness's over `text`."""
        if len(signature) != _TIME.size + _SIGNATURE_OCTETS:
            return False
        seconds = _TIME.unpack_from(signature)[0]
        return self._verifier.verify(_message(text, seconds), signature[_TIME.size :])


class Cosigner:
    """A witness's private key under its name.

    Args:
        name: Key name of the witness.
        secret: 32 octets.
    """

    def __init__(self, name: str, secret: bytes) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self._public = self._key.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        """The public key as one line of text."""
        key = bytes([COSIGNATURE]) + self._public
        id_ = key_id(self.name, COSIGNATURE, self._public).hex()
        return f"{self.name}+{id_}+{base64.b64encode(key).decode()}"

    def cosign(self, text: str, seconds: int) -> Signature:
        """Return the cosignature over a checkpoint's text.

        Args:
            text: The note's text, ending in LF.
            seconds: Time of the cosignature since 1970.
        """
        signature = self._key.sign(_message(text, seconds).encode())
        id_ = key_id(self.name, COSIGNATURE, self._public)
        return Signature(self.name, id_, _TIME.pack(seconds) + signature)


def _message(text: str, seconds: int) -> str:
    return f"cosignature/v1\ntime {seconds}\n{text}"
