"""Proof files (https://c2sp.org/tlog-proof): that something is in a log, to be checked with no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import LedgerError
from ledger.evidence import checkpoints, merkle, notes
from ledger.evidence.checkpoints import Checkpoint
from ledger.evidence.notes import Note, NoteNotSigned, VerifierKey

HEAD = "c2sp.org/tlog-proof@v1"
HASHES_MAX = 63


class ProofUnreadable(LedgerError):
    """Bytes that aren't a proof file."""

    code = "PROOF_UNREADABLE"
    sentence_en = (
        "Expected a proof file (c2sp.org/tlog-proof): a head line, an index, hashes, a blank line and a "
        "checkpoint. Got something else. Download it again."
    )
    sentence_zh = (
        "应为证明文件（c2sp.org/tlog-proof）：首行、序号、哈希、空行和检查点，实际不是。请重新下载。"
    )


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The place of a leaf in a log's tree, the hashes that lead from it to the root, and the signed root."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Note
    extra: bytes = b""
    """Anything beside; nothing vouches for it."""

    @classmethod
    def parse(cls, content: bytes) -> TlogProof:
        """The proof in a file. Raises ``ProofUnreadable``, ``NoteUnreadable``."""
        above, _, note = content.partition(b"\n\n")
        try:
            _, *middle = above.decode("ascii").split("\n")
            extra = notes.from_base64(middle.pop(0)[6:]) if middle[0].startswith("extra ") else b""
            index = int(middle.pop(0).removeprefix("index "))
            proof = cls(index, tuple(map(notes.from_base64, middle)), Note.parse(note), extra)
        except (ValueError, IndexError) as error:
            raise ProofUnreadable from error
        if proof.encode() != content or index < 0 or len(proof.hashes) > HASHES_MAX:
            raise ProofUnreadable
        return proof

    def encode(self) -> bytes:
        """The bytes that ``parse`` reads."""
        extra = [f"extra {notes.to_base64(self.extra)}"] if self.extra else []
        lines = [HEAD, *extra, f"index {self.index}", *map(notes.to_base64, self.hashes)]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint.encode()


def verify(
    proof: TlogProof,
    leaf: bytes,
    log: VerifierKey,
    cosigners: Sequence[VerifierKey] = (),
    *,
    quorum: int | None = None,
) -> Checkpoint:
    """The checkpoint under which ``log`` holds the hash ``leaf``.

    The log's signature, at least ``quorum`` of the cosigners' (all of them if not given), and the way to the
    root are verified. Raises for the first that is wrong: ``NoteNotSigned``, ``CheckpointUnreadable``,
    ``ProofWrong``.
    """
    checkpoint = checkpoints.verified(proof.checkpoint, log)
    missing = [each.name for each in cosigners if not _has_cosigned(proof.checkpoint, each)]
    if len(cosigners) - len(missing) < (len(cosigners) if quorum is None else quorum):
        raise NoteNotSigned(name=", ".join(missing), zh="会签不足", en="too few have cosigned")
    merkle.verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return checkpoint


def _has_cosigned(note: Note, key: VerifierKey) -> bool:
    """A false line in a cosigner's name is refused, a missing one only counted. Raises ``NoteNotSigned``."""
    if not any(signature.is_of(key) for signature in note.signatures):
        return False
    checkpoints.verify_cosigned(note, key)
    return True
