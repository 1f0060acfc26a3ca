"""Signed notes (https://c2sp.org/signed-note): text with signature lines, and the keys that made them.

A key is told by its name and four bytes of a hash over its name, kind and public key. Its text forms,
``name+hash+base64`` and ``PRIVATE+KEY+name+hash+base64``, are those of the Go package ``sumdb/note``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from ledger.errors import LedgerError
from ledger.evidence.signatures import is_public_key, is_signed, public_key_of, sign

KEY_ID_BYTES = 4
NOTE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 100
PRIVATE_KEY_START = "PRIVATE+KEY+"

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+]+")
_SIGNATURE = re.compile(r"\u2014 ([^\s+]+) (\S+)")


class KeyKind(IntEnum):
    """What a key signs, and how: the kinds of signatures that are in use here."""

    ED25519 = 0x01
    """The text of the note."""
    COSIGNATURE = 0x04
    """A time and the text of a checkpoint: see ``ledger.evidence.checkpoints``."""


class NoteUnreadable(LedgerError):
    """Bytes that aren't a signed note."""

    code = "NOTE_UNREADABLE"
    sentence_en = "Expected a signed note (c2sp.org/signed-note), but {en}."
    sentence_zh = "应为签名文本（c2sp.org/signed-note），但{zh}。"


class NoteKeyUnreadable(LedgerError):
    """Text that isn't a key of a note."""

    code = "NOTE_KEY_UNREADABLE"
    sentence_en = "Expected a key of the form {expected}, but got {got!r}."
    sentence_zh = "密钥应为 {expected} 的形式，实际为 {got!r}。"


