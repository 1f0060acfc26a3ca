"""Statements: what a settlement says, as data, text and files."""

from ledger.desk.statements.reading import (
    BaseLine,
    ClauseStatement,
    PartyTotal,
    Statement,
    render_statement,
    settlement_statement,
    statement,
    statement_csv,
    statement_json,
)

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
