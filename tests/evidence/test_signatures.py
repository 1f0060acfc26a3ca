"""Ed25519 as RFC 8032 has it, over exactly the bytes that were shown."""

from __future__ import annotations

import pytest

from ledger.evidence.signatures import is_public_key, is_signed, new_private_key, public_key_of, sign

# RFC 8032, section 7.1, test 3.
PRIVATE_KEY = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
PUBLIC_KEY = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
CONTENT = bytes.fromhex("af82")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


def test_signature_is_that_of_the_standards_example() -> None:
    assert public_key_of(PRIVATE_KEY) == PUBLIC_KEY
    assert sign(PRIVATE_KEY, CONTENT) == SIGNATURE
    assert is_signed(PUBLIC_KEY, SIGNATURE, CONTENT)


def test_new_key_signs_what_its_public_key_confirms() -> None:
    private_key = new_private_key()
    assert len(private_key) == 32
    assert is_signed(public_key_of(private_key), sign(private_key, b"terms"), b"terms")
    assert new_private_key() != private_key


@pytest.mark.parametrize("bit", [0, 255, 256, 511])
def test_signature_with_one_bit_changed_is_none(bit: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[bit // 8] ^= 1 << bit % 8
    assert not is_signed(PUBLIC_KEY, bytes(changed), CONTENT)


@pytest.mark.parametrize("content", [b"", CONTENT + b"\n", CONTENT[:1], b" " + CONTENT])
def test_signature_of_other_bytes_is_none(content: bytes) -> None:
    assert not is_signed(PUBLIC_KEY, SIGNATURE, content)


def test_signature_by_another_key_is_none() -> None:
    assert not is_signed(public_key_of(new_private_key()), SIGNATURE, CONTENT)


@pytest.mark.parametrize(
    ("public_key", "signature"),
    [(b"", SIGNATURE), (PUBLIC_KEY[:-1], SIGNATURE), (PUBLIC_KEY, b""), (PUBLIC_KEY, SIGNATURE + b"\0")],
)
def test_key_or_signature_of_a_wrong_length_signs_nothing(public_key: bytes, signature: bytes) -> None:
    assert not is_signed(public_key, signature, CONTENT)


def test_key_of_small_order_signs_nothing() -> None:
    """With the neutral element as its key, one signature would hold for any bytes."""
    neutral = bytes([1]) + bytes(31)
    assert not is_signed(neutral, neutral + bytes(32), b"anything")


@pytest.mark.parametrize("sign_bit", [0, 0x80])
@pytest.mark.parametrize(
    "key",
    [
        "01" + "00" * 31,
        "00" * 32,
        "ec" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        # The same points written beyond the field.
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    ],
)
def test_every_way_to_write_a_key_of_small_order_is_refused(key: str, sign_bit: int) -> None:
    written = bytearray.fromhex(key)
    written[31] |= sign_bit
    assert not is_public_key(bytes(written))


def test_ordinary_key_is_a_public_key() -> None:
    assert is_public_key(PUBLIC_KEY)
    assert not is_public_key(PUBLIC_KEY[:-1])
