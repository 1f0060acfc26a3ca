"""Ed25519 signatures over the exact bytes that were shown. Private keys never reach the server."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def new_private_key() -> bytes:
    """32 random bytes of a new Ed25519 private key, for the client's side."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key_of(private_key: bytes) -> bytes:
    """The 32-byte public key that belongs to ``private_key``."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def sign(private_key: bytes, content: bytes) -> bytes:
    """The 64-byte signature of ``content``."""
    return Ed25519PrivateKey.from_private_bytes(private_key).sign(content)


def is_signed(public_key: bytes, signature: bytes, content: bytes) -> bool:
    """Whether ``signature`` is that of ``public_key`` over exactly ``content``."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True
