"""Platforms and experts that a party may book."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from ledger.desk import days, roster, sharing
from ledger.desk.agreements import agreements_by_id
from ledger.desk.sharing import ResourceKind, SharedResource, Wanted
from ledger.periods import parse_day
from ledger.rules.explanation import Language
from ledger_console.command.opening import ledger
from ledger_console.command.options import LanguageOption
from ledger_console.command.output import show, show_table

HEADS = (
    ("协议", "agreement"),
    ("编号", "code"),
    ("类别", "kind"),
    ("名称", "name"),
    ("领域", "field"),
    ("内容", "offer"),
    ("所有方", "owner"),
    ("已约天数", "days taken"),
)
KIND_NAMES = {ResourceKind.PLATFORM: ("共享平台", "platform"), ResourceKind.EXPERT: ("专家", "expert")}


def shared_resources(
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The party's code. 主体编号。")],
    text: Annotated[
        str | None, typer.Option("--text", help="In names, field and offer. 名称、领域或内容含此文字。")
    ] = None,
    kind: Annotated[ResourceKind | None, typer.Option("--kind", help="Only of this kind. 类别。")] = None,
    field: Annotated[str | None, typer.Option("--field", help="Only of this field. 领域。")] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="PARTY", help="Only of this owner. 所有方编号。")
    ] = None,
    today: Annotated[
        date | None,
        typer.Option(
            "--today",
            metavar="DAY",
            parser=parse_day,
            help="As of this day; today if not given. 以此日为准，默认今天。",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many. 最多条数。")] = 50,
    language: LanguageOption = "zh",
) -> None:
    """List the platforms and experts that a party's agreements share. 列出可预约的共享平台和专家。"""
    with ledger() as database, database.reading() as connection:
        party_id = roster.party_by_code(connection, party).party_id
        owner_id = None if owner is None else roster.party_by_code(connection, owner).party_id
        wanted = Wanted(text, kind, field, owner_id)
        day = today or days.today(connection)
        page = sharing.resources(connection, party_id, day, wanted, limit=limit)
        agreements = agreements_by_id(connection, [one.key.agreement_id for one in page.items])
        owners = roster.parties_by_id(connection, {one.party_id for one in page.items})
    rows = [
        _row(one, agreements[one.key.agreement_id].code, owners[one.party_id].code, language)
        for one in page.items
    ]
    if rows:
        show_table(HEADS, rows, language, right={7})
    more = "，另有更多 / and more" if page.has_next else ""
    show(f"共 {len(rows)} 项 / {len(rows)} items{more}")


def _row(one: SharedResource, agreement_code: str, owner_code: str, language: Language) -> list[str]:
    index = 0 if language == "zh" else 1
    return [
        agreement_code,
        one.key.code,
        KIND_NAMES[one.kind][index],
        (one.name_zh, one.name_en)[index],
        one.field,
        one.offer,
        owner_code,
        str(len(one.taken_days)),
    ]
