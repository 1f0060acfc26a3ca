"""Who takes part and what was agreed."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Connection

from ledger.desk import agreements as desk
from ledger.desk import roster
from ledger.desk.acts import Act
from ledger.desk.agreements import Agreement, AgreementVersion
from ledger.desk.agreements.reading import KINDS
from ledger.desk.events import events
from ledger.desk.failures import NotFound
from ledger.desk.pages import PAGE_LIMIT_MAX
from ledger.periods import BEIJING
from ledger.rules.text import agreement_text
from ledger_console.command.opening import home, ledger
from ledger_console.command.options import AgreementCode, LanguageOption
from ledger_console.command.output import show, show_table
from ledger_console.command.paging import all_items
from ledger_console.sample.demo_keys import LABEL, DemoKeys
from ledger_schema.sessions import Database

AGREEMENT_HEADS = (("编号", "code"), ("类型", "kind"), ("未结季度", "open quarter"), ("名称", "title"))
ZONE_HEADS = (
    ("编号", "code"),
    ("名称", "name"),
    ("省份", "province"),
    ("地区", "region"),
    ("级别", "level"),
    ("批准年份", "approved"),
    ("可信度", "confidence"),
)
EVENT_HEADS = (
    ("时间", "recorded"),
    ("事件", "event"),
    ("操作者", "actor"),
    ("幂等键", "key"),
    ("SHA-256", "SHA-256"),
)
KIND_NAMES_ZH = dict(
    zip(
        KINDS,
        ("飞地", "反向飞地", "伙伴园区", "共建园区", "托管", "异地孵化", "分园", "创新券互认"),
        strict=True,
    )
)

VersionNumber = Annotated[
    int | None,
    typer.Option(
        "--version", min=1, help="A version of the terms; the latest if not given. 条款版本，默认最新。"
    ),
]
RegionClass = Annotated[
    str | None,
    typer.Option(
        "--region-class", help="East, Central, West or Northeast. 东部、中部、西部、东北（英文填写）。"
    ),
]


EventKind = Annotated[
    str | None,
    typer.Option("--kind", metavar="KIND", help="Only this kind, such as version_signed. 仅列此类事件。"),
]
Canonical = Annotated[
    bool,
    typer.Option("--canonical", help="Print the stored JSON, one event a line. 逐行打印所存的 JSON 原文。"),
]


def list_agreements(language: LanguageOption = "zh") -> None:
    """List the agreements. 列出合作协议。"""
    with ledger() as database, database.reading() as connection:
        found = list(
            all_items(
                lambda after: desk.agreements(connection, after=after, limit=PAGE_LIMIT_MAX),
                lambda item: item.code,
            )
        )
        rows = [_agreement_row(connection, each, language) for each in found]
    show_table(AGREEMENT_HEADS, rows, language)


def show_agreement(
    code: AgreementCode, version: VersionNumber = None, language: LanguageOption = "zh"
) -> None:
    """Print an agreement's text, its source and who signed. 打印协议文本、来源和签署情况。"""
    with ledger() as database, database.reading() as connection:
        found = desk.agreement_by_code(connection, code)
        shown = _version(connection, found, version)
        parties = roster.parties_by_id(connection, [side.party_id for side in found.parties])
    chinese = language == "zh"
    names = {
        party.code: party.name_zh if chinese else party.name_en or party.name_zh for party in parties.values()
    }
    show(found.title_zh if chinese else found.title_en)
    show(agreement_text(shown.terms, language, names))
    show(f"{'来源' if chinese else 'Source'}: {found.source}")
    show(f"{'未经核实' if chinese else 'Unverified'}: {found.unverified}")
    show(f"{'版本' if chinese else 'Version'}: {shown.version} {shown.state}")
    show(f"{'待签字节 SHA-256' if chinese else 'SHA-256 of the bytes to sign'}: {shown.terms_hash.hex()}")
    for given in shown.signatures:
        party = parties[given.party_id]
        signed_by = f"{given.role} {names[party.code]} ({given.public_key.hex()[:16]}…)"
        show(f"{'已签署' if chinese else 'Signed by'}: {signed_by}")


