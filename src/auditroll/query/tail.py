"""The unsealed tail of every stream that was asked for, kept up with new records."""

import threading
from collections.abc import Sequence

import orjson

from auditroll.query.parts import TailPart
from auditroll.query.source import Source
from auditroll.tlog.line import Line

__all__ = ["Tails"]


class _Tail:
    """One stream's tail. Invariant: the parts adjoin and are in order."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.parts: list[TailPart] = []


class Tails:
    """Tails by stream; each record is fetched and decoded once. Safe for several threads.

    Args:
        source: The sequencer.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tails: dict[str, _Tail] = {}
        self._lock = threading.Lock()

    def parts(self, stream: str, first: int, size: int) -> Sequence[TailPart]:
        """Return the parts that hold the unsealed records.

        Args:
            stream: Stream id.
            first: Index after the last sealed record.
            size: Records below this index are wanted.

        Returns:
            Adjoining parts in order. They may begin below `first`, and above it if a segment was
            sealed since its caller looked.
        """
        with self._lock:
            tail = self._tails.setdefault(stream, _Tail())
        with tail.lock:
            while tail.parts and _end(tail.parts[0]) <= first:
                del tail.parts[0]
            known = _end(tail.parts[-1]) if tail.parts else first
            if known < size:
                self._extend(tail, stream, known)
            return tuple(tail.parts)

    def _extend(self, tail: _Tail, stream: str, known: int) -> None:
        lines = self._source.tail(stream, known)
        if not lines:
            return
        start = _index(lines[0])
        if start != known:
            tail.parts.clear()
        tail.parts.append(TailPart.of_lines(stream, start, lines))
        # Parts at most double in size, so each record is copied a logarithmic number of times.
        while len(tail.parts) > 1 and tail.parts[-2].rows <= 2 * tail.parts[-1].rows:
            last = tail.parts.pop()
            tail.parts[-1] = tail.parts[-1].joined(last)


def _end(part: TailPart) -> int:
    return part.first + part.rows


def _index(line: Line) -> int:
    index: int = orjson.loads(line.leaf)["index"]
    return index
