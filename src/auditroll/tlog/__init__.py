"""The log's mathematics: commitments, leaves, trees, proofs, checkpoints. Pure."""

from auditroll.tlog.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from auditroll.tlog.cosignature import Cosigner, Witness
from auditroll.tlog.frontier import Frontier, subtree_root
from auditroll.tlog.hashing import EMPTY_ROOT, ZERO_HASH, leaf_hash, node_hash
from auditroll.tlog.line import BadLine, Hidden, Line, encode_line, parse_line, withhold
from auditroll.tlog.note import BadNote, Signer, Verifier
from auditroll.tlog.proof import (
    ProofError,
    consistency,
    inclusion,
    verify_consistency,
    verify_inclusion,
)
from auditroll.tlog.slots import Sealed, make_leaf, seal_record, split
from auditroll.tlog.span import Span
from auditroll.tlog.tiles import Tile, tile_path

__all__ = [
    "EMPTY_ROOT",
    "ZERO_HASH",
    "BadLine",
    "BadNote",
    "Checkpoint",
    "Cosigner",
    "Frontier",
    "Hidden",
    "Line",
    "ProofError",
    "Sealed",
    "Signer",
    "Span",
    "Tile",
    "Verifier",
    "Witness",
    "consistency",
    "encode_line",
    "inclusion",
    "leaf_hash",
    "make_leaf",
    "node_hash",
    "open_checkpoint",
    "parse_line",
    "read_checkpoint",
    "seal_record",
    "split",
    "subtree_root",
    "tile_path",
    "verify_consistency",
    "verify_inclusion",
    "withhold",
]
