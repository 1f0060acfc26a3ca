"""Files of payments: taken as a whole, or refused with every fault and its cell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from desk_fixtures import Room, open_room, text
from payment_rooms import legs_of, paying

from ledger.desk import payments
from ledger.desk.failures import RequestRefused
from ledger_schema.sessions import Database

HEAD = "channel,payer,payer_account,payee,reference,amount,value_date,purpose"
HEAD_ZH = "流水号,渠道,付款方,付款账号,收款方,金额,起息日,用途"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    """The host owes the origin 100.00 of the first quarter."""
    opened = open_room(database, paying())
    opened.settle("2024Q1", "100.00")
    return opened


def take(room: Room, *lines: str) -> payments.PaymentFile:
    content = "\r\n".join(lines).encode()
    return payments.import_payments(room.database, room.act(), "张三", "流水.csv", content).value


def faults_of(room: Room, *lines: str) -> list[tuple[str, str]]:
    """Cell and code of every fault."""
    with pytest.raises(RequestRefused) as refused:
        take(room, *lines)
    assert received(room) == []
    return [(fault.path, fault.code) for fault in refused.value.faults]


def received(room: Room) -> list[payments.Payment]:
    with room.database.reading() as connection:
        return payments.payments(connection, room.party_id("origin")).items


def test_every_row_is_a_payment_and_those_that_name_a_leg_pay_it(room: Room) -> None:
    (leg,) = legs_of(room)
    taken = take(
        room,
        HEAD,
        f"bank,A-1-HOST,6222,A-1-ORIGIN,1,60.00,2024-04-29,分成 {leg.reference}",
        f"treasury,A-1-HOST,6222,A-1-ORIGIN,2,50.00,2024-04-30,分成 {leg.reference}",
        "bank,A-1-HOST,6222,A-1-ORIGIN,3,7.00,2024-04-30,",
    )
    assert taken.payment_count == 3
    assert [text(one.rest_minor) for one in received(room)] == ["0.00", "10.00", "7.00"]
    assert legs_of(room)[0].open_minor == 0


def test_columns_may_be_in_chinese_and_in_any_order(room: Room) -> None:
    take(room, f"\ufeff{HEAD_ZH}", "1,年终结算,A-1-HOST,决算单,A-1-ORIGIN,7.00,2024-12-31,")
    (one,) = received(room)
    assert (one.channel, one.payer_account, text(one.amount_minor)) == ("year_end", "决算单", "7.00")


def test_the_same_file_is_a_replay_under_another_key(room: Room) -> None:
    content = f"{HEAD}\nbank,A-1-HOST,6222,A-1-ORIGIN,1,60.00,2024-04-29,".encode()
    names = ("四月.csv", "副本.csv")
    done = [payments.import_payments(room.database, room.act(), "张三", name, content) for name in names]
    assert [one.replayed for one in done] == [False, True]
    assert done[0].value == done[1].value
    assert len(received(room)) == 1


def test_every_fault_is_told_with_its_cell(room: Room) -> None:
    assert faults_of(
        room,
        HEAD,
        "cash,A-1-HOST,6222,NOBODY,1,1,234.00,2024-04-29,",
        "cash,A-1-HOST,6222,NOBODY,1,12.345,29.4.2024,",
        "bank,A-1-HOST,,A-1-HOST,2,-5,20240429,",
        "bank,A-1-HOST,6222,NOBODY,1,5,2024-04-29,",
    ) == [
        ("2", "CELLS_MISCOUNTED"),
        ("F3", "AMOUNT_UNREADABLE"),
        ("G3", "DAY_UNREADABLE"),
        ("A3", "CHOICE_UNKNOWN"),
        ("D3", "PARTY_UNKNOWN"),
        ("G4", "DAY_UNREADABLE"),
        ("C4", "TEXT_UNUSABLE"),
        ("F4", "PAYMENT_NOT_POSITIVE"),
        ("D4", "PAYMENT_TO_SELF"),
        ("D5", "PARTY_UNKNOWN"),
        ("E5", "LINE_REPEATED"),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfe", "FILE_UNREADABLE"),
        (b'channel,"payer\n', "FILE_UNREADABLE"),
        (b"", "COLUMN_MISSING"),
        (HEAD.encode(), "ROWS_UNUSABLE"),
        (f"{HEAD},remark\n1,2,3,4,5,6,7,8,9".encode(), "COLUMN_UNKNOWN"),
    ],
)
def test_a_file_that_is_no_table_of_payments_is_refused(room: Room, content: bytes, code: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        payments.import_payments(room.database, room.act(), "张三", "流水.csv", content)
    assert code in {fault.code for fault in refused.value.faults}


def test_a_line_that_was_recorded_before_is_refused_with_its_cell(room: Room) -> None:
    take(room, HEAD, "bank,A-1-HOST,6222,A-1-ORIGIN,1,60.00,2024-04-29,")
    with pytest.raises(RequestRefused) as refused:
        take(
            room,
            HEAD,
            "bank,A-1-HOST,6222,A-1-ORIGIN,9,1.00,2024-04-29,",
            "bank,A-1-HOST,6222,A-1-ORIGIN,1,60.00,2024-04-29,",
        )
    (fault,) = refused.value.faults
    assert (fault.path, fault.code) == ("E3", "PAYMENT_LINE_KNOWN")
