"""Redeeming: a claim with its evidence, its audit, and what rate, quota, group, layers and budget leave.

A claim of a programme that decides as claims come is decided in the same transaction, unless it is drawn for
an audit; then with the audit's finding. Other programmes decide a period's claims together.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, and_, or_, select, tuple_

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on_all
from ledger.desk.enterprises import is_credit_code
from ledger.desk.failures import choice_faults, refuse, text_faults
from ledger.desk.payments.faults import person_faults
from ledger.desk.vouchers.budgets import BudgetAccount, Reserve, hold_budgets, reserves_of
from ledger.desk.vouchers.entries import add_payer_posting, add_provider_posting
from ledger.desk.vouchers.faults import (
    ClaimInOtherState,
    EvidenceUsed,
    OrderExceeded,
    ServiceNotDone,
)
from ledger.desk.vouchers.flags import flags_of
from ledger.desk.vouchers.life import (
    amount_faults,
    refuse_unrecognised,
    refuse_unusable,
    release_rest,
)
from ledger.desk.vouchers.programmes import ProgrammeOnDay, programme_by_code, programme_on
from ledger.desk.vouchers.providers import Provider, providers_by_id
from ledger.desk.vouchers.reading import (
    Claim,
    Order,
    Voucher,
    claim_by_id,
    order_by_id,
    orders_by_id,
    waiting_claims,
)
from ledger.desk.vouchers.reckoning import Deciding, Quotas, reckon
from ledger.desk.vouchers.rows import Rows
from ledger.desk.vouchers.sums import granted
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.measures import YUAN
from ledger.money import format_amount, parse_share
from ledger.rules.facts import Fault
from ledger.rules.plain.budget import apportioned
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import (
    redeemed_evidence,
    voucher_audit,
    voucher_claim,
    voucher_decision,
    voucher_entry,
    voucher_flag,
    voucher_use,
)

EVIDENCE_KINDS = ("contract_line", "receipt")
EVIDENCE_MAX = 50
CLAIMS_TOGETHER_MAX = 5_000


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


def one_form(number: str) -> str:
    """A number in one form: full-width characters, case and blanks don't make another one of it."""
    return "".join(unicodedata.normalize("NFKC", number).upper().split())


# --- claiming ---------------------------------------------------------------------------------------------


