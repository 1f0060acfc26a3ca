"""Salted trees: what a return or a settlement says of one subject can be shown alone, and nothing of others.

Every subject has one leaf of an RFC 6962 tree, in order of the subjects' numbers. A leaf holds, with nothing
between:

====== ===== ============================================================================
offset bytes field
====== ===== ============================================================================
0      32    name of the form in ASCII, filled up with zero bytes
32     16    salt
48     ..    what is said of the subject
====== ===== ============================================================================

Lines (``parkledger.salted-lines/1``): the subject's line records (``ledger.evidence.lines``) in the order of
the return, numbered from 1 within the subject, so that a number tells nothing of the lines of others.

Shares (``parkledger.salted-shares/1``): the subject's number (8 bytes), its credit code (18 bytes of ASCII,
zero bytes for the whole park), and its allocation records in key order.

A return has few figures on an enterprise, and who guesses them could try a plain hash. The salts keep leaves
from being guessed. They are the bytes that SHAKE-256 gives of a secret: the first 16 are the salt of leaf 0,
and so on. One salt tells nothing of the secret, nor of another salt.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.errors import InvariantBroken
from ledger.evidence.lines import Records, head_of
from ledger.evidence.merkle import (
    LEAF_PREFIX,
    ProofWrong,
    Tree,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_inclusion,
)

LINES_FORM = "parkledger.salted-lines/1"
SHARES_FORM = "parkledger.salted-shares/1"
SALT_BYTES = 16
SECRET_BYTES = 32
SUBJECT_BYTES = 8
CREDIT_CODE_BYTES = 18


class Shown(NamedTuple):
    """What lets one subject's part be shown alone: its leaf's number, its salt, and the path to the root."""

    leaf: int
    salt: bytes
    hashes: list[bytes]


@dataclass(frozen=True, slots=True)
class Parts:
    """What is said of each subject, by number: ``contents[i]`` of ``subjects[i]``."""

    form: str
    subjects: Sequence[int]
    contents: Sequence[bytes]

    def root(self, secret: bytes) -> bytes:
        """The root of the tree that is salted with ``secret``, 32 bytes."""
        return root_of(self.leaves(secret))

    def leaves(self, secret: bytes) -> list[bytes]:
        """The hashes of the leaves that are salted with ``secret``, 32 bytes each, by subject in order."""
        head, salts = LEAF_PREFIX + head_of(self.form), _salts(secret, len(self.subjects))
        return [
            hashlib.sha256(head + salts[place : place + SALT_BYTES] + content).digest()
            for place, content in zip(range(0, len(salts), SALT_BYTES), self.contents, strict=True)
        ]

    def changed(self, secret: bytes, leaves: Mapping[int, bytes]) -> list[int]:
        """The subjects of which something else is said than when the tree had ``leaves``, by subject.

        One that had no leaf is among them, and one of which nothing is said any more.
        """
        contents = dict(zip(self.subjects, self.contents, strict=True))
        at_their_places = Parts(self.form, list(leaves), [contents.get(one, b"") for one in leaves])
        again = zip(leaves.items(), at_their_places.leaves(secret), strict=True)
        return [subject for (subject, leaf), found in again if found != leaf] + sorted(
            contents.keys() - leaves.keys()
        )

    def shown(self, subject: int, secret: bytes) -> Shown:
        """How to show what is said of ``subject``. Raises ``ProofWrong`` where nothing is."""
        if subject not in self.subjects:
            raise ProofWrong(
                zh=f"树中没有主体 {subject} 的叶子", en=f"the tree has no leaf of the subject {subject}"
            )
        number = self.subjects.index(subject)
        tree = Tree(self.leaves(secret))
        salt = _salts(secret, number + 1)[-SALT_BYTES:]
        return Shown(number, salt, inclusion_proof(number, tree.size, tree.read))


def new_secret() -> bytes:
    """What the salts of one tree are made of. Whoever has it can guess what the leaves hold."""
    return secrets.token_bytes(SECRET_BYTES)


def verify_shown(form: str, content: bytes, shown: Shown, size: int, root: bytes) -> None:
    """Raises ``ProofWrong`` unless the salted tree of this size and root says ``content`` at its place."""
    if len(shown.salt) != SALT_BYTES:
        raise ProofWrong(
            zh=f"盐应为 {SALT_BYTES} 字节，实际为 {len(shown.salt)} 字节",
            en=f"expected a salt of {SALT_BYTES} bytes, but got {len(shown.salt)}",
        )
    leaf = leaf_hash(head_of(form) + shown.salt + content)
    verify_inclusion(leaf, shown.leaf, size, shown.hashes, root)


# --- what is said of a subject ----------------------------------------------------------------------------


def lines_by_subject(records: Records) -> Parts:
    """The lines of a return by subject."""
    ordered, bounds = _by_subject(records)
    firsts = np.repeat(bounds[:-1], np.diff(bounds))
    ordered["line"] = np.arange(len(ordered)) - firsts + 1
    return Parts(LINES_FORM, ordered["subject"][bounds[:-1]].tolist(), list(_slices(ordered, bounds)))


def shares_by_subject(records: Records, credit_codes: Mapping[int, str]) -> Parts:
    """The allocations of a settlement by subject; ``credit_codes`` has every subject, also one without any.

    The whole park's credit code is empty. Raises ``InvariantBroken`` for a code of another length.
    """
    ordered, bounds = _by_subject(records)
    allocated = dict(zip(ordered["subject"][bounds[:-1]].tolist(), _slices(ordered, bounds), strict=True))
    subjects = sorted(credit_codes.keys() | allocated.keys())
    contents = [
        share_content(subject, credit_codes.get(subject, ""), allocated.get(subject, b""))
        for subject in subjects
    ]
    return Parts(SHARES_FORM, subjects, contents)


def share_content(subject: int, credit_code: str, records: bytes) -> bytes:
    """What a settlement's leaf holds after the salt. Raises ``InvariantBroken``."""
    code = credit_code.encode()
    if len(code) not in (0, CREDIT_CODE_BYTES) or 0 in code:
        raise InvariantBroken(detail=f"{credit_code!r} isn't a credit code of {CREDIT_CODE_BYTES} bytes")
    return (
        subject.to_bytes(SUBJECT_BYTES, "big", signed=True) + code.ljust(CREDIT_CODE_BYTES, b"\0") + records
    )


def _by_subject(records: Records) -> tuple[Records, npt.NDArray[np.int64]]:
    """The records in order of subject, else as they were, and where each subject's begin, with the end."""
    ordered = records[np.argsort(records["subject"], kind="stable")]
    changes = np.flatnonzero(np.diff(ordered["subject"])) + 1
    firsts = np.concatenate([np.zeros(min(1, len(ordered)), np.int64), changes])
    return ordered, np.append(firsts, len(ordered))


def _slices(ordered: Records, bounds: npt.NDArray[np.int64]) -> Iterator[bytes]:
    content = ordered.tobytes()
    for begin, end in pairwise((bounds * ordered.itemsize).tolist()):
        yield content[begin:end]


def _salts(secret: bytes, count: int) -> bytes:
    return hashlib.shake_256(secret).digest(count * SALT_BYTES)
