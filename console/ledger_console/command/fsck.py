"""Recomputing everything from the events, and telling what isn't what it should be."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from ledger.desk import agreements, fsck
from ledger.desk.fsck import Mismatch, Result
from ledger.desk.log import LogFiles
from ledger.evidence.notes import VerifierKey
from ledger.periods import Quarter
from ledger_console.command.log import log_files
from ledger_console.command.opening import ledger
from ledger_console.command.output import show

EXIT_MISMATCH = 1


def check(
    agreement: Annotated[
        str | None, typer.Option("--agreement", metavar="CODE", help="Of this agreement only. 仅此协议。")
    ] = None,
    since: Annotated[
        Quarter | None,
        typer.Option(
            "--since",
            metavar="QUARTER",
            parser=Quarter.parse,
            help="Compare lines and settlements from this quarter on. 仅比较自该季度起的明细与结算。",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each check, a line each. 每项检查一行 JSON。")
    ] = False,
) -> None:
    """Recompute everything from the events; nothing is repaired. 由事件重算全部数据，只报告、不修复。

    Exits with 1 if anything isn't what it should be (docs/fsck.md). 发现不符时以 1 退出。
    """
    count = 0
    with ledger() as database, database.reading() as connection:
        chosen = None
        if agreement is not None:
            chosen = agreements.agreement_by_code(connection, agreement).agreement_id
        files = log_files()
        for result in fsck.run(
            connection,
            agreement_id=chosen,
            since=since,
            log_key=_log_key(files),
            kept_head=files.kept_head(),
        ):
            show(_as_json(result) if as_json else _as_text(result))
            count += len(result.mismatches)
    if count:
        sys.exit(EXIT_MISMATCH)


def _log_key(files: LogFiles) -> VerifierKey | None:
    """The log's key, where this home has one; looking doesn't make one."""
    return files.signer().verifier if files.key_path.exists() else None


def _as_text(result: Result) -> str:
    count = len(result.mismatches)
    outcome = "相符 as expected" if count == 0 else f"{count} 处不符 not as expected"
    head = f"{result.check.name_zh} {result.check.name_en}: {result.row_count} 行 rows, {outcome}"
    return "\n".join([head, *map(_line, result.mismatches)])


def _line(one: Mismatch) -> str:
    key = ", ".join(f"{name}={value}" for name, value in one.key.items())
    lines = (
        f"  {one.table}[{key}].{one.column}",
        f"    应为 expected: {one.expected}",
        f"    实为 found: {one.found}",
    )
    return "\n".join(lines)


def _as_json(result: Result) -> str:
    mismatches = [
        {
            "table": one.table,
            "key": one.key,
            "column": one.column,
            "expected": one.expected,
            "found": one.found,
        }
        for one in result.mismatches
    ]
    return json.dumps(
        {"check": result.check.code, "rows": result.row_count, "mismatches": mismatches}, ensure_ascii=False
    )
