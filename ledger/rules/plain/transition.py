"""Which version of a clause holds for which subjects, where open windows keep their terms at an amendment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ledger.periods import Quarter
from ledger.rules.explanation import Recorder
from ledger.rules.facts import Carried, Dates, Facts, Line, Subject, Version
from ledger.rules.plain.case import ZERO, Case, Held, scale_of
from ledger.rules.plain.steps import decided, is_eligible, opened
from ledger.rules.plain.windows import clock_day, first_day, is_open
from ledger.rules.terms import WHOLE_PARK, Clause, Scope, Terms


@dataclass(frozen=True, slots=True)
class Governed:
    """The subjects for which ``version``'s wording of a clause holds in a quarter, and what they carry.

    ``subjects`` is None where it holds for all.
    """

    version: Version
    clause: Clause
    subjects: frozenset[int] | None
    carried: Mapping[int, Carried]

    def is_about(self, line: Line) -> bool:
        """Whether ``line`` is of a subject for which this wording holds."""
        whole_park = self.clause.whose.scope is Scope.WHOLE_PARK
        return self.holds_for(WHOLE_PARK if whole_park else line.subject)

    def holds_for(self, subject: int) -> bool:
        return self.subjects is None or subject in self.subjects


def has_ended(terms: Terms, quarter: Quarter) -> bool:
    """Whether the last quarter of the terms is over."""
    return terms.last_quarter is not None and quarter > Quarter.parse(terms.last_quarter)


def keeps_terms(versions: Sequence[Version], quarter: Quarter) -> bool:
    """Whether a version that has begun, other than the first, lets open windows keep their terms."""
    later = [version for version in versions if version.starts <= quarter][1:]
    return any(version.terms.transition == "open_windows_keep_terms" for version in later)


def governed(
    versions: Sequence[Version],
    clause: Clause,
    facts: Facts,
    quarter: Quarter,
    carried: Mapping[int, Carried],
    held: Held,
) -> list[Governed]:
    """Every wording of ``clause`` that holds for somebody in ``quarter``, the version in force first.

    ``facts`` has the quarter's lines.
    """
    begun = [version for version in versions if version.starts <= quarter]
    if not keeps_terms(versions, quarter):
        return [Governed(begun[-1], clause, None, carried)]
    subjects = sorted(carried.keys() | _reported(begun, clause, facts))
    found: dict[Quarter, dict[int, Carried | None]] = {begun[-1].starts: {}}
    for subject in subjects:
        history = _History(begun, clause.number, facts, subject, held.get((clause.number, subject)))
        version, kept = history.version_at(quarter, carried.get(subject))
        found.setdefault(version.starts, {})[subject] = kept
    return [
        _of_version(version, clause.number, found[version.starts])
        for version in reversed(begun)
        if version.starts in found
    ]


def _reported(begun: Sequence[Version], clause: Clause, facts: Facts) -> set[int]:
    """The subjects that the quarter's figures are about, in any wording of the clause."""
    if clause.whose.scope is Scope.WHOLE_PARK:
        return {WHOLE_PARK}
    wordings = (version.terms.clause(clause.number) for version in begun)
    measures = {
        measure
        for wording in wordings
        if wording is not None
        for measure in (*wording.what.measures, *wording.what.deduct)
    }
    return {
        line.subject for line in facts.lines if line.subject in facts.subjects and line.measure in measures
    }


def _of_version(version: Version, number: int, kept: Mapping[int, Carried | None]) -> Governed:
    clause = version.terms.clause(number)
    if clause is None:
        raise ValueError(f"version {version.starts} has no clause {number}")
    known = {subject: carried for subject, carried in kept.items() if carried is not None}
    return Governed(version, clause, frozenset(kept), known)


def reshaped(clause: Clause, carried: Carried) -> Carried:
    """What an earlier wording carried, with a place for all that ``clause``, the one in force, carries."""
    missing = len(clause.within.caps) - len(carried.used)
    entitlements = opened(clause, carried.entitlements)
    return replace(carried, used=carried.used + (ZERO,) * missing, entitlements=entitlements)


@dataclass(frozen=True, slots=True)
class _History:
    """The versions of a clause that have begun, for one subject."""

    begun: Sequence[Version]
    number: int
    facts: Facts
    subject: int
    held: bool | None

    def version_at(self, quarter: Quarter, carried: Carried | None) -> tuple[Version, Carried | None]:
        """The version that holds, and what is carried once an old window's extension is decided."""
        kept, governing = carried, self.begun[0]
        for before, version in pairwise(self.begun):
            stays = False
            if self._lets_windows_keep_terms(version):
                kept, stays = self._is_open(governing, kept, version.starts)
                if not stays:
                    governing = before
                    kept, stays = self._is_open(governing, kept, version.starts)
            if not (stays and self._has_opened(governing, kept, version.starts)):
                governing = version
        if governing is not self.begun[-1]:
            kept, is_still_open = self._is_open(governing, kept, quarter)
            governing = governing if is_still_open else self.begun[-1]
        return governing, kept

    def _lets_windows_keep_terms(self, version: Version) -> bool:
        keeps = version.terms.transition == "open_windows_keep_terms"
        return keeps and version.terms.clause(self.number) is not None

    def _is_open(self, version: Version, carried: Carried | None, at: Quarter) -> tuple[Carried | None, bool]:
        """Whether the subject's window is open under ``version``; decides about its extension."""
        clause = version.terms.clause(self.number)
        if clause is None or clause.when.window is None or has_ended(version.terms, at):
            return carried, False
        case = self._case(clause)
        if not is_eligible(case):
            return carried, False
        before = carried or Carried()
        after = decided(case, before, clause.when.window, at.start)
        dates = case.dates_with(after)
        inside = is_open(clause.when.window, dates, clause.when.step, at.start, after.extended is True)
        return (carried if after == before else after), inside

    def _has_opened(self, version: Version, carried: Carried | None, before: Quarter) -> bool:
        """Whether the window's clock and its first step lie before a quarter."""
        clause = version.terms.clause(self.number)
        if clause is None or clause.when.window is None:
            return False
        dates, clock = self._case(clause).dates_with(carried or Carried()), clause.when.window.clock
        started, opens = clock_day(clock, dates), first_day(clock, dates, clause.when.step)
        return started is not None and opens is not None and max(started, opens) < before.start

    def _case(self, clause: Clause) -> Case:
        attributes = self.facts.subjects.get(self.subject) or Subject(self.subject)
        dates = Dates(attributes.events, self.facts.occurrences)
        return Case(clause, attributes, dates, scale_of(clause), self.held, Recorder())
