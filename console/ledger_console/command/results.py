"""Settling a quarter, and reading what was settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import typer
from sqlalchemy import Connection

from ledger.desk import agreements, enterprises, history, roster, settlements, statements
from ledger.desk.acts import Act
from ledger.desk.failures import NotFound
from ledger.desk.reconciliation import Excepted
from ledger.desk.settlements import Draft, explanations
from ledger.desk.settlements.excepted import ExceptedKey
from ledger.desk.settlements.reading import Allocation, Settlement, all_allocations
from ledger.desk.statements.parts import KIND_NAMES, Statement
from ledger.evidence.canonical import digest
from ledger.measures import COMMODITY_BY_ID, MEASURE_BY_NAME
from ledger.periods import Quarter
from ledger.rules.explanation import BOOK_NAMES, Language, render
from ledger.rules.terms import WHOLE_PARK, Book
from ledger_console.command.opening import ledger
from ledger_console.command.options import (
    AgreementCode,
    KnownAt,
    LanguageOption,
    QuarterArgument,
    Through,
)
from ledger_console.command.output import amount, show, show_table
from ledger_schema.sessions import Database

EXPLAINED_MAX = 20
"""Most enterprises explained when none is named."""

END_OF_TIME = Quarter(2999, 4)

TOTAL_HEADS = (("主体", "party"), ("类别", "kind"), ("账簿", "book"), ("净额", "net amount"))
PREVIEW_HEADS = (("主体", "party"), ("账簿", "book"), ("净额", "net amount"), ("其中入基金", "to the fund"))
EXCEPTED_HEADS = (
    ("对象", "subject"),
    ("指标", "measure"),
    ("期间", "period"),
    ("数据来源方所报", "of record"),
    ("对方所报", "other side"),
    ("计入", "counts"),
    ("对账事项", "item"),
)
BALANCE_HEADS = (
    ("协议", "agreement"),
    ("条款", "clause"),
    ("主体", "party"),
    ("类别", "kind"),
    ("账簿", "book"),
    ("余额", "balance"),
)


def preview(code: AgreementCode, language: LanguageOption = "zh") -> None:
    """Show the open quarter's settlement as it would be now. 试算未结季度，不写入任何数据。"""
    with ledger() as database, database.reading() as connection:
        draft = settlements.preview(connection, agreements.agreement_by_code(connection, code).agreement_id)
    final = draft.is_final
    show(
        f"{code} {draft.booked_quarter.name_zh}（{'清算' if final else '预结'}，试算）"
        if language == "zh"
        else f"{code} {draft.booked_quarter} ({'final' if final else 'provisional'}, preview)"
    )
    for cause in draft.causes:
        show(f"  {cause.cause}. {cause.title_zh if language == 'zh' else cause.title_en}")
    show_table(PREVIEW_HEADS, _preview_rows(draft, language), language, right={2, 3})


def close(
    code: AgreementCode,
    quarter: QuarterArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Close without asking. 不再询问。")] = False,
    language: LanguageOption = "zh",
) -> None:
    """Compute a quarter's settlement, show the net amounts, close it. 结算并关账，关账前显示净额。"""
    with ledger() as database:
        with database.reading() as connection:
            agreement_id = agreements.agreement_by_code(connection, code).agreement_id
            closed = _closed(connection, agreement_id, quarter)
        settlement_id = closed.settlement_id if closed else _compute(database, agreement_id, quarter)
        with database.reading() as connection:
            shown = statements.settlement_statement(connection, agreement_id, settlement_id)
        _show_totals(shown, language)
        show(f"标识 Identifier: {shown.identifier}")
        if closed:
            show(f"{quarter} 此前已关账，未重复。{quarter} had been closed before; nothing was done twice.")
            return
        if not yes:
            typer.confirm(f"关账 {code} {quarter}？ Close {code} {quarter}?", abort=True)
        act = Act(f"command/close/{agreement_id}/{quarter}/{settlement_id}", actor="command")
        settlements.close(database, act, agreement_id, quarter, settlement_id)
    show(f"{code} {quarter} 已关账。{code} {quarter} is closed.")


