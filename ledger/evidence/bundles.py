"""Bundles: a closed quarter with everything that it rests on, in one file that needs nothing else.

The file is RFC 8785 JSON. What was hashed or signed is in it as text, byte for byte; every event comes with
its place in the log and the hashes that lead to the root of one signed checkpoint. docs/bundles.md has more.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from ledger.errors import LedgerError
from ledger.evidence import checkpoints, merkle, notes
from ledger.evidence.canonical import NotCanonical, canonical_bytes
from ledger.evidence.checkpoints import Checkpoint
from ledger.evidence.merkle import leaf_hash
from ledger.evidence.notes import Note, VerifierKey

FORMAT: Final = "parkledger.bundle/1"


class BundleUnreadable(LedgerError):
    """Bytes that aren't a bundle, nor an excerpt."""

    code = "BUNDLE_UNREADABLE"
    sentence_en = (
        "Expected a file as `parkledger bundle` or `parkledger excerpt` writes it ({expected}), "
        "but: {detail}. Ask for it again."
    )
    sentence_zh = (
        "应为 `parkledger bundle` 或 `parkledger excerpt` 写出的文件（{expected}），但：{detail}。"
        "请重新获取。"
    )


class BundleWrong(LedgerError):
    """Something in a file isn't what it should be; ``path`` is the first place where that shows."""

    code = "BUNDLE_WRONG"
    sentence_en = "The file doesn't hold. First thing that is wrong: {path}: {en}. Don't rely on it; keep it."
    sentence_zh = "文件不成立。首个错误：{path}：{zh}。请勿采信，并妥善保存。"

    def __init__(self, path: str, zh: str, en: str) -> None:
        super().__init__(path=path, zh=zh, en=en)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LoggedEvent(_Part):
    """An event's canonical bytes as text, the number of its leaf, and its audit path in base64."""

    event: str
    leaf: int
    hashes: list[str]


class NumberedContent(_Part):
    """The bytes of a version of the terms, or of the list of enterprises, as text."""

    version: int
    content: str


class ReturnedLine(_Part):
    """One figure of a return; ``subject`` is the enterprise's number, 0 for the whole park."""

    subject: str
    measure: str
    span: str
    amount_minor: str
    document: str


class Return(_Part):
    """A return by its number, its lines in order."""

    filing: str
    lines: list[ReturnedLine]


class BundledAllocation(_Part):
    """What a cause books for a party about a quarter, in minor units; docs/settlements.md has the fields."""

    cause: int
    clause: int
    subject: str
    quarter: str
    book: str
    commodity: str
    party: str
    amount_minor: str
    routed_minor: str


class BundledPosting(_Part):
    """A posting in minor units; a source account has no party."""

    account: str
    party: str | None
    book: str
    commodity: str
    amount_minor: str


class BundledEntry(_Part):
    """A balanced entry that a cause makes."""

    cause: int
    clause: int
    quarter: str
    postings: list[BundledPosting]


class Logged(_Part):
    """What rests on events under one signed checkpoint, as it is read: nothing is verified by that."""

    form: ClassVar[str]

    log_key: str
    checkpoint: str
    events: list[LoggedEvent]
    terms: list[NumberedContent]

    @classmethod
    def of(cls, document: Any) -> Self:
        """What a canonical document says. Raises ``BundleUnreadable``."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            path = ".".join(str(step) for step in first["loc"])
            raise BundleUnreadable(expected=cls.form, detail=f"{path}: {first['msg']}") from error

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """What is in a file, which must be in its one canonical form. Raises ``BundleUnreadable``."""
        return cls.of(document_in(content))

    def encode(self) -> bytes:
        """The bytes that ``parse`` reads."""
        return canonical_bytes(self.model_dump())


def document_in(content: bytes) -> Any:
    """The RFC 8785 document in a file. Raises ``BundleUnreadable`` for any other spelling of it."""
    try:
        document = json.loads(content)
        is_canonical = canonical_bytes(document) == content
    except (ValueError, RecursionError, NotCanonical) as error:
        raise BundleUnreadable(expected="RFC 8785 JSON", detail=type(error).__name__) from error
    if not is_canonical:
        raise BundleUnreadable(expected="RFC 8785 JSON", detail="other bytes / 字节不符")
    return document


class Bundle(Logged):
    """A bundle as it is read."""

    form: ClassVar[str] = FORMAT

    format: Literal["parkledger.bundle/1"]
    lists: list[NumberedContent]
    returns: list[Return]
    previous_inputs: str | None
    inputs: str
    bytes_to_sign: str | None
    allocations: list[BundledAllocation]
    entries: list[BundledEntry]


def verify_checkpoint(bundle: Logged, log_key: VerifierKey) -> tuple[Note, Checkpoint]:
    """The file's checkpoint with the log's signature verified. Raises ``BundleWrong``."""
    if bundle.log_key != str(log_key):
        raise BundleWrong("log_key", f"应为 {log_key}", f"expected {log_key}")
    try:
        note = Note.parse(bundle.checkpoint.encode())
        return note, checkpoints.verified(note, log_key)
    except (LedgerError, UnicodeEncodeError) as error:
        raise BundleWrong("checkpoint", *sentences(error)) from error


def verify_place(logged: LoggedEvent, path: str, checkpoint: Checkpoint) -> None:
    """Raises ``BundleWrong`` unless the event is the leaf that it says to be under ``checkpoint``."""
    try:
        hashes = [notes.from_base64(each) for each in logged.hashes]
        leaf = leaf_hash(logged.event.encode())
        merkle.verify_inclusion(leaf, logged.leaf, checkpoint.size, hashes, checkpoint.root)
    except (LedgerError, ValueError) as error:
        raise BundleWrong(path, *sentences(error)) from error


def sentences(error: Exception) -> tuple[str, str]:
    """What an error says in Chinese and in English, for the middle of a sentence."""
    if isinstance(error, LedgerError):
        return error.message_zh.rstrip("。"), error.message_en.rstrip(".")
    text = f"{type(error).__name__}: {error}"[:300]
    return text, text
