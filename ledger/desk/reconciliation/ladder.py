"""The ladder: two lists of lines, compared line by line, and which lines of record count. No database here.

Lines are compared by *part*: all lines of one subject, measure and span, on either side. Where a quarter
stands on one side and months on the other, all lines of the subject and measure are one part, and their sums
are compared. A decision of people joins the parts that it is about into one *group*; every other group is one
part. So every line of either side is in exactly one group.

A decision holds while the figures that it was made about are the figures of the returns. Of decisions about
the same lines the newest one holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from ledger.periods import Span
from ledger.rules.facts import Line


class Outcome(StrEnum):
    """What came of comparing; in this order the report shows totals."""

    EXACT = "exact"
    WITHIN_TOLERANCE = "within_tolerance"
    EXPLAINED = "explained"
    AGREED = "agreed"
    """Another figure, proposed by one side in a dispute and accepted by the other."""
    ARBITRATED = "arbitrated"
    IN_DISPUTE = "in_dispute"
    """Both sides have figures, they differ, and nothing ends the difference yet."""
    MISSING_IN_RECORD = "missing_in_record"
    MISSING_IN_AGAINST = "missing_in_against"
    WITHHELD = "withheld"


class Match(StrEnum):
    """How the lines of a group came together."""

    SAME_LINE = "same_line"
    SUM = "sum"
    """Months of one side against a quarter of the other."""
    PEOPLE = "people"
    NONE = "none"
    """There is nothing on the other side."""


Unanswered = Literal["withheld", "accepted"]


class Key(NamedTuple):
    """What a line is about; ``subject`` is the enterprise's id or 0 for the whole park."""

    subject: int
    measure: str
    span: Span


Figures = Mapping[Key, int]
"""Sums of lines by what they are about, in minor units."""


@dataclass(frozen=True, slots=True)
class Basis:
    """On what both sides are compared; what a measure tolerates is in its minor unit."""

    measures: tuple[str, ...]
    tolerances_minor: Mapping[str, int]
    unanswered: Unanswered


@dataclass(frozen=True, slots=True)
class Decision:
    """What people decided about some lines, and the figures that they decided about.

    ``outcome`` is None while nothing is decided that changes what counts. ``amount_minor`` is the figure
    that was agreed or arbitrated.
    """

    item: int
    record: Figures
    against: Figures
    outcome: Outcome | None
    reason: str | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The lines that are compared as one. None: the side has no line, which is less than zero."""

    key: Key
    record: tuple[Line, ...]
    against: tuple[Line, ...]

    @property
    def record_minor(self) -> int | None:
        return _sum(self.record)

    @property
    def against_minor(self) -> int | None:
        return _sum(self.against)

    @property
    def difference_minor(self) -> int:
        return (self.record_minor or 0) - (self.against_minor or 0)


@dataclass(frozen=True, slots=True)
class Group:
    """Parts with one outcome. ``counts``: whether anything of it goes to settlement.

    ``item`` numbers what people did about it, also where that changes nothing yet.
    """

    parts: tuple[Part, ...]
    outcome: Outcome
    match: Match
    counts: bool
    item: int | None = None
    reason: str | None = None
    amount_minor: int | None = None

    @property
    def record_minor(self) -> int | None:
        return _sum(line for part in self.parts for line in part.record)

    @property
    def against_minor(self) -> int | None:
        return _sum(line for part in self.parts for line in part.against)

    @property
    def difference_minor(self) -> int:
        return sum(part.difference_minor for part in self.parts)

    @property
    def counted_minor(self) -> int | None:
        """What goes to settlement; None: nothing."""
        if not self.counts:
            return None
        return self.record_minor if self.amount_minor is None else self.amount_minor

    @property
    def is_open(self) -> bool:
        """Whether the difference still waits for somebody."""
        return not self.counts and self.outcome is not Outcome.EXPLAINED

    @property
    def bearer(self) -> Part:
        """The part that bears an agreed figure: the one of record, or the only one."""
        return next((part for part in self.parts if part.record), self.parts[0])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every group in key order, and the items whose lines are no longer what they were made about."""

    groups: list[Group]
    lapsed: list[int]


