"""A voucher programme: what a zone says of its innovation vouchers beside the clauses that pay for them.

Rates, caps, shares and who may apply are clauses of a signed agreement, in the language of all terms. The
programme names those clauses, and adds what only vouchers have: services, validity, evidence, the audit, the
payers' budgets, and what a recovery gives back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from ledger.money import parse_share
from ledger.rules.facts import Fault
from ledger.rules.fields import AmountText, Bilingual, Document, Months, Role, ShareText
from ledger.rules.terms import Budget, Clause, Grain, Mechanism, Regime, Scope, Shares, Terms

FORMAT = "parkledger.voucher-programme/1"
SERVICE_COST, APPROVED = "voucher_service_cost", "voucher_approved"
BASES = (SERVICE_COST, APPROVED)
"""What a clause of a programme may be about: the cost of the service, with a rate, or what is approved."""
BORNE_HOME, BORNE_PARTNER = "voucher_borne_home", "voucher_borne_partner"
BORNE = (BORNE_HOME, BORNE_PARTNER)
"""What a role bears of vouchers: of its own programmes, and of others'. Only clearing reports these."""

ServiceCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}(\.[a-z0-9_]{1,32})?$")]
EvidenceKind = Literal["contract_line", "receipt"]


class Service(Document):
    """A kind of service that vouchers pay for; ``class.item``, or a class with all of its items."""

    code: ServiceCode
    title: Bilingual


class Audit(Document):
    """Which claims are looked at before they are decided."""

    share: ShareText = Field(description="Of all claims, drawn by a hash that nobody chooses.")
    flagged: bool = Field(description="Also every claim with a flag.")


class Recovery(Document):
    """What a recovery gives back for later claims; claims already decided keep what they got."""

    quota: Literal["restored", "spent"] = Field(description="The enterprise's and its group's room.")
    budget: Literal["restored", "spent"] = Field(description="The payers' money.")


class OtherZone(Document):
    """One more zone whose providers are recognised; there it stands in the place of ``provider_zone``."""

    role: Role
    shares: dict[Role, ShareText] | None = Field(
        default=None, min_length=1, description="Who bears what there; null: as the clauses say."
    )


class Programme(Document):
    """The programme of one home zone for services of its own and of other zones' providers."""

    format: Literal["parkledger.voucher-programme/1"] = "parkledger.voucher-programme/1"
    title: Bilingual
    home: Role = Field(description="Whose enterprises use the vouchers.")
    provider_zone: Role = Field(description="Whose providers are recognised beside those at home.")
    other_zones: tuple[OtherZone, ...] = Field(
        default=(), description="Further zones whose providers are recognised, each with its own role."
    )
    clauses: tuple[Annotated[int, Field(ge=1, le=999)], ...] = Field(
        min_length=1, description="One for each layer of support; what they give is added up."
    )
    at_home_paid_by: Role | None = Field(
        description="Who pays all where the provider is at home; null: the clause's shares hold there too."
    )
    services: tuple[Service, ...] = Field(min_length=1)
    face_max: AmountText = Field(description="The most that one voucher is issued for, in yuan.")
    validity_months: Months
    carries_over: bool = Field(description="False: a voucher ends with the calendar year of its issue.")
    evidence: tuple[EvidenceKind, ...] = Field(min_length=1, description="What every claim must bring.")
    budgets: tuple[Budget, ...] = Field(
        description="Of each payer whose budget isn't in the clause. In whole, and after the caps."
    )
    decided: Literal["as_claimed", "together"] = Field(
        description="as_claimed: first come, first served; issuing reserves the payers' money. together: all "
        "claims of a period at once, in the budget's order; nothing is reserved before."
    )
    audit: Audit
    recovery: Recovery

    @property
    def provider_zones(self) -> tuple[str, ...]:
        """The roles whose providers are recognised beside those at home."""
        return self.provider_zone, *(zone.role for zone in self.other_zones)

    def has_service(self, code: str) -> bool:
        """Whether vouchers pay for the service: it or its class is listed."""
        return bool({code, code.split(".")[0]} & {service.code for service in self.services})


