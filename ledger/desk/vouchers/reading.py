"""What the ledger holds of vouchers and claims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    exists,
    func,
    select,
    true,
)

from ledger.desk.acts import Queue
from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.rules.claim_steps import ClaimStep, Decided, read_step, sentences
from ledger.rules.facts import Subject
from ledger.rules.step_words import Words
from ledger_schema.tables import (
    enterprise,
    voucher,
    voucher_application,
    voucher_audit,
    voucher_claim,
    voucher_decision,
    voucher_flag,
    voucher_order,
    voucher_posting,
    voucher_service,
    voucher_use,
)


@dataclass(frozen=True, slots=True)
class Group:
    """Whose vouchers of a programme share the room under its caps; by actual controller or credit code."""

    programme_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Application:
    application_id: int
    programme_id: int
    enterprise_id: int
    credit_code: str
    controller: str | None
    attributes: Mapping[str, str]
    amount_minor: int
    purpose: str
    day: date

    @property
    def quota_group(self) -> str:
        """Whose room the vouchers use: all enterprises of one actual controller, or the enterprise."""
        return self.controller or self.credit_code

    @property
    def group(self) -> Group:
        return Group(self.programme_id, self.quota_group)

    @property
    def subject(self) -> Subject:
        """The enterprise as the rules see it, as on the list when it applied."""
        return Subject(self.enterprise_id, controller=self.controller, attributes=self.attributes)


@dataclass(frozen=True, slots=True)
class Voucher:
    """A voucher as it is; ``ended`` is how it ended before it was used up, and ``uses`` counts its rows."""

    voucher_id: int
    application: Application
    amount_minor: int
    left_minor: int
    uses: int
    day: date
    last_day: date
    ended: str | None

    @property
    def queues(self) -> set[tuple[Queue, str]]:
        """What acts queue on who use the voucher."""
        return _queues(self.voucher_id, self.application)

    @property
    def state(self) -> str:
        """issued, used_up, or how it ended."""
        return self.ended or ("issued" if self.left_minor else "used_up")


@dataclass(frozen=True, slots=True)
class Order:
    order_id: int
    voucher: Voucher
    provider_id: int
    service: str
    contract: str
    amount_minor: int
    claimed_minor: int
    day: date
    done_on: date | None


@dataclass(frozen=True, slots=True)
class Part:
    """What a payer bears of a claim under a clause."""

    clause: int
    role: str
    party_id: int
    amount_minor: int
    recovered_minor: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim; amounts are None until they are known. ``steps`` say by clause how it was decided."""

    claim_id: int
    order_id: int
    amount_minor: int
    day: date
    is_sampled: bool
    flags: Mapping[str, Mapping[str, Any]]
    audited_minor: int | None
    finding: str | None
    approved_minor: int | None
    decided_on: date | None
    recovered_minor: int
    parts: list[Part]
    steps: Mapping[str, list[ClaimStep]]

    @property
    def working(self) -> dict[str, list[str]]:
        """The arithmetic by clause."""
        return {number: [step.line for step in steps] for number, steps in self.steps.items()}

    @property
    def explanation(self) -> list[Words]:
        """Why it was decided as it was, a sentence each; none until it is."""
        if self.approved_minor is None:
            return []
        by_role: dict[str, int] = {}
        for part in self.parts:
            by_role[part.role] = by_role.get(part.role, 0) + part.amount_minor
        return sentences(
            Decided(
                self.amount_minor,
                self.audited_minor,
                self.finding or "",
                self.approved_minor,
                self.steps,
                by_role,
            )
        )

    @property
    def state(self) -> str:
        """waiting_for_audit, waiting, approved, refused."""
        if self.approved_minor is not None:
            return "approved" if self.approved_minor else "refused"
        return "waiting_for_audit" if self.is_sampled and self.audited_minor is None else "waiting"


def application(connection: Connection, application_id: int) -> Application:
    """The application. Raises ``NotFound``."""
    row = connection.execute(
        _applications().where(voucher_application.c.application_id == application_id)
    ).one_or_none()
    if row is None:
        raise NotFound("voucher application", application_id)
    return _application(row)


def applications_by_id(connection: Connection, application_ids: Sequence[int]) -> dict[int, Application]:
    """The applications among these ids that exist."""
    wanted = voucher_application.c.application_id.in_(application_ids)
    return {
        row.application_id: _application(row) for row in connection.execute(_applications().where(wanted))
    }


