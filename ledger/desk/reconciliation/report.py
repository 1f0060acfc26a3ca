"""A reconciliation for people: as text in Chinese or English, and as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.desk import agreements, enterprises, roster
from ledger.desk.reconciliation.ladder import Group, Key, Outcome
from ledger.desk.reconciliation.reading import Compared, Item, Reconciliation
from ledger.desk.reconciliation.reasons import REASON_BY_CODE
from ledger.desk.reconciliation.words import MATCH_NAMES, OUTCOME_NAMES, STATE_NAMES
from ledger.desk.returns import Filing
from ledger.desk.statements.files import inert
from ledger.desk.statements.text import table
from ledger.measures import MEASURE_BY_NAME
from ledger.money import Commodity, format_amount
from ledger.rules.explanation import Language
from ledger.rules.fields import Bilingual
from ledger.rules.procedure import UNANSWERED

AGREEING = frozenset({Outcome.EXACT, Outcome.WITHIN_TOLERANCE})
"""Outcomes that the text only counts; the table for spreadsheets lists them too."""

COLUMNS: Sequence[Bilingual] = (
    Bilingual(zh="结果", en="outcome"),
    Bilingual(zh="对象", en="subject"),
    Bilingual(zh="指标", en="measure"),
    Bilingual(zh="期间", en="period"),
    Bilingual(zh="单位", en="unit"),
    Bilingual(zh="数据来源方所报", en="of record"),
    Bilingual(zh="对方所报", en="other side"),
    Bilingual(zh="差额", en="difference"),
    Bilingual(zh="纳入结算", en="counts"),
    Bilingual(zh="对应方式", en="match"),
    Bilingual(zh="原因", en="reason"),
    Bilingual(zh="对账事项", en="item"),
    Bilingual(zh="待办方", en="waits for"),
)
AMOUNT_COLUMNS = {5, 6, 7, 8}


@dataclass(frozen=True, slots=True)
class Shown:
    """A report with the names that it needs: the agreement's, the parties' by role, the enterprises'."""

    report: Reconciliation
    code: str
    title: Bilingual
    parties: Mapping[str, Bilingual]
    subjects: Mapping[int, str]


def shown(connection: Connection, report: Reconciliation) -> Shown:
    """The report with its names."""
    compared = report.compared
    agreement = agreements.agreement(connection, compared.agreement_id)
    sides = {side.role: side.party_id for side in agreement.parties}
    parties = roster.parties_by_id(connection, list(sides.values()))
    subjects = {part.key.subject for group in report.groups for part in group.parts} - {0}
    return Shown(
        report,
        agreement.code,
        Bilingual(zh=agreement.title_zh, en=agreement.title_en),
        {
            role: Bilingual(zh=party.name_zh, en=party.name_en or party.name_zh)
            for role, party_id in sides.items()
            for party in (parties[party_id],)
        },
        {number: one.name_zh for number, one in enterprises.enterprises_by_id(connection, subjects).items()},
    )


def render_report(about: Shown, language: Language) -> str:
    """The basis, totals by outcome, every line on which the sides don't plainly agree, and lapsed items."""
    text = _Wording(about, language)
    blocks = [text.heading(), text.basis(), text.totals(), text.differences(), text.lapsed()]
    return "\n\n".join(block for block in blocks if block) + "\n"


def report_csv(about: Shown, language: Language) -> bytes:
    """Every group as a row, amounts exact in the unit (UTF-8 with its mark); groups of several lines have a
    row for each line."""
    text = _Wording(about, language)
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow([text.of(column) for column in COLUMNS])
    for row in text.rows(about.report.groups, thousands=False):
        writer.writerow([cell if index in AMOUNT_COLUMNS else inert(cell) for index, cell in enumerate(row)])
    return target.getvalue().encode("utf-8-sig")


