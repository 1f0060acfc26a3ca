"""Sealed submission: nobody sees figures before all have committed or time is up, and all keep their word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from desk_fixtures import Document, Room, open_room
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk import returns
from ledger.desk.acts import Done, Queue, queue_on
from ledger.desk.calendar import calendar
from ledger.desk.failures import RequestRefused
from ledger.desk.returns import (
    CommitmentDiffers,
    CommitmentRepeated,
    FiguresOpen,
    FiguresSealed,
    Filing,
    NothingToOpen,
    NotSealed,
    RoleReportsNothing,
    Seal,
)
from ledger.evidence.commitments import commitment_of
from ledger.periods import Quarter, day_of
from ledger_schema.sessions import Database
from ledger_schema.tables import filing as filing_table
from ledger_schema.tables import return_line

LONG_AGO = Quarter(2024, 1)
HOST_NONCE, ORIGIN_NONCE = bytes(range(32)), bytes(range(32, 64))
NONCES = {"host": HOST_NONCE, "origin": ORIGIN_NONCE}
SEALED: Document = {
    "sealed": True,
    "reconciliations": [{"record": "host", "against": "origin", "tolerances": [], "unanswered": "accepted"}],
    "calendar": {"submit_days": 15, "sign_days": 40, "fund_days": 60},
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def quarter(database: Database) -> Quarter:
    """The running quarter: its day for submitting is still to come."""
    return Quarter.of(today(database))


@pytest.fixture
def room(database: Database, quarter: Quarter) -> Room:
    return open_room(database, starts=str(quarter), procedure=SEALED)


def today(database: Database) -> date:
    with database.reading() as connection:
        return day_of(connection.execute(text("SELECT now()")).scalar_one())


def file_of(quarter: Quarter, amount: str) -> bytes:
    return (
        f"统一社会信用代码,指标,所属期,金额\n,retained_tax,{quarter},{amount}\n合计,retained_tax,,{amount}\n"
    ).encode()


def commit(room: Room, role: str, quarter: Quarter, amount: str, nonce: bytes | None = None) -> Done[int]:
    content_hash = hashlib.sha256(file_of(quarter, amount)).digest()
    commitment = commitment_of(content_hash, nonce or NONCES[role])
    return returns.commit(room.database, room.act(), room.agreement_id, role, quarter, commitment)


def hand_in(room: Room, role: str, quarter: Quarter, amount: str, *, nonce: bytes | None = None) -> Filing:
    return returns.hand_in_file(
        room.database,
        room.act(),
        room.agreement_id,
        role,
        quarter,
        f"{role}.csv",
        file_of(quarter, amount),
        nonce=nonce,
    ).value


def seal(room: Room, quarter: Quarter) -> Seal:
    with room.database.reading() as connection:
        found = returns.seal(connection, room.agreement_id, quarter)
    assert found is not None
    return found


def count_of_lines(database: Database) -> int:
    with database.reading() as connection:
        return len(connection.execute(select(return_line)).all())


def test_the_commitment_is_what_anybody_computes_from_nonce_and_file() -> None:
    content_hash = hashlib.sha256(b"figures").hexdigest()
    expected = hashlib.sha256(f"{HOST_NONCE.hex()}{content_hash}".encode()).digest()
    assert commitment_of(bytes.fromhex(content_hash), HOST_NONCE) == expected


def test_figures_open_when_all_sides_have_committed(room: Room, quarter: Quarter) -> None:
    commit(room, "host", quarter, "100.00")
    with pytest.raises(FiguresSealed) as refusal:
        hand_in(room, "host", quarter, "100.00", nonce=HOST_NONCE)
    assert "origin hasn't committed" in refusal.value.message_en
    assert count_of_lines(room.database) == 0
    half = seal(room, quarter)
    assert (list(half.commitments), half.waiting, half.is_open) == (["host"], ["origin"], False)
    commit(room, "origin", quarter, "90.00")
    assert seal(room, quarter).is_open
    opened = hand_in(room, "host", quarter, "100.00", nonce=HOST_NONCE)
    assert opened.commitment == half.commitments["host"].commitment
    assert hand_in(room, "origin", quarter, "90.00", nonce=ORIGIN_NONCE).is_current


@pytest.mark.parametrize(("amount", "nonce"), [("101.00", HOST_NONCE), ("100.00", ORIGIN_NONCE)])
def test_a_return_other_than_the_one_committed_to_is_refused(
    room: Room, quarter: Quarter, amount: str, nonce: bytes
) -> None:
    commit(room, "host", quarter, "100.00")
    commit(room, "origin", quarter, "90.00")
    with pytest.raises(CommitmentDiffers):
        hand_in(room, "host", quarter, amount, nonce=nonce)
    with pytest.raises(CommitmentDiffers):
        hand_in(room, "host", quarter, "100.00")
    assert count_of_lines(room.database) == 0


def test_a_correction_after_the_opening_needs_no_nonce_and_says_that_it_is_none(
    room: Room, quarter: Quarter
) -> None:
    commit(room, "host", quarter, "100.00")
    commit(room, "origin", quarter, "90.00")
    hand_in(room, "host", quarter, "100.00", nonce=HOST_NONCE)
    with pytest.raises(NothingToOpen):
        hand_in(room, "host", quarter, "95.00", nonce=HOST_NONCE)
    correction = hand_in(room, "host", quarter, "95.00")
    assert (correction.sequence, correction.commitment, correction.is_current) == (2, None, True)


def test_after_the_day_for_submitting_figures_are_open_and_late(database: Database) -> None:
    room = open_room(database, procedure=SEALED)
    assert seal(room, LONG_AGO).is_open
    with pytest.raises(FiguresOpen):
        commit(room, "host", LONG_AGO, "100.00")
    filing = hand_in(room, "host", LONG_AGO, "100.00")
    assert filing.late_days is not None
    assert filing.late_days > 0


def test_a_commitment_is_replaced_until_the_figures_are_open(room: Room, quarter: Quarter) -> None:
    assert commit(room, "host", quarter, "100.00").value == 1
    assert commit(room, "host", quarter, "100.00").value == 1
    assert commit(room, "host", quarter, "110.00").value == 2
    with pytest.raises(CommitmentRepeated):
        commit(room, "host", quarter, "100.00")
    commit(room, "origin", quarter, "90.00")
    with pytest.raises(FiguresOpen):
        commit(room, "host", quarter, "120.00")
    with pytest.raises(CommitmentDiffers):
        hand_in(room, "host", quarter, "100.00", nonce=HOST_NONCE)
    assert hand_in(room, "host", quarter, "110.00", nonce=HOST_NONCE).late_days == 0


def test_only_who_reports_commits_and_only_where_the_terms_ask_for_it(
    database: Database, room: Room, quarter: Quarter
) -> None:
    with pytest.raises(RequestRefused):
        returns.commit(database, room.act(), room.agreement_id, "host", quarter, b"short")
    plain = open_room(database, code="B-1")
    with pytest.raises(NotSealed):
        commit(plain, "host", LONG_AGO, "100.00")
    with pytest.raises(RoleReportsNothing):
        commit(plain, "origin", LONG_AGO, "100.00")
    with pytest.raises(NothingToOpen):
        hand_in(plain, "host", LONG_AGO, "100.00", nonce=HOST_NONCE)
    with pytest.raises(RequestRefused):
        hand_in(plain, "host", LONG_AGO, "100.00", nonce=b"short")


def test_who_has_committed_waits_for_the_others_on_the_calendar(room: Room, quarter: Quarter) -> None:
    def standing() -> dict[str, tuple[str, list[str]]]:
        with room.database.reading() as connection:
            found = calendar(connection, room.agreement_id, quarter, today(room.database))
        return {
            one.role: (one.state.value, [holder.role for holder in one.held_up_by])
            for one in found
            if one.step == "submit"
        }

    commit(room, "host", quarter, "100.00")
    assert standing() == {"host": ("waiting", ["origin"]), "origin": ("to_do", [])}
    commit(room, "origin", quarter, "90.00")
    assert standing() == {"host": ("to_do", []), "origin": ("to_do", [])}
    hand_in(room, "host", quarter, "100.00", nonce=HOST_NONCE)
    assert standing() == {"host": ("done", []), "origin": ("to_do", [])}


def test_the_database_itself_refuses_a_return_that_does_not_open_its_commitment(
    room: Room, quarter: Quarter
) -> None:
    commit(room, "host", quarter, "100.00")
    commit(room, "origin", quarter, "90.00")
    hand_in(room, "host", quarter, "100.00", nonce=HOST_NONCE)
    with room.database.reading() as connection:
        row = connection.execute(select(filing_table)).one()._asdict() | {"sequence": 2, "filing_id": 7}
    unmade = commitment_of(row["content_hash"], ORIGIN_NONCE)
    for wrong in ({"nonce": ORIGIN_NONCE}, {"nonce": ORIGIN_NONCE, "commitment": unmade}):
        with room.database.writing() as connection, pytest.raises(IntegrityError):
            connection.execute(filing_table.insert().values(**(row | wrong)))


def test_a_commitment_that_comes_while_the_last_one_opens_the_figures_is_too_late(
    room: Room, quarter: Quarter, database_url: str
) -> None:
    commit(room, "host", quarter, "100.00")
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.RETURN, f"{room.agreement_id}/{quarter}/commitments")
            last = pool.submit(commit, room, "origin", quarter, "90.00")
            await_waiting(database_url, 1)
            second_thought = pool.submit(commit, room, "host", quarter, "120.00")
            await_waiting(database_url, 2)
        assert last.result(WAIT_SECONDS).value == 1
        with pytest.raises(FiguresOpen):
            second_thought.result(WAIT_SECONDS)
    assert hand_in(room, "host", quarter, "100.00", nonce=HOST_NONCE).is_current
