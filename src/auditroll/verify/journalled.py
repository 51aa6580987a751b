"""What the journal says before any record has its place: streams, seals, heads, first seeds."""

import re
from collections.abc import Sequence
from typing import Any, Final

from auditroll.segment.journal import BadFrame, Entry
from auditroll.verify.journal import JournalFile, JournalFrame, JournalLine, KeyOf
from auditroll.verify.listings import Listing, heads_of
from auditroll.verify.objects import REWRITE
from auditroll.verify.scan import GENESIS, SEAL

__all__ = ["Journalled"]

_DELETION: Final = "retention.deletion"
_DIGITS: Final = re.compile(b"[0-9a-f]{32}")


class Journalled:
    """The journal, read once for its checksums and its facts.

    Args:
        files: In order, open.
        key_of: The key store.
        running: Whether a server may be writing the last frame just now.
    """

    def __init__(self, files: Sequence[JournalFile], key_of: KeyOf, *, running: bool) -> None:
        self.kinds: dict[str, str] = {}
        self.facts: list[dict[str, Any]] = []
        self.listings: dict[str, Listing] = {}
        # Seeds of each stream's records up to the first damage, 32 hex digits each.
        self.seeds: dict[str, bytearray] = {}
        self._next: int | None = None
        for file in files:
            for frame in file.check(key_of, running=running):
                try:
                    self._read(frame)
                except BadFrame:
                    file.lose(frame)
                    self._next = -1

    def _read(self, frame: JournalFrame) -> None:
        adjoins = self._next in (None, frame.number)
        self._next = frame.number + 1 if adjoins else -1
        for line in frame.lines():
            if adjoins:
                self._note_seed(line)
            if not frame.is_batch:
                self._note(line.entry())

    def _note_seed(self, line: JournalLine) -> None:
        seeds = self.seeds.get(line.stream)
        if seeds is None:
            if _DIGITS.fullmatch(line.seed) is None:
                raise BadFrame("a record without a seed")
            seeds = self.seeds[line.stream] = bytearray()
        seeds += line.seed

    def _note(self, entry: Entry) -> None:
        record = entry.record
        event_type = record.get("event_type")
        if event_type == GENESIS:
            self.kinds[entry.stream] = str(record.get("stream_kind"))
        elif event_type in (SEAL, REWRITE, _DELETION):
            self.facts.append(record)
        elif event_type == "root.heads":
            self.listings.update(heads_of(record))
