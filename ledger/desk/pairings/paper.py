"""A pairing as a paper for people: XLSX and PDF, with charts that print, in Chinese or English."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select

from ledger.desk.agreements import Agreement, agreements_by_id
from ledger.desk.pairings.pairing import Credit, Debt, Flow, Pairing
from ledger.desk.reviews import Review, reviews
from ledger.desk.roster import parties_by_id, party_by_code
from ledger.desk.statements.pages import paper_pages
from ledger.desk.statements.paper import Amount, Cell, Chart, Paper, Speaker, Table, tables_by_unit
from ledger.desk.statements.workbook import paper_workbook
from ledger.evidence.canonical import digest
from ledger.measures import COMMODITY_BY_ID, YUAN
from ledger.money import Commodity
from ledger.rules.explanation import Language
from ledger.rules.fields import Bilingual
from ledger.rules.terms import Book
from ledger.rules.words import MECHANISM_NAMES

PairingForm = Literal["xlsx", "pdf"]

ROWS_MOST = 500
STATES: Mapping[str, tuple[str, str]] = {
    "open": ("进行中", "open"),
    "overdue": ("逾期", "overdue"),
    "done": ("待确认", "to be confirmed"),
    "confirmed": ("已确认完成", "confirmed"),
    "dropped": ("已放弃", "dropped"),
}


def pairing_file(connection: Connection, found: Pairing, form: PairingForm, language: Language) -> bytes:
    """The pairing's review paper. Raises what ``paper_pages`` raises."""
    paper = pairing_paper(connection, found, language)
    return paper_workbook(paper) if form == "xlsx" else paper_pages(paper)


def pairing_paper(connection: Connection, found: Pairing, language: Language) -> Paper:
    """What the pairing comes to, with its agreements and the reviews of its parties."""
    made_at: datetime = connection.execute(select(func.now())).scalar_one()
    writer = _Writer(Speaker(language), found)
    by_id = agreements_by_id(connection, found.agreement_ids)
    agreements = [by_id[agreement_id] for agreement_id in found.agreement_ids]
    say = writer.speaker.say
    return Paper(
        language=language,
        title=say("结对评估", "Review of a pairing"),
        identifier=writer.identifier,
        made_at=made_at,
        mark="",
        facts=list(writer.facts(made_at)),
        tables=list(writer.tables(agreements, _reviews(connection, found))),
        remarks=[
            say(
                "应付金额按入账季度统计；考核统计数不得对外公布，也不得与在地统计数相加。",
                "What was made due is by the quarter in which it was booked. Assessment figures are not for "
                "publication and must not be added to official ones.",
            )
        ],
        charts=list(writer.charts()),
    )


def _reviews(connection: Connection, found: Pairing) -> list[tuple[Review, str]]:
    """Reviews by or about the one party, each with its reviewer's code; none where it is no party."""
    if found.one.kind != "party":
        return []
    party_id = party_by_code(connection, found.one.code).party_id
    listed = reviews(connection, party_id=party_id).items
    codes = parties_by_id(connection, {one.reviewer_party_id for one in listed})
    return [(one, codes[one.reviewer_party_id].code) for one in listed]


