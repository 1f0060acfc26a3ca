"""The names of people who act: those of their accounts, and at the command line the operator's word."""

from __future__ import annotations

from unicodedata import normalize

from ledger.rules.facts import Fault

PERSON_LENGTH_MAX = 60


def person_faults(path: str, person: str) -> list[Fault]:
    """What is wrong with a name: it must be 1 to 60 printable characters, with no blanks around them."""
    if person and person.isprintable() and person == person.strip() and len(person) <= PERSON_LENGTH_MAX:
        return []
    return [
        Fault(
            path,
            "PERSON_UNUSABLE",
            f"Expected the name of a person in 1 to {PERSON_LENGTH_MAX} printable characters, with no blanks "
            f"around it, but got {person[:40]!r}.",
            f"应填写人员姓名（1 至 {PERSON_LENGTH_MAX} 个可见字符，前后无空格），实际为 {person[:40]!r}。",
        )
    ]


def is_same_person(one: str, other: str) -> bool:
    """Whether two names are the same but for width, case and blanks."""
    return _plain(one) == _plain(other)


def _plain(person: str) -> str:
    return "".join(normalize("NFKC", person).casefold().split())
