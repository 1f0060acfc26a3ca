"""A simulation as text in Chinese or English. Amounts are exact, in the commodity's unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.desk.simulation.comparison import Change, Row, Simulation, Standing, Total, Unreported
from ledger.desk.statements.text import table
from ledger.measures import COMMODITY_BY_ID, MEASURE_BY_NAME
from ledger.money import Commodity, format_amount
from ledger.periods import Quarter
from ledger.rules.explanation import BOOK_NAMES, Language
from ledger.rules.facts import Amount
from ledger.rules.terms import Book

CHANGES_SHOWN = 10
"""Enterprises named, unless more are asked for."""

STANDING_NAMES: dict[Standing, tuple[str, str]] = {
    Standing.KEPT: ("", ""),
    Standing.NEW: ("新增", "new"),
    Standing.DROPPED: ("取消", "dropped"),
    Standing.UNREPORTED: ("未申报，无法计算", "not reported, unknown"),
}


def render_simulation(simulation: Simulation, language: Language, *, changes: int = CHANGES_SHOWN) -> str:
    """The comparison as text, with at most so many enterprises in ``changes``."""
    text = _Wording(simulation, language)
    blocks = [text.heading(), text.clauses(), text.unknown(), text.rows(), text.totals()]
    return "\n\n".join(block for block in [*blocks, text.changes(changes)] if block) + "\n"


@dataclass(frozen=True, slots=True)
class _Wording:
    """The words of one simulation in one language."""

    shown: Simulation
    language: Language

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def heading(self) -> str:
        shown = self.shown
        through = shown.through
        reach = (
            self.say("无可计算季度", "no quarter") if through is None else self._span(shown.first, through)
        )
        return "\n".join(
            [
                self.say(
                    f"{shown.agreement_code} 条款草案试算", f"Simulation of a draft: {shown.agreement_code}"
                ),
                self.say(f"计算季度：{reach}", f"Quarters computed: {reach}"),
                self.say(
                    f"假定草案自{shown.first.name_zh}起生效，与现行条款对照；未写入任何数据。",
                    f"The draft as if in force from {shown.first}, beside the terms in force. "
                    "Nothing was written.",
                ),
            ]
        )

    def clauses(self) -> str:
        lines = []
        for one in self.shown.clauses:
            word = self._standing(one.standing)
            if word:
                title = self.say(one.title.zh, one.title.en)
                lines.append(
                    self.say(f"第{one.number}条 {title}：{word}", f"Clause {one.number} {title}: {word}")
                )
        return "\n".join(lines)

    def unknown(self) -> str:
        """What is missing; nothing of it is taken for zero."""
        missing = [
            self.say(f"缺申报：{quarter.name_zh} {role}", f"Return missing: {quarter} {role}")
            for quarter, role in self.shown.missing
        ]
        return "\n".join([*missing, *map(self._unreported, self.shown.unreported)])

    def rows(self) -> str:
        if not self.shown.rows:
            return self.say("双方均无金额。", "Neither gives anything.")
        head = [self.say("条款", "clause"), self.say("季度", "quarter"), *self._amount_heads()]
        return table(
            [*head, self.say("说明", "note")],
            [self._row(row) for row in self.shown.rows],
            right=_amount_places(2),
        )

    def totals(self) -> str:
        shown = self.shown
        if not shown.totals:
            return ""
        blocks = [self.say("各方合计", "Totals by party"), self._totals(shown.totals)]
        if len(shown.quarters) > 1:
            blocks += ["", self.say("各季度合计", "Totals by quarter"), self._totals(shown.totals_by_quarter)]
        if any(row.standing is Standing.UNREPORTED for row in shown.rows):
            blocks.append(
                self.say(
                    "合计不含无法计算的结果。", "What isn't known is left out of the totals, on both sides."
                )
            )
        return "\n".join(blocks)

    def changes(self, count: int) -> str:
        found = self.shown.changes
        if not found or not count:
            return ""
        head = [
            self.say("企业", "enterprise"),
            self.say("账簿", "book"),
            self.say("主体", "party"),
            self.say("差额", "difference"),
            self.say("单位", "unit"),
        ]
        told = found[:count]
        title = self.say(
            f"影响最大的企业（{len(told)}/{len(found)}）",
            f"Enterprises that change most ({len(told)} of {len(found)})",
        )
        return f"{title}\n{table(head, [row for one in told for row in self._change(one)], right={3})}"

    # --- parts --------------------------------------------------------------------------------------------

    def _row(self, row: Row) -> list[str]:
        about = row.about
        return [
            str(about.clause),
            str(about.quarter),
            *self._amounts(about.book, about.commodity_id, about.party_id, row),
            self._standing(row.standing),
        ]

    def _totals(self, totals: Sequence[Total]) -> str:
        rows = [
            [
                str(total.quarter or ""),
                *self._amounts(total.book, total.commodity_id, total.party_id, total),
            ]
            for total in totals
        ]
        return table([self.say("季度", "quarter"), *self._amount_heads()], rows, right=_amount_places(1))

    def _amount_heads(self) -> list[str]:
        return [
            self.say("账簿", "book"),
            self.say("主体", "party"),
            self.say("现行", "in force"),
            self.say("草案", "draft"),
            self.say("差额", "difference"),
            self.say("差额中入基金", "of it to the fund"),
            self.say("单位", "unit"),
        ]

    def _amounts(self, book: Book, commodity_id: int, party_id: int, one: Row | Total) -> list[str]:
        commodity = COMMODITY_BY_ID[commodity_id]
        difference = one.difference
        routed_minor = 0 if difference is None else difference.routed_minor
        return [
            self._book(book),
            self._party(party_id),
            _amount(one.in_force, commodity),
            _amount(one.draft, commodity),
            "—" if difference is None else _signed(difference.amount_minor, commodity),
            _signed(routed_minor, commodity) if routed_minor else "",
            self.say(commodity.unit_zh, commodity.unit_en),
        ]

    def _change(self, one: Change) -> list[list[str]]:
        commodity = COMMODITY_BY_ID[one.commodity_id]
        return [
            [
                self._enterprise(one.subject_id) if place == 0 else "",
                self._book(one.book),
                self._party(party_id),
                _signed(change_minor, commodity),
                self.say(commodity.unit_zh, commodity.unit_en),
            ]
            for place, (party_id, change_minor) in enumerate(one.by_party.items())
        ]

    def _unreported(self, one: Unreported) -> str:
        measure = MEASURE_BY_NAME[one.measure]
        quarters = ", ".join(map(str, one.quarters))
        return self.say(
            f"未申报：第{one.clause}条所需“{measure.name_zh}”（{one.role}）：{quarters}",
            f"Not reported: {measure.name_en}, which clause {one.clause} needs ({one.role}): {quarters}",
        )

    def _standing(self, standing: Standing) -> str:
        return self.say(*STANDING_NAMES[standing])

    def _book(self, book: Book) -> str:
        return self.say(*BOOK_NAMES[book])

    def _party(self, party_id: int) -> str:
        side = next(one for one in self.shown.materials.sides.values() if one.party_id == party_id)
        return self.say(side.name_zh, side.name_en)

    def _enterprise(self, subject_id: int) -> str:
        subjects = self.shown.materials.subjects.get(self.shown.in_force.list_version or 0, {})
        return subjects[subject_id].name if subject_id in subjects else str(subject_id)

    def _span(self, first: Quarter, last: Quarter) -> str:
        if first == last:
            return self.say(first.name_zh, str(first))
        return self.say(f"{first.name_zh}至{last.name_zh}", f"{first} to {last}")


def _amount_places(before: int) -> set[int]:
    """The columns of amounts, after ``before`` columns and those of book and party."""
    return {before + 2, before + 3, before + 4, before + 5}


def _amount(amount: Amount | None, commodity: Commodity) -> str:
    return "—" if amount is None else format_amount(amount.amount_minor, commodity.scale, thousands=True)


def _signed(amount_minor: int, commodity: Commodity) -> str:
    text = format_amount(amount_minor, commodity.scale, thousands=True)
    return f"+{text}" if amount_minor > 0 else text
