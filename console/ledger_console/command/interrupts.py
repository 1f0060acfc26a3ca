"""Being stopped: by Ctrl-C, by ``kill``, or by a window that closes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def as_exceptions() -> Iterator[None]:
    """Every way of being stopped raises ``KeyboardInterrupt``, so that what was started gets stopped."""
    before = {number: signal.signal(number, _interrupt) for number in STOPPING}
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def held_back() -> Iterator[None]:
    """Work that must not stop half-way: who asks to stop is heard at its end."""
    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _frame: asked.append(number)) for number in STOPPING
    }
    try:
        yield
    finally:
        _restore(before)
    if asked:
        raise KeyboardInterrupt


def caused(error: BaseException) -> bool:
    """Whether being stopped led to ``error``: a statement that is cut off fails in words of its own."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    return cause is not None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _restore(handlers: dict[signal.Signals, signal._HANDLER]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
