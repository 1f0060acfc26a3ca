"""What clauses ask of their subjects: eligibility, windows, caps and bases, as columns of a chunk of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ledger.money import parse_share
from ledger.rules.vector.columns import EVENTS, NEVER_MONTH, NONE, Subjects, Vocabulary
from ledger.rules.vector.compiled import Group, WindowColumns
from ledger.rules.vector.numbers import Int64Column, Mask


@dataclass(frozen=True, slots=True)
class Attributes:
    """The subjects' attributes, by row of a chunk. Months count from 1970-01.

    ``event_month`` is the month of each event, ``after_event_month`` the first that begins on or after it.
    """

    event_month: Int64Column
    after_event_month: Int64Column
    pre_move_tax_minor: Int64Column
    pre_move_years: Int64Column
    cause_code: Int64Column
    referrer_code: Int64Column
    base_year_amount_minor: Int64Column
    controller_code: Int64Column
    codes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, subjects: Subjects, listed: Int64Column) -> Attributes:
        """The attributes of the subjects' rows ``listed``; where it is ``NONE``, those of nobody."""

        def column(values: npt.NDArray[Any], absent: int) -> Int64Column:
            taken = np.full((len(listed), *values.shape[1:]), absent, np.int64)
            taken[known] = values[listed[known]]
            return taken

        known = listed != NONE
        days = np.full((len(listed), len(EVENTS)), np.datetime64("NaT"), "datetime64[D]")
        days[known] = subjects.event_days[listed[known]]
        months = days.astype("datetime64[M]")
        event_month = np.where(np.isnat(days), NEVER_MONTH, months.astype(np.int64))
        return cls(
            event_month=event_month,
            after_event_month=event_month + (days > months.astype("datetime64[D]")),
            pre_move_tax_minor=column(subjects.pre_move_tax_minor, 0),
            pre_move_years=column(subjects.pre_move_years, 0),
            cause_code=column(subjects.cause_code, NONE),
            referrer_code=column(subjects.referrer_code, NONE),
            base_year_amount_minor=column(subjects.base_year_amount_minor, 0),
            controller_code=column(subjects.controller_code, NONE),
            codes=column(_codes(subjects), NONE),
        )

    def only(self, rows: Int64Column) -> Attributes:
        return Attributes(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows by row: the months in which the first step begins, the time is over, and an event ends it."""

    present: Mask
    opens: Int64Column
    closes: Int64Column
    ends: Int64Column
    extension_months: Int64Column
    holds: Mask

    @classmethod
    def of(cls, window: WindowColumns, clause: Int64Column, attributes: Attributes) -> Windows:
        by_event = window.event != NONE
        clock = np.where(
            by_event[clause],
            np.take_along_axis(attributes.event_month, window.event[clause][:, None], axis=1)[:, 0],
            window.clock_month[clause],
        )
        first = clock + window.offset_months[clause]
        first = first - first % window.aligned_months[clause] + window.later_months[clause]
        ends = np.where(window.ends_at[clause], attributes.after_event_month, NEVER_MONTH)
        return cls(
            present=window.present[clause],
            opens=first,
            closes=first + window.length_months[clause],
            ends=ends.min(axis=1),
            extension_months=window.extension_months[clause],
            holds=window.holds[clause],
        )

    def since_first_shared(
        self, window: WindowColumns, clause: Int64Column, first_shared_month: Int64Column
    ) -> Windows:
        """The same where a clock starts when something is first left to share; a month below 0: not yet."""
        rows = window.by_first_shared[clause]
        first = first_shared_month + window.offset_months[clause]
        first = first - first % window.aligned_months[clause] + window.later_months[clause]
        closes = np.where(first_shared_month < 0, NEVER_MONTH, first + window.length_months[clause])
        return replace(
            self,
            opens=np.where(rows, -NEVER_MONTH, self.opens),
            closes=np.where(rows, closes, self.closes),
        )

    def is_open(self, month: int, extended: Mask | None = None) -> Mask:
        """Whether a step that begins with ``month`` is inside."""
        closes = self.closes if extended is None else self.closes + extended * self.extension_months
        inside = (month >= self.opens) & (month < closes) & (month < self.ends)
        return np.asarray(~self.present | inside)

    def is_over(self, month: int) -> Mask:
        """Whether ``month`` is at or after the end of a window that may be extended."""
        return np.asarray(self.present & (self.extension_months > 0) & (month >= self.closes))


def _codes(subjects: Subjects) -> npt.NDArray[np.int64]:
    absent = np.zeros((len(subjects), 0), np.int64)
    return absent if subjects.attribute_codes is None else subjects.attribute_codes


def rate_numerator(
    group: Group, clause: Int64Column, attributes: Attributes, vocabulary: Vocabulary
) -> Int64Column:
    """Each row's rate over the clause's rate denominator."""
    numerator = np.ones(len(clause), np.int64)
    for index, rows in _runs_of(clause, group.rated):
        rates = group.clauses[index].clause.how_much.rates
        found = np.zeros(rows.stop - rows.start, np.int64)
        for row in reversed(rates):
            part = int(parse_share(row.rate) * int(group.rate_denominator[index]))
            found = np.where(_have(attributes.codes[rows], row.where, vocabulary), part, found)
        numerator[rows] = found
    return numerator


def _runs_of(clause: Int64Column, concerned: Mask) -> Iterator[tuple[int, slice]]:
    """The clauses that are ``concerned``, with their rows; ``clause`` is in order."""
    for index in np.unique(clause[concerned[clause]]).tolist():
        begin, end = np.searchsorted(clause, [index, index + 1]).tolist()
        yield index, slice(begin, end)


def _have(codes: npt.NDArray[np.int64], where: Mapping[str, Sequence[str]], vocabulary: Vocabulary) -> Mask:
    """Which rows have one of the accepted values of every attribute named."""
    held = np.ones(len(codes), np.bool_)
    for name, values in where.items():
        if name not in vocabulary.attribute_names:
            return np.zeros(len(codes), np.bool_)
        accepted = [place for place, value in enumerate(vocabulary.attribute_values) if value in values]
        held &= np.isin(codes[:, vocabulary.attribute_names.index(name)], accepted)
    return held


def eligible(group: Group, clause: Int64Column, attributes: Attributes, vocabulary: Vocabulary) -> Mask:
    """Whether each row's subject fulfils every condition of its clause."""
    role_names = vocabulary.role_names
    average = attributes.pre_move_tax_minor // np.maximum(attributes.pre_move_years, 1)
    cause = group.cause_code[clause]
    code_of = {name: code for code, name in enumerate(role_names)}
    is_free = np.array([role is None for role in group.referrer], np.bool_)
    # A referrer that no subject has is a code that none carries.
    wanted = np.array([code_of.get(role or "", len(role_names)) for role in group.referrer], np.int64)
    is_such = np.ones(len(clause), np.bool_)
    for index, rows in _runs_of(clause, group.attributed):
        rule = group.clauses[index].clause.whose.eligibility
        if rule is not None:
            is_such[rows] = _have(attributes.codes[rows], rule.attributes, vocabulary)
    return np.asarray(
        is_such
        & (average >= group.tax_average_minor[clause])
        & ((cause == NONE) | (cause == attributes.cause_code))
        & (is_free[clause] | (wanted[clause] == attributes.referrer_code))
    )


def tiers(group: Group, clause: Int64Column, windows: Windows, month: int) -> Int64Column:
    """Which row of the key holds for the step that begins with ``month``; ``NONE`` before the first."""
    if not group.shape.tiers:
        return np.zeros(len(clause), np.int64)
    elapsed = month - windows.opens
    return np.asarray((elapsed[:, None] >= group.tier_months[clause]).sum(axis=1) - 1)


def cap_minor(group: Group, clause: Int64Column, attributes: Attributes) -> npt.NDArray[np.int64]:
    """The limit by row and cap."""
    own = attributes.pre_move_tax_minor[:, None]
    return np.where(group.cap_is_pre_move_tax[clause], own, group.cap_minor[clause])


def base_minor(group: Group, clause: Int64Column, attributes: Attributes, quarter_index: int) -> Int64Column:
    """The yearly base, or that of the quarter."""
    stated = group.surplus_base_minor[clause, quarter_index]
    return np.where(group.base_of_enterprise[clause], attributes.base_year_amount_minor, stated)
