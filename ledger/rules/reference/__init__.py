"""Every field of the terms on one page, with an executed example each."""

from ledger.rules.reference.page import TermsField, effect, fields, page, placed, without_note

__all__ = ["TermsField", "effect", "fields", "page", "placed", "without_note"]
