"""Innovation vouchers, as the API shows them. Amounts are in yuan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import cast

import strawberry

from ledger.desk import agreements, enterprises, roster, vouchers
from ledger.measures import YUAN
from ledger.money import format_amount
from ledger_graphql.connections import Node, global_id
from ledger_graphql.context import Desk
from ledger_graphql.scalars import Amount, Json
from ledger_graphql.statements import BilingualText


@strawberry.type(description="A zone's programme of innovation vouchers under a signed agreement.")
class VoucherProgramme(Node):
    code: str = strawberry.field(description="Its code.")
    agreement: str = strawberry.field(description="The agreement's code.")
    document: Json = strawberry.field(description="What it says (docs/vouchers.md).")
    confirmed_by: list[str] = strawberry.field(description="The roles that confirmed it.")
    waiting: list[str] = strawberry.field(
        description="Signing roles that haven't; while there are, it rests."
    )
    budgets: list[VoucherBudget] = strawberry.field(
        description="Every budget used so far, by period and payer."
    )


@strawberry.type(description="A payer's budget of one period: open, reserved and used add up to the amount.")
class VoucherBudget:
    role: str = strawberry.field(description="The payer's role.")
    starts: date = strawberry.field(description="The period's first day.")
    last_day: date = strawberry.field(description="The period's last day.")
    amount: Amount = strawberry.field(description="All there is, with increases, in yuan.")
    open: Amount = strawberry.field(description="What can still be set aside, in yuan.")
    reserved: Amount = strawberry.field(description="What is set aside for vouchers, in yuan.")
    used: Amount = strawberry.field(description="What claims used, less what was given back, in yuan.")
    increases: list[VoucherBudgetIncrease] = strawberry.field(
        description="What the payer added while the period ran, in order."
    )


@strawberry.type(description="What a payer added to its budget of a period.")
class VoucherBudgetIncrease:
    amount: Amount = strawberry.field(description="In yuan.")
    document: str = strawberry.field(description="Reference to what the money rests on.")
    person: str = strawberry.field(description="Who added it.")
    day: date = strawberry.field(description="The day on which it took effect.")


@strawberry.type(description="What a party says of a provider.")
class ProviderCertification:
    party: str = strawberry.field(description="Code of the party that says it.")
    kind: str = strawberry.field(description="certified or suspended; the last that holds on a day counts.")
    starts: date = strawberry.field(description="From this day on.")
    ends: date | None = strawberry.field(description="Its last day; null: until further notice.")
    services: list[str] = strawberry.field(description="Codes of classes or items.")
    document: str = strawberry.field(description="Reference to its evidence.")


@strawberry.type(description="A provider of services that vouchers pay for.")
class VoucherProvider(Node):
    credit_code: str = strawberry.field(description="统一社会信用代码, 18 characters.")
    name_zh: str = strawberry.field(description="Name in Chinese.")
    zone: str = strawberry.field(description="Code of the party where it is.")
    controller: str | None = strawberry.field(description="Its actual controller.")
    certifications: list[ProviderCertification] = strawberry.field(description="In the order recorded.")


@strawberry.type(description="An enterprise's application for a voucher.")
class VoucherApplication(Node):
    programme: str = strawberry.field(description="The programme's code.")
    enterprise: str = strawberry.field(description="Credit code of the enterprise.")
    amount: Amount = strawberry.field(description="What was applied for, in yuan.")
    purpose: str = strawberry.field(description="What for.")
    day: date = strawberry.field(description="The day of the application.")


@strawberry.type(description="A voucher.")
class Voucher(Node):
    enterprise: str = strawberry.field(description="Credit code of the enterprise.")
    amount: Amount = strawberry.field(description="What it was issued for, in yuan.")
    left: Amount = strawberry.field(description="What is left of it, in yuan.")
    day: date = strawberry.field(description="The day of its issue.")
    last_day: date = strawberry.field(description="The last day on which it can be claimed on.")
    state: str = strawberry.field(description="issued, used_up, cancelled, forfeited or expired.")


@strawberry.type(description="A service ordered on a voucher.")
class VoucherOrder(Node):
    voucher: Voucher = strawberry.field(description="The voucher.")
    provider: VoucherProvider = strawberry.field(description="Who provides it.")
    service: str = strawberry.field(description="The service's code.")
    contract: str = strawberry.field(description="The contract's number.")
    amount: Amount = strawberry.field(description="The price, in yuan.")
    claimed: Amount = strawberry.field(description="What was claimed for so far, in yuan.")
    day: date = strawberry.field(description="The day of the order.")
    done_on: date | None = strawberry.field(description="The day on which the service was done.")


@strawberry.type(description="What a payer bears of a claim under a clause.")
class ClaimPart:
    clause: int = strawberry.field(description="The clause's number.")
    role: str = strawberry.field(description="The payer's role.")
    party: str = strawberry.field(description="The payer's code.")
    amount: Amount = strawberry.field(description="What was approved, in yuan.")
    recovered: Amount = strawberry.field(description="What of it was recovered since, in yuan.")


@strawberry.type(description="A reason for an auditor to look at a claim; it refuses nothing.")
class ClaimFlag:
    code: str = strawberry.field(description="What kind of reason.")
    sentence_zh: str = strawberry.field(description="What it says, in Chinese.")
    sentence_en: str = strawberry.field(description="What it says, in English.")
    grounds: Json = strawberry.field(description="The other claims, orders or names that it rests on.")


@strawberry.type(description="A claim on a voucher.")
class VoucherClaim(Node):
    order: strawberry.ID = strawberry.field(description="Id of the order.")
    state: str = strawberry.field(description="waiting_for_audit, waiting, approved or refused.")
    amount: Amount = strawberry.field(description="The cost claimed for, in yuan.")
    day: date = strawberry.field(description="The day of the claim; it decides whose year's quota it uses.")
    is_sampled: bool = strawberry.field(description="Whether it was drawn for an audit.")
    flags: list[ClaimFlag] = strawberry.field(description="Reasons for an auditor to look at it.")
    audited: Amount | None = strawberry.field(description="What of the cost the audit accepted, in yuan.")
    finding: str | None = strawberry.field(description="What the auditor found.")
    approved: Amount | None = strawberry.field(description="In yuan; null until it is decided.")
    recovered: Amount = strawberry.field(description="What of it was recovered since, in yuan.")
    parts: list[ClaimPart] = strawberry.field(description="Who bears what.")
    working: Json = strawberry.field(description="The arithmetic, step by step, by clause.")
    explanation: list[BilingualText] = strawberry.field(
        description="Why it was decided as it was: cost, audit, rates, quotas, what was left of the voucher "
        "and of each payer's money, shares, rounding and what came of it. Empty until it is decided."
    )
    clearing: str | None = strawberry.field(
        description="Of an approved claim: not_cleared, cleared (in the payers' returns), settled, or paid, "
        "when nothing of it is open between the zones."
    )


@strawberry.type(description="What a clause made a payer bear for an enterprise in a quarter.")
class VoucherClearing:
    clause: int = strawberry.field(description="The clause's number.")
    enterprise: str = strawberry.field(description="Credit code of the enterprise.")
    role: str = strawberry.field(description="The payer's role.")
    party: str = strawberry.field(description="The payer's code.")
    approved: Amount = strawberry.field(description="In yuan.")
    recovered: Amount = strawberry.field(description="In yuan.")


def yuan(amount_minor: int) -> Amount:
    """The amount as the API writes it."""
    return Amount(format_amount(amount_minor, YUAN.scale))


def programme_node(desk: Desk, found: vouchers.RegisteredProgramme) -> VoucherProgramme:
    """What the API shows of a programme."""
    increases = vouchers.increases(desk.snapshot, found.programme_id)
    return VoucherProgramme(
        id=global_id("VoucherProgramme", found.programme_id),
        code=found.code,
        agreement=agreements.agreement(desk.snapshot, found.agreement_id).code,
        document=cast("Json", found.document.model_dump(mode="json")),
        confirmed_by=found.confirmed_by,
        waiting=found.waiting,
        budgets=[
            VoucherBudget(
                role=one.role,
                starts=one.starts,
                last_day=one.last_day,
                amount=yuan(one.amount_minor),
                open=yuan(one.open_minor),
                reserved=yuan(one.reserved_minor),
                used=yuan(one.used_minor),
                increases=[
                    VoucherBudgetIncrease(
                        amount=yuan(more.amount_minor),
                        document=more.document,
                        person=more.person,
                        day=more.day,
                    )
                    for more in increases
                    if (more.role, more.starts) == (one.role, one.starts)
                ],
            )
            for one in vouchers.budget_states(desk.snapshot, found.programme_id)
        ],
    )


def provider_nodes(desk: Desk, found: list[vouchers.Provider]) -> list[VoucherProvider]:
    """What the API shows of providers."""
    codes = _party_codes(
        desk, {party for one in found for party in (one.party_id, *(c.party_id for c in one.certifications))}
    )
    return [
        VoucherProvider(
            id=global_id("VoucherProvider", one.provider_id),
            credit_code=one.credit_code,
            name_zh=one.name_zh,
            zone=codes[one.party_id],
            controller=one.controller,
            certifications=[
                ProviderCertification(
                    party=codes[said.party_id],
                    kind=said.kind,
                    starts=said.starts,
                    ends=said.ends,
                    services=said.services,
                    document=said.document,
                )
                for said in one.certifications
            ],
        )
        for one in found
    ]


def voucher_node(found: vouchers.Voucher) -> Voucher:
    """What the API shows of a voucher."""
    return Voucher(
        id=global_id("Voucher", found.voucher_id),
        enterprise=found.application.credit_code,
        amount=yuan(found.amount_minor),
        left=yuan(found.left_minor),
        day=found.day,
        last_day=found.last_day,
        state=found.state,
    )


def order_nodes(desk: Desk, found: Sequence[vouchers.Order]) -> list[VoucherOrder]:
    """What the API shows of orders."""
    providers = vouchers.providers_by_id(desk.snapshot, [one.provider_id for one in found])
    nodes = dict(zip(providers, provider_nodes(desk, list(providers.values())), strict=True))
    return [
        VoucherOrder(
            id=global_id("VoucherOrder", one.order_id),
            voucher=voucher_node(one.voucher),
            provider=nodes[one.provider_id],
            service=one.service,
            contract=one.contract,
            amount=yuan(one.amount_minor),
            claimed=yuan(one.claimed_minor),
            day=one.day,
            done_on=one.done_on,
        )
        for one in found
    ]


def application_nodes(desk: Desk, found: Sequence[vouchers.Application]) -> list[VoucherApplication]:
    """What the API shows of applications."""
    programmes = vouchers.programmes_by_id(desk.snapshot, [one.programme_id for one in found])
    return [
        VoucherApplication(
            id=global_id("VoucherApplication", one.application_id),
            programme=programmes[one.programme_id].code,
            enterprise=one.credit_code,
            amount=yuan(one.amount_minor),
            purpose=one.purpose,
            day=one.day,
        )
        for one in found
    ]


def claim_nodes(desk: Desk, found: list[vouchers.Claim]) -> list[VoucherClaim]:
    """What the API shows of claims."""
    codes = _party_codes(desk, {part.party_id for one in found for part in one.parts})
    cleared = vouchers.clearing_states(desk.snapshot, found)
    return [_claim_node(one, codes, cleared.get(one.claim_id)) for one in found]


def _claim_node(one: vouchers.Claim, codes: dict[int, str], clearing: str | None) -> VoucherClaim:
    return VoucherClaim(
        id=global_id("VoucherClaim", one.claim_id),
        order=global_id("VoucherOrder", one.order_id),
        state=one.state,
        amount=yuan(one.amount_minor),
        day=one.day,
        is_sampled=one.is_sampled,
        flags=[
            ClaimFlag(
                code=code,
                sentence_zh=vouchers.MEANINGS[code][0],
                sentence_en=vouchers.MEANINGS[code][1],
                grounds=cast("Json", grounds),
            )
            for code, grounds in one.flags.items()
        ],
        audited=None if one.audited_minor is None else yuan(one.audited_minor),
        finding=one.finding,
        approved=None if one.approved_minor is None else yuan(one.approved_minor),
        recovered=yuan(one.recovered_minor),
        parts=[
            ClaimPart(
                clause=part.clause,
                role=part.role,
                party=codes[part.party_id],
                amount=yuan(part.amount_minor),
                recovered=yuan(part.recovered_minor),
            )
            for part in one.parts
        ],
        working=cast("Json", one.working),
        explanation=[BilingualText(zh=said.zh, en=said.en) for said in one.explanation],
        clearing=clearing,
    )


def clearing_nodes(desk: Desk, found: list[vouchers.Cleared]) -> list[VoucherClearing]:
    """What the API shows of what is to be cleared."""
    codes = _party_codes(desk, {one.party_id for one in found})
    listed = enterprises.enterprises_by_id(desk.snapshot, [one.enterprise_id for one in found])
    return [
        VoucherClearing(
            clause=one.clause,
            enterprise=listed[one.enterprise_id].credit_code,
            role=one.role,
            party=codes[one.party_id],
            approved=yuan(one.approved_minor),
            recovered=yuan(one.recovered_minor),
        )
        for one in found
    ]


def _party_codes(desk: Desk, party_ids: set[int]) -> dict[int, str]:
    return {one.party_id: one.code for one in roster.parties_by_id(desk.snapshot, party_ids).values()}
