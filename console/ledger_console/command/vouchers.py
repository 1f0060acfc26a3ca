"""Vouchers: importing certified providers, ending what is past, and showing where a programme stands."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from ledger.desk import agreements, enterprises, vouchers
from ledger.desk.acts import Act
from ledger.measures import YUAN
from ledger.money import format_amount
from ledger_console.command.opening import ledger
from ledger_console.command.options import AgreementCode, LanguageOption, QuarterArgument
from ledger_console.command.output import read_bytes, show, show_table

BUDGET_HEADS = (
    ("承担方", "payer"),
    ("自", "from"),
    ("预算", "budget"),
    ("可用", "open"),
    ("预留", "reserved"),
    ("已用", "used"),
)
CLEARING_HEADS = (
    ("条款", "clause"),
    ("企业", "enterprise"),
    ("承担方", "payer"),
    ("核定", "approved"),
    ("追回", "recovered"),
)

voucher_commands = typer.Typer(no_args_is_help=True, help="Innovation vouchers. 科技创新券。")

Programme = Annotated[str, typer.Argument(metavar="PROGRAMME", help="The programme's code. 创新券计划代码。")]


@voucher_commands.command("import")
def import_providers(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV of providers (docs/vouchers.md). 服务机构名单。"),
    ],
    party: Annotated[
        str, typer.Option("--party", metavar="PARTY", help="Code of the party that certifies. 认定方。")
    ],
) -> None:
    """Register and certify the providers of a CSV file. 导入并认定服务机构，有错误时整体退回。

    The same file again does nothing new. 重复导入同一文件不会重复登记。
    """
    content = read_bytes(file)
    with ledger() as database:
        done = vouchers.import_providers(database, party, content, "command")
    show(f"认定 {done.certified} 家，其中新登记 {done.registered} 家。")
    show(f"{done.certified} certified, {done.registered} of them newly registered.")


@voucher_commands.command("expire")
def expire(
    programme: Programme,
    day: Annotated[
        datetime,
        typer.Argument(
            metavar="DAY", formats=["%Y-%m-%d"], help="Vouchers whose last day is before it. 截止日期。"
        ),
    ],
) -> None:
    """End vouchers whose last day is past, and give back what was set aside. 到期失效并释放预算。"""
    key = f"command/voucher/expire/{programme}/{day.date()}"
    with ledger() as database:
        done = vouchers.expire(database, Act(key, actor="command"), programme, day.date())
    show(f"{done.value} 张到期失效 / {done.value} expired")


@voucher_commands.command("clear")
def clear(
    agreement: AgreementCode,
    quarter: QuarterArgument,
    person: Annotated[str, typer.Option("--person", metavar="NAME", help="Who clears. 经办人。")],
) -> None:
    """Make the payers' returns of what a quarter's vouchers made them bear. 清算创新券，生成承担方申报。

    Done again it takes what came since. 可重复办理，只纳入新增部分。
    """
    with ledger() as database:
        with database.reading() as connection:
            agreement_id = agreements.agreement_by_code(connection, agreement).agreement_id
        act = Act(f"command/voucher/clear/{uuid4()}", actor="command")
        done = vouchers.clear(database, act, agreement_id, quarter, person)
        with database.reading() as connection:
            made = vouchers.clearing_by_id(connection, done.value)
    roles = ", ".join(made.filing_ids)
    show(f"本次清算 {made.entry_count} 笔；申报：{roles}。")
    show(f"{made.entry_count} entries cleared now; returns of {roles}.")


@voucher_commands.command("explain")
def explain(
    claim: Annotated[
        int, typer.Argument(metavar="CLAIM", help="The claim's number, as events name it. 兑付申请编号。")
    ],
    language: LanguageOption = "zh",
) -> None:
    """Show why a claim was decided as it was, a sentence for each step. 逐句说明一项兑付申请的核定。"""
    with ledger() as database, database.reading() as connection:
        found = vouchers.claim_by_id(connection, claim)
    for said in found.explanation:
        show(said.zh if language == "zh" else said.en)


@voucher_commands.command("report")
def report(programme: Programme, quarter: QuarterArgument, language: LanguageOption = "zh") -> None:
    """Show a programme's budgets, and what each payer bears in a quarter. 显示预算与季度承担金额。"""
    with ledger() as database, database.reading() as connection:
        found = vouchers.programme_by_code(connection, programme)
        budgets = vouchers.budget_states(connection, found.programme_id)
        cleared = vouchers.cleared(connection, found, quarter.start, quarter.last_day)
        listed = enterprises.enterprises_by_id(connection, [one.enterprise_id for one in cleared])
    budget_rows = [[one.role, str(one.starts), *map(_yuan, _stand(one))] for one in budgets]
    show_table(BUDGET_HEADS, budget_rows, language, right={2, 3, 4, 5})
    show("")
    cleared_rows = [
        [
            str(one.clause),
            listed[one.enterprise_id].credit_code,
            one.role,
            _yuan(one.approved_minor),
            _yuan(one.recovered_minor),
        ]
        for one in cleared
    ]
    show_table(CLEARING_HEADS, cleared_rows, language, right={3, 4})


def _stand(one: vouchers.BudgetState) -> tuple[int, ...]:
    return one.amount_minor, one.open_minor, one.reserved_minor, one.used_minor


def _yuan(amount_minor: int) -> str:
    return format_amount(amount_minor, YUAN.scale, thousands=True)
