"""Row security of every table, each way: the right one sees its rows, the wrong one doesn't, and a check that
its policy were gone would fail.

What a party should see is said here once more, in other words than the policies'.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from every_table import World, make_world
from sqlalchemy import Connection, text

from ledger_schema.policies import POLICIES, Guarded
from ledger_schema.sessions import APPLICATION_ROLE, Database
from ledger_schema.sight import Sight

GUARDED = sorted(name for name, policy in POLICIES.items() if isinstance(policy, Guarded))

OWN = "agreement_id IN (SELECT agreement_id FROM agreement_party WHERE party_id = :party)"
PAIR = ":party IN (payer_party_id, payee_party_id)"
LEG = f"leg_id IN (SELECT leg_id FROM leg WHERE {PAIR} OR {OWN})"
NETTING = "netting_id IN (SELECT netting_id FROM netting_party WHERE party_id = :party)"
# In LISTED only the host reports; in DISPUTED and SEALED origin and host compare what they report, and in
# DISPUTED the province decides.
LINES = f"""{OWN} AND (subject_id = 0 OR agreement_id IN (
    SELECT agreement_id FROM agreement JOIN agreement_party USING (agreement_id)
    WHERE party_id = :party
        AND (role = 'host' OR code IN ('DISPUTED', 'SEALED') AND role = 'origin')))"""
# In VOUCHERS each payer's return is its own.
RETURNED = f"""CASE WHEN agreement_id IN (SELECT agreement_id FROM agreement WHERE code = 'VOUCHERS')
    THEN filing_id IN (SELECT filing_id FROM filing JOIN agreement_party USING (agreement_id, role)
        WHERE party_id = :party) ELSE {LINES} END"""
COMPARED = """agreement_id IN (
    SELECT agreement_id FROM agreement JOIN agreement_party USING (agreement_id)
    WHERE party_id = :party AND (role <> 'province' OR code = 'DISPUTED'))"""
ATTACHED = f"""hash IN (SELECT hash FROM document_attachment WHERE {OWN}
    UNION SELECT hash FROM commitment_evidence WHERE {OWN})"""
PROGRAMMES = f"programme_id IN (SELECT programme_id FROM voucher_programme WHERE {OWN})"
BUDGETS = f"budget_id IN (SELECT budget_id FROM voucher_budget WHERE {PROGRAMMES})"
VOUCHERS = f"""voucher_id IN (
    SELECT voucher_id FROM voucher JOIN voucher_application USING (application_id) WHERE {PROGRAMMES})"""
ORDERS = f"order_id IN (SELECT order_id FROM voucher_order WHERE {VOUCHERS})"
CLAIMS = f"claim_id IN (SELECT claim_id FROM voucher_claim WHERE {ORDERS})"
REVIEWED = ":party IN (party_id, other_party_id, reviewer_party_id)"
ROSTER = """(kind IN ('roster_loaded', 'party_registered', 'key_registered', 'zone_changed')
    OR kind LIKE 'voucher_provider_%')"""
EVENTS = f"""
    agreement_id IS NOT NULL AND CASE WHEN kind LIKE 'reconciliation%' THEN {COMPARED} ELSE {OWN} END
    OR {ROSTER}
    OR agreement_id IS NULL AND event_id IN (
        SELECT event_id FROM payment WHERE {PAIR}
        UNION SELECT event_id FROM payment_file WHERE content_hash IN (
            SELECT file_hash FROM payment WHERE {PAIR})
        UNION SELECT event_id FROM leg WHERE {PAIR}
        UNION SELECT event_id FROM leg_clearing WHERE {LEG}
        UNION SELECT event_id FROM leg_objection WHERE {LEG}
        UNION SELECT event_id FROM netting WHERE {NETTING}
        UNION SELECT event_id FROM netting_signature WHERE {NETTING}
        UNION SELECT event_id FROM indicator_target WHERE party_id = :party
        UNION SELECT event_id FROM review_step WHERE review_id IN (
            SELECT review_id FROM review WHERE {REVIEWED})
        UNION SELECT event_id FROM document WHERE {ATTACHED})"""
# A secret opens the leaves of all sides: only who sees all lines of an agreement sees it.
SECRETS = f"""{OWN} AND agreement_id IN (
    SELECT agreement_id FROM agreement JOIN agreement_party USING (agreement_id)
    WHERE party_id = :party AND code <> 'VOUCHERS'
        AND (role = 'host' OR code IN ('DISPUTED', 'SEALED') AND role = 'origin'
            OR code = 'DISPUTED' AND role = 'province'))"""
NOBODYS = {
    "access_token",
    "access_token_revocation",
    "refused_act",
    "sign_in_attempt",
    "user_account",
    "user_closing",
    "user_grant",
    "user_grant_ending",
    "user_identity",
    "user_password",
}
"""What no party sees: auditors see refused acts, and sign-in sees the others."""

EXPECTED = (
    dict.fromkeys(GUARDED, OWN)
    | dict.fromkeys(NOBODYS, "false")
    | {
        "allocation": LINES,
        "carried": LINES,
        "document": ATTACHED,
        "document_holder": "party_id = :party",
        "enterprise": f"enterprise_id IN (SELECT enterprise_id FROM enterprise_list_entry WHERE {OWN})",
        "evaluation": f"{OWN} OR reviewer_party_id = :party",
        "event": EVENTS,
        "idempotency_key": f"event_ids && ARRAY(SELECT event_id FROM event WHERE {EVENTS})",
        "indicator_target": "party_id = :party",
        "leg": f"{PAIR} OR {OWN}",
        "leg_clearing": LEG,
        "leg_objection": LEG,
        "netting": NETTING,
        "netting_party": NETTING,
        "netting_signature": NETTING,
        "payment": PAIR,
        "payment_file": f"content_hash IN (SELECT file_hash FROM payment WHERE {PAIR})",
        "payment_use": LEG,
        "reconciliation_item": COMPARED,
        "reconciliation_line": COMPARED,
        "reconciliation_step": COMPARED,
        "redeemed_evidence": CLAIMS,
        "reserve_use": f"reserve_id IN (SELECT reserve_id FROM voucher_reserve WHERE {VOUCHERS})",
        "return_line": RETURNED,
        "review": REVIEWED,
        "review_step": f"review_id IN (SELECT review_id FROM review WHERE {REVIEWED})",
        "salted_tree": SECRETS,
        "voucher": VOUCHERS,
        "voucher_application": PROGRAMMES,
        "voucher_audit": CLAIMS,
        "voucher_budget": PROGRAMMES,
        "voucher_budget_increase": BUDGETS,
        "voucher_budget_step": BUDGETS,
        "voucher_claim": CLAIMS,
        "voucher_decision": CLAIMS,
        "voucher_entry": CLAIMS,
        "voucher_entry_cleared": f"clearing_id IN (SELECT clearing_id FROM voucher_clearing WHERE {OWN})",
        "voucher_flag": CLAIMS,
        "voucher_order": VOUCHERS,
        "voucher_posting": CLAIMS,
        "voucher_programme_confirmation": PROGRAMMES,
        "voucher_reserve": VOUCHERS,
        "voucher_service": ORDERS,
        "voucher_use": VOUCHERS,
        "waiver": LEG,
    }
)
SEEN_BY_ANYBODY = {
    "event": ROSTER,
    "idempotency_key": f"event_ids && ARRAY(SELECT event_id FROM event WHERE {ROSTER})",
}
"""Acts that are of nobody in particular."""


@pytest.fixture(scope="module")
def world(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    database = Database(module_database_url)
    yield make_world(database, tmp_path_factory.mktemp("log"))
    database.dispose()


@pytest.fixture(scope="module")
def parties(world: World) -> dict[str, int]:
    """Every party of an agreement by code, Z-1, of which a plan asks, and PARK-1, which is in nothing."""
    with world.database.owner() as connection:
        found = connection.execute(
            text(
                "SELECT code, party_id FROM party WHERE code IN ('PARK-1', 'Z-1') "
                "OR party_id IN (SELECT party_id FROM agreement_party)"
            )
        )
        return {row.code: row.party_id for row in found}


def of_party(party_id: int) -> Sight:
    return Sight(party_ids=frozenset({party_id}), own_party_ids=frozenset({party_id}))


def rows(connection: Connection, table: str, condition: str = "true", **values: int) -> int:
    found: int = connection.execute(
        text(f"SELECT count(*) FROM {table} WHERE {condition}"), values
    ).scalar_one()
    return found


def rows_seen(world: World, sight: Sight, table: str) -> int:
    with world.database.seen_by(sight).reading() as connection:
        return rows(connection, table)


@pytest.mark.parametrize("table", GUARDED)
def test_a_party_sees_the_rows_that_concern_it_and_no_others(
    world: World, parties: dict[str, int], table: str
) -> None:
    with world.database.owner() as owner:
        expected = {
            code: rows(owner, table, EXPECTED[table], party=party_id) for code, party_id in parties.items()
        }
        every_row = rows(owner, table)
    assert {
        code: rows_seen(world, of_party(party_id), table) for code, party_id in parties.items()
    } == expected
    assert table in NOBODYS or min(expected.values()) < max(expected.values()) <= every_row


@pytest.mark.parametrize("table", GUARDED)
def test_a_stranger_and_a_session_that_says_nothing_see_nothing(
    world: World, parties: dict[str, int], table: str
) -> None:
    somebodys = f"NOT ({SEEN_BY_ANYBODY.get(table, 'false')})"
    with world.database.seen_by(of_party(parties["PARK-1"])).reading() as connection:
        assert rows(connection, table, somebodys) == 0
    with world.database.reading() as connection:
        connection.exec_driver_sql("RESET parkledger.sees_everything")
        assert rows(connection, table, somebodys) == 0


@pytest.mark.parametrize("table", GUARDED)
def test_without_its_policy_nobody_sees_the_table_and_without_row_security_everybody_does(
    world: World, parties: dict[str, int], table: str
) -> None:
    with world.database.owner() as owner:
        savepoint = owner.begin_nested()
        owner.exec_driver_sql(f"DROP POLICY seen ON {table}")
        put_on(owner, Sight(everything=True))
        assert rows(owner, table) == 0
        savepoint.rollback()
        owner.exec_driver_sql(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        put_on(owner, of_party(parties["PARK-1"]))
        assert rows(owner, table) > 0
        owner.rollback()


def put_on(connection: Connection, sight: Sight) -> None:
    """Makes the transaction one of the application's with this sight."""
    connection.exec_driver_sql(f"SET LOCAL ROLE {APPLICATION_ROLE}")
    connection.exec_driver_sql(sight.settings())


@pytest.mark.parametrize("table", sorted({*GUARDED} - {"user_password"}))
def test_the_auditors_role_reads_all_rows_whatever_it_says(world: World, table: str) -> None:
    with world.database.owner() as owner:
        every_row = rows(owner, table)
        owner.exec_driver_sql("SET LOCAL ROLE parkledger_auditor")
        owner.exec_driver_sql(Sight().settings())
        assert rows(owner, table) == every_row
        owner.rollback()


@pytest.mark.parametrize("table", ["allocation", "carried", "return_line"])
def test_an_auditor_of_a_party_sees_the_lines_of_both_sides(
    world: World, parties: dict[str, int], table: str
) -> None:
    origin = parties["LISTED-ORIGIN"]
    auditor = Sight(party_ids=frozenset({origin}), audited_party_ids=frozenset({origin}))
    with world.database.owner() as owner:
        expected = rows(owner, table, OWN, party=origin)
    assert rows_seen(world, of_party(origin), table) < rows_seen(world, auditor, table) == expected
