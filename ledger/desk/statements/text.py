"""A statement as text in Chinese or English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from unicodedata import east_asian_width

from ledger.desk.settlements.reading import Allocation
from ledger.desk.statements.parts import (
    ASSESSMENT_MARK,
    KIND_NAMES,
    BaseLine,
    ClauseStatement,
    OpenDifference,
    PartyTotal,
    Statement,
)
from ledger.measures import MEASURE_BY_NAME
from ledger.money import Commodity, format_amount, format_wan
from ledger.periods import BEIJING, Span
from ledger.rules.explanation import BOOK_NAMES, Language
from ledger.rules.fields import Bilingual
from ledger.rules.terms import Book

Unit = Literal["wan", "yuan"]


def render_statement(shown: Statement, language: Language, *, unit: Unit | None = None) -> str:
    """The statement as text; amounts in 万 of the unit (exact) or in the unit itself.

    Not given: 万 in Chinese, the unit itself in English.
    """
    text = Wording(shown, language, unit or ("wan" if language == "zh" else "yuan"))
    blocks = [text.heading(), *(text.clause(one) for one in shown.clauses)]
    if shown.differences:
        blocks.append(text.differences())
    blocks += [text.totals(), text.foot()]
    return "\n\n".join(blocks) + "\n"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one statement in one language."""

    shown: Statement
    language: Language
    unit: Unit

    def heading(self) -> str:
        shown = self.shown
        state = self.state()
        return "\n".join(
            [
                self.say(f"{shown.title.zh} 结算单", f"Statement: {shown.title.en}"),
                self.say(f"协议编号：{shown.agreement_code}", f"Agreement: {shown.agreement_code}"),
                self.say(f"结算期：{shown.quarter.name_zh}", f"Quarter: {shown.quarter}"),
                self.say(f"状态：{state}", f"State: {state}"),
                self.say(f"结算单标识：{shown.identifier}", f"Identifier: {shown.identifier}"),
            ]
        )

    def state(self) -> str:
        """Provisional or final, and whether it is closed."""
        kind = self.say("清算", "final") if self.shown.is_final else self.say("预结", "provisional")
        closed_at = self.shown.closed_at
        if closed_at is None:
            return self.say(f"{kind}，未结（未关账）", f"{kind}, not closed")
        day = closed_at.astimezone(BEIJING)
        closed_zh = f"{day.year}年{day.month}月{day.day}日关账"
        return self.say(f"{kind}，{closed_zh}", f"{kind}, closed on {day:%Y-%m-%d}")

    def clause(self, one: ClauseStatement) -> str:
        title = self.say(f"第{one.number}条 {one.title.zh}", f"Clause {one.number}: {one.title.en}")
        remainder = self.party(one.remainder_party_id)
        blocks = [title, self._base_table(one)]
        for book in Book:
            of_book = [allocated for allocated in one.allocations if allocated.book is book]
            if of_book:
                blocks.append(self._share_table(one, book, of_book))
        blocks.append(self.say(f"尾差归：{remainder}", f"Odd units go to: {remainder}"))
        return "\n".join(blocks)

    def _base_table(self, one: ClauseStatement) -> str:
        if not one.base_lines:
            return self.say("无申报数据", "No figures")
        head = [
            self.say("事由", "cause"),
            self.say("对象", "subject"),
            self.say("指标", "measure"),
            self.say("期间", "period"),
            self.column("原数", "was", one.commodity),
            self.column("数额", "amount", one.commodity),
            self.say("凭证", "document"),
            self.say("申报表", "return"),
        ]
        return table(head, [self._base_row(one, line) for line in one.base_lines], right={4, 5})

    def _base_row(self, one: ClauseStatement, line: BaseLine) -> list[str]:
        scale = one.commodity.scale
        return [
            self.cause(line.cause),
            self.subject(line.subject_id),
            self.measure(line.measure),
            self.span(line.span),
            "" if line.previous_minor is None else self.amount(line.previous_minor, scale),
            self.amount(line.amount_minor, scale),
            line.document,
            self.filing(line.filing_id),
        ]

    def _share_table(self, one: ClauseStatement, book: Book, of_book: Sequence[Allocation]) -> str:
        head = [
            self.say("事由", "cause"),
            self.say("所属期", "about"),
            self.say("对象", "subject"),
            self.say("主体", "party"),
            self.column("分得", "share", one.commodity),
            self.column("其中入基金", "of it to the fund", one.commodity),
        ]
        rows = [
            [
                self.cause(allocated.cause),
                self.span(Span.of_quarter(allocated.quarter)),
                self.subject(allocated.subject_id),
                self.party(allocated.party_id),
                self.amount(allocated.amount_minor, one.commodity.scale),
                self.amount(allocated.routed_minor, one.commodity.scale) if allocated.routed_minor else "",
            ]
            for allocated in self.in_order(of_book)
        ]
        return f"{self.book(book)}\n{table(head, rows, right={4, 5})}"

    def differences(self) -> str:
        """What waits outside the settlement, exact and in the measure's own unit."""
        head = [
            self.say("期间", "period"),
            self.say("对象", "subject"),
            self.say("指标", "measure"),
            self.say("数据来源方所报", "of record"),
            self.say("对方所报", "other side"),
            self.say("差额", "difference"),
            self.say("单位", "unit"),
            self.say("对账事项", "item"),
        ]
        title = self.say("未决差异（未纳入结算）", "Open differences (outside this settlement)")
        rows = [self._difference_row(one) for one in self.shown.differences]
        return f"{title}\n{table(head, rows, right={3, 4, 5})}"

    def _difference_row(self, one: OpenDifference) -> list[str]:
        commodity = MEASURE_BY_NAME[one.measure].commodity
        figures = (one.record_minor, one.against_minor, one.difference_minor)
        return [
            self.span(one.span),
            self.subject(one.subject_id),
            self.measure(one.measure),
            *(
                "—" if figure is None else format_amount(figure, commodity.scale, thousands=True)
                for figure in figures
            ),
            self.say(commodity.unit_zh, commodity.unit_en),
            "" if one.item is None else self.say(f"第{one.item}号", f"item {one.item}"),
        ]

    def totals(self) -> str:
        blocks = [self.say("各方合计", "Totals by party")]
        for book in Book:
            of_book = [total for total in self.shown.totals if total.book is book]
            if of_book:
                blocks.append(self.book(book))
            units = dict.fromkeys(total.commodity.unit_zh for total in of_book)
            blocks += [
                self._totals_table([total for total in of_book if total.commodity.unit_zh == unit])
                for unit in units
            ]
        return "\n".join(blocks)

    def _totals_table(self, of_unit: Sequence[PartyTotal]) -> str:
        """Totals of commodities with one unit; the exact amount is always there."""
        head = [
            self.say("主体", "party"),
            self.say("类别", "kind"),
            self.say("计量", "commodity"),
            self.column("金额", "amount", of_unit[0].commodity) if self.unit == "wan" else "",
            self.say("精确数", "exact amount"),
        ]
        rows = [
            [
                self.party(total.party_id),
                self.of(KIND_NAMES[total.kind]),
                self.say(total.commodity.name_zh, total.commodity.name_en),
                self.amount(total.amount_minor, total.commodity.scale) if self.unit == "wan" else "",
                self._exact(total),
            ]
            for total in of_unit
        ]
        return table(head, rows, right={3, 4})

    def _exact(self, total: PartyTotal) -> str:
        exact = format_amount(total.amount_minor, total.commodity.scale, thousands=True)
        return f"{exact} {self.say(total.commodity.unit_zh, total.commodity.unit_en)}"

    def foot(self) -> str:
        remarks = [self.say(f"备注：{one.zh}", f"Note: {one.en}") for one in self.shown.remarks]
        hashed = self.shown.allocations_hash.hex()
        return "\n".join(
            [*remarks, self.say(f"分配明细哈希：{hashed}", f"Hash of the allocations: {hashed}")]
        )

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def of(self, name: Bilingual) -> str:
        return self.say(name.zh, name.en)

    def book(self, book: Book) -> str:
        """The book's name as every heading must show it."""
        name = self.say(*BOOK_NAMES[book])
        if book is not Book.ASSESSMENT:
            return self.say(f"【{name}】", f"[{name}]")
        return self.say(f"【{name}】（{ASSESSMENT_MARK.zh}）", f"[{name}] ({ASSESSMENT_MARK.en})")

    def cause(self, number: int) -> str:
        cause = self.shown.causes[number - 1]
        return self.say(cause.title_zh, cause.title_en)

    def subject(self, subject_id: int) -> str:
        return self.shown.subjects.get(subject_id) or self.say("全园区", "whole park")

    def party(self, party_id: int) -> str:
        side = self.shown.parties[party_id]
        return self.say(side.name_zh, side.name_en)

    def in_order(self, allocations: Sequence[Allocation]) -> list[Allocation]:
        """As they are, with the parties of each in the statement's order."""
        party_ids = list(self.shown.parties)
        return sorted(allocations, key=lambda one: (*one.key[:-1], party_ids.index(one.party_id)))

    def filing(self, filing_id: int) -> str:
        filing = self.shown.filings[filing_id]
        day = f"{filing.recorded_at.astimezone(BEIJING):%Y-%m-%d}"
        return self.say(f"第{filing.sequence}次申报（{day}）", f"return no. {filing.sequence} ({day})")

    def measure(self, name: str) -> str:
        measure = MEASURE_BY_NAME[name]
        return self.say(measure.name_zh, measure.name_en)

    def span(self, span: Span) -> str:
        return self.say(span.name_zh, str(span))

    def amount(self, amount_minor: int, scale: int) -> str:
        if self.unit == "wan":
            return format_wan(amount_minor, scale)
        return format_amount(amount_minor, scale, thousands=True)

    def column(self, zh: str, en: str, commodity: Commodity) -> str:
        """The head of a column of amounts."""
        unit_zh, unit_en = commodity.unit_zh, commodity.unit_en
        if self.unit == "wan":
            return self.say(f"{zh}（万{unit_zh}）", f"{en}, 万{unit_zh} (10,000 {unit_en})")
        return self.say(f"{zh}（{unit_zh}）", f"{en} ({unit_en})")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: set[int]) -> str:
    """Aligned columns, those without any content left out; Chinese characters take two places on a screen."""
    used = [index for index in range(len(head)) if any(row[index] for row in rows)]
    head = [head[index] for index in used]
    rows = [[row[index] for index in used] for row in rows]
    right = {place for place, index in enumerate(used) if index in right}
    widths = [max(map(_width, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            _padded(cell, width, to_right=index in right)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    )


def _padded(cell: str, width: int, *, to_right: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if to_right else cell + space


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
