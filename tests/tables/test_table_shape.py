"""Every key of a big table begins with the agreement and the quarter in which the row was booked.

Old quarters can then move to cheap storage, and agreements to other servers, without a rewrite.
"""

from __future__ import annotations

import pytest
from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from ledger_schema import tables

BEGINNING = ["agreement_id", "booked_quarter"]
PARTITIONED = {"return_line", "carried", "allocation", "posting"}
# Of these there are few, or they belong to no one agreement: they stay whole wherever the ledger lives.
EXEMPT_TABLES = {
    "access_token",
    "access_token_revocation",
    "account",
    "account_balance",
    "agreement",
    "agreement_party",
    "agreement_quarter",
    "agreement_version",
    "agreement_version_state",
    "book",
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
    "filing_commitment",
    "idempotency_key",
    "indicator_target",
    "leg",
    "leg_clearing",
    "leg_objection",
    "log_cosignature",
    "log_head",
    "log_leaf",
    "measure",
    "netting",
    "netting_party",
    "netting_signature",
    "occurrence",
    "occurrence_confirmation",
    "party",
    "party_key",
    "payment",
    "payment_file",
    "payment_use",
    "provider_certification",
    "reconciliation_item",
    "reconciliation_line",
    "reconciliation_step",
    "salted_tree",
    "refused_act",
    "shared_resource",
    "shared_resource_withdrawal",
    "sign_in_attempt",
    "user_account",
    "user_closing",
    "user_grant",
    "user_grant_ending",
    "user_identity",
    "user_password",
    "resource_booking",
    "resource_booking_step",
    "resource_day",
    "review",
    "review_step",
    "settled_credit",
    "settled_flow",
    "redeemed_evidence",
    "reserve_use",
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
}
# A return supersedes the earlier ones of the quarter that it is about, whenever they were booked.
EXEMPT_KEYS = {("filing", ("agreement_id", "quarter", "role", "sequence"))}
BIG = [table for table in tables.metadata.sorted_tables if table.name not in EXEMPT_TABLES]


def test_exempt_tables_exist_and_are_not_partitioned() -> None:
    assert set(tables.metadata.tables) > EXEMPT_TABLES
    assert not EXEMPT_TABLES & PARTITIONED


@pytest.mark.parametrize("table", BIG, ids=lambda table: table.name)
def test_keys_of_a_big_table_begin_with_agreement_and_booked_quarter(table: Table) -> None:
    keys = [
        [column.name for column in key.columns]
        for key in (*table.constraints, *table.indexes)
        if isinstance(key, PrimaryKeyConstraint | UniqueConstraint | Index)
    ]
    for key in keys:
        assert key[:2] == BEGINNING or (table.name, tuple(key)) in EXEMPT_KEYS


@pytest.mark.parametrize("table", BIG, ids=lambda table: table.name)
def test_references_between_big_tables_carry_agreement_and_booked_quarter(table: Table) -> None:
    for reference in table.constraints:
        if isinstance(reference, ForeignKeyConstraint) and reference.referred_table in BIG:
            assert reference.column_keys[:2] == BEGINNING
            assert [element.column.name for element in reference.elements][:2] == BEGINNING


@pytest.mark.parametrize("table", BIG, ids=lambda table: table.name)
def test_references_to_a_table_with_an_agreement_carry_it(table: Table) -> None:
    for reference in table.constraints:
        if (
            isinstance(reference, ForeignKeyConstraint)
            and "agreement_id" in reference.referred_table.primary_key
        ):
            assert reference.column_keys[0] == "agreement_id"


def test_the_biggest_tables_are_partitioned_by_booked_quarter() -> None:
    partitioned = {
        table.name
        for table in tables.metadata.tables.values()
        if table.dialect_options["postgresql"]["partition_by"] == tables.PARTITIONED_BY_BOOKED_QUARTER
    }
    assert partitioned == PARTITIONED
