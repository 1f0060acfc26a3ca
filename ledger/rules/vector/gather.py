"""From figures and carried state to work rows: one per clause and subject, in that order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ledger.measures import MEASURE_BY_ID
from ledger.periods import Span
from ledger.rules.plain import FigureNotOfMonth
from ledger.rules.terms import WHOLE_PARK
from ledger.rules.vector.columns import NONE, Figures, Held, State, Subjects
from ledger.rules.vector.compiled import Rules
from ledger.rules.vector.numbers import Int64Column, divided

NO_STEP: Final = 3
"""The first step with a figure, where there is no figure: later than every step of the quarter."""
_KEY_LIMIT = 2**62
_CLAUSE_STRIDE = 1000
_MEASURE_STRIDE = max(MEASURE_BY_ID) + 1


@dataclass(frozen=True, slots=True)
class Feeds:
    """Figures as clauses use them: one row for each figure and clause that it feeds.

    ``figure`` is the row of the figures, ``use`` that of the rules' uses.
    """

    figure: Int64Column
    use: Int64Column

    def only(self, index: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Feeds:
        return Feeds(self.figure[index], self.use[index])


@dataclass(frozen=True, slots=True)
class Work:
    """The rows to compute. Their figures stand in the same order: ``bounds[i]`` to ``bounds[i + 1]``.

    ``carried`` is the row of the state, ``listed`` that of the subjects, ``NONE`` where there is none;
    ``held`` is what a closed settlement decided about the extension: 0, 1 or ``NONE``.
    ``amount_minor``, ``factor`` (the kept numerator) and ``step`` (of the quarter) are of those figures.
    ``set_aside`` are the rows of the state whose clause isn't in force.
    """

    row: Int64Column
    subject: Int64Column
    carried: Int64Column
    listed: Int64Column
    held: Int64Column
    bounds: Int64Column
    amount_minor: Int64Column
    factor: Int64Column
    step: npt.NDArray[np.int8]
    set_aside: Int64Column

    def __len__(self) -> int:
        return len(self.row)


def gather(rules: Rules, figures: Figures, subjects: Subjects, state: State, held: Held) -> Work:
    """The quarter's work rows. Raises ``FigureNotOfMonth``."""
    agreements = np.unique(rules.agreement)
    keys = _SubjectKeys.over(
        len(rules.clauses), figures.subject, subjects.subject, state.subject, held.subject
    )
    lists = _Lists.of(agreements, subjects, keys)
    fed, fed_key, fed_bounds = _sorted_by_key(rules, _fed(rules, agreements, figures), figures, keys, lists)
    _refuse_quarters_in_months(rules, figures, fed)
    carried_key, carried, set_aside = _of_clauses_in_force(rules, agreements, state, keys)
    held_key, decided, _ = _of_clauses_in_force(rules, agreements, held, keys)
    park_key = keys.of(np.flatnonzero(rules.whole_park), np.full(1, WHOLE_PARK))
    # Sorting joins the runs that are in order already; numpy's unique would hash every key.
    key, _ = _runs(np.sort(np.concatenate([fed_key, carried_key, park_key]), kind="stable"))
    row, subject = keys.split(key)
    counts = np.zeros(len(key), np.int64)
    counts[np.searchsorted(key, fed_key)] = np.diff(fed_bounds)
    use_row = rules.uses.row[fed.use]
    step = _step_of_quarter(figures, fed, rules.step_months[use_row])
    return Work(
        row=row,
        subject=subject,
        carried=_taken(carried, _places_of(carried_key, key)),
        listed=lists.index(rules.agreement[row], subject),
        held=_taken(held.extended[decided].astype(np.int64), _places_of(held_key, key)),
        bounds=np.concatenate([[0], np.cumsum(counts)]),
        amount_minor=figures.amount_minor[fed.figure],
        factor=rules.uses.factor[fed.use, step],
        step=step,
        set_aside=set_aside,
    )


@dataclass(frozen=True, slots=True)
class _SubjectKeys:
    """One number for a pair of a row and a subject, in the pair's order.

    ``distinct`` are the subjects in order where their ids are too large to be used as they are.
    """

    span: int
    distinct: Int64Column | None

    @classmethod
    def over(cls, rows: int, *subjects: Int64Column) -> _SubjectKeys:
        given = [column for column in subjects if len(column)]
        span = max((int(column.max()) for column in given), default=0) + 1
        least = min((int(column.min()) for column in given), default=0)
        if least >= 0 and (rows + 1) * span < _KEY_LIMIT:
            return cls(span, None)
        distinct = np.unique(np.concatenate([*given, np.full(1, WHOLE_PARK)]))
        return cls(len(distinct), distinct)

    def of(self, row: Int64Column, subject: Int64Column) -> Int64Column:
        code = subject if self.distinct is None else np.searchsorted(self.distinct, subject)
        return np.asarray(row * self.span + code, np.int64)

    def split(self, key: Int64Column) -> tuple[Int64Column, Int64Column]:
        row, code = divided(key, self.span)
        return row, code if self.distinct is None else self.distinct[code]


@dataclass(frozen=True, slots=True)
class _Lists:
    """Finds an agreement's enterprise among the subjects."""

    agreements: Int64Column
    keys: _SubjectKeys
    key: Int64Column
    place: Int64Column

    @classmethod
    def of(cls, agreements: Int64Column, subjects: Subjects, keys: _SubjectKeys) -> _Lists:
        agreement = _places(agreements, subjects.agreement)
        place = np.flatnonzero(agreement != NONE)
        key = keys.of(agreement[place], subjects.subject[place])
        if not _is_sorted(key):
            order = np.argsort(key, kind="stable")
            key, place = key[order], place[order]
        return cls(agreements, keys, key, place)

    def index(self, agreement: Int64Column, subject: Int64Column) -> Int64Column:
        """The subjects' row of each pair, or ``NONE``."""
        wanted = self.keys.of(np.searchsorted(self.agreements, agreement), subject)
        found = _places(self.key, wanted)
        return np.where(found == NONE, NONE, self.place[found]) if len(self.place) else found


