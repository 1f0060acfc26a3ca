"""Evidence of claims: receipts and lines of contracts, of which each is redeemed once."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger.desk.acts import Queue
from ledger.desk.enterprises import is_credit_code
from ledger.desk.failures import choice_faults, text_faults
from ledger.desk.vouchers.faults import EvidenceUsed
from ledger.desk.vouchers.rows import Rows
from ledger.rules.facts import Fault
from ledger.rules.vouchers import Programme
from ledger_schema.tables import redeemed_evidence

EVIDENCE_KINDS = ("contract_line", "receipt")
EVIDENCE_MAX = 50


@dataclass(frozen=True, slots=True)
class EvidenceDraft:
    """A receipt or a line of a contract: who issued it, its number, and the SHA-256 of the document."""

    kind: str
    issuer: str
    number: str
    line: str
    content_hash: bytes

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the one it is, however it is written."""
        return (self.kind, self.issuer, one_form(self.number), one_form(self.line))

    @property
    def queues(self) -> set[tuple[Queue, str]]:
        """What acts queue on who redeem it."""
        names = {"/".join(self.key)}
        if self.kind == "receipt":
            names.add(self.content_hash.hex())
        return {(Queue.VOUCHER_EVIDENCE, name) for name in names}


def one_form(number: str) -> str:
    """A number in one form: full-width characters, case and blanks don't make another one of it."""
    return "".join(unicodedata.normalize("NFKC", number).upper().split())


def redeemed_among(connection: Connection, evidence: Sequence[EvidenceDraft]) -> Redeemed:
    """Which of these were redeemed before, in whatever claim."""
    keys = zip(*(one.key for one in evidence), strict=True)
    receipts = [one.content_hash for one in evidence if one.kind == "receipt"]
    columns = dict(zip(("kinds", "issuers", "numbers", "lines"), map(list, keys), strict=True))
    rows = connection.execute(_REDEEMED, {**columns, "receipts": receipts}).all()
    return Redeemed(
        {(row.kind, row.issuer, row.number, row.line): row for row in rows},
        {row.content_hash: row for row in rows if row.kind == "receipt"},
    )


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Evidence that was redeemed, by what makes it the one it is, and receipts by their hash."""

    by_key: Mapping[tuple[str, str, str, str], Row[Any]]
    receipts: Mapping[bytes, Row[Any]]

    def refuse(self, evidence: Sequence[EvidenceDraft]) -> None:
        """Raises ``EvidenceUsed`` where one of these was redeemed."""
        for one in evidence:
            used = self.by_key.get(one.key)
            if used is None and one.kind == "receipt":
                used = self.receipts.get(one.content_hash)
            if used is not None:
                raise EvidenceUsed(kind=used.kind, number=used.number, issuer=used.issuer)


_REDEEMED = text("""
    SELECT kind, issuer, number, line, content_hash
    FROM unnest(
        cast(:kinds AS text[]), cast(:issuers AS text[]), cast(:numbers AS text[]), cast(:lines AS text[])
    ) AS asked (kind, issuer, number, line) JOIN redeemed_evidence USING (kind, issuer, number, line)
    UNION
    SELECT kind, issuer, number, line, content_hash FROM redeemed_evidence
    WHERE kind = 'receipt' AND content_hash = ANY(:receipts)
""")


def add_evidence(rows: Rows, claim_id: int, evidence: Sequence[EvidenceDraft]) -> None:
    """The rows of a claim's evidence."""
    for one in evidence:
        kind, issuer, number, line = one.key
        rows.add(
            redeemed_evidence,
            kind=kind,
            issuer=issuer,
            number=number,
            line=line,
            content_hash=one.content_hash,
            claim_id=claim_id,
        )


def evidence_faults(evidence: Sequence[EvidenceDraft]) -> list[Fault]:
    faults: list[Fault] = []
    for place, one in enumerate(evidence):
        path = f"evidence[{place}]"
        faults += choice_faults(f"{path}.kind", one.kind, EVIDENCE_KINDS)
        faults += text_faults(f"{path}.number", one.number)
        if one.kind == "contract_line":
            faults += text_faults(f"{path}.line", one.line)
        if not is_credit_code(one.issuer) or len(one.content_hash) != 32:
            faults.append(
                Fault(
                    path,
                    "EVIDENCE_UNUSABLE",
                    "Expected the issuer's unified social credit code and a SHA-256 of 32 bytes.",
                    "应填写开具方的统一社会信用代码和 32 字节的 SHA-256。",
                )
            )
    keys = {one.key for one in evidence}
    if not 1 <= len(evidence) <= EVIDENCE_MAX or len(keys) < len(evidence):
        faults.append(
            Fault(
                "evidence",
                "EVIDENCE_COUNT",
                f"Expected 1 to {EVIDENCE_MAX} pieces of evidence, each once, but got {len(evidence)}.",
                f"应提供 1 至 {EVIDENCE_MAX} 份不重复的凭证，实际为 {len(evidence)} 份。",
            )
        )
    return faults


def missing_evidence(programme: Programme, evidence: Sequence[EvidenceDraft]) -> list[Fault]:
    missing = set(programme.evidence) - {one.kind for one in evidence}
    return [
        Fault(
            "evidence",
            "EVIDENCE_MISSING",
            f"The programme asks for a {kind} with every claim. Bring one.",
            f"该计划要求每次兑付申请提供 {kind}，请补充。",
        )
        for kind in sorted(missing)
    ]
