"""A statement as files for other programs: a table for spreadsheets, and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from ledger.desk.settlements.reading import Allocation
from ledger.desk.settlements.replays import Cause
from ledger.desk.statements.parts import (
    KIND_NAMES,
    BaseLine,
    ClauseStatement,
    OpenDifference,
    PartyTotal,
    Statement,
)
from ledger.desk.statements.text import Wording
from ledger.evidence.canonical import Json, canonical_bytes
from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount
from ledger.rules.explanation import Language
from ledger.rules.fields import Bilingual

STATEMENT_FORMAT = "parkledger.statement/1"

CSV_COLUMNS: Sequence[tuple[str, str]] = (
    ("类型", "row"),
    ("条款", "clause"),
    ("条款名称", "clause title"),
    ("事由", "cause"),
    ("账簿", "book"),
    ("对象", "subject"),
    ("所属期", "period"),
    ("指标", "measure"),
    ("主体", "party"),
    ("类别", "kind"),
    ("单位", "unit"),
    ("数额", "amount"),
    ("原数", "previous amount"),
    ("其中入基金", "of it to the fund"),
    ("凭证", "document"),
    ("申报表", "return"),
    ("状态", "state"),
    ("结算单标识", "identifier"),
    ("对方所报", "other side"),
    ("对账事项", "item"),
)


def statement_csv(shown: Statement, language: Language) -> bytes:
    """The statement as one flat table for a spreadsheet, amounts exact in the unit (UTF-8 with its mark).

    Text that a spreadsheet would take for a formula is kept from being one by an apostrophe.
    """
    text = Wording(shown, language, "yuan")
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow([text.say(zh, en) for zh, en in CSV_COLUMNS])
    of_paper = {"state": text.state(), "identifier": shown.identifier}
    for row in _csv_rows(shown, text):
        writer.writerow([(row | of_paper).get(en, "") for _, en in CSV_COLUMNS])
    return target.getvalue().encode("utf-8-sig")


def _csv_rows(shown: Statement, text: Wording) -> Iterator[dict[str, str]]:
    for clause in shown.clauses:
        about = {
            "clause": str(clause.number),
            "clause title": inert(text.of(clause.title)),
            "unit": text.say(clause.commodity.unit_zh, clause.commodity.unit_en),
        }
        for line in clause.base_lines:
            yield about | _csv_base_row(clause, line, text)
        for allocated in text.in_order(clause.allocations):
            yield about | _csv_share_row(clause, allocated, text)
    for difference in shown.differences:
        yield _csv_difference_row(difference, text)
    for total in shown.totals:
        yield {
            "row": text.say("合计", "total"),
            "book": text.book(total.book),
            "party": inert(text.party(total.party_id)),
            "kind": text.of(KIND_NAMES[total.kind]),
            "unit": text.say(total.commodity.unit_zh, total.commodity.unit_en),
            "amount": format_amount(total.amount_minor, total.commodity.scale),
        }


def _csv_base_row(clause: ClauseStatement, line: BaseLine, text: Wording) -> dict[str, str]:
    scale = clause.commodity.scale
    previous = "" if line.previous_minor is None else format_amount(line.previous_minor, scale)
    return {
        "row": text.say("申报数", "figure"),
        "cause": inert(text.cause(line.cause)),
        "subject": inert(text.subject(line.subject_id)),
        "period": str(line.span),
        "measure": text.measure(line.measure),
        "amount": format_amount(line.amount_minor, scale),
        "previous amount": previous,
        "document": inert(line.document),
        "return": str(line.filing_id),
    }


def _csv_share_row(clause: ClauseStatement, allocated: Allocation, text: Wording) -> dict[str, str]:
    return {
        "row": text.say("分配", "share"),
        "cause": inert(text.cause(allocated.cause)),
        "book": text.book(allocated.book),
        "subject": inert(text.subject(allocated.subject_id)),
        "period": str(allocated.quarter),
        "party": inert(text.party(allocated.party_id)),
        "amount": format_amount(allocated.amount_minor, clause.commodity.scale),
        "of it to the fund": format_amount(allocated.routed_minor, clause.commodity.scale),
    }


def _csv_difference_row(one: OpenDifference, text: Wording) -> dict[str, str]:
    commodity = MEASURE_BY_NAME[one.measure].commodity
    record, against = (
        "" if figure is None else format_amount(figure, commodity.scale)
        for figure in (one.record_minor, one.against_minor)
    )
    return {
        "row": text.say("未决差异", "open difference"),
        "subject": inert(text.subject(one.subject_id)),
        "period": str(one.span),
        "measure": text.measure(one.measure),
        "unit": text.say(commodity.unit_zh, commodity.unit_en),
        "amount": record,
        "other side": against,
        "item": "" if one.item is None else str(one.item),
    }


def inert(cell: str) -> str:
    """Text that no spreadsheet computes."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def statement_json(shown: Statement) -> bytes:
    """The statement as RFC 8785 JSON; ids and amounts are text, amounts in the commodity's unit."""
    return canonical_bytes(
        {
            "format": STATEMENT_FORMAT,
            "identifier": shown.identifier,
            "agreement": shown.agreement_code,
            "title": _names(shown.title),
            "quarter": str(shown.quarter),
            "settlement": str(shown.settlement_id),
            "allocations_hash": shown.allocations_hash.hex(),
            "inputs_hash": shown.inputs_hash.hex(),
            "is_final": shown.is_final,
            "is_closed": shown.closed_at is not None,
            "closed_at": None if shown.closed_at is None else shown.closed_at.isoformat(),
            "parties": {
                str(party_id): {"zh": side.name_zh, "en": side.name_en}
                for party_id, side in shown.parties.items()
            },
            "subjects": {str(subject_id): name for subject_id, name in shown.subjects.items()},
            "causes": [_cause_json(cause) for cause in shown.causes],
            "clauses": [_clause_json(clause) for clause in shown.clauses],
            **({"differences": list(map(_difference_json, shown.differences))} if shown.differences else {}),
            "totals": [_total_json(total) for total in shown.totals],
            "remarks": [_names(remark) for remark in shown.remarks],
        }
    )


