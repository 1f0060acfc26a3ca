"""What a paper shows, before any form of it: facts, and tables by level of detail.

A workbook, a printed page, a text and a table for programs are made of the same paper, so that they can't
say different things. Within a table every amount is of one unit, and of one book at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from ledger.desk.statements.parts import ASSESSMENT_MARK
from ledger.money import Commodity, format_amount
from ledger.periods import BEIJING
from ledger.rules.explanation import BOOK_NAMES, Language
from ledger.rules.fields import Bilingual
from ledger.rules.terms import Book

NOT_CLOSED_MARK = Bilingual(zh="未结：尚未关账，数额仍可能变化", en="NOT CLOSED: amounts may still change")

CLOSED, NOT_CLOSED = Bilingual(zh="已结", en="closed"), Bilingual(zh="未结", en="not closed")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Amount:
    """An exact amount in minor units of the commodity."""

    amount_minor: int
    scale: int

    def __str__(self) -> str:
        return format_amount(self.amount_minor, self.scale, thousands=True)


Cell = str | int | Amount | None

ColumnKind = Literal["number", "text", "long", "amount"]
"""Ordinal numbers and amounts stand to the right; long text takes the room that is left."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: ColumnKind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet of a workbook, one table of a page.

    ``name`` is short and unique in the paper; ``heading`` says in full what is shown, with the book where
    the amounts are of one. ``unit`` is the unit of the amounts, empty where there are none. ``in_wan`` asks
    for the amounts in ten thousands too wherever there is room for one form only.
    """

    name: str
    heading: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    unit: str = ""
    in_wan: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars under a heading, all of one unit; a bar that is negative is drawn in another colour."""

    name: str
    heading: str
    unit: str
    bars: Sequence[tuple[str, Amount]]

    @property
    def longest_minor(self) -> int:
        """What the longest bar shows, at least 1."""
        return max([1, *(abs(amount.amount_minor) for _, amount in self.bars)])


@dataclass(frozen=True, slots=True)
class Paper:
    """``facts`` are names and values; ``mark`` stands on every page, and is empty when there is no need.

    ``made_at`` is the moment whose state of the ledger it shows.
    """

    language: Language
    title: str
    identifier: str
    made_at: datetime
    mark: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[Table]
    remarks: Sequence[str]
    charts: Sequence[Chart] = ()


@dataclass(frozen=True, slots=True)
class Speaker:
    """Words that papers share, in one language."""

    language: Language

    def say(self, zh: str, en: str) -> str:
        return zh if self.language == "zh" else en

    def of(self, name: Bilingual) -> str:
        return self.say(name.zh, name.en)

    def book(self, book: Book) -> str:
        return self.say(*BOOK_NAMES[book])

    def book_in_full(self, book: Book) -> str:
        """The book's name as every heading must show it."""
        if book is not Book.ASSESSMENT:
            return self.book(book)
        return self.say(
            f"{self.book(book)}（{ASSESSMENT_MARK.zh}）", f"{self.book(book)} ({ASSESSMENT_MARK.en})"
        )

    def unit(self, commodity: Commodity) -> str:
        return self.say(commodity.unit_zh, commodity.unit_en)

    def commodity(self, commodity: Commodity) -> str:
        return self.say(commodity.name_zh, commodity.name_en)

    def column(self, zh: str, en: str, kind: ColumnKind = "text") -> Column:
        return Column(self.say(zh, en), kind)

    def moment(self, moment: datetime) -> str:
        """To the second, in Beijing time."""
        text = f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
        return self.say(f"{text}（北京时间）", f"{text} (Beijing time)")


def tables_by_unit(
    speaker: Speaker,
    name: Bilingual,
    columns: Sequence[Column],
    items: Iterable[Item],
    kind: Callable[[Item], tuple[Book | None, Commodity]],
    row: Callable[[Item], Sequence[Cell]],
    *,
    in_wan: bool = False,
) -> list[Table]:
    """A table for each book and unit among the items, in the order of books."""
    groups: dict[tuple[Book | None, str], list[Item]] = {}
    for item in items:
        book, commodity = kind(item)
        groups.setdefault((book, speaker.unit(commodity)), []).append(item)
    ranks = {book: rank for rank, book in enumerate([None, *Book])}
    books = [book for book, _ in groups]
    tables = []
    for (book, unit), of_group in sorted(groups.items(), key=lambda group: ranks[group[0][0]]):
        short, full = [speaker.of(name)], [speaker.of(name)]
        if book is not None:
            short.append(speaker.book(book))
            full.append(speaker.book_in_full(book))
        if books.count(book) > 1:
            short.append(unit)
        tables.append(
            Table(
                name=" ".join(short),
                heading=" · ".join(full),
                columns=columns,
                rows=[row(item) for item in of_group],
                unit=unit,
                in_wan=in_wan,
            )
        )
    return tables