def explain(
    code: AgreementCode,
    quarter: QuarterArgument,
    clause: Annotated[int, typer.Argument(metavar="CLAUSE", min=1, help="The clause's number. 条款号。")],
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject", metavar="CREDIT_CODE", help="One enterprise; all if not given. 企业信用代码。"
        ),
    ] = None,
    cause: Annotated[
        int | None,
        typer.Option(
            "--cause", min=1, help="A cause of the statement; the quarter's own if not given. 事由序号。"
        ),
    ] = None,
    about: Annotated[
        Quarter | None,
        typer.Option(
            "--about",
            metavar="QUARTER",
            parser=Quarter.parse,
            help="The quarter that a true-up is about. 所属期。",
        ),
    ] = None,
    language: LanguageOption = "zh",
) -> None:
    """Explain step by step what a closed quarter booked under a clause. 逐步说明某条款的结算结果如何得出。"""
    with ledger() as database, database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, code).agreement_id
        settled = _closed(connection, agreement_id, quarter)
        if settled is None:
            raise NotFound("settlement", quarter, agreement=code)
        chosen = len(settled.causes) if cause is None else cause
        if chosen > len(settled.causes):
            raise NotFound("line", f"cause {chosen}")
        period = about or settled.causes[chosen - 1].quarter
        booked = all_allocations(connection, agreement_id, settled.settlement_id)
        listed = [
            each for each in booked if (each.cause, each.clause, each.quarter) == (chosen, clause, period)
        ]
        for subject_id in _subjects(connection, agreement_id, subject, listed, language):
            made = explanations.explanation(
                connection, agreement_id, settled.settlement_id, chosen, clause, subject_id, period
            )
            _show_explained(connection, made, subject_id, language)


def balances(
    agreement: Annotated[
        str | None, typer.Option("--agreement", metavar="CODE", help="One agreement. 协议编号。")
    ] = None,
    party: Annotated[
        str | None, typer.Option("--party", metavar="CODE", help="One party. 主体编号。")
    ] = None,
    through: Through = None,
    known_at: KnownAt = None,
    language: LanguageOption = "zh",
) -> None:
    """List what each party is due, accrued and credited in closed quarters. 列出各方已关账的余额。"""
    with ledger() as database, database.reading() as connection:
        found = history.balances(
            connection,
            agreement_id=agreements.agreement_by_code(connection, agreement).agreement_id
            if agreement
            else None,
            party_id=roster.party_by_code(connection, party).party_id if party else None,
            through=through or END_OF_TIME,
            known_at=known_at,
        )
        of_parties = [each for each in found if each.party_id is not None]
        rows = _balance_rows(connection, of_parties, language)
    show_table(BALANCE_HEADS, rows, language, right={5})


# --- settling ---------------------------------------------------------------------------------------------


def _closed(connection: Connection, agreement_id: int, quarter: Quarter) -> Settlement | None:
    every = settlements.settlements(connection, agreement_id, quarter=quarter)
    return next((each for each in every if each.is_closed), None)


def _compute(database: Database, agreement_id: int, quarter: Quarter) -> int:
    """Records the open quarter's settlement under a key made of what it rests on."""
    with database.reading() as connection:
        draft = settlements.preview(connection, agreement_id)
    inputs = digest(draft.inputs.canonical()).hex()
    act = Act(f"command/compute/{agreement_id}/{quarter}/{inputs}", actor="command")
    return settlements.compute(database, act, agreement_id, quarter).value


def _show_totals(shown: Statement, language: Language) -> None:
    index = 0 if language == "zh" else 1
    rows = []
    for total in shown.totals:
        side, kind = shown.parties[total.party_id], KIND_NAMES[total.kind]
        rows.append(
            [
                (side.name_zh, side.name_en)[index],
                (kind.zh, kind.en)[index],
                BOOK_NAMES[total.book][index],
                amount(total.amount_minor, total.commodity, language),
            ]
        )
    show_table(TOTAL_HEADS, rows, language, right={3})


def _preview_rows(draft: Draft, language: Language) -> list[list[str]]:
    index = 0 if language == "zh" else 1
    names = {side.party_id: (side.name_zh, side.name_en)[index] for side in draft.materials.sides.values()}
    totals: defaultdict[tuple[Book, int, int], list[int]] = defaultdict(lambda: [0, 0])
    for each in draft.allocations:
        total = totals[each.book, each.commodity_id, each.party_id]
        total[0] += each.amount_minor
        total[1] += each.routed_minor
    return [
        [
            names[party_id],
            BOOK_NAMES[book][index],
            *(amount(part, COMMODITY_BY_ID[commodity_id], language) for part in parts),
        ]
        for (book, commodity_id, party_id), parts in sorted(totals.items())
    ]


