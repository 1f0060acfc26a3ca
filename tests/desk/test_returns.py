"""Returns: taken or refused as a whole, in sequence, into the open quarter, from many hands at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from desk_fixtures import Room, clause, open_room, totals_of
from sqlalchemy import func, select, text
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk import returns, settlements
from ledger.desk.acts import Act, Done, KeyReused, Queue, queue_on
from ledger.desk.enterprises import ListEntry, credit_code_check_character
from ledger.desk.failures import NotFound
from ledger.desk.pages import LimitUnusable
from ledger.desk.returns import Filing, LineDraft, NoOpenQuarter, QuarterOutOfReach, RoleReportsNothing
from ledger.desk.returns.faults import ReturnRefused
from ledger.desk.settlements import StaleSettlement
from ledger.evidence.lines import HEAD_BYTES, LINE_RECORD, bytes_of_lines, line_records
from ledger.periods import Quarter, Span
from ledger_schema.sessions import Database
from ledger_schema.tables import enterprise, event, metadata

Q1 = Quarter(2024, 1)
FIRST_17 = "91350200MA0000001"
CODE = FIRST_17 + credit_code_check_character(FIRST_17)
PARK_LINE = LineDraft(None, "retained_tax", "2024Q1", "100.01", "凭证-1")
FILE = "指标,所属期,金额\nretained_tax,2024Q1,5.00\n".encode()
FILE_WITH_TOTAL = (
    "统一社会信用代码,指标,所属期,金额\n,retained_tax,2024Q1,5.00\n合计,retained_tax,,5.00\n".encode()
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    return open_room(database)


def hand_in(
    room: Room, lines: list[LineDraft], key: str, quarter: Quarter = Q1, *, is_nil: bool = False
) -> Done[Filing]:
    return returns.hand_in(
        room.database,
        Act(key),
        room.agreement_id,
        "host",
        quarter,
        lines,
        totals=totals_of(lines).items(),
        is_nil=is_nil,
    )


def hand_in_file(room: Room, content: bytes, key: str) -> Done[Filing]:
    return returns.hand_in_file(room.database, Act(key), room.agreement_id, "host", Q1, "q1.csv", content)


def row_counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def test_lines_and_totals_read_back_as_they_were_handed_in(database: Database) -> None:
    room = open_room(database, clause(measures=("vat", "cit"), whose={"scope": "listed_enterprises"}))
    room.confirm_list(ListEntry(CODE, "甲公司"))
    drafts = [
        LineDraft(CODE, "vat", "2024-01", "-1.50", "凭证-1"),
        LineDraft(CODE, "增值税", "2024Q1", "3", ""),
        LineDraft(CODE, "cit", "2024Q1", "0", "凭证-2"),
    ]
    totals = {"vat": "1.50", "cit": "0.00"}
    done = returns.hand_in(database, Act("k"), room.agreement_id, "host", Q1, drafts, totals=totals.items())
    with database.reading() as connection:
        subject = connection.execute(select(enterprise.c.enterprise_id)).scalar_one()
        read = returns.lines_of_filings(connection, room.agreement_id, [done.value.filing_id])
        page = returns.lines(connection, room.agreement_id, done.value.filing_id, after=1, limit=1)
    assert [(line.subject, line.measure, line.span, line.amount_minor, line.document) for line in read] == [
        (subject, "vat", Span.parse("2024-01"), -150, "凭证-1"),
        (subject, "vat", Span.parse("2024Q1"), 300, ""),
        (subject, "cit", Span.parse("2024Q1"), 0, "凭证-2"),
    ]
    assert [line.line_id for line in read] == [f"{done.value.filing_id}/{number}" for number in (1, 2, 3)]
    assert done.value.totals == {"vat": 150, "cit": 0}
    assert ([line.line for line in page.items], page.has_next) == ([2], True)


def test_the_stored_hash_is_that_of_the_stored_lines_and_of_the_event(room: Room) -> None:
    filing = hand_in(room, [PARK_LINE], "k").value
    records = line_records(
        subject=[0], measure=[19], starts=[20240101], months=[3], amount=[10001], document=["凭证-1"]
    )
    content = bytes_of_lines(records)
    assert len(content) == HEAD_BYTES + LINE_RECORD.itemsize == 32 + 64
    assert filing.lines_hash == hashlib.sha256(content).digest()
    with room.database.reading() as connection:
        stored = connection.execute(
            select(event.c.canonical).where(event.c.kind == "return_handed_in")
        ).scalar_one()
    data = json.loads(stored)["data"]
    assert data["lines_hash"] == filing.lines_hash.hex()
    assert (data["totals"], data["sequence"], data["quarter"]) == ({"retained_tax": "100.01"}, 1, "2024Q1")


def test_a_refused_return_leaves_no_trace(room: Room) -> None:
    hand_in(room, [PARK_LINE], "k1")
    before = row_counts(room.database)
    with pytest.raises(ReturnRefused) as refusal:
        hand_in_file(room, FILE, "k2")
    assert [fault.code for fault in refusal.value.faults] == ["TOTAL_MISSING"]
    with pytest.raises(ReturnRefused) as refusal:
        hand_in(room, [PARK_LINE, PARK_LINE], "k3")
    assert [(fault.sheet, fault.cell, fault.code) for fault in refusal.value.faults] == [
        ("", "lines[1].measure", "LINE_REPEATED")
    ]
    assert row_counts(room.database) == before


def test_the_same_file_again_is_a_replay_under_any_key(room: Room) -> None:
    first = hand_in_file(room, FILE_WITH_TOTAL, "k1")
    assert hand_in_file(room, FILE_WITH_TOTAL, "k1") == Done(first.value, replayed=True)
    assert hand_in_file(room, FILE_WITH_TOTAL, "k2") == Done(first.value, replayed=True)
    assert row_counts(room.database)["filing"] == row_counts(room.database)["return_line"] == 1


def test_the_same_lines_again_by_request_are_a_replay_under_any_key(room: Room) -> None:
    first = hand_in(room, [PARK_LINE], "k1")
    assert hand_in(room, [PARK_LINE], "k2") == Done(first.value, replayed=True)


def test_a_key_used_for_another_return_is_refused(room: Room) -> None:
    hand_in(room, [PARK_LINE], "k")
    with pytest.raises(KeyReused):
        hand_in_file(room, FILE_WITH_TOTAL, "k")


def test_a_corrected_file_supersedes_and_the_first_file_once_more_supersedes_again(room: Room) -> None:
    first = hand_in_file(room, FILE_WITH_TOTAL, "k1").value
    second = hand_in_file(room, FILE_WITH_TOTAL.replace(b"5.00", b"6.00"), "k2").value
    third = hand_in_file(room, FILE_WITH_TOTAL, "k3").value
    with room.database.reading() as connection:
        listed = returns.filings(connection, room.agreement_id, quarter=Q1, role="host")
        before = returns.current_filings(connection, room.agreement_id, known_at=second.recorded_at)
    assert [(each.filing_id, each.sequence, each.is_current) for each in listed] == [
        (first.filing_id, 1, False),
        (second.filing_id, 2, False),
        (third.filing_id, 3, True),
    ]
    assert before[Q1, "host"].filing_id == second.filing_id
    assert before[Q1, "host"].is_current


def test_a_return_for_a_closed_quarter_is_booked_in_the_open_one(room: Room) -> None:
    room.settle("2024Q1", "100.01")
    correction = room.hand_in("2024Q1", "100.03")
    assert (correction.quarter, correction.booked_quarter) == (Q1, Quarter(2024, 2))
    assert correction.sequence == 2


def test_zero_nil_and_not_handed_in_are_three_different_facts(room: Room) -> None:
    with room.database.reading() as connection:
        assert returns.current_filings(connection, room.agreement_id) == {}
    nil = room.hand_in("2024Q1")
    assert (nil.is_nil, nil.line_count, nil.totals) == (True, 0, {})
    zero = room.hand_in("2024Q1", "0.00")
    assert (zero.is_nil, zero.line_count, zero.totals) == (False, 1, {"retained_tax": 0})


def test_a_nil_return_with_figures_and_a_return_without_any_are_refused(room: Room) -> None:
    with pytest.raises(ReturnRefused) as refusal:
        hand_in(room, [PARK_LINE], "k", is_nil=True)
    assert {fault.code for fault in refusal.value.faults} == {"NIL_WITH_FIGURES"}
    with pytest.raises(ReturnRefused) as refusal:
        hand_in(room, [], "k")
    (fault,) = refusal.value.faults
    assert (fault.code, str(fault.place)) == ("LINES_MISSING", "lines")
    assert (fault.expected, fault.got) == ("isNil: true", "[]")


@pytest.mark.parametrize("quarter", [Quarter(2023, 4), Quarter(2024, 2)])
def test_a_quarter_before_the_first_or_ahead_of_the_open_one_is_refused(room: Room, quarter: Quarter) -> None:
    line = LineDraft(None, "retained_tax", str(quarter), "1.00")
    with pytest.raises(QuarterOutOfReach) as refusal:
        hand_in(room, [line], "k", quarter)
    assert "2024Q1" in refusal.value.message_en


def test_a_role_that_reports_nothing_is_told_who_does(room: Room) -> None:
    with pytest.raises(RoleReportsNothing) as refusal:
        room.hand_in("2024Q1", "1.00", role="origin")
    assert "Reporting roles: host." in refusal.value.message_en


def test_an_unknown_agreement_role_or_return_is_not_found(room: Room) -> None:
    with pytest.raises(NotFound):
        room.hand_in("2024Q1", "1.00", role="developer")
    with pytest.raises(NotFound):
        returns.hand_in(room.database, Act("k"), 1, "host", Q1, [PARK_LINE], totals=[])
    with room.database.reading() as connection, pytest.raises(NotFound):
        returns.filing(connection, room.agreement_id, 1)


def test_nothing_can_be_handed_in_after_the_last_quarter(database: Database) -> None:
    room = open_room(database, last_quarter="2024Q1")
    room.settle("2024Q1", "1.00")
    with pytest.raises(NoOpenQuarter):
        room.hand_in("2024Q1", "2.00")


def test_a_page_of_lines_has_a_limit(room: Room) -> None:
    filing = room.hand_in("2024Q1", "1.00")
    with room.database.reading() as connection, pytest.raises(LimitUnusable):
        returns.lines(connection, room.agreement_id, filing.filing_id, limit=201)


def test_two_returns_of_one_role_at_once_get_the_sequences_one_and_two(room: Room, database_url: str) -> None:
    other = LineDraft(None, "retained_tax", "2024Q1", "7.00")
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.RETURN, f"{room.agreement_id}/host/2024Q1")
            filings = [
                pool.submit(hand_in, room, [line], key) for key, line in (("k1", PARK_LINE), ("k2", other))
            ]
            await_waiting(database_url, 2)
        done = [each.result(WAIT_SECONDS).value for each in filings]
    assert sorted(each.sequence for each in done) == [1, 2]


def test_the_same_file_from_two_hands_at_once_is_one_return(room: Room, database_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.RETURN, f"{room.agreement_id}/host/2024Q1")
            filings = [pool.submit(hand_in_file, room, FILE_WITH_TOTAL, key) for key in ("k1", "k2")]
            await_waiting(database_url, 2)
        done = [each.result(WAIT_SECONDS) for each in filings]
    assert done[0].value == done[1].value
    assert sorted(each.replayed for each in done) == [False, True]


def test_a_return_that_comes_while_the_quarter_closes_is_booked_in_the_next(
    room: Room, database_url: str
) -> None:
    hand_in(room, [PARK_LINE], "k1")
    settlement_id = room.compute("2024Q1")
    late = LineDraft(None, "retained_tax", "2024Q1", "7.00")
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            connection.execute(text("SELECT FROM agreement_quarter WHERE quarter = 20241 FOR UPDATE"))
            close = pool.submit(room.close, "2024Q1", settlement_id)
            await_waiting(database_url, 1)
            filing = pool.submit(hand_in, room, [late], "k2")
            await_waiting(database_url, 2)
        assert close.result(WAIT_SECONDS) == settlement_id
        assert filing.result(WAIT_SECONDS).value.booked_quarter == Quarter(2024, 2)


def test_a_quarter_that_closes_while_a_return_is_taken_sees_the_return_and_does_not_close(
    room: Room, database_url: str
) -> None:
    hand_in(room, [PARK_LINE], "k1")
    settlement_id = room.compute("2024Q1")
    early = LineDraft(None, "retained_tax", "2024Q1", "7.00")
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.RETURN, f"{room.agreement_id}/host/2024Q1")
            filing = pool.submit(hand_in, room, [early], "k2")
            await_waiting(database_url, 1)
            close = pool.submit(room.close, "2024Q1", settlement_id)
            await_waiting(database_url, 2)
        assert filing.result(WAIT_SECONDS).value.booked_quarter == Q1
        with pytest.raises(StaleSettlement):
            close.result(WAIT_SECONDS)
    with room.database.reading() as connection:
        assert settlements.settlement(connection, room.agreement_id, settlement_id).closed_at is None