class NoteNotSigned(LedgerError):
    """The key that must have signed a note didn't, or one of its signatures is of another text."""

    code = "NOTE_NOT_SIGNED"
    sentence_en = "Expected a signature of {name} that is of this very text, but {en}. Don't rely on it."
    sentence_zh = "应有 {name} 对该文本的签名，但{zh}。请勿采信。"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a key that signs notes. Raises ``NoteKeyUnreadable`` for an unusable name or key."""

    name: str
    public_key: bytes
    kind: KeyKind = KeyKind.ED25519

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None or not is_public_key(self.public_key):
            raise NoteKeyUnreadable(expected="name+hash+key", got=self.name)

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key that ``text`` (``name+hash+base64``) names. Raises ``NoteKeyUnreadable``."""
        refusal = NoteKeyUnreadable(expected="name+hash+base64", got=text)
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise refusal
        try:
            content = from_base64(parts[2])
            key = cls(parts[0], content[1:], KeyKind(content[0]))
        except (ValueError, IndexError) as error:
            raise refusal from error
        if key.key_id.hex() != parts[1]:
            raise refusal
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.kind]) + self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """The four bytes that, with the name, tell this key from others."""
        hashed = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(hashed).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key that signs notes under a name; it never leaves its owner's machine."""

    name: str
    private_key: bytes

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        """The key that ``text`` (``PRIVATE+KEY+name+hash+base64``) holds. Raises ``NoteKeyUnreadable``."""
        refusal = NoteKeyUnreadable(expected="PRIVATE+KEY+name+hash+base64", got="…")
        parts = text.strip().removeprefix(PRIVATE_KEY_START).split("+", 2)
        if not text.startswith(PRIVATE_KEY_START) or len(parts) != 3:
            raise refusal
        try:
            content = from_base64(parts[2])
            key = cls(parts[0], content[1:])
            verifier = key.verifier
        except ValueError as error:
            raise refusal from error
        if content[0] != KeyKind.ED25519 or verifier.key_id.hex() != parts[1]:
            raise refusal
        return key

    def __str__(self) -> str:
        content = to_base64(bytes([KeyKind.ED25519]) + self.private_key)
        return f"{PRIVATE_KEY_START}{self.name}+{self.verifier.key_id.hex()}+{content}"

    def __repr__(self) -> str:
        return f"SignerKey({self.name!r})"

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, public_key_of(self.private_key))

    def sign(self, text: str) -> Note:
        """A note of ``text`` with this key's signature. Raises ``NoteUnreadable``."""
        signature = Signature(self.name, self.verifier.key_id, sign(self.private_key, text.encode()))
        return Note.parse(Note(text, (signature,)).encode())


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: whose, and the bytes that its kind of signature consists of."""

    name: str
    key_id: bytes
    content: bytes

    @classmethod
    def parse(cls, line: str) -> Signature:
        """The signature of one ``line`` without its end. Raises ``NoteUnreadable``."""
        match = _SIGNATURE.fullmatch(line)
        if match is None:
            raise NoteUnreadable(
                zh=f"{line[:80]!r} 不是签名行",
                en=f"{line[:80]!r} is not a signature line",
            )
        try:
            content = from_base64(match[2])
        except ValueError as error:
            raise NoteUnreadable(
                zh=f"{line[:80]!r} 不是签名行",
                en=f"{line[:80]!r} is not a signature line",
            ) from error
        if len(content) <= KEY_ID_BYTES:
            raise NoteUnreadable(
                zh=f"{line[:80]!r} 不含签名",
                en=f"{line[:80]!r} holds no signature",
            )
        return cls(match[1], content[:KEY_ID_BYTES], content[KEY_ID_BYTES:])

    def __str__(self) -> str:
        return f"\u2014 {self.name} {to_base64(self.key_id + self.content)}"

    def is_of(self, key: VerifierKey) -> bool:
        """Whether it says that it is of ``key``; whether that is true is another question."""
        return (self.name, self.key_id) == (key.name, key.key_id)


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends with a line end, and its signatures. Nothing is verified by reading one."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, content: bytes) -> Note:
        """The note that ``content`` holds. Raises ``NoteUnreadable``."""
        if len(content) > NOTE_BYTES_MAX:
            raise NoteUnreadable(
                zh=f"超过 {NOTE_BYTES_MAX} 字节",
                en=f"it has more than {NOTE_BYTES_MAX} bytes",
            )
        try:
            whole = content.decode()
        except UnicodeDecodeError as error:
            raise NoteUnreadable(
                zh="不是 UTF-8",
                en="it is not UTF-8",
            ) from error
        text, blank, lines = whole.rpartition("\n\n")
        if not blank or not lines.endswith("\n") or _CONTROL.search(whole):
            raise NoteUnreadable(
                zh="不是由文本行、空行和签名行组成",
                en="it is not lines of text, a blank line, and signature lines",
            )
        signatures = tuple(Signature.parse(line) for line in lines[:-1].split("\n"))
        if len(signatures) > SIGNATURES_MAX:
            raise NoteUnreadable(
                zh=f"超过 {SIGNATURES_MAX} 个签名",
                en=f"it has more than {SIGNATURES_MAX} signatures",
            )
        return cls(text + "\n", signatures)

    def encode(self) -> bytes:
        """The bytes that ``parse`` reads."""
        return (self.text + "\n" + "".join(f"{each}\n" for each in self.signatures)).encode()

    def of(self, key: VerifierKey) -> list[Signature]:
        """The signatures that say they are of ``key``. Raises ``NoteNotSigned`` where there is none."""
        found = [each for each in self.signatures if each.is_of(key)]
        if not found:
            raise NoteNotSigned(
                name=key.name,
                zh="没有该密钥的签名",
                en="there is none of its key",
            )
        return found

    def with_signatures(self, added: Sequence[Signature]) -> Note:
        """This note with further signature lines, none of them twice."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *added))))


def verify(note: Note, key: VerifierKey) -> None:
    """Raises ``NoteNotSigned`` unless ``key`` signed ``note``, and every line that says so is true."""
    for signature in note.of(key):
        if key.kind != KeyKind.ED25519 or not is_signed(
            key.public_key, signature.content, note.text.encode()
        ):
            raise NoteNotSigned(
                name=key.name,
                zh="以其名义的签名与该文本不符",
                en="a signature in its name is not of this text",
            )


def to_base64(content: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(content).decode()


def from_base64(text: str) -> bytes:
    """The bytes of standard base64 in its one canonical form. Raises ``ValueError``."""
    try:
        content = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(text) from error
    if to_base64(content) != text:
        raise ValueError(text)
    return content
