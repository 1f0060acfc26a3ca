"""Two worlds that differ by their terms only: what each gives, and who gains and loses what.

Amounts are in minor units. Only what both worlds can know is compared: from the first quarter in which a
measure that a clause of the draft needs isn't reported, the clause's results under the draft are unknown, in
later quarters too, because caps, years and rounding carry on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, TypeVar

from ledger.desk.failures import NotFound
from ledger.desk.settlements.explanations import explanation_in
from ledger.desk.settlements.replays import Inputs, Materials, Slot, replay, versions_of
from ledger.periods import Quarter, quarters_between
from ledger.rules.explanation import Explanation
from ledger.rules.facts import Amount
from ledger.rules.fields import Bilingual
from ledger.rules.plain import version_in_force
from ledger.rules.terms import WHOLE_PARK, Book, Clause, Terms

NOTHING = Amount(0)

Key = TypeVar("Key")


class Standing(StrEnum):
    """Which terms have a clause for a quarter."""

    KEPT = "kept"
    """Both have it."""
    NEW = "new"
    """Only the draft has it."""
    DROPPED = "dropped"
    """Only the terms in force have it."""
    UNREPORTED = "unreported"
    """The draft has it, but not every figure that it needs is reported, so its result isn't known."""


@dataclass(frozen=True, slots=True)
class Unreported:
    """A measure that a clause of the draft needs, and the quarters for which the role reports none of it."""

    clause: int
    measure: str
    role: str
    quarters: tuple[Quarter, ...]


@dataclass(frozen=True, slots=True)
class ClauseStanding:
    """A clause of either side, and how it stands over all quarters that were computed."""

    number: int
    title: Bilingual
    standing: Standing


class About(NamedTuple):
    """What a row is about; the order of rows."""

    clause: int
    quarter: Quarter
    book: Book
    commodity_id: int
    party_id: int


@dataclass(frozen=True, slots=True)
class Row:
    """What one clause gives one party about a quarter, all subjects together.

    ``in_force`` is None where the clause is new; ``draft`` where it is dropped or its result isn't known.
    """

    about: About
    standing: Standing
    in_force: Amount | None
    draft: Amount | None

    @property
    def difference(self) -> Amount | None:
        """What the draft gives more; None where its result isn't known."""
        if self.standing is Standing.UNREPORTED:
            return None
        return minus(self.draft or NOTHING, self.in_force or NOTHING)


@dataclass(frozen=True, slots=True)
class Total:
    """What a party gets in all of one book and commodity; ``quarter`` is None for all quarters together."""

    quarter: Quarter | None
    book: Book
    commodity_id: int
    party_id: int
    in_force: Amount
    draft: Amount

    @property
    def difference(self) -> Amount:
        return minus(self.draft, self.in_force)


@dataclass(frozen=True, slots=True)
class Change:
    """What the draft changes about one enterprise; ``by_party`` are differences, zeros left out.

    ``weight_minor`` is the sum of their absolute values.
    """

    subject_id: int
    book: Book
    commodity_id: int
    by_party: Mapping[int, int]

    @property
    def weight_minor(self) -> int:
        return sum(map(abs, self.by_party.values()))


@dataclass(frozen=True, slots=True)
class Reasons:
    """How a result comes about on either side; None where the clause isn't computed, or isn't known."""

    in_force: Explanation | None
    draft: Explanation | None


