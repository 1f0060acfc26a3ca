"""Ed25519 signatures of roles over stored bytes: of terms, of a settlement, of a reopening."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ledger.errors import LedgerError
from ledger.evidence.canonical import digest
from ledger.evidence.signatures import is_signed
from ledger_schema.tables import party, party_key


@dataclass(frozen=True, slots=True)
class Signature:
    """One role's Ed25519 signature (64 bytes) of the bytes that were shown to it."""

    role: str
    party_id: int
    public_key: bytes
    signature: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Signable:
    """What is signed: its exact bytes, and its name within a sentence."""

    content: bytes
    name_en: str
    name_zh: str


class KeyNotRegistered(LedgerError):
    """The public key isn't one of the party's."""

    code = "KEY_NOT_REGISTERED"
    sentence_en = (
        "The key {public_key} isn't registered for {party}. Register it first, or use a registered one."
    )
    sentence_zh = "公钥 {public_key} 未登记在 {party} 名下。请先登记，或使用已登记的密钥。"


class SignatureWrong(LedgerError):
    """The signature isn't the key's over exactly the bytes."""

    code = "SIGNATURE_WRONG"
    sentence_en = (
        "This isn't an Ed25519 signature by the key {public_key} of the bytes of {signed_en} "
        "(SHA-256 {content_hash}). Sign exactly the published bytes."
    )
    sentence_zh = (
        "这不是密钥 {public_key} 对{signed_zh}字节（SHA-256 {content_hash}）的 Ed25519 签名。"
        "请对公布的字节原样签名。"
    )


class AlreadySigned(LedgerError):
    """The role's signature is there."""

    code = "ALREADY_SIGNED"
    sentence_en = "The role {role} has signed {signed_en} already. Nothing is left to do for it."
    sentence_zh = "角色 {role} 已签署{signed_zh}，无需再次签署。"


class SignaturesMissing(LedgerError):
    """Not every role that must sign has signed."""

    code = "SIGNATURES_MISSING"
    sentence_en = "{subject_en} still needs the signatures of: {missing}."
    sentence_zh = "{subject_zh}尚缺以下角色的签名：{missing}。"

    def __init__(self, signed: Signable, missing: Iterable[str]) -> None:
        super().__init__(
            subject_en=signed.name_en[0].upper() + signed.name_en[1:],
            subject_zh=signed.name_zh,
            missing=", ".join(missing),
        )


def refuse_signature(
    connection: Connection,
    signed: Signable,
    given: Iterable[Signature],
    role: str,
    party_id: int,
    public_key: bytes,
    signature: bytes,
) -> None:
    """Refuses what isn't the first signature of ``role`` by a key of its party over exactly the bytes.

    Raises, in this order, ``AlreadySigned``, ``KeyNotRegistered``, ``SignatureWrong``.
    """
    if role in {one.role for one in given}:
        raise AlreadySigned(role=role, signed_en=signed.name_en, signed_zh=signed.name_zh)
    registered = connection.execute(
        select(party_key.c.label).where(
            party_key.c.party_id == party_id, party_key.c.public_key == public_key
        )
    ).one_or_none()
    if registered is None:
        code = connection.execute(select(party.c.code).where(party.c.party_id == party_id)).scalar_one()
        raise KeyNotRegistered(public_key=public_key.hex(), party=code)
    if not is_signed(public_key, signature, signed.content):
        raise SignatureWrong(
            public_key=public_key.hex(),
            signed_en=signed.name_en,
            signed_zh=signed.name_zh,
            content_hash=digest(signed.content).hex(),
        )


def refuse_unsigned(signed: Signable, needed: Iterable[str], given: Iterable[Signature]) -> None:
    """Raises ``SignaturesMissing`` unless every role that is ``needed`` has signed."""
    missing = unsigned(needed, given)
    if missing:
        raise SignaturesMissing(signed, missing)


def unsigned(needed: Iterable[str], given: Iterable[Signature]) -> list[str]:
    """The roles that are ``needed`` and haven't signed, in their order."""
    signed = {one.role for one in given}
    return [role for role in needed if role not in signed]
