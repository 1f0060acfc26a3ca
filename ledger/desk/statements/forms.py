"""The forms in which statements and journals leave the ledger."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from sqlalchemy import Connection

from ledger.desk.statements.files import inert, statement_csv, statement_json
from ledger.desk.statements.journal_files import beancount_file, hledger_file
from ledger.desk.statements.journals import Journal, settlement_journal
from ledger.desk.statements.pages import paper_pages
from ledger.desk.statements.paper import Amount, Cell, Paper, Speaker
from ledger.desk.statements.parts import Statement
from ledger.desk.statements.settlement_paper import settlement_paper
from ledger.desk.statements.text import Unit, render_statement, table
from ledger.desk.statements.workbook import paper_workbook
from ledger.desk.statements.zone_paper import zone_paper
from ledger.desk.statements.zones import ZoneStatement
from ledger.money import format_amount
from ledger.rules.explanation import Language

Form = Literal["text", "csv", "json", "xlsx", "pdf", "hledger", "beancount"]
ZoneForm = Literal["text", "csv", "xlsx", "pdf"]
JournalForm = Literal["hledger", "beancount"]

ENDINGS: Mapping[Form, str] = {
    "text": "txt",
    "csv": "csv",
    "json": "json",
    "xlsx": "xlsx",
    "pdf": "pdf",
    "hledger": "journal",
    "beancount": "beancount",
}
"""How the name of a file of this form ends."""

MEDIA_TYPES: Mapping[Form, str] = {
    "text": "text/plain",
    "csv": "text/csv",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "hledger": "text/plain",
    "beancount": "text/plain",
}


def statement_file(
    connection: Connection, shown: Statement, form: Form, language: Language, *, unit: Unit | None = None
) -> bytes:
    """A statement in the form; ``unit`` is of the text's amounts. Raises what ``paper_pages`` raises."""
    match form:
        case "text":
            return render_statement(shown, language, unit=unit).encode()
        case "csv":
            return statement_csv(shown, language)
        case "json":
            return statement_json(shown)
        case "xlsx":
            return paper_workbook(settlement_paper(shown, language))
        case "pdf":
            return paper_pages(settlement_paper(shown, language))
        case _:
            journal = settlement_journal(connection, shown.agreement_id, shown.settlement_id)
            return journal_file(journal, form, language)


def journal_file(journal: Journal, form: JournalForm, language: Language) -> bytes:
    """A journal in the form."""
    return hledger_file(journal, language) if form == "hledger" else beancount_file(journal, language)


def zone_file(shown: ZoneStatement, form: ZoneForm, language: Language) -> bytes:
    """A party's statement in the form. Raises what ``paper_pages`` raises."""
    return paper_file(zone_paper(shown, language), form)


def paper_file(paper: Paper, form: ZoneForm) -> bytes:
    """A paper in the form. Raises what ``paper_pages`` raises."""
    written: dict[ZoneForm, Callable[[Paper], bytes]] = {
        "text": paper_text,
        "csv": paper_csv,
        "xlsx": paper_workbook,
        "pdf": paper_pages,
    }
    return written[form](paper)


def paper_text(paper: Paper) -> bytes:
    """The paper as text with aligned columns."""
    colon = Speaker(paper.language).say("：", ": ")
    facts = [f"{name}{colon}{value}" for name, value in paper.facts]
    head = [paper.title, *([paper.mark] if paper.mark else []), *facts, *paper.remarks]
    blocks = ["\n".join(head)]
    for one in paper.tables:
        titles = [
            f"{column.title} ({one.unit})" if column.kind == "amount" else column.title
            for column in one.columns
        ]
        right = {place for place, column in enumerate(one.columns) if column.kind in ("number", "amount")}
        rows = [["" if cell is None else str(cell) for cell in row] for row in one.rows]
        blocks.append(f"{one.heading}\n{table(titles, rows, right=right)}")
    return ("\n\n".join(blocks) + "\n").encode()


def paper_csv(paper: Paper) -> bytes:
    """Every table of the paper in one file, each under its heads (UTF-8 with its mark).

    Each line begins with its table, the unit of its amounts, and the paper's identifier and mark; amounts are
    exact and plain.
    """
    target = io.StringIO(newline="")
    csv.writer(target).writerows(_csv_lines(paper))
    return target.getvalue().encode("utf-8-sig")


def _csv_lines(paper: Paper) -> Iterator[list[str]]:
    say = Speaker(paper.language).say
    heads = [say("表", "table"), say("单位", "unit"), say("标识", "identifier"), say("注意", "mark")]
    for one in paper.tables:
        yield [*heads, *(column.title for column in one.columns)]
        for row in one.rows:
            yield [one.heading, one.unit, paper.identifier, paper.mark, *map(_csv_cell, row)]


def _csv_cell(cell: Cell) -> str:
    if isinstance(cell, Amount):
        return format_amount(cell.amount_minor, cell.scale)
    return inert("" if cell is None else str(cell))
