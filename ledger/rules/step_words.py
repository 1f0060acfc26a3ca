"""The sentences of an explanation's steps that aren't plain arithmetic, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from ledger.rules.facts import Dates, Subject
from ledger.rules.terms import Clock, Eligibility, Window
from ledger.rules.words import (
    CAUSE_NAMES,
    EVENT_NAMES,
    attribute_en,
    attribute_zh,
    occurrence_en,
    occurrence_zh,
    role_en,
    role_zh,
)


class Words(NamedTuple):
    """One sentence, or the template of one, in each language."""

    zh: str
    en: str


class Working(NamedTuple):
    """How an amount was rounded: as arithmetic alone, and in words. Positions are those of the amounts."""

    arithmetic: str
    words: Words


CUMULATIVE = Working(
    "{0} → {1}; {1} − {2} = {result}",
    Words(
        "累计 {0}，取整为 {1}；{1} − 此前 {2} = {result}", "cumulative {0} → {1}; {1} − {2} before = {result}"
    ),
)
"""Exact cumulative amount, rounded, what it was before the quarter."""

CUMULATIVE_REMAINDER = Working(
    "{3} → {4}; {4} − {5} = {1}; {1} − {2} = {result}",
    Words(
        "各方累计 {3}，取整为 {4}；{4} − 其他各方 {5} = {1}；{1} − 此前 {2} = {result}",
        "cumulative whole {3} → {4}; {4} − {5} of the others = {1}; {1} − {2} before = {result}",
    ),
)
"""As ``CUMULATIVE``, then the exact whole, the whole rounded, and the others' rounded amounts."""

PERIOD = Working("{0} → {result}", Words("本期 {0}，取整为 {result}", "the quarter's {0} → {result}"))
"""The quarter's exact amount."""

PERIOD_REMAINDER = Working(
    "{3} → {4}; {4} − {5} = {result}",
    Words(
        "本期各方合计 {3}，取整为 {4}；{4} − 其他各方 {5} = {result}",
        "the quarter's whole {3} → {4}; {4} − {5} of the others = {result}",
    ),
)
"""Positions as in ``CUMULATIVE_REMAINDER``."""


def by_line(count: int) -> Working:
    """The rounded amounts of ``count`` lines, added up."""
    summed = " + ".join(["{}"] * count) + " = {result}" if count > 1 else "{result}"
    return Working(summed, Words(f"逐笔取整：{summed}", f"line by line: {summed}"))


def window_words(
    window: Window | None,
    dates: Dates,
    day: date,
    bounds: tuple[date | None, date | None],
    *,
    shares_begun: bool,
) -> Words:
    """Why the step that begins on ``day`` is inside or outside; ``bounds``: first day in, first day after."""
    if not shares_begun:
        return Words(f"期外：{day} 时分成比例尚未开始执行", f"outside: no shares are in force yet on {day}")
    if window is None:
        return Words(
            "期内：本条不设分享期，条款有效期内持续分享", "inside: shared as long as the terms are in force"
        )
    opens, closes = bounds
    if opens is None:
        return _before_the_clock(window.clock)
    ended = [(dates.events[event], event) for event in window.ends_at if event in dates.events]
    last = "" if closes is None else f"{closes - timedelta(days=1)}"
    term = Words(
        f"分享期自 {opens} 起" + (f"，至 {last} 止" if last else "，不设期限"),
        f"the window is open from {opens} " + (f"to {last}" if last else "without end"),
    )
    begins_with_sharing = window.clock.first_shared is True
    if (day < opens and not begins_with_sharing) or (closes is not None and day >= closes):
        return Words(
            f"期外：本期自 {day} 起，{term.zh}", f"outside: this step begins on {day}, and {term.en}"
        )
    if ended and day >= min(ended)[0]:
        on, event = min(ended)
        zh, en = EVENT_NAMES[event]
        return Words(
            f"期外：企业于 {on} {zh}，此后开始的各期不再分享",
            f"outside: steps that begin on or after {on}, the day of {en}, aren't shared",
        )
    return Words(f"期内：{term.zh}", f"inside: {term.en}")


