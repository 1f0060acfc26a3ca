"""The reconciliation of a quarter: how the returns of two sides compare."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ledger.desk import agreements
from ledger.desk.reconciliation import reconciliation
from ledger.desk.reconciliation.report import render_report, report_csv, shown
from ledger_console.command.opening import ledger
from ledger_console.command.options import AgreementCode, LanguageOption, OutputFile, QuarterArgument
from ledger_console.command.output import deliver


def reconcile(
    code: AgreementCode,
    quarter: QuarterArgument,
    record: Annotated[
        str | None,
        typer.Option(
            "--record",
            metavar="ROLE",
            help="Whose return holds the figures of record; the first if not given. 数据来源方角色。",
        ),
    ] = None,
    form: Annotated[
        Literal["text", "csv"],
        typer.Option("--format", help="text, or csv with every line. 格式：文本，或含全部明细的 CSV。"),
    ] = "text",
    language: LanguageOption = "zh",
    output: OutputFile = None,
) -> None:
    """Compare both sides' returns of a quarter line by line. 对账：逐行比对双方季度申报。"""
    with ledger() as database, database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, code).agreement_id
        about = shown(connection, reconciliation(connection, agreement_id, quarter, record))
    content = report_csv(about, language) if form == "csv" else render_report(about, language).encode()
    deliver(content, output)
