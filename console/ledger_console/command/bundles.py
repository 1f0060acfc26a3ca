"""A closed quarter in one file, one enterprise's part of it in another, and checking both on any machine."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from ledger.desk import agreements, bundles
from ledger.desk.bundles import Trust
from ledger.evidence.notes import VerifierKey
from ledger.evidence.signatures import is_public_key
from ledger_console.command.failures import PartyKeyUnreadable
from ledger_console.command.log import log_files
from ledger_console.command.opening import ledger
from ledger_console.command.options import AgreementCode, LanguageOption, OutputFile, QuarterArgument
from ledger_console.command.output import deliver, read_bytes, show


class PartyKey(NamedTuple):
    """A party's code and its public key, 32 bytes."""

    party: str
    public_key: bytes


def party_key(written: str) -> PartyKey:
    """What is written as ``CODE=HEX``. Raises ``PartyKeyUnreadable``."""
    code, _, digits = written.partition("=")
    try:
        public_key = bytes.fromhex(digits)
    except ValueError as error:
        raise PartyKeyUnreadable(written=written) from error
    if not code or not is_public_key(public_key):
        raise PartyKeyUnreadable(written=written)
    return PartyKey(code, public_key)


LogKey = Annotated[
    VerifierKey | None,
    typer.Option(
        "--log-key",
        metavar="KEY",
        parser=VerifierKey.parse,
        help="The log's key, as its operator gave it to you. 日志公钥，由运维方另行提供。",
    ),
]
PartyKeys = Annotated[
    list[PartyKey] | None,
    typer.Option(
        "--party-key",
        metavar="CODE=HEX",
        parser=party_key,
        help="A party's public key, as it gave it to you; may be repeated. 主体公钥，可重复。",
    ),
]
Cosigners = Annotated[
    list[str] | None,
    typer.Option(
        "--cosigned-by",
        metavar="CODE",
        help="Insist on this party's cosignature of the checkpoint. 须有该主体对检查点的会签。",
    ),
]


def bundle(code: AgreementCode, quarter: QuarterArgument, output: OutputFile = None) -> None:
    """Write a closed quarter with all that proves it. 导出已关账季度的结算包（含全部依据与证明）。"""
    with ledger() as database, database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, code).agreement_id
        settlement_id = bundles.closed_settlement_of(connection, agreement_id, quarter)
        key = log_files().signer().verifier
        content = bundles.settlement_bundle(connection, key, agreement_id, settlement_id).encode()
    deliver(content, output)


def excerpt(
    code: AgreementCode,
    quarter: QuarterArgument,
    enterprise: Annotated[
        str, typer.Argument(metavar="ENTERPRISE", help="Its 统一社会信用代码. 企业统一社会信用代码。")
    ],
    output: OutputFile = None,
) -> None:
    """Write what a closed quarter says of one enterprise, with what proves it. 导出一家企业的摘录及证明。

    It shows nothing of other enterprises. 不含其他企业的数据。
    """
    with ledger() as database, database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, code).agreement_id
        settlement_id = bundles.closed_settlement_of(connection, agreement_id, quarter)
        key = log_files().signer().verifier
        made = bundles.enterprise_excerpt(connection, key, agreement_id, settlement_id, enterprise)
    deliver(made.encode(), output)


def verify(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle or an excerpt. 结算包或摘录文件。")],
    log_key: LogKey = None,
    party_keys: PartyKeys = None,
    cosigners: Cosigners = None,
    language: LanguageOption = "zh",
) -> None:
    """Check a bundle, computing its split again, or an excerpt, on any machine. 离线核验结算包或摘录。

    It stops at the first thing that is wrong and names it. 遇到首个错误即停止并指明位置。
    """
    keys: defaultdict[str, set[bytes]] = defaultdict(set)
    for code, public_key in party_keys or ():
        keys[code].add(public_key)
    trust = Trust(log_key, dict(keys), cosigners or ())
    for checked in bundles.checked(read_bytes(path), trust):
        show(checked.zh if language == "zh" else checked.en)
