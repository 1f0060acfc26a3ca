"""What a role is to report for a quarter."""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.desk.agreements import agreement, terms_in_force
from ledger.desk.enterprises import confirmed_list
from ledger.desk.returns.checks import Expectation, ListedEnterprise, expected_measures
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger.rules.procedure import Procedure
from ledger.rules.terms import Terms
from ledger.rules.vouchers import cleared_roles


class NoOpenQuarter(LedgerError):
    """The agreement isn't in force yet, or has ended."""

    code = "NO_OPEN_QUARTER"
    sentence_en = (
        "Agreement {agreement} has no open quarter, so nothing can be handed in. "
        "Bring its terms into force first."
    )
    sentence_zh = "协议 {agreement} 没有未关账的季度，不能申报。请先使条款生效。"


class QuarterOutOfReach(LedgerError):
    """A quarter before the first in force, after the last, or ahead of the open one."""

    code = "QUARTER_OUT_OF_REACH"
    sentence_en = "Expected a quarter from {first} to {last}, but got {quarter}."
    sentence_zh = "季度应在 {first} 至 {last} 之间，实际为 {quarter}。"


class RoleReportsNothing(LedgerError):
    """No clause in force for the quarter reads figures of the role."""

    code = "ROLE_REPORTS_NOTHING"
    sentence_en = (
        "Under the terms in force for {quarter}, role {role} reports nothing. Reporting roles: {roles}."
    )
    sentence_zh = "按 {quarter} 有效的条款，角色 {role} 无须申报。应申报的角色：{roles}。"


class ReturnIsCleared(LedgerError):
    """The role's figures are what vouchers' claims decided; nobody hands them in."""

    code = "RETURN_IS_CLEARED"
    sentence_en = (
        "The return of {role} for {quarter} is made when the agreement's vouchers are cleared. Clear them."
    )
    sentence_zh = "{role} {quarter} 的申报由创新券清算生成，不能自行申报。请进行清算。"


def terms_for(connection: Connection, agreement_id: int, quarter: Quarter) -> Terms:
    """The terms in force for ``quarter``. Raises ``NotFound``, ``NoOpenQuarter``, ``QuarterOutOfReach``."""
    code = agreement(connection, agreement_id).code
    versions = terms_in_force(connection, agreement_id)
    if not versions:
        raise NoOpenQuarter(agreement=code)
    begun = [version for version in versions if version.starts <= quarter]
    last = begun[-1].terms.last_quarter if begun else None
    if not begun or (last is not None and quarter > Quarter.parse(last)):
        raise QuarterOutOfReach(first=versions[0].starts, last=last or "…", quarter=quarter)
    return begun[-1].terms


def expectation(connection: Connection, agreement_id: int, role: str, quarter: Quarter) -> Expectation:
    """What ``role`` is to report for ``quarter`` under the terms in force for it.

    Raises ``NotFound``, ``QuarterOutOfReach``, ``RoleReportsNothing``, ``NoOpenQuarter``,
    ``ReturnIsCleared``.
    """
    terms = terms_for(connection, agreement_id, quarter)
    if role in cleared_roles(terms.clauses):
        raise ReturnIsCleared(role=role, quarter=quarter)
    procedure = terms.procedure or Procedure()
    measures = expected_measures(terms.clauses, *procedure.figures_of(role))
    if not measures:
        reporting = ", ".join(sorted(terms.reporting_roles))
        raise RoleReportsNothing(quarter=quarter, role=role, roles=reporting)
    listed = _listed_enterprises(connection, agreement_id)
    return Expectation(terms.agreement, role, quarter, measures, listed)


def _listed_enterprises(connection: Connection, agreement_id: int) -> dict[str, ListedEnterprise]:
    held = confirmed_list(connection, agreement_id)
    entries = [] if held is None else held.entries
    return {entry.credit_code: ListedEnterprise(entry.enterprise_id, entry.name_zh) for entry in entries}
