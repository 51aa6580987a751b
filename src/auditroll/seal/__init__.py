"""Sealing: journal, chains, trees, checkpoints, segments. One owner: the sequencer."""

from auditroll.seal.client import SequencerClient
from auditroll.seal.sealed import SegmentInfo
from auditroll.seal.segments import Watermark
from auditroll.seal.sequencer import Appended, Head, Sequencer
from auditroll.seal.streams import Unsealed

__all__ = [
    "Appended",
    "Head",
    "SegmentInfo",
    "Sequencer",
    "SequencerClient",
    "Unsealed",
    "Watermark",
]