@dataclass(frozen=True, slots=True)
class _Wording:
    about: Shown
    language: Language

    def of(self, name: Bilingual) -> str:
        return name.zh if self.language == "zh" else name.en

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    @property
    def compared(self) -> Compared:
        return self.about.report.compared

    def heading(self) -> str:
        quarter = self.compared.quarter
        return "\n".join(
            [
                self.say(f"{self.about.title.zh} 对账表", f"Reconciliation: {self.about.title.en}"),
                self.say(f"协议编号：{self.about.code}", f"Agreement: {self.about.code}"),
                self.say(f"季度：{quarter.name_zh}", f"Quarter: {quarter}"),
            ]
        )

    def basis(self) -> str:
        compared = self.compared
        measures = [self._measure(name) for name in compared.basis.measures]
        lines = [
            self._side(self.say("数据来源方", "Of record"), compared.record, compared.record_return),
            self._side(self.say("对方", "Other side"), compared.against, compared.against_return),
            self.say(f"对账指标：{'、'.join(measures)}", f"Measures: {', '.join(measures)}"),
            self.say(f"容差：{self._tolerances()}", f"Tolerance: {self._tolerances()}"),
            self.say(*_unanswered(compared.basis.unanswered)),
            self.say(f"对账基础哈希：{compared.hash.hex()}", f"Hash of the basis: {compared.hash.hex()}"),
        ]
        if compared.due_on is not None:
            lines.append(self.say(f"对账期限：{compared.due_on}", f"Due: {compared.due_on}"))
        return "\n".join(lines)

    def totals(self) -> str:
        head = [
            self.say("结果", "outcome"),
            self.say("行数", "lines"),
            *(self.of(COLUMNS[index]) for index in (4, 5, 6, 7, 8)),
        ]
        sums: defaultdict[tuple[Outcome, Commodity], list[Group]] = defaultdict(list)
        for group in self.about.report.groups:
            sums[group.outcome, _commodity(group.parts[0].key)].append(group)
        order = list(Outcome)
        rows = [
            [
                self.of(OUTCOME_NAMES[outcome]),
                str(len(groups)),
                self.say(commodity.unit_zh, commodity.unit_en),
                *(
                    format_amount(total, commodity.scale, thousands=True)
                    for total in (
                        sum(group.record_minor or 0 for group in groups),
                        sum(group.against_minor or 0 for group in groups),
                        sum(group.difference_minor for group in groups),
                        sum(group.counted_minor or 0 for group in groups),
                    )
                ),
            ]
            for (outcome, commodity), groups in sorted(
                sums.items(), key=lambda one: (order.index(one[0][0]), one[0][1].commodity_id)
            )
        ]
        if not rows:
            return self.say("双方均无数据", "Neither side has figures")
        return table(head, rows, right={1, 3, 4, 5, 6})

    def differences(self) -> str:
        groups = [group for group in self.about.report.groups if group.outcome not in AGREEING]
        if not groups:
            return ""
        head = [self.of(column) for column in COLUMNS]
        title = self.say("差异明细", "Differences")
        return f"{title}\n{table(head, list(self.rows(groups, thousands=True)), right=AMOUNT_COLUMNS)}"

    def lapsed(self) -> str:
        items = self.about.report.lapsed
        if not items:
            return ""
        head = self.say(
            "下列事项因新的申报已失效：", "These items decide nothing any more, because of newer returns:"
        )
        return "\n".join([head, *map(self._lapsed_item, items)])

    def rows(self, groups: Iterable[Group], *, thousands: bool) -> Iterator[list[str]]:
        for group in groups:
            for part in group.parts:
                commodity = _commodity(part.key)
                counts_minor = part.record_minor if group.counts else None
                if group.amount_minor is not None:
                    counts_minor = group.amount_minor if part is group.bearer else None
                figures = (part.record_minor, part.against_minor, part.difference_minor, counts_minor)
                yield [
                    self.of(OUTCOME_NAMES[group.outcome]),
                    self._subject(part.key),
                    self._measure(part.key.measure),
                    self.say(part.key.span.name_zh, str(part.key.span)),
                    self.say(commodity.unit_zh, commodity.unit_en),
                    *(
                        "" if each is None else format_amount(each, commodity.scale, thousands=thousands)
                        for each in figures
                    ),
                    self.of(MATCH_NAMES[group.match]),
                    self._reason(group),
                    self._item(group),
                    self._owner(group),
                ]

    def _side(self, label: str, role: str, filing: Filing | None) -> str:
        name = self.of(self.about.parties[role])
        if filing is None:
            return self.say(f"{label}：{name}（尚无有效申报）", f"{label}: {name} (no return that counts)")
        return self.say(
            f"{label}：{name}（第{filing.sequence}次申报，{filing.line_count}行）",
            f"{label}: {name} (return no. {filing.sequence}, {filing.line_count} lines)",
        )

    def _tolerances(self) -> str:
        said = []
        for name, most_minor in sorted(self.compared.basis.tolerances_minor.items()):
            commodity = MEASURE_BY_NAME[name].commodity
            most = format_amount(most_minor, commodity.scale, thousands=True)
            unit = self.say(commodity.unit_zh, commodity.unit_en)
            said.append(f"{self._measure(name)} {most} {unit}")
        return self.say("、", ", ").join(said) or self.say("无", "none")

    def _reason(self, group: Group) -> str:
        if group.reason is not None:
            return self.of(REASON_BY_CODE[group.reason].name)
        suggested = self.about.report.suggested.get(group.parts[0].key)
        if suggested is None:
            return ""
        name = self.of(REASON_BY_CODE[suggested.reason].name)
        return self.say(f"系统提示：{name}", f"suggested: {name}")

    def _item(self, group: Group) -> str:
        if group.item is None:
            return ""
        state = self.of(STATE_NAMES[self.about.report.items[group.item].standing.state])
        return self.say(f"第{group.item}号（{state}）", f"item {group.item} ({state})")

    def _owner(self, group: Group) -> str:
        owner = None if group.item is None else self.about.report.items[group.item].standing.owner
        return "" if owner is None else self.of(self.about.parties[owner])

    def _lapsed_item(self, item: Item) -> str:
        state = self.of(STATE_NAMES[item.standing.state])
        lines = ", ".join(self._key(key) for key in sorted({*item.record, *item.against}))
        return self.say(f"第{item.number}号（{state}）：{lines}", f"item {item.number} ({state}): {lines}")

    def _key(self, key: Key) -> str:
        return f"{self._subject(key)} {self._measure(key.measure)} {key.span}"

    def _subject(self, key: Key) -> str:
        return self.about.subjects.get(key.subject) or self.say("全园区", "whole park")

    def _measure(self, name: str) -> str:
        measure = MEASURE_BY_NAME[name]
        return self.say(measure.name_zh, measure.name_en)


def _commodity(key: Key) -> Commodity:
    return MEASURE_BY_NAME[key.measure].commodity


def _unanswered(reading: str) -> tuple[str, str]:
    zh, en = UNANSWERED[reading]
    return zh, f"{en[:1].upper()}{en[1:]}"
