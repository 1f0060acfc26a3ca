"""Checkpoints (https://c2sp.org/tlog-checkpoint) and their cosignatures (https://c2sp.org/tlog-cosignature).

A checkpoint says which tree a log has: its origin, size and root, signed as a note by the log. A cosignature
is the word of somebody else that they saw this tree, at a time, and that it continues every tree of this
log that they saw before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ledger.errors import LedgerError
from ledger.evidence import notes
from ledger.evidence.merkle import HASH_BYTES
from ledger.evidence.notes import KeyKind, Note, NoteNotSigned, Signature, SignerKey, VerifierKey
from ledger.evidence.signatures import is_signed, public_key_of, sign

TIME_BYTES = 8
TIME_MAX = 2**63 - 1
SIZE_MAX = 2**63 - 1
DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
PREVIOUS_START = "previous "


class CheckpointUnreadable(LedgerError):
    """Text of a note that isn't a checkpoint."""

    code = "CHECKPOINT_UNREADABLE"
    sentence_en = "Expected a checkpoint (origin, size and root hash, each on a line), but got {got!r}."
    sentence_zh = "应为检查点（来源、大小、根哈希，各占一行），实际为 {got!r}。"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree that a log of the name ``origin`` had when it held ``size`` leaves; ``root`` has 32 bytes.

    ``previous_size`` is that of the head which the log published before, 0 for its first; None where the
    checkpoint doesn't say so in its fourth line (``previous SIZE``, an extension line).
    """

    origin: str
    size: int
    root: bytes
    previous_size: int | None = None

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint that is the text of a note; other lines after the third are passed over.

        Raises ``CheckpointUnreadable``.
        """
        refusal = CheckpointUnreadable(got=text[:200])
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or DECIMAL.fullmatch(lines[1]) is None:
            raise refusal
        try:
            root = notes.from_base64(lines[2])
        except ValueError as error:
            raise refusal from error
        if len(root) != HASH_BYTES or int(lines[1]) > SIZE_MAX:
            raise refusal
        return cls(lines[0], int(lines[1]), root, _previous_size(lines[3]))

    def text(self) -> str:
        """The text that is signed."""
        previous = "" if self.previous_size is None else f"{PREVIOUS_START}{self.previous_size}\n"
        return f"{self.origin}\n{self.size}\n{notes.to_base64(self.root)}\n{previous}"

    def signed_by(self, key: SignerKey) -> Note:
        """The note that the log publishes."""
        return key.sign(self.text())


def verified(note: Note, key: VerifierKey) -> Checkpoint:
    """The checkpoint in ``note`` if the log whose key it is signed it; the origin is the key's name.

    Raises ``NoteNotSigned``, ``CheckpointUnreadable``.
    """
    notes.verify(note, key)
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != key.name:
        raise NoteNotSigned(
            name=key.name,
            zh=f"该检查点属于日志 {checkpoint.origin!r}",
            en=f"it is of the log {checkpoint.origin!r}",
        )
    return checkpoint


def cosigner_name(origin: str, party_code: str) -> str:
    """The name under which a party cosigns the log of this origin."""
    return f"{origin}/{party_code}"


def cosigner_key(name: str, public_key: bytes) -> VerifierKey:
    """The key of somebody who cosigns under ``name``."""
    return VerifierKey(name, public_key, KeyKind.COSIGNATURE)


def cosign(text: str, name: str, private_key: bytes, time_seconds: int) -> Signature:
    """The cosignature of a checkpoint's ``text`` at a time in seconds since 1970."""
    key = cosigner_key(name, public_key_of(private_key))
    signature = sign(private_key, _cosigned(text, time_seconds))
    return Signature(name, key.key_id, time_seconds.to_bytes(TIME_BYTES, "big") + signature)


def cosigned_at(text: str, signature: Signature, key: VerifierKey) -> int:
    """When ``key`` cosigned a checkpoint's ``text`` with this signature, in seconds since 1970.

    Raises ``NoteNotSigned`` where it isn't of this key and text.
    """
    time_seconds = int.from_bytes(signature.content[:TIME_BYTES], "big")
    if not (
        key.kind == KeyKind.COSIGNATURE
        and signature.is_of(key)
        and time_seconds <= TIME_MAX
        and is_signed(key.public_key, signature.content[TIME_BYTES:], _cosigned(text, time_seconds))
    ):
        raise NoteNotSigned(
            name=key.name,
            zh="会签与该密钥和检查点不符",
            en="it is not of this key and checkpoint",
        )
    return time_seconds


def verify_cosigned(note: Note, key: VerifierKey) -> int:
    """When ``key`` first cosigned ``note``, in seconds since 1970; every line in its name must be true.

    Raises ``NoteNotSigned``.
    """
    return min(cosigned_at(note.text, signature, key) for signature in note.of(key))


def _previous_size(line: str) -> int | None:
    written = line.removeprefix(PREVIOUS_START)
    is_said = line.startswith(PREVIOUS_START) and DECIMAL.fullmatch(written) is not None
    return int(written) if is_said else None


def _cosigned(text: str, time_seconds: int) -> bytes:
    return f"cosignature/v1\ntime {time_seconds}\n{text}".encode()
