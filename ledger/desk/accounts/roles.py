"""Roles: what an account may do and see, and for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ledger_schema.sight import Sight


class Role(StrEnum):
    """What somebody does. Officers and approvers do it for one party, the others look on."""

    OFFICER = "officer"
    """经办: prepares and hands in what a party says."""
    APPROVER = "approver"
    """复核: checks it, certifies it, and brings the party's signature."""
    AUDITOR = "auditor"
    """审计: reads everything in the mandate, lines of all sides included."""
    PROVINCE = "province"
    """省级主管: reads every agreement with a party in the province, and arbitrates."""
    OPERATOR = "operator"
    """运维: registers parties; accounts are managed at the command line. No authority over data."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role held by an account: for a party, in a province, or (auditor, operator) for neither.

    ``ends`` is its last day in Beijing; with one it is a delegation. None: until it is ended.
    """

    grant_id: int
    role: Role
    party_id: int | None
    party_code: str | None
    province_code: str | None
    ends: date | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """Whoever signs in, as of one moment: ``grants`` are those in force then, ``sight`` what they show.

    ``person`` is whose account it is. Accounts of one person are one person wherever two are needed.
    """

    user_id: int
    name: str
    person: str
    kind: str
    grants: tuple[Grant, ...]
    sight: Sight

    def holds(self, role: Role) -> bool:
        """Whether the role is held for anybody."""
        return any(grant.role == role for grant in self.grants)

    def parties_as(self, roles: Iterable[Role]) -> frozenset[int]:
        """The parties for which one of the roles is held."""
        wanted = frozenset(roles)
        return frozenset(
            grant.party_id for grant in self.grants if grant.role in wanted and grant.party_id is not None
        )

    @property
    def provinces(self) -> frozenset[str]:
        """The codes of the provinces of which it is an official."""
        return frozenset(grant.province_code for grant in self.grants if grant.province_code is not None)
