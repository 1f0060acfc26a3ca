"""The columns that the vectorised evaluator reads and writes: one numpy array per field, one row per thing.

Ids are int64, days ``datetime64[D]`` (``NaT`` where there is none), amounts int64 minor units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from ledger.rules.terms import Book, CauseOfMove, Event
from ledger.rules.vector.numbers import Int64Column

DayColumn: TypeAlias = npt.NDArray[np.datetime64]
EntitlementKeys: TypeAlias = tuple[tuple[Book, str], ...]

EVENTS: Final = tuple(Event)
EVENT_CODE: Final = {event: code for code, event in enumerate(EVENTS)}
CAUSE_CODE: Final = {cause: code for code, cause in enumerate(CauseOfMove)}
NONE: Final = -1
"""The code of an attribute that isn't given."""

NEVER_MONTH: Final = 2**40
"""The month of what hasn't happened."""

HEAD_COLUMNS: Final = 6
"""Packed state begins with layout, denominator, year, steps counted, extended, year of the pool."""
PAIR_NAMES: Final = ("to_date", "recognised", "loss", "threshold", "pool", "pool_of_year")
FIXED_COLUMNS: Final = HEAD_COLUMNS + 2 * len(PAIR_NAMES)
"""Packed state before the entitlements: the head, then pairs of whole and remainder."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Accepted figures of one quarter, in any order. ``starts`` is the first day of the figure's span."""

    agreement: Int64Column
    subject: Int64Column
    measure_id: npt.NDArray[np.int16]
    starts: DayColumn
    months: npt.NDArray[np.int8]
    amount_minor: Int64Column

    def __len__(self) -> int:
        return len(self.agreement)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the codes of subjects stand for."""

    role_names: tuple[str, ...] = ()
    attribute_names: tuple[str, ...] = ()
    attribute_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subjects:
    """The confirmed lists: one row per agreement and enterprise, in any order.

    ``event_days`` has one column per event, in the order of ``EVENTS``. ``cause_code`` is of ``CAUSE_CODE``,
    ``referrer_code`` an index into ``role_names``, ``controller_code`` the same number for enterprises with
    the same actual controller; all are ``NONE`` where nothing is stated.
    ``attribute_codes`` has one column per name in ``attribute_names``, with indexes into
    ``attribute_values`` or ``NONE``; it is None where attributes weren't read at all.
    """

    agreement: Int64Column
    subject: Int64Column
    event_days: DayColumn
    pre_move_tax_minor: Int64Column
    pre_move_years: Int64Column
    cause_code: npt.NDArray[np.int8]
    referrer_code: npt.NDArray[np.int16]
    base_year_amount_minor: Int64Column
    controller_code: Int64Column
    role_names: tuple[str, ...] = ()
    attribute_codes: npt.NDArray[np.int64] | None = None
    attribute_names: tuple[str, ...] = ()
    attribute_values: tuple[str, ...] = ()

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self.role_names, self.attribute_names, self.attribute_values)

    def __len__(self) -> int:
        return len(self.agreement)

    @classmethod
    def none(cls) -> Subjects:
        """No enterprise listed at all."""
        whole = np.zeros(0, np.int64)
        days = np.zeros((0, len(EVENTS)), "datetime64[D]")
        codes = np.zeros((0, 0), np.int64)
        causes, referrers = np.zeros(0, np.int8), np.zeros(0, np.int16)
        return cls(whole, whole, days, whole, whole, causes, referrers, whole, whole, attribute_codes=codes)


@dataclass(frozen=True, slots=True)
class State:
    """What clauses carry from quarter to quarter: one row per agreement, clause and subject, in any order.

    ``packed`` holds ``ledger.rules.state``'s rows, padded on the right with zeros to one width; ``keys`` says
    for each (agreement, clause) which entitlements its rows hold, in which order, and ``counters`` which
    counters follow them; those of a clause that isn't named there are the counters of its present version.
    """

    agreement: Int64Column
    clause: Int64Column
    subject: Int64Column
    packed: Int64Column
    keys: Mapping[tuple[int, int], EntitlementKeys]
    counters: Mapping[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.agreement)

    @classmethod
    def none(cls) -> State:
        """Nothing carried: before the first quarter."""
        whole = np.zeros(0, np.int64)
        return cls(whole, whole, whole, np.zeros((0, FIXED_COLUMNS), np.int64), {})


@dataclass(frozen=True, slots=True)
class Held:
    """Extensions that a closed settlement decided, for clauses whose decisions hold."""

    agreement: Int64Column
    clause: Int64Column
    subject: Int64Column
    extended: npt.NDArray[np.bool_]

    @classmethod
    def none(cls) -> Held:
        whole = np.zeros(0, np.int64)
        return cls(whole, whole, whole, np.zeros(0, np.bool_))


@dataclass(frozen=True, slots=True)
class Allocations:
    """One quarter's results, zero amounts left out.

    ``row`` is the clause's row of the rules and ``slot`` the place in its entitlement keys.
    """

    row: npt.NDArray[np.int32]
    subject: Int64Column
    slot: npt.NDArray[np.int16]
    amount_minor: Int64Column
    routed_minor: Int64Column

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def none(cls) -> Allocations:
        whole = np.zeros(0, np.int64)
        return cls(np.zeros(0, np.int32), whole, np.zeros(0, np.int16), whole, whole)


@dataclass(frozen=True, slots=True)
class Result:
    """One quarter computed. ``wide_rows`` counts the (clause, subject) rows that 64 bits couldn't hold."""

    allocations: Allocations
    state: State
    rows: int
    wide_rows: int
