"""Deciding claims: what rate, quota, group, layers and budget leave.

A claim of a programme that decides as claims come is decided in the same transaction, unless it is drawn for
an audit; then with the audit's finding. Other programmes decide a period's claims together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection

from ledger.desk.acts import Act, Done, Recorder, named_number, perform, queue_on_each
from ledger.desk.failures import choice_faults, refuse, text_faults
from ledger.desk.payments.faults import person_faults
from ledger.desk.vouchers.budgets import BudgetAccount, Reserve, hold_budgets, reserves_of
from ledger.desk.vouchers.entries import add_payer_posting, add_provider_posting
from ledger.desk.vouchers.faults import ClaimInOtherState
from ledger.desk.vouchers.life import amount_faults, release_rest
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
from ledger.desk.vouchers.reckoning import Deciding, reckon
from ledger.desk.vouchers.rows import Rows
from ledger.desk.vouchers.sums import Quotas, granted
from ledger.evidence.canonical import Json
from ledger.rules.plain.budget import apportioned
from ledger_schema.sessions import Database
from ledger_schema.tables import voucher_audit, voucher_decision, voucher_entry, voucher_use

CLAIMS_TOGETHER_MAX = 5_000


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
            providers = providers_by_id(connection, [ordered.provider_id])
            audited = replace(found, audited_minor=accepted_minor)
            _decide_at_once(connection, rows, _deciding(programme, audited, ordered, providers), day)
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
    queue_on_each(connection, {name for one in held for name in one.queues})


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
    group, voucher_id = one.voucher.application.group, one.voucher.voucher_id
    quotas = granted(connection, [group])[group]
    rest = decide_now(rows, one, quotas, reserves_of(connection, [voucher_id])[voucher_id], day)
    release_rest(connection, [(rows, rest)])


def decide_now(
    rows: Rows, one: Deciding, quotas: Quotas, reserves: Sequence[Reserve], day: date
) -> Sequence[Reserve]:
    """First come, first served: the claim may use what is left of its own voucher's ``reserves``.

    Returns those to be given back to the budgets, because nothing is left of the voucher.
    """
    by_role = {reserve.role: reserve for reserve in reserves}
    by_payer = {role: by_role[role].left_minor if role in by_role else 0 for role in one.programme.budgets}
    reckon(one, quotas, one.voucher.left_minor, by_payer)
    left_minor = one.voucher.left_minor - one.total_minor
    _enter(rows, one, by_role, one.voucher.uses + 1, left_minor, day)
    return () if left_minor else reserves


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
    quotas = granted(connection, {one.voucher.application.group for one in batch})
    left = {one.voucher.voucher_id: one.voucher.left_minor for one in batch}
    for one in batch:
        of_group = quotas[one.voucher.application.group]
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
