"""What the sides sign of a quarter, and reopening its last closed one.

Only ``reopen_quarter``, a function of the owner's, reopens. It asks for everything itself: that the quarter
is the last closed one, that nothing rests on it, and that all who must have signed the newest request did.
The row of the quarter after it waits meanwhile; no row is removed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APPENDED = (
    "settlement_proposal",
    "settlement_signature",
    "quarter_reopening",
    "quarter_reopening_signature",
)
TABLES = (*APPENDED, "quarter_reopened")
BOOKED_IN_OPEN_QUARTER = ("settlement_proposal", "settlement_signature")

SETTLEMENT = ("agreement_id", "booked_quarter", "settlement_id")
REOPENING = (*SETTLEMENT, "request")

STATES_BEFORE = "state IN ('open', 'closed')"
STATES = "state IN ('open', 'closed', 'waiting')"

QUARTER_CLOSING = """
CREATE VIEW quarter_closing AS
SELECT agreement_id, quarter, settlement_id, closed_at, NULL::timestamptz AS reopened_at
FROM agreement_quarter WHERE state = 'closed'
UNION ALL
SELECT agreement_id, booked_quarter, settlement_id, closed_at, reopened_at FROM quarter_reopened
"""

PROCEDURE_ROLES = """
CREATE FUNCTION procedure_roles(asked_agreement_id bigint, asked_quarter integer, act text) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_array_elements_text(procedure -> act)
    FROM (SELECT convert_from(terms, 'UTF8')::jsonb -> 'procedure' AS procedure
          FROM agreement_version JOIN agreement_version_state USING (agreement_id, version)
          WHERE agreement_id = asked_agreement_id AND state = 'in_force' AND in_force_from <= asked_quarter
          ORDER BY in_force_from DESC, version DESC LIMIT 1) AS in_force
    WHERE jsonb_typeof(procedure -> act) = 'array'
$$
"""

GUARD_CLOSING = """
CREATE FUNCTION guard_closing() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    missing text;
BEGIN
    IF EXISTS (SELECT FROM quarter_reopened WHERE (agreement_id, booked_quarter, settlement_id)
                   = (NEW.agreement_id, NEW.quarter, NEW.settlement_id)) THEN
        RAISE EXCEPTION 'settlement % of quarter % (agreement %) was reopened; it closes no quarter again',
            NEW.settlement_id, NEW.quarter, NEW.agreement_id USING ERRCODE = 'LG004';
    END IF;
    SELECT string_agg(role, ', ' ORDER BY role) INTO missing FROM (
        SELECT procedure_roles(NEW.agreement_id, NEW.quarter, 'signed_by')
        EXCEPT SELECT role FROM settlement_signature
        WHERE (agreement_id, booked_quarter, settlement_id)
            = (NEW.agreement_id, NEW.quarter, NEW.settlement_id)) AS unsigned (role);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'settlement % of quarter % (agreement %) is not signed by: %',
            NEW.settlement_id, NEW.quarter, NEW.agreement_id, missing USING ERRCODE = 'LG004';
    END IF;
    RETURN NEW;
END $$
"""

# What reopening does to the two rows is let through only while reopen_quarter does it: it has written that
# the settlement is reopened, and the quarter's row still names that settlement.
GUARD_REOPENING = """
CREATE FUNCTION guard_reopening() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    allowed boolean := CASE OLD.state || ' to ' || NEW.state
        WHEN 'closed to open' THEN EXISTS (
            SELECT FROM quarter_reopened WHERE (agreement_id, booked_quarter, settlement_id)
                = (OLD.agreement_id, OLD.quarter, OLD.settlement_id))
        WHEN 'open to waiting' THEN EXISTS (
            SELECT FROM agreement_quarter AS earlier
            JOIN quarter_reopened AS reopened
                ON (earlier.agreement_id, earlier.quarter, earlier.settlement_id)
                = (reopened.agreement_id, reopened.booked_quarter, reopened.settlement_id)
            WHERE earlier.agreement_id = OLD.agreement_id AND earlier.quarter < OLD.quarter)
        WHEN 'waiting to open' THEN NOT EXISTS (
            SELECT FROM agreement_quarter AS earlier
            WHERE earlier.agreement_id = OLD.agreement_id AND earlier.quarter < OLD.quarter
                AND earlier.state <> 'closed')
        ELSE false
    END;
BEGIN
    IF NOT allowed OR (NEW.agreement_id, NEW.quarter) <> (OLD.agreement_id, OLD.quarter) THEN
        RAISE EXCEPTION 'quarter % of agreement % cannot go from % to %',
            OLD.quarter, OLD.agreement_id, OLD.state, NEW.state USING ERRCODE = 'LG004';
    END IF;
    RETURN NEW;
