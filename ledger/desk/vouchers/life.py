"""The life of a voucher up to the claim: applied for, issued, ordered on, the service done; and its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil
from typing import Any

from sqlalchemy import Connection

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on, queue_on_all
from ledger.desk.enterprises import confirmed_list, subjects_of
from ledger.desk.failures import choice_faults, refuse, text_faults
from ledger.desk.payments.faults import person_faults
from ledger.desk.vouchers.budgets import Reserve, budget_names, hold_budgets, hold_budgets_of, reserves_of
from ledger.desk.vouchers.faults import (
    ClaimsWaiting,
    NotEligible,
    ProviderNotRecognised,
    ServiceDone,
    VoucherUnusable,
)
from ledger.desk.vouchers.programmes import (
    ProgrammeOnDay,
    programme_by_code,
    programme_by_id,
    programme_on,
)
from ledger.desk.vouchers.providers import Provider, provider_by_code
from ledger.desk.vouchers.reading import (
    Voucher,
    application,
    has_waiting_claim,
    order_by_id,
    voucher_by_id,
    voucher_of,
    vouchers_past,
)
from ledger.desk.vouchers.rows import Rows, write_all
from ledger.evidence.canonical import Json
from ledger.measures import YUAN
from ledger.money import AMOUNT_LIMIT_MINOR, format_amount, parse_amount
from ledger.periods import add_months
from ledger.rules.facts import Fault
from ledger.rules.plain.claims import may_apply
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import (
    voucher,
    voucher_application,
    voucher_order,
    voucher_service,
    voucher_use,
)

ENDS = ("cancelled", "forfeited")
"""How a voucher can be ended before its last day."""


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """A service ordered; the provider by credit code, ``amount_minor`` its whole price."""

    voucher_id: int
    provider: str
    service: str
    contract: str
    amount_minor: int
    day: date


def apply(
    database: Database, act: Act, code: str, credit_code: str, amount_minor: int, purpose: str, day: date
) -> Done[int]:
    """An enterprise of the confirmed list applies for a voucher; returns the application's id.

    Raises ``RequestRefused``, ``NotFound``, ``ProgrammeNotInForce``, ``NotEligible``.
    """
    refuse([*text_faults("purpose", purpose), *amount_faults("amount", amount_minor)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        programme = _programme(connection, code, day)
        face_max_minor = parse_amount(programme.document.face_max, YUAN.scale)
        refuse(amount_faults("amount", amount_minor, face_max_minor))
        listed = confirmed_list(connection, programme.registered.agreement_id)
        entries = () if listed is None else listed.entries
        entry = next((one for one in entries if one.credit_code == credit_code), None)
        subjects = {} if listed is None else subjects_of(listed)
        if (
            entry is None
            or listed is None
            or not any(may_apply(clause, subjects[entry.enterprise_id]) for clause in programme.clauses)
        ):
            raise NotEligible(credit_code=credit_code, programme=code)
        rows, application_id = Rows(), new_id()
        rows.add(
            voucher_application,
            application_id=application_id,
            programme_id=programme.registered.programme_id,
            enterprise_id=entry.enterprise_id,
            list_version=listed.version,
            controller=entry.controller,
            attributes=dict(entry.attributes),
            amount_minor=amount_minor,
            purpose=purpose,
            day=day,
        )
        rows.write(connection, record, "voucher_applied_for", programme.registered.agreement_id)
        return {"application": application_id}

    request: dict[str, Json] = {
        "programme": code,
        "enterprise": credit_code,
        "amount_minor": amount_minor,
        "purpose": purpose,
        "day": day.isoformat(),
    }
    return named_number(perform(database, act, "apply_for_voucher", request, work), "application")


def issue(
    database: Database, act: Act, application_id: int, amount_minor: int, person: str, day: date
) -> Done[int]:
    """Issues a voucher for at most what was applied for, and sets the payers' money aside; returns its id.

    A programme that decides claims together sets nothing aside. Raises ``RequestRefused``, ``NotFound``,
    ``ProgrammeNotInForce``, ``VoucherUnusable`` where there is a voucher already, ``BudgetShort``.
    """
    refuse([*person_faults("person", person), *amount_faults("amount", amount_minor)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.VOUCHER, str(application_id))
        applied = application(connection, application_id)
        refuse(
            [*amount_faults("amount", amount_minor, applied.amount_minor), *_order_of_days(applied.day, day)]
        )
        programme = programme_on(connection, applied.programme_id, day)
        issued = voucher_of(connection, application_id)
        if issued is not None:
            raise unusable(voucher_by_id(connection, issued), day)
        rows, voucher_id = Rows(), new_id()
        rows.add(
            voucher,
            voucher_id=voucher_id,
            application_id=application_id,
            amount_minor=amount_minor,
            day=day,
            last_day=_last_day(programme, day),
            person=person,
        )
        if programme.document.decided == "as_claimed":
            held = hold_budgets(connection, rows, programme, day)
            for role, part_minor in most_of_each(programme, amount_minor).items():
                held[role].set_aside(rows, voucher_id, part_minor)
        rows.write(connection, record, "voucher_issued", programme.registered.agreement_id)
        return {"voucher": voucher_id}

    request: dict[str, Json] = {
        "application": str(application_id),
        "amount_minor": amount_minor,
        "person": person,
        "day": day.isoformat(),
    }
    return named_number(perform(database, act, "issue_voucher", request, work), "voucher")


def order(database: Database, act: Act, draft: OrderDraft) -> Done[int]:
    """The enterprise orders a service of a recognised provider; returns the order's id.

    Raises ``RequestRefused``, ``NotFound``, ``VoucherUnusable``, ``ProviderNotRecognised``,
    ``ProgrammeNotInForce``.
    """
    faults = text_faults("contract", draft.contract) + amount_faults("amount", draft.amount_minor)
    refuse(faults + text_faults("service", draft.service))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.VOUCHER, str(draft.voucher_id))
        used = usable_voucher(connection, draft.voucher_id, draft.day)
        programme = programme_on(connection, used.application.programme_id, draft.day)
        provider = provider_by_code(connection, draft.provider)
        refuse_unrecognised(programme, provider, draft.service, draft.day)
        rows, order_id = Rows(), new_id()
        rows.add(
            voucher_order,
            order_id=order_id,
            voucher_id=draft.voucher_id,
            provider_id=provider.provider_id,
            service=draft.service,
            contract=draft.contract,
            amount_minor=draft.amount_minor,
            day=draft.day,
        )
        rows.write(connection, record, "voucher_service_ordered", programme.registered.agreement_id)
        return {"order": order_id}

    request: dict[str, Json] = {
        "voucher": str(draft.voucher_id),
        "provider": draft.provider,
        "service": draft.service,
        "contract": draft.contract,
        "amount_minor": draft.amount_minor,
        "day": draft.day.isoformat(),
    }
    return named_number(perform(database, act, "order_voucher_service", request, work), "order")


def report_service(database: Database, act: Act, order_id: int, document: str, day: date) -> Done[int]:
    """The enterprise reports that the service was done on ``day``; returns the order's id.

    Raises ``RequestRefused``, ``NotFound``, ``ServiceDone``.
    """
    refuse(text_faults("document", document))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        found = order_by_id(connection, order_id)
        queue_on(connection, Queue.VOUCHER, str(found.voucher.voucher_id))
        found = order_by_id(connection, order_id)
        refuse(_order_of_days(found.day, day))
        if found.done_on is not None:
            raise ServiceDone(order=order_id)
        programme = programme_on(connection, found.voucher.application.programme_id, day)
        rows = Rows()
        rows.add(voucher_service, order_id=order_id, day=day, document=document)
        rows.write(connection, record, "voucher_service_done", programme.registered.agreement_id)
        return {"order": order_id}

    request: dict[str, Json] = {"order": str(order_id), "document": document, "day": day.isoformat()}
    return named_number(perform(database, act, "report_voucher_service", request, work), "order")


def end(database: Database, act: Act, voucher_id: int, how: str, reason: str, day: date) -> Done[int]:
    """Ends a voucher before its last day and gives back what was set aside; returns its id.

    Raises ``RequestRefused``, ``NotFound``, ``VoucherUnusable``, ``ClaimsWaiting``.
    """
    refuse(choice_faults("how", how, ENDS) + text_faults("reason", reason))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.VOUCHER, str(voucher_id))
        found = voucher_by_id(connection, voucher_id)
        if not found.left_minor or day < found.day:
            raise unusable(found, day)
        if has_waiting_claim(connection, voucher_id):
            raise ClaimsWaiting(voucher=voucher_id)
        (rows,) = _end(connection, [found], how, reason, day)
        programme = programme_by_id(connection, found.application.programme_id)
        rows.write(connection, record, "voucher_ended", programme.agreement_id)
        return {"voucher": voucher_id}

    request: dict[str, Json] = {
        "voucher": str(voucher_id),
        "how": how,
        "reason": reason,
        "day": day.isoformat(),
    }
    return named_number(perform(database, act, "end_voucher", request, work), "voucher")


def expire(database: Database, act: Act, code: str, day: date) -> Done[int]:
    """Ends every voucher of the programme whose last day is before ``day``; returns how many.

    One with a claim that waits stays until that is decided. Raises ``NotFound``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        programme = programme_by_code(connection, code)
        past = vouchers_past(connection, programme.programme_id, day)
        queue_on_all(connection, Queue.VOUCHER, map(str, past))
        still = vouchers_past(connection, programme.programme_id, day)
        ended = [still[voucher_id] for voucher_id in sorted(past.keys() & still.keys())]
        acts = _end(connection, ended, "expired", "", day)
        write_all(connection, [rows.told(record, "voucher_ended", programme.agreement_id) for rows in acts])
        return {"count": len(ended)}

    request: dict[str, Json] = {"programme": code, "day": day.isoformat()}
    return named_number(perform(database, act, "expire_vouchers", request, work), "count")