# --- explaining -------------------------------------------------------------------------------------------


def _subjects(
    connection: Connection,
    agreement_id: int,
    credit_code: str | None,
    listed: Iterable[Allocation],
    language: Language,
) -> list[int]:
    if credit_code is not None:
        return [_enterprise_id(connection, agreement_id, credit_code)]
    found = sorted({each.subject_id for each in listed})
    if len(found) > EXPLAINED_MAX:
        show(_left_out(len(found), language))
    return found[:EXPLAINED_MAX] or [WHOLE_PARK]


def _left_out(count: int, language: Language) -> str:
    return (
        f"共 {count} 家企业，以下为前 {EXPLAINED_MAX} 家。如需某一家，请加 --subject 统一社会信用代码。\n"
        if language == "zh"
        else f"The first {EXPLAINED_MAX} of {count} enterprises follow. "
        "For any one of them add --subject CREDIT_CODE.\n"
    )


def _enterprise_id(connection: Connection, agreement_id: int, credit_code: str) -> int:
    for listed in reversed(enterprises.lists(connection, agreement_id)):
        for entry in listed.entries:
            if entry.credit_code == credit_code:
                return entry.enterprise_id
    raise NotFound("enterprise", credit_code)


def _show_explained(
    connection: Connection, made: explanations.Explained, subject_id: int, language: Language
) -> None:
    names = enterprises.enterprises_by_id(connection, [subject_id])
    if subject_id in names:
        show(f"{names[subject_id].name_zh} {names[subject_id].credit_code}")
    show(made.cause.title_zh if language == "zh" else made.cause.title_en)
    if made.before is not None and made.cause.kind != "quarter":
        show("此前：" if language == "zh" else "Before:")
        show(render(made.before, language))
        show("此后：" if language == "zh" else "After:")
    if made.after is not None:
        show(render(made.after, language))
    _show_excepted(connection, made.excepted_after, language)
    show("")


def _show_excepted(
    connection: Connection, excepted: Mapping[ExceptedKey, Excepted], language: Language
) -> None:
    """The lines that don't count as they were reported, because the sides differ."""
    if not excepted:
        return
    names = enterprises.enterprises_by_id(connection, {key.line.subject for key in excepted} - {0})
    index = 0 if language == "zh" else 1
    rows = []
    for key, one in excepted.items():
        listed = names.get(key.line.subject)
        measure = MEASURE_BY_NAME[key.line.measure]
        figures = (one.record_minor, one.against_minor, one.counts_minor)
        rows.append(
            [
                ("全园区", "whole park")[index] if listed is None else listed.name_zh,
                (measure.name_zh, measure.name_en)[index],
                str(key.line.span),
                *("—" if each is None else amount(each, measure.commodity, language) for each in figures),
                "" if one.item is None else str(one.item),
            ]
        )
    show(
        "未按申报数计入的数据（对账）："
        if language == "zh"
        else "Doesn't count as reported (reconciliation):"
    )
    show_table(EXCEPTED_HEADS, rows, language, right={3, 4, 5})


# --- balances ---------------------------------------------------------------------------------------------


def _balance_rows(
    connection: Connection, found: Sequence[history.Balance], language: Language
) -> list[list[str]]:
    index = 0 if language == "zh" else 1
    codes = {
        agreement_id: agreements.agreement(connection, agreement_id).code
        for agreement_id in {each.agreement_id for each in found}
    }
    parties = roster.parties_by_id(connection, [each.party_id for each in found if each.party_id is not None])
    rows = []
    for each in found:
        if each.party_id is None:
            continue
        party, kind = parties[each.party_id], KIND_NAMES[each.kind]
        rows.append(
            [
                codes[each.agreement_id],
                str(each.clause),
                (party.name_zh, party.name_en or party.name_zh)[index],
                (kind.zh, kind.en)[index],
                BOOK_NAMES[each.book][index],
                amount(each.amount_minor, COMMODITY_BY_ID[each.commodity_id], language),
            ]
        )
    return sorted(rows, key=lambda row: row[:2])
