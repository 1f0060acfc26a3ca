"""How the sides of an agreement work a quarter through: the part of the terms that isn't about amounts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal, cast

from pydantic import Field

from ledger.periods import Quarter
from ledger.rules.fields import AmountText, Document, MeasureName, Role

UNANSWERED: dict[str, tuple[str, str]] = {
    "withheld": (
        "对方未申报的数据暂不纳入结算",
        "what the other side says nothing about waits outside the settlement",
    ),
    "accepted": ("对方未申报的数据照常纳入结算", "what the other side says nothing about counts"),
}
"""The readings of an unanswered line, as phrases in Chinese and English."""

CalendarStep = Literal["submit", "certify", "reconcile", "sign", "fund", "second_fund"]
"""In the order in which a quarter is worked through."""

Days = Annotated[int, Field(ge=0, le=730)]


class Tolerance(Document):
    """How far two figures of one line may differ and still count as the same."""

    measure: MeasureName
    amount: AmountText = Field(description="In the commodity's unit, for a line by itself.")


class Reconciliation(Document):
    """The return that holds the figures of record is compared, line by line, with another side's own."""

    record: Role = Field(description="The role whose return holds the figures of record.")
    against: Role = Field(description="The role whose own return they are compared with.")
    tolerances: tuple[Tolerance, ...] = Field(
        default=(), description="By measure; a measure that isn't named has no tolerance."
    )
    unanswered: Literal["withheld", "accepted"] = Field(
        description="Lines of record that the other side says nothing about: they wait outside the "
        "settlement, or count."
    )


class Calendar(Document):
    """By when each step is done, in days after the last day of the quarter."""

    submit_days: Days
    certify_days: Days | None = None
    reconcile_days: Days | None = None
    sign_days: Days
    fund_days: Days = Field(description="The day on which what is owed falls due.")
    second_fund_days: Days | None = Field(
        default=None,
        description="A second round for what wasn't paid in the first; only what isn't paid then is overdue.",
    )

    @property
    def steps(self) -> dict[str, int]:
        """The steps that there are, in order, with their days."""
        return {name: days for name, days in self if days is not None}

    def due_days(self, quarter: Quarter) -> dict[CalendarStep, date]:
        """The last day of each step that there is, in order."""
        return {
            cast("CalendarStep", name.removesuffix("_days")): quarter.last_day + timedelta(days=days)
            for name, days in self.steps.items()
        }


class Procedure(Document):
    """What must happen before a quarter counts. Whoever isn't named has nothing to do."""

    certified: tuple[Role, ...] = Field(
        default=(),
        description="Roles whose returns count only when a second person of the same party certified them.",
    )
    sealed: bool = Field(
        default=False,
        description="Each side commits to its figures by a hash first; they open when all are in, or at the "
        "day for submitting. Needs a calendar.",
    )
    lines: Literal["closed", "open"] = Field(
        default="closed",
        description="Whether all sides read each other's lines of enterprises, or only their totals. Sides "
        "whose returns are compared read each other's in any case.",
    )
    reconciliations: tuple[Reconciliation, ...] = ()
    signed_by: tuple[Role, ...] = Field(
        default=(), description="Roles whose signatures a settlement needs before it closes the quarter."
    )
    arbiter: Role | None = Field(
        default=None, description="Whose decision ends a dispute that the sides can't end themselves."
    )
    reopened_by: tuple[Role, ...] = Field(
        default=(),
        description="Roles that all sign to reopen the last closed quarter; none: it is never reopened.",
    )
    calendar: Calendar | None = None

    def figures_of(self, role: str) -> tuple[str, ...]:
        """Whose figures the role's return holds: its own, and those that they are compared with."""
        return role, *(one.record for one in self.reconciliations if one.against == role)

    @property
    def roles(self) -> frozenset[str]:
        """Every role that the procedure names."""
        compared = (role for one in self.reconciliations for role in (one.record, one.against))
        arbiter = () if self.arbiter is None else (self.arbiter,)
        return frozenset((*self.certified, *self.signed_by, *self.reopened_by, *arbiter, *compared))
