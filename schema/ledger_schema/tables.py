"""Every table of the ledger.

Amounts are whole minor units (``amount_minor``). A quarter is stored as ``20243`` for 2024Q3. Ids are
made by ``ledger_schema.ids``. Everything is append-only for the application's role, except
``agreement_quarter``, the row that posters share-lock and the closer updates.

The big tables have ``agreement_id`` first and then the quarter in which they were booked in every key, and
are partitioned by that quarter.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(referred_table_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_index",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

QUARTER_CHECK = "{0} % 10 BETWEEN 1 AND 4 AND {0} BETWEEN 19491 AND 29994"
HASH_CHECK = "octet_length({0}) = 32"
FIRST_DAY_CHECK = (
    "date_part('day', starts) = 1 AND (months = 1 OR date_part('month', starts) IN (1, 4, 7, 10))"
)
PARTITIONED_BY_BOOKED_QUARTER = "RANGE (booked_quarter)"


def _recorded_at() -> Column[object]:
    """When the fact became known: the start of the transaction that recorded it."""
    return Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()"))


# --- reference data, seeded by migrations -----------------------------------------------------------------

commodity = Table(
    "commodity",
    metadata,
    Column("commodity_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("unit_zh", Text, nullable=False),
    Column("unit_en", Text, nullable=False),
    Column("scale", SmallInteger, CheckConstraint("scale BETWEEN 0 AND 6", name="scale"), nullable=False),
    Column("is_money", Boolean, nullable=False),
)

book = Table(
    "book",
    metadata,
    Column("book_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
)

measure = Table(
    "measure",
    metadata,
    Column("measure_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
)

# --- events and idempotency -------------------------------------------------------------------------------

event = Table(
    "event",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("agreement_id", BigInteger, nullable=True),
    Column("actor", Text, nullable=False),
    Column("canonical", LargeBinary, nullable=False, comment="RFC 8785 JSON, stored once and never rebuilt"),
    Column(
        "hash",
        LargeBinary,
        CheckConstraint("hash = sha256(canonical)", name="hash"),
        nullable=False,
    ),
    _recorded_at(),
    Column(
        "transaction_number",
        BigInteger,
        nullable=False,
        server_default=text("(pg_current_xact_id()::text)::bigint"),
        comment="tells the log's sequencer where to look for what was committed late",
    ),
    Index(None, "agreement_id", "event_id"),
    Index(None, "transaction_number"),
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("key", Text, primary_key=True),
    Column(
        "request_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("request_hash"), name="hash"),
        nullable=False,
    ),
    Column("result", JSONB, nullable=False),
    _recorded_at(),
    Column(
        "event_ids",
        ARRAY(BigInteger),
        nullable=False,
        server_default=text("'{}'"),
        comment="the events of the act",
    ),
)

# --- parties and zones ------------------------------------------------------------------------------------

party = Table(
    "party",
    metadata,
    Column("party_id", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column(
        "kind",
        Text,
        CheckConstraint(
            "kind IN ('zone', 'park', 'government', 'finance_bureau', 'fund', 'company', 'other')",
            name="kind",
        ),
        nullable=False,
    ),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=True),
    Column("province_code", Text, CheckConstraint("province_code ~ '^[0-9]{6}$'", name="province_code")),
    Column("province_zh", Text),
    Column(
        "region_class",
        Text,
        CheckConstraint("region_class IN ('East', 'Central', 'West', 'Northeast')", name="region_class"),
    ),
    Column("parent_party_id", BigInteger, ForeignKey("party.party_id"), comment="one zone, many parks"),
    Column("source", Text, nullable=False),
    _recorded_at(),
    Index(None, "parent_party_id"),
)

zone = Table(
    "zone",
    metadata,
    Column("party_id", BigInteger, ForeignKey("party.party_id"), primary_key=True, autoincrement=False),
    Column(
        "level", Text, CheckConstraint("level IN ('national', 'provincial')", name="level"), nullable=False
    ),
    Column("approval_year", SmallInteger),
    Column("approval_document", Text),
    Column("in_2020_roster", Boolean, nullable=False),
    Column("confidence", Text, nullable=False),
)

zone_division = Table(
    "zone_division",
    metadata,
    Column("party_id", BigInteger, ForeignKey("zone.party_id"), nullable=False),
    Column(
        "division_code",
        Text,
        CheckConstraint("division_code ~ '^[0-9]{6}$'", name="division_code"),
        nullable=False,
    ),
    Column("division_zh", Text, nullable=False),
    Column(
        "level",
        Text,
        CheckConstraint("level IN ('province', 'city', 'district')", name="level"),
        nullable=False,
    ),
    Column("starts", Date, nullable=True, comment="null: from the beginning"),
    Column("ends", Date, nullable=True),
    CheckConstraint("ends > starts", name="ends"),
    PrimaryKeyConstraint("party_id", "division_code", "level"),
)

party_key = Table(
    "party_key",
    metadata,
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column(
        "public_key",
        LargeBinary,
        CheckConstraint("octet_length(public_key) = 32", name="public_key"),
        nullable=False,
        comment="Ed25519",
    ),
    Column("label", Text, nullable=False, comment="for people; demo keys say so"),
    _recorded_at(),
    PrimaryKeyConstraint("party_id", "public_key"),
)

# --- agreements -------------------------------------------------------------------------------------------

agreement = Table(
    "agreement",
    metadata,
    Column("agreement_id", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column(
        "kind",
        Text,
        CheckConstraint(
            "kind IN ('enclave', 'reverse_enclave', 'partner_park', 'co_built_park', 'entrusted_park', "
            "'off_site_incubation', 'branch_park', 'voucher_recognition')",
            name="kind",
        ),
        nullable=False,
    ),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("source", Text, nullable=False, comment="where its facts come from"),
    Column("unverified", Text, nullable=False, comment="what of it isn't confirmed or is made up"),
    _recorded_at(),
)

agreement_party = Table(
    "agreement_party",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column("signs", Boolean, nullable=False),
    PrimaryKeyConstraint("agreement_id", "role"),
    UniqueConstraint("agreement_id", "role", "party_id"),
    Index(None, "party_id"),
)

agreement_version = Table(
    "agreement_version",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("version", SmallInteger, CheckConstraint("version > 0", name="version"), nullable=False),
    Column("terms", LargeBinary, nullable=False, comment="the exact bytes that are signed: RFC 8785 JSON"),
    Column(
        "terms_hash",
        LargeBinary,
        CheckConstraint("terms_hash = sha256(terms)", name="terms_hash"),
        nullable=False,
    ),
    Column(
        "in_force_from",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("in_force_from"), name="quarter"),
        nullable=False,
    ),
    _recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version"),
)

agreement_version_state = Table(
    "agreement_version_state",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint(
            "state IN ('draft', 'proposed', 'in_force', 'superseded', 'withdrawn')", name="state"
        ),
        nullable=False,
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    _recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version", "state"),
    ForeignKeyConstraint(
        ["agreement_id", "version"], ["agreement_version.agreement_id", "agreement_version.version"]
    ),
)

version_signature = Table(
    "version_signature",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("party_id", BigInteger, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column(
        "signature",
        LargeBinary,
        CheckConstraint("octet_length(signature) = 64", name="signature"),
        nullable=False,
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    _recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version", "role"),
    ForeignKeyConstraint(
        ["agreement_id", "version"], ["agreement_version.agreement_id", "agreement_version.version"]
    ),
    ForeignKeyConstraint(
        ["agreement_id", "role", "party_id"],
        ["agreement_party.agreement_id", "agreement_party.role", "agreement_party.party_id"],
    ),
    ForeignKeyConstraint(["party_id", "public_key"], ["party_key.party_id", "party_key.public_key"]),
)

agreement_quarter = Table(
    "agreement_quarter",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column(
        "quarter", Integer, CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"), nullable=False
    ),
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        nullable=False,
        server_default="open",
    ),
    Column("settlement_id", BigInteger, comment="the settlement that closed it"),
    Column("closed_at", DateTime(timezone=True)),
    CheckConstraint("(state = 'closed') = (settlement_id IS NOT NULL)", name="settlement"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
    PrimaryKeyConstraint("agreement_id", "quarter"),
    # A settlement refers to its quarter and a closed quarter to its settlement: one of the two comes later.
    ForeignKeyConstraint(
        ["agreement_id", "quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
        use_alter=True,
    ),
    Index("agreement_quarter_one_open", "agreement_id", unique=True, postgresql_where=text("state = 'open'")),
)

# --- enterprises ------------------------------------------------------------------------------------------

enterprise = Table(
    "enterprise",
    metadata,
    Column("enterprise_id", BigInteger, primary_key=True, autoincrement=False),
    Column("credit_code", Text, nullable=False, unique=True, comment="统一社会信用代码, 18 characters"),
    Column("name_zh", Text, nullable=False),
    _recorded_at(),
)

enterprise_list = Table(
    "enterprise_list",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("version", SmallInteger, CheckConstraint("version > 0", name="version"), nullable=False),
    Column("compiled_by", Text, nullable=False, comment="role"),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    _recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version"),
)

enterprise_list_entry = Table(
    "enterprise_list_entry",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("enterprise_id", BigInteger, ForeignKey("enterprise.enterprise_id"), nullable=False),
    Column("name_zh", Text, nullable=False, comment="as on this list"),
    Column(
        "attributes",
        JSONB,
        nullable=False,
        comment="events, pre_move_tax, cause_of_move, referred_by, controller",
    ),
    PrimaryKeyConstraint("agreement_id", "version", "enterprise_id"),
    ForeignKeyConstraint(
        ["agreement_id", "version"], ["enterprise_list.agreement_id", "enterprise_list.version"]
    ),
)

enterprise_list_confirmation = Table(
    "enterprise_list_confirmation",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    _recorded_at(),
    PrimaryKeyConstraint("agreement_id", "version", "role"),
    ForeignKeyConstraint(
        ["agreement_id", "version"], ["enterprise_list.agreement_id", "enterprise_list.version"]
    ),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
)

# --- occurrences ------------------------------------------------------------------------------------------

occurrence = Table(
    "occurrence",
    metadata,
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("name", Text, CheckConstraint("name ~ '^[a-z][a-z0-9_]{0,47}$'", name="name"), nullable=False),
    Column(
        "sequence",
        SmallInteger,
        CheckConstraint("sequence > 0", name="sequence"),
        nullable=False,
        comment="1 for the first record of this name; a later one supersedes",
    ),
    Column("day", Date, nullable=False),
    Column("document", Text, nullable=False, comment="reference to its evidence"),
    Column("recorded_by", Text, nullable=False, comment="role"),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    _recorded_at(),
    PrimaryKeyConstraint("agreement_id", "name", "sequence"),
)

occurrence_confirmation = Table(
    "occurrence_confirmation",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("sequence", SmallInteger, nullable=False),
    Column("role", Text, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    _recorded_at(),
    PrimaryKeyConstraint("agreement_id", "name", "sequence", "role"),
    ForeignKeyConstraint(
        ["agreement_id", "name", "sequence"],
        ["occurrence.agreement_id", "occurrence.name", "occurrence.sequence"],
    ),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
)

# --- returns ----------------------------------------------------------------------------------------------

filing = Table(
    "filing",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False, comment="the open quarter when it was handed in"),
    Column("filing_id", BigInteger, nullable=False),
    Column(
        "quarter", Integer, CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"), nullable=False
    ),
    Column("role", Text, nullable=False),
    Column(
        "sequence",
        Integer,
        CheckConstraint("sequence > 0", name="sequence"),
        nullable=False,
        comment="1 for the first return of this role for the quarter; a later one supersedes",
    ),
    Column("is_nil", Boolean, nullable=False),
    Column("file_name", Text),
    Column(
        "content_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("content_hash"), name="content_hash"),
        nullable=False,
        comment="of the file, or of the canonical lines when handed in by mutation",
    ),
    Column(
        "lines_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("lines_hash"), name="lines_hash"),
        nullable=False,
        comment="over the lines in their fixed-width binary form, in line order",
    ),
    Column("line_count", Integer, CheckConstraint("line_count >= 0", name="line_count"), nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    _recorded_at(),
    CheckConstraint("quarter <= booked_quarter", name="not_ahead"),
    CheckConstraint("is_nil = (line_count = 0)", name="nil"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "filing_id"),
    UniqueConstraint("agreement_id", "quarter", "role", "sequence"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter"], ["agreement_quarter.agreement_id", "agreement_quarter.quarter"]
    ),
    ForeignKeyConstraint(["agreement_id", "role"], ["agreement_party.agreement_id", "agreement_party.role"]),
)

filing_total = Table(
    "filing_total",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("filing_id", BigInteger, nullable=False),
    Column("measure_id", SmallInteger, ForeignKey("measure.measure_id"), nullable=False),
    Column("amount_minor", BigInteger, nullable=False, comment="declared, and equal to the sum of the lines"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "filing_id", "measure_id"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "filing_id"],
        ["filing.agreement_id", "filing.booked_quarter", "filing.filing_id"],
    ),
)

return_line = Table(
    "return_line",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("filing_id", BigInteger, nullable=False),
    Column("line", Integer, CheckConstraint("line > 0", name="line"), nullable=False),
    Column("subject_id", BigInteger, nullable=False, comment="enterprise, or 0 for the whole park"),
    Column("measure_id", SmallInteger, nullable=False),
    Column("months", SmallInteger, CheckConstraint("months IN (1, 3)", name="months"), nullable=False),
    Column(
        "starts",
        Date,
        CheckConstraint(FIRST_DAY_CHECK, name="starts"),
        nullable=False,
        comment="first day of the month or quarter the figure is about",
    ),
    Column("amount_minor", BigInteger, nullable=False),
    Column("document", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "filing_id", "line"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "filing_id"],
        ["filing.agreement_id", "filing.booked_quarter", "filing.filing_id"],
    ),
    postgresql_partition_by=PARTITIONED_BY_BOOKED_QUARTER,
)

# --- settlements and the journal --------------------------------------------------------------------------

settlement = Table(
    "settlement",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("is_final", Boolean, nullable=False, comment="the year's last quarter"),
    Column(
        "inputs",
        LargeBinary,
        nullable=False,
        comment="RFC 8785 JSON: versions, filings and list that it rests on",
    ),
    Column(
        "allocations_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("allocations_hash"), name="hash"),
        nullable=False,
        comment="over the allocations in their fixed-width binary form, in key order",
    ),
    Column(
        "allocation_count",
        Integer,
        CheckConstraint("allocation_count >= 0", name="allocation_count"),
        nullable=False,
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    _recorded_at(),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter"], ["agreement_quarter.agreement_id", "agreement_quarter.quarter"]
    ),
)

settlement_cause = Table(
    "settlement_cause",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column(
        "cause", SmallInteger, nullable=False, comment="in replay order; the quarter's own figures come last"
    ),
    Column(
        "kind",
        Text,
        CheckConstraint(
            "kind IN ('correction', 'enterprise_list', 'occurrence', 'amendment', 'quarter')", name="kind"
        ),
        nullable=False,
    ),
    Column(
        "quarter",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"),
        nullable=False,
        comment="the quarter that it is about",
    ),
    Column(
        "reference",
        Text,
        nullable=False,
        comment="the filing, list version, terms version, or the occurrence's name and sequence",
    ),
    CheckConstraint("quarter <= booked_quarter", name="not_ahead"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id", "cause"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
    ),
)

allocation = Table(
    "allocation",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("cause", SmallInteger, nullable=False),
    Column("clause", SmallInteger, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column(
        "quarter",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"),
        nullable=False,
        comment="the quarter whose result this changes",
    ),
    Column("book_id", SmallInteger, nullable=False),
    Column("commodity_id", SmallInteger, nullable=False),
    Column("party_id", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("routed_minor", BigInteger, nullable=False, comment="the part that goes on to the routing's fund"),
    CheckConstraint("quarter <= booked_quarter", name="not_ahead"),
    PrimaryKeyConstraint(
        "agreement_id",
        "booked_quarter",
        "settlement_id",
        "cause",
        "clause",
        "subject_id",
        "quarter",
        "book_id",
        "party_id",
    ),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id", "cause"],
        [
            "settlement_cause.agreement_id",
            "settlement_cause.booked_quarter",
            "settlement_cause.settlement_id",
            "settlement_cause.cause",
        ],
    ),
    ForeignKeyConstraint(["party_id"], ["party.party_id"]),
    postgresql_partition_by=PARTITIONED_BY_BOOKED_QUARTER,
)

account = Table(
    "account",
    metadata,
    Column("account_id", BigInteger, primary_key=True, autoincrement=False),
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column(
        "party_id",
        BigInteger,
        ForeignKey("party.party_id"),
        nullable=True,
        comment="null for source accounts",
    ),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('source', 'due', 'accrued', 'fund', 'credited')", name="kind"),
        nullable=False,
        comment="source: what is divided; due: payable; accrued: provisional; fund: routed; "
        "credited: statistics",
    ),
    Column("clause", SmallInteger, nullable=False),
    Column("book_id", SmallInteger, ForeignKey("book.book_id"), nullable=False),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    CheckConstraint("(kind = 'source') = (party_id IS NULL)", name="party"),
    # Book 1 is cash: money is owed there, and statistics are credited in the other two.
    CheckConstraint("kind = 'source' OR (kind = 'credited') = (book_id <> 1)", name="book"),
    UniqueConstraint("agreement_id", "account_id", "book_id", "commodity_id"),
    UniqueConstraint(
        "agreement_id",
        "clause",
        "kind",
        "book_id",
        "commodity_id",
        "party_id",
        name="account_identity_key",
        postgresql_nulls_not_distinct=True,
    ),
)

journal_entry = Table(
    "journal_entry",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("entry", SmallInteger, nullable=False),
    Column("cause", SmallInteger, nullable=False),
    Column("clause", SmallInteger, nullable=False),
    Column(
        "quarter",
        Integer,
        CheckConstraint(QUARTER_CHECK.format("quarter"), name="quarter"),
        nullable=False,
        comment="the quarter that the entry is about",
    ),
    CheckConstraint("quarter <= booked_quarter", name="not_ahead"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id", "entry"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id", "cause"],
        [
            "settlement_cause.agreement_id",
            "settlement_cause.booked_quarter",
            "settlement_cause.settlement_id",
            "settlement_cause.cause",
        ],
    ),
)

posting = Table(
    "posting",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("entry", SmallInteger, nullable=False),
    Column("posting", SmallInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("book_id", SmallInteger, nullable=False),
    Column("commodity_id", SmallInteger, nullable=False),
    Column("amount_minor", BigInteger, CheckConstraint("amount_minor <> 0", name="amount"), nullable=False),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id", "entry", "posting"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id", "entry"],
        [
            "journal_entry.agreement_id",
            "journal_entry.booked_quarter",
            "journal_entry.settlement_id",
            "journal_entry.entry",
        ],
    ),
    ForeignKeyConstraint(
        ["agreement_id", "account_id", "book_id", "commodity_id"],
        ["account.agreement_id", "account.account_id", "account.book_id", "account.commodity_id"],
    ),
    Index(None, "agreement_id", "booked_quarter", "account_id"),
    postgresql_partition_by=PARTITIONED_BY_BOOKED_QUARTER,
)

carried = Table(
    "carried",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("clause", SmallInteger, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("state", ARRAY(BigInteger), nullable=False, comment="ledger.rules.state packs it"),
    PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id", "clause", "subject_id"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
    ),
    postgresql_partition_by=PARTITIONED_BY_BOOKED_QUARTER,
)

# --- the log ----------------------------------------------------------------------------------------------

log_leaf = Table(
    "log_leaf",
    metadata,
    Column(
        "leaf_number",
        BigInteger,
        CheckConstraint("leaf_number >= 0", name="leaf_number"),
        primary_key=True,
        autoincrement=False,
        comment="from 0, without gaps, given by one sequencer after commit",
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False, unique=True),
    Column(
        "hashes",
        LargeBinary,
        CheckConstraint(
            "octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 1984 "
            "AND (leaf_number + 1) & ((1::bigint << (octet_length(hashes) / 32)) - 1) "
            "= 1::bigint << (octet_length(hashes) / 32 - 1)",
            name="hashes",
        ),
        nullable=False,
        comment="RFC 6962: of the leaf, then of each perfect subtree it completes, from the bottom up",
    ),
)

log_head = Table(
    "log_head",
    metadata,
    Column(
        "size", BigInteger, CheckConstraint("size > 0", name="size"), primary_key=True, autoincrement=False
    ),
    Column("note", LargeBinary, nullable=False, comment="the signed checkpoint as it is published"),
    Column(
        "logged_below",
        BigInteger,
        nullable=False,
        comment="every event of a transaction below this number is in this tree",
    ),
    _recorded_at(),
)

log_cosignature = Table(
    "log_cosignature",
    metadata,
    Column("size", BigInteger, ForeignKey("log_head.size"), nullable=False),
    Column("party_id", BigInteger, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column(
        "signature",
        LargeBinary,
        CheckConstraint("octet_length(signature) = 72", name="signature"),
        nullable=False,
        comment="cosignature/v1: eight bytes of time in seconds since 1970, and the Ed25519 signature",
    ),
    _recorded_at(),
    PrimaryKeyConstraint("size", "party_id", "public_key"),
    ForeignKeyConstraint(["party_id", "public_key"], ["party_key.party_id", "party_key.public_key"]),
)
