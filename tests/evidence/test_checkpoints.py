"""Checkpoints and cosignatures."""

from __future__ import annotations

import pytest

from ledger.evidence import checkpoints
from ledger.evidence.checkpoints import Checkpoint, CheckpointUnreadable
from ledger.evidence.notes import Note, NoteNotSigned, Signature, SignerKey, VerifierKey
from ledger.evidence.signatures import public_key_of

LOG = SignerKey("example.com/log", bytes(range(32)))
CHECKPOINT = Checkpoint("example.com/log", 7, bytes(range(32)))
WITNESS_KEY = bytes(range(1, 33))
WITNESS = checkpoints.cosigner_key("witness.example", public_key_of(WITNESS_KEY))
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def test_a_checkpoint_is_three_lines() -> None:
    read = Checkpoint.parse(TEXT)
    assert (read.origin, read.size) == ("example.com/behind-the-sofa", 20852163)
    assert read.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert read.text() == TEXT


def test_the_size_of_the_head_before_is_the_fourth_line() -> None:
    said = Checkpoint.parse(TEXT + "previous 20852100\n")
    assert said.previous_size == 20852100
    assert said.text() == TEXT + "previous 20852100\n"
    for other in ("previous x\n", "previous 01\n", "before 5\n", "more\nprevious 5\n"):
        assert Checkpoint.parse(TEXT + other).previous_size is None


def test_further_lines_of_a_checkpoint_are_passed_over() -> None:
    assert Checkpoint.parse(TEXT + "more\n") == Checkpoint.parse(TEXT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n1\n",
        TEXT[:-1],
        TEXT + "\n",
        TEXT.replace("20852163", "020852163"),
        TEXT.replace("20852163", "-1"),
        TEXT.replace("20852163", "٣"),
        TEXT.replace("20852163", "9223372036854775808"),
        TEXT.replace("CsUY", "CsU"),
        TEXT.replace("CsUYapGG", ""),
        "\n" + TEXT,
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(CheckpointUnreadable):
        Checkpoint.parse(text)


def test_a_signed_checkpoint_verifies_under_the_logs_key() -> None:
    note = CHECKPOINT.signed_by(LOG)
    assert checkpoints.verified(Note.parse(note.encode()), LOG.verifier) == CHECKPOINT


def test_a_checkpoint_of_another_log_is_refused_even_with_this_logs_signature() -> None:
    foreign = Checkpoint("example.com/other", 7, bytes(32)).signed_by(LOG)
    with pytest.raises(NoteNotSigned):
        checkpoints.verified(foreign, LOG.verifier)


def test_a_cosignature_says_when() -> None:
    note = CHECKPOINT.signed_by(LOG)
    cosigned = note.with_signatures([checkpoints.cosign(note.text, WITNESS.name, WITNESS_KEY, 1_679_315_147)])
    assert checkpoints.verify_cosigned(Note.parse(cosigned.encode()), WITNESS) == 1_679_315_147
    assert checkpoints.verified(cosigned, LOG.verifier) == CHECKPOINT


def test_a_cosigners_key_has_a_text_form_of_its_own() -> None:
    assert VerifierKey.parse(str(WITNESS)) == WITNESS
    assert str(WITNESS) != str(VerifierKey(WITNESS.name, WITNESS.public_key))


def test_a_cosignature_replayed_under_another_checkpoint_or_time_is_none() -> None:
    signature = checkpoints.cosign(CHECKPOINT.text(), WITNESS.name, WITNESS_KEY, 5)
    later = Signature(signature.name, signature.key_id, (6).to_bytes(8, "big") + signature.content[8:])
    cut = Signature(signature.name, signature.key_id, signature.content[:-1])
    for text, replayed in ((TEXT, signature), (CHECKPOINT.text(), later), (CHECKPOINT.text(), cut)):
        with pytest.raises(NoteNotSigned):
            checkpoints.cosigned_at(text, replayed, WITNESS)


def test_the_signature_of_a_note_is_no_cosignature_and_the_reverse() -> None:
    plain = VerifierKey(WITNESS.name, WITNESS.public_key)
    note = CHECKPOINT.signed_by(SignerKey(WITNESS.name, WITNESS_KEY))
    cosigned = Note(note.text, (checkpoints.cosign(note.text, WITNESS.name, WITNESS_KEY, 5),))
    with pytest.raises(NoteNotSigned):
        checkpoints.verify_cosigned(note, WITNESS)
    with pytest.raises(NoteNotSigned):
        checkpoints.verified(cosigned, plain)
