"""The sample's documents: one JSON file per agreement, and the parties that aren't on the roster of zones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ledger.periods import Quarter
from ledger.rules.commitments import RecordKind
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
    since: str | None = Field(default=None, description="The first quarter with figures; None: every one.")


class Correction(Part):
    """A return handed in anew for an earlier quarter, one measure changed, of one enterprise or of all."""

    handed_in: str
    quarter: str
    role: str
    measure: str
    credit_code: str | None
    change_permille: Permille
    reason: Words


class Difference(Part):
    """What the other side's own list has more than the figure of record (less, where negative)."""

    quarter: str
    measure: str
    credit_code: str | None
    amount: str


class OwnList(Part):
    """A side's own figures from a quarter on: those of ``record``, but for the differences."""

    role: str
    record: str
    since: str
    differences: tuple[Difference, ...]


class Begun(Part):
    """A role that has handed in the open quarter."""

    role: str
    is_certified: bool


class Figures(Part):
    series: tuple[Series, ...]
    corrections: tuple[Correction, ...]
    own_lists: tuple[OwnList, ...] = ()
    begun: tuple[Begun, ...] = ()


class People(Part):
    """Made-up people of a role: who hands in and acts, and who certifies."""

    role: str
    maker: str
    checker: str


class SampleExplanation(Part):
    """Lines of the whole park that differ, for a reason that both sides confirm."""

    quarter: str
    role: str
    accepted_by: str
    measures: tuple[str, ...]
    reason: str
    note: str


class SampleDispute(Part):
    """A line of an enterprise that one side disputes and the other answers for; it stays open."""

    quarter: str
    role: str
    answered_by: str
    measure: str
    credit_code: str
    text: str
    answer: str


class SamplePayment(Part):
    """A part of what a clause's leg of a quarter asks for, paid on a day."""

    quarter: str
    clause: int
    percent: int
    value_day: date
    channel: Literal["bank", "treasury"]


class SampleNetting(Part):
    """What parties (by code) owe each other is set off on ``day``; what is left is paid later."""

    parties: tuple[str, ...]
    day: date
    paid_on: date


class SampleInterest(Part):
    """Interest that the payee charges on a clause's leg of a quarter to the end of ``day``'s month."""

    quarter: str
    clause: int
    day: date


class SampleRecord(Part):
    """What came of a commitment, recorded by a role and confirmed by the others; ``evidence`` is a text."""

    code: str
    kind: RecordKind
    role: str
    day: date
    note: str
    reached_count: int | None = None
    evidence: str | None = None


class SampleBooking(Part):
    """Days of a resource, which begin so many days after the sample is loaded; None: not decided yet."""

    role: str
    begins_after_days: int
    day_count: int
    purpose: str
    decision: Literal["accepted", "declined"] | None = None
    reason: str = ""


class SampleResource(Part):
    """A platform or an expert that a role shares under a commitment, with its bookings in order."""

    role: str
    code: str
    commitment: str
    kind: Literal["platform", "expert"]
    name: Words
    field: str
    offer: str
    from_day: date
    bookings: tuple[SampleBooking, ...]


class Desk(Part):
    """What people do beside handing in and signing: about quarters, commitments and what is shared."""

    people: tuple[People, ...] = ()
    explanations: tuple[SampleExplanation, ...] = ()
    disputes: tuple[SampleDispute, ...] = ()
    payments: tuple[SamplePayment, ...] = ()
    netting: SampleNetting | None = None
    interest: tuple[SampleInterest, ...] = ()
    records: tuple[SampleRecord, ...] = ()
    resources: tuple[SampleResource, ...] = ()

    def of_role(self, role: str) -> People | None:
        """The people of a role; None where nobody is named."""
        return next((one for one in self.people if one.role == role), None)


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
    desk: Desk = Desk()

    @property
    def signing_sides(self) -> tuple[Side, ...]:
        return tuple(side for side in self.sides if side.signs)

    def party_of(self, role: str) -> str:
        """The code of the role's party."""
        return next(side.party for side in self.sides if side.role == role)

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
