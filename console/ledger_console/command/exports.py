"""Exporting what an auditor's search finds."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ledger.desk import agreements, enterprises, roster
from ledger.desk.history import exports
from ledger.desk.history.exports import Export, ExportForm, Subject
from ledger.desk.history.search import Criteria, State
from ledger.periods import Quarter
from ledger_console.command.opening import ledger
from ledger_console.command.options import moment
from ledger_console.command.output import deliver_file


def export(
    subject: Annotated[
        Subject, typer.Argument(metavar="WHAT", help="allocations, settlements or events. 分配、结算或事件。")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to this file. 写入文件。")
    ] = None,
    format: Annotated[
        ExportForm, typer.Option("--format", help="csv, xlsx, or jsonl: JSON lines. 格式。")
    ] = "csv",
    agreement: Annotated[str | None, typer.Option(metavar="CODE", help="The agreement. 协议。")] = None,
    party: Annotated[str | None, typer.Option(metavar="CODE", help="A party of it. 一方。")] = None,
    counterparty: Annotated[
        str | None, typer.Option(metavar="CODE", help="Another party: the pairing. 另一方（结对）。")
    ] = None,
    clause: Annotated[int | None, typer.Option(metavar="NUMBER", help="The clause. 条款。")] = None,
    enterprise: Annotated[
        str | None, typer.Option(metavar="CREDIT-CODE", help="The enterprise. 企业。")
    ] = None,
    first: Annotated[
        Quarter | None,
        typer.Option("--from", metavar="QUARTER", parser=Quarter.parse, help="From this quarter. 起始季度。"),
    ] = None,
    last: Annotated[
        Quarter | None,
        typer.Option("--to", metavar="QUARTER", parser=Quarter.parse, help="To this quarter. 截止季度。"),
    ] = None,
    state: Annotated[
        State | None, typer.Option(help="closed, reopened or not_closed. 已关账、已重开或未关账。")
    ] = None,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="Who acted. 经办人。")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="MOMENT", parser=moment, help="Recorded then or later. 记录时点起。"),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(metavar="MOMENT", parser=moment, help="Recorded then or earlier. 记录时点止。"),
    ] = None,
) -> None:
    """Export what meets the criteria, all of it: CSV, XLSX, JSON lines. 按条件导出全部记录。"""
    with ledger() as database, database.reading() as connection, tempfile.TemporaryFile() as made:

        def party_id(code: str | None) -> int | None:
            return None if code is None else roster.party_by_code(connection, code).party_id

        criteria = Criteria(
            agreement_id=None
            if agreement is None
            else agreements.agreement_by_code(connection, agreement).agreement_id,
            party_id=party_id(party),
            counterparty_id=party_id(counterparty),
            clause=clause,
            subject_id=None if enterprise is None else enterprises.id_by_code(connection, enterprise),
            first=first,
            last=last,
            state=state,
            actor=actor,
            since=since,
            until=until,
        )
        exports.write_export(connection, Export(subject, format, criteria), made)
        deliver_file(made, output)
