"""Builders of terms: JSON as a client would write it, with everything that a case doesn't vary filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Document = dict[str, Any]

HALVES = {"origin": "1/2", "host": "1/2"}
ROLES = {"origin": "ORIGIN", "host": "HOST"}


def terms(
    code: str,
    clauses: Sequence[Document],
    *,
    roles: Mapping[str, str] = ROLES,
    since: str = "2024Q1",
    last_quarter: str | None = None,
) -> Document:
    """A whole document."""
    return {
        "format": "parkledger.terms/1",
        "semantics": 1,
        "agreement": code,
        "roles": dict(roles),
        "in_force_from": since,
        "last_quarter": last_quarter,
        "transition": "by_step",
        "clauses": list(clauses),
    }


def tax(
    shares: Mapping[str, str] = HALVES, *, measures: Sequence[str] = ("retained_tax",), **parts: Any
) -> Document:
    """A clause about taxes, rounded cumulatively per subject, down, the remainder to the host."""
    return clause("tax", measures, [{"shares": dict(shares)}], **parts)


def statistic(measure: str, regime: str, shares: Mapping[str, str], *, number: int, **parts: Any) -> Document:
    """A clause about a statistic that is in place at the host."""
    made = clause("output_value", (measure,), [{"shares": dict(shares)}], number=number, **parts)
    made["to_whom"] |= {"regime": regime, "in_place": "host"}
    return made


def clause(
    mechanism: str,
    measures: Sequence[str],
    key: Sequence[Document],
    *,
    number: int = 1,
    deduct: Sequence[str] = (),
    scope: str = "whole_park",
    eligibility: Document | None = None,
    window: Document | None = None,
    retention: Sequence[Document] = (),
    rates: Sequence[Document] = (),
    own_rates: Mapping[str, str] | None = None,
    surplus: Document | None = None,
    recover: Document | None = None,
    apportion: Document | None = None,
    caps: Sequence[Document] = (),
    routing: Document | None = None,
    otherwise: str = "host",
    reported_by: str = "host",
    examples: Sequence[Document] | None = None,
) -> Document:
    """Any clause; the parts are those of docs/rule-semantics.md."""
    return {
        "number": number,
        "title": {"zh": f"第{number}条", "en": f"Clause {number}"},
        "what": {
            "mechanism": mechanism,
            "measures": list(measures),
            "deduct": list(deduct),
            "reported_by": reported_by,
        },
        "whose": {"scope": scope, "eligibility": eligibility},
        "when": {"step": "quarter", "window": window},
        "how_much": {
            "retention": list(retention),
            "rates": list(rates),
            "own_rates": dict(own_rates or {}),
            "surplus": surplus,
            "recover": recover,
        },
        "to_whom": {
            "regime": "proportional",
            "key": list(key),
            "apportion": apportion,
            "otherwise": otherwise,
            "in_place": None,
        },
        "within": {"caps": list(caps)},
        "then": {"routing": routing, "provisional": "cash", "negative": "refund", "netting": False},
        "rounding": {"grain": "subject", "mode": "down", "remainder_to": otherwise},
        "examples": list(examples) if examples else [_nothing(mechanism, measures[0], otherwise, scope)],
    }


def years(start: str, count: int, **more: Any) -> Document:
    """A window of ``count`` years from a stated day."""
    return {"clock": {"day": start, "begins": "step_of_day"}, "length_months": 12 * count, **more}


def retained(measure: str, *kept: str) -> Document:
    """One row of a retention table: what each tier keeps, in order."""
    tiers = [
        {"name": {"zh": f"第{tier}级", "en": f"tier {tier}"}, "kept": part}
        for tier, part in enumerate(kept, 1)
    ]
    return {"starts": "2016-01-01", "measure": measure, "tiers": tiers}


def three_factors(share_of: str, factors: Mapping[str, str]) -> Document:
    """A share divided by revenue, payroll and assets of 2023, a role having the same of each."""
    weights = {"revenue": "7/20", "payroll": "7/20", "assets": "3/10"}
    return {
        "share_of": share_of,
        "weights": weights,
        "factor_year": "previous",
        "zero_denominator": "drop_factor",
        "values": [
            {"year": 2023, "role": role, "values": dict.fromkeys(weights, value)}
            for role, value in factors.items()
        ],
    }


def example(
    figures: Sequence[tuple[str, str, str]], expect: Sequence[tuple[str, str, str, str]], book: str = "cash"
) -> Document:
    """A worked example of the whole park: (span, measure, amount) and (first, last, party, amount)."""
    return {
        "title": {"zh": "算例", "en": "Worked example"},
        "figures": [
            {"span": span, "measure": measure, "amount": amount} for span, measure, amount in figures
        ],
        "expect": [
            {"first": first, "last": last, "book": book, "party": party, "amount": amount}
            for first, last, party, amount in expect
        ],
    }


def _nothing(mechanism: str, measure: str, otherwise: str, scope: str) -> Document:
    """The least that a clause can promise: out of nothing comes nothing."""
    book = "assessment" if mechanism == "output_value" else "cash"
    made = example([("2024Q1", measure, "0.00")], [("2024Q1", "2024Q1", otherwise, "0.00")], book)
    if scope == "listed_enterprises":
        made["subjects"] = {"a": {}}
        made["figures"][0]["subject"] = "a"
    return made