END $$
"""

REOPENING_FAULT = """
CREATE FUNCTION reopening_fault(
    checked_agreement_id bigint, checked_quarter integer, checked_settlement_id bigint,
    checked_request smallint
) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    missing text;
BEGIN
    IF NOT EXISTS (SELECT FROM agreement_quarter
                   WHERE (agreement_id, quarter, settlement_id, state)
                       = (checked_agreement_id, checked_quarter, checked_settlement_id, 'closed')) THEN
        RETURN 'it is not closed with this settlement';
    END IF;
    IF EXISTS (SELECT FROM agreement_quarter WHERE agreement_id = checked_agreement_id
               AND quarter > checked_quarter AND state = 'closed') THEN
        RETURN 'a later quarter is closed';
    END IF;
    IF EXISTS (SELECT FROM filing
               WHERE agreement_id = checked_agreement_id AND booked_quarter > checked_quarter) THEN
        RETURN 'returns were handed in after it was closed';
    END IF;
    IF EXISTS (SELECT FROM settlement
               WHERE agreement_id = checked_agreement_id AND booked_quarter > checked_quarter) THEN
        RETURN 'a later quarter was computed';
    END IF;
    IF checked_request IS DISTINCT FROM (
        SELECT max(request) FROM quarter_reopening WHERE (agreement_id, booked_quarter, settlement_id)
            = (checked_agreement_id, checked_quarter, checked_settlement_id)) THEN
        RETURN 'this is not the newest request';
    END IF;
    IF NOT EXISTS (SELECT procedure_roles(checked_agreement_id, checked_quarter, 'reopened_by')) THEN
        RETURN 'the terms let nobody reopen it';
    END IF;
    SELECT string_agg(role, ', ' ORDER BY role) INTO missing FROM (
        SELECT procedure_roles(checked_agreement_id, checked_quarter, 'reopened_by')
        EXCEPT SELECT role FROM quarter_reopening_signature
        WHERE (agreement_id, booked_quarter, settlement_id, request)
            = (checked_agreement_id, checked_quarter, checked_settlement_id, checked_request)
    ) AS unsigned (role);
    RETURN 'it is not signed by: ' || missing;
