"""What differs between two moments: the enterprise list, the terms, the lines of a return."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer
from sqlalchemy import Connection

from ledger.desk import agreements, enterprises
from ledger.desk.history import facts
from ledger.desk.history.facts import ChangeKind, FieldChange, LineChange
from ledger.desk.pages import PAGE_LIMIT_MAX
from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount
from ledger.rules.explanation import Language
from ledger.rules.text import article
from ledger_console.command.opening import ledger
from ledger_console.command.options import AgreementCode, LanguageOption, QuarterArgument, Role, moment
from ledger_console.command.output import show, show_table
from ledger_console.command.paging import all_items

KIND_NAMES: dict[ChangeKind, tuple[str, str]] = {
    "added": ("新增", "added"),
    "removed": ("删除", "removed"),
    "changed": ("变更", "changed"),
}
FIELD_HEADS = (("字段", "field"), ("原为", "before"), ("现为", "after"))
ENTRY_HEADS = (("信用代码", "credit code"), ("企业", "enterprise"), ("变化", "change"), *FIELD_HEADS)
LINE_HEADS = (
    ("信用代码", "credit code"),
    ("指标", "measure"),
    ("期间", "period"),
    ("凭证", "document"),
    ("原为", "before"),
    ("现为", "after"),
    ("单位", "unit"),
)

KnownFrom = Annotated[
    datetime,
    typer.Option(
        "--from",
        metavar="MOMENT",
        parser=moment,
        help="The earlier moment: 2025-02-01 (its end) or 2025-02-01T18:00. 前一时点（北京时间）。",
    ),
]
KnownTo = Annotated[
    datetime | None,
    typer.Option("--to", metavar="MOMENT", parser=moment, help="The later one; now if not given. 后一时点。"),
]

change_commands = typer.Typer(
    no_args_is_help=True, help="What changed between two moments. 两个时点之间的变化。"
)


@change_commands.command("list")
def list_changes(
    code: AgreementCode, known_from: KnownFrom, known_to: KnownTo = None, language: LanguageOption = "zh"
) -> None:
    """Entries of the enterprise list that came, went or changed. 企业名单的增删与变更。"""
    with ledger() as database, database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, code).agreement_id
        found = facts.list_between(connection, agreement_id, known_from, _now_unless(known_to))
    _show_versions(
        None if found.before is None else found.before.version,
        None if found.after is None else found.after.version,
        language,
    )
    rows = [
        [one.entry.credit_code, one.entry.name_zh, _kind(one.kind, language), *row]
        for one in found.entries
        for row in _field_rows(one.fields)
    ]
    show_table(ENTRY_HEADS, rows, language)


@change_commands.command("terms")
def terms_changes(
    code: AgreementCode,
    quarter: QuarterArgument,
    known_from: KnownFrom,
    known_to: KnownTo = None,
    language: LanguageOption = "zh",
) -> None:
    """Clauses in force for a quarter that came, went or changed, with both texts. 条款的变化，附前后文本。"""
    with ledger() as database, database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, code).agreement_id
        found = facts.terms_between(connection, agreement_id, quarter, known_from, _now_unless(known_to))
    _show_versions(
        None if found.before is None else found.before.version,
        None if found.after is None else found.after.version,
        language,
    )
    if found.fields:
        show_table(FIELD_HEADS, _field_rows(found.fields), language)
    for one in found.clauses:
        show("")
        head = f"第{one.number}条" if language == "zh" else f"Clause {one.number}"
        show(f"{head}: {_kind(one.kind, language)}")
        show_table(FIELD_HEADS, _field_rows(one.fields), language)
        for clause, sign in ((one.before, "-"), (one.after, "+")):
            if clause is not None:
                show("\n".join(f"{sign} {line}" for line in article(clause, language).splitlines()))


@change_commands.command("return")
def return_changes(
    code: AgreementCode,
    quarter: QuarterArgument,
    role: Role,
    known_from: KnownFrom,
    known_to: KnownTo = None,
    language: LanguageOption = "zh",
) -> None:
    """Lines of the return that counts, which came, went or changed. 有效申报明细的变化。"""
    with ledger() as database, database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, code).agreement_id
        moments = known_from, _now_unless(known_to)
        found = facts.returns_between(connection, agreement_id, quarter, role, *moments)
        read = partial(facts.line_changes, connection, agreement_id, found, limit=PAGE_LIMIT_MAX)
        lines = list(all_items(lambda after: read(after=after), lambda one: one.key))
        rows = _line_rows(connection, lines, language)
    _show_versions(
        None if found.before is None else found.before.sequence,
        None if found.after is None else found.after.sequence,
        language,
    )
    show_table(LINE_HEADS, rows, language, right={4, 5})


def _now_unless(known_to: datetime | None) -> datetime:
    return datetime.now(UTC) if known_to is None else known_to


def _show_versions(before: int | None, after: int | None, language: Language) -> None:
    versions = [str(one or "—") for one in (before, after)]
    show(("版本：" if language == "zh" else "Versions: ") + " → ".join(versions))


def _kind(kind: ChangeKind, language: Language) -> str:
    return KIND_NAMES[kind][0 if language == "zh" else 1]


def _field_rows(fields: Iterable[FieldChange]) -> list[list[str]]:
    return [[one.field, one.before or "—", one.after or "—"] for one in fields]


def _line_rows(connection: Connection, lines: list[LineChange], language: Language) -> list[list[str]]:
    listed = enterprises.enterprises_by_id(connection, {one.subject_id for one in lines})
    rows = []
    for one in lines:
        measure = MEASURE_BY_NAME[one.measure]
        commodity = measure.commodity
        amounts = (
            "—" if amount is None else format_amount(amount, commodity.scale, thousands=True)
            for amount in (one.before_minor, one.after_minor)
        )
        rows.append(
            [
                listed[one.subject_id].credit_code if one.subject_id else "",
                measure.name_zh if language == "zh" else measure.name_en,
                str(one.span),
                one.document,
                *amounts,
                commodity.unit_zh if language == "zh" else commodity.unit_en,
            ]
        )
    return rows