@dataclass(frozen=True)
class Simulation:
    """A draft beside the terms in force, from ``first`` through ``through``.

    ``through`` is the last quarter up to ``last`` that has every return; None where there is none, and then
    there are no rows. ``missing`` are the returns (quarter and role) that would be needed up to ``last``.
    """

    agreement_code: str
    materials: Materials
    in_force: Inputs
    draft: Inputs
    first: Quarter
    last: Quarter
    through: Quarter | None
    missing: Sequence[tuple[Quarter, str]]

    @property
    def is_complete(self) -> bool:
        """Whether every quarter was computed and every figure of the draft is known."""
        return not self.missing and not self.unreported and self.through == self.last

    @cached_property
    def quarters(self) -> list[Quarter]:
        """Those that were computed."""
        return [] if self.through is None else list(quarters_between(self.first, self.through))

    @cached_property
    def unreported(self) -> list[Unreported]:
        """What the draft needs and no return reports, by clause and measure; never taken for zero."""
        found: defaultdict[tuple[int, str, str], list[Quarter]] = defaultdict(list)
        for quarter in self.quarters:
            for clause, measure in self._unreported_in(quarter):
                found[clause.number, measure, clause.what.reported_by].append(quarter)
        return [Unreported(*key, tuple(quarters)) for key, quarters in sorted(found.items())]

    @cached_property
    def clauses(self) -> list[ClauseStanding]:
        """Every clause of either side, by number."""
        before, after = _clauses_of(self._terms_in_force), _clauses_of(self._terms_of_draft)
        unknown = {one.clause for one in self.unreported}
        return [
            ClauseStanding(
                number,
                (after.get(number) or before[number]).title,
                _standing(
                    is_before=number in before, is_after=number in after, is_known=number not in unknown
                ),
            )
            for number in sorted(before.keys() | after.keys())
        ]

    @cached_property
    def rows(self) -> list[Row]:
        """By clause, quarter, book, commodity and party; where both sides give nothing there is none."""
        in_force, draft = self._results
        before, after = _added(in_force, _about), _added(self._known(draft), _about)
        return [
            self._row(about, before.get(about, NOTHING), after.get(about, NOTHING))
            for about in sorted(before.keys() | after.keys())
        ]

    @cached_property
    def totals(self) -> list[Total]:
        """What each party gets in all, by book, commodity and party. Unknown results are left out of both."""
        return self._totals(by_quarter=False)

    @cached_property
    def totals_by_quarter(self) -> list[Total]:
        """The same for each quarter by itself."""
        return self._totals(by_quarter=True)

    @cached_property
    def changes(self) -> list[Change]:
        """What changes about each enterprise, by book and commodity, the largest first."""
        before, after = (_added(self._known(results), _about_subject) for results in self._results)
        by_subject: defaultdict[tuple[Book, int, int], dict[int, int]] = defaultdict(dict)
        for key in before.keys() | after.keys():
            change_minor = minus(after.get(key, NOTHING), before.get(key, NOTHING)).amount_minor
            if change_minor and key.subject_id != WHOLE_PARK:
                by_subject[key.book, key.commodity_id, key.subject_id][key.party_id] = change_minor
        changes = [
            Change(subject_id, book, commodity_id, dict(sorted(by_party.items())))
            for (book, commodity_id, subject_id), by_party in by_subject.items()
        ]
        return sorted(changes, key=_largest_first)

    def reasons(self, clause: int, subject_id: int, quarter: Quarter) -> Reasons:
        """How both results of a clause about a subject and quarter come about. Raises ``NotFound``."""
        if quarter not in self.quarters:
            raise NotFound("quarter", quarter)
        is_known = self.standing_of(clause, quarter) is not Standing.UNREPORTED
        found = Reasons(
            self._explained(self.in_force, clause, subject_id, quarter),
            self._explained(self.draft, clause, subject_id, quarter) if is_known else None,
        )
        if found.in_force is None and found.draft is None:
            raise NotFound("clause", f"{clause}/{quarter}")
        return found

    def standing_of(self, clause: int, quarter: Quarter) -> Standing:
        """How a clause stands in one quarter."""
        unknown_from = self._unknown_from.get(clause)
        return _standing(
            is_before=_has(self._terms_in_force[quarter], clause),
            is_after=_has(self._terms_of_draft[quarter], clause),
            is_known=unknown_from is None or quarter < unknown_from,
        )

    def _explained(self, world: Inputs, clause: int, subject_id: int, quarter: Quarter) -> Explanation | None:
        through = self.through or quarter
        return explanation_in(self.materials, world, through, clause, subject_id, quarter)

    # --- results ------------------------------------------------------------------------------------------

    @cached_property
    def _results(self) -> tuple[dict[Slot, Amount], dict[Slot, Amount]]:
        """What either side gives about the quarters compared; what is before them is the same in both."""
        return self._results_of(self.in_force), self._results_of(self.draft)

    def _results_of(self, world: Inputs) -> dict[Slot, Amount]:
        if self.through is None:
            return {}
        booked = replay(self.materials, world, self.through).totals.booked
        return {slot: Amount(*parts) for slot, parts in booked.items() if slot.quarter >= self.first}

    def _known(self, results: Mapping[Slot, Amount]) -> dict[Slot, Amount]:
        return {
            slot: amount
            for slot, amount in results.items()
            if self.standing_of(slot.clause, slot.quarter) is not Standing.UNREPORTED
        }

    def _row(self, about: About, before: Amount, after: Amount) -> Row:
        standing = self.standing_of(about.clause, about.quarter)
        is_known = standing not in (Standing.DROPPED, Standing.UNREPORTED)
        is_before = _has(self._terms_in_force[about.quarter], about.clause)
        return Row(about, standing, before if is_before else None, after if is_known else None)

    def _totals(self, *, by_quarter: bool) -> list[Total]:
        sums: defaultdict[tuple[int, Book, int, int], list[Amount]] = defaultdict(lambda: [NOTHING, NOTHING])
        for row in self.rows:
            if row.standing is not Standing.UNREPORTED:
                code = row.about.quarter.code if by_quarter else 0
                total = sums[code, row.about.book, row.about.commodity_id, row.about.party_id]
                total[0] = plus(total[0], row.in_force or NOTHING)
                total[1] = plus(total[1], row.draft or NOTHING)
        return [
            Total(Quarter.from_code(code) if code else None, book, commodity_id, party_id, *total)
            for (code, book, commodity_id, party_id), total in sorted(sums.items())
        ]

    # --- terms --------------------------------------------------------------------------------------------

    def _unreported_in(self, quarter: Quarter) -> Iterator[tuple[Clause, str]]:
        """A measure that the terms in force ask for and no line has is zero; any other is unknown."""
        asked = self._asked(quarter)
        terms = self._terms_of_draft[quarter]
        for clause in () if terms is None else terms.clauses:
            role = clause.what.reported_by
            filing = self.draft.filings.get((quarter, role))
            lines = () if filing is None else self.materials.lines[filing.filing_id]
            reported = {line.measure for line in lines} | (asked[role] if filing is not None else set())
            for measure in (*clause.what.measures, *clause.what.deduct):
                if measure not in reported:
                    yield clause, measure

    def _asked(self, quarter: Quarter) -> Mapping[str, set[str]]:
        """The measures that the terms in force ask each role for."""
        asked: defaultdict[str, set[str]] = defaultdict(set)
        terms = self._terms_in_force[quarter]
        for clause in () if terms is None else terms.clauses:
            asked[clause.what.reported_by] |= {*clause.what.measures, *clause.what.deduct}
        return asked

    @cached_property
    def _unknown_from(self) -> dict[int, Quarter]:
        first: dict[int, Quarter] = {}
        for one in self.unreported:
            first[one.clause] = min(first.get(one.clause, one.quarters[0]), one.quarters[0])
        return first

    @cached_property
    def _terms_in_force(self) -> dict[Quarter, Terms | None]:
        return self._terms_of(self.in_force)

    @cached_property
    def _terms_of_draft(self) -> dict[Quarter, Terms | None]:
        return self._terms_of(self.draft)

    def _terms_of(self, world: Inputs) -> dict[Quarter, Terms | None]:
        """What the world has for each quarter compared."""
        versions = versions_of(self.materials.versions, world)
        found = {quarter: version_in_force(versions, quarter) for quarter in self.quarters}
        return {quarter: None if one is None else one.terms for quarter, one in found.items()}


