"""Merkle trees: the RFC's vectors, laws over many shapes, and proofs that a forger might try."""

from __future__ import annotations

import base64
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.evidence import merkle
from ledger.evidence.merkle import Edge, ProofWrong, Tree, leaf_hash, node_hash

VECTORS = Path(__file__).parent / "vectors"
REFUSED = pytest.raises(ProofWrong)

# The eight leaves of the reference trees in the RFC's own test suites, and the root over all of them.
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes(range(0x60, 0x70)))
ROOT_OF_EIGHT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def vectors(kind: str) -> list[Any]:
    read = json.loads((VECTORS / f"{kind}.json").read_text())
    return [pytest.param(vector, id=name) for name, vector in read.items()]


def hashes(values: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or []]


def outcome(vector: dict[str, Any]) -> Any:
    return REFUSED if vector["wantErr"] else nullcontext()


@pytest.mark.parametrize("vector", vectors("inclusion"))
def test_inclusion_is_judged_as_the_vector_says(vector: dict[str, Any]) -> None:
    root, leaf = hashes([vector["root"], vector["leafHash"]])
    with outcome(vector):
        merkle.verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], hashes(vector["proof"]), root)


@pytest.mark.parametrize("vector", vectors("consistency"))
def test_consistency_is_judged_as_the_vector_says(vector: dict[str, Any]) -> None:
    old_root, new_root = hashes([vector["root1"], vector["root2"]])
    with outcome(vector):
        merkle.verify_consistency(
            vector["size1"], vector["size2"], hashes(vector["proof"]), old_root, new_root
        )


def test_root_of_the_reference_leaves_is_the_reference_root() -> None:
    assert Tree(map(leaf_hash, LEAVES)).root().hex() == ROOT_OF_EIGHT


def test_the_empty_tree_has_the_hash_of_nothing_for_its_root() -> None:
    assert Tree().root() == merkle.root(0, Tree().read) == merkle.EMPTY_ROOT
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_leaf_is_never_taken_for_a_node() -> None:
    left, right = leaf_hash(b"left"), leaf_hash(b"right")
    assert leaf_hash(left + right) != node_hash(left, right)


# --- laws -------------------------------------------------------------------------------------------------

SIZES = st.integers(1, 70)


def tree_of(size: int) -> Tree:
    return Tree(leaf_hash(number.to_bytes(2, "big")) for number in range(size))


