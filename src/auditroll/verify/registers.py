"""Head registers and checkpoints of a data folder (format reference, section 8)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditroll.event.canonical import Refused, decode_exact
from auditroll.verify.heads import MAX_CHECKPOINT_OCTETS, NoHead, trusted_head
from auditroll.verify.judge import Head
from auditroll.verify.reader import Reader, read_file
from auditroll.verify.trust import Trust

__all__ = ["NOTHING_SIGNED", "Signed", "read_signed"]

_MAX_REGISTER_OCTETS: Final = 4_096


@dataclass(frozen=True, slots=True)
class Signed:
    """What a stream's register and checkpoint say, or why they say nothing.

    Args:
        register: The head that may be signed; None if the file is absent or damaged.
        checkpoint: The head that is signed; None if the file is absent or does not count.
        note: The checkpoint's octets.
        verdicts: Of the files that are there and do not count, by path.
    """

    register: Head | None
    checkpoint: Head | None
    note: bytes
    verdicts: dict[str, str]

    def sizes(self) -> Sequence[int]:
        """Return the sizes whose root will be compared."""
        return [head.size for head in (self.register, self.checkpoint) if head is not None]

    def heads(self, stream: str) -> Iterator[tuple[str, Head, str]]:
        """Yield path, head, and the verdict if the records have another root.

        A register is only a file, so one that contradicts the records was changed; a checkpoint
        is signed, so there are two histories.
        """
        if self.register is not None:
            yield _register_path(stream), self.register, "altered"
        if self.checkpoint is not None:
            yield _checkpoint_path(stream), self.checkpoint, "forked"


NOTHING_SIGNED: Final = Signed(None, None, b"", {})


def read_signed(reader: Reader, trust: Trust, stream: str) -> Signed:
    """Return what is signed of a stream."""
    verdicts: dict[str, str] = {}
    register, checkpoint, note = None, None, b""
    try:
        octets = read_file(reader, _register_path(stream), _MAX_REGISTER_OCTETS)
        register = _parsed(octets, stream)
        if register is None:
            verdicts[_register_path(stream)] = "altered"
    except OSError:
        pass
    try:
        note = read_file(reader, _checkpoint_path(stream), MAX_CHECKPOINT_OCTETS)
        checkpoint = trusted_head(note, trust, stream)
    except NoHead as reason:
        verdicts[_checkpoint_path(stream)] = reason.verdict
    except OSError:
        pass
    return Signed(register, checkpoint, note, verdicts)


def _register_path(stream: str) -> str:
    return f"streams/{stream}/head.json"


def _checkpoint_path(stream: str) -> str:
    return f"streams/{stream}/checkpoint"


def _parsed(octets: bytes, stream: str) -> Head | None:
    try:
        found: dict[str, Any] = decode_exact(octets)
        root = bytes.fromhex(found["root"])
    except (Refused, KeyError, TypeError, ValueError):
        return None
    sound = (
        found.keys() == {"root", "size", "stream"}
        and found["stream"] == stream
        and type(found["size"]) is int
        and found["root"] == root.hex()
        and len(root) == 32
    )
    return Head(found["size"], root) if sound else None
