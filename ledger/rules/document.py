"""The document as data: its JSON Schema, and the one form in which equal terms are equal."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount, parse_amount
from ledger.rules.plain.case import MONEY_SCALE, scale_of
from ledger.rules.procedure import Procedure
from ledger.rules.terms import FORMAT, Clause, Terms
from ledger.rules.words import exact_number

Json = dict[str, Any]

_AMOUNT_FIELDS = frozenset({"above", "amount", "yearly_amount", "base", "base_year_amount", "routed"})


def json_schema() -> Json:
    """The JSON Schema of a document of terms; ``docs/terms.schema.json`` is its committed copy."""
    schema = Terms.model_json_schema(mode="validation")
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": FORMAT,
        **schema,
        "title": "Terms of an agreement (协议条款)",
    }


def json_schema_text() -> str:
    """What ``docs/terms.schema.json`` holds."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def normalise(terms: Terms) -> Json:
    """The document with every field present, shares in lowest terms and amounts with all their places.

    Terms that say the same are equal in this form, and only those.
    """
    document: Json = terms.model_dump(mode="json")
    document["clauses"] = [normalise_clause(clause) for clause in terms.clauses]
    if terms.procedure is not None:
        document["procedure"] = _normal_procedure(terms.procedure)
    return document


def _normal_procedure(procedure: Procedure) -> Json:
    document: Json = procedure.model_dump(mode="json")
    for one in document["reconciliations"]:
        for row in one["tolerances"]:
            row["amount"] = _places(row["amount"], MEASURE_BY_NAME[row["measure"]].commodity.scale)
    return document


def normalise_clause(clause: Clause) -> Json:
    """The clause's part of ``normalise``."""
    document: Json = _normal(clause.model_dump(mode="json"), "", scale_of(clause))
    return document


def _normal(value: Any, name: str, scale: int) -> Any:
    """``value``, which stands in the field ``name``; an entry of a list or map stands in that field."""
    match value:
        case dict() if name in _MAPS:
            return {key: _MAPS[name](text) for key, text in value.items()}
        case dict():
            return _normal_fields(value, name, scale)
        case list() if name == "base_by_quarter":
            return [_places(text, scale) for text in value]
        case list():
            return [_normal(part, "", scale) for part in value]
        case str() if name in _TEXTS:
            return _TEXTS[name](value)
        case str() if name in _AMOUNT_FIELDS:
            return _places(value, scale)
        case _:
            return value


def _normal_fields(fields: Json, name: str, scale: int) -> Json:
    match name:
        case "attributes" | "where" | "occurrences":
            return fields
        case "subjects":
            return {subject: _normal(part, "", scale) for subject, part in fields.items()}
        case _:
            return {inner: _normal(part, inner, scale) for inner, part in fields.items()}


def _places(text: str, scale: int) -> str:
    return format_amount(parse_amount(text, scale), scale)


def _exact(text: str) -> str:
    return str(Fraction(text))


def _yuan(text: str) -> str:
    return _places(text, MONEY_SCALE)


_MAPS: dict[str, Callable[[str], str]] = {
    "shares": _exact,
    "weights": _exact,
    "values": exact_number,
    "own_rates": _exact,
    "entries": str,
    "exits": str,
    "pre_move_tax": _yuan,
}
"""What makes each value of a map normal; the names in it are free."""
_TEXTS: dict[str, Callable[[str], str]] = {
    "kept": _exact,
    "monthly_rate": _exact,
    "part": _exact,
    "rate": _exact,
    "yearly_return": _exact,
    "round_down_to": exact_number,
    "pre_move_tax_average_at_least": _yuan,
}