def _before_the_clock(clock: Clock) -> Words:
    if clock.first_shared is True:
        return Words(
            "期内：尚无余额可分，分享期未起算", "inside: nothing has been left to share yet, so no time runs"
        )
    if clock.occurrence is not None:
        return Words(
            f"期外：{occurrence_zh(clock.occurrence)}尚未发生，分享期未起算",
            f"outside: the clock hasn't started, for want of {occurrence_en(clock.occurrence)}",
        )
    name = ("起算事件", "the clock's event") if clock.event is None else EVENT_NAMES[clock.event]
    return Words(
        f"期外：尚未{name[0]}，分享期未起算", f"outside: the clock hasn't started, for want of {name[1]}"
    )


def extension_words(*, is_extended: bool, is_held: bool) -> Words:
    if is_held:
        return (
            Words("延长：沿用已结算时的判断", "granted, as a closed settlement decided")
            if is_extended
            else Words("不延长：沿用已结算时的判断", "not granted, as a closed settlement decided")
        )
    return (
        Words("延长：分享期满时未达上限", "granted: the cap wasn't reached when the window ended")
        if is_extended
        else Words("不延长：分享期满时已达上限", "not granted: the cap was reached when the window ended")
    )


def tax_words(average: str, threshold: str, *, is_enough: bool) -> Words:
    """Amounts as text in yuan."""
    return (
        Words(
            f"搬迁前年均税收 {average} 元，不低于 {threshold} 元",
            f"taxes before the move averaged {average} yuan a year, at least {threshold} yuan",
        )
        if is_enough
        else Words(
            f"搬迁前年均税收 {average} 元，低于 {threshold} 元",
            f"taxes before the move averaged {average} yuan a year, less than {threshold} yuan",
        )
    )


def eligibility_words(rule: Eligibility, subject: Subject, *, has_paid_enough: bool) -> Words:
    """Which conditions are met and which aren't, and what decides each."""
    conditions = list(_conditions(rule, subject, has_paid_enough=has_paid_enough))
    is_met = all(met for met, _ in conditions)
    because = [words for met, words in conditions if met is is_met]
    zh, en = "；".join(words.zh for words in because), "; ".join(words.en for words in because)
    return Words(f"符合条件：{zh}", f"met: {en}") if is_met else Words(f"不符合条件：{zh}", f"not met: {en}")


def _conditions(
    rule: Eligibility, subject: Subject, *, has_paid_enough: bool
) -> Iterator[tuple[bool, Words]]:
    if rule.pre_move_tax_average_at_least is not None:
        yield (
            has_paid_enough,
            Words("搬迁前税收达到要求", "the taxes before the move suffice")
            if has_paid_enough
            else Words("搬迁前税收未达到要求", "the taxes before the move don't suffice"),
        )
    if rule.cause_of_move is not None:
        required = CAUSE_NAMES[rule.cause_of_move]
        actual = ("未注明原因", "of no stated cause")
        if subject.cause_of_move is not None:
            actual = CAUSE_NAMES[subject.cause_of_move]
        yield (
            subject.cause_of_move is rule.cause_of_move,
            Words(
                f"搬迁属{actual[0]}（要求{required[0]}）",
                f"the move was {actual[1]} (required: {required[1]})",
            ),
        )
    if rule.referred_by is not None:
        by_zh = "无引荐方" if subject.referred_by is None else f"由{role_zh(subject.referred_by)}引荐"
        by_en = "by nobody" if subject.referred_by is None else f"by {role_en(subject.referred_by)}"
        yield (
            subject.referred_by == rule.referred_by,
            Words(
                f"{by_zh}（要求由{role_zh(rule.referred_by)}引荐）",
                f"referred {by_en} (required: by {role_en(rule.referred_by)})",
            ),
        )
    for name, accepted in sorted(rule.attributes.items()):
        actual_value = subject.attributes.get(name)
        zh, en = attribute_zh(name), attribute_en(name)
        values_zh, values_en = "、".join(accepted), ", ".join(accepted)
        got_zh = "未注明" if actual_value is None else f"为{actual_value}"
        got_en = "isn't stated" if actual_value is None else f"is {actual_value}"
        yield (
            actual_value in accepted,
            Words(f"{zh}{got_zh}（要求{values_zh}）", f"{en} {got_en} (required: {values_en})"),
        )