def voucher_of(connection: Connection, application_id: int) -> int | None:
    """The voucher that was issued for an application."""
    return connection.execute(
        select(voucher.c.voucher_id).where(voucher.c.application_id == application_id)
    ).scalar_one_or_none()


def voucher_by_id(connection: Connection, voucher_id: int) -> Voucher:
    """The voucher. Raises ``NotFound``."""
    found = vouchers_by_id(connection, [voucher_id])
    if voucher_id not in found:
        raise NotFound("voucher", voucher_id)
    return found[voucher_id]


def vouchers_by_id(connection: Connection, voucher_ids: Sequence[int]) -> dict[int, Voucher]:
    """The vouchers among these ids that exist."""
    rows = connection.execute(_vouchers().where(voucher.c.voucher_id.in_(voucher_ids)))
    return {row.voucher_id: _voucher(row) for row in rows}


def vouchers(
    connection: Connection,
    programme_id: int,
    *,
    enterprise_id: int | None = None,
    after: int | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Voucher]:
    """A programme's vouchers by id."""
    rows = connection.execute(
        _vouchers()
        .where(
            voucher_application.c.programme_id == programme_id,
            true() if enterprise_id is None else voucher_application.c.enterprise_id == enterprise_id,
            true() if after is None else voucher.c.voucher_id > after,
        )
        .order_by(voucher.c.voucher_id)
        .limit(rows_to_read(limit))
    ).all()
    return page_of(rows, limit, _voucher)


def vouchers_past(connection: Connection, programme_id: int, day: date) -> dict[int, Voucher]:
    """Vouchers whose last day is before ``day``, with something left and no claim that waits, by id."""
    rows = connection.execute(
        _vouchers().where(
            voucher_application.c.programme_id == programme_id,
            voucher.c.last_day < day,
            ~_has_waiting_claim(),
        )
    )
    return {one.voucher_id: one for one in map(_voucher, rows) if one.left_minor}


def has_waiting_claim(connection: Connection, voucher_id: int) -> bool:
    """Whether a claim on the voucher isn't decided."""
    found = connection.execute(
        select(_has_waiting_claim()).select_from(voucher).where(voucher.c.voucher_id == voucher_id)
    )
    return bool(found.scalar_one())


def order_by_id(connection: Connection, order_id: int) -> Order:
    """The order with its voucher. Raises ``NotFound``."""
    found = orders_by_id(connection, [order_id])
    if order_id not in found:
        raise NotFound("voucher order", order_id)
    return found[order_id]


def orders_by_id(connection: Connection, order_ids: Sequence[int]) -> dict[int, Order]:
    """The orders among these ids that exist."""
    rows = connection.execute(_ORDERS, {"order_ids": list(order_ids)})
    return {
        row.order_id: Order(
            order_id=row.order_id,
            voucher=_voucher(row),
            provider_id=row.provider_id,
            service=row.service,
            contract=row.contract,
            amount_minor=row.price_minor,
            claimed_minor=int(row.claimed_minor),
            day=row.ordered_on,
            done_on=row.done_on,
        )
        for row in rows
    }


def queues_of_orders(connection: Connection, order_ids: Sequence[int]) -> dict[int, set[tuple[Queue, str]]]:
    """What acts queue on who use the voucher of each of these orders; it never changes."""
    rows = connection.execute(_VOUCHERS_OF_ORDERS, {"order_ids": list(order_ids)})
    return {row.order_id: _queues(row.voucher_id, _application(row)) for row in rows}


def claim_by_id(connection: Connection, claim_id: int) -> Claim:
    """The claim. Raises ``NotFound``."""
    found = claims_where(connection, voucher_claim.c.claim_id == claim_id)
    if not found:
        raise NotFound("voucher claim", claim_id)
    return found[0]


def claims_by_id(connection: Connection, claim_ids: Sequence[int]) -> dict[int, Claim]:
    """The claims among these ids that exist."""
    found = claims_where(connection, voucher_claim.c.claim_id.in_(claim_ids))
    return {one.claim_id: one for one in found}


