"""The plain evaluator: the reference, one subject at a time, that reads like the specification."""

from ledger.rules.plain.evaluation import (
    ClauseNotInForce,
    FigureNotOfMonth,
    clause_at,
    evaluate,
    evaluate_from,
    explain,
    of_clause,
    remaining,
    version_in_force,
)

__all__ = [
    "ClauseNotInForce",
    "FigureNotOfMonth",
    "clause_at",
    "evaluate",
    "evaluate_from",
    "explain",
    "of_clause",
    "remaining",
    "version_in_force",
]
