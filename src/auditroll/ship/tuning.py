"""Sizes and times of shipping, in one place."""

from dataclasses import dataclass

from auditroll.wire import MAX_LINES

__all__ = ["Tuning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How a shipper behaves; the defaults fit everything but tests.

    Args:
        batch_lines: Lines in a batch at most.
        batch_octets: Octets of a batch before compression at most; also the memory it takes.
        linger_s: Pause when everything is sent, so that batches fill.
        scan_s: Pause between looks for spools of processes that died.
        connect_s: Time to reach the collector.
        read_s: Longest silence of the collector.
        deadline_s: Longest time of one exchange, whatever trickles in.
        first_wait_s: Bound of the first random wait after a failure; it doubles.
        longest_wait_s: Bound of every later one.
        retry_after_s: Longest wait that a collector may ask for.
        drain_s: Time for what is left when the process ends.
    """

    batch_lines: int = MAX_LINES
    batch_octets: int = 4 * 2**20
    linger_s: float = 0.5
    scan_s: float = 2.0
    connect_s: float = 5.0
    read_s: float = 30.0
    deadline_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    retry_after_s: float = 3600.0
    drain_s: float = 2.0
