"""Settlements: what the signed rules say of everything known, less what the ledger already says.

A quarter is *computed* (any number of times; the same inputs give the same settlement) and then *closed* with
one of those settlements, provided that nothing it rests on has changed since. Everything that changes an
input holds a share lock on the open quarter's row; closing takes the row for itself and compares the inputs
after that, so a return can't slip in between unseen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, select, update

from ledger.desk import agreements
from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.lines import open_lines, seen_lines
from ledger.desk.payments.raising import Closing, raise_legs
from ledger.desk.settlements.proposals import proposals, signable
from ledger.desk.settlements.reading import (
    Allocation,
    Settlement,
    booked,
    last_closed,
    last_reopened,
    settlement,
    summed,
)
from ledger.desk.settlements.recording import Draft, record_settlement, recorded_with
from ledger.desk.settlements.replays import (
    Effect,
    Inputs,
    Materials,
    Slot,
    Totals,
    effects,
    gather,
    inputs_now,
    latest_clauses,
    versions_of,
)
from ledger.desk.settlements.salting import salt_settlement
from ledger.desk.settlements.summing import add_sums
from ledger.desk.signatures import refuse_unsigned
from ledger.errors import InvariantBroken, LedgerError
from ledger.evidence.canonical import digest
from ledger.periods import Quarter
from ledger.rules import state
from ledger.rules.facts import Version
from ledger.rules.plain import version_in_force
from ledger.rules.terms import Clause
from ledger_schema.sessions import Database
from ledger_schema.tables import agreement_quarter
from ledger_schema.tables import carried as carried_table


class QuarterNotOpen(LedgerError):
    """Only an agreement's open quarter is computed and closed."""

    code = "QUARTER_NOT_OPEN"
    sentence_en = (
        "Expected the agreement's open quarter ({open}), but got {quarter}. Settle the open quarter."
    )
    sentence_zh = "应为协议当前未结季度（{open}），实际为 {quarter}。请结算未结季度。"


class ReturnsMissing(LedgerError):
    """A role that the clauses name as the reporter has no return that counts; ``missing`` lists them."""

    code = "RETURNS_MISSING"
    sentence_en = (
        "Expected every reporting party's return, but these are missing: {listed}. "
        "Hand them in (nil if there is nothing), and have them certified where the terms ask for it."
    )
    sentence_zh = "申报方须全部申报，尚缺：{listed}。请补齐（无数据请作零申报）；条款要求复核的，请完成复核。"

    def __init__(self, missing: Sequence[tuple[Quarter, str]]) -> None:
        super().__init__(listed=", ".join(f"{quarter} {role}" for quarter, role in missing))
        self.missing = list(missing)


class StaleSettlement(LedgerError):
    """Something that the settlement rests on has changed since it was computed."""

    code = "SETTLEMENT_STALE"
    sentence_en = (
        "Settlement {settlement_id} of {quarter} rests on facts that have changed since. "
        "Compute it again, then close."
    )
    sentence_zh = "{quarter}的结算 {settlement_id} 所依据的事实已变化。请重新计算后再关账。"


# --- computing --------------------------------------------------------------------------------------------


def preview(connection: Connection, agreement_id: int) -> Draft:
    """The open quarter's settlement as it would be now, with sums in place of results that are closed to the
    session; nothing is written.

    Raises ``NotFound``, ``QuarterNotOpen``, ``ReturnsMissing``, ``InvariantBroken``.
    """
    agreements.agreement(connection, agreement_id)
    quarter = agreements.open_quarter(connection, agreement_id)
    if quarter is None:
        raise QuarterNotOpen(open="-", quarter="-")
    seen = seen_lines(connection, agreement_id)
    with open_lines(connection):
        draft = _draft(connection, agreement_id, quarter)
    return replace(draft, allocations=summed(draft.allocations, seen))


def compute(database: Database, act: Act, agreement_id: int, quarter: Quarter) -> Done[int]:
    """Compute and record the open quarter's settlement; returns its id.

    Unchanged inputs give the settlement that was already recorded. Raises ``NotFound``, ``QuarterNotOpen``,
    ``ReturnsMissing``, ``InvariantBroken``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        connection.execute(select(func.open_booked_quarter(quarter.code)))
        agreements.agreement(connection, agreement_id)
        queue_on(connection, Queue.AGREEMENT, str(agreement_id))
        _require_open(agreements.hold_open_quarter(connection, agreement_id), quarter)
        draft = _draft(connection, agreement_id, quarter)
        settlement_id = recorded_with(connection, draft) or record_settlement(connection, record, draft)
        return {"settlement": settlement_id}

    request = {"agreement": str(agreement_id), "quarter": str(quarter)}
    done = perform(database, act, "compute_settlement", request, work)
    return named_number(done, "settlement")


def close(database: Database, act: Act, agreement_id: int, quarter: Quarter, settlement_id: int) -> Done[int]:
    """Make the settlement the quarter's result and open the next quarter, unless the terms end; gives its id.

    Raises ``NotFound``, ``QuarterNotOpen``, ``StaleSettlement``, ``SignaturesMissing``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        agreements.agreement(connection, agreement_id)
        chosen = settlement(connection, agreement_id, settlement_id)
        close_in(connection, record, chosen, quarter)
        return {"settlement": settlement_id}

    request = {"agreement": str(agreement_id), "quarter": str(quarter), "settlement": str(settlement_id)}
    done = perform(database, act, "close_quarter", request, work)
    return named_number(done, "settlement")