def defined_root(leaves: list[bytes]) -> bytes:
    """The RFC's definition, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return node_hash(defined_root(leaves[:middle]), defined_root(leaves[middle:]))


@given(SIZES)
def test_the_root_is_that_of_the_definition_however_the_tree_grew(size: int) -> None:
    leaves = [leaf_hash(number.to_bytes(2, "big")) for number in range(size)]
    tree = Tree(leaves)
    assert tree.root() == defined_root(leaves)
    assert merkle.root(size, tree.read) == tree.root()


@given(SIZES, st.data())
def test_a_tree_taken_up_again_grows_as_if_never_put_down(size: int, data: st.DataObject) -> None:
    tree, before = tree_of(size), data.draw(st.integers(0, size))
    edge = Edge.of(before, tree.read)
    for number in range(before, size):
        edge.append(leaf_hash(number.to_bytes(2, "big")))
    assert (edge.size, edge.root()) == (size, tree.root())


@given(SIZES, st.data())
def test_every_leaf_is_proven_in_every_tree_that_holds_it(size: int, data: st.DataObject) -> None:
    tree, number = tree_of(size), data.draw(st.integers(0, size - 1))
    leaf = leaf_hash(number.to_bytes(2, "big"))
    proof = merkle.inclusion_proof(number, size, tree.read)
    merkle.verify_inclusion(leaf, number, size, proof, tree.root())
    assert len(proof) <= (size - 1).bit_length()
    other = data.draw(st.integers(0, size - 1).filter(lambda drawn: drawn != number)) if size > 1 else 1
    with REFUSED:
        merkle.verify_inclusion(leaf, other, size, proof, tree.root())


@given(SIZES, st.data())
def test_every_tree_is_proven_to_be_the_beginning_of_its_followers(size: int, data: st.DataObject) -> None:
    tree, old_size = tree_of(size), data.draw(st.integers(1, size))
    old_root = merkle.root(old_size, tree.read)
    proof = merkle.consistency_proof(old_size, size, tree.read)
    merkle.verify_consistency(old_size, size, proof, old_root, tree.root())
    assert len(proof) <= size.bit_length() + 1


@given(SIZES, st.data())
def test_a_changed_bit_anywhere_in_a_proof_makes_it_wrong(size: int, data: st.DataObject) -> None:
    tree, old_size = tree_of(size + 1), data.draw(st.integers(1, size))
    old_root = merkle.root(old_size, tree.read)
    proof = merkle.consistency_proof(old_size, size + 1, tree.read)
    place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    changed = bytearray(proof[place])
    changed[bit // 8] ^= 1 << bit % 8
    with REFUSED:
        merkle.verify_consistency(
            old_size,
            size + 1,
            [*proof[:place], bytes(changed), *proof[place + 1 :]],
            old_root,
            tree.root(),
        )


# --- forgers ----------------------------------------------------------------------------------------------


def forged(size: int, at: int) -> Tree:
    """A tree that has another leaf in one place."""
    leaves = [leaf_hash(number.to_bytes(2, "big")) for number in range(size)]
    return Tree([*leaves[:at], leaf_hash(b"forged"), *leaves[at + 1 :]])


@given(st.integers(2, 70), st.data())
def test_a_rebuilt_tree_proves_which_other_past_it_has(size: int, data: st.DataObject) -> None:
    """The proof that a forked log gives for its own past convicts it: it leads to the root it signed."""
    old_size = data.draw(st.integers(1, size - 1))
    honest, rebuilt = tree_of(size), forged(size, data.draw(st.integers(0, old_size - 1)))
    kept_root, other_root = merkle.root(old_size, honest.read), merkle.root(old_size, rebuilt.read)
    proof = merkle.consistency_proof(old_size, size, rebuilt.read)
    with REFUSED:
        merkle.verify_consistency(old_size, size, proof, kept_root, rebuilt.root())
    assert merkle.roots_of_consistency(old_size, size, proof, other_root) == (other_root, rebuilt.root())
    assert other_root != kept_root


@given(st.integers(2, 70), st.data())
def test_swapped_leaves_are_found_out(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, size - 2))
    leaves = [leaf_hash(number.to_bytes(2, "big")) for number in range(size)]
    swapped = Tree([*leaves[:first], leaves[first + 1], leaves[first], *leaves[first + 2 :]])
    proof = merkle.inclusion_proof(first, size, swapped.read)
    with REFUSED:
        merkle.verify_inclusion(leaves[first], first, size, proof, swapped.root())


@given(st.integers(2, 70))
def test_a_tree_with_its_tail_cut_off_is_no_follower(size: int) -> None:
    tree = tree_of(size)
    with REFUSED:
        merkle.consistency_proof(size, size - 1, tree.read)
    with REFUSED:
        merkle.verify_consistency(size, size - 1, [], tree.root(), merkle.root(size - 1, tree.read))


def test_half_a_proof_is_none() -> None:
    tree = tree_of(13)
    proof = merkle.inclusion_proof(5, 13, tree.read)
    for part in (proof[:-1], proof[1:], [*proof, proof[-1]], [proof[0][:31], *proof[1:]]):
        with REFUSED:
            merkle.verify_inclusion(leaf_hash((5).to_bytes(2, "big")), 5, 13, part, tree.root())


@pytest.mark.parametrize(("number", "size"), [(-1, 3), (3, 3), (0, 0), (2**63, 2**62)])
def test_a_leaf_outside_of_the_tree_has_no_proof(number: int, size: int) -> None:
    with REFUSED:
        merkle.inclusion_proof(number, size, Tree().read)
