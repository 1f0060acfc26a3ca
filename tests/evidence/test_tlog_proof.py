"""Proof files, and all that must be right about one before it proves anything."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.evidence import checkpoints, merkle, tlog_proof
from ledger.evidence.checkpoints import Checkpoint
from ledger.evidence.merkle import ProofWrong, Tree, leaf_hash
from ledger.evidence.notes import Note, NoteNotSigned, Signature, SignerKey
from ledger.evidence.signatures import public_key_of
from ledger.evidence.tlog_proof import ProofUnreadable, TlogProof
from tests.other_bytes import other_bytes

LOG = SignerKey("example.com/log", bytes(range(32)))
LEAVES = [leaf_hash(f"event {number}".encode()) for number in range(11)]
TREE = Tree(LEAVES)
ZONES = {name: bytes([place]) * 32 for place, name in enumerate(("east", "west"), 1)}
COSIGNERS = [checkpoints.cosigner_key(name, public_key_of(key)) for name, key in ZONES.items()]


def proof_of(number: int, tree: Tree = TREE) -> TlogProof:
    note = Checkpoint(LOG.name, tree.size, tree.root()).signed_by(LOG)
    cosignatures = [checkpoints.cosign(note.text, name, key, 5) for name, key in ZONES.items()]
    hashes = merkle.inclusion_proof(number, tree.size, tree.read)
    return TlogProof(number, tuple(hashes), note.with_signatures(cosignatures))


def test_a_proof_is_written_and_read_and_holds() -> None:
    proof = TlogProof.parse(proof_of(6).encode())
    assert proof == proof_of(6)
    assert tlog_proof.verify(proof, LEAVES[6], LOG.verifier, COSIGNERS).size == 11


def test_the_file_begins_as_the_format_has_it() -> None:
    head = replace(proof_of(10), extra=b"more").encode().decode().split("\n")[:3]
    assert head == ["c2sp.org/tlog-proof@v1", "extra bW9yZQ==", "index 10"]
    assert TlogProof.parse(replace(proof_of(10), extra=b"more").encode()).extra == b"more"


def test_a_tree_of_one_leaf_needs_no_hashes() -> None:
    proof = proof_of(0, Tree(LEAVES[:1]))
    assert TlogProof.parse(proof.encode()) == proof
    tlog_proof.verify(proof, LEAVES[0], LOG.verifier)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v2"),
        (b"index 6", b"index 06"),
        (b"index 6", b"index six"),
        (b"index 6", b"index -6"),
        (b"index 6\n", b""),
        (b"index 6\n", b"extra \nindex 6\n"),
        (b"=\n", b"\n"),
        (b"\n\n", b"\n"),
        (b"\n\n", b"\n" + b"A" * 43 + b"=\n" * 64 + b"\n\n"),
    ],
)
def test_a_damaged_file_is_refused(before: bytes, after: bytes) -> None:
    damaged = proof_of(6).encode().replace(before, after, 1)
    with pytest.raises(LedgerError) as refused:
        TlogProof.parse(damaged)
    assert refused.value.code in {"PROOF_UNREADABLE", "NOTE_UNREADABLE"}


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ProofUnreadable):
        TlogProof.parse(b"\xff\n\n")


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_file_with_other_bytes_anywhere_is_refused_or_proves_the_same(data: st.DataObject) -> None:
    """The same: lines of keys that nobody asked for, and what is written beside, aren't vouched for."""
    forged = data.draw(other_bytes(proof_of(6).encode()))
    with suppress(LedgerError):
        proof = TlogProof.parse(forged)
        tlog_proof.verify(proof, LEAVES[6], LOG.verifier)
        same = replace(proof_of(6), checkpoint=proof.checkpoint, extra=proof.extra)
        assert proof == same
        assert proof.checkpoint.text == proof_of(6).checkpoint.text


def test_the_proof_of_another_leaf_proves_nothing() -> None:
    with pytest.raises(ProofWrong):
        tlog_proof.verify(proof_of(6), LEAVES[7], LOG.verifier, COSIGNERS)
    with pytest.raises(ProofWrong):
        tlog_proof.verify(replace(proof_of(6), index=7), LEAVES[6], LOG.verifier, COSIGNERS)


def test_a_right_path_under_an_unsigned_root_proves_nothing() -> None:
    """Half a check would pass: the leaf leads to the root, but nobody signed that root."""
    rebuilt = Tree([*LEAVES[:6], leaf_hash(b"forged"), *LEAVES[7:]])
    text = Checkpoint(LOG.name, rebuilt.size, rebuilt.root()).text()
    forged = TlogProof(
        6,
        tuple(merkle.inclusion_proof(6, rebuilt.size, rebuilt.read)),
        Note(text, proof_of(6).checkpoint.signatures),
    )
    with pytest.raises(NoteNotSigned):
        tlog_proof.verify(forged, leaf_hash(b"forged"), LOG.verifier)


def test_a_log_alone_cannot_stand_in_for_its_cosigners() -> None:
    alone = replace(
        proof_of(6), checkpoint=Note(proof_of(6).checkpoint.text, proof_of(6).checkpoint.signatures[:2])
    )
    tlog_proof.verify(alone, LEAVES[6], LOG.verifier, COSIGNERS, quorum=1)
    with pytest.raises(NoteNotSigned) as refused:
        tlog_proof.verify(alone, LEAVES[6], LOG.verifier, COSIGNERS)
    assert "west" in refused.value.message_en


def test_a_false_cosignature_is_refused_even_where_the_others_suffice() -> None:
    proof = proof_of(6)
    false = Signature("west", COSIGNERS[1].key_id, bytes(72))
    signatures = (*proof.checkpoint.signatures[:2], false)
    spoiled = replace(proof, checkpoint=Note(proof.checkpoint.text, signatures))
    with pytest.raises(NoteNotSigned):
        tlog_proof.verify(spoiled, LEAVES[6], LOG.verifier, COSIGNERS, quorum=1)
