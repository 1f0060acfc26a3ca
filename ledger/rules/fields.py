"""What the fields of the terms are made of: texts of exact form, and parts that can't be changed."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from ledger.money import ShareUnreadable, parse_share
from ledger.periods import DayUnreadable, PeriodUnreadable, Quarter, parse_day


def _share(text: str) -> str:
    try:
        parse_share(text)
    except ShareUnreadable as refusal:
        raise PydanticCustomError("share", "expected an exact share, got {text}", {"text": text}) from refusal
    return text


def _quarter(text: str) -> str:
    try:
        Quarter.parse(text)
    except PeriodUnreadable as refusal:
        raise PydanticCustomError("quarter", "expected a quarter, got {text}", {"text": text}) from refusal
    return text


def _day(written: object) -> object:
    """Only text and days: Pydantic alone would take a number as seconds since 1970."""
    if isinstance(written, date):
        return written
    text = written if isinstance(written, str) else repr(written)
    try:
        return parse_day(text)
    except DayUnreadable as refusal:
        raise PydanticCustomError("day", "expected a day, got {text}", {"text": text}) from refusal


AmountText = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$")]
SignedAmountText = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,6})?$")]
ShareText = Annotated[str, AfterValidator(_share)]
WeightText = Annotated[
    str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,6}|/[1-9][0-9]{0,15})?$")
]
Day = Annotated[date, BeforeValidator(_day)]
QuarterText = Annotated[str, AfterValidator(_quarter)]
SpanText = Annotated[str, StringConstraints(pattern=r"^[12][0-9]{3}(Q[1-4]|-(0[1-9]|1[0-2]))$")]
Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
OccurrenceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
MeasureName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
FactorName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
AttributeValue = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f“”]{1,60}$")]
Where = Annotated[
    dict[AttributeName, Annotated[tuple[AttributeValue, ...], Field(min_length=1)]],
    Field(description="Attribute to its accepted values; every attribute named must have one of them."),
]
Months = Annotated[int, Field(ge=1, le=1200)]


class Document(BaseModel):
    """A part of the terms: immutable, nothing unknown allowed, no value converted silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=False)


class Bilingual(Document):
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
