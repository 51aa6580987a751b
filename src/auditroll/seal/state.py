"""What the sequencer tells of its streams."""

from typing import NamedTuple

__all__ = ["Appended", "Head", "Listing", "Snapshot", "StreamState"]


class Appended(NamedTuple):
    """A frame that survives power loss.

    Args:
        frame: Its number in the journal.
        received_ms: Effective time of receipt of its records.
    """

    frame: int
    received_ms: int


class Head(NamedTuple):
    """What is known of one stream.

    Args:
        stream: Stream id.
        kind: `root`, `ledger` or `data`.
        tenant: Empty for the root.
        data_class: Only of `data`.
        size: Number of records.
        sealed: How many of them stand in segments.
        root: Of the tree, 64 hex digits.
        listed: Size in the newest root group.
    """

    stream: str
    kind: str
    tenant: str
    data_class: str
    size: int
    sealed: int
    root: str
    listed: int


class Listing(NamedTuple):
    """Signed heads of one moment: what an evidence bundle ends at.

    Args:
        root_stream: Id of the root stream.
        sizes: Size by stream id, the root among them.
        checkpoints: Signed checkpoint of exactly that size, by stream id.
    """

    root_stream: str
    sizes: dict[str, int]
    checkpoints: dict[str, str]


class StreamState(NamedTuple):
    """A stream's place and size, without its root.

    Args:
        stream: Stream id.
        kind: `root`, `ledger` or `data`.
        tenant: Empty for the root.
        data_class: Only of `data`.
        size: Number of records.
        sealed: How many of them stand in segments.
    """

    stream: str
    kind: str
    tenant: str
    data_class: str
    size: int
    sealed: int


class Snapshot(NamedTuple):
    """Every stream at one moment.

    Args:
        root_checkpoint: The newest signed one.
        streams: The root first.
        unsealed_octets: What waits for its segment, in memory.
        problem: Why segments cannot be written at present; empty when they can.
    """

    root_checkpoint: str
    streams: list[StreamState]
    unsealed_octets: int
    problem: str