def waiting_claims(connection: Connection, programme_id: int, through: date) -> list[Claim]:
    """A programme's claims up to a day that can be decided and aren't."""
    of_programme = (
        select(voucher_claim.c.claim_id)
        .join(voucher_order, voucher_order.c.order_id == voucher_claim.c.order_id)
        .join(voucher, voucher.c.voucher_id == voucher_order.c.voucher_id)
        .join(voucher_application, voucher_application.c.application_id == voucher.c.application_id)
        .where(voucher_application.c.programme_id == programme_id, voucher_claim.c.day <= through)
    )
    is_undecided = voucher_decision.c.claim_id.is_(None)
    found = claims_where(connection, voucher_claim.c.claim_id.in_(of_programme), is_undecided)
    return [one for one in found if one.state == "waiting"]


def claims(
    connection: Connection,
    programme_id: int,
    *,
    flagged: bool | None = None,
    after: int | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Claim]:
    """A programme's claims by id; ``flagged``: only those with flags, or without."""
    of_programme = (
        select(voucher_order.c.order_id)
        .join(voucher, voucher.c.voucher_id == voucher_order.c.voucher_id)
        .join(voucher_application, voucher_application.c.application_id == voucher.c.application_id)
        .where(voucher_application.c.programme_id == programme_id)
    )
    has_flag = exists().where(voucher_flag.c.claim_id == voucher_claim.c.claim_id)
    found = claims_where(
        connection,
        voucher_claim.c.order_id.in_(of_programme),
        true() if flagged is None else has_flag == flagged,
        true() if after is None else voucher_claim.c.claim_id > after,
        limit=rows_to_read(limit),
    )
    return page_of(found, limit, lambda one: one)


def claims_where(
    connection: Connection, *wanted: ColumnElement[bool], limit: int | None = None
) -> list[Claim]:
    """Claims by id, with everything about them."""
    audit, decision = voucher_audit.c, voucher_decision.c
    rows = connection.execute(
        select(
            voucher_claim,
            audit.amount_minor.label("audited_minor"),
            audit.finding,
            decision.amount_minor.label("approved_minor"),
            decision.day.label("decided_on"),
            decision.working,
        )
        .join(voucher_audit, audit.claim_id == voucher_claim.c.claim_id, isouter=True)
        .join(voucher_decision, decision.claim_id == voucher_claim.c.claim_id, isouter=True)
        .where(*wanted)
        .order_by(voucher_claim.c.claim_id)
        .limit(limit)
    ).all()
    claim_ids = [row.claim_id for row in rows]
    flags, parts = _flags(connection, claim_ids), _parts(connection, claim_ids)
    return [
        Claim(
            claim_id=row.claim_id,
            order_id=row.order_id,
            amount_minor=row.amount_minor,
            day=row.day,
            is_sampled=row.is_sampled,
            flags=flags[row.claim_id],
            audited_minor=row.audited_minor,
            finding=row.finding,
            approved_minor=row.approved_minor,
            decided_on=row.decided_on,
            recovered_minor=sum(part.recovered_minor for part in parts[row.claim_id]),
            parts=parts[row.claim_id],
            steps=_steps(row.working),
        )
        for row in rows
    ]


def _applications() -> Select[Any]:
    return select(voucher_application, enterprise.c.credit_code).join(
        enterprise, enterprise.c.enterprise_id == voucher_application.c.enterprise_id
    )


def _vouchers() -> Select[Any]:
    """Vouchers with their application and their last use."""
    last = (
        select(voucher_use.c.sequence, voucher_use.c.left_minor, voucher_use.c.kind)
        .where(voucher_use.c.voucher_id == voucher.c.voucher_id)
        .order_by(voucher_use.c.sequence.desc())
        .limit(1)
        .lateral("last_use")
    )
    return (
        select(
            voucher_application,
            enterprise.c.credit_code,
            voucher.c.voucher_id,
            voucher.c.amount_minor.label("face_minor"),
            voucher.c.day.label("issued_on"),
            voucher.c.last_day,
            last.c.sequence,
            last.c.left_minor,
            last.c.kind,
        )
        .select_from(voucher)
        .join(voucher_application, voucher_application.c.application_id == voucher.c.application_id)
        .join(enterprise, enterprise.c.enterprise_id == voucher_application.c.enterprise_id)
        .join(last, true(), isouter=True)
    )


def _queues(voucher_id: int, applied: Application) -> set[tuple[Queue, str]]:
    quota = f"{applied.programme_id}/{applied.quota_group}"
    return {(Queue.VOUCHER, str(voucher_id)), (Queue.VOUCHER_QUOTA, quota)}


