"""Frontier, span and proofs against the definition."""

import pytest

from auditroll.tlog import EMPTY_ROOT, Frontier, Span, subtree_root
from auditroll.tlog.proof import (
    ProofError,
    consistency,
    format_tlog_proof,
    inclusion,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.tlog.trees import Tree, hashes, naive_root, random_hash

# 70,000 = 0b10001000101110000 has many one bits; the rest are the borders of small trees.
SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100]


def test_an_empty_tree_has_the_hash_of_nothing_as_root() -> None:
    assert Frontier().root() == EMPTY_ROOT == subtree_root([])
    assert Frontier().compact_range() == []


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_the_definitions(size: int) -> None:
    assert subtree_root(hashes(size)) == naive_root(hashes(size))


def test_a_copy_grows_on_its_own() -> None:
    frontier = Frontier()
    frontier.append_many(hashes(5))
    twin = frontier.copy()
    twin.append_many([random_hash("x")])
    assert frontier.root() == naive_root(hashes(5))
    assert twin.size == 6


def test_a_compact_range_continues_the_tree() -> None:
    whole = hashes(100)
    for size in range(101):
        frontier = Frontier()
        frontier.append_many(whole[:size])
        resumed = Frontier.from_compact_range(size, frontier.compact_range())
        resumed.append_many(whole[size:])
        assert resumed.root() == naive_root(whole)


def test_subtrees_that_become_whole_are_handed_out() -> None:
    tree = Tree(hashes(40))
    frontier = Frontier()
    completed: dict[int, list[bytes]] = {2: [], 3: []}
    for first, end in ((0, 3), (3, 21), (21, 22), (22, 40)):
        frontier.append_many(tree.levels[0][first:end], completed)
    assert completed == {2: tree.levels[2][:10], 3: tree.levels[3][:5]}


@pytest.mark.parametrize(
    ("size", "count", "length"), [(5, 1, 32), (5, 3, 32), (4, 1, 31), (0, 1, 32)]
)
def test_a_compact_range_that_does_not_fit_is_refused(size: int, count: int, length: int) -> None:
    with pytest.raises(ValueError, match="compact range"):
        Frontier.from_compact_range(size, [bytes(length)] * count)


def test_a_span_from_any_first_leaf_holds_the_largest_subtrees_within() -> None:
    tree = Tree(hashes(40))
    for first in range(40):
        span = Span(first)
        for end in range(first + 1, 41):
            span.append_many(tree.levels[0][end - 1 : end])
            nodes = span.nodes()
            assert all(tree.node(*key) == hash_ for key, hash_ in nodes.items())
            covered = sorted((index << level, 1 << level) for level, index in nodes)
            assert covered[0][0] == first
            assert sum(width for _, width in covered) == end - first
            assert len(nodes) <= 2 * 6


@pytest.mark.parametrize("size", SIZES)
def test_every_inclusion_proof_verifies_and_no_other_leaf_does(size: int) -> None:
    tree, root = Tree(hashes(size)), naive_root(hashes(size))
    for index in range(size):
        proof = inclusion(index, size, tree.node)
        verify_inclusion(index, size, tree.node(0, index), proof, root)
        with pytest.raises(ProofError):
            verify_inclusion(index, size, random_hash(index), proof, root)
        with pytest.raises(ProofError):
            verify_inclusion(index, size, tree.node(0, index), [*proof, root], root)


@pytest.mark.parametrize("size", SIZES)
def test_every_consistency_proof_verifies_and_binds_both_roots(size: int) -> None:
    tree, root = Tree(hashes(size)), naive_root(hashes(size))
    for old in range(1, size + 1):
        old_root = naive_root(hashes(old))
        proof = consistency(old, size, tree.node)
        verify_consistency(old, size, old_root, root, proof)
        for wrong_old, wrong_new in ((random_hash(1), root), (old_root, random_hash(2))):
            with pytest.raises(ProofError):
                verify_consistency(old, size, wrong_old, wrong_new, proof)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion(index, size, Tree(hashes(3)).node)
    with pytest.raises(ProofError, match="no such leaf"):
        verify_inclusion(index, size, bytes(32), [], bytes(32))


@pytest.mark.parametrize(("old", "size"), [(0, 3), (4, 3)])
def test_no_consistency_of_sizes_that_are_none(old: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such sizes"):
        consistency(old, size, Tree(hashes(3)).node)
    with pytest.raises(ProofError, match="no such sizes"):
        verify_consistency(old, size, bytes(32), bytes(32), [])


def test_proofs_of_the_wrong_length_are_refused() -> None:
    tree = Tree(hashes(7))
    root = naive_root(hashes(7))
    with pytest.raises(ProofError, match="too short"):
        verify_inclusion(1, 7, tree.node(0, 1), [], root)
    with pytest.raises(ProofError, match="too short"):
        verify_consistency(3, 7, naive_root(hashes(3)), root, [])
    with pytest.raises(ProofError, match="too short"):
        verify_consistency(4, 7, naive_root(hashes(4)), root, [])
    with pytest.raises(ProofError, match="too long"):
        verify_consistency(
            3, 7, naive_root(hashes(3)), root, [*consistency(3, 7, tree.node), root, root]
        )
    with pytest.raises(ProofError, match="another root"):
        verify_consistency(7, 7, root, root, [root])
    with pytest.raises(ProofError, match="not hashes"):
        verify_inclusion(0, 2, tree.node(0, 0), [b"short"], root)


def test_a_proof_file_has_the_form_of_c2sp() -> None:
    note = "origin\n1\nroot\n\n— origin signature\n"
    text = format_tlog_proof(7, [bytes(32)], note)
    assert text == (
        "c2sp.org/tlog-proof@v1\nindex 7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n" + note
    )
