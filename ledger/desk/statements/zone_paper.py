"""The paper of a party's quarter: its agreements, sums by agreement and by counterparty, then the detail."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC
from urllib.parse import urlencode

from ledger.desk.settlements.journal import AccountKind
from ledger.desk.statements.paper import (
    CLOSED,
    NOT_CLOSED,
    Amount,
    Cell,
    Paper,
    Speaker,
    Table,
    tables_by_unit,
)
from ledger.desk.statements.parts import ASSESSMENT_REMARK, KIND_NAMES
from ledger.desk.statements.zones import ZoneAgreement, ZoneLine, ZoneStatement
from ledger.money import Commodity
from ledger.rules.explanation import Language
from ledger.rules.fields import Bilingual
from ledger.rules.terms import Book

OTHERS_REMARK = Bilingual(
    zh="按对方汇总：协议有多个对方时，同一数额在每个对方名下各列一次，不可相加",
    en="by counterparty: where an agreement has several, an amount stands under each; don't add them up",
)


@dataclass(slots=True)
class _Sum:
    """What the party got of one kind, book and commodity, and in how many agreements."""

    kind: AccountKind
    book: Book
    commodity: Commodity
    amount_minor: int = 0
    agreement_ids: set[int] = field(default_factory=set)


def zone_check_path(shown: ZoneStatement) -> str:
    """The path on this ledger's server that gives the same statement again."""
    named = {
        "party": shown.party_code,
        "quarter": str(shown.quarter),
        "knownAt": f"{shown.known_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    return f"/files/zone-statement?{urlencode(named, safe=':')}"


def zone_paper(shown: ZoneStatement, language: Language) -> Paper:
    """The statement as a paper."""
    return _Writer(shown, language).paper()


class _Writer:
    """Writes one paper."""

    def __init__(self, shown: ZoneStatement, language: Language) -> None:
        self._shown = shown
        self._speaker = Speaker(language)
        self._agreements = {one.agreement_id: one for one in shown.agreements}

    def paper(self) -> Paper:
        shown, speaker = self._shown, self._speaker
        name = self._party(shown.party_id)
        return Paper(
            language=speaker.language,
            title=speaker.say(
                f"{name} {shown.quarter.name_zh}结算汇总", f"Statement of {shown.quarter}: {name}"
            ),
            identifier=shown.identifier,
            made_at=shown.known_at,
            mark=self._mark(),
            facts=self._facts(),
            tables=[
                self._agreement_table(),
                *self._by_agreement(),
                *self._by_counterparty(),
                *self._detail(),
            ],
            remarks=self._remarks(),
        )

    def _mark(self) -> str:
        count = sum(one.closed_at is None for one in self._shown.agreements)
        if not count:
            return ""
        return self._speaker.say(
            f"未结：{count} 项协议尚未关账，其数额不在内",
            f"NOT CLOSED: {count} agreement(s), whose amounts are not in it",
        )

    def _facts(self) -> list[tuple[str, str]]:
        shown, say = self._shown, self._speaker.say
        name = self._party(shown.party_id)
        return [
            (say("主体", "Party"), say(f"{name}（{shown.party_code}）", f"{name} ({shown.party_code})")),
            (say("结算期", "Quarter"), say(shown.quarter.name_zh, str(shown.quarter))),
            (say("截至", "As known at"), self._speaker.moment(shown.known_at)),
            (say("标识", "Identifier"), shown.identifier),
            (say("核对地址", "Check it at"), zone_check_path(shown)),
        ]

    def _agreement_table(self) -> Table:
        column, say = self._speaker.column, self._speaker.say
        return Table(
            name=say("协议", "Agreements"),
            heading=say("协议", "Agreements"),
            columns=[
                column("协议编号", "agreement", "long"),
                column("名称", "title", "long"),
                column("对方", "counterparties", "long"),
                column("状态", "state"),
                column("结算单标识", "identifier of its statement", "long"),
            ],
            rows=[
                [
                    one.code,
                    self._speaker.of(one.title),
                    self._counterparties(one),
                    self._speaker.of(NOT_CLOSED if one.closed_at is None else CLOSED),
                    one.identifier or "",
                ]
                for one in self._shown.agreements
            ],
        )

    def _by_agreement(self) -> list[Table]:
        column = self._speaker.column
        sums: dict[tuple[int, AccountKind, Book, int], _Sum] = {}
        for line in self._in_order():
            key = (line.agreement_id, line.kind, line.book, line.commodity.commodity_id)
            found = sums.setdefault(key, _Sum(line.kind, line.book, line.commodity))
            found.amount_minor += line.amount_minor

        def row(item: tuple[tuple[int, AccountKind, Book, int], _Sum]) -> list[Cell]:
            (agreement_id, *_), total = item
            agreement = self._agreements[agreement_id]
            return [agreement.code, self._counterparties(agreement), *self._amount_cells(total)]

        return tables_by_unit(
            self._speaker,
            Bilingual(zh="按协议", en="By agreement"),
            [
                column("协议编号", "agreement", "long"),
                column("对方", "counterparties", "long"),
                column("类别", "kind"),
                column("计量", "commodity"),
                column("金额", "amount", "amount"),
            ],
            sums.items(),
            lambda item: (item[1].book, item[1].commodity),
            row,
            in_wan=True,
        )

    def _by_counterparty(self) -> list[Table]:
        column = self._speaker.column
        sums: dict[tuple[int, AccountKind, Book, int], _Sum] = {}
        for line in self._in_order():
            for party_id in self._agreements[line.agreement_id].counterparty_ids:
                key = (party_id, line.kind, line.book, line.commodity.commodity_id)
                found = sums.setdefault(key, _Sum(line.kind, line.book, line.commodity))
                found.amount_minor += line.amount_minor
                found.agreement_ids.add(line.agreement_id)

        def row(item: tuple[tuple[int, AccountKind, Book, int], _Sum]) -> list[Cell]:
            (party_id, *_), total = item
            return [self._party(party_id), len(total.agreement_ids), *self._amount_cells(total)]

        return tables_by_unit(
            self._speaker,
            Bilingual(zh="按对方", en="By counterparty"),
            [
                column("对方", "counterparty", "long"),
                column("协议数", "agreements", "number"),
                column("类别", "kind"),
                column("计量", "commodity"),
                column("金额", "amount", "amount"),
            ],
            sums.items(),
            lambda item: (item[1].book, item[1].commodity),
            row,
            in_wan=True,
        )

    def _amount_cells(self, total: _Sum) -> list[Cell]:
        return [
            self._speaker.of(KIND_NAMES[total.kind]),
            self._speaker.commodity(total.commodity),
            Amount(total.amount_minor, total.commodity.scale),
        ]

    def _detail(self) -> list[Table]:
        column = self._speaker.column

        def row(line: ZoneLine) -> list[Cell]:
            return [
                self._agreements[line.agreement_id].code,
                line.clause,
                line.cause,
                str(line.quarter),
                self._speaker.of(KIND_NAMES[line.kind]),
                self._speaker.commodity(line.commodity),
                Amount(line.amount_minor, line.commodity.scale),
            ]

        return tables_by_unit(
            self._speaker,
            Bilingual(zh="明细", en="Detail"),
            [
                column("协议编号", "agreement", "long"),
                column("条款", "clause", "number"),
                column("事由", "cause", "number"),
                column("所属期", "about"),
                column("类别", "kind"),
                column("计量", "commodity"),
                column("金额", "amount", "amount"),
            ],
            self._in_order(),
            lambda line: (line.book, line.commodity),
            row,
        )

    def _in_order(self) -> list[ZoneLine]:
        """The party's own lines, agreement by agreement as they are listed."""
        by_agreement: defaultdict[int, list[ZoneLine]] = defaultdict(list)
        for line in self._shown.lines:
            by_agreement[line.agreement_id].append(line)
        return [line for one in self._shown.agreements for line in by_agreement[one.agreement_id]]

    def _remarks(self) -> list[str]:
        remarks = []
        if any(line.book is Book.ASSESSMENT for line in self._shown.lines):
            remarks.append(ASSESSMENT_REMARK)
        if any(len(one.counterparty_ids) > 1 for one in self._shown.agreements):
            remarks.append(OTHERS_REMARK)
        return [self._speaker.of(remark) for remark in remarks]

    def _counterparties(self, agreement: ZoneAgreement) -> str:
        names = [self._party(party_id) for party_id in agreement.counterparty_ids]
        return self._speaker.say("、", ", ").join(names)

    def _party(self, party_id: int) -> str:
        side = self._shown.parties[party_id]
        return self._speaker.say(side.name_zh, side.name_en)
