"""The vectorised evaluator: one quarter for many agreements at once, on arrays, exactly.

It computes what ``ledger.rules.plain`` computes, from the state that the quarter before carried on. It never
falls back to the plain evaluator: a clause that it can't compute exactly is refused by ``compile_clauses``.
"""

from ledger.rules.vector.columns import Allocations, Figures, Held, Result, State, Subjects
from ledger.rules.vector.compiled import ClauseInForce, ClauseRefused, Refused, Rules
from ledger.rules.vector.compiling import compile_clauses
from ledger.rules.vector.quarter import AttributesNotRead, FigureOfAnotherQuarter, evaluate_quarter
from ledger.rules.vector.replay import (
    amounts_by_key,
    carried_of,
    evaluate,
    evaluate_from,
    figures_of,
    held_of,
    state_of,
    subjects_of,
)

__all__ = [
    "Allocations",
    "AttributesNotRead",
    "ClauseInForce",
    "ClauseRefused",
    "FigureOfAnotherQuarter",
    "Figures",
    "Held",
    "Refused",
    "Result",
    "Rules",
    "State",
    "Subjects",
    "amounts_by_key",
    "carried_of",
    "compile_clauses",
    "evaluate",
    "evaluate_from",
    "evaluate_quarter",
    "figures_of",
    "held_of",
    "state_of",
    "subjects_of",
]