def _names(name: Bilingual) -> dict[str, Json]:
    return {"zh": name.zh, "en": name.en}


def _cause_json(cause: Cause) -> dict[str, Json]:
    return {
        "cause": cause.cause,
        "kind": cause.kind,
        "quarter": str(cause.quarter),
        "reference": cause.reference,
        "title": {"zh": cause.title_zh, "en": cause.title_en},
    }


def _clause_json(clause: ClauseStatement) -> dict[str, Json]:
    scale = clause.commodity.scale
    return {
        "clause": clause.number,
        "title": _names(clause.title),
        "commodity": clause.commodity.code,
        "remainder_to": str(clause.remainder_party_id),
        "base_lines": [
            {
                "cause": line.cause,
                "subject": str(line.subject_id),
                "measure": line.measure,
                "span": str(line.span),
                "amount": format_amount(line.amount_minor, scale),
                "previous_amount": (
                    None if line.previous_minor is None else format_amount(line.previous_minor, scale)
                ),
                "document": line.document,
                "return": str(line.filing_id),
            }
            for line in clause.base_lines
        ],
        "allocations": [
            {
                "cause": one.cause,
                "subject": str(one.subject_id),
                "quarter": str(one.quarter),
                "book": one.book.value,
                "party": str(one.party_id),
                "amount": format_amount(one.amount_minor, scale),
                "routed": format_amount(one.routed_minor, scale),
            }
            for one in clause.allocations
        ],
    }


def _difference_json(one: OpenDifference) -> dict[str, Json]:
    scale = MEASURE_BY_NAME[one.measure].commodity.scale
    record, against, difference = (
        None if figure is None else format_amount(figure, scale)
        for figure in (one.record_minor, one.against_minor, one.difference_minor)
    )
    return {
        "quarter": str(one.quarter),
        "role": one.role,
        "subject": str(one.subject_id),
        "measure": one.measure,
        "span": str(one.span),
        "record": record,
        "against": against,
        "difference": difference,
        "item": one.item,
    }


def _total_json(total: PartyTotal) -> dict[str, Json]:
    return {
        "party": str(total.party_id),
        "kind": total.kind,
        "book": total.book.value,
        "commodity": total.commodity.code,
        "amount": format_amount(total.amount_minor, total.commodity.scale),
    }