@dataclass(frozen=True, slots=True)
class Excepted:
    """A part of the record that doesn't count as it was reported; figures in minor units.

    ``counts_minor`` takes the place of the record's lines; None: they are left out. ``against_minor`` is kept
    so that the difference can be shown. ``item`` numbers what people decided; None: nobody did anything.
    """

    record_minor: int | None
    against_minor: int | None
    counts_minor: int | None
    item: int | None

    @property
    def changes_facts(self) -> bool:
        return self.counts_minor != self.record_minor


_COUNTING = frozenset(
    {Outcome.EXACT, Outcome.WITHIN_TOLERANCE, Outcome.EXPLAINED, Outcome.AGREED, Outcome.ARBITRATED}
)


def compare(
    record: Iterable[Line], against: Iterable[Line], basis: Basis, decisions: Sequence[Decision]
) -> Comparison:
    """Every line of both sides in exactly one group; lines of other measures aren't looked at."""
    parts = _parts(record, against, basis)
    claims, lapsed = _claims(parts, decisions)
    claimed = {part.key: decision for decision, held in claims for part in held}
    groups = [_joined(decision, held) for decision, held in claims if decision.outcome is not None]
    for part in parts:
        decision = claimed.get(part.key)
        if decision is None or decision.outcome is None:
            groups.append(_compared(part, basis, None if decision is None else decision.item))
    return Comparison(sorted(groups, key=lambda group: group.parts[0].key), lapsed)


def figures(lines: Iterable[Line]) -> dict[Key, int]:
    """The sums of the lines by what they are about."""
    sums: defaultdict[Key, int] = defaultdict(int)
    for line in lines:
        sums[Key(line.subject, line.measure, line.span)] += line.amount_minor
    return dict(sums)


def excepted_of(groups: Iterable[Group]) -> dict[Key, Excepted]:
    """The parts that don't count as the record has them, and those only the other side has."""
    return {
        part.key: one
        for group in groups
        for part in group.parts
        if (one := _excepted(group, part)).changes_facts or group.is_open
    }


def apply_excepted(lines: Iterable[Line], excepted: Mapping[Key, Excepted], filing_id: int) -> list[Line]:
    """The lines of a return of record as they count; a figure that was agreed names its item."""
    changing = {key: one for key, one in excepted.items() if one.changes_facts}
    if not changing:
        return list(lines)
    whole = {key[:2] for key in changing if key.span.months == 3}
    kept = [
        line
        for line in lines
        if (line.subject, line.measure) not in whole
        and Key(line.subject, line.measure, line.span) not in changing
    ]
    agreed = [
        Line(*key, one.counts_minor, f"{filing_id}/0", f"对账第{one.item}号")
        for key, one in sorted(changing.items())
        if one.counts_minor is not None
    ]
    return kept + agreed


# --- parts ------------------------------------------------------------------------------------------------


def _parts(record: Iterable[Line], against: Iterable[Line], basis: Basis) -> list[Part]:
    measures = frozenset(basis.measures)
    sides: tuple[defaultdict[Key, list[Line]], ...] = (defaultdict(list), defaultdict(list))
    for of_side, lines in zip(sides, (record, against), strict=True):
        for line in lines:
            if line.measure in measures:
                of_side[Key(line.subject, line.measure, line.span)].append(line)
    names = _names(sides[0].keys() | sides[1].keys())
    merged: defaultdict[Key, tuple[list[Line], list[Line]]] = defaultdict(lambda: ([], []))
    for place, of_side in enumerate(sides):
        for key, lines in of_side.items():
            merged[names[key]][place].extend(lines)
    return [Part(key, _ordered(ours), _ordered(theirs)) for key, (ours, theirs) in sorted(merged.items())]


