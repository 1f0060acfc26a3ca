"""What the agreements of a party promise beside money, and what is due."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from ledger.desk import commitments, days, roster
from ledger.desk.agreements import agreements_by_id
from ledger.desk.commitments import Commitment
from ledger.periods import parse_day
from ledger.rules.commitments import COMMITMENT_KINDS
from ledger.rules.explanation import Language
from ledger.rules.words import role_en, role_zh
from ledger_console.command.opening import ledger
from ledger_console.command.options import LanguageOption
from ledger_console.command.output import show, show_table

HEADS = (
    ("期限", "due"),
    ("协议", "agreement"),
    ("承诺", "commitment"),
    ("类别", "kind"),
    ("承诺方", "by"),
    ("进度", "reached"),
    ("状态", "state"),
)
STATE_NAMES = {
    "open": ("进行中", "open"),
    "overdue": ("逾期", "overdue"),
    "done": ("待确认", "to be confirmed"),
    "confirmed": ("已确认完成", "confirmed"),
    "dropped": ("已放弃", "dropped"),
}


def due_commitments(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The party's code. 主体编号。")],
    today: Annotated[
        date | None,
        typer.Option(
            "--today",
            metavar="DAY",
            parser=parse_day,
            help="As of this day; today if not given. 以此日为准，默认今天。",
        ),
    ] = None,
    days_ahead: Annotated[
        int, typer.Option("--days", min=0, max=3_660, help="Due within so many days. 未来天数。")
    ] = 90,
    language: LanguageOption = "zh",
) -> None:
    """List commitments beside money that are due and not yet confirmed. 列出到期未确认的非资金承诺。"""
    with ledger() as database, database.reading() as connection:
        party_id = roster.party_by_code(connection, party).party_id
        day = today or days.today(connection)
        found = commitments.due_commitments(connection, party_id, day, days.days_later(day, days_ahead))
        codes = agreements_by_id(connection, [one.agreement_id for one in found])
    if found:
        rows = [_row(one, codes[one.agreement_id].code, language) for one in found]
        show_table(HEADS, rows, language, right={5})
    show(f"共 {len(found)} 项 / {len(found)} items")


def _row(one: Commitment, agreement_code: str, language: Language) -> list[str]:
    index, promise = (0 if language == "zh" else 1), one.promise
    role = role_zh if language == "zh" else role_en
    reached = f"{one.reached_count or 0}/{promise.target_count}" if promise.target_count else ""
    return [
        str(promise.due_day or ""),
        agreement_code,
        promise.title.zh if language == "zh" else promise.title.en,
        COMMITMENT_KINDS[promise.kind][index],
        ", ".join(map(role, promise.by)),
        reached,
        STATE_NAMES[one.state.value][index],
    ]