def list_events(
    code: AgreementCode,
    kind: EventKind = None,
    canonical: Canonical = False,
    language: LanguageOption = "zh",
) -> None:
    """List what was done about an agreement, oldest first. 按先后列出一份协议的全部事件。"""
    with ledger() as database, database.reading() as connection:
        agreement_id = desk.agreement_by_code(connection, code).agreement_id
        found = list(
            all_items(
                lambda after: events(
                    connection, agreement_id=agreement_id, kind=kind, after=after, limit=PAGE_LIMIT_MAX
                ),
                lambda item: item.event_id,
            )
        )
    if canonical:
        for each in found:
            show(each.canonical.decode())
        return
    rows = [
        [
            each.recorded_at.astimezone(BEIJING).isoformat(" ", "seconds"),
            each.kind,
            each.actor,
            each.key,
            each.hash.hex(),
        ]
        for each in found
    ]
    show_table(EVENT_HEADS, rows, language)


def list_zones(region_class: RegionClass = None, language: LanguageOption = "zh") -> None:
    """List the national high-tech zones. 列出国家高新区。"""
    with ledger() as database, database.reading() as connection:
        found = all_items(
            lambda after: roster.parties(
                connection, kind="zone", region_class=region_class, after=after, limit=PAGE_LIMIT_MAX
            ),
            lambda item: item.code,
        )
        rows = [_zone_row(each, language) for each in found]
    show_table(ZONE_HEADS, rows, language)
    show(f"共 {len(rows)} 个 / {len(rows)} zones")


def sign(
    code: AgreementCode,
    version: Annotated[
        int, typer.Argument(metavar="VERSION", min=1, help="The proposed version. 待签版本。")
    ],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="The signing role. 签署角色。")],
) -> None:
    """Sign proposed terms with a DEMO key of this computer. 用本机的演示密钥签署条款（仅供演示）。

    The bytes are fetched, signed here and only the signature is handed in; the private key stays in the
    folder demo-keys. Demo keys stand for no real party.
    取回待签字节，在本机签署，只提交签名；私钥留在文件夹 demo-keys 中。演示密钥不代表任何真实主体。
    """
    keys = DemoKeys.of_home(home())
    with ledger() as database:
        with database.reading() as connection:
            found = desk.agreement_by_code(connection, code)
            side = desk.signing_side(connection, found.agreement_id, role)
            content = desk.version(connection, found.agreement_id, version).terms_bytes
            party = roster.party(connection, side.party_id)
        public_key = keys.public_key(party.code)
        _register_once(database, party, public_key)
        act = Act(f"command/sign/{code}/{version}/{role}/{public_key.hex()}", actor="command")
        done = desk.sign_version(
            database, act, found.agreement_id, version, role, public_key, keys.sign(party.code, content)
        )
    show(f"{LABEL} {public_key.hex()}")
    if done.replayed:
        show(f"此前已签署，未重复。{role} had signed version {version} before; nothing was done twice.")
    else:
        show(f"{party.name_zh}（{role}）已签署第 {version} 版。{role} signed version {version}.")


def _register_once(database: Database, party: roster.Party, public_key: bytes) -> None:
    with database.reading() as connection:
        registered = roster.keys_of(connection, [party.party_id]).get(party.party_id, [])
    if public_key not in {key.public_key for key in registered}:
        act = Act(f"command/key/{party.code}/{public_key.hex()}", actor="command")
        roster.register_key(database, act, party.code, public_key, LABEL)


def _version(connection: Connection, found: Agreement, number: int | None) -> AgreementVersion:
    if number is not None:
        return desk.version(connection, found.agreement_id, number)
    every = desk.versions(connection, found.agreement_id)
    return next((each for each in reversed(every) if each.state == "in_force"), every[-1])


def _agreement_row(connection: Connection, each: Agreement, language: str) -> list[str]:
    open_quarter = desk.open_quarter(connection, each.agreement_id)
    chinese = language == "zh"
    return [
        each.code,
        KIND_NAMES_ZH[each.kind] if chinese else each.kind,
        str(open_quarter or "—"),
        each.title_zh if chinese else each.title_en,
    ]


def _zone_row(party: roster.Party, language: str) -> list[str]:
    zone = party.zone
    if zone is None:
        raise NotFound("party", party.code)
    chinese = language == "zh"
    return [
        party.code,
        party.name_zh if chinese else party.name_en or party.name_zh,
        party.province_zh or "",
        party.region_class or "",
        zone.level,
        str(zone.approval_year or ""),
        zone.confidence,
    ]
