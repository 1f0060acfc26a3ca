"""Gathering: nobody waits for company, who comes meanwhile is done together, and failing hurts none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic

import pytest

from ledger.desk.gathering import Gathering

WAIT_SECONDS = 30


class Work:
    """Does what is asked, each batch when it is let go, and keeps what was asked together."""

    def __init__(self, answer: Callable[[str], str | None] = str.upper) -> None:
        self.batches: list[list[str]] = []
        self.has_begun, self.may_go = Event(), Event()
        self._answer = answer

    def __call__(self, asked: Sequence[str]) -> list[str | None]:
        self.batches.append(sorted(asked))
        self.has_begun.set()
        assert self.may_go.wait(WAIT_SECONDS)
        return [self._answer(one) for one in asked]


def ask(work: Work, first: str, *later: str) -> list[str | None]:
    """What each got: the first came alone, the others while it was under way."""
    gathering = Gathering(work)
    with ThreadPoolExecutor(1 + len(later)) as pool:
        asked = [pool.submit(gathering, first)]
        assert work.has_begun.wait(WAIT_SECONDS)
        asked += [pool.submit(gathering, one) for one in later]
        await_company(gathering, len(later))
        work.may_go.set()
        return [one.result(WAIT_SECONDS) for one in asked]


def await_company(gathering: Gathering[str, str], size: int) -> None:
    until = monotonic() + WAIT_SECONDS
    while gathering.waiting < size:
        assert monotonic() < until


def test_one_who_comes_alone_is_done_at_once() -> None:
    work = Work()
    work.may_go.set()
    gathering = Gathering(work)
    assert [gathering("a"), gathering("b")] == ["A", "B"]
    assert work.batches == [["a"], ["b"]]


def test_those_who_come_while_one_is_under_way_are_done_together_each_with_its_answer() -> None:
    work = Work()
    assert ask(work, "a", "b", "c", "d") == ["A", "B", "C", "D"]
    assert work.batches == [["a"], ["b", "c", "d"]]


def test_what_cannot_be_done_together_is_left_to_who_asked() -> None:
    work = Work(lambda one: None if one == "c" else one)
    assert ask(work, "a", "b", "c", "d") == ["a", "b", None, "d"]


def test_what_fails_for_all_is_left_to_each_and_the_next_are_done() -> None:
    def answer(one: str) -> str:
        if one == "b":
            raise ValueError(one)
        return one

    work = Work(answer)
    assert ask(work, "a", "b", "c") == ["a", None, None]
    assert work.batches == [["a"], ["b", "c"]]


def test_one_who_is_interrupted_lets_the_next_begin() -> None:
    def answer(one: str) -> str:
        if one == "a":
            raise KeyboardInterrupt
        return one

    work = Work(answer)
    work.may_go.set()
    gathering = Gathering(work)
    with pytest.raises(KeyboardInterrupt):
        gathering("a")
    assert gathering("b") == "b"
