"""Tree, proofs and lines hold for every shape, not only for the ones in the unit tests."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from auditroll.tlog import (
    Frontier,
    Span,
    consistency,
    inclusion,
    subtree_root,
    verify_consistency,
    verify_inclusion,
)
from auditroll.tlog.tiles import Tile, parse_tile_path, tile_path
from tests.unit.tlog.trees import Tree, hashes, naive_root

HASHES = hashes(300)
TREE = Tree(HASHES)


@given(st.lists(st.integers(0, 60), max_size=8))
def test_batches_of_any_size_grow_the_same_tree(batches: list[int]) -> None:
    frontier, size = Frontier(), 0
    for batch in batches:
        frontier.append_many(hashes(size + batch)[size:])
        size += batch
    assert frontier.size == size
    assert frontier.root() == naive_root(hashes(size))


@given(st.sets(st.integers(0, 300), min_size=2, max_size=8))
def test_adjoining_spans_hold_what_the_whole_tree_needs(cuts: set[int]) -> None:
    first, *_, end = sorted(cuts)
    covered: list[tuple[int, int]] = []
    for start, stop in pairwise(sorted(cuts)):
        span = Span(start)
        middle = (start + stop) // 2
        span.append_many(HASHES[start:middle])
        span.append_many(HASHES[middle:stop])
        assert all(TREE.node(*key) == hash_ for key, hash_ in span.nodes().items())
        covered += ((index << level, (index + 1) << level) for level, index in span.nodes())
    covered.sort()
    assert (covered[0][0], covered[-1][1]) == (first, end)
    assert all(before[1] == after[0] for before, after in pairwise(covered))


@given(st.integers(1, 300).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_inclusion_holds_for_every_leaf(place: tuple[int, int]) -> None:
    index, size = place
    proof = inclusion(index, size, TREE.node)
    verify_inclusion(index, size, HASHES[index], proof, subtree_root(HASHES[:size]))


@given(st.integers(1, 300).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size))))
def test_consistency_holds_for_every_pair_of_sizes(sizes: tuple[int, int]) -> None:
    old, size = sizes
    proof = consistency(old, size, TREE.node)
    roots = subtree_root(HASHES[:old]), subtree_root(HASHES[:size])
    verify_consistency(old, size, *roots, proof)


@given(st.integers(0, 63), st.integers(0, 2**53), st.integers(1, 256))
def test_tile_paths_round_trip(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_tile_path(tile_path(tile)) == tile
