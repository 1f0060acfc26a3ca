"""When a window is open: the day on which its clock starts, its first step, and its end."""

from __future__ import annotations

from datetime import date

from ledger.periods import Quarter, add_months
from ledger.rules.facts import Subject
from ledger.rules.terms import Begins, Clock, Step, Window

STEP_MONTHS = {Step.MONTH: 1, Step.QUARTER: 3}


def is_open(window: Window | None, subject: Subject, step: Step, day: date, extended: bool) -> bool:
    if window is None:
        return True
    opens = first_day(window.clock, subject, step)
    if opens is None or day < opens:
        return False
    closes = closing_day(window, opens, extended)
    if closes is not None and day >= closes:
        return False
    return all(day < subject.events[event] for event in window.ends_at if event in subject.events)


def first_day(clock: Clock, subject: Subject, step: Step) -> date | None:
    """The first day of the first step that counts; None as long as the event hasn't happened."""
    starts = clock.day if clock.event is None else subject.events.get(clock.event)
    if starts is None:
        return None
    clock_day = add_months(starts, clock.offset_months)
    first = clock_day.replace(day=1) if step is Step.MONTH else Quarter.of(clock_day).start
    return add_months(first, STEP_MONTHS[step]) if clock.begins is Begins.NEXT_STEP else first


def closing_day(window: Window, opens: date, extended: bool) -> date | None:
    """The first day that isn't in the window any more; None if it never closes."""
    if window.length_months is None:
        return None
    added = window.extension.length_months if window.extension is not None and extended else 0
    return add_months(opens, window.length_months + added)
