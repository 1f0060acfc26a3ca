"""A recognition agreement between two made-up zones, with a programme, providers and enterprises."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

from desk_fixtures import Document, Room, clause, enterprise, open_room

from ledger.desk import vouchers
from ledger.desk.acts import Act
from ledger.desk.enterprises import ListEntry, credit_code_check_character
from ledger.desk.vouchers import CertificationDraft, Claim, EvidenceDraft, OrderDraft, ProviderDraft, Voucher
from ledger.money import parse_amount
from ledger_schema.sessions import Database

HOME, PROVIDER_ZONE = "origin", "host"
DAY = date(2024, 3, 1)
SERVICE = "testing.analysis"


def voucher_clause(
    *,
    measure: str = "voucher_approved",
    shares: Mapping[str, str] | None = None,
    cap: str = "100000.00",
    caps: Sequence[Document] | None = None,
    rate: str | None = None,
    remainder_to: str = HOME,
    number: int = 1,
    eligibility: Document | None = None,
    **parts: Any,
) -> Document:
    """The four-party model: home 2/3, the provider's zone 1/3, a cap on each enterprise and year."""
    yearly = {
        "amount": cap,
        "over": "year",
        "unused": "lapses",
        "measured_on": "pool",
        "excess_to": None,
    }
    within = parts.pop("within", {})
    document = clause(
        number,
        mechanism="innovation_voucher",
        measures=(measure,),
        shares=shares or {HOME: "2/3", PROVIDER_ZONE: "1/3"},
        reported_by=HOME,
        whose={"scope": "listed_enterprises", "eligibility": eligibility},
        to_whom={"otherwise": remainder_to},
        within={"caps": list(caps) if caps is not None else [yearly], **within},
        how_much={} if rate is None else {"rates": [{"where": {}, "rate": rate}]},
        then={"provisional": "cash", "negative": "carry", "netting": True},
        rounding={"grain": "subject", "mode": "down", "remainder_to": remainder_to},
        **parts,
    )
    document["examples"] = [
        {
            "title": {"zh": "零", "en": "Nothing"},
            "subjects": {"e1": {}},
            "figures": [{"span": "2024Q1", "measure": measure, "amount": "0", "subject": "e1"}],
            "expect": [
                {"first": "2024Q1", "last": "2024Q1", "book": "cash", "party": remainder_to, "amount": "0"}
            ],
        }
    ]
    return document


def budget(payer: str, amount: str, order: str = "pro_rata", over: str = "year") -> Document:
    return {
        "amounts": [{"starts": "2024-01-01", "amount": amount}],
        "payer": payer,
        "over": over,
        "applied": "after_caps",
        "within_period": "step_by_step",
        "order": order,
        "unused": "lapses",
        "excess_to": None,
    }


def programme_document(**changes: Any) -> Document:
    return {
        "format": "parkledger.voucher-programme/1",
        "title": {"zh": "双创券", "en": "Innovation vouchers"},
        "home": HOME,
        "provider_zone": PROVIDER_ZONE,
        "clauses": [1],
        "at_home_paid_by": HOME,
        "services": [{"code": "testing", "title": {"zh": "检验检测", "en": "Testing"}}],
        "face_max": "200000.00",
        "validity_months": 12,
        "carries_over": False,
        "evidence": ["contract_line", "receipt"],
        "budgets": [budget(HOME, "10000000.00"), budget(PROVIDER_ZONE, "10000000.00")],
        "decided": "as_claimed",
        "audit": {"share": "0", "flagged": False},
        "recovery": {"quota": "restored", "budget": "restored"},
        **changes,
    }


def credit_code(place: int) -> str:
    first_17 = f"91110000MB{place:07d}"
    return first_17 + credit_code_check_character(first_17)


PROVIDERS = {HOME: credit_code(1), PROVIDER_ZONE: credit_code(2)}