def read_programme(document: str) -> tuple[Programme | None, list[Fault]]:
    """The programme of a JSON document, or everything that is wrong with its form."""
    try:
        return Programme.model_validate_json(document), []
    except ValidationError as refusal:
        return None, [
            Fault(
                ".".join(["programme", *map(str, error["loc"])]),
                "PROGRAMME_FORM",
                f"{error['msg']}.",
                f"格式不符：{error['msg']}。",
            )
            for error in refusal.errors(include_url=False)
        ]


def budgets_of(programme: Programme, terms: Terms) -> dict[str, Budget]:
    """The budget of every payer, from the programme and from its clauses."""
    own = [clause.within.budget for clause in clauses_of(programme, terms)]
    return {
        budget.payer: budget
        for budget in (*own, *programme.budgets)
        if budget is not None and budget.payer is not None
    }


def clauses_of(programme: Programme, terms: Terms) -> list[Clause]:
    """The programme's clauses in its order; those that the terms don't have are left out."""
    found = (terms.clause(number) for number in programme.clauses)
    return [clause for clause in found if clause is not None]


def clauses_at(programme: Programme, terms: Terms, role: str) -> list[Clause]:
    """The programme's clauses as they hold where the provider is in the zone of ``role``."""
    clauses = clauses_of(programme, terms)
    if role == programme.home:
        payer = programme.at_home_paid_by
        return clauses if payer is None else [_divided(clause, {payer: "1"}, payer) for clause in clauses]
    found = next((zone for zone in programme.other_zones if zone.role == role), None)
    if found is None:
        return clauses
    moved = [_moved(clause, programme.provider_zone, role) for clause in clauses]
    if found.shares is None:
        return moved
    return [_divided(clause, found.shares, clause.rounding.remainder_to) for clause in moved]


def _divided(clause: Clause, shares: dict[str, str], remainder_to: str) -> Clause:
    """The clause with these shares alone."""
    update = {"key": (Shares(shares=shares),), "otherwise": remainder_to}
    return clause.model_copy(
        update={
            "to_whom": clause.to_whom.model_copy(update=update),
            "rounding": clause.rounding.model_copy(update={"remainder_to": remainder_to}),
        }
    )


def _moved(clause: Clause, old: str, new: str) -> Clause:
    """The clause with the role ``new`` wherever it names ``old`` as one that bears something."""

    def named(role: str) -> str:
        return new if role == old else role

    def of_roles(parts: dict[str, str] | None) -> dict[str, str] | None:
        return None if parts is None else {named(role): part for role, part in parts.items()}

    key = tuple(
        row.model_copy(update={"shares": of_roles(row.shares), "weights": of_roles(row.weights)})
        for row in clause.to_whom.key
    )
    caps = tuple(
        cap if cap.capped is None else cap.model_copy(update={"capped": named(cap.capped)})
        for cap in clause.within.caps
    )
    update = {"key": key, "otherwise": named(clause.to_whom.otherwise)}
    return clause.model_copy(
        update={
            "to_whom": clause.to_whom.model_copy(update=update),
            "within": clause.within.model_copy(update={"caps": caps}),
            "rounding": clause.rounding.model_copy(
                update={"remainder_to": named(clause.rounding.remainder_to)}
            ),
        }
    )


def payers_of(programme: Programme, terms: Terms) -> list[str]:
    """Every role that may have to pay, in order of name."""
    paying = {
        role
        for zone in programme.provider_zones
        for clause in clauses_at(programme, terms, zone)
        for row in clause.to_whom.key
        for role, share in row.exact.items()
        if share
    }
    if programme.at_home_paid_by is not None:
        paying.add(programme.at_home_paid_by)
    return sorted(paying)


def cleared_roles(clauses: Iterable[Clause]) -> dict[str, set[str]]:
    """The measures that clearing reports, by the role whose return holds them."""
    found: dict[str, set[str]] = {}
    for clause in clauses:
        borne = {*clause.what.measures} & {*BORNE}
        if borne:
            found.setdefault(clause.what.reported_by, set()).update(borne)
    return found