def close_in(connection: Connection, record: Recorder, chosen: Settlement, quarter: Quarter) -> None:
    """The steps of ``close`` in the caller's transaction, which must be READ COMMITTED.

    Raises ``QuarterNotOpen``, ``StaleSettlement``, ``SignaturesMissing``.
    """
    queue_on(connection, Queue.AGREEMENT, str(chosen.agreement_id))
    take_open(connection, chosen.agreement_id, quarter)
    require_fresh(connection, chosen, quarter)
    _require_signed(connection, chosen)
    _mark_closed(connection, chosen)
    following = _open_next(connection, chosen)
    record("settlement_closed", _closing_data(chosen, following), chosen.agreement_id)
    salt_settlement(connection, record, chosen)
    closing = Closing(
        chosen.agreement_id, chosen.booked_quarter, chosen.settlement_id, ends=following is None
    )
    raise_legs(connection, record, closing)
    add_sums(connection, closing.agreement_id, closing.quarter, closing.settlement_id)


def _draft(connection: Connection, agreement_id: int, quarter: Quarter) -> Draft:
    before, now = worlds_now(connection, agreement_id, quarter)
    materials = gather(connection, agreement_id, now, *([] if before is None else [before]))
    require_returns(materials, now)
    base, found, latest = effects(materials, before, now)
    _require_booked(connection, agreement_id, base)
    _require_sum(base, found, latest.totals)
    return Draft(
        agreement_id=agreement_id,
        booked_quarter=quarter,
        is_final=is_final(materials, now),
        inputs=now,
        effects=found,
        allocations=allocations_of(found),
        carried=latest.carried,
        materials=materials,
    )


def worlds_now(connection: Connection, agreement_id: int, quarter: Quarter) -> tuple[Inputs | None, Inputs]:
    """The world of the last closed settlement (None before the first), and the world now."""
    now = replace(
        inputs_now(connection, agreement_id, quarter),
        reopened_settlement_id=last_reopened(connection, agreement_id, quarter),
    )
    last = last_closed(connection, agreement_id)
    if last is None:
        return None, now
    settlement_id, before = last
    held = _decided(connection, agreement_id, settlement_id, before)
    return before, replace(now, held=held, previous_settlement_id=settlement_id)


def _decided(
    connection: Connection, agreement_id: int, settlement_id: int, last: Inputs
) -> dict[tuple[int, int], bool]:
    """The extensions that closed settlements decided for good: those that the last was given, and its own."""
    terms = {row.version: row for row in agreements.terms_in_force(connection, agreement_id)}
    clauses = latest_clauses(terms, last)
    holding = holding_clauses(versions_of(terms, last))
    rows = connection.execute(
        select(carried_table.c.clause, carried_table.c.subject_id, carried_table.c.state).where(
            carried_table.c.agreement_id == agreement_id,
            carried_table.c.booked_quarter == last.quarter.code,
            carried_table.c.settlement_id == settlement_id,
            carried_table.c.clause.in_(sorted(holding)),
        )
    )
    kept = {
        (row.clause, row.subject_id): state.unpack(row.state, clauses[row.clause]).extended for row in rows
    }
    return dict(last.held) | {key: extended for key, extended in kept.items() if extended is not None}


def holding_clauses(versions: Iterable[Version]) -> set[int]:
    """The clauses whose decided extensions stand in every later replay, because a version says so."""
    return {
        clause.number for version in versions for clause in version.terms.clauses if _holds_decisions(clause)
    }


def _holds_decisions(clause: Clause) -> bool:
    extension = None if clause.when.window is None else clause.when.window.extension
    return extension is not None and extension.on_correction == "hold"


def _require_open(open_now: Quarter | None, quarter: Quarter) -> None:
    if open_now != quarter:
        raise QuarterNotOpen(open=open_now or "-", quarter=quarter)


