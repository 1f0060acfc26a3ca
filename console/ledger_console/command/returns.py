"""Returns: the template to fill in, and handing the file in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from ledger.desk.acts import Act
from ledger.desk.agreements import agreement_by_code, open_quarter
from ledger.desk.returns import Filing, filings, hand_in_file
from ledger.desk.returns.template import template_workbook
from ledger.evidence.canonical import digest
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter
from ledger_console.command.opening import ledger
from ledger_console.command.options import AgreementCode, QuarterArgument, Role
from ledger_console.command.output import amount, deliver, read_bytes, show
from ledger_console.command.sealed import read_nonce


def template(
    code: AgreementCode,
    role: Role,
    quarter: QuarterArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The workbook to write; CODE-QUARTER-ROLE.xlsx if not given. 写入的文件。",
        ),
    ] = None,
) -> None:
    """Write the workbook that a role fills in for a quarter. 生成待填报的工作簿（XLSX）。"""
    with ledger() as database, database.reading() as connection:
        agreement_id = agreement_by_code(connection, code).agreement_id
        content = template_workbook(connection, agreement_id, role, quarter)
    deliver(content, output or Path(f"{code}-{quarter}-{role}.xlsx"))


def import_return(
    code: AgreementCode,
    role: Role,
    quarter: QuarterArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or XLSX (also XLS, XLSB, ODS). 申报文件。")
    ],
    person: Annotated[
        str | None,
        typer.Option(
            "--person", metavar="NAME", help="Who hands it in, where a second person certifies. 经办人姓名。"
        ),
    ] = None,
    seal: Annotated[
        Path | None,
        typer.Option(
            "--seal",
            metavar="FILE.seal",
            help="Opens the commitment made with it. 开封承诺所用的随机数文件。",
        ),
    ] = None,
) -> None:
    """Hand in a return from a CSV or XLSX file. 导入申报表（CSV 或 XLSX）。

    A file with faults is refused as a whole: every fault is listed with its sheet and cell, nothing is
    stored, and the exit code is 2. The same file again is recognised and nothing is stored twice.
    文件有错误时整体退回，逐条列出工作表和单元格，不保存任何数据，退出码为 2。重复导入同一文件不会重复入账。
    """
    content = read_bytes(file)
    nonce = None if seal is None else read_nonce(seal)
    with ledger() as database:
        with database.reading() as connection:
            agreement_id = agreement_by_code(connection, code).agreement_id
            key = _key(connection, agreement_id, role, quarter, file.name, content)
            if person is not None or nonce is not None:
                key += _signed_part(connection, agreement_id, person, nonce)
        done = hand_in_file(
            database,
            Act(key, actor="command"),
            agreement_id,
            role,
            quarter,
            file.name,
            content,
            person=person,
            nonce=nonce,
        )
    if done.replayed:
        show("此前已导入相同文件，未重复入账。This file had been handed in before; nothing was stored twice.")
    else:
        show("已导入。The return was taken.")
    show_filing(done.value)


def _key(
    connection: Connection, agreement_id: int, role: str, quarter: Quarter, name: str, content: bytes
) -> str:
    """Made of what is handed in and of how many returns there were before it.

    So a repeated command is the same act, and going back to an earlier file after a correction is a new one.
    """
    before = filings(connection, agreement_id, quarter=quarter, role=role)
    unlike = [each for each in before if each.content_hash != digest(content) or not each.is_newest]
    named = digest(name.encode()).hex()[:16]
    return (
        f"command/return/{agreement_id}/{digest(role.encode()).hex()[:16]}/{quarter}/{len(unlike)}"
        f"/{named}/{digest(content).hex()}"
    )


def _signed_part(connection: Connection, agreement_id: int, person: str | None, nonce: bytes | None) -> str:
    """Also of who hands in, and of the open quarter: what wasn't certified in time is handed in anew."""
    signed = f"{person or ''}/{'' if nonce is None else nonce.hex()}/{open_quarter(connection, agreement_id)}"
    return f"/{digest(signed.encode()).hex()[:16]}"


def show_filing(filing: Filing) -> None:
    """What the return is, its totals, and what it still waits for."""
    nil = "（零申报 nil return）" if filing.is_nil else ""
    show(
        f"申报表 return {filing.filing_id}: {filing.role} {filing.quarter}, "
        f"第 {filing.sequence} 次 no. {filing.sequence}, {filing.line_count} 行 lines{nil}, "
        f"入账季度 booked in {filing.booked_quarter}"
    )
    for name, amount_minor in filing.totals.items():
        measure = MEASURE_BY_NAME[name]
        show(f"  {measure.name_zh} {measure.name_en}: {amount(amount_minor, measure.commodity, 'zh')}")
    if filing.late_days:
        show(f"逾期 {filing.late_days} 天。{filing.late_days} days late.")
    if filing.awaits_certification:
        show("待第二人复核后计入。It counts once a second person has certified it.")
