"""Payments: importing what a bank or treasury says was received, and showing what is late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from ledger.desk import agreements, payments, roster
from ledger.desk.acts import Act
from ledger.evidence.canonical import digest
from ledger.measures import COMMODITY_BY_ID
from ledger.money import format_amount
from ledger.periods import BEIJING
from ledger.rules.explanation import Language
from ledger_console.command.opening import ledger
from ledger_console.command.options import LanguageOption
from ledger_console.command.output import read_bytes, show, show_table

ARREARS_HEADS = (
    ("付款方", "payer"),
    ("收款方", "payee"),
    ("协议", "agreement"),
    ("未逾期", "not overdue"),
    ("1-30天", "1-30 days"),
    ("31-60天", "31-60 days"),
    ("61-90天", "61-90 days"),
    ("91-180天", "91-180 days"),
    ("180天以上", "over 180 days"),
    ("未计收利息", "interest"),
)

payment_commands = typer.Typer(no_args_is_help=True, help="Payments received. 收款。")


@payment_commands.command("import")
def import_payments(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV from a bank or treasury (docs/payments.md). 流水文件。"),
    ],
    person: Annotated[str, typer.Option("--person", metavar="NAME", help="Who imports it. 经办人。")],
) -> None:
    """Record every payment of a CSV file, or none. 导入收款流水，有错误时整体退回。

    The same file again is recognised and nothing is stored twice. 重复导入同一文件不会重复登记。
    """
    content = read_bytes(file)
    key = f"command/payments/{digest(f'{person}/{file.name}'.encode()).hex()[:16]}/{digest(content).hex()}"
    with ledger() as database:
        done = payments.import_payments(database, Act(key, actor="command"), person, file.name, content)
    if done.replayed:
        show("此前已导入相同文件，未重复登记。This file had been imported before; nothing was stored twice.")
    count = done.value.payment_count
    show(f"{done.value.name}: {count} 笔收款 / {count} payment{'' if count == 1 else 's'}")


def arrears(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The party's code, such as HTZ001. 主体。")],
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of", metavar="DAY", formats=["%Y-%m-%d"], help="At the end of this day; today. 截至日期。"
        ),
    ] = None,
    language: LanguageOption = "zh",
) -> None:
    """Show what a party owes and is owed, by age, with interest. 显示应收应付的账龄与利息。"""
    day = (as_of or datetime.now(BEIJING)).date()
    with ledger() as database, database.reading() as connection:
        party_id = roster.party_by_code(connection, party).party_id
        found = payments.arrears(connection, day, payments.LegFilter(party_id=party_id))
        rows = _rows(connection, found, language)
    show(f"{party} 截至 {day}" if language == "zh" else f"{party} on {day}")
    show_table(ARREARS_HEADS, rows, language, right=set(range(3, len(ARREARS_HEADS))))


def _rows(connection: Connection, found: Sequence[payments.Arrears], language: Language) -> list[list[str]]:
    parties = roster.parties_by_id(connection, {party for each in found for party in each.key[:2]})
    codes = {
        agreement_id: agreements.agreement(connection, agreement_id).code
        for agreement_id in {each.key.agreement_id for each in found if each.key.agreement_id}
    }
    netted = "轧差余额" if language == "zh" else "left of nettings"
    return [
        [
            *(_name(parties[party_id], language) for party_id in each.key[:2]),
            codes.get(each.key.agreement_id, netted),
            *(_written(one, each.key.commodity_id) for one in each.open_minor.values()),
            _written(each.interest_minor, each.key.commodity_id),
        ]
        for each in found
    ]


def _name(party: roster.Party, language: Language) -> str:
    return party.name_zh if language == "zh" else party.name_en or party.name_zh


def _written(amount_minor: int, commodity_id: int) -> str:
    return format_amount(amount_minor, COMMODITY_BY_ID[commodity_id].scale, thousands=True)