END $$
"""

# The rows are locked first. Whoever posts into the open quarter is done by then and is seen, since each
# statement sees what was committed before it.
REOPEN_QUARTER = """
CREATE FUNCTION reopen_quarter(
    reopened_agreement_id bigint, reopened_quarter integer, reopened_settlement_id bigint,
    reopened_request smallint, reopening_event_id bigint
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    following integer;
    closing timestamptz;
    fault text;
BEGIN
    SELECT quarter INTO following FROM agreement_quarter
    WHERE agreement_id = reopened_agreement_id AND state = 'open' FOR UPDATE;
    SELECT closed_at INTO closing FROM agreement_quarter
    WHERE agreement_id = reopened_agreement_id AND quarter = reopened_quarter FOR UPDATE;
    fault := CASE
        WHEN current_setting('transaction_isolation') <> 'read committed'
            THEN 'a quarter is reopened in a READ COMMITTED transaction only'
        ELSE reopening_fault(reopened_agreement_id, reopened_quarter, reopened_settlement_id,
                             reopened_request)
    END;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'quarter % of agreement % cannot be reopened: %',
            reopened_quarter, reopened_agreement_id, fault USING ERRCODE = 'LG007';
    END IF;
    INSERT INTO quarter_reopened (agreement_id, booked_quarter, settlement_id, request, closed_at,
                                  reopened_at, event_id)
    VALUES (reopened_agreement_id, reopened_quarter, reopened_settlement_id, reopened_request, closing,
            clock_timestamp(), reopening_event_id);
    UPDATE agreement_quarter SET state = 'waiting'
    WHERE agreement_id = reopened_agreement_id AND quarter = following;
    UPDATE agreement_quarter SET state = 'open', settlement_id = NULL, closed_at = NULL
    WHERE agreement_id = reopened_agreement_id AND quarter = reopened_quarter;
END $$
"""

FUNCTIONS = {
    "procedure_roles(bigint, integer, text)": PROCEDURE_ROLES,
    "guard_closing()": GUARD_CLOSING,
    "guard_reopening()": GUARD_REOPENING,
    "reopening_fault(bigint, integer, bigint, smallint)": REOPENING_FAULT,
    "reopen_quarter(bigint, integer, bigint, smallint, bigint)": REOPEN_QUARTER,
}
REOPEN = "reopen_quarter(bigint, integer, bigint, smallint, bigint)"

GUARDS = {
    "guard": "INSERT ON agreement_quarter FOR EACH ROW EXECUTE FUNCTION guard_quarter()",
    "guard_close": "UPDATE ON agreement_quarter FOR EACH ROW "
    "WHEN (NEW.state = 'closed' AND OLD.state <> 'waiting') EXECUTE FUNCTION guard_quarter()",
    "guard_close_signed": "UPDATE ON agreement_quarter FOR EACH ROW "
    "WHEN (NEW.state = 'closed' AND OLD.state = 'open') EXECUTE FUNCTION guard_closing()",
    "guard_reopening": "UPDATE ON agreement_quarter FOR EACH ROW "
    "WHEN (NEW.state <> 'closed' OR OLD.state = 'waiting') EXECUTE FUNCTION guard_reopening()",
}
GUARD_BEFORE = "INSERT OR UPDATE ON agreement_quarter FOR EACH ROW EXECUTE FUNCTION guard_quarter()"


def upgrade() -> None:
    allow_states(STATES)
    create_settlement_tables()
    create_reopening_tables()
    op.execute(QUARTER_CLOSING)
    for signature, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    grant()
    guard()


def downgrade() -> None:
    """Refused by the check of states while a quarter is waiting."""
    for name in GUARDS:
        op.execute(f"DROP TRIGGER {name} ON agreement_quarter")
    op.execute(f"CREATE TRIGGER guard BEFORE {GUARD_BEFORE}")
    op.execute("DROP VIEW quarter_closing")
    for table in reversed(TABLES):
        op.drop_table(table)
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    allow_states(STATES_BEFORE)


def allow_states(states: str) -> None:
    op.drop_constraint(op.f("agreement_quarter_state_check"), "agreement_quarter", type_="check")
    op.create_check_constraint(op.f("agreement_quarter_state_check"), "agreement_quarter", states)


def create_settlement_tables() -> None:
    create(
        "settlement_proposal",
        SETTLEMENT,
        *content("settlement_proposal"),
        references("settlement_proposal", "settlement", SETTLEMENT),
    )
    create(
        "settlement_signature",
        (*SETTLEMENT, "role"),
        *signature("settlement_signature"),
        references("settlement_signature", "settlement_proposal", SETTLEMENT),
    )


def create_reopening_tables() -> None:
    create(
        "quarter_reopening",
        REOPENING,
        sa.Column(
            "request",
            sa.SmallInteger(),
            nullable=False,
            comment="1 for the first request about this settlement; only the newest counts",
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        *content("quarter_reopening"),
        sa.CheckConstraint("request > 0", name=op.f("quarter_reopening_request_check")),
        references("quarter_reopening", "settlement", SETTLEMENT),
    )
    create(
        "quarter_reopening_signature",
        (*REOPENING, "role"),
        sa.Column("request", sa.SmallInteger(), nullable=False),
        *signature("quarter_reopening_signature"),
        references("quarter_reopening_signature", "quarter_reopening", REOPENING),
    )
    create(
        "quarter_reopened",
        SETTLEMENT,
        sa.Column("request", sa.SmallInteger(), nullable=False),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when the settlement closed it",
        ),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reopened_at > closed_at", name=op.f("quarter_reopened_reopened_at_check")),
        references("quarter_reopened", "quarter_reopening", REOPENING),
        is_recorded=False,
    )


def create(
    table: str,
    key: tuple[str, ...],
    *parts: sa.Column[object] | sa.Constraint,
    is_recorded: bool = True,
) -> None:
    """A table about a settlement: whose it is, ``parts``, and the event that made the row."""
    recorded_at = sa.Column(
        "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
    op.create_table(
        table,
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        *parts,
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        *([recorded_at] if is_recorded else []),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name=f"{table}_event_fk"),
        sa.PrimaryKeyConstraint(*key, name=f"{table}_pk"),
    )


def content(table: str) -> tuple[sa.Column[object] | sa.Constraint, ...]:
    return (
        sa.Column(
            "content",
            sa.LargeBinary(),
            nullable=False,
            comment="the exact bytes that are signed: RFC 8785",
        ),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("content_hash = sha256(content)", name=op.f(f"{table}_content_hash_check")),
    )


def signature(table: str) -> tuple[sa.Column[object] | sa.Constraint, ...]:
    return (
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(signature) = 64", name=op.f(f"{table}_signature_check")),
        references(table, "agreement_party", ("agreement_id", "role", "party_id")),
        references(table, "party_key", ("party_id", "public_key")),
    )


def references(table: str, parent: str, names: tuple[str, ...]) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(names, [f"{parent}.{name}" for name in names], name=f"{table}_{parent}_fk")


def grant() -> None:
    every = ", ".join((*TABLES, "quarter_closing"))
    op.execute(f"GRANT SELECT ON {every} TO parkledger_application, parkledger_auditor")
    op.execute(f"GRANT INSERT ON {', '.join(APPENDED)} TO parkledger_application")
    op.execute(f"GRANT EXECUTE ON FUNCTION {REOPEN} TO parkledger_application")


def guard() -> None:
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )
    for table in BOOKED_IN_OPEN_QUARTER:
        op.execute(
            f"CREATE TRIGGER booked_in_open_quarter AFTER INSERT ON {table} "
            "REFERENCING NEW TABLE AS inserted "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_quarter()"
        )
    op.execute("DROP TRIGGER guard ON agreement_quarter")
    for name, event in GUARDS.items():
        op.execute(f"CREATE TRIGGER {name} BEFORE {event}")
