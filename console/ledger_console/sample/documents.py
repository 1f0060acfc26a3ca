"""The sample's documents: one JSON file per agreement, and the parties that aren't on the roster of zones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ledger.periods import Quarter
from ledger.rules.terms import CauseOfMove, Event

FIRST_QUARTER = Quarter(2024, 1)
LAST_QUARTER = Quarter(2025, 4)
"""The sample has returns for every quarter from the first to the last, and all of them are closed."""

Permille = int
NO_SEASON: tuple[Permille, Permille, Permille, Permille] = (1000, 1000, 1000, 1000)


class Part(BaseModel):
    """A part of a sample document: immutable, nothing unknown allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Part):
    zh: str
    en: str


class Side(Part):
    role: str
    party: str = Field(description="The party's code.")
    signs: bool


class Enterprise(Part):
    """A made-up enterprise of the confirmed list; amounts are text in yuan."""

    credit_code: str
    name_zh: str
    events: dict[Event, date]
    pre_move_tax: dict[str, str]
    cause_of_move: CauseOfMove | None
    referred_by: str | None
    base_year_amount: str | None
    controller: str | None
    size_percent: int = Field(description="Its figures, in percent of the series' level.")


class Series(Part):
    """How a measure's made-up figures run; ``level`` is a quarter's amount in 2024Q1 before the season."""

    role: str
    measure: str
    level: str
    growth_percent_a_year: int
    by: Literal["park", "enterprise"]
    span: Literal["quarter", "month"]
    season_permille: tuple[Permille, Permille, Permille, Permille] = NO_SEASON


class Correction(Part):
    """A return handed in anew for an earlier quarter, one measure changed, of one enterprise or of all."""

    handed_in: str
    quarter: str
    role: str
    measure: str
    credit_code: str | None
    change_permille: Permille
    reason: Words


class Figures(Part):
    series: tuple[Series, ...]
    corrections: tuple[Correction, ...]


class SampleAgreement(Part):
    """An agreement of the sample: where it comes from, what it says, and what its returns are made of."""

    code: str
    kind: str
    title: Words
    source: str
    unverified: Words
    sides: tuple[Side, ...]
    handed_in_by: Literal["lines", "csv", "xlsx"]
    terms: dict[str, Any]
    amendments: tuple[dict[str, Any], ...]
    enterprises: tuple[Enterprise, ...]
    figures: Figures

    @property
    def signing_sides(self) -> tuple[Side, ...]:
        return tuple(side for side in self.sides if side.signs)

    @property
    def versions(self) -> Mapping[int, dict[str, Any]]:
        """Version number to the document of its terms."""
        return dict(enumerate((self.terms, *self.amendments), start=1))


class SampleParty(Part):
    """A county, park, fund or company that takes part beside the zones of the roster."""

    code: str
    kind: str
    name_zh: str
    name_en: str
    province_code: str
    province_zh: str
    region_class: str
    parent_code: str | None
    source: str


@cache
def agreements() -> tuple[SampleAgreement, ...]:
    """Every agreement of the sample, in the order of its files."""
    folder = files(__package__) / "agreements"
    documents = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name
    )
    return tuple(SampleAgreement.model_validate_json(file.read_bytes()) for file in documents)


@cache
def parties() -> tuple[SampleParty, ...]:
    """Every party of the sample that isn't on the roster of zones."""
    content = (files(__package__) / "parties.json").read_bytes()
    return TypeAdapter(tuple[SampleParty, ...]).validate_json(content)
