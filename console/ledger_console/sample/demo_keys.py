"""Demo keys: the private keys with which the sample's parties sign, kept in a folder of the user's.

They stay on the client's side; the ledger is given public keys and signatures only, as with real keys.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ledger.errors import LedgerError
from ledger.evidence.signatures import new_private_key, public_key_of, sign

FOLDER_NAME = "demo-keys"
LABEL = "演示密钥 DEMO KEY"
KEY_LENGTH_BYTES = 32

_KEY = re.compile(r"[0-9a-f]{64}\n?", re.ASCII)
_README = """演示密钥 / Demo keys

本文件夹是园区合作账本示例各方签署协议所用的 Ed25519 私钥（每个主体一个文件，64 位十六进制）。
仅供演示，不代表任何真实主体，请勿用于正式协议。删除本文件夹后，加载示例时会重新生成。

The Ed25519 private keys with which the parties of Parkledger's sample sign: one file per party, 64 hex
digits. For demonstration only: they stand for no real party, so never sign a real agreement with them.
When this folder is deleted, loading the sample makes new ones.
"""


class DemoKeyUnreadable(LedgerError):
    """A file of the folder isn't a private key."""

    code = "DEMO_KEY_UNREADABLE"
    sentence_en = (
        "Expected 64 hex digits in {path}, but got something else. Delete the file and load the sample again."
    )
    sentence_zh = "{path} 应为 64 位十六进制数字，实际不是。请删除该文件后重新加载示例。"


class DemoKeys:
    """The keys of one folder, made when they're first asked for: the folder 0700, each file 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of_home(cls, home: Path) -> DemoKeys:
        """The demo keys in the ledger's home folder."""
        return cls(home / FOLDER_NAME)

    def public_key(self, party_code: str) -> bytes:
        """The party's public key, 32 bytes. Raises ``DemoKeyUnreadable``."""
        return public_key_of(self._private_key(party_code))

    def sign(self, party_code: str, content: bytes) -> bytes:
        """The party's signature of ``content``, 64 bytes. Raises ``DemoKeyUnreadable``."""
        return sign(self._private_key(party_code), content)

    def _private_key(self, party_code: str) -> bytes:
        path = self._folder / f"{party_code}.key"
        if not path.exists():
            self._make(path)
        text = path.read_text(encoding="ascii", errors="replace")
        if _KEY.fullmatch(text) is None:
            raise DemoKeyUnreadable(path=path)
        return bytes.fromhex(text)

    def _make(self, path: Path) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._folder / "README.txt", _README)
        write_whole(path, new_private_key().hex() + "\n")


def write_whole(path: Path, text: str) -> None:
    """Writes the file unless it's there; nobody ever sees a part of it, and the first of two writers wins."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()