@dataclass
class VoucherRoom(Room):
    """A room with short ways to work on vouchers; amounts are in yuan."""

    programme: str = "P-1"
    papers: count[int] = field(default_factory=lambda: count(1))

    def issue(self, enterprise: int, amount: str, *, day: date = DAY) -> int:
        code = enterprise_code(enterprise)
        applied = vouchers.apply(
            self.database, self.act(), self.programme, code, fen(amount), "检测", day
        ).value
        return vouchers.issue(self.database, self.act(), applied, fen(amount), "张三", day).value

    def order(
        self,
        voucher_id: int,
        amount: str,
        *,
        at: str = PROVIDER_ZONE,
        service: str = SERVICE,
        day: date = DAY,
        done: bool = True,
    ) -> int:
        draft = OrderDraft(
            voucher_id, PROVIDERS.get(at, at), service, f"HT-{next(self.papers)}", fen(amount), day
        )
        order_id = vouchers.order(self.database, self.act(), draft).value
        if done:
            vouchers.report_service(self.database, self.act(), order_id, "验收单", day)
        return order_id

    def papers_of(self, number: int | None = None) -> list[EvidenceDraft]:
        place = next(self.papers) if number is None else number
        return [
            EvidenceDraft("contract_line", PROVIDERS[PROVIDER_ZONE], f"HT-{place}", "1", paper(place, "c")),
            EvidenceDraft("receipt", PROVIDERS[PROVIDER_ZONE], f"FP-{place}", "", paper(place, "r")),
        ]

    def claim(
        self,
        order_id: int,
        amount: str,
        *,
        day: date = DAY,
        evidence: list[EvidenceDraft] | None = None,
        act: Act | None = None,
    ) -> Claim:
        papers = self.papers_of() if evidence is None else evidence
        done = vouchers.claim(self.database, act or self.act(), order_id, fen(amount), papers, day)
        return self.claim_now(done.value)

    def redeem(
        self,
        enterprise: int,
        amount: str,
        *,
        face: str | None = None,
        at: str = PROVIDER_ZONE,
        day: date = DAY,
    ) -> Claim:
        """A voucher for one service, from its issue to the claim."""
        voucher_id = self.issue(enterprise, face or amount, day=day)
        return self.claim(self.order(voucher_id, amount, at=at, day=day), amount, day=day)

    def audit(self, claim_id: int, accepted: str) -> None:
        vouchers.audit(self.database, self.act(), claim_id, fen(accepted), "核减", "王五", DAY)

    def recover(self, claim_id: int, amount: str, *, day: date = DAY) -> None:
        vouchers.recover(self.database, self.act(), claim_id, fen(amount), "审计发现", "王五", day)

    def claim_now(self, claim_id: int) -> Claim:
        with self.database.reading() as connection:
            return vouchers.claim_by_id(connection, claim_id)

    def voucher_now(self, voucher_id: int) -> Voucher:
        with self.database.reading() as connection:
            return vouchers.voucher_by_id(connection, voucher_id)

    def budgets(self) -> dict[str, tuple[int, int, int]]:
        """Of each payer (of one period) open, reserved and used, in fen."""
        with self.database.reading() as connection:
            found = vouchers.programme_by_code(connection, self.programme)
            return {
                one.role: (one.open_minor, one.reserved_minor, one.used_minor)
                for one in vouchers.budget_states(connection, found.programme_id)
            }


def open_voucher_room(
    database: Database,
    *clauses: Document,
    entries: Sequence[ListEntry] | None = None,
    roles: tuple[str, ...] = (HOME, PROVIDER_ZONE),
    code: str = "A-1",
    **changes: Any,
) -> VoucherRoom:
    """A room with a programme in force, two providers and five enterprises on the list."""
    room = open_room(
        database,
        *(clauses or (voucher_clause(),)),
        roles=roles,
        kind="voucher_recognition",
        code=code,
        make=VoucherRoom,
    )
    assert isinstance(room, VoucherRoom)
    room.confirm_list(*(entries or [enterprise(place) for place in range(1, 6)]))
    vouchers.register_programme(
        database, room.act(), room.agreement_id, room.programme, programme_document(**changes)
    )
    vouchers.confirm_programme(database, room.act(), room.programme, PROVIDER_ZONE)
    for role, code in PROVIDERS.items():
        draft = ProviderDraft(code, f"{role}检测中心", room.roles[role])
        vouchers.register_provider(database, room.act(), draft)
        certify(room, code, role)
    return room


def certify(
    room: VoucherRoom,
    code: str,
    role: str,
    kind: str = "certified",
    starts: date = date(2024, 1, 1),
    ends: date | None = None,
    services: tuple[str, ...] = ("testing",),
) -> None:
    draft = CertificationDraft(room.roles[role], kind, starts, ends, services, "认定文件")
    vouchers.certify_provider(room.database, room.act(), code, draft)


def enterprise_code(place: int) -> str:
    return enterprise(place).credit_code


def fen(amount: str) -> int:
    return parse_amount(amount, 2)


def paper(place: int, kind: str) -> bytes:
    return hashlib.sha256(f"{place}{kind}".encode()).digest()


def parts(found: Claim) -> dict[str, int]:
    """What each role bears, in fen."""
    totals: dict[str, int] = {}
    for part in found.parts:
        totals[part.role] = totals.get(part.role, 0) + part.amount_minor
    return totals
