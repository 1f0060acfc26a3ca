"""Lists in pages (Relay connections), stable global ids, and what a page refers to, loaded at once."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Annotated, Generic, TypeAlias, TypeVar

import strawberry

from ledger.desk.pages import PAGE_LIMIT, PAGE_LIMIT_MAX, page_of, rows_to_read
from ledger.errors import LedgerError

FIRST_MAX = PAGE_LIMIT_MAX
FIRST_DEFAULT = PAGE_LIMIT
NUMBER_MAX = 2**63 - 1
"""Ids are kept in 64 bits; a larger one was never given out."""

NodeType = TypeVar("NodeType")
Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")

CursorKey: TypeAlias = tuple[str | int, ...]


class CursorUnreadable(LedgerError):
    """``after`` isn't a cursor of this list."""

    code = "CURSOR_UNREADABLE"
    sentence_en = "Expected after to be a cursor that this list gave out, but got {cursor!r}."
    sentence_zh = "after 应为本列表给出的游标，实际为 {cursor!r}。"


class IdUnreadable(LedgerError):
    """Text that isn't an id of the kind that is needed."""

    code = "ID_UNREADABLE"
    sentence_en = "Expected an id that this ledger gave out for {expected}, but got {text!r}."
    sentence_zh = "应填写本账本给出的 {expected} 标识，实际为 {text!r}。"


First: TypeAlias = Annotated[
    int,
    strawberry.argument(
        description=f"How many at most, from 1 to {FIRST_MAX}; {FIRST_DEFAULT} when left out."
    ),
]
After: TypeAlias = Annotated[
    str | None,
    strawberry.argument(description="Only what comes after this cursor (endCursor of the page before)."),
]


@strawberry.interface(
    description="An object with an id that stays the same for ever and that node(id) finds again."
)
class Node:
    id: strawberry.ID = strawberry.field(description="Global id; opaque text.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follows after endCursor.")
    has_previous_page: bool = strawberry.field(description="Whether the page was asked for with after.")
    start_cursor: str | None = strawberry.field(
        description="The first edge's cursor; null when the page is empty."
    )
    end_cursor: str | None = strawberry.field(
        description="The last edge's cursor; null when the page is empty."
    )


@strawberry.type(description="One item of a list, with its place in it.")
class Edge(Generic[NodeType]):
    cursor: str = strawberry.field(
        description="The item's place, for after; opaque text made of the item's key."
    )
    node: NodeType = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list, in the order of its key.")
class Connection(Generic[NodeType]):
    edges: list[Edge[NodeType]] = strawberry.field(description=f"The page's items, at most {FIRST_MAX}.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in the list.")


class Batch(Generic[Key, Value]):
    """What the items of one page refer to, loaded with one query when the first of them is asked for it."""

    def __init__(self, keys: Iterable[Key], load: Callable[[list[Key]], Mapping[Key, Value]]) -> None:
        self._keys = set(keys)
        self._load = load
        self._loaded: Mapping[Key, Value] | None = None

    def __getitem__(self, key: Key) -> Value:
        return self._values()[key]

    def get(self, key: Key) -> Value | None:
        return self._values().get(key)

    def _values(self) -> Mapping[Key, Value]:
        if self._loaded is None:
            self._loaded = self._load(list(self._keys)) if self._keys else {}
        return self._loaded


def connection(
    nodes: Sequence[NodeType], keys: Sequence[CursorKey], *, has_next: bool, after: str | None
) -> Connection[NodeType]:
    """A page that is already cut; ``keys`` are those of ``nodes`` in the list's order."""
    cursors = [cursor_of(key) for key in keys]
    return Connection(
        edges=[Edge(cursor=cursor, node=node) for cursor, node in zip(cursors, nodes, strict=True)],
        page_info=PageInfo(
            has_next_page=has_next,
            has_previous_page=after is not None,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
    )


def cut(
    items: Sequence[Item], key_of: Callable[[Item], CursorKey], first: int, after: str | None
) -> tuple[list[Item], bool]:
    """The page of a short list that is already in memory, and whether more follows."""
    start = None if after is None else key_from(after)
    if start is not None and items and _shape(start) != _shape(key_of(items[0])):
        raise CursorUnreadable(cursor=after)
    following = sorted((item for item in items if start is None or key_of(item) > start), key=key_of)
    page = page_of(following[: rows_to_read(first)], first, lambda item: item)
    return page.items, page.has_next


def _shape(key: CursorKey) -> list[type]:
    return [type(part) for part in key]


def cursor_of(key: CursorKey) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, ensure_ascii=False).encode()).decode()


def key_from(cursor: str) -> CursorKey:
    """The key inside ``cursor``. Raises ``CursorUnreadable``."""
    try:
        key = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise CursorUnreadable(cursor=cursor) from None
    if not isinstance(key, list) or not all(_is_key_part(part) for part in key):
        raise CursorUnreadable(cursor=cursor)
    return tuple(key)


def _is_key_part(part: object) -> bool:
    """Whether it may be the key of a row: PostgreSQL keeps neither U+0000 nor half a character."""
    if isinstance(part, str):
        return "\0" not in part and not _HALF_CHARACTER.search(part)
    return type(part) is int and abs(part) <= NUMBER_MAX


def text_key(after: str | None) -> str | None:
    """The key of a list that is ordered by one text. Raises ``CursorUnreadable``."""
    match None if after is None else key_from(after):
        case None:
            return None
        case (str(text),):
            return text
    raise CursorUnreadable(cursor=after)


def number_key(after: str | None) -> int | None:
    """The key of a list that is ordered by one whole number. Raises ``CursorUnreadable``."""
    match None if after is None else key_from(after):
        case None:
            return None
        case (int(number),):
            return number
    raise CursorUnreadable(cursor=after)


def global_id(kind: str, *numbers: int) -> strawberry.ID:
    """The id of an object of the type ``kind``."""
    text = f"{kind}:{'/'.join(str(number) for number in numbers)}"
    return strawberry.ID(base64.urlsafe_b64encode(text.encode()).decode())


def split_id(text: str) -> tuple[str, tuple[int, ...]]:
    """The type and numbers inside a global id. Raises ``IdUnreadable``."""
    try:
        kind, colon, numbers = (
            base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode().partition(":")
        )
        parts = tuple(int(number) for number in numbers.split("/"))
    except (binascii.Error, ValueError):
        raise IdUnreadable(text=text, expected="Node") from None
    if not colon or not all(0 <= number <= NUMBER_MAX for number in parts):
        raise IdUnreadable(text=text, expected="Node")
    return kind, parts


def shaped_key(after: str | None, *shape: type[str | int]) -> CursorKey | None:
    """The key of a list that is ordered by texts and whole numbers. Raises ``CursorUnreadable``."""
    if after is None:
        return None
    key = key_from(after)
    if _shape(key) != list(shape):
        raise CursorUnreadable(cursor=after)
    return key


def numbers_of(text: str, kind: str, count: int) -> tuple[int, ...]:
    """The ``count`` numbers of an id of the type ``kind``. Raises ``IdUnreadable``."""
    found, numbers = split_id(text)
    if found != kind or len(numbers) != count:
        raise IdUnreadable(text=text, expected=kind)
    return numbers
