"""What a party has to do, over all of its agreements."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from ledger.desk import calendar, days, roster
from ledger.desk.calendar import Holder, Task, WorkItem
from ledger.desk.pages import PAGE_LIMIT_MAX
from ledger.periods import parse_day
from ledger.rules.explanation import Language
from ledger.rules.procedure import CalendarStep
from ledger.rules.words import role_en, role_zh
from ledger_console.command.opening import ledger
from ledger_console.command.options import LanguageOption
from ledger_console.command.output import show, show_table
from ledger_console.command.paging import all_items

HEADS = (
    ("截止日", "due"),
    ("任务", "task"),
    ("协议", "agreement"),
    ("季度", "quarter"),
    ("步骤", "step"),
    ("角色", "role"),
    ("逾期天数", "days late"),
    ("等待", "held up by"),
)
TASK_NAMES: dict[Task, tuple[str, str]] = {
    Task.TO_DO: ("待办", "to do"),
    Task.WAITING: ("等待他方", "waiting"),
    Task.AWAITED: ("他方待办", "awaited"),
}
STEP_NAMES: dict[CalendarStep, tuple[str, str]] = {
    "submit": ("申报", "submit"),
    "certify": ("复核", "certify"),
    "reconcile": ("对账", "reconcile"),
    "sign": ("签署", "sign"),
    "fund": ("付款", "fund"),
    "second_fund": ("第二轮付款", "second funding"),
}


def worklist(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The party's code. 主体编号。")],
    today: Annotated[
        date | None,
        typer.Option(
            "--today",
            metavar="DAY",
            parser=parse_day,
            help="As of this day, such as 2025-04-16; today if not given. 以此日为准，默认今天。",
        ),
    ] = None,
    language: LanguageOption = "zh",
) -> None:
    """List what a party has to do or waits for, by due day. 按截止日列出一方的待办和等待事项。

    Over all of its agreements whose terms have a calendar. 涵盖其条款含日程的全部协议。
    """
    with ledger() as database, database.reading() as connection:
        party_id = roster.party_by_code(connection, party).party_id
        day = today or days.today(connection)
        items = list(
            all_items(
                lambda after: calendar.worklist(connection, party_id, day, after=after, limit=PAGE_LIMIT_MAX),
                lambda item: item.key,
            )
        )
    if items:
        show_table(HEADS, [_row(item, language) for item in items], language, right={6})
    show(f"共 {len(items)} 项 / {len(items)} items")


def _row(item: WorkItem, language: Language) -> list[str]:
    index = 0 if language == "zh" else 1
    step = item.step
    return [
        step.due.isoformat(),
        TASK_NAMES[item.task][index],
        item.agreement.code,
        str(item.quarter),
        STEP_NAMES[step.step][index],
        _role(step.role, language),
        str(step.late_days or ""),
        ", ".join(_holder(holder, language) for holder in step.held_up_by),
    ]


def _holder(holder: Holder, language: Language) -> str:
    name = STEP_NAMES[holder.step][0 if language == "zh" else 1]
    return f"{_role(holder.role, language)}: {name}"


def _role(role: str, language: Language) -> str:
    return role_zh(role) if language == "zh" else role_en(role)
