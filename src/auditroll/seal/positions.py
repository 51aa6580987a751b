"""Where each stream stood when a journal file began; derived, so that a start need not search."""

from hashlib import sha256
from typing import Final

import orjson

from auditroll.store import DataFolder

__all__ = ["Positions"]

_DIGEST_OCTETS: Final = 32


class Positions:
    """One small file a journal file, under `derived/journal/`. A damaged one counts as missing.

    Args:
        folder: The data folder.
    """

    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder.derived / "journal"

    def save(self, first: int, received_ms: int, sizes: dict[str, int]) -> None:
        """Note the state at the start of the file whose first frame is `first`.

        Args:
            first: Number of the frame.
            received_ms: Effective time of receipt of the frame before.
            sizes: Size by stream.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        text = orjson.dumps({"received_ms": received_ms, "sizes": sizes})
        path = self._folder / f"{first:020d}.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(sha256(text).digest() + text)
        temporary.replace(path)

    def load(self, first: int) -> tuple[int, dict[str, int]] | None:
        """Return time and sizes, or None if they are not there or not what was written."""
        try:
            octets = (self._folder / f"{first:020d}.json").read_bytes()
        except OSError:
            return None
        text = octets[_DIGEST_OCTETS:]
        if sha256(text).digest() != octets[:_DIGEST_OCTETS]:
            return None
        found = orjson.loads(text)
        return found["received_ms"], found["sizes"]

    def next_number(self) -> int:
        """Return a number above every frame's that the folder remembers."""
        names = sorted(path.stem for path in self._folder.glob("*.json"))
        return int(names[-1]) if names else 0

    def remove(self, first: int) -> None:
        """Forget a file."""
        (self._folder / f"{first:020d}.json").unlink(missing_ok=True)
