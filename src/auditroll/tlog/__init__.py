"""The log's mathematics: commitments, leaves, trees, proofs, checkpoints. Pure."""

from auditroll.tlog.checkpoint import Checkpoint, open_checkpoint
from auditroll.tlog.frontier import Frontier, subtree_root
from auditroll.tlog.hashing import EMPTY_ROOT, ZERO_HASH, leaf_hash, node_hash
from auditroll.tlog.line import BadLine, Hidden, Line, encode_line, parse_line
from auditroll.tlog.note import BadNote, Signer, Verifier
from auditroll.tlog.slots import Sealed, make_leaf, seal_record, split

__all__ = [
    "EMPTY_ROOT",
    "ZERO_HASH",
    "BadLine",
    "BadNote",
    "Checkpoint",
    "Frontier",
    "Hidden",
    "Line",
    "Sealed",
    "Signer",
    "Verifier",
    "encode_line",
    "leaf_hash",
    "make_leaf",
    "node_hash",
    "open_checkpoint",
    "parse_line",
    "seal_record",
    "split",
    "subtree_root",
]
