"""Back-pressure: how many octets may be under way, in all and for one producer."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from auditroll.errors import CollectorError, ProducerError

__all__ = ["MAX_PRODUCER_OCTETS", "MAX_TOTAL_OCTETS", "Room", "Seat"]

MAX_TOTAL_OCTETS = 256 * 2**20
# One producer at its limit leaves room for others.
MAX_PRODUCER_OCTETS = 128 * 2**20
RETRY_AFTER_S = 1


class Seat:
    """The octets one batch holds; they grow when it is decompressed."""

    def __init__(self, room: "Room", producer: str) -> None:
        self._room = room
        self._producer = producer
        self.octets = 0

    def take(self, octets: int) -> None:
        """Hold `octets` more.

        Raises:
            ProducerError: `too-many-requests` (429), the producer has too much under way.
            CollectorError: `overloaded` (503), all producers together have.
        """
        self._room.take(self._producer, octets, self.octets)
        self.octets += octets


class Room:
    """Counts octets under way.

    Args:
        total: Most octets of all producers.
        each: Most octets of one producer.
    """

    def __init__(self, total: int = MAX_TOTAL_OCTETS, each: int = MAX_PRODUCER_OCTETS) -> None:
        self._total = total
        self._each = each
        self._held: Counter[str] = Counter()

    def held(self) -> int:
        """Return the octets under way."""
        return self._held.total()

    @contextmanager
    def seat(self, producer: str) -> Generator[Seat]:
        """Hold nothing yet, and give back everything at the end."""
        seat = Seat(self, producer)
        try:
            yield seat
        finally:
            self._held[producer] -= seat.octets
            if not self._held[producer]:
                del self._held[producer]

    def take(self, producer: str, octets: int, own: int = 0) -> None:
        """Count `octets` more or refuse; a batch that is alone is never refused.

        Args:
            producer: Whose they are.
            octets: How many more.
            own: How many the same batch holds already.
        """
        mine, everybodys = self._held[producer] - own, self.held() - own
        if mine and mine + own + octets > self._each:
            raise ProducerError(
                "too-many-requests",
                "too much of this producer is under way",
                hint="Wait for answers before sending more.",
                status=429,
                retry_after=RETRY_AFTER_S,
            )
        if everybodys and everybodys + own + octets > self._total:
            raise CollectorError(
                "overloaded",
                "too much is under way",
                hint="Keep what was not acknowledged and send it again.",
                status=503,
                retry_after=RETRY_AFTER_S,
            )
        self._held[producer] += octets
