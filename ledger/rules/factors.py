"""Dividing by factors: each party's part is the weighted sum of its parts of several totals.

As branches of one enterprise divide a tax by revenue, payroll and assets (财预〔2012〕40号), or
municipalities by wages rounded down to full thousands (GewStG § 29).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ledger.money import RoundingMode, divide

Values = Mapping[str, Mapping[str, Fraction]]
"""Party to factor to value; a factor that isn't there is 0."""


@dataclass(frozen=True, slots=True)
class FactorPart:
    """What one factor gives one party: ``weight`` × ``value`` / ``total``, or an equal part of it."""

    factor: str
    weight: Fraction
    value: Fraction
    total: Fraction
    parties: int

    @property
    def part(self) -> Fraction:
        return self.weight * (self.value / self.total if self.total else Fraction(1, self.parties))

    def __str__(self) -> str:
        ratio = f"{self.value}/{self.total}" if self.total else f"1/{self.parties}"
        return f"{self.weight} × {ratio}"


def factor_parts(
    weights: Mapping[str, Fraction], values: Values, *, drops_empty: bool
) -> dict[str, list[FactorPart]]:
    """What every factor gives every party of ``values``; each party's ratio is the sum.

    A factor whose total is 0 is divided equally; with ``drops_empty`` it is left out, the weights of the
    others grow to add up to 1, and only where nothing is left every factor is divided equally.
    """
    totals = {
        factor: sum((of_party.get(factor, Fraction(0)) for of_party in values.values()), Fraction(0))
        for factor in weights
    }
    used = _used(weights, totals) if drops_empty else weights
    return {
        party: [
            FactorPart(factor, weight, of_party.get(factor, Fraction(0)), totals[factor], len(values))
            for factor, weight in used.items()
        ]
        for party, of_party in values.items()
    }


def _used(weights: Mapping[str, Fraction], totals: Mapping[str, Fraction]) -> Mapping[str, Fraction]:
    whole = sum((weight for factor, weight in weights.items() if totals[factor]), Fraction(0))
    if not whole:
        return weights
    return {factor: weight / whole for factor, weight in weights.items() if totals[factor]}


def rounded_ratios(
    ratios: Mapping[str, Fraction], places: int, mode: RoundingMode, remainder_to: str
) -> dict[str, Fraction]:
    """The ratios with ``places`` decimal places; ``remainder_to`` takes what is missing to 1.

    Where ``remainder_to`` isn't among the parties, the last of them in alphabetical order does.
    """
    if not ratios:
        return {}
    parties = sorted(ratios)
    index = parties.index(remainder_to) if remainder_to in ratios else len(parties) - 1
    whole = divide([ratios[party] * 10**places for party in parties], mode, index)
    return {party: Fraction(number, 10**places) for party, number in zip(parties, whole, strict=True)}
