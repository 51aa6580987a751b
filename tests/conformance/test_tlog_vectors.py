"""Vectors of commitments, leaves, chains, trees and checkpoints."""

from typing import Any

import pytest

from auditroll.event.canonical import encode
from auditroll.event.fields import SLOTS
from auditroll.tlog import (
    Checkpoint,
    Frontier,
    Line,
    Signer,
    Verifier,
    encode_line,
    leaf_hash,
    open_checkpoint,
    parse_line,
    subtree_root,
)
from auditroll.tlog.note import key_id
from auditroll.tlog.slots import commitment, salts, seal_slots, sealed_hash
from tests.conformance.vectors import Vector, all_vectors, name_of, of_kind

KINDS = {
    "salts",
    "commitment",
    "sealed",
    "hidden-line",
    "chain",
    "roots",
    "leaf",
    "checkpoint",
}
ELSEWHERE = {
    "canonical",
    "refused",
    "strict-refused",
    "lookup",
    "binding",
    "file-epoch",
    "bundle-base",
    "bundle",
}


def test_no_kind_of_vector_is_forgotten() -> None:
    assert {vector["kind"] for vector in all_vectors()} == KINDS | ELSEWHERE


@pytest.mark.parametrize("vector", of_kind("salts"), ids=name_of)
def test_salts(vector: Vector) -> None:
    found = salts(bytes.fromhex(vector["seed"]))
    assert {slot: salt.hex() for slot, salt in zip(SLOTS, found, strict=True)} == vector["salts"]


@pytest.mark.parametrize("vector", of_kind("commitment"), ids=name_of)
def test_commitments(vector: Vector) -> None:
    salt = salts(bytes.fromhex(vector["seed"]))[SLOTS.index(vector["slot"])]
    assert encode(vector["value"]).decode() == vector["canonical"]
    assert commitment(salt, vector["value"]).hex() == vector["commitment"]


@pytest.mark.parametrize("vector", of_kind("sealed"), ids=name_of)
def test_sealed(vector: Vector) -> None:
    found = [bytes.fromhex(vector["commitments"][slot]) for slot in SLOTS]
    assert sealed_hash(found) == vector["sealed"] == seal_slots(bytes.fromhex(vector["seed"]), {})


def line_of(members: Any) -> Line:
    return parse_line(encode(members))


@pytest.mark.parametrize("vector", of_kind("hidden-line"), ids=name_of)
def test_hidden_lines_prove_what_the_whole_line_proves(vector: Vector) -> None:
    whole, hidden = line_of(vector["whole"]), line_of(vector["line"])
    assert whole.sealed() == hidden.sealed() == whole.record()["sealed"]
    assert whole.leaf_hash() == hidden.leaf_hash()
    assert encode_line(hidden) == encode(vector["line"]) + b"\n"


@pytest.mark.parametrize("vector", of_kind("leaf"), ids=name_of)
def test_leaves(vector: Vector) -> None:
    assert leaf_hash(vector["leaf"].encode()).hex() == vector["leaf_hash"]


@pytest.mark.parametrize("vector", of_kind("chain"), ids=name_of)
def test_chains(vector: Vector) -> None:
    previous = "0" * 64
    hashes = []
    for leaf in vector["leaves"]:
        line = Line(leaf=leaf.encode())
        assert line.record()["prev_hash"] == previous
        assert line.record()["stream"] == vector["stream"]
        hashes.append(line.leaf_hash())
        previous = hashes[-1].hex()
    assert [hash_.hex() for hash_ in hashes] == vector["leaf_hashes"]


@pytest.mark.parametrize("vector", of_kind("roots"), ids=name_of)
def test_roots(vector: Vector) -> None:
    hashes = [leaf_hash(leaf.encode()) for leaf in vector["leaves"]]
    assert [hash_.hex() for hash_ in hashes] == vector["leaf_hashes"]
    frontier = Frontier()
    found = [frontier.root().hex()]
    for hash_ in hashes:
        frontier.append_many([hash_])
        found.append(frontier.root().hex())
    assert found == vector["roots"]
    assert subtree_root(hashes).hex() == vector["roots"][-1]


@pytest.mark.parametrize("vector", of_kind("checkpoint"), ids=name_of)
def test_checkpoints(vector: Vector) -> None:
    origin = vector["origin"]
    signer = Signer(origin, bytes.fromhex(vector["secret"]))
    assert signer.public.hex() == vector["public"]
    assert key_id(origin, 1, signer.public).hex() == vector["key_id"]
    assert signer.vkey == vector["vkey"]
    head = Checkpoint(origin, vector["size"], bytes.fromhex(vector["root"]))
    assert head.sign([signer]) == vector["text"]
    known = Verifier.from_vkey(vector["vkey"])
    assert open_checkpoint(vector["text"], [known], origin) == head