def plus(one: Amount, other: Amount) -> Amount:
    return Amount(one.amount_minor + other.amount_minor, one.routed_minor + other.routed_minor)


def minus(one: Amount, other: Amount) -> Amount:
    return Amount(one.amount_minor - other.amount_minor, one.routed_minor - other.routed_minor)


class _AboutSubject(NamedTuple):
    book: Book
    commodity_id: int
    subject_id: int
    party_id: int


def _about(slot: Slot) -> About:
    return About(slot.clause, slot.quarter, slot.book, slot.commodity_id, slot.party_id)


def _about_subject(slot: Slot) -> _AboutSubject:
    return _AboutSubject(slot.book, slot.commodity_id, slot.subject_id, slot.party_id)


def _added(results: Mapping[Slot, Amount], key_of: Callable[[Slot], Key]) -> dict[Key, Amount]:
    """The results added up by a part of what they are about."""
    totals: defaultdict[Key, Amount] = defaultdict(lambda: NOTHING)
    for slot, amount in results.items():
        totals[key_of(slot)] = plus(totals[key_of(slot)], amount)
    return dict(totals)


def _largest_first(change: Change) -> tuple[Book, int, int, int]:
    return change.book, change.commodity_id, -change.weight_minor, change.subject_id


def _has(terms: Terms | None, clause: int) -> bool:
    return terms is not None and terms.clause(clause) is not None


def _standing(*, is_before: bool, is_after: bool, is_known: bool) -> Standing:
    if not is_after:
        return Standing.DROPPED
    if not is_known:
        return Standing.UNREPORTED
    return Standing.KEPT if is_before else Standing.NEW


def _clauses_of(terms: Mapping[Quarter, Terms | None]) -> dict[int, Clause]:
    """Every clause by number, as the last terms that have it say."""
    return {clause.number: clause for one in terms.values() if one is not None for clause in one.clauses}
