"""A settlement's way to its signatures: shown, proposed, and signed with a key file of the person's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from ledger.desk import agreements, settlements, statements
from ledger.desk.acts import Act
from ledger.desk.failures import NotFound
from ledger.desk.settlements import SettlementNotProposed, SettlementState, Standing
from ledger.desk.settlements.reading import Settlement
from ledger.evidence.canonical import digest
from ledger.evidence.signatures import public_key_of, sign
from ledger.periods import Quarter
from ledger.rules.explanation import Language
from ledger_console.command.opening import ledger
from ledger_console.command.options import AgreementCode, LanguageOption, OutputFile, QuarterArgument
from ledger_console.command.output import deliver, show
from ledger_console.command.private_keys import read_private_key

STATE_NAMES: dict[SettlementState, tuple[str, str]] = {
    SettlementState.COMPUTED: ("已计算", "computed"),
    SettlementState.PROPOSED: ("待签署", "proposed"),
    SettlementState.SIGNED: ("已签署", "signed"),
    SettlementState.CLOSED: ("已关账", "closed"),
    SettlementState.REOPENED: ("已重新打开", "reopened"),
    SettlementState.STALE: ("已失效", "stale"),
}

settlement = typer.Typer(
    no_args_is_help=True,
    help="Propose a quarter's settlement, look at it, sign it. 提交、查看和签署一个季度的结算。",
)


@settlement.command("propose")
def propose(code: AgreementCode, quarter: QuarterArgument, language: LanguageOption = "zh") -> None:
    """Compute the open quarter and put it up for signing. 计算未结季度并提交各方签署。"""
    with ledger() as database:
        with database.reading() as connection:
            agreement_id = agreements.agreement_by_code(connection, code).agreement_id
            inputs = settlements.preview(connection, agreement_id).inputs.canonical()
        key = f"{agreement_id}/{quarter}/{digest(inputs).hex()}"
        settlement_id = settlements.compute(
            database, Act(f"command/compute/{key}", actor="command"), agreement_id, quarter
        ).value
        settlements.propose(
            database, Act(f"command/propose/{key}", actor="command"), agreement_id, settlement_id
        )
        with database.reading() as connection:
            _show(connection, agreement_id, settlement_id, language)


@settlement.command("show")
def show_settlement(
    code: AgreementCode, quarter: QuarterArgument, language: LanguageOption = "zh", output: OutputFile = None
) -> None:
    """Print the newest settlement's statement and who must sign; with -o write the bytes to sign to a file.

    打印最新结算的结算单和签署情况；用 -o 把待签字节写入文件。
    """
    with ledger() as database, database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, code).agreement_id
        found, standing = _newest(connection, agreement_id, quarter, code)
        if output is None:
            _show(connection, agreement_id, found.settlement_id, language)
            return
    deliver(_bytes_to_sign(found, standing), output)


@settlement.command("sign")
def sign_settlement(
    code: AgreementCode,
    quarter: QuarterArgument,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="The signing role. 签署角色。")],
    key: Annotated[
        Path,
        typer.Option(
            "--key", metavar="FILE", help="Ed25519 private key (PEM), registered for the party. 私钥文件。"
        ),
    ],
) -> None:
    """Sign the newest settlement's bytes; the key stays here. 用私钥文件签署，私钥不离开本机。"""
    private_key = read_private_key(key)
    public_key = public_key_of(private_key)
    with ledger() as database:
        with database.reading() as connection:
            agreement_id = agreements.agreement_by_code(connection, code).agreement_id
            found, standing = _newest(connection, agreement_id, quarter, code)
        content = _bytes_to_sign(found, standing)
        act = Act(f"command/sign/{found.settlement_id}/{role}/{public_key.hex()}", actor="command")
        done = settlements.sign(
            database, act, agreement_id, found.settlement_id, role, public_key, sign(private_key, content)
        )
    show(f"SHA-256 {digest(content).hex()}")
    if done.replayed:
        show(f"此前已签署，未重复。{role} had signed before; nothing was done twice.")
    else:
        show(f"{role} 已签署 {quarter} 的结算。{role} signed the settlement of {quarter}.")


def _newest(
    connection: Connection, agreement_id: int, quarter: Quarter, code: str
) -> tuple[Settlement, Standing]:
    """The quarter's settlement that isn't stale, else the last one computed, and where it stands."""
    listed = settlements.settlements(connection, agreement_id, quarter=quarter)
    if not listed:
        raise NotFound("settlement", quarter, agreement=code)
    standings = settlements.standings(connection, agreement_id, listed)
    fresh = [one for one in listed if standings[one.settlement_id].state is not SettlementState.STALE]
    chosen = (fresh or listed)[-1]
    return chosen, standings[chosen.settlement_id]


def _bytes_to_sign(found: Settlement, standing: Standing) -> bytes:
    if standing.proposal is None:
        raise SettlementNotProposed(settlement_id=found.settlement_id, quarter=found.booked_quarter)
    return standing.proposal.content


def _show(connection: Connection, agreement_id: int, settlement_id: int, language: Language) -> None:
    index = 0 if language == "zh" else 1
    found = settlements.settlement(connection, agreement_id, settlement_id)
    standing = settlements.standings(connection, agreement_id, [found])[settlement_id]
    made = statements.settlement_statement(connection, agreement_id, settlement_id)
    show(statements.render_statement(made, language))
    show(f"{('签署状态', 'Signing')[index]}: {STATE_NAMES[standing.state][index]}")
    if standing.proposal is not None:
        hashed = standing.proposal.content_hash.hex()
        show(f"{('待签字节 SHA-256', 'SHA-256 of the bytes to sign')[index]}: {hashed}")
        for given in standing.proposal.signatures:
            show(
                f"{('已签署', 'Signed by')[index]}: {given.role} ({given.public_key.hex()[:16]}…, "
                f"{given.recorded_at.isoformat(' ', 'seconds')})"
            )
    if standing.awaits:
        show(f"{('尚待签署', 'Awaits')[index]}: {', '.join(standing.awaits)}")
