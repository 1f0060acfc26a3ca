"""The paper of one settlement: summary, causes, clauses, allocations, entries, figures and returns."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from ledger.desk.settlements.journal import Account, Entry, Posting
from ledger.desk.settlements.reading import Allocation
from ledger.desk.settlements.replays import CauseKind
from ledger.desk.statements.paper import NOT_CLOSED_MARK, Amount, Cell, Paper, Speaker, Table, tables_by_unit
from ledger.desk.statements.parts import (
    KIND_NAMES,
    BaseLine,
    ClauseStatement,
    OpenDifference,
    PartyTotal,
    Statement,
)
from ledger.desk.statements.text import Wording
from ledger.measures import COMMODITY_BY_ID, MEASURE_BY_NAME
from ledger.money import Commodity
from ledger.periods import Span
from ledger.rules.explanation import Language
from ledger.rules.fields import Bilingual
from ledger.rules.words import role_en, role_zh

SOURCE_NAME = Bilingual(zh="来源", en="source")

CAUSE_KIND_NAMES: dict[CauseKind, Bilingual] = {
    "correction": Bilingual(zh="更正申报", en="correction"),
    "enterprise_list": Bilingual(zh="企业名单", en="enterprise list"),
    "reconciliation": Bilingual(zh="对账", en="reconciliation"),
    "occurrence": Bilingual(zh="协议事件", en="occurrence"),
    "amendment": Bilingual(zh="条款修订", en="amendment"),
    "quarter": Bilingual(zh="本季数据", en="the quarter's figures"),
}


def check_path(agreement_code: str, identifier: str) -> str:
    """The path on this ledger's server that shows what the ledger has under an identifier."""
    return f"/files/check?{urlencode({'agreement': agreement_code, 'identifier': identifier})}"


def settlement_paper(shown: Statement, language: Language) -> Paper:
    """The statement as a paper."""
    return _Writer(shown, language).paper()


