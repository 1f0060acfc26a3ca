"""Terms as an agreement that an official would sign, in Chinese and in English.

An article says everything that its clause says, so that clauses which differ never read alike. Worked
examples aren't part of an article; ``agreement_text`` prints them as annexes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ledger.rules.explanation import Language
from ledger.rules.terms import Clause, Terms
from ledger.rules.text import en, zh


class _Writer(Protocol):
    """What each language's module offers."""

    def article(self, clause: Clause) -> str: ...

    def agreement(self, terms: Terms, party_names: Mapping[str, str]) -> str: ...


_WRITERS: dict[Language, _Writer] = {"zh": zh, "en": en}


def article(clause: Clause, language: Language) -> str:
    """The clause as an article."""
    return _WRITERS[language].article(clause)


def agreement_text(terms: Terms, language: Language, party_names: Mapping[str, str]) -> str:
    """The whole agreement; ``party_names`` gives a party's name by its code (its code is used if missing)."""
    return _WRITERS[language].agreement(terms, party_names)
