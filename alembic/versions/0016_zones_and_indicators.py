"""What happens to zones, what plans ask of their statistics, and books that can't mix in one entry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("zone_change", "indicator_target")
MONEY_IS_CASH = "(book_id = 1) = (commodity_id = 1)"

# What comes in one statement is looked at at once; the rest, and what came in bulk, before it can count.
REFUSE_MIXED_BOOKS = """
CREATE FUNCTION refuse_mixed_books() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mixed record;
BEGIN
    SELECT agreement_id, booked_quarter, settlement_id, entry INTO mixed
    FROM inserted
    GROUP BY agreement_id, booked_quarter, settlement_id, entry
    HAVING min(book_id) <> max(book_id) ORDER BY 1, 2, 3, 4 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of settlement % (agreement %, quarter %) is in more than one book',
            mixed.entry, mixed.settlement_id, mixed.agreement_id, mixed.booked_quarter
            USING ERRCODE = 'LG010';
    END IF;
    RETURN NULL;
END $$
"""

REFUSE_CLOSE_WITH_MIXED_BOOKS = """
CREATE FUNCTION refuse_close_with_mixed_books() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mixed record;
BEGIN
    SELECT entry INTO mixed FROM posting
    WHERE (agreement_id, booked_quarter, settlement_id)
        = (NEW.agreement_id, NEW.quarter, NEW.settlement_id)
    GROUP BY entry HAVING min(book_id) <> max(book_id) ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry % of settlement % (agreement %, quarter %) is in more than one book',
            mixed.entry, NEW.settlement_id, NEW.agreement_id, NEW.quarter USING ERRCODE = 'LG010';
    END IF;
    RETURN NEW;
