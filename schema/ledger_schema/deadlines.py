"""How long a piece of work may take of the database's time.

Within a deadline no statement begins after it, and none runs longer than was left when its transaction began.
Long work between statements may ask itself (``refuse_late``).
Work without one, such as a national quarter, takes as long as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from ledger.errors import LedgerError

CANCELLED = "57014"

_end: ContextVar[float | None] = ContextVar("end", default=None)


class OutOfTime(LedgerError):
    """The work took longer than it may. A change is either done as a whole or not at all."""

    code = "OUT_OF_TIME"
    sentence_en = (
        "This took longer than it may, and was stopped. Ask for less at once. A change may be sent again "
        "with the same key."
    )
    sentence_zh = "处理超过时限，已停止。请减少一次查询的内容；变更可使用同一键值重新提交。"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What this thread asks of the database in the block must be done in ``seconds``, else ``OutOfTime``."""
    token = _end.set(monotonic() + seconds)
    try:
        yield
    finally:
        _end.reset(token)


def setting() -> str:
    """What a transaction tells PostgreSQL first: how long a statement may run. 0 is for ever."""
    end = _end.get()
    left_ms = 0 if end is None else max(1, round((end - monotonic()) * 1000))
    return f"SET LOCAL statement_timeout = {left_ms}"


def watch(engine: Engine) -> None:
    """Keeps the statements of ``engine`` within the deadlines."""
    event.listen(engine, "before_cursor_execute", refuse_late)
    event.listen(engine, "handle_error", _tell_apart)


def refuse_late(*_: Any) -> None:
    """Raises ``OutOfTime`` where this thread's work should have been done."""
    end = _end.get()
    if end is not None and monotonic() > end:
        raise OutOfTime


def _tell_apart(context: ExceptionContext) -> None:
    cause = context.original_exception
    if _end.get() is not None and isinstance(cause, psycopg.Error) and cause.sqlstate == CANCELLED:
        raise OutOfTime from cause