def _places(ordered: Int64Column, wanted: Int64Column) -> Int64Column:
    """Where each wanted number stands in ``ordered``, or ``NONE``."""
    if not len(ordered):
        return np.full(len(wanted), NONE)
    place = np.searchsorted(ordered, wanted)
    place[place == len(ordered)] = 0
    return np.where(ordered[place] == wanted, place, NONE)


def _is_sorted(column: Int64Column) -> bool:
    return bool((column[1:] >= column[:-1]).all())


def _fed(rules: Rules, agreements: Int64Column, figures: Figures) -> Feeds:
    """Looks every figure up in a table of the uses by agreement and measure."""
    uses = rules.uses
    use_key = np.searchsorted(agreements, uses.agreement) * _MEASURE_STRIDE + uses.measure_id
    distinct, first, count = np.unique(use_key, return_index=True, return_counts=True)
    first_use = np.zeros(len(agreements) * _MEASURE_STRIDE + 1, np.int64)
    use_count = np.zeros_like(first_use)
    first_use[distinct], use_count[distinct] = first, count
    agreement = _places(agreements, figures.agreement)
    nowhere = len(first_use) - 1
    figure_key = np.where(agreement == NONE, nowhere, agreement * _MEASURE_STRIDE + figures.measure_id)
    return _repeated(first_use[figure_key], use_count[figure_key])


def _repeated(first_use: Int64Column, count: Int64Column) -> Feeds:
    """Figure i with the uses ``first_use[i]`` and following, ``count[i]`` of them."""
    figure = np.repeat(np.arange(len(count)), count)
    begins = np.cumsum(count) - count
    return Feeds(figure, first_use[figure] + np.arange(len(figure)) - begins[figure])


def _sorted_by_key(
    rules: Rules, fed: Feeds, figures: Figures, keys: _SubjectKeys, lists: _Lists
) -> tuple[Feeds, Int64Column, Int64Column]:
    """The fed figures of known subjects in order of their key, the distinct keys, and the bounds of each."""
    row = rules.uses.row[fed.use]
    key = keys.of(row, np.where(rules.whole_park[row], WHOLE_PARK, figures.subject[fed.figure]))
    if not _is_sorted(key):
        # Figures are only added up, so a stable order isn't worth its price.
        order = np.argsort(key)
        key, fed = key[order], fed.only(order)
    distinct, bounds = _runs(key)
    row, subject = keys.split(distinct)
    is_known = rules.whole_park[row] | (lists.index(rules.agreement[row], subject) != NONE)
    if is_known.all():
        return fed, distinct, bounds
    kept = np.repeat(is_known, np.diff(bounds))
    distinct, bounds = _runs(key[kept])
    return fed.only(kept), distinct, bounds


def _runs(ordered: Int64Column) -> tuple[Int64Column, Int64Column]:
    """The distinct numbers, and where the run of each begins, with the end of the last."""
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    return ordered[begins], np.append(begins, len(ordered))


def _taken(values: Int64Column, place: Int64Column) -> Int64Column:
    """``values`` at each place, ``NONE`` where there is none."""
    return np.append(values, NONE)[place]


def _places_of(given: Int64Column, wanted: Int64Column) -> Int64Column:
    """Where each ``wanted`` number stands in ``given``, which may be in any order; or ``NONE``."""
    if _is_sorted(given):
        return _places(given, wanted)
    order = np.argsort(given, kind="stable")
    return _taken(order, _places(given[order], wanted))


def _of_clauses_in_force(
    rules: Rules, agreements: Int64Column, state: State | Held, keys: _SubjectKeys
) -> tuple[Int64Column, Int64Column, Int64Column]:
    """The keys and rows of what is about a clause in force, and the rows of the others."""
    clause_key = np.searchsorted(agreements, rules.agreement) * _CLAUSE_STRIDE + rules.clause_number
    order = np.argsort(clause_key)
    agreement = _places(agreements, state.agreement)
    wanted = np.where(agreement == NONE, NONE, agreement * _CLAUSE_STRIDE + state.clause)
    place = _places(clause_key[order], wanted)
    carried = np.flatnonzero(place != NONE)
    return (
        keys.of(order[place[carried]], state.subject[carried]),
        carried,
        np.flatnonzero(place == NONE),
    )


def _step_of_quarter(figures: Figures, fed: Feeds, step_months: Int64Column) -> npt.NDArray[np.int8]:
    month = figures.starts[fed.figure].astype("datetime64[M]").astype(np.int64)
    return np.where(step_months == 1, month % 3, 0).astype(np.int8)


def _refuse_quarters_in_months(rules: Rules, figures: Figures, fed: Feeds) -> None:
    by_month = rules.step_months[rules.uses.row[fed.use]] == 1
    wrong = np.flatnonzero(by_month & (figures.months[fed.figure] != 1))
    if len(wrong):
        row, figure = rules.uses.row[fed.use[wrong[0]]], fed.figure[wrong[0]]
        raise FigureNotOfMonth(
            clause=rules.clauses[row].clause.number,
            measure=MEASURE_BY_ID[int(figures.measure_id[figure])].name,
            span=Span.of_quarter(rules.quarter),
        )