class _Writer:
    """Writes one paper."""

    def __init__(self, shown: Statement, language: Language) -> None:
        self._shown = shown
        self._words = Wording(shown, language, "yuan")
        self._speaker = Speaker(language)

    def paper(self) -> Paper:
        shown, speaker = self._shown, self._speaker
        return Paper(
            language=speaker.language,
            title=speaker.say(f"{shown.title.zh} 结算单", f"Statement: {shown.title.en}"),
            identifier=shown.identifier,
            made_at=shown.closed_at or shown.computed_at,
            mark="" if shown.closed_at else speaker.of(NOT_CLOSED_MARK),
            facts=self._facts(),
            tables=[
                *self._summary(),
                self._causes(),
                self._clauses(),
                *self._allocations(),
                *self._entries(),
                *self._figures(),
                *self._differences(),
                self._returns(),
            ],
            remarks=[speaker.of(remark) for remark in shown.remarks],
        )

    def _facts(self) -> list[tuple[str, str]]:
        shown, say = self._shown, self._speaker.say
        return [
            (say("协议编号", "Agreement"), shown.agreement_code),
            (say("结算期", "Quarter"), say(shown.quarter.name_zh, str(shown.quarter))),
            (say("状态", "State"), self._words.state()),
            (say("结算时间", "Computed at"), self._speaker.moment(shown.computed_at)),
            (say("结算单标识", "Identifier"), shown.identifier),
            (say("结算编号", "Settlement"), str(shown.settlement_id)),
            (say("分配明细哈希", "Hash of the allocations"), shown.allocations_hash.hex()),
            (say("结算依据哈希", "Hash of the inputs"), shown.inputs_hash.hex()),
            (say("核对地址", "Check it at"), check_path(shown.agreement_code, shown.identifier)),
        ]

    def _summary(self) -> list[Table]:
        column = self._speaker.column

        def row(total: PartyTotal) -> list[Cell]:
            return [
                self._words.party(total.party_id),
                self._speaker.of(KIND_NAMES[total.kind]),
                self._speaker.commodity(total.commodity),
                Amount(total.amount_minor, total.commodity.scale),
            ]

        return tables_by_unit(
            self._speaker,
            Bilingual(zh="汇总", en="Summary"),
            [
                column("主体", "party", "long"),
                column("类别", "kind"),
                column("计量", "commodity"),
                column("金额", "amount", "amount"),
            ],
            self._shown.totals,
            lambda total: (total.book, total.commodity),
            row,
            in_wan=True,
        )

    def _causes(self) -> Table:
        column, say = self._speaker.column, self._speaker.say
        return Table(
            name=say("事由", "Causes"),
            heading=say("事由", "Causes"),
            columns=[
                column("序号", "no.", "number"),
                column("类别", "kind"),
                column("所属期", "about"),
                column("事由", "cause", "long"),
                column("索引", "reference"),
            ],
            rows=[
                [
                    cause.cause,
                    self._speaker.of(CAUSE_KIND_NAMES[cause.kind]),
                    self._words.span(Span.of_quarter(cause.quarter)),
                    self._words.cause(cause.cause),
                    cause.reference,
                ]
                for cause in self._shown.causes
            ],
        )

    def _clauses(self) -> Table:
        column, say = self._speaker.column, self._speaker.say
        return Table(
            name=say("条款", "Clauses"),
            heading=say("条款", "Clauses"),
            columns=[
                column("条款", "clause", "number"),
                column("计量", "commodity"),
                column("尾差归", "odd units go to"),
                column("条文", "article", "long"),
            ],
            rows=[
                [
                    clause.number,
                    self._speaker.commodity(clause.commodity),
                    self._words.party(clause.remainder_party_id),
                    self._speaker.of(clause.article),
                ]
                for clause in self._shown.clauses
            ],
        )

    def _allocations(self) -> list[Table]:
        column = self._speaker.column

        def row(allocated: Allocation) -> list[Cell]:
            scale = COMMODITY_BY_ID[allocated.commodity_id].scale
            return [
                allocated.clause,
                allocated.cause,
                str(allocated.quarter),
                self._words.subject(allocated.subject_id),
                self._words.party(allocated.party_id),
                Amount(allocated.amount_minor, scale),
                Amount(allocated.routed_minor, scale),
            ]

        return tables_by_unit(
            self._speaker,
            Bilingual(zh="分配", en="Allocations"),
            [
                column("条款", "clause", "number"),
                column("事由", "cause", "number"),
                column("所属期", "about"),
                column("对象", "subject", "long"),
                column("主体", "party", "long"),
                column("分得", "share", "amount"),
                column("其中入基金", "of it to the fund", "amount"),
            ],
            (one for clause in self._shown.clauses for one in self._words.in_order(clause.allocations)),
            lambda one: (one.book, COMMODITY_BY_ID[one.commodity_id]),
            row,
        )

    def _entries(self) -> list[Table]:
        column = self._speaker.column

        def row(posted: tuple[Entry, Posting]) -> list[Cell]:
            entry, posting = posted
            return [
                entry.entry,
                entry.clause,
                entry.cause,
                str(entry.quarter),
                self._account(posting.account),
                self._speaker.commodity(_commodity(posting)),
                Amount(posting.amount_minor, _commodity(posting).scale),
            ]

        return tables_by_unit(
            self._speaker,
            Bilingual(zh="分录", en="Entries"),
            [
                column("分录", "entry", "number"),
                column("条款", "clause", "number"),
                column("事由", "cause", "number"),
                column("所属期", "about"),
                column("科目", "account", "long"),
                column("计量", "commodity"),
                column("金额", "amount", "amount"),
            ],
            ((entry, posting) for entry in self._shown.entries for posting in entry.postings),
            lambda posted: (posted[1].account.book, _commodity(posted[1])),
            row,
        )

    def _account(self, account: Account) -> str:
        if account.party_id is None or account.kind == "source":
            return self._speaker.of(SOURCE_NAME)
        return f"{self._speaker.of(KIND_NAMES[account.kind])} · {self._words.party(account.party_id)}"

    def _figures(self) -> list[Table]:
        column = self._speaker.column

        def row(read: tuple[ClauseStatement, BaseLine]) -> list[Cell]:
            clause, line = read
            scale = _commodity_of_line(read).scale
            return [
                clause.number,
                line.cause,
                self._words.subject(line.subject_id),
                self._words.measure(line.measure),
                str(line.span),
                None if line.previous_minor is None else Amount(line.previous_minor, scale),
                Amount(line.amount_minor, scale),
                line.document,
                self._words.filing(line.filing_id),
            ]

        return tables_by_unit(
            self._speaker,
            Bilingual(zh="申报数", en="Inputs"),
            [
                column("条款", "clause", "number"),
                column("事由", "cause", "number"),
                column("对象", "subject", "long"),
                column("指标", "measure", "long"),
                column("期间", "period"),
                column("原数", "was", "amount"),
                column("数额", "amount", "amount"),
                column("凭证", "document", "long"),
                column("申报表", "return", "long"),
            ],
            ((clause, line) for clause in self._shown.clauses for line in clause.base_lines),
            lambda read: (None, _commodity_of_line(read)),
            row,
        )

    def _differences(self) -> list[Table]:
        """No table where the sides agree about everything."""
        column = self._speaker.column

        def row(one: OpenDifference) -> list[Cell]:
            scale = _commodity_of(one).scale
            return [
                str(one.quarter),
                self._words.subject(one.subject_id),
                self._words.measure(one.measure),
                str(one.span),
                None if one.record_minor is None else Amount(one.record_minor, scale),
                None if one.against_minor is None else Amount(one.against_minor, scale),
                Amount(one.difference_minor, scale),
                one.item,
            ]

        return tables_by_unit(
            self._speaker,
            Bilingual(zh="未决差异", en="Open differences"),
            [
                column("所属期", "about"),
                column("对象", "subject", "long"),
                column("指标", "measure", "long"),
                column("期间", "period"),
                column("申报数", "reported", "amount"),
                column("对方所报", "other side", "amount"),
                column("差额", "difference", "amount"),
                column("对账事项", "item", "number"),
            ],
            self._shown.differences,
            lambda one: (None, _commodity_of(one)),
            row,
        )

    def _returns(self) -> Table:
        column, say = self._speaker.column, self._speaker.say
        return Table(
            name=say("申报表", "Returns"),
            heading=say("申报表（数据的出处）", "Returns (where the figures come from)"),
            columns=[
                column("所属期", "about"),
                column("填报角色", "role"),
                column("申报表", "return", "long"),
                column("数据哈希", "hash of its figures", "long"),
            ],
            rows=self._return_rows(),
        )

    def _return_rows(self) -> Sequence[Sequence[Cell]]:
        say = self._speaker.say
        return [
            [
                str(filing.quarter),
                say(role_zh(filing.role), role_en(filing.role)),
                self._words.filing(filing_id),
                filing.lines_hash.hex(),
            ]
            for filing_id, filing in sorted(
                self._shown.filings.items(), key=lambda one: (one[1].quarter, one[1].role)
            )
        ]


def _commodity(posting: Posting) -> Commodity:
    return COMMODITY_BY_ID[posting.account.commodity_id]


def _commodity_of(one: OpenDifference) -> Commodity:
    return MEASURE_BY_NAME[one.measure].commodity


def _commodity_of_line(read: tuple[ClauseStatement, BaseLine]) -> Commodity:
    return MEASURE_BY_NAME[read[1].measure].commodity
