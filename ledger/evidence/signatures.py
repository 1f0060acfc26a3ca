"""Ed25519 signatures over the exact bytes that were shown. Private keys never reach the server."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

PUBLIC_KEY_LENGTH_BYTES = 32

_FIELD = 2**255 - 19
_ORDER_EIGHT = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _FIELD - 1, _ORDER_EIGHT, _FIELD - _ORDER_EIGHT})
"""The second coordinates (y) of the eight points of small order."""


def is_public_key(public_key: bytes) -> bool:
    """Whether ``public_key`` can stand for a party: 32 bytes, and not of small order.

    With a key of small order a signature can be made that holds for any bytes, so that it proves nothing.
    """
    if len(public_key) != PUBLIC_KEY_LENGTH_BYTES:
        return False
    second_coordinate = int.from_bytes(public_key, "little") % 2**255
    return second_coordinate % _FIELD not in _SMALL_ORDER


def new_private_key() -> bytes:
    """32 random bytes of a new Ed25519 private key, for the client's side."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def private_key_from_pem(content: bytes) -> bytes | None:
    """The 32 bytes of the Ed25519 key in an unencrypted PEM file (PKCS 8); None where there is none."""
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key.private_bytes_raw() if isinstance(key, Ed25519PrivateKey) else None


def public_key_of(private_key: bytes) -> bytes:
    """The 32-byte public key that belongs to ``private_key``."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def sign(private_key: bytes, content: bytes) -> bytes:
    """The 64-byte signature of ``content``."""
    return Ed25519PrivateKey.from_private_bytes(private_key).sign(content)


def is_signed(public_key: bytes, signature: bytes, content: bytes) -> bool:
    """Whether ``signature`` is that of ``public_key`` over exactly ``content``."""
    if not is_public_key(public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True
