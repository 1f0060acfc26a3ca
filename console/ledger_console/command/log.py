"""The log from the operator's side: sign what was recorded, print heads, proofs and receipts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ledger.desk import agreements, log, roster
from ledger_console.command.opening import home, ledger
from ledger_console.command.options import AgreementCode, LanguageOption, OutputFile
from ledger_console.command.output import deliver, show, show_table

CLOSE_HEADS = (
    ("季度", "quarter"),
    ("事件", "event"),
    ("叶子", "leaf"),
    ("角色", "role"),
    ("主体", "party"),
    ("已会签检查点", "cosigned at size"),
)

log_commands = typer.Typer(
    no_args_is_help=True,
    help="The log of all events: its heads, proofs and receipts. 全部事件的日志：检查点、证明、回执。",
)

EventNumber = Annotated[
    int, typer.Argument(metavar="EVENT", min=0, help="The event's number, as `events` lists it. 事件编号。")
]
HeadSize = Annotated[
    int | None,
    typer.Option("--size", min=1, help="Of a published head; the newest if not given. 检查点大小。"),
]


def log_files() -> log.LogFiles:
    """The log's key and kept head: in the home, or the head where PARKLEDGER_LOG_HEAD says."""
    given = os.environ.get("PARKLEDGER_LOG_HEAD")
    return log.LogFiles(home(), Path(given).expanduser().absolute() if given else None)


@log_commands.command("key")
def show_key() -> None:
    """Print the key that verifies the log's signatures. 打印用于核验日志签名的公钥。"""
    show(str(log_files().signer().verifier))


@log_commands.command("sequence")
def sequence() -> None:
    """Log what was recorded and sign it; the server does so every second. 将已记录的事件写入日志并签署。"""
    with ledger() as database:
        head = log.sequence(database, log_files(), thorough=True)
    if head is None:
        show("尚无任何事件。Nothing was recorded yet.")
    else:
        show(head.note.encode().decode().rstrip("\n"))


@log_commands.command("head")
def show_head(size: HeadSize = None, output: OutputFile = None) -> None:
    """Print a signed head with its cosignatures. 打印已签署的检查点及会签。"""
    with ledger() as database, database.reading() as connection:
        content = log.head(connection, size).note.encode()
    deliver(content, output)


@log_commands.command("proof")
def show_proof(event: EventNumber, size: HeadSize = None, output: OutputFile = None) -> None:
    """Print the proof that an event is in the log. 打印某事件已写入日志的证明（.tlog-proof）。"""
    with ledger() as database, database.reading() as connection:
        content = log.inclusion(connection, event, size).file().encode()
    deliver(content, output)


@log_commands.command("receipt")
def show_receipt(event: EventNumber, output: OutputFile = None) -> None:
    """Print the signed promise that an event will be in the log. 打印某事件的签名回执。"""
    with ledger() as database, database.reading() as connection:
        content = log.receipt(connection, event, log_files().signer()).note.encode()
    deliver(content, output)


@log_commands.command("closes")
def list_closes(code: AgreementCode, language: LanguageOption = "zh") -> None:
    """List an agreement's closes and who has cosigned them. 列出关账及各方会签情况。"""
    with ledger() as database, database.reading() as connection:
        found = log.closes(connection, agreements.agreement_by_code(connection, code).agreement_id)
        party_ids = {cosigner.party_id for close in found for cosigner in close.cosigners}
        parties = roster.parties_by_id(connection, party_ids)
    rows = [
        [
            str(close.quarter),
            str(close.event_id),
            "—" if close.leaf_number is None else str(close.leaf_number),
            cosigner.role,
            parties[cosigner.party_id].code,
            "—" if cosigner.size is None else str(cosigner.size),
        ]
        for close in found
        for cosigner in close.cosigners
    ]
    show_table(CLOSE_HEADS, rows, language)
