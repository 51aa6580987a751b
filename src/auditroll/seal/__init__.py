"""Sealing: journal, chains, trees, checkpoints, segments. One owner: the sequencer."""

from auditroll.seal.calls import Ready
from auditroll.seal.client import SequencerClient
from auditroll.seal.records import Unsealed
from auditroll.seal.sealed import SegmentInfo
from auditroll.seal.segments import Watermark
from auditroll.seal.sequencer import Sequencer
from auditroll.seal.state import Appended, Head, Listing, Snapshot, StreamState

__all__ = [
    "Appended",
    "Head",
    "Listing",
    "Ready",
    "SegmentInfo",
    "Sequencer",
    "SequencerClient",
    "Snapshot",
    "StreamState",
    "Unsealed",
    "Watermark",
]
