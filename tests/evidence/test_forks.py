"""Following a log, and proving that it forked."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.evidence import forks, merkle
from ledger.evidence.checkpoints import Checkpoint
from ledger.evidence.forks import Fork, ForkUnreadable, LogForked, LogNotContinued
from ledger.evidence.merkle import ProofWrong, Tree, leaf_hash
from ledger.evidence.notes import Note, NoteNotSigned, SignerKey
from tests.other_bytes import other_bytes

LOG = SignerKey("example.com/log", bytes(range(32)))
OTHER = SignerKey("example.com/log", bytes(range(1, 33)))
SIZES = st.integers(1, 40)


def tree(size: int, forged_at: int | None = None) -> Tree:
    return Tree(
        leaf_hash(b"forged" if number == forged_at else str(number).encode()) for number in range(size)
    )


def signed(of: Tree, size: int, key: SignerKey = LOG) -> Note:
    return Checkpoint(key.name, size, merkle.root(size, of.read)).signed_by(key)


def follow(kept: Note, shown: Tree, old_size: int) -> None:
    proof = merkle.consistency_proof(old_size, shown.size, shown.read)
    old_root = merkle.root(old_size, shown.read)
    forks.require_continued(kept, signed(shown, shown.size), LOG.verifier, proof, old_root)


@given(SIZES, st.data())
def test_a_log_that_only_grows_is_followed(size: int, data: st.DataObject) -> None:
    old_size = data.draw(st.integers(1, size))
    follow(signed(tree(old_size), old_size), tree(size), old_size)


@given(SIZES, st.data())
def test_a_fork_is_proven_to_anybody_whatever_the_sizes(size: int, data: st.DataObject) -> None:
    old_size = data.draw(st.integers(1, size))
    kept = signed(tree(old_size), old_size)
    with pytest.raises(LogForked) as convicted:
        follow(kept, tree(size, forged_at=data.draw(st.integers(0, old_size - 1))), old_size)
    forks.verify_fork(Fork.parse(convicted.value.fork.encode()), LOG.verifier)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_proof_of_a_fork_with_other_bytes_is_refused_or_still_is_one(data: st.DataObject) -> None:
    """Of the two true heads: nobody else is convicted by it."""
    true = Fork(signed(tree(3), 3), signed(tree(3, forged_at=1), 3))
    with suppress(LedgerError):
        fork = Fork.parse(data.draw(other_bytes(true.encode())))
        forks.verify_fork(fork, LOG.verifier)
        assert {fork.kept.text, fork.seen.text} == {true.kept.text, true.seen.text}


@given(SIZES, st.data())
def test_no_honest_log_can_be_convicted(size: int, data: st.DataObject) -> None:
    """Whatever root and proof an accuser makes up."""
    old_size = data.draw(st.integers(1, size))
    grown = tree(size)
    hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=7)
    proof = merkle.consistency_proof(old_size, size, grown.read)
    made_up = data.draw(st.one_of(hashes, st.just(proof), st.permutations(proof)))
    accusation = Fork(
        signed(grown, old_size), signed(grown, size), data.draw(st.binary(max_size=40)), tuple(made_up)
    )
    with pytest.raises(ProofWrong):
        forks.verify_fork(accusation, LOG.verifier)


def test_a_log_that_shows_no_proof_is_not_continued_and_not_convicted() -> None:
    kept, seen = signed(tree(3), 3), signed(tree(7, forged_at=1), 7)
    with pytest.raises(LogNotContinued):
        forks.require_continued(kept, seen, LOG.verifier, [], b"")
    with pytest.raises(ProofWrong):
        forks.verify_fork(Fork(kept, seen), LOG.verifier)


def test_a_log_that_shows_a_smaller_head_is_not_continued() -> None:
    with pytest.raises(LogNotContinued):
        forks.require_continued(signed(tree(7), 7), signed(tree(3), 3), LOG.verifier, [], b"")


def test_heads_of_another_key_convict_nobody() -> None:
    with pytest.raises(NoteNotSigned):
        forks.verify_fork(Fork(signed(tree(3), 3), signed(tree(3, 1), 3, OTHER)), LOG.verifier)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"format": "other"}'])
def test_what_is_no_proof_of_a_fork_is_refused(content: bytes) -> None:
    with pytest.raises(ForkUnreadable):
        Fork.parse(content)
