"""What was added up of closed quarters: from what they made payable and posted, and the terms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from ledger.desk.fsck.comparing import Mismatch, Scope, Told
from ledger.periods import Quarter
from ledger.rules.terms import Terms
from ledger_schema.tables import (
    account,
    agreement_version,
    payable,
    posting,
    settled_credit,
    settled_flow,
)

UNKNOWN_MECHANISM = ""
"""Of a payable whose clause no terms have."""


class _Closed(NamedTuple):
    """A settlement that closed its quarter (1), or whose quarter was reopened (2)."""

    booked_quarter: int
    settlement_id: int
    sequence: int


def check_sums(scope: Scope) -> Iterator[Mismatch]:
    """What flowed and what was credited adds up from payables and postings, reopened quarters negated."""
    closed = list(_closed(scope))
    yield from scope.compare([settled_flow], _flows(scope, closed))
    yield from scope.compare([settled_credit], _credits(scope, closed))


def _closed(scope: Scope) -> Iterator[_Closed]:
    for said in scope.said("settlement_closed", "quarter_reopened"):
        quarter = Quarter.parse(said.data["quarter"]).code
        yield _Closed(quarter, int(said.data["settlement"]), 1 if said.kind == "settlement_closed" else 2)


def _flows(scope: Scope, closed: list[_Closed]) -> Iterator[Told]:
    mechanisms = _mechanisms(scope)
    totals: defaultdict[tuple[int, int], defaultdict[tuple[str, int, int, int], int]]
    totals = defaultdict(lambda: defaultdict(int))
    for row in scope.rows(payable, payable.c.agreement_id == scope.agreement_id):
        key = (
            mechanisms.get(row.clause, UNKNOWN_MECHANISM),
            row.commodity_id,
            row.payer_party_id,
            row.payee_party_id,
        )
        totals[row.booked_quarter, row.settlement_id][key] += row.booked_minor
    names = ("mechanism", "commodity_id", "payer_party_id", "payee_party_id")
    for one in closed:
        for key, amount_minor in totals[one[:2]].items():
            if amount_minor:
                of_key = dict(zip(names, key, strict=True))
                yield Told(settled_flow, _row(scope, one, amount_minor) | of_key)


def _mechanisms(scope: Scope) -> dict[int, str]:
    """The mechanism of every clause, by the last version in force that has it."""
    rows = scope.rows(agreement_version, agreement_version.c.agreement_id == scope.agreement_id)
    terms = {row.version: row.terms for row in rows}
    return {
        clause.number: clause.what.mechanism.value
        for said in scope.said("version_brought_into_force")
        for clause in Terms.model_validate_json(terms[said.data["version"]]).clauses
    }


def _credits(scope: Scope, closed: list[_Closed]) -> Iterator[Told]:
    accounts = {
        row.account_id: (row.book_id, row.commodity_id, row.party_id)
        for row in scope.rows(account, account.c.agreement_id == scope.agreement_id)
        if row.kind == "credited"
    }
    totals: defaultdict[tuple[int, int], defaultdict[tuple[int, int, int], int]]
    totals = defaultdict(lambda: defaultdict(int))
    for row in scope.rows(posting, posting.c.agreement_id == scope.agreement_id):
        if row.account_id in accounts:
            totals[row.booked_quarter, row.settlement_id][accounts[row.account_id]] += row.amount_minor
    names = ("book_id", "commodity_id", "party_id")
    for one in closed:
        for key, amount_minor in totals[one[:2]].items():
            if amount_minor:
                of_key = dict(zip(names, key, strict=True))
                yield Told(settled_credit, _row(scope, one, amount_minor) | of_key)


def _row(scope: Scope, one: _Closed, amount_minor: int) -> dict[str, object]:
    return {
        "agreement_id": scope.agreement_id,
        **one._asdict(),
        "amount_minor": amount_minor if one.sequence == 1 else -amount_minor,
    }
