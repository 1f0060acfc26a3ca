"""Commitments: the hash by which a side binds itself to a file before anybody sees it."""

from __future__ import annotations

import secrets

from ledger.evidence.canonical import digest

NONCE_BYTES = 32


def new_nonce() -> bytes:
    """What keeps the content from being guessed. Whoever loses it can't open the commitment."""
    return secrets.token_bytes(NONCE_BYTES)


def commitment_of(content_hash: bytes, nonce: bytes) -> bytes:
    """SHA-256 over 128 ASCII characters: the nonce (32 bytes), then the SHA-256 of the content.

    Both are written as 64 lower-case hexadecimal digits.
    """
    return digest((nonce.hex() + content_hash.hex()).encode("ascii"))
