"""When a window is open: the day on which its clock starts, its first step, and its end."""

from __future__ import annotations

from datetime import date

from ledger.periods import Quarter, add_months
from ledger.rules.facts import Dates
from ledger.rules.terms import Begins, Clock, Step, Window

STEP_MONTHS = {Step.MONTH: 1, Step.QUARTER: 3}


def is_open(window: Window | None, dates: Dates, step: Step, day: date, extended: bool) -> bool:
    if window is None:
        return True
    opens = first_day(window.clock, dates, step)
    if opens is None:
        return window.clock.first_shared is True
    if day < opens and window.clock.first_shared is None:
        return False
    closes = closing_day(window, opens, extended)
    if closes is not None and day >= closes:
        return False
    return all(day < dates.events[event] for event in window.ends_at if event in dates.events)


def clock_day(clock: Clock, dates: Dates) -> date | None:
    """The day on which the clock starts, with its offset; None as long as it hasn't."""
    starts = _starts(clock, dates)
    return None if starts is None else add_months(starts, clock.offset_months)


def first_day(clock: Clock, dates: Dates, step: Step) -> date | None:
    """The first day of the first step that counts; None as long as the clock hasn't started."""
    starts = clock_day(clock, dates)
    if starts is None:
        return None
    first_of_step = starts.replace(day=1) if step is Step.MONTH else Quarter.of(starts).start
    match clock.begins:
        case Begins.STEP_OF_DAY:
            return first_of_step
        case Begins.NEXT_STEP:
            return add_months(first_of_step, STEP_MONTHS[step])
        case Begins.YEAR_OF_DAY:
            return date(starts.year, 1, 1)
        case Begins.NEXT_YEAR:
            return date(starts.year + 1, 1, 1)


def _starts(clock: Clock, dates: Dates) -> date | None:
    if clock.event is not None:
        return dates.events.get(clock.event)
    if clock.occurrence is not None:
        return dates.occurrences.get(clock.occurrence)
    if clock.first_shared is not None:
        return dates.first_shared
    return clock.day


def closing_day(window: Window, opens: date, extended: bool) -> date | None:
    """The first day that isn't in the window any more; None if it never closes."""
    if window.length_months is None:
        return None
    added = window.extension.length_months if window.extension is not None and extended else 0
    return add_months(opens, window.length_months + added)


def window_bounds(
    window: Window | None, dates: Dates, step: Step, extended: bool
) -> tuple[date | None, date | None]:
    """The first day of the window and the first day after it; None where there is none."""
    opens = None if window is None else first_day(window.clock, dates, step)
    if window is None or opens is None:
        return None, None
    return opens, closing_day(window, opens, extended)
