"""Records that the collector refused for good, kept where a person can look at them."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from auditroll.event import encode
from auditroll.spool import Chunk
from auditroll.wire import LineResult

__all__ = ["Quarantine"]

MAX_OCTETS: Final = 4 * 2**20


class Quarantine:
    """A file beside the spools: one line a refused record, with the reason.

    Its lines hold what the wire would have: identities are sealed, texts are redacted.

    Args:
        folder: Of the producer's spools.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "quarantine.ndjson"

    def keep(self, epoch: str, chunk: Chunk, results: Iterable[LineResult]) -> dict[str, int]:
        """Keep the refused records of a batch and return how many there are, by code.

        The counts are exact; the file takes only so much, and no more on a full disk.

        Args:
            epoch: Of the batch.
            chunk: Its lines.
            results: From the answer.
        """
        counts: dict[str, int] = {}
        lines: list[bytes] = []
        for result in results:
            if result.result != "quarantined" or not chunk.first <= result.seq <= chunk.last:
                continue
            code = result.code or "unknown"
            counts[code] = counts.get(code, 0) + 1
            line = chunk.lines[result.seq - chunk.first].decode("utf-8", "replace")
            lines.append(encode({"code": code, "epoch": epoch, "line": line, "seq": result.seq}))
        if lines:
            with contextlib.suppress(OSError):
                self._append(b"\n".join(lines) + b"\n")
        return counts

    def _append(self, octets: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        fd = os.open(self._path, flags, 0o600)
        try:
            if os.fstat(fd).st_size + len(octets) <= MAX_OCTETS:
                os.write(fd, octets)
        finally:
            os.close(fd)
