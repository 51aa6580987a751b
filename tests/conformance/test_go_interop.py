"""Go's own note and tlog packages judge a log of ours.

They come with Go itself, vendored in its source, so nothing is fetched.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from auditroll.event.canonical import encode
from auditroll.tlog import (
    Checkpoint,
    ProofError,
    Signer,
    consistency,
    inclusion,
    leaf_hash,
    subtree_root,
    tile_path,
    verify_inclusion,
)
from auditroll.tlog.tiles import TILE_WIDTH, tiles_of_size
from tests.unit.tlog.trees import Tree

# 0b10001000101110000: a size whose tree has several perfect subtrees and partial tiles.
SIZE = 70_000
ORIGIN = "log.example/clinic/" + "ab" * 16
INDICES = [0, 1, 255, 256, 65_535, 65_536, 69_999]
OLD_SIZES = [1, 256, 4_096, 65_536, 69_999]


def find_go() -> str | None:
    beside = Path(sys.executable).parent / "go"
    return str(beside) if beside.is_file() else shutil.which("go")


def sumdb(go: str) -> Path:
    root = subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True)
    return Path(root.stdout.strip()) / "src" / "cmd" / "vendor" / "golang.org" / "x" / "mod"


GO = find_go()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        GO is None or not sumdb(GO).is_dir(), reason="no Go with its vendored sumdb packages"
    ),
]


def b64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the checker without network."""
    assert GO is not None
    folder = tmp_path_factory.mktemp("go")
    shutil.copytree(sumdb(GO), folder / "mod")
    (folder / "mod" / "go.mod").write_text("module golang.org/x/mod\n\ngo 1.24\n")
    shutil.copy(Path(__file__).parent / "go" / "main.go", folder)
    (folder / "go.mod").write_text(
        "module interop\n\ngo 1.24\n\nrequire golang.org/x/mod v0.0.0\n\n"
        "replace golang.org/x/mod => ./mod\n"
    )
    offline = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOSUMDB": "off"}
    built = subprocess.run(
        [GO, "build", "-o", "interop", "."],
        cwd=folder,
        env=os.environ | offline | {"GOCACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder / "interop"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a log's tiles and the case that Go judges."""
    folder = tmp_path_factory.mktemp("log")
    leaves = [f"leaf {number}".encode() for number in range(SIZE)]
    tree = Tree([leaf_hash(leaf) for leaf in leaves])
    root = subtree_root(tree.levels[0])
    for tile in tiles_of_size(SIZE):
        path = folder / tile_path(tile)
        path.parent.mkdir(parents=True, exist_ok=True)
        first = tile.index * TILE_WIDTH
        path.write_bytes(b"".join(tree.levels[8 * tile.level][first : first + tile.width]))
    signer = Signer(ORIGIN, bytes(range(32)))
    inclusions = [
        {"Index": index, "Leaf": b64(leaf), "Proof": proof_of(tree, index), "Holds": holds}
        for index in INDICES
        for leaf, holds in ((leaves[index], True), (b"forged", False))
    ]
    consistencies = [
        {
            "Old": old,
            "Root": b64(old_root),
            "Proof": [b64(hash_) for hash_ in consistency(old, SIZE, tree.node)],
            "Holds": holds,
        }
        for old in OLD_SIZES
        for old_root, holds in ((subtree_root(tree.levels[0][:old]), True), (root, False))
    ]
    case: dict[str, Any] = {
        "Vkey": signer.vkey,
        "Note": Checkpoint(ORIGIN, SIZE, root).sign([signer]),
        "Size": SIZE,
        "Inclusion": inclusions,
        "Consistency": consistencies,
        "TileIndexes": INDICES,
        "ForgedIndexes": INDICES,
    }
    (folder / "case.json").write_bytes(encode(case))
    return folder


def proof_of(tree: Tree, index: int) -> list[str]:
    return [b64(hash_) for hash_ in inclusion(index, SIZE, tree.node)]


def test_go_accepts_our_log_and_refuses_every_forgery(program: Path, log: Path) -> None:
    judged = subprocess.run([program, log], capture_output=True, text=True, check=False)
    *complaints, last = judged.stdout.splitlines()
    assert complaints == []
    word, checks, wrong = last.split(" ")
    assert (word, wrong) == ("done", "0")
    # Checkpoint, proofs, and for each index more than one tile to forge.
    assert int(checks) > 2 + 2 * len(INDICES) + 2 * len(OLD_SIZES) + 2 * len(INDICES)


def test_our_verifier_refuses_what_go_refuses(log: Path) -> None:
    case = json.loads((log / "case.json").read_bytes())
    root = Checkpoint.parse(case["Note"].split("\n\n")[0] + "\n").root
    for one in case["Inclusion"]:
        proof = [base64.b64decode(hash_) for hash_ in one["Proof"]]
        leaf = leaf_hash(base64.b64decode(one["Leaf"]))
        if one["Holds"]:
            verify_inclusion(one["Index"], SIZE, leaf, proof, root)
        else:
            with pytest.raises(ProofError):
                verify_inclusion(one["Index"], SIZE, leaf, proof, root)
