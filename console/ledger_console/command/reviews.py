"""Reviews by provinces and evaluations of agreements."""

from __future__ import annotations

from typing import Annotated

import typer

from ledger.desk import days, reviews, roster
from ledger.desk.agreements import agreement_by_code
from ledger.desk.pages import PAGE_LIMIT_MAX
from ledger_console.command.opening import ledger
from ledger_console.command.options import AgreementCode, LanguageOption
from ledger_console.command.output import show, show_table
from ledger_console.command.paging import all_items

review_commands = typer.Typer(no_args_is_help=True, help="Reviews and evaluations. 省级评估与年度评价。")

REVIEW_HEADS = (
    ("评估方", "reviewer"),
    ("对象", "about"),
    ("事由", "title"),
    ("状态", "state"),
    ("步骤", "steps"),
    ("结论", "outcome"),
)
EVALUATION_HEADS = (
    ("年度", "year"),
    ("次", "sequence"),
    ("评价方", "reviewer"),
    ("评价", "verdict"),
    ("说明", "remark"),
)
STATE_NAMES = {
    "open": ("进行中", "open"),
    "asked": ("待答复", "asked"),
    "late": ("逾期未答复", "late"),
    "closed": ("已结案", "closed"),
}
OUTCOME_NAMES = {
    "corrected": ("已整改", "corrected"),
    "accepted": ("予以认可", "accepted"),
    "not_corrected": ("未整改", "not corrected"),
}
VERDICT_NAMES = {
    "kept": ("履约", "kept"),
    "partly": ("部分履约", "partly"),
    "not_kept": ("未履约", "not kept"),
}


@review_commands.command("list")
def list_reviews(
    party: Annotated[
        str | None, typer.Option("--party", metavar="PARTY", help="Only those by or about it. 主体编号。")
    ] = None,
    language: LanguageOption = "zh",
) -> None:
    """List reviews and how they stand. 列出省级评估及其状态。"""
    index = 0 if language == "zh" else 1
    with ledger() as database, database.reading() as connection:
        party_id = None if party is None else roster.party_by_code(connection, party).party_id
        today = days.today(connection)
        found = list(
            all_items(
                lambda after: reviews.reviews(
                    connection, party_id=party_id, after=after, limit=PAGE_LIMIT_MAX
                ),
                lambda one: one.review_id,
            )
        )
        named = {one.reviewer_party_id for one in found} | {one.party_id for one in found}
        named |= {one.other_party_id for one in found if one.other_party_id is not None}
        codes = {party_id: each.code for party_id, each in roster.parties_by_id(connection, named).items()}
    rows = [
        [
            codes[one.reviewer_party_id],
            " — ".join(codes[each] for each in (one.party_id, one.other_party_id) if each is not None),
            one.title,
            STATE_NAMES[one.state_on(today).value][index],
            str(len(one.steps)),
            "" if one.outcome is None else OUTCOME_NAMES[one.outcome][index],
        ]
        for one in found
    ]
    if rows:
        show_table(REVIEW_HEADS, rows, language, right={4})
    show(f"共 {len(rows)} 项 / {len(rows)} items")


@review_commands.command("evaluations")
def list_evaluations(code: AgreementCode, language: LanguageOption = "zh") -> None:
    """List how an agreement was kept, year by year. 列出协议历年评价。"""
    index = 0 if language == "zh" else 1
    with ledger() as database, database.reading() as connection:
        found = reviews.evaluations(connection, agreement_by_code(connection, code).agreement_id)
        parties = roster.parties_by_id(connection, {one.reviewer_party_id for one in found})
    rows = [
        [
            str(one.year),
            str(one.sequence),
            parties[one.reviewer_party_id].code,
            VERDICT_NAMES[one.verdict][index],
            one.remark.replace("\n", " "),
        ]
        for one in found
    ]
    if rows:
        show_table(EVALUATION_HEADS, rows, language, right={0, 1})
    show(f"共 {len(rows)} 项 / {len(rows)} items")
