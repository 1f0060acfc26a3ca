"""Reading a whole list that comes in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from ledger.desk.pages import Page

Item = TypeVar("Item")
Key = TypeVar("Key")


def all_items(read: Callable[[Key | None], Page[Item]], key: Callable[[Item], Key]) -> Iterator[Item]:
    """Every item of a list that is read page by page."""
    after: Key | None = None
    while True:
        page = read(after)
        yield from page.items
        if not page.has_next:
            return
        after = key(page.items[-1])
