"""Statements: what a settlement says, as data, text and files."""

from ledger.desk.statements.files import statement_csv, statement_json
from ledger.desk.statements.forms import (
    ENDINGS,
    MEDIA_TYPES,
    Form,
    JournalForm,
    ZoneForm,
    journal_file,
    paper_file,
    statement_file,
    zone_file,
)
from ledger.desk.statements.journals import Journal, agreement_journal, settlement_journal
from ledger.desk.statements.pages import FONTS_LACKING
from ledger.desk.statements.parts import BaseLine, ClauseStatement, PartyTotal, Statement
from ledger.desk.statements.reading import settlement_statement, statement, statement_by_identifier
from ledger.desk.statements.settlement_paper import check_path
from ledger.desk.statements.text import render_statement
from ledger.desk.statements.zones import ZoneAgreement, ZoneLine, ZoneStatement, zone_statement

__all__ = [
    "ENDINGS",
    "FONTS_LACKING",
    "MEDIA_TYPES",
    "BaseLine",
    "ClauseStatement",
    "Form",
    "Journal",
    "JournalForm",
    "PartyTotal",
    "Statement",
    "ZoneAgreement",
    "ZoneForm",
    "ZoneLine",
    "ZoneStatement",
    "agreement_journal",
    "check_path",
    "journal_file",
    "paper_file",
    "render_statement",
    "settlement_journal",
    "settlement_statement",
    "statement",
    "statement_by_identifier",
    "statement_csv",
    "statement_file",
    "statement_json",
    "zone_file",
    "zone_statement",
]
