"""Bundles: what was closed is proven with no database, down to the last fen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from bundle_room import BundleRoom, open_bundle_room
from desk_fixtures import clause, enterprise, open_room, totals_of
from signing_room import open_signing_room

from ledger.desk import bundles, log, national, returns
from ledger.desk.acts import Act
from ledger.desk.bundles import SettlementNotClosed, Trust
from ledger.desk.failures import NotFound
from ledger.desk.log import LogFiles
from ledger.desk.log.reading import NotLoggedYet
from ledger.desk.returns import LineDraft
from ledger.evidence.bundles import Bundle, BundleUnreadable, BundleWrong
from ledger.evidence.notes import SignerKey
from ledger.evidence.signatures import new_private_key
from ledger.periods import Quarter
from ledger.rules.terms import Event
from ledger_schema.sessions import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database, tmp_path: Path) -> BundleRoom:
    return open_bundle_room(database, tmp_path)


def said(bundle: Bundle, trust: Trust | None = None) -> str:
    return "\n".join(each.en for each in bundles.verify(bundle, trust or Trust()))


def bundle_of(database: Database, agreement_id: int, quarter: str, files: LogFiles) -> Bundle:
    log.sequence(database, files)
    with database.reading() as connection:
        settlement_id = bundles.closed_settlement_of(connection, agreement_id, Quarter.parse(quarter))
        return bundles.settlement_bundle(connection, files.signer().verifier, agreement_id, settlement_id)


# --- what holds -------------------------------------------------------------------------------------------


def test_a_bundle_holds_with_the_keys_that_the_user_gives(room: BundleRoom) -> None:
    bundle = Bundle.parse(room.bundle("2024Q2").encode())
    found = said(bundle, Trust(room.log_key, room.party_keys, cosigners=list(room.party_keys)))
    assert "Cosigned by: A-1-ORIGIN, A-1-HOST" in found
    assert "4 allocations and 2 entries, the same to the last fen" in found
    assert "Settlement signed by: origin, host" in found
    assert "as you gave them: A-1-HOST, A-1-ORIGIN; taken from the file: none" in found


def test_keys_that_nobody_gave_are_said_to_be_taken_from_the_bundle(room: BundleRoom) -> None:
    found = said(room.bundle("2024Q1"))
    assert "key taken from the file" in found
    assert "as you gave them: none; taken from the file: A-1-HOST, A-1-ORIGIN" in found


def test_a_bundle_is_the_same_bytes_whenever_it_is_asked_for(room: BundleRoom) -> None:
    first = room.bundle("2024Q1").encode()
    room.desk.hand_in("2024Q3", "1.00", "1.00")
    room.settle_signed("2024Q3")
    room.sequence()
    assert room.bundle("2024Q1").encode() == first
    assert "2024Q3" in said(room.bundle("2024Q3"))


def test_it_is_verified_where_no_database_driver_can_be_reached(room: BundleRoom, tmp_path: Path) -> None:
    file = tmp_path / "bundle.json"
    file.write_bytes(room.bundle("2024Q2").encode())
    program = """
import socket, sys
from pathlib import Path
import psycopg, sqlalchemy.engine
def refuse(*_, **__): raise SystemExit("no network, no database")
socket.socket.connect = psycopg.connect = sqlalchemy.engine.Engine.connect = refuse
from ledger.desk import bundles
from ledger.evidence.bundles import Bundle
print(len(list(bundles.verify(Bundle.parse(Path(sys.argv[1]).read_bytes()), bundles.Trust()))))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 5


def test_a_year_with_accruals_a_correction_and_no_signatures_holds_in_every_quarter(
    database: Database, tmp_path: Path
) -> None:
    accruing = clause(then={"provisional": "accrue"})
    room = open_room(database, accruing)
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        room.settle(quarter, "100.01")
    room.hand_in("2024Q1", "90.00")
    room.settle("2024Q4", "33.33")
    for quarter in ("2024Q1", "2024Q3", "2024Q4"):
        found = said(bundle_of(database, room.agreement_id, quarter, LogFiles(tmp_path)))
        assert "Settlement signed by: the terms ask nobody" in found


def test_a_reopened_quarters_new_settlement_holds_and_so_does_the_one_that_it_replaced(
    database: Database, tmp_path: Path
) -> None:
    room = open_signing_room(database)
    first = room.settle_signed("2024Q1", "100.00")
    room.reopen("2024Q1")
    room.settle_signed("2024Q1", "80.00")
    files = LogFiles(tmp_path)
    assert "signed by: " in said(bundle_of(database, room.agreement_id, "2024Q1", files))
    with database.reading() as connection:
        old = bundles.settlement_bundle(connection, files.signer().verifier, room.agreement_id, first)
    assert f"settlement {first}: closed" in said(old)


def test_quarters_that_were_computed_in_bulk_hold(database: Database, tmp_path: Path) -> None:
    files, rooms = LogFiles(tmp_path), {}
    for code, then in (("A-1", {"provisional": "accrue"}), ("B-1", {"provisional": "cash"})):
        room = open_room(database, clause(whose={"scope": "listed_enterprises"}, then=then), code=code)
        room.confirm_list(enterprise(1), enterprise(2, controller="甲集团"))
        rooms[code] = room
    for quarter in ("2024Q1", "2024Q2"):
        for code, room in rooms.items():
            lines = [
                LineDraft(enterprise(place).credit_code, "retained_tax", quarter, f"{place}.01", code)
                for place in (1, 2)
            ]
            room.hand_in_lines(quarter, lines)
        run = national.compute_quarter(database, Act(f"run {quarter}"), Quarter.parse(quarter)).value
        national.close_quarter(database, Act(f"close {quarter}"), run)
        for room in rooms.values():
            found = said(bundle_of(database, room.agreement_id, quarter, files))
            assert "4 allocations and 1 entries" in found


