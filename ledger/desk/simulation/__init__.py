"""Simulation: a draft run over past quarters beside the terms in force. Nothing is written."""

from ledger.desk.simulation.comparison import (
    Change,
    ClauseStanding,
    Reasons,
    Row,
    Simulation,
    Standing,
    Total,
    Unreported,
)
from ledger.desk.simulation.past import QUARTERS_MAX, NothingInForce, simulate, simulate_figures
from ledger.desk.simulation.text import render_simulation

__all__ = [
    "QUARTERS_MAX",
    "Change",
    "ClauseStanding",
    "NothingInForce",
    "Reasons",
    "Row",
    "Simulation",
    "Standing",
    "Total",
    "Unreported",
    "render_simulation",
    "simulate",
    "simulate_figures",
]
