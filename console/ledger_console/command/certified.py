"""The group `parkledger returns`: certifying, and committing to sealed returns."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.desk import returns as desk
from ledger.desk.acts import Act
from ledger.desk.agreements import agreement_by_code
from ledger.desk.failures import NotFound
from ledger.evidence.canonical import digest
from ledger_console.command.opening import ledger
from ledger_console.command.options import AgreementCode, QuarterArgument, Role
from ledger_console.command.output import read_bytes, show
from ledger_console.command.returns import show_filing
from ledger_console.command.sealed import seal_path, sealed_commitment

returns = typer.Typer(
    no_args_is_help=True, help="Certify returns, and commit to sealed ones. 复核申报，提交密封承诺。"
)


@returns.command()
def certify(
    code: AgreementCode,
    role: Role,
    quarter: QuarterArgument,
    person: Annotated[
        str, typer.Option("--person", metavar="NAME", help="Who certifies, not the maker. 复核人姓名。")
    ],
) -> None:
    """Certify the newest return of a role and quarter as a second person. 由第二人复核最新的申报。"""
    with ledger() as database:
        with database.reading() as connection:
            found = agreement_by_code(connection, code)
            of_slot = desk.filings(connection, found.agreement_id, quarter=quarter, role=role)
        if not of_slot:
            raise NotFound("return", f"{role} {quarter}", agreement=code)
        newest = of_slot[-1].filing_id
        act = Act(f"command/certify/{newest}/{digest(person.encode()).hex()[:16]}", actor="command")
        done = desk.certify_return(database, act, found.agreement_id, newest, role, person)
    if done.replayed:
        show("此前已复核，未重复。It had been certified before; nothing was done twice.")
    else:
        show(f"{person} 已复核。Certified by {person}.")
    show_filing(done.value)


@returns.command()
def commit(
    code: AgreementCode,
    role: Role,
    quarter: QuarterArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The return to seal. 待密封的申报文件。")],
) -> None:
    """Seal a return and commit to it; only the hash is kept. 密封申报并提交承诺，只保存哈希值。

    The file is checked first: what is sealed can't be corrected before it is opened. Once the figures are
    open, hand in the same file: parkledger import ... --seal FILE.seal.
    先行校验文件：密封后、开封前不能更正。开封后用 parkledger import ... --seal FILE.seal 提交同一文件。
    """
    content = read_bytes(file)
    with ledger() as database:
        with database.reading() as connection:
            agreement_id = agreement_by_code(connection, code).agreement_id
            desk.check_file(connection, agreement_id, role, quarter, file.name, content)
        commitment = sealed_commitment(file)
        act = Act(
            f"command/commit/{agreement_id}/{digest(role.encode()).hex()[:16]}/{quarter}/{commitment.hex()}",
            actor="command",
        )
        desk.commit(database, act, agreement_id, role, quarter, commitment)
        with database.reading() as connection:
            seal = desk.seal(connection, agreement_id, quarter)
    show(f"已提交承诺 committed: {commitment.hex()}")
    show(f"随机数保存于 / The nonce is in {seal_path(file)}")
    if seal is not None and seal.waiting:
        waiting = ", ".join(seal.waiting)
        show(f"尚待 {waiting}，最迟 {seal.due}。Waiting for {waiting}, until {seal.due} at the latest.")
    else:
        show("已可开封，请提交申报。The figures are open: hand in the return.")
