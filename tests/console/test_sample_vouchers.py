"""The sample's vouchers once loaded: cleared, settled, partly paid, and one still to be claimed on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ledger.desk import agreements, fsck, payments, vouchers
from ledger.desk.payments import LegFilter
from ledger.money import format_amount
from ledger_console.sample import load
from ledger_console.sample.demo_keys import DemoKeys
from ledger_console.sample.vouchers import sample_vouchers
from ledger_schema.sessions import Database
from ledger_schema.tables import event

CODE = sample_vouchers().code


@pytest.fixture(scope="module")
def database(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(module_database_url)
    load.load_parties(opened, lambda _line: None)
    load.load_vouchers(opened, DemoKeys(tmp_path_factory.mktemp("keys")))
    yield opened
    opened.dispose()


def test_claims_are_paid_settled_or_still_to_be_made(database: Database) -> None:
    with database.reading() as connection:
        programme = vouchers.programme_by_code(connection, CODE)
        claims = vouchers.claims(connection, programme.programme_id).items
        states = vouchers.clearing_states(connection, claims)
        found = [vouchers.vouchers(connection, programme.programme_id).items]
    assert [format_amount(one.approved_minor or 0, 2) for one in claims] == [
        "60000.00",
        "100000.00",
        "40000.00",
        "30000.00",
    ]
    assert [states[one.claim_id] for one in claims] == ["paid", "paid", "settled", "paid"]
    assert [one.state for one in found[0]].count("issued") == 2


def test_the_providers_zone_owes_its_third_of_each_quarter(database: Database) -> None:
    with database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, CODE).agreement_id
        legs = payments.every_leg(connection, LegFilter(agreement_id=agreement_id))
    assert [(format_amount(leg.amount_minor, 2), leg.open_minor) for leg in legs] == [
        ("53333.33", 0),
        ("3333.33", 333_333),
    ]


def test_loading_again_does_nothing_and_every_row_is_what_its_event_says(
    database: Database, tmp_path: Path
) -> None:
    count = select(func.count()).select_from(event)
    with database.reading() as connection:
        before = connection.execute(count).scalar_one()
    load.load_vouchers(database, DemoKeys(tmp_path))
    with database.reading() as connection:
        found = [one for result in fsck.run(connection) for one in result.mismatches]
        assert connection.execute(count).scalar_one() == before
    assert [one for one in found if one.table != "log_leaf"] == []


def test_a_load_that_stopped_after_the_vouchers_goes_on(database: Database) -> None:
    assert load.is_wanted(database)
