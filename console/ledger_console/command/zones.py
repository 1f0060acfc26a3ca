"""Zones as they were on a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from ledger.desk import days, roster, zones
from ledger.desk.zones import ChangeKind, DivisionRole, PartKind, Standing
from ledger.periods import parse_day
from ledger.rules.explanation import Language
from ledger_console.command.opening import ledger
from ledger_console.command.options import KnownAt, LanguageOption
from ledger_console.command.output import show, show_table

COUNT_HEADS = (("地区", "region"), ("数量", "zones"))
REGIONS = {"East": "东部", "Central": "中部", "West": "西部", "Northeast": "东北", "": "未分类"}
FACT_HEADS = (("项目", "fact"), ("内容", "value"))
STANDINGS_ZH = {
    Standing.NOT_LISTED: "未列入名单",
    Standing.LISTED: "在名单内",
    Standing.MERGED: "已合并",
    Standing.REMOVED: "已撤销",
}
REVIEWS_ZH = {
    ChangeKind.ADMITTED: "已批准",
    ChangeKind.PRAISED: "通报表扬",
    ChangeKind.TALKED_TO: "约谈",
    ChangeKind.WARNED: "通报警告",
    ChangeKind.REMOVED: "撤销",
}
PARTS_ZH = {
    PartKind.CORE_AREA: "核心区",
    PartKind.RADIATED_AREA: "辐射区",
    PartKind.RADIATED_POINT: "辐射点",
    PartKind.PARK: "园区",
}
ROLES_ZH = {DivisionRole.LIES_IN: "位于", DivisionRole.RUN_BY: "管理方"}

AsOf = Annotated[
    date | None,
    typer.Option("--as-of", metavar="DAY", parser=parse_day, help="The day; today if not given. 截至日期。"),
]


def zone(
    code: Annotated[str, typer.Argument(metavar="ZONE", help="The zone's code. 高新区编号。")],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    language: LanguageOption = "zh",
) -> None:
    """Show a zone as it was on a day. 查看某高新区在某日的状况。"""
    with ledger() as database, database.reading() as connection:
        zone_id = roster.party_by_code(connection, code).party_id
        state = zones.zone_state(connection, zone_id, as_of or days.today(connection), known_at)
        into = [] if state.merged_into_id is None else [state.merged_into_id]
        parties = roster.parties_by_id(connection, [*state.parts, *into])
    show_table(FACT_HEADS, _facts(state, parties, language), language)


def zone_counts(as_of: AsOf = None, known_at: KnownAt = None, language: LanguageOption = "zh") -> None:
    """Count the national zones on a day by region class. 按地区统计某日的国家高新区数量。"""
    with ledger() as database, database.reading() as connection:
        counts = zones.zone_counts(connection, as_of or days.today(connection), known_at=known_at)
    rows = [[zh if language == "zh" else en, str(counts[en])] for en, zh in REGIONS.items() if counts[en]]
    show_table(COUNT_HEADS, rows, language)
    show(f"共 {counts.total()} 个 / {counts.total()} zones")


def _facts(state: zones.ZoneState, parties: dict[int, roster.Party], language: Language) -> list[list[str]]:
    def say(zh: str, en: str) -> str:
        return zh if language == "zh" else en

    facts = [
        [say("日期", "day"), str(state.day)],
        [say("名称", "name"), say(state.name.zh, state.name.en)],
        [say("状态", "standing"), say(STANDINGS_ZH[state.standing], state.standing.value)],
        [say("级别", "level"), state.level or ""],
    ]
    if state.review is not None:
        review = say(REVIEWS_ZH[state.review], state.review.value)
        facts.append([say("评估", "review"), f"{review} {state.reviewed_on or ''}".strip()])
    if state.merged_into_id is not None:
        facts.append([say("并入", "merged into"), parties[state.merged_into_id].name_zh])
    facts += [
        [say(PARTS_ZH[part.kind], part.kind.value), parties[part.party_id].name_zh]
        for part in state.parts.values()
    ]
    facts += [
        [say(ROLES_ZH[one.role], one.role.value), f"{one.code} {one.name_zh}"]
        for one in state.divisions.values()
    ]
    return facts