class _Writer:
    """One pairing in one language."""

    def __init__(self, speaker: Speaker, found: Pairing) -> None:
        self.speaker = speaker
        self.found = found
        self._ways = {
            True: f"{found.one.code} → {found.other.code}",
            False: f"{found.other.code} → {found.one.code}",
        }

    @property
    def identifier(self) -> str:
        """The groups and quarters, and the start of a hash over what is between them."""
        found = self.found
        said = repr((found.flows, found.credits, found.debts, found.today)).encode()
        return f"{found.one.code}/{found.other.code}/{found.first}-{found.last}/{digest(said).hex()[:12]}"

    def facts(self, made_at: datetime) -> Iterator[tuple[str, str]]:
        say, found = self.speaker.say, self.found
        yield say("甲方", "one"), found.one.code
        yield say("乙方", "other"), found.other.code
        yield say("季度", "quarters"), f"{found.first} - {found.last}"
        yield say("截至日", "as of"), found.today.isoformat()
        yield say("数据时点", "known at"), self.speaker.moment(made_at)
        yield say("未结争议", "open disputes"), str(found.disputes.open_count)
        yield say("已结争议", "ended disputes"), str(found.disputes.ended_count)
        for state, count in sorted(found.commitments.items()):
            zh, en = STATES[state]
            yield say(f"承诺：{zh}", f"commitments: {en}"), str(count)

    def charts(self) -> Iterator[Chart]:
        by_way: defaultdict[bool, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        for flow in self.found.flows:
            by_way[flow.from_one][str(flow.quarter)] += flow.amount_minor
        for from_one, amounts in sorted(by_way.items(), reverse=True):
            heading = self.speaker.say(f"应付 {self._ways[from_one]}", f"Due {self._ways[from_one]}")
            number = 1 if from_one else 2
            bars = [(quarter, Amount(minor, YUAN.scale)) for quarter, minor in amounts.items()]
            name = self.speaker.say(f"图{number}", f"Chart {number}")
            yield Chart(name, heading, self.speaker.unit(YUAN), bars)

    def tables(
        self, agreements: Sequence[Agreement], reviewed: Sequence[tuple[Review, str]]
    ) -> Iterator[Table]:
        speaker, say = self.speaker, self.speaker.say
        head = speaker.column
        yield Table(
            name=say("协议", "Agreements"),
            heading=say("协议", "Agreements"),
            columns=[head("编号", "code"), head("类别", "kind"), head("名称", "title", "long")],
            rows=[[one.code, one.kind, say(one.title_zh, one.title_en)] for one in agreements[:ROWS_MOST]],
        )
        way, quarter = head("方向", "direction"), head("季度", "quarter")
        yield from tables_by_unit(
            speaker,
            Bilingual(zh="往来", en="Flows"),
            [quarter, head("机制", "mechanism"), way, head("金额", "amount", "amount")],
            self.found.flows,
            lambda flow: (None, COMMODITY_BY_ID[flow.commodity_id]),
            self._flow,
            in_wan=True,
        )
        yield from tables_by_unit(
            speaker,
            Bilingual(zh="统计数", en="Statistics"),
            [quarter, head("统计指标", "statistic"), head("记入", "to"), head("数额", "amount", "amount")],
            self.found.credits,
            _book_and_unit,
            self._credit,
            in_wan=True,
        )
        yield from tables_by_unit(
            speaker,
            Bilingual(zh="欠款", en="Debts"),
            [
                way,
                *(
                    head(zh, en, "amount")
                    for zh, en in (
                        ("应付", "raised"),
                        ("已付", "paid"),
                        ("未付", "open"),
                        ("逾期", "overdue"),
                    )
                ),
            ],
            self.found.debts,
            lambda debt: (None, COMMODITY_BY_ID[debt.commodity_id]),
            self._debt,
        )
        yield Table(
            name=say("评估", "Reviews"),
            heading=say("省级评估", "Reviews by provinces"),
            columns=[
                head("评估方", "reviewer"),
                head("步骤", "steps", "number"),
                head("事由", "title", "long"),
            ],
            rows=[[code, len(one.steps), one.title] for one, code in reviewed],
        )

    def _flow(self, flow: Flow) -> Sequence[Cell]:
        scale = COMMODITY_BY_ID[flow.commodity_id].scale
        mechanism = self.speaker.say(*MECHANISM_NAMES[flow.mechanism])
        return [str(flow.quarter), mechanism, self._ways[flow.from_one], Amount(flow.amount_minor, scale)]

    def _credit(self, one: Credit) -> Sequence[Cell]:
        commodity = COMMODITY_BY_ID[one.commodity_id]
        to = self.found.one.code if one.to_one else self.found.other.code
        return [
            str(one.quarter),
            self.speaker.commodity(commodity),
            to,
            Amount(one.amount_minor, commodity.scale),
        ]

    def _debt(self, debt: Debt) -> Sequence[Cell]:
        scale = COMMODITY_BY_ID[debt.commodity_id].scale
        amounts = (debt.raised_minor, debt.paid_minor, debt.open_minor, debt.overdue_minor)
        return [self._ways[debt.from_one], *(Amount(minor, scale) for minor in amounts)]


def _book_and_unit(one: Credit) -> tuple[Book | None, Commodity]:
    return one.book, COMMODITY_BY_ID[one.commodity_id]
