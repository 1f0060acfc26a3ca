"""Papers and bundles of a quarter whose figures are cleared vouchers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from clearing_room import open_clearing_room, settle_cleared
from voucher_room import VoucherRoom

from ledger.desk import bundles, log, statements
from ledger.desk.bundles import Trust
from ledger.desk.log import LogFiles
from ledger.desk.statements.paper import Amount
from ledger.desk.statements.settlement_paper import settlement_paper
from ledger.evidence.bundles import Bundle
from ledger.periods import Quarter
from ledger_schema.sessions import Database

FIRST = Quarter(2024, 1)


@pytest.fixture
def room(database_url: str) -> Iterator[VoucherRoom]:
    opened = Database(database_url)
    room = open_clearing_room(opened)
    room.redeem(1, "60000.00")
    settle_cleared(room)
    yield room
    opened.dispose()


def test_a_bundle_of_cleared_vouchers_holds_without_the_ledger(room: VoucherRoom, tmp_path: Path) -> None:
    files = LogFiles(tmp_path)
    log.sequence(room.database, files)
    with room.database.reading() as connection:
        settlement_id = bundles.closed_settlement_of(connection, room.agreement_id, FIRST)
        key = files.signer().verifier
        made = bundles.settlement_bundle(connection, key, room.agreement_id, settlement_id)
    said = [each.en for each in bundles.verify(Bundle.parse(made.encode()), Trust())]
    assert any(line.startswith("Computed again: 2 allocations") for line in said), said


def test_a_statement_names_what_each_side_bears_of_vouchers_by_enterprise(room: VoucherRoom) -> None:
    with room.database.reading() as connection:
        shown = statements.statement(connection, room.agreement_id, FIRST)
    (figures,) = [table for table in settlement_paper(shown, "zh").tables if table.name == "申报数"]
    rows = [
        (
            row[0],
            row[3],
            *(cell.amount_minor for cell in row if isinstance(cell, Amount) and cell.amount_minor),
        )
        for row in figures.rows
    ]
    assert rows == [(11, "本区创新券承担额", 4_000_000), (12, "合作方创新券承担额", 2_000_000)]