def borne_measure(programme: Programme, role: str) -> str:
    """As which measure clearing reports what ``role`` bears of the programme."""
    return BORNE_HOME if role == programme.home else BORNE_PARTNER


def programme_faults(programme: Programme, terms: Terms) -> list[Fault]:
    """What keeps the programme from resting on these terms."""
    faults = list(_faults(programme, terms))
    return [Fault(f"programme.{path}", "PROGRAMME_UNFIT", en, zh) for path, en, zh in faults]


def _faults(programme: Programme, terms: Terms) -> Iterator[tuple[str, str, str]]:
    yield from _zone_faults(programme, terms)
    named = {programme.home, *programme.provider_zones, programme.at_home_paid_by or programme.home}
    for role in sorted(named - terms.roles.keys()):
        yield "home", f"The terms have no role {role}. Name one of theirs.", f"条款中没有角色 {role}。"
    for number in programme.clauses:
        clause = terms.clause(number)
        if clause is None:
            yield "clauses", f"The terms have no clause {number}.", f"条款中没有第{number}条。"
        else:
            yield from _clause_faults(clause)
    for payer in set(payers_of(programme, terms)) ^ budgets_of(programme, terms).keys():
        yield (
            "budgets",
            f"Every payer needs a budget and nobody else one; it is otherwise for {payer}.",
            f"每个承担方须有且仅有一项预算，{payer} 不符。",
        )
    for budget in budgets_of(programme, terms).values():
        if budget.applied != "after_caps" or budget.excess_to is not None:
            yield (
                "budgets",
                f"The budget of {budget.payer} must be applied after the caps, and its excess not granted.",
                f"{budget.payer} 的预算应在上限之后适用，超出部分不予兑付。",
            )


def _zone_faults(programme: Programme, terms: Terms) -> Iterator[tuple[str, str, str]]:
    seen = {programme.home, programme.provider_zone}
    for place, zone in enumerate(programme.other_zones):
        path = f"other_zones[{place}]"
        if zone.role in seen:
            yield (
                path,
                f"The zone {zone.role} is named twice. Name each zone once.",
                f"{zone.role} 重复列出。",
            )
        seen.add(zone.role)
        if zone.shares is None:
            continue
        remainders = {clause.rounding.remainder_to for clause in clauses_at(programme, terms, zone.role)}
        if sum(map(parse_share, zone.shares.values())) != 1 or remainders - zone.shares.keys():
            yield (
                f"{path}.shares",
                "The shares must add up to 1 and name whoever the clauses give the remainder to.",
                "分担比例之和应为 1，且应包含条款中承担取整余数的一方。",
            )


def _clause_faults(clause: Clause) -> Iterator[tuple[str, str, str]]:
    unsuited = {
        "mechanism innovation_voucher": clause.what.mechanism is Mechanism.INNOVATION_VOUCHER,
        f"one measure of {', '.join(BASES)}": len(clause.what.measures) == 1
        and clause.what.measures[0] in BASES
        and not clause.what.deduct,
        "scope listed_enterprises": clause.whose.scope is Scope.LISTED_ENTERPRISES,
        "no window, surplus, recover, smoothing, floor or routing": not any(
            (
                clause.when.window,
                clause.how_much.surplus,
                clause.how_much.recover,
                clause.how_much.smoothing,
                clause.within.floor,
                clause.then.routing,
            )
        ),
        "caps whose excess isn't granted": all(cap.excess_to is None for cap in clause.within.caps),
        "proportional shares without bands or factors": clause.to_whom.regime is Regime.PROPORTIONAL
        and clause.to_whom.bands is None
        and clause.to_whom.apportion is None,
        "a budget only of one payer": clause.within.budget is None or clause.within.budget.payer is not None,
        "rounding by enterprise": clause.rounding.grain is not Grain.CLAUSE,
    }
    for wanted, is_so in unsuited.items():
        if not is_so:
            yield (
                "clauses",
                f"Clause {clause.number} can't pay vouchers: it must have {wanted}.",
                f"第{clause.number}条不能用于创新券：应为 {wanted}。",
            )
