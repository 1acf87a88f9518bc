"""Merkle trees as RFC 6962 has them: roots that grow, and proofs that show what is there and nothing else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Tree,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    root_of,
)

SIZES = st.integers(1, 70)


def leaves_of(size):
    return [leaf_hash(b"%d" % number) for number in range(size)]


def root_by_definition(leaves):
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_by_definition(leaves[:split]), root_by_definition(leaves[split:]))


def test_hashes_are_those_of_the_rfc():
    assert EMPTY_ROOT == hashlib.sha256(b"").digest() == Frontier().root
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of([leaf_hash(b""), leaf_hash(b"\0")]).hex() == (
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
    )


@given(SIZES)
def test_a_root_that_grew_is_the_root_of_all_leaves(size):
    assert root_of(leaves_of(size)) == root_by_definition(leaves_of(size))


@given(SIZES, st.data())
def test_a_leaf_is_proved_at_its_place_and_at_no_other(size, data):
    leaves = leaves_of(size)
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(Tree(leaves), index, size), root_of(leaves)
    assert is_included(leaves[index], index, size, root, proof)
    assert is_included(leaves[index], other, size, root, proof) == (other == index)
    assert not is_included(leaf_hash(b"forged"), index, size, root, proof)


@given(SIZES, st.data())
def test_a_tree_is_proved_to_be_the_beginning_of_what_it_grew_into(size, data):
    leaves = leaves_of(size)
    old = data.draw(st.integers(1, size))
    proof, root = consistency_proof(Tree(leaves), old, size), root_of(leaves)
    assert is_consistent(old, root_of(leaves[:old]), size, root, proof)
    rewritten = root_of([leaf_hash(b"rewritten"), *leaves[1:old]])
    assert not is_consistent(old, rewritten, size, root, proof)


def frontier_of(leaves):
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier


@given(SIZES, st.data())
def test_what_is_left_after_a_deletion_proves_the_same(size, data):
    leaves = leaves_of(size)
    gone = data.draw(st.integers(0, size - 1))
    index, old = data.draw(st.integers(gone, size - 1)), data.draw(st.integers(max(gone, 1), size))
    left = Tree(leaves[gone:], frontier_of(leaves[:gone]))
    assert left.root(0, size) == root_of(leaves)
    assert inclusion_proof(left, index, size) == inclusion_proof(Tree(leaves), index, size)
    assert consistency_proof(left, old, size) == consistency_proof(Tree(leaves), old, size)


@given(SIZES, st.data())
def test_what_was_deleted_is_not_made_up(size, data):
    leaves = leaves_of(size)
    gone = data.draw(st.integers(1, size))
    left = Tree(leaves[gone:], frontier_of(leaves[:gone]))
    old = data.draw(st.integers(1, gone))
    try:
        proof = consistency_proof(left, old, size)
    except LookupError:
        return
    assert proof == consistency_proof(Tree(leaves), old, size)


@given(SIZES, st.data())
def test_a_proof_with_another_hash_in_it_proves_nothing(size, data):
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(Tree(leaves), index, size), root_of(leaves)
    if not proof:
        return
    at = data.draw(st.integers(0, len(proof) - 1))
    forged = [*proof[:at], leaf_hash(b"forged"), *proof[at + 1 :]]
    assert not is_included(leaves[index], index, size, root, forged)
    assert not is_included(leaves[index], index, size, root, proof[:-1])
    assert not is_included(leaves[index], index, size, root, [*proof, proof[-1]])


@pytest.mark.fault("O05")
def test_every_pair_of_small_trees_is_consistent_and_nothing_else_is():
    for size in range(1, 33):
        leaves = leaves_of(size)
        for old in range(1, size + 1):
            proof = consistency_proof(Tree(leaves), old, size)
            for claimed in range(1, size + 1):
                holds = is_consistent(claimed, root_of(leaves[:claimed]), size, root_of(leaves), proof)
                assert holds == (claimed == old) or proof == consistency_proof(Tree(leaves), claimed, size)


@pytest.mark.fault("O05")
def test_a_root_leaves_no_choice_of_what_it_grew_from():
    """The count that it is known with belongs to it: without that, the same hashes hold for others."""
    for size in range(1, 17):
        leaves = leaves_of(size)
        proofs = [consistency_proof(Tree(leaves), old, size) for old in range(1, size + 1)]
        roots = [root_of(leaves[:old]) for old in range(1, size + 1)]
        for proof in proofs:
            for claimed, genuine in enumerate(roots, 1):
                for root in {*roots, *proof} - {genuine}:
                    assert not is_consistent(claimed, root, size, roots[-1], proof)