def _end(connection: Connection, ended: Sequence[Voucher], how: str, reason: str, day: date) -> list[Rows]:
    """The rows of each end; what the vouchers' reserves still hold goes back to the budgets."""
    reserves = reserves_of(connection, [one.voucher_id for one in ended])
    of_acts = [(_end_rows(one, how, reason, day), reserves[one.voucher_id]) for one in ended]
    release_rest(connection, of_acts)
    return [rows for rows, _ in of_acts]


def _end_rows(ended: Voucher, how: str, reason: str, day: date) -> Rows:
    rows = Rows()
    rows.add(
        voucher_use,
        voucher_id=ended.voucher_id,
        sequence=ended.uses + 1,
        kind=how,
        amount_minor=ended.left_minor,
        left_minor=0,
        day=day,
        reason=reason,
        claim_id=None,
    )
    return rows


def release_rest(connection: Connection, of_acts: Sequence[tuple[Rows, Sequence[Reserve]]]) -> None:
    """Gives back to the budgets what the reserves of each act still hold."""
    holding = [(rows, one) for rows, reserves in of_acts for one in reserves if one.left_minor]
    held = hold_budgets_of(connection, budget_names(connection, {one.budget_id for _, one in holding}))
    for rows, reserve in holding:
        held[reserve.budget_id].release(rows, reserve)