def _orders() -> Select[Any]:
    """Orders with their voucher, whether the service was done, and what was claimed for so far."""
    claimed = (
        select(func.coalesce(func.sum(voucher_claim.c.amount_minor), 0))
        .where(voucher_claim.c.order_id == voucher_order.c.order_id)
        .scalar_subquery()
    )
    return (
        _vouchers()
        .add_columns(
            voucher_order.c.order_id,
            voucher_order.c.provider_id,
            voucher_order.c.service,
            voucher_order.c.contract,
            voucher_order.c.amount_minor.label("price_minor"),
            voucher_order.c.day.label("ordered_on"),
            voucher_service.c.day.label("done_on"),
            claimed.label("claimed_minor"),
        )
        .join(voucher_order, voucher_order.c.voucher_id == voucher.c.voucher_id)
        .join(voucher_service, voucher_service.c.order_id == voucher_order.c.order_id, isouter=True)
        .where(_is_asked_order())
    )


def _vouchers_of_orders() -> Select[Any]:
    return (
        _applications()
        .add_columns(voucher.c.voucher_id, voucher_order.c.order_id)
        .join(voucher, voucher.c.application_id == voucher_application.c.application_id)
        .join(voucher_order, voucher_order.c.voucher_id == voucher.c.voucher_id)
        .where(_is_asked_order())
    )


def _is_asked_order() -> ColumnElement[bool]:
    return voucher_order.c.order_id == func.any(bindparam("order_ids", type_=ARRAY(BigInteger)))


def _application(row: Row[Any]) -> Application:
    return Application(
        application_id=row.application_id,
        programme_id=row.programme_id,
        enterprise_id=row.enterprise_id,
        credit_code=row.credit_code,
        controller=row.controller,
        attributes=row.attributes,
        amount_minor=row.amount_minor,
        purpose=row.purpose,
        day=row.day,
    )


def _voucher(row: Row[Any]) -> Voucher:
    return Voucher(
        voucher_id=row.voucher_id,
        application=_application(row),
        amount_minor=row.face_minor,
        left_minor=row.face_minor if row.left_minor is None else row.left_minor,
        uses=row.sequence or 0,
        day=row.issued_on,
        last_day=row.last_day,
        ended=None if row.kind in (None, "claim") else row.kind,
    )


def _has_waiting_claim() -> ColumnElement[bool]:
    return exists().where(
        voucher_order.c.voucher_id == voucher.c.voucher_id,
        voucher_claim.c.order_id == voucher_order.c.order_id,
        ~exists().where(voucher_decision.c.claim_id == voucher_claim.c.claim_id),
    )


def _steps(working: Mapping[str, list[Any]] | None) -> dict[str, list[ClaimStep]]:
    """What a decision keeps, in the order of the clauses' numbers."""
    kept = sorted((working or {}).items(), key=lambda item: int(item[0]))
    return {number: [read_step(step) for step in steps] for number, steps in kept}


def _flags(connection: Connection, claim_ids: Sequence[int]) -> defaultdict[int, dict[str, Any]]:
    table = voucher_flag.c
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for row in connection.execute(
        select(voucher_flag).where(table.claim_id.in_(claim_ids)).order_by(table.code)
    ):
        found[row.claim_id][row.code] = row.grounds
    return found


def _parts(connection: Connection, claim_ids: Sequence[int]) -> defaultdict[int, list[Part]]:
    table = voucher_posting.c
    is_approved = table.sequence == 1
    rows = connection.execute(
        select(table.claim_id, table.clause, table.role, table.party_id)
        .add_columns(
            func.sum(case((is_approved, table.amount_minor), else_=0)).label("amount_minor"),
            func.sum(case((is_approved, 0), else_=-table.amount_minor)).label("recovered_minor"),
        )
        .where(table.claim_id.in_(claim_ids), table.account == "payer")
        .group_by(table.claim_id, table.clause, table.role, table.party_id)
        .order_by(table.claim_id, table.clause, table.role)
    )
    found: defaultdict[int, list[Part]] = defaultdict(list)
    for row in rows:
        found[row.claim_id].append(
            Part(row.clause, row.role, row.party_id, int(row.amount_minor), int(row.recovered_minor))
        )
    return found


_ORDERS = _orders()
_VOUCHERS_OF_ORDERS = _vouchers_of_orders()
