"""Batches on their way: cut, encoded, sent in order by one thread while the next is read."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple, Self

from auditroll.event import MAX_LINE_OCTETS
from auditroll.ingest.port import CollectorPort
from auditroll.ingest.tally import Tally
from auditroll.wire import MAX_BODY_OCTETS, MAX_LINES, Answer, encode_batch

__all__ = ["Sender"]

# Encoded batches waiting while one is under way: memory stays flat when the collector is down.
MAX_WAITING: Final = 2
# A line that holds nothing takes the place of one that gave no record, so that numbers stay whole;
# the collector quarantines it. Nothing of the original leaves.
PLACEHOLDER: Final = b"{}"


class _Waiting(NamedTuple):
    first: int
    size: int
    refused: dict[int, str]
    answer: Future[Answer]


class Sender:
    """Sends the lines of one epoch; one thread calls, another sends.

    Args:
        port: The collector.
        tally: Counts the answers.
        epoch: Of the lines.
        first: Number of the first line to come.
        answered: Called after each answer.
    """

    def __init__(
        self,
        port: CollectorPort,
        tally: Tally,
        epoch: str,
        first: int,
        answered: Callable[[], None],
    ) -> None:
        self._port = port
        self._tally = tally
        self._epoch = epoch
        self._first = first
        self._answered = answered
        self._lines: list[bytes] = []
        self._octets = 0
        self._refused: dict[int, str] = {}
        self._waiting: deque[_Waiting] = deque()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="auditroll-ingest")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._port.close()
        self._pool.shutdown(cancel_futures=True)

    def full(self) -> bool:
        """Say whether another line may not fit any more."""
        room = MAX_BODY_OCTETS - self._octets
        return len(self._lines) >= MAX_LINES or room <= MAX_LINE_OCTETS

    def add(self, line: bytes) -> None:
        """Add the next line; the batch is not full."""
        self._lines.append(line)
        self._octets += len(line) + 1

    def refuse(self, reason: str) -> None:
        """Let the next number be one that the collector quarantines."""
        self._refused[self._first + len(self._lines)] = reason
        self.add(PLACEHOLDER)

    def flush(self, prefix_sha256: str) -> None:
        """Hand the batch over; wait while too many are on their way.

        Args:
            prefix_sha256: Of the file up to the last line added.

        Raises:
            Exception: What sending an earlier batch raised.
        """
        if not self._lines:
            return
        headers, body = encode_batch(
            self._lines, self._epoch, self._first, prefix_sha256=prefix_sha256
        )
        answer = self._pool.submit(self._port.send, headers, body)
        self._waiting.append(_Waiting(self._first, len(self._lines), self._refused, answer))
        self._first += len(self._lines)
        self._lines, self._octets, self._refused = [], 0, {}
        while len(self._waiting) > MAX_WAITING:
            self._take()

    def drain(self) -> None:
        """Wait until everything handed over is acknowledged."""
        while self._waiting:
            self._take()

    def _take(self) -> None:
        waiting = self._waiting.popleft()
        answer = waiting.answer.result()
        self._tally.answered(self._epoch, waiting.first, waiting.size, answer, waiting.refused)
        self._answered()