def _names(keys: Iterable[Key]) -> dict[Key, Key]:
    """The part that each key belongs to: its own, or the quarter's where months and a quarter meet."""
    spans: defaultdict[tuple[int, str], set[Span]] = defaultdict(set)
    for key in keys:
        spans[key[:2]].add(key.span)
    return {
        Key(subject, measure, span): Key(subject, measure, _compared_as(span, of_both))
        for (subject, measure), of_both in spans.items()
        for span in of_both
    }


def _compared_as(span: Span, of_both: set[Span]) -> Span:
    return span if len({one.months for one in of_both}) == 1 else Span.of_quarter(span.quarter)


def _ordered(lines: list[Line]) -> tuple[Line, ...]:
    if len(lines) == 1:
        return (lines[0],)
    return tuple(sorted(lines, key=lambda line: (line.span, line.document, line.amount_minor, line.line_id)))


def _sum(lines: Iterable[Line]) -> int | None:
    amounts = [line.amount_minor for line in lines]
    return sum(amounts) if amounts else None


# --- groups -----------------------------------------------------------------------------------------------


def _claims(
    parts: Sequence[Part], decisions: Sequence[Decision]
) -> tuple[list[tuple[Decision, tuple[Part, ...]]], list[int]]:
    """The decisions that hold with their parts, newest first, and the items of those that don't."""
    if not decisions:
        return [], []
    by_key = {
        Key(line.subject, line.measure, line.span): part
        for part in parts
        for line in (*part.record, *part.against)
    }
    taken: set[Key] = set()
    held: list[tuple[Decision, tuple[Part, ...]]] = []
    lapsed: list[int] = []
    for decision in sorted(decisions, key=lambda one: one.item, reverse=True):
        found = _parts_of(decision, by_key)
        if found and taken.isdisjoint(part.key for part in found):
            taken.update(part.key for part in found)
            held.append((decision, found))
        else:
            lapsed.append(decision.item)
    return held, sorted(lapsed)


def _parts_of(decision: Decision, by_key: Mapping[Key, Part]) -> tuple[Part, ...]:
    """The parts that hold exactly what the decision was made about; none where anything differs."""
    keys = {*decision.record, *decision.against}
    found = {by_key[key].key: by_key[key] for key in keys if key in by_key}
    parts = tuple(part for _, part in sorted(found.items()))
    record = figures(line for part in parts for line in part.record)
    against = figures(line for part in parts for line in part.against)
    return parts if record == decision.record and against == decision.against else ()


def _joined(decision: Decision, parts: tuple[Part, ...]) -> Group:
    outcome = decision.outcome or Outcome.IN_DISPUTE
    return Group(
        parts,
        outcome,
        Match.PEOPLE,
        counts=outcome in _COUNTING and (decision.amount_minor is not None or any(p.record for p in parts)),
        item=decision.item,
        reason=decision.reason,
        amount_minor=decision.amount_minor,
    )


def _compared(part: Part, basis: Basis, item: int | None) -> Group:
    outcome, match = _outcome(part, basis.tolerances_minor.get(part.key.measure, 0))
    answers = outcome is Outcome.MISSING_IN_AGAINST and basis.unanswered == "accepted"
    return Group((part,), outcome, match, counts=answers or outcome in _COUNTING, item=item)


def _outcome(part: Part, tolerance_minor: int) -> tuple[Outcome, Match]:
    if not part.against:
        return Outcome.MISSING_IN_AGAINST, Match.NONE
    if not part.record:
        return Outcome.MISSING_IN_RECORD, Match.NONE
    spans = {line.span for line in (*part.record, *part.against)}
    match = Match.SAME_LINE if len(spans) == 1 else Match.SUM
    difference_minor = abs(part.difference_minor)
    if difference_minor == 0:
        return Outcome.EXACT, match
    return (Outcome.WITHIN_TOLERANCE if difference_minor <= tolerance_minor else Outcome.IN_DISPUTE), match


def _excepted(group: Group, part: Part) -> Excepted:
    counts_minor = None
    if group.amount_minor is not None:
        counts_minor = group.amount_minor if part is group.bearer else None
    elif group.counts:
        counts_minor = part.record_minor
    return Excepted(part.record_minor, part.against_minor, counts_minor, group.item)
