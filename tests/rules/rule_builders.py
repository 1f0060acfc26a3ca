"""Small clauses, versions and facts, to be changed field by field; amounts in minor units."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ledger.periods import Quarter, Span
from ledger.rules.facts import Facts, Line, Outcome, Version
from ledger.rules.plain import evaluate
from ledger.rules.terms import Book, Terms

Json = dict[str, Any]
WAN_MINOR = 1_000_000


def wan(text: str | float) -> int:
    """Minor units of ten thousand yuan."""
    return int(Fraction(str(text)) * WAN_MINOR)


def clause(**changes: Any) -> Json:
    """Retained tax of the whole park, split 5:5, rounded down with the remainder to the host."""
    return {
        "number": 1,
        "title": {"zh": "税收分成", "en": "tax sharing"},
        "what": {"mechanism": "tax", "measures": ["retained_tax"], "reported_by": "host"},
        "whose": {"scope": "whole_park"},
        "when": {"step": "quarter"},
        "to_whom": to_whom(origin="1/2", host="1/2"),
        "then": {"provisional": "cash", "negative": "refund", "netting": True},
        "rounding": {"grain": "subject", "mode": "down", "remainder_to": "host"},
        "examples": [
            {
                "title": {"zh": "示例", "en": "example"},
                "figures": [{"span": "2024-01", "measure": "retained_tax", "amount": "1.00"}],
                "expect": [
                    {"first": "2024Q1", "last": "2024Q1", "book": "cash", "party": "host", "amount": "0"}
                ],
            }
        ],
    } | changes


def to_whom(**shares: str) -> Json:
    return {"regime": "proportional", "key": [{"shares": shares}], "otherwise": "host"}


def version(*clauses: Json, starts: str = "2024Q1", last_quarter: str | None = None) -> Version:
    document = {
        "agreement": "A-1",
        "roles": {"origin": "P-1", "host": "P-2", "fund": "P-3"},
        "in_force_from": starts,
        "last_quarter": last_quarter,
        "transition": "by_step",
        "clauses": list(clauses),
    }
    return Version(Quarter.parse(starts), Terms.model_validate_json(json.dumps(document)))


def line(span: str, amount_minor: int, measure: str = "retained_tax", subject: int = 0) -> Line:
    return Line(subject, measure, Span.parse(span), amount_minor)


def park(*lines: Line) -> Facts:
    return Facts(lines)


def by_role(outcome: Outcome, role: str, book: Book = Book.CASH) -> dict[str, int]:
    """Quarter to the role's minor units, all clauses and subjects together."""
    found: dict[str, int] = {}
    for key, amount in outcome.amounts.items():
        if key.role == role and key.book is book:
            found[str(key.quarter)] = found.get(str(key.quarter), 0) + amount.amount_minor
    return found


def run(versions: Version | Sequence[Version], facts: Facts, through: str, **held: Any) -> Outcome:
    sequence = [versions] if isinstance(versions, Version) else versions
    return evaluate(sequence, facts, Quarter.parse(through), **held)


def retention(measure: str, starts: str, *kept: str) -> Json:
    tiers = [{"name": {"zh": "级", "en": "tier"}, "kept": text} for text in kept]
    return {"measure": measure, "starts": starts, "tiers": tiers}


def capped(amount: str, **changes: Any) -> Json:
    """A lifetime cap: on the pool, or on the receipts of whoever is ``capped``."""
    measured_on = "receipts" if "capped" in changes else "pool"
    cap = {"amount": amount, "over": "lifetime", "measured_on": measured_on, "excess_to": None}
    return {"caps": [cap | changes]}
