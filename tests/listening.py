"""Hearing every statement that goes to the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

Statement = str


@contextmanager
def listening(hear: Callable[[Statement], None]) -> Iterator[None]:
    """Tells ``hear`` every statement that any engine has executed, but for what a transaction begins with."""

    def after_execute(
        _connection: Any, _cursor: Any, statement: Statement, _parameters: Any, _context: Any, _many: bool
    ) -> None:
        if not statement.startswith("SET LOCAL "):
            hear(statement)

    event.listen(Engine, "after_cursor_execute", after_execute)
    try:
        yield
    finally:
        event.remove(Engine, "after_cursor_execute", after_execute)