def claim(
    database: Database,
    act: Act,
    order_id: int,
    amount_minor: int,
    evidence: Sequence[EvidenceDraft],
    day: date,
) -> Done[int]:
    """The provider claims for a service done, up to the order's price; returns the claim's id.

    Raises ``RequestRefused``, ``NotFound``, ``VoucherUnusable``, ``ServiceNotDone``, ``OrderExceeded``,
    ``ProviderNotRecognised``, ``EvidenceUsed``, ``ProgrammeNotInForce``.
    """
    refuse([*amount_faults("amount", amount_minor), *_evidence_faults(evidence)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        named = order_by_id(connection, order_id)
        _hold(connection, [named.voucher])
        ordered = order_by_id(connection, order_id)
        used = ordered.voucher
        refuse_unusable(used, day)
        programme = programme_on(connection, used.application.programme_id, day)
        _refuse_unclaimable(ordered, amount_minor, day)
        provider = providers_by_id(connection, [ordered.provider_id])[ordered.provider_id]
        refuse_unrecognised(programme, provider, ordered.service, ordered.day)
        refuse(_missing_evidence(programme, evidence))
        _refuse_used(connection, evidence)
        flags = flags_of(connection, programme.registered, ordered, provider, amount_minor)
        rows, claim_id = Rows(), new_id()
        is_sampled = _is_sampled(programme, evidence, has_flags=bool(flags))
        _add_claim(rows, claim_id, ordered, amount_minor, day, is_sampled, evidence, flags)
        if not is_sampled and programme.document.decided == "as_claimed":
            one = Deciding(programme, claim_id, amount_minor, day, used, provider, ordered.service)
            _decide_at_once(connection, rows, one, day)
        rows.write(connection, record, "voucher_claimed", programme.registered.agreement_id)
        return {"claim": claim_id}

    request: dict[str, Json] = {
        "order": str(order_id),
        "amount_minor": amount_minor,
        "evidence": [[*one.key, one.content_hash.hex()] for one in evidence],
        "day": day.isoformat(),
    }
    return named_number(perform(database, act, "claim_voucher", request, work), "claim")


def audit(
    database: Database, act: Act, claim_id: int, accepted_minor: int, finding: str, person: str, day: date
) -> Done[int]:
    """An auditor's finding about a claim that was drawn: what of its cost counts; returns the claim's id.

    Raises ``RequestRefused``, ``NotFound``, ``ClaimInOtherState``, ``ProgrammeNotInForce``.
    """
    refuse([*text_faults("finding", finding), *person_faults("person", person)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        found, ordered = _held_claim(connection, claim_id)
        if found.state != "waiting_for_audit":
            raise ClaimInOtherState(claim=claim_id, state=found.state, needed="waiting_for_audit")
        if accepted_minor:
            refuse(amount_faults("accepted", accepted_minor, found.amount_minor))
        programme = programme_on(connection, ordered.voucher.application.programme_id, found.day)
        rows = Rows()
        rows.add(
            voucher_audit,
            claim_id=claim_id,
            amount_minor=accepted_minor,
            finding=finding,
            person=person,
            day=day,
        )
        if programme.document.decided == "as_claimed":
            provider = providers_by_id(connection, [ordered.provider_id])[ordered.provider_id]
            _decide_at_once(
                connection,
                rows,
                Deciding(
                    programme,
                    claim_id,
                    accepted_minor,
                    found.day,
                    ordered.voucher,
                    provider,
                    ordered.service,
                ),
                day,
            )
        rows.write(connection, record, "voucher_claim_audited", programme.registered.agreement_id)
        return {"claim": claim_id}

    request: dict[str, Json] = {
        "claim": str(claim_id),
        "accepted_minor": accepted_minor,
        "finding": finding,
        "person": person,
        "day": day.isoformat(),
    }
    return named_number(perform(database, act, "audit_voucher_claim", request, work), "claim")


def _held_claim(connection: Connection, claim_id: int) -> tuple[Claim, Order]:
    """The claim and its order once no other act changes them."""
    ordered = order_by_id(connection, claim_by_id(connection, claim_id).order_id)
    _hold(connection, [ordered.voucher])
    return claim_by_id(connection, claim_id), order_by_id(connection, ordered.order_id)


def _hold(connection: Connection, held: Sequence[Voucher]) -> None:
    queue_on_all(connection, Queue.VOUCHER, (str(one.voucher_id) for one in held))
    queue_on_all(connection, Queue.VOUCHER_QUOTA, map(_quota_name, held))


def _quota_name(held: Voucher) -> str:
    return f"{held.application.programme_id}/{held.application.quota_group}"


def _refuse_unclaimable(ordered: Order, amount_minor: int, day: date) -> None:
    if ordered.done_on is None or day < ordered.done_on:
        raise ServiceNotDone(order=ordered.order_id, day=day)
    left_minor = ordered.amount_minor - ordered.claimed_minor
    if amount_minor > left_minor:
        raise OrderExceeded(
            order=ordered.order_id,
            left=format_amount(left_minor, YUAN.scale),
            amount=format_amount(amount_minor, YUAN.scale),
        )


def _refuse_used(connection: Connection, evidence: Sequence[EvidenceDraft]) -> None:
    """Waits for whoever claims with the same evidence now. Raises ``EvidenceUsed``."""
    names = {"/".join(one.key) for one in evidence}
    names |= {one.content_hash.hex() for one in evidence if one.kind == "receipt"}
    queue_on_all(connection, Queue.VOUCHER_EVIDENCE, names)
    table = redeemed_evidence.c
    is_same = tuple_(table.kind, table.issuer, table.number, table.line).in_([one.key for one in evidence])
    receipts = [one.content_hash for one in evidence if one.kind == "receipt"]
    is_same_receipt = and_(table.kind == "receipt", table.content_hash.in_(receipts))
    used = connection.execute(select(redeemed_evidence).where(or_(is_same, is_same_receipt)).limit(1)).first()
    if used is not None:
        raise EvidenceUsed(kind=used.kind, number=used.number, issuer=used.issuer)


def _is_sampled(programme: ProgrammeOnDay, evidence: Sequence[EvidenceDraft], *, has_flags: bool) -> bool:
    """Drawn by a hash of the evidence, which the claimant doesn't choose freely, and the programme's id."""
    rule = programme.document.audit
    drawn = digest(
        canonical_bytes(
            [
                str(programme.registered.programme_id),
                *sorted(one.content_hash.hex() for one in evidence),
            ]
        )
    )
    return (rule.flagged and has_flags) or Fraction(int.from_bytes(drawn[:8], "big"), 2**64) < parse_share(
        rule.share
    )


def _add_claim(
    rows: Rows,
    claim_id: int,
    ordered: Order,
    amount_minor: int,
    day: date,
    is_sampled: bool,
    evidence: Sequence[EvidenceDraft],
    flags: Mapping[str, Mapping[str, Json]],
) -> None:
    rows.add(
        voucher_claim,
        claim_id=claim_id,
        order_id=ordered.order_id,
        amount_minor=amount_minor,
        day=day,
        is_sampled=is_sampled,
    )
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
    for code, grounds in flags.items():
        rows.add(voucher_flag, claim_id=claim_id, code=code, grounds=dict(grounds))


# --- deciding ---------------------------------------------------------------------------------------------


def decide_together(database: Database, act: Act, code: str, through: date) -> Done[int]:
    """Decides all claims up to ``through`` that wait, of a programme that decides together; how many.

    Where a payer's budget falls short, its parts are cut in the budget's order. Raises ``NotFound``,
    ``ProgrammeNotInForce``, ``RequestRefused`` for another kind of programme.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        programme = programme_on(connection, programme_by_code(connection, code).programme_id, through)
        refuse(choice_faults("programme", programme.document.decided, ("together",)))
        found = waiting_claims(connection, programme.registered.programme_id, through)[:CLAIMS_TOGETHER_MAX]
        ordered = orders_by_id(connection, [one.order_id for one in found])
        _hold(connection, [one.voucher for one in ordered.values()])
        found = _still_waiting(connection, programme, through, found)
        ordered = orders_by_id(connection, [one.order_id for one in found])
        rows = Rows()
        providers = providers_by_id(connection, [one.provider_id for one in ordered.values()])
        batch = [_deciding(programme, one, ordered[one.order_id], providers) for one in found]
        if batch:
            _decide_all(connection, rows, programme, batch, through)
        rows.write(
            connection, record, "voucher_claims_decided", programme.registered.agreement_id, claims=len(found)
        )
        return {"count": len(found)}

    request: dict[str, Json] = {"programme": code, "through": through.isoformat()}
    return named_number(perform(database, act, "decide_voucher_claims", request, work), "count")


def _still_waiting(
    connection: Connection, programme: ProgrammeOnDay, through: date, seen: Sequence[Claim]
) -> list[Claim]:
    """The claims that were seen before their vouchers were held, as they are now."""
    held = {one.claim_id for one in seen}
    again = waiting_claims(connection, programme.registered.programme_id, through)
    return [one for one in again if one.claim_id in held]


def _deciding(
    programme: ProgrammeOnDay, one: Claim, ordered: Order, providers: Mapping[int, Provider]
) -> Deciding:
    eligible_minor = one.amount_minor if one.audited_minor is None else one.audited_minor
    provider = providers[ordered.provider_id]
    return Deciding(
        programme, one.claim_id, eligible_minor, one.day, ordered.voucher, provider, ordered.service
    )


def _decide_at_once(connection: Connection, rows: Rows, one: Deciding, day: date) -> None:
    """First come, first served: the claim may use what is left of its own voucher's reserves."""
    application, used = one.voucher.application, one.voucher
    quotas = granted(connection, application.programme_id, application.quota_group)
    reserves = {
        reserve.role: reserve for reserve in reserves_of(connection, [used.voucher_id])[used.voucher_id]
    }
    by_payer = {role: reserves[role].left_minor if role in reserves else 0 for role in one.programme.budgets}
    reckon(one, quotas, used.left_minor, by_payer)
    left_minor = used.left_minor - one.total_minor
    _enter(rows, one, reserves, used.uses + 1, left_minor, day)
    if not left_minor:
        release_rest(connection, rows, list(reserves.values()))


def _decide_all(
    connection: Connection, rows: Rows, programme: ProgrammeOnDay, batch: Sequence[Deciding], day: date
) -> None:
    """First what each claim would get if the budgets sufficed, then each payer's part as far as they do."""
    accounts = hold_budgets(connection, rows, programme, day)
    _reckon_in_turn(connection, batch, {})
    _reckon_in_turn(connection, batch, _borne(programme, accounts, batch))
    left = {one.voucher.voucher_id: one.voucher.left_minor for one in batch}
    uses = {one.voucher.voucher_id: one.voucher.uses for one in batch}
    for one in batch:
        voucher_id = one.voucher.voucher_id
        left[voucher_id] -= one.total_minor
        uses[voucher_id] += bool(one.total_minor)
        reserves = {
            role: accounts[role].set_aside(rows, voucher_id, part_minor)
            for role, part_minor in one.by_payer.items()
        }
        _enter(rows, one, reserves, uses[voucher_id], left[voucher_id], day)


def _reckon_in_turn(
    connection: Connection, batch: Sequence[Deciding], limits: Mapping[int, Mapping[str, int]]
) -> None:
    """Every claim after those before it; ``limits`` is what each claim may ask of each payer."""
    programme_id = batch[0].voucher.application.programme_id
    groups = {one.voucher.application.quota_group for one in batch}
    quotas = {group: granted(connection, programme_id, group) for group in groups}
    left = {one.voucher.voucher_id: one.voucher.left_minor for one in batch}
    for one in batch:
        of_group = quotas[one.voucher.application.quota_group]
        reckon(one, of_group, left[one.voucher.voucher_id], limits.get(one.claim_id, {}))
        left[one.voucher.voucher_id] -= one.total_minor
        _count(of_group, one)


def _count(quotas: Quotas, one: Deciding) -> None:
    by_clause = quotas.setdefault(one.voucher.application.enterprise_id, {})
    for (clause, role), part_minor in one.parts.items():
        of_clause = by_clause.setdefault(clause, {})
        key = (one.claimed_on.year, role)
        of_clause[key] = of_clause.get(key, 0) + part_minor


def _borne(
    programme: ProgrammeOnDay, accounts: Mapping[str, BudgetAccount], batch: Sequence[Deciding]
) -> dict[int, dict[str, int]]:
    """What each payer's budget bears of each claim."""
    borne: dict[int, dict[str, int]] = {one.claim_id: {} for one in batch}
    for role, budget in programme.budgets.items():
        by_subject = budget.order == "by_subject"
        in_order = sorted(
            batch,
            key=lambda one: (one.voucher.application.enterprise_id if by_subject else 0, one.claim_id),
        )
        asked = {one.claim_id: Fraction(one.by_payer.get(role, 0)) for one in in_order}
        for claim_id, part in apportioned(budget, accounts[role].open_minor, asked).items():
            borne[claim_id][role] = int(part)
    return borne


def _enter(
    rows: Rows,
    one: Deciding,
    reserves: Mapping[str, Reserve],
    use: int,
    left_minor: int,
    day: date,
) -> None:
    """The decision and, if something is granted, its entry, and what it uses of voucher and reserves."""
    total_minor, application = one.total_minor, one.voucher.application
    rows.add(voucher_decision, claim_id=one.claim_id, amount_minor=total_minor, day=day, working=one.working)
    if not total_minor:
        return
    rows.add(
        voucher_entry,
        claim_id=one.claim_id,
        sequence=1,
        programme_id=application.programme_id,
        enterprise_id=application.enterprise_id,
        quota_group=application.quota_group,
        amount_minor=total_minor,
        kept_minor=total_minor,
        day=day,
        quota_day=one.claimed_on,
        reason="",
    )
    for place, ((clause, role), part_minor) in enumerate(one.parts.items(), start=1):
        party_id = one.programme.party_id(role)
        add_payer_posting(rows, one.claim_id, 1, place, clause, role, party_id, part_minor)
        reserves[role].take(rows, part_minor, one.claim_id, place)
    place = len(one.parts) + 1
    add_provider_posting(rows, one.claim_id, 1, place, one.provider.provider_id, -total_minor)
    rows.add(
        voucher_use,
        voucher_id=one.voucher.voucher_id,
        sequence=use,
        kind="claim",
        amount_minor=total_minor,
        left_minor=left_minor,
        day=day,
        reason="",
        claim_id=one.claim_id,
    )


# --- what a request must bring ----------------------------------------------------------------------------


def _evidence_faults(evidence: Sequence[EvidenceDraft]) -> list[Fault]:
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


def _missing_evidence(programme: ProgrammeOnDay, evidence: Sequence[EvidenceDraft]) -> list[Fault]:
    missing = set(programme.document.evidence) - {one.kind for one in evidence}
    return [
        Fault(
            "evidence",
            "EVIDENCE_MISSING",
            f"The programme asks for a {kind} with every claim. Bring one.",
            f"该计划要求每次兑付申请提供 {kind}，请补充。",
        )
        for kind in sorted(missing)
    ]