# --- what acts ask for ------------------------------------------------------------------------------------


def usable_voucher(connection: Connection, voucher_id: int, day: date) -> Voucher:
    """A voucher that is good on ``day``. Raises ``NotFound``, ``VoucherUnusable``."""
    found = voucher_by_id(connection, voucher_id)
    refuse_unusable(found, day)
    return found


def refuse_unusable(found: Voucher, day: date) -> None:
    """Raises ``VoucherUnusable`` unless something is left of the voucher and it is good on ``day``."""
    if not (found.left_minor and found.day <= day <= found.last_day):
        raise unusable(found, day)


def unusable(found: Voucher, day: date) -> VoucherUnusable:
    return VoucherUnusable(
        voucher=found.voucher_id,
        day=day,
        first=found.day,
        last=found.last_day,
        left=format_amount(found.left_minor, YUAN.scale),
        state=found.state,
    )


def refuse_unrecognised(programme: ProgrammeOnDay, provider: Provider, service: str, day: date) -> None:
    """Raises ``ProviderNotRecognised`` where the programme doesn't pay for the provider's service."""
    recognised = {side.party_id for side in programme.sides.values()}
    if not (
        programme.zone_of(provider.party_id) is not None
        and programme.document.has_service(service)
        and provider.is_certified(service, day, recognised)
    ):
        raise ProviderNotRecognised(
            provider=provider.name_zh, service=service, programme=programme.registered.code, day=day
        )


def most_of_each(programme: ProgrammeOnDay, amount_minor: int) -> dict[str, int]:
    """The most that each payer may have to bear of ``amount_minor``, wherever the provider is."""
    most: dict[str, int] = {}
    for clause in programme.clauses_abroad:
        for row in clause.to_whom.key:
            for role, share in row.exact.items():
                most[role] = max(most.get(role, 0), ceil(share * Fraction(amount_minor)))
    if programme.document.at_home_paid_by is not None:
        most[programme.document.at_home_paid_by] = amount_minor
    return {role: part_minor for role, part_minor in sorted(most.items()) if part_minor}


def amount_faults(path: str, amount_minor: int, most_minor: int = AMOUNT_LIMIT_MINOR) -> list[Fault]:
    """What is wrong with an amount that must be above zero and at most ``most_minor``."""
    if 0 < amount_minor <= most_minor:
        return []
    most, got = format_amount(most_minor, YUAN.scale), format_amount(amount_minor, YUAN.scale)
    return [
        Fault(
            path,
            "AMOUNT_OUT_OF_RANGE",
            f"Expected an amount above zero and at most {most} yuan, but got {got}.",
            f"金额应大于零且不超过 {most} 元，实际为 {got}。",
        )
    ]


def _order_of_days(first: date, day: date) -> list[Fault]:
    if first <= day:
        return []
    return [
        Fault(
            "day",
            "DAY_TOO_EARLY",
            f"Expected {first} or later, but got {day}.",
            f"应不早于 {first}，实际为 {day}。",
        )
    ]


def _programme(connection: Connection, code: str, day: date) -> ProgrammeOnDay:
    return programme_on(connection, programme_by_code(connection, code).programme_id, day)


def _last_day(programme: ProgrammeOnDay, day: date) -> date:
    last_day = add_months(day, programme.document.validity_months)
    return last_day if programme.document.carries_over else min(last_day, date(day.year, 12, 31))
