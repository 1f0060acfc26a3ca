"""Following a log: whether a head continues the one before, and what proves that a log has two pasts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import LedgerError
from ledger.evidence import checkpoints, merkle, notes
from ledger.evidence.merkle import ProofWrong
from ledger.evidence.notes import Note, VerifierKey

FORK_FORMAT = "parkledger.fork/1"


class LogForked(LedgerError):
    """The log signed two heads of which neither continues the other; ``fork`` proves it."""

    code = "LOG_FORKED"
    sentence_en = (
        "The log {origin} has two pasts: it signed a head of {old_size} and one of {new_size} leaves that "
        "don't continue each other. Anybody can check the proof. Keep it, and tell the other zone and the "
        "auditor."
    )
    sentence_zh = (
        "日志 {origin} 有两种历史：已签署的 {old_size} 个叶子与 {new_size} 个叶子的检查点互不相承。"
        "任何人都可核验该证明。请保留，并告知对方园区和审计方。"
    )

    def __init__(self, fork: Fork, origin: str, old_size: int, new_size: int) -> None:
        super().__init__(origin=origin, old_size=old_size, new_size=new_size)
        self.fork = fork


class LogNotContinued(LedgerError):
    """The log didn't show that its head continues the one before; that alone convicts it of nothing."""

    code = "LOG_NOT_CONTINUED"
    sentence_en = (
        "The log {origin} didn't prove that its head of {new_size} leaves continues the one of {old_size} "
        "that you keep. Don't cosign it; ask again, and ask the operator why."
    )
    sentence_zh = (
        "日志 {origin} 未能证明 {new_size} 个叶子的检查点延续您保存的 {old_size} 个叶子的检查点。"
        "请勿会签；请重试并询问运维方原因。"
    )


class ForkUnreadable(LedgerError):
    """Bytes that aren't the proof of a fork."""

    code = "FORK_UNREADABLE"
    sentence_en = "Expected a proof of a fork (JSON of the format {format}), but got something else."
    sentence_zh = "应为分叉证明（{format} 格式的 JSON），实际不是。"


@dataclass(frozen=True, slots=True)
class Fork:
    """Two heads that a log signed, and the log's own proof of which tree its second head continues.

    ``other_root`` and ``proof`` lead to the second head's root from another tree of the first one's size.
    Both are empty where the two heads have one size.
    """

    kept: Note
    seen: Note
    other_root: bytes = b""
    proof: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """JSON that ``parse`` reads."""
        return json.dumps(
            {
                "format": FORK_FORMAT,
                "kept": self.kept.encode().decode(),
                "seen": self.seen.encode().decode(),
                "other_root": notes.to_base64(self.other_root),
                "proof": [notes.to_base64(each) for each in self.proof],
            },
            ensure_ascii=False,
            indent=1,
        ).encode()

    @classmethod
    def parse(cls, content: bytes) -> Fork:
        """The fork in a file. Raises ``ForkUnreadable``, ``NoteUnreadable``."""
        try:
            read = json.loads(content)
            if read["format"] != FORK_FORMAT:
                raise ValueError(read["format"])
            return cls(
                Note.parse(read["kept"].encode()),
                Note.parse(read["seen"].encode()),
                notes.from_base64(read["other_root"]),
                tuple(map(notes.from_base64, read["proof"])),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ForkUnreadable(format=FORK_FORMAT) from error


def require_continued(
    kept: Note, seen: Note, log: VerifierKey, proof: Sequence[bytes], old_root: bytes
) -> None:
    """Raises unless the head ``seen`` continues the head ``kept``.

    ``proof`` and ``old_root`` are the log's answer to how its tree continues that of the kept size.
    Raises ``LogForked``, ``LogNotContinued``, ``NoteNotSigned``, ``CheckpointUnreadable``.
    """
    fork = Fork(kept, seen, old_root, tuple(proof))
    old, new = checkpoints.verified(kept, log), checkpoints.verified(seen, log)
    if old == new:
        return
    if _is_proven(fork, log):
        raise LogForked(fork, log.name, old.size, new.size)
    try:
        merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)
    except ProofWrong as error:
        raise LogNotContinued(origin=log.name, old_size=old.size, new_size=new.size) from error


def verify_fork(fork: Fork, log: VerifierKey) -> None:
    """Raises ``ProofWrong`` unless ``fork`` proves that ``log`` has two pasts, ``NoteNotSigned`` likewise."""
    if not _is_proven(fork, log):
        raise ProofWrong(zh="两个检查点未被证明互不相承", en="the two heads aren't shown to differ")


def _is_proven(fork: Fork, log: VerifierKey) -> bool:
    old, new = checkpoints.verified(fork.kept, log), checkpoints.verified(fork.seen, log)
    if old.size == new.size:
        return old.root != new.root
    try:
        shown_old, shown_new = merkle.roots_of_consistency(old.size, new.size, fork.proof, fork.other_root)
    except ProofWrong:
        return False
    return shown_new == new.root and shown_old != old.root
