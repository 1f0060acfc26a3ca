"""Every table of the ledger.

Amounts are whole minor units (``amount_minor``). A quarter is stored as ``20243`` for 2024Q3. Ids are
made by ``ledger_schema.ids``. Everything is append-only for the application's role, except
``agreement_quarter``, the row that posters share-lock and the closer updates.

The big tables have ``agreement_id`` first and then the quarter in which they were booked in every key, and
are partitioned by that quarter.
"""

from __future__ import annotations

from ledger_schema.tables.accounts import (
    access_token,
    access_token_revocation,
    refused_act,
    sign_in_attempt,
    user_account,
    user_closing,
    user_grant,
    user_grant_ending,
    user_identity,
    user_password,
)
from ledger_schema.tables.agreements import (
    agreement,
    agreement_party,
    agreement_quarter,
    agreement_version,
    agreement_version_state,
    version_signature,
)
from ledger_schema.tables.balances import account_balance
from ledger_schema.tables.base import PARTITIONED_BY_BOOKED_QUARTER, metadata
from ledger_schema.tables.commitments import (
    commitment,
    commitment_confirmation,
    commitment_evidence,
    commitment_record,
)
from ledger_schema.tables.documents import document, document_attachment, document_holder
from ledger_schema.tables.enterprises import (
    enterprise,
    enterprise_list,
    enterprise_list_confirmation,
    enterprise_list_entry,
)
from ledger_schema.tables.events import event, idempotency_key
from ledger_schema.tables.indicators import indicator_target
from ledger_schema.tables.log import log_cosignature, log_head, log_leaf
from ledger_schema.tables.occurrences import occurrence, occurrence_confirmation
from ledger_schema.tables.pairings import settled_credit, settled_flow
from ledger_schema.tables.parties import party, party_key, zone, zone_division
from ledger_schema.tables.payments import (
    leg,
    leg_clearing,
    leg_objection,
    netting,
    netting_party,
    netting_signature,
    payable,
    payment,
    payment_file,
    payment_use,
    waiver,
)
from ledger_schema.tables.reconciliation import (
    reconciliation_item,
    reconciliation_line,
    reconciliation_step,
)
from ledger_schema.tables.reference import book, commodity, measure
from ledger_schema.tables.returns import (
    filing,
    filing_certification,
    filing_commitment,
    filing_total,
    return_line,
)
from ledger_schema.tables.reviews import evaluation, review, review_step
from ledger_schema.tables.salting import salted_tree
from ledger_schema.tables.settlements import (
    account,
    allocation,
    carried,
    journal_entry,
    posting,
    settlement,
    settlement_cause,
)
from ledger_schema.tables.sharing import (
    resource_booking,
    resource_booking_step,
    resource_day,
    shared_resource,
    shared_resource_withdrawal,
)
from ledger_schema.tables.signing import (
    quarter_closing,
    quarter_reopened,
    quarter_reopening,
    quarter_reopening_signature,
    settlement_proposal,
    settlement_signature,
)
from ledger_schema.tables.voucher_clearing import (
    voucher_clearing,
    voucher_clearing_return,
    voucher_entry_cleared,
)
from ledger_schema.tables.vouchers import (
    VOUCHER_TABLES,
    provider_certification,
    redeemed_evidence,
    reserve_use,
    voucher,
    voucher_application,
    voucher_audit,
    voucher_budget,
    voucher_budget_increase,
    voucher_budget_step,
    voucher_claim,
    voucher_decision,
    voucher_entry,
    voucher_flag,
    voucher_order,
    voucher_posting,
    voucher_programme,
    voucher_programme_confirmation,
    voucher_provider,
    voucher_reserve,
    voucher_service,
    voucher_use,
)
from ledger_schema.tables.zones import zone_change

__all__ = [
    "PARTITIONED_BY_BOOKED_QUARTER",
    "VOUCHER_TABLES",
    "access_token",
    "access_token_revocation",
    "account",
    "account_balance",
    "agreement",
    "agreement_party",
    "agreement_quarter",
    "agreement_version",
    "agreement_version_state",
    "allocation",
    "book",
    "carried",
    "commitment",
    "commitment_confirmation",
    "commitment_evidence",
    "commitment_record",
    "commodity",
    "document",
    "document_attachment",
    "document_holder",
    "enterprise",
    "enterprise_list",
    "enterprise_list_confirmation",
    "enterprise_list_entry",
    "evaluation",
    "event",
    "filing",
    "filing_certification",
    "filing_commitment",
    "filing_total",
    "idempotency_key",
    "indicator_target",
    "journal_entry",
    "leg",
    "leg_clearing",
    "leg_objection",
    "log_cosignature",
    "log_head",
    "log_leaf",
    "measure",
    "metadata",
    "netting",
    "netting_party",
    "netting_signature",
    "occurrence",
    "occurrence_confirmation",
    "party",
    "party_key",
    "payable",
    "payment",
    "payment_file",
    "payment_use",
    "posting",
    "provider_certification",
    "quarter_closing",
    "quarter_reopened",
    "quarter_reopening",
    "quarter_reopening_signature",
    "reconciliation_item",
    "reconciliation_line",
    "reconciliation_step",
    "redeemed_evidence",
    "refused_act",
    "reserve_use",
    "resource_booking",
    "resource_booking_step",
    "resource_day",
    "return_line",
    "review",
    "review_step",
    "salted_tree",
    "settled_credit",
    "settled_flow",
    "settlement",
    "settlement_cause",
    "settlement_proposal",
    "settlement_signature",
    "shared_resource",
    "shared_resource_withdrawal",
    "sign_in_attempt",
    "user_account",
    "user_closing",
    "user_grant",
    "user_grant_ending",
    "user_identity",
    "user_password",
    "version_signature",
    "voucher",
    "voucher_application",
    "voucher_audit",
    "voucher_budget",
    "voucher_budget_increase",
    "voucher_budget_step",
    "voucher_claim",
    "voucher_clearing",
    "voucher_clearing_return",
    "voucher_decision",
    "voucher_entry",
    "voucher_entry_cleared",
    "voucher_flag",
    "voucher_order",
    "voucher_posting",
    "voucher_programme",
    "voucher_programme_confirmation",
    "voucher_provider",
    "voucher_reserve",
    "voucher_service",
    "voucher_use",
    "waiver",
    "zone",
    "zone_change",
    "zone_division",
]
