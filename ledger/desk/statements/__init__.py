"""Statements: what a settlement says, as data, text and files."""

from ledger.desk.statements.files import statement_csv, statement_json
from ledger.desk.statements.parts import BaseLine, ClauseStatement, PartyTotal, Statement
from ledger.desk.statements.reading import settlement_statement, statement
from ledger.desk.statements.text import render_statement

__all__ = [
    "BaseLine",
    "ClauseStatement",
    "PartyTotal",
    "Statement",
    "render_statement",
    "settlement_statement",
    "statement",
    "statement_csv",
    "statement_json",
]
