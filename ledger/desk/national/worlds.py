"""What is known of every agreement that has a quarter open, read for all of them at once.

The same worlds as ``settlements.replays`` knows for one agreement, from one query for each kind of fact.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from sqlalchemy import Connection, text

from ledger.desk.agreements import NumberedVersion, procedure_at
from ledger.desk.settlements.replays import (
    Cause,
    FilingReference,
    Inputs,
    OccurrenceReference,
    Side,
    versions_of,
    worlds_between,
)
from ledger.periods import Quarter
from ledger.rules.facts import Version
from ledger.rules.plain import version_in_force
from ledger.rules.plain.transition import keeps_terms
from ledger.rules.procedure import Procedure
from ledger.rules.terms import Clause, Terms

Reason = Literal[
    "correction",
    "enterprise_list",
    "occurrence",
    "amendment",
    "reconciliation",
    "shared_party",
    "first_quarter",
    "ended",
    "open_windows",
]
"""Why an agreement isn't computed in bulk: an earlier result may change (the first four); returns are
compared line by line, so not all that was reported counts; two roles are of one party; its first settlement
covers earlier quarters too; its terms have ended; windows that were open at an amendment keep their terms,
so that a clause has more than one wording."""

OPEN = """
    SELECT agreement_id FROM agreement_quarter WHERE quarter = :quarter AND state = 'open' ORDER BY 1
"""
TERMS = """
    SELECT agreement_id, version, in_force_from, terms
    FROM agreement_version JOIN agreement_version_state USING (agreement_id, version)
    WHERE state = 'in_force' AND in_force_from <= :quarter
        AND agreement_id IN (SELECT agreement_id FROM agreement_quarter
                             WHERE quarter = :quarter AND state = 'open')
    ORDER BY agreement_id, in_force_from, version
"""
SIDES = """
    SELECT agreement_id, role, party_id, name_zh, coalesce(name_en, name_zh) AS name_en
    FROM agreement_party JOIN party USING (party_id)
"""
FILINGS = """
    SELECT DISTINCT ON (agreement_id, quarter, role)
        agreement_id, quarter, role, filing_id, encode(lines_hash, 'hex') AS lines_hash, line_count
    FROM filing LEFT JOIN filing_certification AS certified USING (agreement_id, booked_quarter, filing_id)
    WHERE quarter <= :quarter AND (certified.person IS NOT NULL OR NOT needs_certification)
        AND agreement_id IN (SELECT agreement_id FROM agreement_quarter
                             WHERE quarter = :quarter AND state = 'open')
    ORDER BY agreement_id, quarter, role, sequence DESC
"""
CONFIRMED_LISTS = """
    SELECT agreement_id, max(version) AS version FROM enterprise_list AS list
    WHERE NOT EXISTS (
        SELECT FROM agreement_party AS side
        WHERE side.agreement_id = list.agreement_id AND side.signs AND NOT EXISTS (
            SELECT FROM enterprise_list_confirmation AS confirmation
            WHERE (confirmation.agreement_id, confirmation.version, confirmation.role)
                = (list.agreement_id, list.version, side.role)))
    GROUP BY agreement_id
"""
CONFIRMED_OCCURRENCES = """
    SELECT DISTINCT ON (agreement_id, name) agreement_id, name, sequence, day FROM occurrence
    WHERE NOT EXISTS (
        SELECT FROM agreement_party AS side
        WHERE side.agreement_id = occurrence.agreement_id AND side.signs AND NOT EXISTS (
            SELECT FROM occurrence_confirmation AS confirmation
            WHERE (confirmation.agreement_id, confirmation.name, confirmation.sequence, confirmation.role)
                = (occurrence.agreement_id, occurrence.name, occurrence.sequence, side.role)))
    ORDER BY agreement_id, name, sequence DESC
"""
LAST_CLOSED = """
    SELECT DISTINCT ON (agreement_id) agreement_id, settlement_id, inputs
    FROM agreement_quarter JOIN settlement USING (agreement_id, settlement_id)
    WHERE booked_quarter = quarter AND state = 'closed' AND quarter < :quarter
    ORDER BY agreement_id, quarter DESC
"""
REOPENED = """
    SELECT agreement_id, max(settlement_id) AS settlement_id FROM quarter_reopened
    WHERE booked_quarter = :quarter GROUP BY agreement_id
