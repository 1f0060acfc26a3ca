"""What a party has to do: quarters, commitments and reviews in one list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import typer

from ledger.desk import days, duties, roster
from ledger.desk.calendar import Holder, Task, WorkItem
from ledger.desk.duties import ACTION_NAMES, STEP_ACTIONS, Action, Actor, CommitmentWork, Duty, ReviewWork
from ledger.desk.pages import PAGE_LIMIT_MAX
from ledger.desk.roster import Party
from ledger.periods import parse_day
from ledger.rules.explanation import Language
from ledger.rules.words import role_en, role_zh
from ledger_console.command.opening import ledger
from ledger_console.command.options import LanguageOption
from ledger_console.command.output import show, show_table
from ledger_console.command.paging import all_items
from ledger_graphql.duties import MUTATIONS

HEADS = (
    ("截止日", "due"),
    ("任务", "task"),
    ("事由", "about"),
    ("办理事项", "to do"),
    ("办理方式", "with"),
    ("由谁", "by"),
    ("逾期天数", "days late"),
    ("等待", "held up by"),
)
TASK_NAMES: Mapping[Task, tuple[str, str]] = {
    Task.TO_DO: ("待办", "to do"),
    Task.WAITING: ("等待他方", "waiting"),
    Task.AWAITED: ("他方待办", "awaited"),
}
COMMANDS: Mapping[Action, str] = {
    Action.HAND_IN: "import",
    Action.CERTIFY: "returns certify",
    Action.SETTLE_DIFFERENCES: "reconcile",
    Action.SIGN: "settlement sign",
    Action.PAY: "payments import",
}
"""The command that does it; the others are done through the API."""


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
    days_ahead: Annotated[
        int, typer.Option("--days", min=0, max=3_660, help="Due within so many days. 未来天数。")
    ] = duties.DAYS_AHEAD,
    language: LanguageOption = "zh",
) -> None:
    """List what a party has to do or waits for, by due day. 按截止日列出一方的待办和等待事项。

    Quarters of its agreements whose terms have a calendar, commitments, and reviews.
    涵盖含日程的协议各季度、非资金承诺和省级评估。
    """
    with ledger() as database, database.reading() as connection:
        party_id = roster.party_by_code(connection, party).party_id
        day = today or days.today(connection)
        until = days.days_later(day, days_ahead)
        found = list(
            all_items(
                lambda after: duties.duties(
                    connection, party_id, day, until, after=after, limit=PAGE_LIMIT_MAX
                ),
                lambda one: one.key,
            )
        )
        parties = roster.parties_by_id(connection, {actor.party_id for one in found for actor in one.actors})
    if found:
        show_table(HEADS, [_row(one, parties, language) for one in found], language, right={6})
    show(f"共 {len(found)} 项 / {len(found)} items")


def _row(one: Duty, parties: Mapping[int, Party], language: Language) -> list[str]:
    index = 0 if language == "zh" else 1
    held_up_by = one.work.step.held_up_by if isinstance(one.work, WorkItem) else ()
    return [
        one.key.due.isoformat(),
        TASK_NAMES[one.task][index],
        _about(one),
        ACTION_NAMES[one.action][index],
        COMMANDS.get(one.action) or f"{MUTATIONS[one.action]} (API)",
        ", ".join(_actor(actor, parties, language) for actor in one.actors),
        str(one.late_days or ""),
        ", ".join(_holder(holder, language) for holder in held_up_by),
    ]


def _about(one: Duty) -> str:
    match one.work:
        case WorkItem(agreement, quarter):
            return f"{agreement.code} {quarter}"
        case CommitmentWork(agreement, commitment):
            return f"{agreement.code} {commitment.promise.code}"
        case ReviewWork(review):
            return review.title


def _actor(actor: Actor, parties: Mapping[int, Party], language: Language) -> str:
    return parties[actor.party_id].code if actor.role is None else _role(actor.role, language)


def _holder(holder: Holder, language: Language) -> str:
    name = ACTION_NAMES[STEP_ACTIONS[holder.step]][0 if language == "zh" else 1]
    return f"{_role(holder.role, language)}: {name}"


def _role(role: str, language: Language) -> str:
    return role_zh(role) if language == "zh" else role_en(role)
