"""Proofs and logs that others made: transparency-dev's proofs, and a log written by Tessera."""

import base64
import json
from pathlib import Path

import pytest

from auditroll.tlog import (
    Checkpoint,
    Frontier,
    ProofError,
    Tile,
    Verifier,
    consistency,
    inclusion,
    leaf_hash,
    open_checkpoint,
    subtree_root,
    tile_path,
    verify_consistency,
    verify_inclusion,
)
from auditroll.tlog.tiles import decode_entries, entries_path, tile_hashes
from tests.support import CORPORA
from tests.unit.tlog.trees import Tree

PROOFS = CORPORA / "tlog" / "rfc6962-proofs"
LOG = CORPORA / "tlog" / "tessera" / "testdata" / "log"
# Source: tessera, testdata/log, its documented public key.
VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
ORIGIN = "example.com/log/testdata"

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not PROOFS.is_dir(), reason="the shared corpora are not on this machine"),
]


def cases(kind: str) -> list[Path]:
    return sorted((PROOFS / kind).rglob("*.json"))


def octets(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def hashes_of(proof: list[str] | None) -> list[bytes]:
    return [octets(text) for text in proof or []]


def judged(path: Path) -> bool:
    """Tell whether our verifier accepts the case's proof."""
    case = json.loads(path.read_bytes())
    proof = hashes_of(case["proof"])
    try:
        if "leafIdx" in case:
            leaf = octets(case["leafHash"])
            verify_inclusion(case["leafIdx"], case["treeSize"], leaf, proof, octets(case["root"]))
        else:
            roots = octets(case["root1"]), octets(case["root2"])
            verify_consistency(case["size1"], case["size2"], *roots, proof)
    except ProofError:
        return False
    return True


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_every_published_proof_is_judged_as_published(kind: str) -> None:
    assert len(cases(kind)) == 98
    wrong = [
        str(path.relative_to(PROOFS))
        for path in cases(kind)
        if judged(path) == json.loads(path.read_bytes())["wantErr"]
    ]
    assert wrong == []


def checkpoint(number: int) -> Checkpoint:
    note = (LOG / f"checkpoint.{number}").read_text()
    return open_checkpoint(note, [Verifier.from_vkey(VKEY)], ORIGIN)


def leaves() -> list[bytes]:
    return decode_entries((LOG / entries_path(0, 15)).read_bytes())


def test_every_checkpoint_of_the_log_is_signed_and_has_our_root() -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves()]
    assert len(hashes) == 15
    note = (LOG / "checkpoint").read_text()
    assert open_checkpoint(note, [Verifier.from_vkey(VKEY)], ORIGIN) == checkpoint(15)
    for size in range(16):
        head = checkpoint(size)
        frontier = Frontier()
        frontier.append_many(hashes[:size])
        assert (head.size, head.root) == (size, frontier.root())


def test_the_logs_tiles_are_the_hashes_of_its_entries() -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves()]
    for width in range(1, 16):
        tile = Tile(0, 0, width)
        assert tile_hashes((LOG / tile_path(tile)).read_bytes(), tile) == hashes[:width]
        assert decode_entries((LOG / entries_path(0, width)).read_bytes()) == leaves()[:width]


def test_our_proofs_hold_between_the_logs_checkpoints() -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves()]
    tree = Tree(hashes)
    for size in range(1, 16):
        root = checkpoint(size).root
        assert subtree_root(hashes[:size]) == root
        for index in range(size):
            verify_inclusion(index, size, hashes[index], inclusion(index, size, tree.node), root)
        for old in range(1, size + 1):
            proof = consistency(old, size, tree.node)
            verify_consistency(old, size, checkpoint(old).root, root, proof)
