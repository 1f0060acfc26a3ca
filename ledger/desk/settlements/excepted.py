"""What of the returns of record a settlement doesn't take as it was reported, because the sides differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from ledger.desk.reconciliation import Excepted, Key
from ledger.evidence.canonical import Json
from ledger.periods import Quarter, Span


class ExceptedKey(NamedTuple):
    """A part of the return that ``role`` handed in for the quarter."""

    quarter: Quarter
    role: str
    line: Key


Exceptions: TypeAlias = Mapping[ExceptedKey, Excepted]


def written(excepted: Exceptions) -> list[Json]:
    """As the inputs of a settlement hold it: rows in key order, amounts as text."""
    return [
        {
            "quarter": str(quarter),
            "role": role,
            "subject": str(line.subject),
            "measure": line.measure,
            "span": str(line.span),
            "record": _number_written(one.record_minor),
            "against": _number_written(one.against_minor),
            "counts": _number_written(one.counts_minor),
            "item": one.item,
        }
        for (quarter, role, line), one in sorted(excepted.items())
    ]


def read(row: Mapping[str, Any]) -> tuple[ExceptedKey, Excepted]:
    """A row that ``written`` wrote."""
    line = Key(int(row["subject"]), row["measure"], Span.parse(row["span"]))
    record_minor, against_minor, counts_minor = (
        None if row[name] is None else int(row[name]) for name in ("record", "against", "counts")
    )
    key = ExceptedKey(Quarter.parse(row["quarter"]), row["role"], line)
    return key, Excepted(record_minor, against_minor, counts_minor, row["item"])


def by_return(excepted: Exceptions) -> defaultdict[tuple[Quarter, str], dict[Key, Excepted]]:
    """By the quarter and role of the return."""
    found: defaultdict[tuple[Quarter, str], dict[Key, Excepted]] = defaultdict(dict)
    for key, one in excepted.items():
        found[key.quarter, key.role][key.line] = one
    return found


def changed_between(before: Exceptions, now: Exceptions) -> set[tuple[Quarter, str, int]]:
    """Where other figures count than before: quarter, role of record, and the item (0: none) that did it."""
    return {
        (key.quarter, key.role, _item_of(key, before, now))
        for key in before.keys() | now.keys()
        if _effect(before.get(key)) != _effect(now.get(key))
    }


def after_item(
    before: Exceptions, now: Exceptions, quarter: Quarter, role: str, item: int
) -> dict[ExceptedKey, Excepted]:
    """What is excepted once one item of ``changed_between`` has its effect."""
    changed = {
        key
        for key in before.keys() | now.keys()
        if (key.quarter, key.role) == (quarter, role) and _item_of(key, before, now) == item
    }
    kept = {key: one for key, one in before.items() if key not in changed}
    return kept | {key: one for key, one in now.items() if key in changed}


def _effect(one: Excepted | None) -> tuple[int | None, ...]:
    """What an exception changes about the facts; nothing where there is none."""
    return (one.counts_minor,) if one is not None and one.changes_facts else ()


def _item_of(key: ExceptedKey, before: Exceptions, now: Exceptions) -> int:
    """The item that decides now, else the one that did."""
    found = [world[key].item for world in (now, before) if key in world]
    return next((item for item in found if item is not None), 0)


def _number_written(number: int | None) -> str | None:
    return None if number is None else str(number)