END $$
"""

FUNCTIONS = {
    "refuse_mixed_books()": REFUSE_MIXED_BOOKS,
    "refuse_close_with_mixed_books()": REFUSE_CLOSE_WITH_MIXED_BOOKS,
}


def upgrade() -> None:
    create_zone_change()
    create_indicator_target()
    guard_and_grant()
    op.create_check_constraint(op.f("account_commodity_check"), "account", MONEY_IS_CASH)
    for signature, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    op.execute(
        "CREATE TRIGGER one_book_an_entry AFTER INSERT ON posting REFERENCING NEW TABLE AS inserted "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_mixed_books()"
    )
    op.execute(
        "CREATE TRIGGER one_book_an_entry BEFORE UPDATE ON agreement_quarter FOR EACH ROW "
        "WHEN (NEW.state = 'closed') EXECUTE FUNCTION refuse_close_with_mixed_books()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER one_book_an_entry ON agreement_quarter")
    op.execute("DROP TRIGGER one_book_an_entry ON posting")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_constraint(op.f("account_commodity_check"), "account", type_="check")
    for table in reversed(TABLES):
        op.drop_table(table)


def create_zone_change() -> None:
    op.create_table(
        "zone_change",
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="from this day on"),
        sa.Column("level", sa.Text(), nullable=True, comment="of a zone admitted"),
        sa.Column(
            "other_party_id", sa.BigInteger(), nullable=True, comment="the part, or the zone merged into"
        ),
        sa.Column("part", sa.Text(), nullable=True),
        sa.Column("division_code", sa.Text(), nullable=True),
        sa.Column("division_zh", sa.Text(), nullable=True),
        sa.Column("division_level", sa.Text(), nullable=True),
        sa.Column("division_role", sa.Text(), nullable=True),
        sa.Column("name_zh", sa.Text(), nullable=True),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column(
            "replaces",
            sa.SmallInteger(),
            nullable=True,
            comment="an earlier change that was recorded wrongly",
        ),
        sa.Column("document", sa.Text(), nullable=False, comment="reference to its evidence"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *zone_change_checks(),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name="zone_change_party_fk"),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="zone_change_event_fk"),
        sa.ForeignKeyConstraint(
            ["party_id", "replaces"],
            ["zone_change.party_id", "zone_change.sequence"],
            name="zone_change_replaces_fk",
        ),
        sa.ForeignKeyConstraint(["other_party_id"], ["party.party_id"], name="zone_change_other_party_fk"),
        sa.PrimaryKeyConstraint("party_id", "sequence", name="zone_change_pk"),
        sa.UniqueConstraint("party_id", "replaces", name="zone_change_party_id_replaces_key"),
    )
    op.create_index(op.f("zone_change_other_party_id_index"), "zone_change", ["other_party_id"])


def zone_change_checks() -> list[sa.CheckConstraint]:
    checks = {
        "sequence": "sequence > 0",
        "kind": "kind IN ('admitted', 'upgraded', 'merged', 'removed', 'praised', 'talked_to', 'warned', "
        "'renamed', 'part_joined', 'part_left', 'division_joined', 'division_left', 'withdrawn')",
        "level": "level IN ('national', 'provincial')",
        "part": "part IN ('core_area', 'radiated_area', 'radiated_point', 'park')",
        "division_code": "division_code ~ '^[0-9]{6}$'",
        "division_level": "division_level IN ('province', 'city', 'district')",
        "division_role": "division_role IN ('lies_in', 'run_by')",
        "admitted": "(kind = 'admitted') = (level IS NOT NULL)",
        "other": "(kind IN ('merged', 'part_joined', 'part_left')) = (other_party_id IS NOT NULL)",
        "not_itself": "other_party_id <> party_id",
        "part_joined": "(kind = 'part_joined') = (part IS NOT NULL)",
        "division": "(kind IN ('division_joined', 'division_left')) = (division_code IS NOT NULL) AND "
        "(division_code IS NULL) = (division_role IS NULL) AND "
        "(kind = 'division_joined') = (division_zh IS NOT NULL) AND "
        "(division_zh IS NULL) = (division_level IS NULL)",
        "renamed": "(kind = 'renamed') = (name_zh IS NOT NULL)",
        "name_en": "name_en IS NULL OR name_zh IS NOT NULL",
        "replaces": "replaces < sequence",
        "withdrawn": "kind <> 'withdrawn' OR replaces IS NOT NULL",
    }
    return [
        sa.CheckConstraint(condition, name=op.f(f"zone_change_{name}_check"))
        for name, condition in checks.items()
    ]


def create_indicator_target() -> None:
    op.create_table(
        "indicator_target",
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("measure_id", sa.SmallInteger(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column(
            "sequence",
            sa.SmallInteger(),
            nullable=False,
            comment="1 for the first target of this statistic and year; a later one supersedes",
        ),
        sa.Column(
            "book_id",
            sa.SmallInteger(),
            nullable=False,
            comment="a plan is measured in the official book, never in the assessment book",
        ),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="the plan, by its document"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("measure_id BETWEEN 101 AND 199", name=op.f("indicator_target_measure_id_check")),
        sa.CheckConstraint("year BETWEEN 1949 AND 2999", name=op.f("indicator_target_year_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("indicator_target_sequence_check")),
        sa.CheckConstraint("book_id = 2", name=op.f("indicator_target_book_id_check")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("indicator_target_amount_minor_check")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name="indicator_target_party_fk"),
        sa.ForeignKeyConstraint(["measure_id"], ["measure.measure_id"], name="indicator_target_measure_fk"),
        sa.ForeignKeyConstraint(["book_id"], ["book.book_id"], name="indicator_target_book_fk"),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="indicator_target_event_fk"),
        sa.PrimaryKeyConstraint("party_id", "measure_id", "year", "sequence", name="indicator_target_pk"),
    )


def guard_and_grant() -> None:
    every = ", ".join(TABLES)
    op.execute(f"GRANT SELECT ON {every} TO parkledger_application, parkledger_auditor")
    op.execute(f"GRANT INSERT ON {every} TO parkledger_application")
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_history()"
        )