def test_a_return_that_had_to_be_certified_needs_the_event_that_says_so(
    database: Database, tmp_path: Path
) -> None:
    room = open_room(database, procedure={"certified": ["host"]})
    lines = [LineDraft(None, "retained_tax", "2024Q1", "100.00", "凭证")]
    filing = returns.hand_in(
        database,
        room.act(),
        room.agreement_id,
        "host",
        Quarter.parse("2024Q1"),
        lines,
        totals=totals_of(lines).items(),
        person="王经办",
    ).value
    returns.certify_return(database, room.act(), room.agreement_id, filing.filing_id, "host", "李复核")
    room.close("2024Q1", room.compute("2024Q1"))
    bundle = bundle_of(database, room.agreement_id, "2024Q1", LogFiles(tmp_path))
    assert "Computed again" in said(bundle)
    kept = [one for one in bundle.events if '"kind":"return_certified"' not in one.event]
    assert len(kept) == len(bundle.events) - 1
    with pytest.raises(BundleWrong, match=r"inputs\.filings .*return_certified"):
        said(bundle.model_copy(update={"events": kept}))


def test_an_extension_that_was_decided_is_decided_again_from_the_quarter_before(
    database: Database, tmp_path: Path
) -> None:
    extension = {"condition": "cap_not_reached", "length_months": 12, "on_correction": "hold"}
    clock = {"event": "first_tax", "begins": "step_of_day"}
    cap = {
        "amount": "100.00",
        "over": "lifetime",
        "measured_on": "receipts",
        "capped": "origin",
        "excess_to": "host",
    }
    held = clause(
        whose={"scope": "listed_enterprises"},
        when={"window": {"clock": clock, "length_months": 3, "extension": extension}},
        within={"caps": [cap]},
    )
    room, listed = open_room(database, held), enterprise(1, events={Event.FIRST_TAX: date(2024, 1, 1)})
    room.confirm_list(listed)
    for quarter in ("2024Q1", "2024Q2", "2024Q3"):
        room.hand_in_lines(quarter, [LineDraft(listed.credit_code, "retained_tax", quarter, "50.00")])
        room.close(quarter, room.compute(quarter))
    bundle = bundle_of(database, room.agreement_id, "2024Q3", LogFiles(tmp_path))
    assert [row["extended"] for row in json.loads(bundle.inputs)["held_extensions"]] == [True]
    assert "Computed again" in said(bundle)


# --- what is refused --------------------------------------------------------------------------------------


def test_there_is_no_bundle_before_the_close_or_before_the_log_has_it(
    database: Database, tmp_path: Path
) -> None:
    room, files = open_room(database), LogFiles(tmp_path)
    log.sequence(database, files)
    room.hand_in("2024Q1", "1.00")
    settlement_id = room.compute("2024Q1")
    key = files.signer().verifier
    with database.reading() as connection:
        with pytest.raises(SettlementNotClosed):
            bundles.settlement_bundle(connection, key, room.agreement_id, settlement_id)
        with pytest.raises(NotFound):
            bundles.closed_settlement_of(connection, room.agreement_id, Quarter.parse("2024Q1"))
    room.close("2024Q1", settlement_id)
    with database.reading() as connection, pytest.raises(NotLoggedYet):
        bundles.settlement_bundle(connection, key, room.agreement_id, settlement_id)


def test_another_key_than_the_users_is_refused(room: BundleRoom) -> None:
    bundle = room.bundle("2024Q2")
    other = SignerKey(room.log_key.name, new_private_key()).verifier
    with pytest.raises(BundleWrong, match="log_key"):
        said(bundle, Trust(other))
    with pytest.raises(BundleWrong, match="is of no trusted key"):
        said(bundle, Trust(room.log_key, {"A-1-HOST": {new_private_key()}}))


def test_a_missing_cosignature_is_refused_where_it_is_insisted_on(database: Database, tmp_path: Path) -> None:
    room = open_room(database)
    room.settle("2024Q1", "1.00")
    bundle = bundle_of(database, room.agreement_id, "2024Q1", LogFiles(tmp_path))
    with pytest.raises(BundleWrong, match="checkpoint: the cosignatures of A-1-HOST are missing"):
        said(bundle, Trust(cosigners=["A-1-HOST"]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b'{"format": 1.5}',
        b'{"format":"\\ud800"}',
        b'{"format":"parkledger.bundle/2"}',
        b"\xff",
    ],
)
def test_other_bytes_are_no_bundle(content: bytes) -> None:
    with pytest.raises(BundleUnreadable):
        Bundle.parse(content)


def test_a_name_said_twice_is_no_bundle(room: BundleRoom) -> None:
    content = room.bundle("2024Q1").encode()
    twice = content[:-1] + b',"returns":' + json.dumps([]).encode() + b"}"
    with pytest.raises(BundleUnreadable):
        Bundle.parse(twice)
