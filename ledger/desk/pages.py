"""Pages of long lists: keyset, so that a page costs the same however far it is from the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ledger.errors import LedgerError

PAGE_LIMIT_MAX = 200
PAGE_LIMIT = 50

Item = TypeVar("Item")
Row = TypeVar("Row")


class LimitUnusable(LedgerError):
    """A page that would hold nothing or too much."""

    code = "LIMIT_UNUSABLE"
    sentence_en = "Expected a page of 1 to {limit_max} items, but got {limit}."
    sentence_zh = "每页应为 1 至 {limit_max} 条，实际为 {limit}。"


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items in the list's order; ``has_next`` says whether more follow the last one."""

    items: list[Item]
    has_next: bool


def rows_to_read(limit: int) -> int:
    """One row more than the page holds tells whether another page follows. Raises ``LimitUnusable``."""
    if not 1 <= limit <= PAGE_LIMIT_MAX:
        raise LimitUnusable(limit=limit, limit_max=PAGE_LIMIT_MAX)
    return limit + 1


def page_of(rows: Sequence[Row], limit: int, read: Callable[[Row], Item]) -> Page[Item]:
    """The page made of ``rows``, which were read with ``rows_to_read(limit)``."""
    return Page([read(row) for row in rows[:limit]], has_next=len(rows) > limit)
