"""What the tables refuse: changes of history, entries that do not balance, work in a closed quarter.

Every refusal has an SQLSTATE of its own (`ledger_schema.refusals` names them).

Posting into a quarter while it closes cannot be lost. Who inserts share-locks the row of the (agreement,
quarter) at the end of the statement; who closes updates that row. If the poster comes first, the closer waits
and then sees the rows; if the closer comes first, the poster waits and is then refused. Both need READ
COMMITTED: in a stricter transaction the closer would go on seeing the state from before its wait.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY_TABLES = (
    "account",
    "agreement",
    "agreement_party",
    "agreement_version",
    "agreement_version_state",
    "allocation",
    "book",
    "carried",
    "commodity",
    "enterprise",
    "enterprise_list",
    "enterprise_list_confirmation",
    "enterprise_list_entry",
    "event",
    "filing",
    "filing_total",
    "idempotency_key",
    "journal_entry",
    "measure",
    "party",
    "party_key",
    "posting",
    "return_line",
    "settlement",
    "settlement_cause",
    "version_signature",
    "zone",
    "zone_division",
)
BOOKED_TABLES = (
    "allocation",
    "carried",
    "filing",
    "filing_total",
    "journal_entry",
    "posting",
    "return_line",
    "settlement",
    "settlement_cause",
)

REFUSE_CHANGE_OF_HISTORY = """
CREATE FUNCTION refuse_change_of_history() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'history is append-only: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'LG001';
END $$
"""

SHARE_LOCK_OPEN_QUARTER = """
CREATE FUNCTION share_lock_open_quarter(locked_agreement_id bigint, locked_quarter integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_state text;
BEGIN
    SELECT state INTO found_state FROM agreement_quarter
    WHERE agreement_id = locked_agreement_id AND quarter = locked_quarter FOR SHARE;
    IF found_state IS DISTINCT FROM 'open' THEN
        RAISE EXCEPTION 'quarter % of agreement % is %, and only an open quarter takes rows',
            locked_quarter, locked_agreement_id, coalesce(found_state, 'not opened yet')
            USING ERRCODE = 'LG002';
    END IF;
END $$
"""

# One order for everybody, so that two statements never wait for each other.
REFUSE_CLOSED_QUARTER = """
CREATE FUNCTION refuse_closed_quarter() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    touched record;
BEGIN
    FOR touched IN SELECT DISTINCT agreement_id, booked_quarter FROM inserted ORDER BY 1, 2 LOOP
        PERFORM share_lock_open_quarter(touched.agreement_id, touched.booked_quarter);
    END LOOP;
    RETURN NULL;
END $$
"""

REFUSE_UNBALANCED_ENTRY = """
CREATE FUNCTION refuse_unbalanced_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    unbalanced record;
BEGIN
    SELECT agreement_id, booked_quarter, settlement_id, entry, book_id, commodity_id,
           sum(amount_minor) AS difference_minor INTO unbalanced
    FROM inserted
    GROUP BY agreement_id, booked_quarter, settlement_id, entry, book_id, commodity_id
    HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3, 4, 5, 6 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of settlement % (agreement %, quarter %) does not balance in book %, '
            'commodity %: off by %', unbalanced.entry, unbalanced.settlement_id, unbalanced.agreement_id,
            unbalanced.booked_quarter, unbalanced.book_id, unbalanced.commodity_id,
            unbalanced.difference_minor USING ERRCODE = 'LG003';
    END IF;
    RETURN NULL;
END $$
"""

# Per clause, book, commodity and party the allocations less what is routed equal what is posted to the party;
# what is routed (the row without a party) equals what is posted to funds. Source accounts are the other side.
SETTLEMENT_DIFFERENCE = """
CREATE VIEW settlement_difference AS
SELECT agreement_id, booked_quarter, settlement_id, clause, book_id, commodity_id, party_id,
       sum(amount_minor) AS difference_minor
FROM (
    SELECT agreement_id, booked_quarter, settlement_id, clause, book_id, commodity_id, party_id,
           amount_minor - routed_minor AS amount_minor
    FROM allocation
    UNION ALL
    SELECT agreement_id, booked_quarter, settlement_id, clause, book_id, commodity_id, NULL, routed_minor
    FROM allocation WHERE routed_minor <> 0
    UNION ALL
    SELECT agreement_id, booked_quarter, settlement_id, clause, book_id, commodity_id,
           CASE WHEN kind <> 'fund' THEN party_id END, -amount_minor
    FROM posting JOIN account USING (agreement_id, account_id, book_id, commodity_id)
    WHERE kind <> 'source'
) AS allocated_less_posted
GROUP BY agreement_id, booked_quarter, settlement_id, clause, book_id, commodity_id, party_id
HAVING sum(amount_minor) <> 0
"""

SETTLEMENT_FAULT = """
CREATE FUNCTION settlement_fault(
    checked_agreement_id bigint, checked_quarter integer, checked_settlement_id bigint
) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    declared_count bigint;
    faulty record;
BEGIN
    SELECT allocation_count INTO declared_count FROM settlement
    WHERE (agreement_id, booked_quarter, settlement_id)
        = (checked_agreement_id, checked_quarter, checked_settlement_id);
    IF NOT FOUND THEN
        RETURN 'there is no such settlement of this agreement and quarter';
    END IF;
    SELECT count(*) AS row_count INTO faulty FROM allocation
    WHERE (agreement_id, booked_quarter, settlement_id)
        = (checked_agreement_id, checked_quarter, checked_settlement_id);
    IF faulty.row_count <> declared_count THEN
        RETURN format('it declares %s allocations and has %s', declared_count, faulty.row_count);
    END IF;
    SELECT entry INTO faulty FROM journal_entry
    WHERE (agreement_id, booked_quarter, settlement_id)
        = (checked_agreement_id, checked_quarter, checked_settlement_id)
    EXCEPT SELECT entry FROM posting
    WHERE (agreement_id, booked_quarter, settlement_id)
        = (checked_agreement_id, checked_quarter, checked_settlement_id)
    ORDER BY entry LIMIT 1;
    IF FOUND THEN
        RETURN format('entry %s has no postings', faulty.entry);
    END IF;
    SELECT entry, book_id, commodity_id, sum(amount_minor) AS difference_minor INTO faulty FROM posting
    WHERE (agreement_id, booked_quarter, settlement_id)
        = (checked_agreement_id, checked_quarter, checked_settlement_id)
    GROUP BY entry, book_id, commodity_id HAVING sum(amount_minor) <> 0 ORDER BY 1, 2, 3 LIMIT 1;
    IF FOUND THEN
        RETURN format('entry %s does not balance in book %s, commodity %s: off by %s',
                      faulty.entry, faulty.book_id, faulty.commodity_id, faulty.difference_minor);
    END IF;
    SELECT clause, book_id, commodity_id, party_id, difference_minor INTO faulty FROM settlement_difference
    WHERE (agreement_id, booked_quarter, settlement_id)
        = (checked_agreement_id, checked_quarter, checked_settlement_id)
    ORDER BY 1, 2, 3, 4 LIMIT 1;
    IF FOUND THEN
        RETURN format('clause %s allocates %s more to %s than is posted in book %s, commodity %s',
                      faulty.clause, faulty.difference_minor, coalesce('party ' || faulty.party_id, 'funds'),
                      faulty.book_id, faulty.commodity_id);
    END IF;
    RETURN NULL;
END $$
"""

GUARD_QUARTER = """
CREATE FUNCTION guard_quarter() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    fault text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        fault := CASE
            WHEN NEW.state <> 'open' THEN 'a quarter begins open'
            WHEN EXISTS (SELECT FROM agreement_quarter
                         WHERE agreement_id = NEW.agreement_id AND quarter >= NEW.quarter)
                THEN 'a later quarter was opened before'
        END;
    ELSE
        fault := CASE
            WHEN OLD.state = 'closed' THEN 'it is closed already'
            WHEN NEW.state <> 'closed' OR (NEW.agreement_id, NEW.quarter) <> (OLD.agreement_id, OLD.quarter)
                THEN 'an open quarter can only be closed'
            WHEN current_setting('transaction_isolation') <> 'read committed'
                THEN 'a quarter is closed in a READ COMMITTED transaction only'
            ELSE settlement_fault(NEW.agreement_id, NEW.quarter, NEW.settlement_id)
        END;
    END IF;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'quarter % of agreement % cannot become % with settlement %: %',
            NEW.quarter, NEW.agreement_id, NEW.state, NEW.settlement_id, fault USING ERRCODE = 'LG004';
    END IF;
    RETURN NEW;
END $$
"""

FUNCTIONS = {
    "refuse_change_of_history()": REFUSE_CHANGE_OF_HISTORY,
    "share_lock_open_quarter(bigint, integer)": SHARE_LOCK_OPEN_QUARTER,
    "refuse_closed_quarter()": REFUSE_CLOSED_QUARTER,
    "refuse_unbalanced_entry()": REFUSE_UNBALANCED_ENTRY,
    "settlement_fault(bigint, integer, bigint)": SETTLEMENT_FAULT,
    "guard_quarter()": GUARD_QUARTER,
}


def upgrade() -> None:
    op.execute(SETTLEMENT_DIFFERENCE)
    op.execute("GRANT SELECT ON settlement_difference TO parkledger_application, parkledger_auditor")
    for signature, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(
        "GRANT EXECUTE ON FUNCTION settlement_fault(bigint, integer, bigint) "
        "TO parkledger_application, parkledger_auditor"
    )
    for table in APPEND_ONLY_TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )
    for table in BOOKED_TABLES:
        op.execute(
            f"CREATE TRIGGER booked_in_open_quarter AFTER INSERT ON {table} "
            "REFERENCING NEW TABLE AS inserted "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_quarter()"
        )
    op.execute(
        "CREATE TRIGGER entries_balance AFTER INSERT ON posting REFERENCING NEW TABLE AS inserted "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced_entry()"
    )
    op.execute(
        "CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON agreement_quarter "
        "FOR EACH ROW EXECUTE FUNCTION guard_quarter()"
    )
    op.execute(
        "CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON agreement_quarter "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER never_removed ON agreement_quarter")
    op.execute("DROP TRIGGER guard ON agreement_quarter")
    op.execute("DROP TRIGGER entries_balance ON posting")
    for table in BOOKED_TABLES:
        op.execute(f"DROP TRIGGER booked_in_open_quarter ON {table}")
    for table in APPEND_ONLY_TABLES:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    op.execute("DROP VIEW settlement_difference")
