"""Whatever is redeemed, recovered and cleared in whatever order: what was settled is what was entered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import pytest
from clearing_room import clear, open_clearing_room, settle_cleared
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from voucher_room import HOME, PROVIDER_ZONE, VoucherRoom

from ledger.desk import fsck
from ledger.money import format_amount
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import allocation, voucher_entry, voucher_entry_cleared, voucher_posting

SETTINGS = settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.generate,),
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
FIRST = Quarter(2024, 1)
CLAUSE_OF = {HOME: 11, PROVIDER_ZONE: 12}
REDEEM = st.tuples(
    st.just("redeem"), st.integers(1, 5), st.integers(1, 9_999), st.sampled_from((HOME, PROVIDER_ZONE))
)
RECOVER = st.tuples(st.just("recover"), st.integers(0, 99), st.integers(1, 100), st.none())
CLEAR = st.tuples(st.just("clear"), st.none(), st.none(), st.none())
Step = tuple[str, int, int, str]


@dataclass
class Ledger:
    """One agreement whose quarters are settled one after the other, and its claims."""

    room: VoucherRoom
    quarter: Quarter = FIRST
    before: Quarter = FIRST
    claims: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def ledger(module_database_url: str) -> Iterator[Ledger]:
    database = Database(module_database_url)
    yield Ledger(open_clearing_room(database))
    database.dispose()


def take(ledger: Ledger, step: Step, day: date) -> None:
    what, first, second, place = step
    if what == "redeem":
        claim = ledger.room.redeem(first, format_amount(second, 2), at=place, day=day)
        ledger.claims.append(claim.claim_id)
    elif what == "recover" and ledger.claims:
        found = ledger.room.claim_now(ledger.claims[first % len(ledger.claims)])
        kept_minor = (found.approved_minor or 0) - found.recovered_minor
        part_minor = kept_minor * second // 100
        if part_minor:
            ledger.room.recover(found.claim_id, format_amount(part_minor, 2), day=day)
    elif what == "clear":
        clear(ledger.room, str(Quarter.of(day)))


def entered(ledger: Ledger) -> dict[str, int]:
    """What every payer bears by the entries, in fen."""
    columns = voucher_posting.c
    query = (
        select(columns.role, func.sum(columns.amount_minor))
        .where(columns.account == "payer")
        .group_by(columns.role)
    )
    with ledger.room.database.reading() as connection:
        return {role: int(total) for role, total in connection.execute(query) if total}


def settled(ledger: Ledger) -> dict[str, int]:
    """What the clause of every payer gave, over all settlements, in fen."""
    query = select(allocation.c.clause, func.sum(allocation.c.amount_minor)).group_by(allocation.c.clause)
    with ledger.room.database.reading() as connection:
        by_clause = {clause: int(total) for clause, total in connection.execute(query)}
    return {role: by_clause[number] for role, number in CLAUSE_OF.items() if by_clause.get(number)}


@SETTINGS
@given(
    steps=st.lists(st.one_of(REDEEM, REDEEM, RECOVER, CLEAR), max_size=6),
    late=st.lists(st.one_of(REDEEM, RECOVER), max_size=2),
)
def test_what_was_settled_is_what_was_entered_to_the_fen(
    ledger: Ledger, steps: list[Step], late: list[Step]
) -> None:
    for step in steps:
        take(ledger, step, ledger.quarter.last_day)
    for step in late:
        take(ledger, step, ledger.before.last_day)
    clear(ledger.room, str(ledger.before))
    settle_cleared(ledger.room, str(ledger.quarter))
    ledger.before, ledger.quarter = ledger.quarter, ledger.quarter.next
    assert settled(ledger) == entered(ledger)


def test_every_entry_is_cleared_once_and_every_row_is_what_its_event_says(ledger: Ledger) -> None:
    with ledger.room.database.reading() as connection:
        entries, cleared = (
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (voucher_entry, voucher_entry_cleared)
        )
        found = [one for result in fsck.run(connection) for one in result.mismatches]
    assert entries == cleared > 0
    assert [one for one in found if one.table != "log_leaf"] == []
