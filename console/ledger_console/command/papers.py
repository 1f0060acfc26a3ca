"""What people take away: statements, journals for other programs, and checking what a paper says."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ledger.desk import agreements, roster, statements
from ledger.desk.statements import Form, JournalForm, ZoneForm
from ledger_console.command.opening import ledger
from ledger_console.command.options import (
    AgreementCode,
    KnownAt,
    LanguageOption,
    OutputFile,
    QuarterArgument,
)
from ledger_console.command.output import deliver

UnitOption = Annotated[
    Literal["wan", "yuan"] | None,
    typer.Option(
        "--unit",
        help="For text: ten thousands (if Chinese) or single units (if English). 万元（中文默认）或元。",
    ),
]
FormOption = Annotated[
    Form,
    typer.Option(
        "--format",
        help="text, xlsx, pdf for people; csv, json for programs; hledger, beancount for accounting. 格式。",
    ),
]


def statement(
    code: AgreementCode,
    quarter: QuarterArgument,
    language: LanguageOption = "zh",
    unit: UnitOption = None,
    format: FormOption = "text",
    known_at: KnownAt = None,
    output: OutputFile = None,
) -> None:
    """Print or export a closed quarter's statement. 打印或导出已关账季度的结算单。"""
    with ledger() as database, database.reading() as connection:
        found = agreements.agreement_by_code(connection, code)
        made = statements.statement(connection, found.agreement_id, quarter, known_at)
        content = statements.statement_file(connection, made, format, language, unit=unit)
    deliver(_ended(content, format), output)


def check_statement(
    code: AgreementCode,
    identifier: Annotated[
        str, typer.Argument(metavar="IDENTIFIER", help="As the statement prints it. 结算单上的标识。")
    ],
    language: LanguageOption = "zh",
    unit: UnitOption = None,
    format: FormOption = "text",
    output: OutputFile = None,
) -> None:
    """Show what the ledger has under a paper's identifier, closed or not. 凭标识核对结算单（含未结）。"""
    with ledger() as database, database.reading() as connection:
        found = agreements.agreement_by_code(connection, code)
        made = statements.statement_by_identifier(connection, found.agreement_id, identifier)
        content = statements.statement_file(connection, made, format, language, unit=unit)
    deliver(_ended(content, format), output)


def journal(
    code: AgreementCode,
    quarter: QuarterArgument,
    language: LanguageOption = "zh",
    format: Annotated[
        JournalForm, typer.Option("--format", help="The program that reads it. 读取它的程序。")
    ] = "hledger",
    known_at: KnownAt = None,
    output: OutputFile = None,
) -> None:
    """Export everything booked through a closed quarter. 导出截至某季度的全部分录，含余额断言。"""
    with ledger() as database, database.reading() as connection:
        found = agreements.agreement_by_code(connection, code)
        made = statements.agreement_journal(connection, found.agreement_id, quarter, known_at)
    deliver(statements.journal_file(made, format, language), output)


def zone_statement(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The party's code. 主体编号。")],
    quarter: QuarterArgument,
    language: LanguageOption = "zh",
    format: Annotated[
        ZoneForm, typer.Option("--format", help="text, xlsx, pdf for people; csv for programs. 格式。")
    ] = "text",
    known_at: KnownAt = None,
    output: OutputFile = None,
) -> None:
    """A party's quarter over all its agreements. 某主体一个季度全部协议的结算汇总。"""
    with ledger() as database, database.reading() as connection:
        party_id = roster.party_by_code(connection, party).party_id
        made = statements.zone_statement(connection, party_id, quarter, known_at)
    deliver(statements.zone_file(made, format, language), output)


def _ended(content: bytes, form: Form) -> bytes:
    """JSON ends without a line's end, which a terminal wants."""
    return content + b"\n" if form == "json" else content
