"""Who is paired with whom: a party, a province, a region class, or the north or south of the country."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

from ledger.desk.days import ALWAYS
from ledger.errors import LedgerError

GroupKind = Literal["party", "province", "region", "half"]

NORTH = (
    *("110000", "120000", "130000", "140000", "150000", "210000", "220000", "230000"),
    *("370000", "410000", "610000", "620000", "630000", "640000", "650000"),
)
"""The provinces north of the Qinling and the Huaihe, as statistics usually divide; no regulation fixes it."""

MEMBERS: dict[GroupKind, str] = {
    "party": """
        WITH RECURSIVE member (party_id) AS (
            SELECT party_id FROM party WHERE code = :code
            UNION SELECT park.party_id FROM party AS park JOIN member ON parent_party_id = member.party_id
        ) SELECT party_id FROM member
    """,
    "province": "SELECT party_id FROM party WHERE province_code = :code",
    "region": "SELECT party_id FROM party WHERE region_class = :code",
    "half": """
        SELECT party_id FROM party
        WHERE (province_code = ANY(:north)) = (:code = 'North') AND :code IN ('North', 'South')
    """,
}
"""A zone's own parks are members of its group."""
KNOWN = "SELECT party_id FROM party WHERE recorded_at <= :known_at AND party_id IN ({})"

KEYS: dict[GroupKind, str] = {
    "party": "coalesce(code, '')",
    "province": "coalesce(province_code, '')",
    "region": "coalesce(region_class, '')",
    "half": "CASE WHEN province_code IS NULL THEN '' WHEN province_code = ANY(:north) THEN 'North' "
    "ELSE 'South' END",
}
"""The group of its kind that a row of ``party`` is in, as SQL; empty where its province isn't known."""


SIDES = """
    WITH side AS MATERIALIZED (
        SELECT party_id, party_id = ANY(:one) AS in_one, party_id = ANY(:other) AS in_other FROM party
    )
"""
"""The beginning of statements that join ``side``, which tells of every party which groups it is in.

All parties are told apart first, and once. Rows that ask for two long lists themselves go through them one by
one, and a prepared plan can't know how long the lists are.
"""


class GroupEmpty(LedgerError):
    """Nobody in the ledger is in the group."""

    code = "GROUP_EMPTY"
    sentence_en = (
        "There is nobody in the group {kind} {name}. Give a party's code, a province's six digits, East, "
        "Central, West or Northeast, or North or South."
    )
    sentence_zh = (
        "分组 {kind} {name} 中没有任何主体。请填写主体编号、六位省级代码、East、Central、West、Northeast，"
        "或 North、South。"
    )


@dataclass(frozen=True, slots=True)
class Group:
    """``code`` is a party's code, a province's six digits, a region class, or North or South."""

    kind: GroupKind
    code: str


def members(connection: Connection, group: Group, known_at: datetime | None = None) -> list[int]:
    """The parties in the group as known at a moment (None: now). Raises ``GroupEmpty``."""
    parameters = {"code": group.code, "known_at": known_at or ALWAYS}
    parameters |= {"north": list(NORTH)} if group.kind == "half" else {}
    found = list(connection.execute(text(KNOWN.format(MEMBERS[group.kind])), parameters).scalars())
    if not found:
        raise GroupEmpty(kind=group.kind, name=group.code)
    return found
