"""Signed notes, as the Go package ``sumdb/note`` writes and reads them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import LedgerError
from ledger.evidence import notes
from ledger.evidence.notes import (
    Note,
    NoteKeyUnreadable,
    NoteNotSigned,
    NoteUnreadable,
    Signature,
    SignerKey,
    VerifierKey,
)
from ledger.evidence.signatures import sign
from tests.other_bytes import other_bytes

# The example of the package's documentation: its keys, its text and its signature.
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = (
    "\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)

OTHER = SignerKey("example.com/log", bytes(range(32)))


def test_the_reference_keys_are_read_and_written_as_they_are() -> None:
    signer, verifier = SignerKey.parse(SIGNER), VerifierKey.parse(VERIFIER)
    assert (str(signer), str(verifier)) == (SIGNER, VERIFIER)
    assert signer.verifier == verifier


def test_the_reference_text_gets_the_reference_signature() -> None:
    note = SignerKey.parse(SIGNER).sign(TEXT)
    assert note.encode().decode() == f"{TEXT}\n{SIGNATURE}\n"
    notes.verify(note, VerifierKey.parse(VERIFIER))


@given(
    st.lists(st.from_regex(r"[ -~]+", fullmatch=True), min_size=1).map(lambda lines: "\n".join(lines) + "\n")
)
def test_what_is_signed_is_read_back_and_verifies(text: str) -> None:
    note = Note.parse(OTHER.sign(text).encode())
    assert note.text == text
    notes.verify(note, OTHER.verifier)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_note_with_other_bytes_anywhere_is_refused_or_says_the_same(data: st.DataObject) -> None:
    true = OTHER.sign("first\n\nsecond\n")
    with suppress(LedgerError):
        note = Note.parse(data.draw(other_bytes(true.encode())))
        notes.verify(note, OTHER.verifier)
        assert note.text == true.text


def test_a_text_with_blank_lines_ends_at_the_last_one() -> None:
    note = OTHER.sign("first\n\nsecond\n")
    assert Note.parse(note.encode()).text == "first\n\nsecond\n"


def test_a_private_key_is_not_shown_by_accident() -> None:
    assert OTHER.private_key.hex() not in repr(OTHER)
    assert str(OTHER) not in repr(OTHER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PeterNeumann+c74f20a3",
        VERIFIER.replace("c74f20a3", "c74f20a4"),
        VERIFIER.replace("Peter", "Pieter"),
        VERIFIER.replace("+AR", "+BR"),
        VERIFIER + "=",
        VERIFIER[:-4],
        "two words+00000000+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_damaged_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(NoteKeyUnreadable):
        VerifierKey.parse(text)


@pytest.mark.parametrize("text", ["", VERIFIER, SIGNER[:-4], SIGNER.replace("c74f20a3", "c74f20a4")])
def test_a_damaged_private_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(NoteKeyUnreadable) as refused:
        SignerKey.parse(text)
    assert not text or text not in refused.value.message_en


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        f"{TEXT}{SIGNATURE}\n".encode(),
        f"{TEXT}\n{SIGNATURE}".encode(),
        f"{TEXT}\n{SIGNATURE}\n\n".encode(),
        f"{TEXT}\n{SIGNATURE}\nmore\n".encode(),
        f"{TEXT}\r\n\n{SIGNATURE}\n".encode(),
        f"{TEXT}\n{SIGNATURE}\n".replace("\u2014", "-").encode(),
        f"{TEXT}\n\u2014 name AAAA\n".encode(),
        f"{TEXT}\n\u2014 na+me AAAAAAAA\n".encode(),
        f"{TEXT}\n\u2014 name AAAAAAB=\n".encode(),
        f"{TEXT}\n{SIGNATURE}\n".encode() + b"\xff",
        f"{TEXT}\n{SIGNATURE}\n".encode() * 20_000,
        (TEXT + "\n" + f"{SIGNATURE}\n" * 101).encode(),
    ],
)
def test_what_is_not_a_note_is_refused(content: bytes) -> None:
    with pytest.raises(NoteUnreadable):
        Note.parse(content)


def test_a_note_without_the_key_in_question_is_not_signed() -> None:
    with pytest.raises(NoteNotSigned):
        notes.verify(OTHER.sign(TEXT), VerifierKey.parse(VERIFIER))


def test_a_signature_replayed_under_another_text_is_not_one() -> None:
    replayed = Note("another text\n", SignerKey.parse(SIGNER).sign(TEXT).signatures)
    with pytest.raises(NoteNotSigned):
        notes.verify(replayed, VerifierKey.parse(VERIFIER))


def test_one_false_signature_in_the_name_of_the_key_spoils_the_true_one() -> None:
    true = OTHER.sign(TEXT)
    false = Signature(OTHER.name, OTHER.verifier.key_id, sign(OTHER.private_key, b"other"))
    with pytest.raises(NoteNotSigned):
        notes.verify(true.with_signatures([false]), OTHER.verifier)


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    note = OTHER.sign(TEXT)
    stranger = Signature("stranger", b"\0\0\0\0", bytes(64))
    notes.verify(note.with_signatures([stranger, stranger]), OTHER.verifier)
    assert len(note.with_signatures([stranger, stranger]).signatures) == 2
