"""Epochs of files: the same file gives the same epoch (format reference, section 11)."""

from hashlib import sha256

__all__ = ["file_epoch"]


def file_epoch(source: str, ordinal: int, first_line: bytes) -> str:
    """Return the epoch of a file, 32 hex digits.

    Args:
        source: Name of the source, the same at each run.
        ordinal: From 0; one more when another file took the place of one with this first line.
        first_line: With its LF.
    """
    head = sha256(first_line).digest()
    message = b"\0".join((b"auditroll/file-epoch/1", source.encode(), str(ordinal).encode(), head))
    return sha256(message).hexdigest()[:32]
