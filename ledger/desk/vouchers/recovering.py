"""Recovering after an audit: entries of its own against one claim, never against anybody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, func, select

from ledger.desk.acts import Act, Done, Recorder, named_number, perform, queue_on_each
from ledger.desk.failures import refuse, text_faults
from ledger.desk.payments.faults import person_faults
from ledger.desk.vouchers.budgets import budget_names, hold_budgets_of
from ledger.desk.vouchers.entries import add_payer_posting, add_provider_posting
from ledger.desk.vouchers.faults import ClaimInOtherState, MoreThanApproved
from ledger.desk.vouchers.life import amount_faults
from ledger.desk.vouchers.programmes import programme_by_id
from ledger.desk.vouchers.reading import Claim, Part, claim_by_id, order_by_id
from ledger.desk.vouchers.rows import Rows
from ledger.evidence.canonical import Json
from ledger.measures import YUAN
from ledger.money import RoundingMode, divide, format_amount
from ledger_schema.sessions import Database
from ledger_schema.tables import reserve_use, voucher_entry, voucher_posting, voucher_reserve


def recover(
    database: Database, act: Act, claim_id: int, amount_minor: int, reason: str, person: str, day: date
) -> Done[int]:
    """Takes back a part of what a claim was granted, of each payer's in proportion; returns the claim's id.

    The programme says whether quota and budget get room again, for later claims. Raises ``RequestRefused``,
    ``NotFound``, ``ClaimInOtherState``, ``MoreThanApproved``.
    """
    faults = text_faults("reason", reason) + person_faults("person", person)
    refuse(faults + amount_faults("amount", amount_minor))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        ordered = order_by_id(connection, claim_by_id(connection, claim_id).order_id)
        applied = ordered.voucher.application
        queue_on_each(connection, ordered.voucher.queues)
        found = claim_by_id(connection, claim_id)
        kept_minor = _refuse_unrecoverable(found, amount_minor)
        programme = programme_by_id(connection, applied.programme_id)
        rule, rows = programme.document.recovery, Rows()
        entry = _next_entry(connection, claim_id)
        rows.add(
            voucher_entry,
            claim_id=claim_id,
            sequence=entry,
            programme_id=applied.programme_id,
            enterprise_id=applied.enterprise_id,
            quota_group=applied.quota_group,
            amount_minor=amount_minor,
            kept_minor=kept_minor - amount_minor,
            day=day,
            quota_day=found.day if rule.quota == "restored" else None,
            reason=reason,
        )
        parts_minor = _parts(found, amount_minor)
        _post(rows, found, entry, parts_minor, ordered.provider_id)
        if rule.budget == "restored":
            _restore(connection, rows, found, entry, parts_minor)
        rows.write(connection, record, "voucher_recovered", programme.agreement_id, person=person)
        return {"claim": claim_id}

    request: dict[str, Json] = {
        "claim": str(claim_id),
        "amount_minor": amount_minor,
        "reason": reason,
        "person": person,
        "day": day.isoformat(),
    }
    return named_number(perform(database, act, "recover_voucher", request, work), "claim")


def _refuse_unrecoverable(found: Claim, amount_minor: int) -> int:
    """What is kept of the claim so far."""
    if not found.approved_minor:
        raise ClaimInOtherState(claim=found.claim_id, state=found.state, needed="approved")
    kept_minor = found.approved_minor - found.recovered_minor
    if amount_minor > kept_minor:
        raise MoreThanApproved(
            claim=found.claim_id,
            kept=format_amount(kept_minor, YUAN.scale),
            amount=format_amount(amount_minor, YUAN.scale),
        )
    return kept_minor


def _next_entry(connection: Connection, claim_id: int) -> int:
    last = select(func.max(voucher_entry.c.sequence)).where(voucher_entry.c.claim_id == claim_id)
    return int(connection.execute(last).scalar_one()) + 1


def _parts(found: Claim, amount_minor: int) -> list[int]:
    """Of each payer's part what is recovered now: in proportion to the parts, cumulatively, to the fen.

    The largest part takes what rounding leaves.
    """
    amounts = [part.amount_minor for part in found.parts]
    recovered = found.recovered_minor + amount_minor
    exact = [Fraction(recovered * amount, sum(amounts)) for amount in amounts]
    now = divide(exact, RoundingMode.DOWN, amounts.index(max(amounts)))
    return [upto - part.recovered_minor for upto, part in zip(now, found.parts, strict=True)]


def _post(rows: Rows, found: Claim, entry: int, parts_minor: Sequence[int], provider_id: int) -> None:
    for place, part, amount_minor in _placed(found.parts, parts_minor):
        add_payer_posting(
            rows, found.claim_id, entry, place, part.clause, part.role, part.party_id, -amount_minor
        )
    add_provider_posting(rows, found.claim_id, entry, len(found.parts) + 1, provider_id, sum(parts_minor))


def _restore(
    connection: Connection, rows: Rows, found: Claim, entry: int, parts_minor: Sequence[int]
) -> None:
    """Gives the budgets back what each bore."""
    budget_ids = _budgets_used(connection, found.claim_id)
    held = hold_budgets_of(connection, budget_names(connection, set(budget_ids.values())))
    for place, part, amount_minor in _placed(found.parts, parts_minor):
        held[budget_ids[part.clause, part.role]].restore(rows, found.claim_id, entry, place, amount_minor)


def _placed(parts: Sequence[Part], parts_minor: Sequence[int]) -> list[tuple[int, Part, int]]:
    """The postings' numbers with their parts; nothing is posted of a part of which nothing is recovered."""
    numbered = enumerate(zip(parts, parts_minor, strict=True), start=1)
    return [(place, part, amount_minor) for place, (part, amount_minor) in numbered if amount_minor]


def _budgets_used(connection: Connection, claim_id: int) -> dict[tuple[int, str], int]:
    """Of each clause and role, the budget that the claim used."""
    rows = connection.execute(
        select(voucher_posting.c.clause, voucher_posting.c.role, voucher_reserve.c.budget_id)
        .join(
            reserve_use,
            (reserve_use.c.claim_id == voucher_posting.c.claim_id)
            & (reserve_use.c.posting == voucher_posting.c.posting),
        )
        .join(voucher_reserve, voucher_reserve.c.reserve_id == reserve_use.c.reserve_id)
        .where(voucher_posting.c.claim_id == claim_id, voucher_posting.c.sequence == 1)
    )
    return {(row.clause, row.role): row.budget_id for row in rows}
