"""Private keys of people and zones: read from their own files, used here, and never handed on."""

from __future__ import annotations

import re
from pathlib import Path

from ledger.errors import LedgerError
from ledger.evidence.signatures import private_key_from_pem
from ledger_console.command.output import read_bytes

_HEX = re.compile(rb"[0-9a-f]{64}\n?")


class PrivateKeyUnreadable(LedgerError):
    """A file that should hold a private key doesn't."""

    code = "PRIVATE_KEY_UNREADABLE"
    sentence_en = (
        "Expected an Ed25519 private key in {path}: PEM without a password, as openssl genpkey writes it, or "
        "64 hex digits."
    )
    sentence_zh = "{path} 应为 Ed25519 私钥：openssl genpkey 生成的未加密 PEM，或 64 位十六进制。"


def read_private_key(path: Path) -> bytes:
    """The key in the file. Raises ``PrivateKeyUnreadable``, ``FileNotReadable``."""
    content = read_bytes(path)
    if _HEX.fullmatch(content) is not None:
        return bytes.fromhex(content.decode())
    key = private_key_from_pem(content)
    if key is None:
        raise PrivateKeyUnreadable(path=path)
    return key
