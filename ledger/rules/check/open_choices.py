"""Choices that a document leaves open: where they are, and what could stand there.

A choice is a field that must be decided because the rule can be read in more than one way: those of
``READINGS``, those beside the clauses, and the parties who take what rounding, a window or a limit leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ledger.rules.choices import choice_at, readings_at
from ledger.rules.words import role_en, role_zh

Location = tuple[int | str, ...]

ROLE_CHOICES = frozenset(
    {
        "to_whom.otherwise",
        "to_whom.apportion.ratio_rounding.remainder_to",
        "rounding.remainder_to",
        "within.caps.excess_to",
        "within.budget.excess_to",
    }
)
_HELD_AT = {"rounding.grain": "subject"}
"""What an open choice is held at where its first reading would exclude other parts of a clause."""
_NOBODY = ("不归任何一方", "nobody")


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that may stand in the field, and what it means."""

    value: str | bool | None
    zh: str
    en: str

    @property
    def written(self) -> str:
        """The value as people name it."""
        return _written(self.value)


@dataclass(frozen=True, slots=True)
class OpenChoice:
    """A field that must say which reading holds, and doesn't. ``got`` is what stands there, if anything."""

    location: Location
    got: str | None
    readings: tuple[Reading, ...]
    first: Reading
    """The reading that is taken while other choices are looked at."""

    @property
    def name(self) -> str:
        return str(self.location[-1])

    @property
    def field(self) -> str:
        """The field's path in its clause, or in the document, without indexes."""
        return relative(self.location)

    @property
    def kind(self) -> str:
        """The field whose readings this one has."""
        return choice_at(self.field)


def open_choice(document: Any, location: Location, got: str | None) -> OpenChoice | None:
    """The choice at ``location``; None where the field isn't one."""
    field = relative(location)
    if field in ROLE_CHOICES and got is None:
        readings = _role_readings(document, location)
    else:
        readings = tuple(Reading(_value(text), zh, en) for text, (zh, en) in readings_at(field).items())
    return OpenChoice(location, got, readings, _first(document, location, readings)) if readings else None


def choose(document: Any, location: Location, reading: Reading) -> None:
    """Puts the reading into the document, with what must and mustn't stand beside it."""
    holder, name = value_at(document, location[:-1]), location[-1]
    holder[name] = reading.value
    if "caps" not in location:
        return
    match name, reading.value:
        case "measured_on", "pool":
            holder.pop("capped", None)
        case "measured_on", "receipts":
            if not holder.get("capped"):
                holder["capped"] = next(iter(_roles(document, location)), None)
        case "over", "lifetime":
            holder.pop("unused", None)
        case "over", "year":
            holder["unused"] = holder.get("unused") or "lapses"
        case "per", "subject":
            holder.pop("order", None)


def locations(value: Any, location: Location) -> Iterator[Location]:
    """Every place below ``value``, which stands at ``location``, in the order of the document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*location, name)
        yield from locations(part, (*location, name))


def value_at(document: Any, location: Location) -> Any:
    """What stands there. Raises ``LookupError``."""
    for part in location:
        document = document[part]
    return document


def relative(location: Location) -> str:
    """The location inside its clause, without indexes: ``when.window.clock.begins``."""
    names = [part for part in location if isinstance(part, str)]
    return ".".join(names[1:] if names[:1] == ["clauses"] else names)


def json_path(location: Location) -> str:
    """The location as a JSON path: ``$.clauses[0].number``."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def _first(document: Any, location: Location, readings: tuple[Reading, ...]) -> Reading:
    """The first reading that goes with whatever else a clause may say."""
    by_quarter = value_at(document, location[:-1]).get("base_by_quarter")
    wanted = "same_quarter" if by_quarter else _HELD_AT.get(relative(location), readings[0].value)
    return next((reading for reading in readings if reading.value == wanted), readings[0])


def _role_readings(document: Any, location: Location) -> tuple[Reading, ...]:
    roles = tuple(Reading(role, role_zh(role), role_en(role)) for role in _roles(document, location))
    return (*roles, Reading(None, *_NOBODY)) if location[-1] == "excess_to" else roles


def _roles(document: Any, location: Location) -> list[str]:
    """The parties that the clause divides among, in the order written; every role where that isn't seen."""
    roles = document.get("roles") if isinstance(document, dict) else None
    known = list(roles) if isinstance(roles, dict) else []
    return [role for role in _first_row(document, location) if role in known] or known


def _first_row(document: Any, location: Location) -> list[str]:
    """The names in the first row of shares or weights, of the key or of bands."""
    match value_at(document, location[:2]).get("to_whom"):
        case {"key": [{"shares": dict(parts)} | {"weights": dict(parts)}, *_]}:
            return list(parts)
        case {"bands": {"rows": [{"shares": dict(parts)} | {"weights": dict(parts)}, *_]}}:
            return list(parts)
        case _:
            return []


def _value(text: str) -> str | bool:
    return text == "true" if text in ("true", "false") else text


def _written(value: str | bool | None) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case _:
            return value
