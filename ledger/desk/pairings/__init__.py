"""Pairings: what two zones, provinces or regions have with each other, and the nation at a glance."""

from ledger.desk.pairings.groups import Group, GroupEmpty, GroupKind, members
from ledger.desk.pairings.nation import RANKED_MOST, Cell, Grouping, Rank, Year, matrix, ranking, trend
from ledger.desk.pairings.pairing import Credit, Debt, Disputes, Flow, Pairing, pairing
from ledger.desk.pairings.paper import PairingForm, pairing_file, pairing_paper
from ledger.desk.pairings.room import Room, rooms_left

__all__ = [
    "RANKED_MOST",
    "Cell",
    "Credit",
    "Debt",
    "Disputes",
    "Flow",
    "Group",
    "GroupEmpty",
    "GroupKind",
    "Grouping",
    "Pairing",
    "PairingForm",
    "Rank",
    "Room",
    "Year",
    "matrix",
    "members",
    "pairing",
    "pairing_file",
    "pairing_paper",
    "ranking",
    "rooms_left",
    "trend",
]
