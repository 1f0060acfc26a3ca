"""What the machine suggests about open differences: a reason that would explain them exactly, or nearly.

A suggestion changes nothing about what counts; people confirm it or don't.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.desk.reconciliation.ladder import Group, Key, Part
from ledger.measures import MEASURE_BY_NAME, MeasureKind
from ledger.periods import add_months

WAN = 10_000


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A reason for what differs in ``keys``, the parts that it is about."""

    reason: str
    keys: tuple[Key, ...]


def suggestions(groups: Iterable[Group]) -> list[Suggestion]:
    """At most one for each open part that nobody has decided anything about, in key order."""
    open_parts = [
        group.parts[0]
        for group in groups
        if group.is_open and len(group.parts) == 1 and group.parts[0].difference_minor != 0
    ]
    found = [*_of_one(open_parts), *_of_pairs(open_parts)]
    chosen: list[Suggestion] = []
    taken: set[Key] = set()
    for suggestion in found:
        if taken.isdisjoint(suggestion.keys):
            taken.update(suggestion.keys)
            chosen.append(suggestion)
    return sorted(chosen, key=lambda one: one.keys)


def _of_one(parts: Sequence[Part]) -> Iterator[Suggestion]:
    for part in parts:
        if _is_other_unit(part):
            yield Suggestion("unit", (part.key,))
        elif _is_refund(part):
            yield Suggestion("refund", (part.key,))


def _is_other_unit(part: Part) -> bool:
    """One figure is the other in 10,000 of the unit, to the last place that was written."""
    if not part.record_minor or not part.against_minor:
        return False
    small, large = sorted((part.record_minor, part.against_minor), key=abs)
    return 2 * abs(large - small * WAN) < WAN


def _is_refund(part: Part) -> bool:
    """The difference is the negative lines of one side, so the other reports before refunds."""
    refunds = {
        -sum(line.amount_minor for line in lines if line.amount_minor < 0)
        for lines in (part.record, part.against)
    }
    return abs(part.difference_minor) in refunds


Pairing = tuple[str, Callable[[Part], Hashable], Callable[[Part, Part], bool]]


def _of_pairs(parts: Sequence[Part]) -> Iterator[Suggestion]:
    """Two parts whose differences cancel out, that have something in common."""
    for reason, common, fits in _PAIRINGS:
        waiting: defaultdict[Hashable, list[Part]] = defaultdict(list)
        for part in parts:
            partner = next(
                (other for other in waiting[common(part), -part.difference_minor] if fits(other, part)), None
            )
            if partner is None:
                waiting[common(part), part.difference_minor].append(part)
            else:
                waiting[common(part), partner.difference_minor].remove(partner)
                yield Suggestion(reason, (partner.key, part.key))


def _subject_and_measure(part: Part) -> Hashable:
    return part.key.subject, part.key.measure, part.key.span.months


def _subject_and_span(part: Part) -> Hashable:
    return part.key.subject, part.key.span


def _measure_and_span(part: Part) -> Hashable:
    return part.key.measure, part.key.span


def _are_next_months(one: Part, other: Part) -> bool:
    starts: list[date] = sorted((one.key.span.start, other.key.span.start))
    return add_months(starts[0], one.key.span.months) == starts[1]


def _are_taxes(one: Part, other: Part) -> bool:
    return all(MEASURE_BY_NAME[part.key.measure].kind is MeasureKind.TAX for part in (one, other))


def _are_each_on_one_side(one: Part, other: Part) -> bool:
    return {bool(one.record), bool(other.record)} == {bool(one.against), bool(other.against)} == {True, False}


def _is_one_on_one_side(one: Part, other: Part) -> bool:
    return not all(part.record and part.against for part in (one, other))


_PAIRINGS: Sequence[Pairing] = (
    ("cut_off", _subject_and_measure, _are_next_months),
    ("tax_kind", _subject_and_span, _are_taxes),
    ("renamed", _measure_and_span, _are_each_on_one_side),
    ("merged", _measure_and_span, _is_one_on_one_side),
)
"""Reasons in the order in which they are tried, what both parts have in common, and what else must hold."""
