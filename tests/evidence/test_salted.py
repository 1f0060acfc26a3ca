"""Salted trees: documented to the byte, and one subject's part is all that a shown leaf tells."""

from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvariantBroken
from ledger.evidence.lines import Records, allocation_records, line_records
from ledger.evidence.merkle import EMPTY_ROOT, ProofWrong, Tree, node_hash, root_of
from ledger.evidence.salted import (
    LINES_FORM,
    SHARES_FORM,
    Parts,
    lines_by_subject,
    new_secret,
    shares_by_subject,
    verify_shown,
)

SECRET = bytes(range(32))
CODE = "91110000MA00000012"


def lines_of(*subjects: int) -> Records:
    """A line of each subject; the place is its amount."""
    count = len(subjects)
    return line_records(
        subject=subjects,
        measure=[4] * count,
        starts=[20240701] * count,
        months=[3] * count,
        amount=list(range(count)),
        document=[""] * count,
    )


def shares_of(*subjects: int) -> Records:
    ones = [1] * len(subjects)
    return allocation_records(
        cause=ones, clause=ones, subject=subjects, quarter=[20243] * len(subjects), book=ones,
        commodity=ones, party=ones, amount=ones, routed=ones,
    )  # fmt: skip


def hashed(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def test_a_return_of_two_enterprises_has_the_documented_root() -> None:
    def record(number: int, subject: int, amount: int) -> bytes:
        return struct.pack(">iiqiiq32x", number, 4, subject, 20240701, 3, amount)

    salts = hashlib.shake_256(SECRET).digest(32)
    head = b"\0parkledger.salted-lines/1".ljust(33, b"\0")
    first = hashed(head, salts[:16], record(1, 5, 1), record(2, 5, 2))
    second = hashed(head, salts[16:], record(1, 9, 0))
    assert lines_by_subject(lines_of(9, 5, 5)).root(SECRET) == node_hash(first, second)


def test_a_settlements_leaf_has_the_number_the_code_and_the_allocations() -> None:
    salt = hashlib.shake_256(SECRET).digest(16)
    record = struct.pack(">iiqiiiqqq", 1, 1, 5, 20243, 1, 1, 1, 1, 1)
    head = b"\0parkledger.salted-shares/1".ljust(33, b"\0")
    expected = hashed(head, salt, struct.pack(">q", 5), CODE.encode(), record)
    assert shares_by_subject(shares_of(5), {5: CODE}).root(SECRET) == expected
    park = hashed(head, salt, bytes(8 + 18), struct.pack(">iiqiiiqqq", 1, 1, 0, 20243, 1, 1, 1, 1, 1))
    assert shares_by_subject(shares_of(0), {}).root(SECRET) == park


def test_an_enterprise_without_allocations_has_a_leaf_too() -> None:
    parts = shares_by_subject(shares_of(5), {5: CODE, 7: CODE})
    assert parts.subjects == [5, 7]
    assert len(parts.contents[1]) == 26
    assert shares_by_subject(shares_of(), {}).root(SECRET) == EMPTY_ROOT


def test_a_credit_code_of_another_length_is_refused() -> None:
    with pytest.raises(InvariantBroken):
        shares_by_subject(shares_of(5), {5: "9111"})


def test_secrets_are_new_each_time() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert {len(new_secret())} == {32}


@given(st.lists(st.integers(0, 12), max_size=40), st.binary(min_size=32, max_size=32))
def test_every_subject_is_shown_by_its_own_lines_in_their_order(subjects: list[int], secret: bytes) -> None:
    parts = lines_by_subject(lines_of(*subjects))
    assert list(parts.subjects) == sorted(set(subjects))
    root, size = parts.root(secret), len(parts.subjects)
    for subject, content in zip(parts.subjects, parts.contents, strict=True):
        shown = parts.shown(subject, secret)
        verify_shown(LINES_FORM, content, shown, size, root)
        amounts = [struct.unpack_from(">iiqiiq", content, place)[5] for place in range(0, len(content), 64)]
        assert amounts == [place for place, one in enumerate(subjects) if one == subject]
        for other in (b"", content + content, content[:-1] + b"\x01"):
            with pytest.raises(ProofWrong):
                verify_shown(LINES_FORM, other, shown, size, root)
        with pytest.raises(ProofWrong):
            verify_shown(SHARES_FORM, content, shown, size, root)


@given(st.lists(st.integers(0, 12), min_size=2, max_size=20, unique=True))
def test_lines_of_others_change_no_leaf_but_their_own(subjects: list[int]) -> None:
    """Neither how many lines others have, nor where they stand, is in a subject's content."""
    alone = lines_by_subject(lines_of(subjects[0])).contents[0]
    among = lines_by_subject(lines_of(*subjects))
    assert among.contents[among.subjects.index(subjects[0])] == alone


@given(
    st.dictionaries(st.integers(0, 12), st.binary(min_size=1, max_size=3)),
    st.dictionaries(st.integers(0, 12), st.binary(min_size=1, max_size=3)),
    st.binary(min_size=32, max_size=32),
)
def test_leaves_tell_of_exactly_which_subjects_something_else_is_said(
    before: dict[int, bytes], after: dict[int, bytes], secret: bytes
) -> None:
    def parts(said: dict[int, bytes]) -> Parts:
        return Parts(LINES_FORM, sorted(said), [said[subject] for subject in sorted(said)])

    leaves = dict(zip(sorted(before), parts(before).leaves(secret), strict=True))
    others = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
    assert sorted(parts(after).changed(secret, leaves)) == sorted(others)


def test_a_subject_that_isnt_there_cant_be_shown() -> None:
    with pytest.raises(ProofWrong):
        Parts(LINES_FORM, [5], [b"x"]).shown(6, SECRET)


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_a_root_made_level_by_level_is_that_of_the_growing_tree(leaves: list[bytes]) -> None:
    assert root_of(leaves) == Tree(leaves).root()
