"""What flowed and what was credited, added up as a quarter closes and taken back as it is reopened.

Views over the nation add these rows up instead of every posting. What flowed is what the settlement's journal
makes due from one party to another; what accrues isn't among it until it falls due.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from ledger.periods import Quarter

# The mechanism of a clause is that of the last version in force that has it.
FLOWS = text("""
    WITH mechanisms AS (
        SELECT DISTINCT ON (number) number AS clause, mechanism
        FROM agreement_version JOIN agreement_version_state AS entered USING (agreement_id, version),
            jsonb_to_recordset(convert_from(terms, 'UTF8')::jsonb -> 'clauses')
                AS clause (number smallint, what jsonb), jsonb_to_record(what) AS said (mechanism text)
        WHERE agreement_id = :agreement AND entered.state = 'in_force'
        ORDER BY number, version DESC
    )
    INSERT INTO settled_flow
    SELECT agreement_id, booked_quarter, settlement_id, 1, mechanism, commodity_id, payer_party_id,
        payee_party_id, sum(booked_minor)
    FROM payable JOIN mechanisms USING (clause)
    WHERE agreement_id = :agreement AND booked_quarter = :quarter AND settlement_id = :settlement
    GROUP BY agreement_id, booked_quarter, settlement_id, mechanism, commodity_id, payer_party_id,
        payee_party_id
    HAVING sum(booked_minor) <> 0
""")
CREDITS = text("""
    INSERT INTO settled_credit
    SELECT posting.agreement_id, booked_quarter, settlement_id, 1, account.book_id, account.commodity_id,
        party_id, sum(amount_minor)
    FROM posting JOIN account USING (agreement_id, account_id)
    WHERE posting.agreement_id = :agreement AND booked_quarter = :quarter AND settlement_id = :settlement
        AND kind = 'credited'
    GROUP BY posting.agreement_id, booked_quarter, settlement_id, account.book_id, account.commodity_id,
        party_id
    HAVING sum(amount_minor) <> 0
""")
TAKEN_BACK = (
    text("""
        INSERT INTO settled_flow
        SELECT agreement_id, booked_quarter, settlement_id, 2, mechanism, commodity_id, payer_party_id,
            payee_party_id, -amount_minor
        FROM settled_flow
        WHERE agreement_id = :agreement AND booked_quarter = :quarter AND settlement_id = :settlement
    """),
    text("""
        INSERT INTO settled_credit
        SELECT agreement_id, booked_quarter, settlement_id, 2, book_id, commodity_id, party_id,
            -amount_minor
        FROM settled_credit
        WHERE agreement_id = :agreement AND booked_quarter = :quarter AND settlement_id = :settlement
    """),
)


def add_sums(connection: Connection, agreement_id: int, quarter: Quarter, settlement_id: int) -> None:
    """In the transaction that closes the quarter, after its legs were raised."""
    parameters = _parameters(agreement_id, quarter, settlement_id)
    for statement in (FLOWS, CREDITS):
        connection.execute(statement, parameters)


def take_back_sums(connection: Connection, agreement_id: int, quarter: Quarter, settlement_id: int) -> None:
    """In the transaction that reopens the quarter which the settlement closed."""
    parameters = _parameters(agreement_id, quarter, settlement_id)
    for statement in TAKEN_BACK:
        connection.execute(statement, parameters)


def _parameters(agreement_id: int, quarter: Quarter, settlement_id: int) -> dict[str, int]:
    return {"agreement": agreement_id, "quarter": quarter.code, "settlement": settlement_id}
