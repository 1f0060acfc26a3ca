"""Gathering: what several threads ask for at the same time is done together, as servers commit in groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass
class _Waiting(Generic[Asked, Answer]):
    asked: Asked
    answer: Answer | None = None
    is_settled: bool = False
    called: Event = field(default_factory=Event)


class Gathering(Generic[Asked, Answer]):
    """Whoever comes when nothing is under way begins at once; all who come meanwhile are done together next.

    ``do_all`` does what they ask for in one of their threads, and gives an answer for each in order, None for
    what it can't do.
    """

    def __init__(self, do_all: Callable[[Sequence[Asked]], Sequence[Answer | None]]) -> None:
        self._do_all = do_all
        self._door = Lock()
        self._is_busy = False
        self._waiting: list[_Waiting[Asked, Answer]] = []

    @property
    def waiting(self) -> int:
        """How many came while others are under way."""
        with self._door:
            return len(self._waiting)

    def __call__(self, asked: Asked) -> Answer | None:
        """The answer; None where the thread must do it alone: it couldn't be done together, or all failed."""
        own: _Waiting[Asked, Answer] = _Waiting(asked)
        with self._door:
            self._waiting.append(own)
            begins, self._is_busy = not self._is_busy, True
        if not begins:
            own.called.wait()
        if not own.is_settled:
            self._do_those_who_wait()
        return own.answer

    def _do_those_who_wait(self) -> None:
        with self._door:
            taken, self._waiting = self._waiting, []
        try:
            # What went wrong for all, each meets again alone, and is told there.
            with suppress(Exception):
                answers = self._do_all([one.asked for one in taken])
                for one, answer in zip(taken, answers, strict=True):
                    one.answer = answer
        finally:
            for one in taken:
                one.is_settled = True
                one.called.set()
            self._call_next()

    def _call_next(self) -> None:
        with self._door:
            self._is_busy = bool(self._waiting)
            if self._is_busy:
                self._waiting[0].called.set()