def require_returns(materials: Materials, now: Inputs) -> None:
    """Raises ``ReturnsMissing`` unless every role that a clause in force names has handed in."""
    in_force = version_in_force(versions_of(materials.versions, now), now.quarter)
    roles = set() if in_force is None else {clause.what.reported_by for clause in in_force.terms.clauses}
    missing = [(now.quarter, role) for role in sorted(roles) if (now.quarter, role) not in now.filings]
    if missing:
        raise ReturnsMissing(missing)


def _require_booked(connection: Connection, agreement_id: int, base: Totals) -> None:
    if booked(connection, agreement_id) != base.booked:
        raise InvariantBroken(
            detail=f"what is booked of agreement {agreement_id} isn't what its last settlement gives"
        )


def _require_sum(base: Totals, found: Sequence[Effect], now: Totals) -> None:
    total: defaultdict[Slot, int] = defaultdict(int, base.amounts)
    for effect in found:
        for slot, amount_minor in effect.change.amounts.items():
            total[slot] += amount_minor
    if {slot: amount for slot, amount in total.items() if amount} != now.amounts:
        raise InvariantBroken(detail="the causes don't add up to the whole change")


def allocations_of(found: Sequence[Effect]) -> list[Allocation]:
    """In key order. Zero changes are left out; a cause may have none."""
    listed = [
        Allocation(effect.cause.cause, *slot, amount_minor, routed_minor)
        for effect in found
        for slot, (amount_minor, routed_minor) in effect.change.booked.items()
    ]
    return sorted(listed, key=lambda one: one.key)


def is_final(materials: Materials, now: Inputs) -> bool:
    """Whether the quarter ends a year, or the terms, so that what accrued falls due."""
    last_quarter = versions_of(materials.versions, now)[-1].terms.last_quarter
    ends = last_quarter is not None and Quarter.parse(last_quarter) <= now.quarter
    return now.quarter.quarter == 4 or ends


# --- closing ----------------------------------------------------------------------------------------------


def take_open(connection: Connection, agreement_id: int, quarter: Quarter) -> None:
    """Take the open quarter's row for ourselves: who shares it finishes first, who comes later waits.

    Raises ``QuarterNotOpen``.
    """
    code = connection.execute(
        select(agreement_quarter.c.quarter)
        .where(agreement_quarter.c.agreement_id == agreement_id, agreement_quarter.c.state == "open")
        .with_for_update()
    ).scalar_one_or_none()
    _require_open(None if code is None else Quarter.from_code(code), quarter)


def require_fresh(connection: Connection, chosen: Settlement, quarter: Quarter) -> None:
    """Raises ``StaleSettlement`` unless the settlement rests on what is known now."""
    _, now = worlds_now(connection, chosen.agreement_id, quarter)
    if now.canonical() != chosen.inputs.canonical():
        raise StaleSettlement(settlement_id=chosen.settlement_id, quarter=quarter)


def _require_signed(connection: Connection, chosen: Settlement) -> None:
    """Raises ``SignaturesMissing`` unless all have signed whom the terms ask to."""
    needed = agreements.procedure_in_force(connection, chosen.agreement_id, chosen.booked_quarter).signed_by
    if not needed:
        return
    proposal = proposals(connection, chosen.agreement_id, [chosen.settlement_id]).get(chosen.settlement_id)
    content, given = (b"", []) if proposal is None else (proposal.content, proposal.signatures)
    refuse_unsigned(signable(chosen, content), needed, given)


def _mark_closed(connection: Connection, chosen: Settlement) -> None:
    # The clock rather than the transaction's start: whatever we waited for was known before the close.
    connection.execute(
        update(agreement_quarter)
        .where(
            agreement_quarter.c.agreement_id == chosen.agreement_id,
            agreement_quarter.c.quarter == chosen.booked_quarter.code,
        )
        .values(state="closed", settlement_id=chosen.settlement_id, closed_at=func.clock_timestamp())
    )


def _open_next(connection: Connection, chosen: Settlement) -> Quarter | None:
    following = chosen.booked_quarter.next
    begun = [
        row for row in agreements.terms_in_force(connection, chosen.agreement_id) if row.starts <= following
    ]
    last_quarter = begun[-1].terms.last_quarter
    if last_quarter is not None and Quarter.parse(last_quarter) < following:
        return None
    agreements.open_next_quarter(connection, chosen.agreement_id, following)
    return following


def _closing_data(chosen: Settlement, following: Quarter | None) -> dict[str, Any]:
    return {
        "settlement": str(chosen.settlement_id),
        "quarter": str(chosen.booked_quarter),
        "inputs_hash": digest(chosen.inputs.canonical()).hex(),
        "allocations_hash": chosen.allocations_hash.hex(),
        "allocation_count": chosen.allocation_count,
        "next_quarter": None if following is None else str(following),
    }
