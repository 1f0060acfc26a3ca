"""Running the checks: each over everything, or agreement by agreement, in one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select, union
from sqlalchemy.exc import DataError, ProgrammingError

from ledger.desk.fsck.accounts import check_accounts
from ledger.desk.fsck.agreements import check_agreements, check_quarters
from ledger.desk.fsck.balances import check_balances
from ledger.desk.fsck.commitments import check_commitments
from ledger.desk.fsck.comparing import UNREADABLE, WHOLE_ROW, Mismatch, Scope
from ledger.desk.fsck.events import check_events, check_keys
from ledger.desk.fsck.facts import check_documents, check_lists, check_occurrences
from ledger.desk.fsck.log import check_log
from ledger.desk.fsck.moments import all_readable
from ledger.desk.fsck.parties import check_parties, check_reference
from ledger.desk.fsck.payables import check_payables
from ledger.desk.fsck.payments import check_payments
from ledger.desk.fsck.reconciliations import check_reconciliation
from ledger.desk.fsck.returns import check_lines, check_returns
from ledger.desk.fsck.reviews import check_reviews
from ledger.desk.fsck.salting import check_salts
from ledger.desk.fsck.settlements import check_settlements
from ledger.desk.fsck.sharing import check_sharing
from ledger.desk.fsck.signing import check_signing
from ledger.desk.fsck.summing import check_sums
from ledger.desk.fsck.vouchers import check_vouchers
from ledger.desk.fsck.zones import check_zones
from ledger.evidence.notes import Note, VerifierKey
from ledger.periods import Quarter
from ledger_schema.tables import event, metadata


@dataclass(frozen=True, slots=True)
class Check:
    """One subject: ``look`` recomputes it. ``by_agreement``: it looks at one agreement at a time."""

    code: str
    name_zh: str
    name_en: str
    look: Callable[[Scope], Iterator[Mismatch]]
    by_agreement: bool

    @property
    def meaning(self) -> str:
        """What it recomputes."""
        return " ".join((self.look.__doc__ or "").split())


CHECKS: tuple[Check, ...] = (
    Check("events", "事件", "events", check_events, False),
    Check("keys", "幂等键", "idempotency keys", check_keys, False),
    Check("log", "日志", "the log", check_log, False),
    Check("reference", "基础数据", "reference data", check_reference, False),
    Check("parties", "主体", "parties", check_parties, False),
    Check("zones", "高新区", "zones", check_zones, False),
    Check("accounts", "账号", "accounts", check_accounts, False),
    Check("documents", "凭证", "documents", check_documents, False),
    Check("payments", "付款", "payments", check_payments, False),
    Check("reviews", "评估", "reviews", check_reviews, False),
    Check("vouchers", "创新券", "vouchers", check_vouchers, False),
    Check("agreements", "协议", "agreements", check_agreements, True),
    Check("lists", "企业名单", "enterprise lists", check_lists, True),
    Check("occurrences", "约定事项", "occurrences", check_occurrences, True),
    Check("commitments", "承诺", "commitments", check_commitments, True),
    Check("sharing", "资源共享", "shared resources", check_sharing, True),
    Check("returns", "申报", "returns", check_returns, True),
    Check("lines", "申报明细", "lines of returns", check_lines, True),
    Check("reconciliation", "对账", "reconciliation", check_reconciliation, True),
    Check("settlements", "结算", "settlements", check_settlements, True),
    Check("balances", "账户余额", "balances of accounts", check_balances, True),
    Check("salts", "加盐树", "salted trees", check_salts, True),
    Check("payables", "应付款项", "payables", check_payables, True),
    Check("sums", "汇总", "sums of closed quarters", check_sums, True),
    Check("signing", "签署", "signatures", check_signing, True),
    Check("quarters", "季度", "quarters", check_quarters, True),
)
CHECK_BY_CODE = {check.code: check for check in CHECKS}


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found, and how many rows it compared."""

    check: Check
    row_count: int
    mismatches: list[Mismatch]


def run(
    connection: Connection,
    *,
    agreement_id: int | None = None,
    since: Quarter | None = None,
    log_key: VerifierKey | None = None,
    kept_head: Note | None = None,
) -> Iterator[Result]:
    """Every check in turn; with ``agreement_id`` only those that look at one agreement, of that one.

    ``connection`` should see one state of the ledger throughout. Without ``log_key`` the log's own
    signatures aren't verified, the roots under them are. ``kept_head`` is the log's last head, which the
    database must hold too.
    """
    agreement_ids = agreements_of(connection) if agreement_id is None else [agreement_id]
    for check in CHECKS:
        if check.by_agreement:
            scopes = [Scope(connection, one, since) for one in agreement_ids]
        elif agreement_id is None:
            scopes = [Scope(connection, None, since, log_key, kept_head)]
        else:
            continue
        mismatches = [found for scope in scopes for found in look(check, scope)]
        yield Result(check, sum(scope.row_count for scope in scopes), mismatches)


def look(check: Check, scope: Scope) -> list[Mismatch]:
    """What the check finds; what it can't even read is a mismatch of the event that should tell it."""
    try:
        return _looked(check, scope)
    except (DataError, ProgrammingError):
        scope.row_count = 0
    try:
        with all_readable(scope.connection):
            return _looked(check, scope)
    except (DataError, ProgrammingError) as error:
        return [_unreadable(check, scope, error)]


def _looked(check: Check, scope: Scope) -> list[Mismatch]:
    """In a savepoint, so that the connection serves the next check whatever becomes of this one."""
    found: list[Mismatch] = []
    with scope.connection.begin_nested():
        try:
            found += check.look(scope)
        except UNREADABLE as error:
            found.append(_unreadable(check, scope, error))
    return found


def _unreadable(check: Check, scope: Scope, error: Exception) -> Mismatch:
    key = {"check": check.code, "agreement_id": str(scope.agreement_id)}
    return Mismatch("event", key, WHOLE_ROW, "data that can be read", f"{type(error).__name__}: {error}")


def agreements_of(connection: Connection) -> list[int]:
    """Every agreement that an event or a row of any table names."""
    named = [table.c.agreement_id for table in (event, *metadata.sorted_tables) if "agreement_id" in table.c]
    every = union(*(select(column) for column in named)).subquery()
    rows = connection.execute(select(every.c.agreement_id).order_by(every.c.agreement_id)).scalars()
    return [agreement_id for agreement_id in rows if agreement_id is not None]
