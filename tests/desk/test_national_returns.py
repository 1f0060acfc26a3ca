"""A national import stores what handing in one by one stores, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clearing_room import open_clearing_room
from desk_fixtures import Room, clause, enterprise, open_room
from sqlalchemy import text
from voucher_room import HOME, PROVIDER_ZONE

from ledger.desk import bundles, enterprises, fsck, log, returns
from ledger.desk.acts import Act
from ledger.desk.bundles import Trust
from ledger.desk.log import LogFiles
from ledger.desk.national import returns as national_returns
from ledger.desk.national.returns import ImportFault, ImportRefused, NationalReturns
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter
from ledger_schema.sessions import Database

FIRST = Quarter(2024, 1)
TAX, RENT = (MEASURE_BY_NAME[name].measure_id for name in ("retained_tax", "rent"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def rooms(database: Database) -> list[Room]:
    whole_park = open_room(database, code="A-1")
    listed = open_room(database, clause(whose={"scope": "listed_enterprises"}), code="A-2")
    listed.confirm_list(enterprise(1), enterprise(2))
    return [whole_park, listed]


@pytest.fixture
def given(rooms: list[Room]) -> NationalReturns:
    """A month and a quarter of the first park, and a quarter of each enterprise of the second."""
    with rooms[1].database.reading() as connection:
        listed = enterprises.confirmed_list(connection, rooms[1].agreement_id)
    assert listed is not None
    enterprise_ids = [entry.enterprise_id for entry in listed.entries]
    return NationalReturns(
        slots=[(room.agreement_id, "host") for room in rooms],
        bounds=[0, 2, 4],
        totals_minor=[{"retained_tax": 300}, {"retained_tax": 700}],
        documents=["凭证-1", "凭证-20"],
        subject=np.array([0, 0, *enterprise_ids], np.int64),
        measure_id=np.full(4, TAX),
        starts=np.array(["2024-02-01", "2024-01-01", "2024-01-01", "2024-01-01"], "datetime64[D]"),
        months=np.array([1, 3, 3, 3], np.int64),
        amount_minor=np.array([100, 200, 300, 400], np.int64),
    )


def test_an_import_stores_the_lines_hash_and_totals_of_handing_in_by_itself(
    database: Database, rooms: list[Room], given: NationalReturns
) -> None:
    done = national_returns.load_returns(database, Act("import"), FIRST, given)
    again = national_returns.load_returns(database, Act("import"), FIRST, given)
    assert (done.value, done.replayed, again.replayed) == (2, False, True)
    for room, figures in zip(rooms, ({"2024-02": "1.00", "2024Q1": "2.00"}, {}), strict=True):
        with database.reading() as connection:
            (imported,) = returns.filings(connection, room.agreement_id)
            lines = returns.lines_of_filings(connection, room.agreement_id, [imported.filing_id])
        assert (imported.sequence, imported.line_count, imported.is_current) == (1, 2, True)
        if figures:
            by_hand = room.hand_in_figures(
                "2024Q1", {("retained_tax", span): amount for span, amount in figures.items()}
            )
            assert (by_hand.sequence, by_hand.lines_hash) == (2, imported.lines_hash)
            assert by_hand.totals == imported.totals
        assert sum(line.amount_minor for line in lines) == imported.totals["retained_tax"]


def test_every_imported_return_is_salted_and_its_enterprises_can_be_shown_alone(
    database: Database, rooms: list[Room], given: NationalReturns, tmp_path: Path
) -> None:
    national_returns.load_returns(database, Act("import"), FIRST, given)
    room, files = rooms[1], LogFiles(tmp_path)
    settlement_id = room.close("2024Q1", room.compute("2024Q1"))
    log.sequence(database, files)
    key, code = files.signer().verifier, enterprise(1).credit_code
    with database.reading() as connection:
        results = list(fsck.run(connection, log_key=key))
        excerpt = bundles.enterprise_excerpt(connection, key, room.agreement_id, settlement_id, code)
        salted = connection.execute(
            text("SELECT count(*) FROM event WHERE kind = 'lines_salted'")
        ).scalar_one()
    assert [found for result in results for found in result.mismatches] == []
    assert salted == 2
    assert [line.amount_minor for each in excerpt.returns for line in each.lines] == ["300"]
    assert [each.en for each in bundles.checked(excerpt.encode(), Trust(key))][-1] == "The excerpt holds."


def test_every_fault_is_listed_and_nothing_is_stored(
    database: Database, rooms: list[Room], given: NationalReturns
) -> None:
    faulty = replace(
        given,
        slots=[*given.slots, (given.slots[0][0], "origin"), (1, "host")],
        bounds=[*given.bounds, 4, 4],
        totals_minor=[{"retained_tax": 301}, {"retained_tax": 700}, {}, {}],
        documents=[*given.documents, "", ""],
        subject=np.array([0, 0, 0, 99], np.int64),
        measure_id=np.array([TAX, TAX, TAX, RENT]),
        starts=np.array(["2024-02-01", "2024-04-01", "2024-01-01", "2024-01-01"], "datetime64[D]"),
    )
    with pytest.raises(ImportRefused) as refusal:
        national_returns.load_returns(database, Act("import"), FIRST, faulty)
    found = refusal.value.faults
    assert {
        ImportFault(0, 2, "PERIOD_OUTSIDE_QUARTER"),
        ImportFault(0, None, "TOTAL_DIFFERS"),
        ImportFault(1, 1, "CREDIT_CODE_MISSING"),
        ImportFault(1, 2, "ENTERPRISE_NOT_LISTED"),
        ImportFault(1, 2, "MEASURE_NOT_EXPECTED"),
        ImportFault(2, None, "ROLE_REPORTS_NOTHING"),
        ImportFault(3, None, "QUARTER_NOT_OPEN"),
    } <= set(found)
    with database.reading() as connection:
        assert returns.filings(connection, rooms[0].agreement_id) == []


def test_returns_that_somebody_certifies_or_that_are_sealed_do_not_come_in_bulk(
    database: Database, given: NationalReturns
) -> None:
    calendar = {"submit_days": 15, "sign_days": 30, "fund_days": 45}
    procedure = {"certified": ["host"], "sealed": True, "calendar": calendar}
    room = open_room(database, code="A-3", procedure=procedure)
    with_another = replace(
        given,
        slots=[*given.slots, (room.agreement_id, "host")],
        bounds=[*given.bounds, 4],
        totals_minor=[*given.totals_minor, {}],
        documents=[*given.documents, ""],
    )
    with pytest.raises(ImportRefused) as refusal:
        national_returns.load_returns(database, Act("import"), FIRST, with_another)
    assert refusal.value.faults == [
        ImportFault(2, None, "PERSON_MISSING"),
        ImportFault(2, None, "FIGURES_SEALED"),
    ]


def test_a_return_that_clearing_makes_is_refused_in_bulk_as_it_is_by_hand(
    database: Database, given: NationalReturns
) -> None:
    room = open_clearing_room(database, code="A-3")
    with_cleared = replace(
        given,
        slots=[*given.slots, (room.agreement_id, HOME), (room.agreement_id, PROVIDER_ZONE)],
        bounds=[*given.bounds, 4, 4],
        totals_minor=[*given.totals_minor, {}, {}],
        documents=[*given.documents, "", ""],
    )
    with pytest.raises(ImportRefused) as refusal:
        national_returns.load_returns(database, Act("import"), FIRST, with_cleared)
    assert refusal.value.faults == [
        ImportFault(2, None, "RETURN_IS_CLEARED"),
        ImportFault(3, None, "RETURN_IS_CLEARED"),
    ]