"""


@dataclass(frozen=True)
class World:
    """One agreement with the quarter open: its facts now, and those of its last closed settlement.

    ``now`` lacks the extensions that closed settlements decided (``Inputs.held``). ``line_count`` is of the
    quarter's returns.
    """

    agreement_id: int
    now: Inputs
    before: Inputs | None
    terms: Mapping[int, NumberedVersion]
    sides: Mapping[str, Side]
    line_count: int

    @cached_property
    def versions(self) -> list[Version]:
        return versions_of(self.terms, self.now)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        """The clauses in force for the quarter."""
        version = version_in_force(self.versions, self.now.quarter)
        return () if version is None else version.terms.clauses

    @cached_property
    def procedure(self) -> Procedure:
        """How the sides work the quarter through."""
        return procedure_at([self.terms[number] for number in self.now.versions], self.now.quarter)

    @cached_property
    def clauses_before(self) -> dict[int, Clause]:
        """Every clause as the version that was last in force with it says, at the last closed settlement."""
        return {clause.number: clause for version in self.versions_before for clause in version.terms.clauses}

    @property
    def versions_before(self) -> list[Version]:
        """The versions that the last closed settlement rests on."""
        return [] if self.before is None else versions_of(self.terms, self.before)

    @cached_property
    def causes(self) -> list[Cause]:
        return [cause for cause, _ in worlds_between(self.before, self.now, self.sides)]

    @cached_property
    def inputs(self) -> bytes:
        """What the settlement rests on, as it is stored."""
        return self.now.canonical()

    @property
    def is_final(self) -> bool:
        """Whether the quarter is the last of the year or of the agreement."""
        last_quarter = self.versions[-1].terms.last_quarter
        return self.now.quarter.quarter == 4 or last_quarter == str(self.now.quarter)

    def missing_roles(self) -> list[str]:
        """The roles that report for the quarter and haven't handed in."""
        roles = {clause.what.reported_by for clause in self.clauses}
        return sorted(role for role in roles if (self.now.quarter, role) not in self.now.filings)

    def reasons(self) -> list[Reason]:
        """Why it can't be computed from what was carried; none where it can."""
        found: list[Reason] = []
        if max(Counter(side.party_id for side in self.sides.values()).values()) > 1:
            found.append("shared_party")
        if not self.clauses:
            found.append("ended")
        if any(self._compares(version.terms) for version in self.versions):
            found.append("reconciliation")
        if keeps_terms(self.versions, self.now.quarter):
            found.append("open_windows")
        if self.before is None:
            return found + (["first_quarter"] if self._covers_earlier_quarters() else [])
        return list(dict.fromkeys([*found, *self._kinds_about_the_past()]))

    def _kinds_about_the_past(self) -> Iterator[Reason]:
        for cause in self.causes:
            if cause.kind != "quarter" and (cause.kind != "amendment" or cause.quarter != self.now.quarter):
                yield cause.kind

    @staticmethod
    def _compares(terms: Terms) -> bool:
        return terms.procedure is not None and bool(terms.procedure.reconciliations)

    def _covers_earlier_quarters(self) -> bool:
        starts = self.versions[0].starts
        return starts != self.now.quarter or any(quarter < starts for quarter, _ in self.now.filings)


def worlds(connection: Connection, quarter: Quarter) -> Iterator[World]:
    """The world of every agreement whose open quarter is ``quarter``, by id."""
    parameters = {"quarter": quarter.code}
    open_agreements = connection.execute(text(OPEN), parameters).scalars().all()
    terms = _terms(connection, parameters)
    sides = _sides(connection)
    filings = _filings(connection, parameters)
    lists = {row.agreement_id: row.version for row in connection.execute(text(CONFIRMED_LISTS))}
    happened = _occurrences(connection)
    closed = {
        row.agreement_id: (row.settlement_id, Inputs.parse(row.inputs))
        for row in connection.execute(text(LAST_CLOSED), parameters)
    }
    reopened = {row.agreement_id: row.settlement_id for row in connection.execute(text(REOPENED), parameters)}
    for agreement_id in open_agreements:
        of_agreement = terms[agreement_id]
        previous_id, before = closed.get(agreement_id, (None, None))
        roles = {clause.what.reported_by for row in of_agreement for clause in row.terms.clauses}
        read = {key: found for key, found in filings[agreement_id].items() if key[1] in roles}
        now = Inputs(
            quarter=quarter,
            versions={row.version: row.starts for row in of_agreement},
            filings={key: filing for key, (filing, _) in read.items()},
            list_version=lists.get(agreement_id),
            occurrences=happened.get(agreement_id, {}),
            previous_settlement_id=previous_id,
            reopened_settlement_id=reopened.get(agreement_id),
        )
        by_number = {row.version: row for row in of_agreement}
        line_count = sum(count for key, (_, count) in read.items() if key[0] == quarter)
        yield World(agreement_id, now, before, by_number, sides[agreement_id], line_count)


def _terms(connection: Connection, parameters: Mapping[str, object]) -> dict[int, list[NumberedVersion]]:
    found: defaultdict[int, list[NumberedVersion]] = defaultdict(list)
    for row in connection.execute(text(TERMS), parameters):
        # They were checked before they were stored; checking them again would run their examples.
        terms = Terms.model_validate_json(row.terms)
        found[row.agreement_id].append(
            NumberedVersion(row.version, Quarter.from_code(row.in_force_from), terms)
        )
    return found


def _sides(connection: Connection) -> dict[int, dict[str, Side]]:
    found: defaultdict[int, dict[str, Side]] = defaultdict(dict)
    for agreement_id, role, party_id, name_zh, name_en in connection.execute(text(SIDES)):
        found[agreement_id][role] = Side(party_id, name_zh, name_en)
    return found


def _occurrences(connection: Connection) -> dict[int, dict[str, OccurrenceReference]]:
    """Of each agreement and name the newest confirmed record."""
    found: defaultdict[int, dict[str, OccurrenceReference]] = defaultdict(dict)
    for agreement_id, name, sequence, day in connection.execute(text(CONFIRMED_OCCURRENCES)):
        found[agreement_id][name] = OccurrenceReference(day, sequence)
    return found


def _filings(
    connection: Connection, parameters: Mapping[str, object]
) -> defaultdict[int, dict[tuple[Quarter, str], tuple[FilingReference, int]]]:
    """The returns of each agreement that count, by quarter and role, with their numbers of lines."""
    found: defaultdict[int, dict[tuple[Quarter, str], tuple[FilingReference, int]]] = defaultdict(dict)
    for row in connection.execute(text(FILINGS), parameters):
        filing = FilingReference(row.filing_id, row.lines_hash)
        found[row.agreement_id][Quarter.from_code(row.quarter), row.role] = filing, row.line_count
    return found
