"""Claiming: a service done, with its evidence, drawn for an audit or decided at once.

Claims that come at the same time are made in one transaction, each as an act of its own: with its own key,
event and result or refusal. None of them touches what another one touches, and none waits for others: one
that would have to is made alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Row

from ledger.desk.acts import (
    Act,
    Done,
    Outcome,
    Queue,
    Recorder,
    Request,
    Result,
    done_or_refused,
    named_number,
    perform_all,
    queue_on_each,
    queued_on,
    request_of,
)
from ledger.desk.failures import NotFound, refuse
from ledger.desk.gathering import Gathering
from ledger.desk.vouchers.budgets import Reserve, reserves_of
from ledger.desk.vouchers.deciding import decide_now
from ledger.desk.vouchers.evidence import (
    EvidenceDraft,
    Redeemed,
    add_evidence,
    evidence_faults,
    missing_evidence,
    redeemed_among,
)
from ledger.desk.vouchers.faults import OrderExceeded, ServiceNotDone
from ledger.desk.vouchers.flags import flags_of, other_claims
from ledger.desk.vouchers.life import amount_faults, refuse_unrecognised, refuse_unusable, release_rest
from ledger.desk.vouchers.programmes import ProgrammeOnDay, programme_on
from ledger.desk.vouchers.providers import Provider, providers_by_id
from ledger.desk.vouchers.reading import Group, Order, orders_by_id, queues_of_orders
from ledger.desk.vouchers.reckoning import Deciding
from ledger.desk.vouchers.rows import Rows, Told, write_all
from ledger.desk.vouchers.sums import Quotas, granted
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.measures import YUAN
from ledger.money import format_amount, parse_share
from ledger_schema.ids import new_id
from ledger_schema.sessions import PLANS_ONCE, Database
from ledger_schema.tables import voucher_claim, voucher_flag


@dataclass(frozen=True, slots=True)
class ClaimDraft:
    """What a provider claims for, up to the order's price."""

    order_id: int
    amount_minor: int
    evidence: Sequence[EvidenceDraft]
    day: date

    @property
    def request(self) -> dict[str, Json]:
        return {
            "order": str(self.order_id),
            "amount_minor": self.amount_minor,
            "evidence": [[*one.key, one.content_hash.hex()] for one in self.evidence],
            "day": self.day.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """A claim that is asked for, and as what it is kept."""

    database: Database
    request: Request
    draft: ClaimDraft


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
    asked = asked_of(database, act, order_id, amount_minor, evidence, day)
    outcome = TOGETHER(asked)
    if outcome is None:
        (outcome,) = claim_all(database, [asked], waits=True)
    return named_number(done_or_refused(outcome), "claim")


def asked_of(
    database: Database,
    act: Act,
    order_id: int,
    amount_minor: int,
    evidence: Sequence[EvidenceDraft],
    day: date,
) -> Asked:
    """A claim to be made. Raises ``RequestRefused``, ``KeyUnusable``."""
    refuse([*amount_faults("amount", amount_minor), *evidence_faults(evidence)])
    draft = ClaimDraft(order_id, amount_minor, tuple(evidence), day)
    return Asked(database, request_of(act, "claim_voucher", draft.request), draft)


def _claim_together(asked: Sequence[Asked]) -> list[Outcome]:
    """Those of one database in one transaction; the others are left."""
    database = asked[0].database
    outcomes = iter(claim_all(database, [one for one in asked if one.database is database], waits=False))
    return [next(outcomes) if one.database is database else None for one in asked]


TOGETHER: Gathering[Asked, Done[dict[str, Any]] | LedgerError] = Gathering(_claim_together)
"""Where the claims of this process meet."""


def claim_all(database: Database, asked: Sequence[Asked], *, waits: bool) -> list[Outcome]:
    """Makes the claims in one transaction; what came of each in order.

    A claim isn't done where one before it uses the same key, voucher, group or evidence, nor, unless it
    ``waits``, where another transaction does.
    """

    def work(connection: Connection, records: Mapping[int, Recorder]) -> Mapping[int, Result | LedgerError]:
        drafts = {place: asked[place].draft for place in records}
        held = _held(connection, drafts, waits=waits)
        return _claim_held(connection, records, {place: drafts[place] for place in held})

    return perform_all(database, [one.request for one in asked], work, waits=waits, settings=[PLANS_ONCE])


def _held(connection: Connection, drafts: Mapping[int, ClaimDraft], *, waits: bool) -> set[int]:
    """The drafts, by place, whose voucher, group and evidence no other act and no other draft changes now."""
    of_orders = queues_of_orders(connection, [one.order_id for one in drafts.values()])
    wanted = {
        place: of_orders.get(one.order_id, set()).union(*(paper.queues for paper in one.evidence))
        for place, one in drafts.items()
    }
    taken: set[tuple[Queue, str]] = set()
    every = set().union(*wanted.values())
    if waits:
        queue_on_each(connection, every)
    else:
        taken = queued_on(connection, every)
    held: set[int] = set()
    for place, names in wanted.items():
        if not names & taken:
            held.add(place)
            taken |= names
    return held


@dataclass(frozen=True, slots=True)
class _Standing:
    """What claims rest on, as it is now that they are held."""

    orders: Mapping[int, Order]
    programmes: _Programmes
    providers: Mapping[int, Provider]
    redeemed: Redeemed
    others: Mapping[Group, Sequence[Row[Any]]]
    quotas: Mapping[Group, Quotas]
    reserves: Mapping[int, Sequence[Reserve]]


@dataclass(frozen=True, slots=True)
class _Programmes:
    """Programmes on days, each read once."""

    connection: Connection
    known: dict[tuple[int, date], ProgrammeOnDay] = field(default_factory=dict)

    def on(self, programme_id: int, day: date) -> ProgrammeOnDay:
        """The programme as it holds on ``day``. Raises ``ProgrammeNotInForce``."""
        key = (programme_id, day)
        if key not in self.known:
            self.known[key] = programme_on(self.connection, programme_id, day)
        return self.known[key]


@dataclass(frozen=True, slots=True)
class _Made:
    """A claim that is about to be written, and the reserves that nothing may use any more."""

    claim_id: int
    programme: ProgrammeOnDay
    rows: Rows
    rest: Sequence[Reserve]


def _claim_held(
    connection: Connection, records: Mapping[int, Recorder], drafts: Mapping[int, ClaimDraft]
) -> dict[int, Result | LedgerError]:
    if not drafts:
        return {}
    standing = _standing(connection, drafts.values())
    made: dict[int, _Made] = {}
    results: dict[int, Result | LedgerError] = {}
    for place, draft in drafts.items():
        try:
            made[place] = _claim(standing, draft)
        except LedgerError as refusal:
            results[place] = refusal
        else:
            results[place] = {"claim": made[place].claim_id}
    release_rest(connection, [(one.rows, one.rest) for one in made.values()])
    write_all(connection, [_told(one, records[place]) for place, one in made.items()])
    return results


def _standing(connection: Connection, drafts: Collection[ClaimDraft]) -> _Standing:
    orders = orders_by_id(connection, [one.order_id for one in drafts])
    held = [one.voucher for one in orders.values()]
    return _Standing(
        orders,
        _Programmes(connection),
        providers_by_id(connection, [one.provider_id for one in orders.values()]),
        redeemed_among(connection, [paper for one in drafts for paper in one.evidence]),
        other_claims(connection, [one.application for one in held]),
        granted(connection, {one.application.group for one in held}),
        reserves_of(connection, [one.voucher_id for one in held]),
    )


def _claim(standing: _Standing, draft: ClaimDraft) -> _Made:
    if draft.order_id not in standing.orders:
        raise NotFound("voucher order", draft.order_id)
    ordered = standing.orders[draft.order_id]
    used, provider = ordered.voucher, standing.providers[ordered.provider_id]
    refuse_unusable(used, draft.day)
    programme = standing.programmes.on(used.application.programme_id, draft.day)
    _refuse_unclaimable(ordered, draft)
    refuse_unrecognised(programme, provider, ordered.service, ordered.day)
    refuse(missing_evidence(programme.document, draft.evidence))
    standing.redeemed.refuse(draft.evidence)
    flags = flags_of(standing.others[used.application.group], ordered, provider, draft.amount_minor)
    is_sampled = _is_sampled(programme, draft.evidence, has_flags=bool(flags))
    rows, claim_id = Rows(), new_id()
    _add_claim(rows, claim_id, draft, is_sampled=is_sampled, flags=flags)
    if is_sampled or programme.document.decided != "as_claimed":
        return _Made(claim_id, programme, rows, ())
    one = Deciding(programme, claim_id, draft.amount_minor, draft.day, used, provider, ordered.service)
    quotas, reserves = standing.quotas[used.application.group], standing.reserves[used.voucher_id]
    return _Made(claim_id, programme, rows, decide_now(rows, one, quotas, reserves, draft.day))


def _told(made: _Made, record: Recorder) -> Told:
    return made.rows.told(record, "voucher_claimed", made.programme.registered.agreement_id)


def _refuse_unclaimable(ordered: Order, draft: ClaimDraft) -> None:
    if ordered.done_on is None or draft.day < ordered.done_on:
        raise ServiceNotDone(order=ordered.order_id, day=draft.day)
    left_minor = ordered.amount_minor - ordered.claimed_minor
    if draft.amount_minor > left_minor:
        raise OrderExceeded(
            order=ordered.order_id,
            left=format_amount(left_minor, YUAN.scale),
            amount=format_amount(draft.amount_minor, YUAN.scale),
        )


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
    draft: ClaimDraft,
    *,
    is_sampled: bool,
    flags: Mapping[str, Mapping[str, Json]],
) -> None:
    rows.add(
        voucher_claim,
        claim_id=claim_id,
        order_id=draft.order_id,
        amount_minor=draft.amount_minor,
        day=draft.day,
        is_sampled=is_sampled,
    )
    add_evidence(rows, claim_id, draft.evidence)
    for code, grounds in flags.items():
        rows.add(voucher_flag, claim_id=claim_id, code=code, grounds=dict(grounds))
