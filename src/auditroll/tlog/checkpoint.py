"""Checkpoints: size and root of one stream's tree, signed.

Source: C2SP tlog-checkpoint; format reference, section 8 (no extension lines).
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from auditroll.tlog.note import (
    BadNote,
    NoteVerifier,
    Signer,
    canonical_base64,
    open_note,
    parse_note,
    sign_note,
)

__all__ = ["Checkpoint", "open_checkpoint", "read_checkpoint"]

_SIZE = re.compile("0|[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A head of a stream.

    Args:
        origin: `installation "/" stream`.
        size: Number of leaves.
        root: 32 octets.
    """

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def sign(self, signers: Iterable[Signer]) -> str:
        """Return the signed note. The caller has persisted the head before (section 8)."""
        return sign_note(self.body(), signers)

    @classmethod
    def parse(cls, body: str) -> Self:
        """Return the checkpoint whose body is `body`.

        Raises:
            BadNote: `altered`: not three lines, or not in their one form.
        """
        lines = body.split("\n")
        if len(lines) != 4 or lines[3] or _SIZE.fullmatch(lines[1]) is None or not lines[0]:
            raise BadNote("altered", "not a checkpoint")
        root = canonical_base64(lines[2])
        if len(root) != 32 or int(lines[1]) > 2**53 - 1:
            raise BadNote("altered", "not a checkpoint")
        return cls(lines[0], int(lines[1]), root)


def read_checkpoint(note: str, origin: str) -> Checkpoint:
    """Return the checkpoint in `note`, whoever signed it.

    Raises:
        BadNote: `altered`: malformed, or of another origin.
    """
    text, _signatures = parse_note(note)
    checkpoint = Checkpoint.parse(text)
    if checkpoint.origin != origin:
        raise BadNote("altered", "a checkpoint of another stream")
    return checkpoint


def open_checkpoint(note: str, verifiers: Sequence[NoteVerifier], origin: str) -> Checkpoint:
    """Return the checkpoint in `note`, signed by a known key and of this origin.

    Args:
        note: The signed note.
        verifiers: Known keys.
        origin: The stream's origin.

    Raises:
        BadNote: `altered` or `key-unknown`.
    """
    checkpoint = read_checkpoint(note, origin)
    open_note(note, verifiers)
    return checkpoint
