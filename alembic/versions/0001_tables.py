"""Tables, constraints and indexes; commodities, books and measures; the two roles and what they may do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COMMODITIES = (
    (1, "CNY", "人民币", "renminbi", "元", "yuan", 2, True),
    (101, "INDUSTRIAL_OUTPUT", "工业总产值", "industrial output", "元", "yuan", 2, False),
    (102, "ADDED_VALUE", "工业增加值", "industrial added value", "元", "yuan", 2, False),
    (103, "ABOVE_SCALE_OUTPUT", "规上工业总产值", "output of above-scale industry", "元", "yuan", 2, False),
    (104, "FIXED_INVESTMENT", "固定资产投资", "fixed asset investment", "元", "yuan", 2, False),
    (
        105,
        "PAID_IN_CAPITAL",
        "省外到位资金",
        "paid-in capital from outside the province",
        "元",
        "yuan",
        2,
        False,
    ),
    (106, "FOREIGN_CAPITAL_USED", "实际利用外资", "foreign capital used", "美元", "US dollars", 2, False),
    (107, "TRADE_SALES", "限上商贸销售额", "sales of above-scale trade", "元", "yuan", 2, False),
    (108, "SERVICE_REVENUE", "规上服务业营业收入", "revenue of above-scale services", "元", "yuan", 2, False),
    (109, "RESEARCH_SPENDING", "研发经费支出", "research and development spending", "元", "yuan", 2, False),
    (110, "ENERGY_USE", "综合能源消费量", "energy use", "吨标准煤", "tonnes of coal equivalent", 2, False),
    (111, "HEAD_COUNT", "期末从业人员", "people employed at the end of the period", "人", "people", 0, False),
    (112, "TAX_PAID", "实缴税金", "taxes paid (as a statistic)", "元", "yuan", 2, False),
)
BOOKS = ((1, "cash"), (2, "official"), (3, "assessment"))
MEASURES = (
    (11, "vat", "tax", 1, "增值税", "value added tax"),
    (12, "business_tax", "tax", 1, "营业税", "business tax (merged into VAT on 2016-05-01)"),
    (13, "cit", "tax", 1, "企业所得税", "corporate income tax"),
    (14, "pit", "tax", 1, "个人所得税", "personal income tax"),
    (15, "urban_construction_tax", "tax", 1, "城市维护建设税", "urban maintenance and construction tax"),
    (16, "property_tax", "tax", 1, "房产税", "property tax"),
    (17, "land_use_tax", "tax", 1, "城镇土地使用税", "urban land use tax"),
    (18, "other_tax", "tax", 1, "其他税收", "other taxes"),
    (19, "retained_tax", "tax", 1, "地方留成税收", "local retained tax (already net of higher tiers)"),
    (31, "incentive_paid", "incentive", 1, "已兑现奖补", "incentives paid to the enterprise"),
    (41, "land_transfer", "revenue", 1, "土地出让收入", "land transfer revenue"),
    (42, "land_lease", "revenue", 1, "土地租赁收入", "land lease revenue"),
    (43, "rent", "revenue", 1, "厂房租金收入", "rent"),
    (44, "service_fee", "revenue", 1, "园区服务收入", "service revenue"),
    (45, "dividend", "revenue", 1, "投资分红", "dividends"),
    (46, "asset_sale", "revenue", 1, "资产处置收入", "asset sales"),
    (61, "development_cost", "cost", 1, "开发成本", "development cost"),
    (62, "financing_cost", "cost", 1, "融资成本", "financing cost"),
    (63, "management_cost", "cost", 1, "管理成本", "management cost"),
    (101, "industrial_output", "indicator", 101, "工业总产值", "industrial output"),
    (102, "added_value", "indicator", 102, "工业增加值", "industrial added value"),
    (103, "above_scale_output", "indicator", 103, "规上工业总产值", "output of above-scale industry"),
    (104, "fixed_investment", "indicator", 104, "固定资产投资", "fixed asset investment"),
    (105, "paid_in_capital", "indicator", 105, "省外到位资金", "paid-in capital from outside the province"),
    (106, "foreign_capital_used", "indicator", 106, "实际利用外资", "foreign capital used"),
    (107, "trade_sales", "indicator", 107, "限上商贸销售额", "sales of above-scale trade"),
    (108, "service_revenue", "indicator", 108, "规上服务业营业收入", "revenue of above-scale services"),
    (109, "research_spending", "indicator", 109, "研发经费支出", "research and development spending"),
    (110, "energy_use", "indicator", 110, "综合能源消费量", "energy use"),
    (111, "head_count", "indicator", 111, "期末从业人员", "people employed at the end of the period"),
    (112, "tax_paid", "indicator", 112, "实缴税金", "taxes paid (as a statistic)"),
)

# In the order of creation; dropped in reverse.
TABLES = (
    "agreement",
    "book",
    "commodity",
    "enterprise",
    "event",
    "idempotency_key",
    "party",
    "account",
    "agreement_party",
    "agreement_quarter",
    "agreement_version",
    "enterprise_list",
    "measure",
    "party_key",
    "zone",
    "agreement_version_state",
    "enterprise_list_confirmation",
    "enterprise_list_entry",
    "filing",
    "settlement",
    "version_signature",
    "zone_division",
    "carried",
    "filing_total",
    "return_line",
    "settlement_cause",
    "allocation",
    "journal_entry",
    "posting",
)
REFERENCE_TABLES = ("commodity", "book", "measure")
QUARTER_COLUMNS_UPDATED = "state, settlement_id, closed_at"

# Roles belong to the whole cluster, whose databases may be migrated at the same time.
CREATE_ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END $$
"""
# From version 16 on a role's creator is its member but may not yet put it on.
GRANT_ROLE = """
DO $$
BEGIN
    IF NOT pg_has_role(current_user, '{role}',
                       CASE WHEN current_setting('server_version_num')::integer >= 160000
                            THEN 'SET' ELSE 'MEMBER' END) THEN
        EXECUTE format('GRANT {role} TO %I', current_user);
    END IF;
EXCEPTION WHEN unique_violation THEN
    NULL;
END $$
"""


def upgrade() -> None:
    create_tables()
    seed()
    create_roles()
    grant()


def downgrade() -> None:
    """The roles stay: other databases of the cluster may use them."""
    op.execute("REVOKE ALL ON alembic_version FROM parkledger_application, parkledger_auditor")
    op.execute("REVOKE USAGE ON SCHEMA public FROM parkledger_application, parkledger_auditor")
    op.drop_constraint("agreement_quarter_settlement_fk", "agreement_quarter", type_="foreignkey")
    for table in reversed(TABLES):
        op.drop_table(table)


def seed() -> None:
    insert(
        "commodity", "commodity_id, code, name_zh, name_en, unit_zh, unit_en, scale, is_money", COMMODITIES
    )
    insert("book", "book_id, name", BOOKS)
    insert("measure", "measure_id, name, kind, commodity_id, name_zh, name_en", MEASURES)


def insert(table: str, columns: str, rows: tuple[tuple[object, ...], ...]) -> None:
    names = columns.split(", ")
    target = sa.table(table, *(sa.column(name) for name in names))
    op.bulk_insert(target, [dict(zip(names, row, strict=True)) for row in rows])


def create_roles() -> None:
    for role in ("parkledger_application", "parkledger_auditor"):
        op.execute(CREATE_ROLE.format(role=role))
        op.execute(GRANT_ROLE.format(role=role))


def grant() -> None:
    every = ", ".join((*TABLES, "alembic_version"))
    recorded = ", ".join(t for t in TABLES if t not in REFERENCE_TABLES)
    op.execute("GRANT USAGE ON SCHEMA public TO parkledger_application, parkledger_auditor")
    op.execute(f"GRANT SELECT ON {every} TO parkledger_application, parkledger_auditor")
    op.execute(f"GRANT INSERT ON {recorded} TO parkledger_application")
    op.execute(f"GRANT UPDATE ({QUARTER_COLUMNS_UPDATED}) ON agreement_quarter TO parkledger_application")


def create_tables() -> None:
    op.create_table(
        "agreement",
        sa.Column("agreement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="where its facts come from"),
        sa.Column(
            "unverified", sa.Text(), nullable=False, comment="what of it isn't confirmed or is made up"
        ),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('enclave', 'reverse_enclave', 'partner_park', 'co_built_park', "
            "'entrusted_park', 'off_site_incubation', 'branch_park', 'voucher_recognition')",
            name=op.f("agreement_kind_check"),
        ),
        sa.PrimaryKeyConstraint("agreement_id", name="agreement_pk"),
        sa.UniqueConstraint("code", name="agreement_code_key"),
    )
    op.create_table(
        "book",
        sa.Column("book_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", name="book_pk"),
        sa.UniqueConstraint("name", name="book_name_key"),
    )
    op.create_table(
        "commodity",
        sa.Column("commodity_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("unit_zh", sa.Text(), nullable=False),
        sa.Column("unit_en", sa.Text(), nullable=False),
        sa.Column("scale", sa.SmallInteger(), nullable=False),
        sa.Column("is_money", sa.Boolean(), nullable=False),
        sa.CheckConstraint("scale BETWEEN 0 AND 6", name=op.f("commodity_scale_check")),
        sa.PrimaryKeyConstraint("commodity_id", name="commodity_pk"),
        sa.UniqueConstraint("code", name="commodity_code_key"),
    )
    op.create_table(
        "enterprise",
        sa.Column("enterprise_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("credit_code", sa.Text(), nullable=False, comment="统一社会信用代码, 18 characters"),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("enterprise_id", name="enterprise_pk"),
        sa.UniqueConstraint("credit_code", name="enterprise_credit_code_key"),
    )
    op.create_table(
        "event",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column(
            "canonical",
            sa.LargeBinary(),
            nullable=False,
            comment="RFC 8785 JSON, stored once and never rebuilt",
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("hash = sha256(canonical)", name=op.f("event_hash_check")),
        sa.PrimaryKeyConstraint("event_id", name="event_pk"),
    )
    op.create_index("event_agreement_id_event_id_index", "event", ["agreement_id", "event_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(request_hash) = 32", name=op.f("idempotency_key_hash_check")),
        sa.PrimaryKeyConstraint("key", name="idempotency_key_pk"),
    )
    op.create_table(
        "party",
        sa.Column("party_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=True),
        sa.Column("province_code", sa.Text(), nullable=True),
        sa.Column("province_zh", sa.Text(), nullable=True),
        sa.Column("region_class", sa.Text(), nullable=True),
        sa.Column("parent_party_id", sa.BigInteger(), nullable=True, comment="one zone, many parks"),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('zone', 'park', 'government', 'finance_bureau', 'fund', 'company', 'other')",
            name=op.f("party_kind_check"),
        ),
        sa.CheckConstraint("province_code ~ '^[0-9]{6}$'", name=op.f("party_province_code_check")),
        sa.CheckConstraint(
            "region_class IN ('East', 'Central', 'West', 'Northeast')", name=op.f("party_region_class_check")
        ),
        sa.ForeignKeyConstraint(["parent_party_id"], ["party.party_id"], name="party_party_fk"),
        sa.PrimaryKeyConstraint("party_id", name="party_pk"),
        sa.UniqueConstraint("code", name="party_code_key"),
    )
    op.create_index("party_parent_party_id_index", "party", ["parent_party_id"], unique=False)
    op.create_table(
        "account",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=True, comment="null for source accounts"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="source: what is divided; due: payable; accrued: provisional; fund: routed; "
            "credited: statistics",
        ),
        sa.Column("clause", sa.SmallInteger(), nullable=False),
        sa.Column("book_id", sa.SmallInteger(), nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("(kind = 'source') = (party_id IS NULL)", name=op.f("account_party_check")),
        sa.CheckConstraint(
            "kind = 'source' OR (kind = 'credited') = (book_id <> 1)", name=op.f("account_book_check")
        ),
        sa.CheckConstraint(
            "kind IN ('source', 'due', 'accrued', 'fund', 'credited')", name=op.f("account_kind_check")
        ),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreement.agreement_id"], name="account_agreement_fk"),
        sa.ForeignKeyConstraint(["book_id"], ["book.book_id"], name="account_book_fk"),
        sa.ForeignKeyConstraint(["commodity_id"], ["commodity.commodity_id"], name="account_commodity_fk"),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name="account_party_fk"),
        sa.PrimaryKeyConstraint("account_id", name="account_pk"),
        sa.UniqueConstraint(
            "agreement_id",
            "account_id",
            "book_id",
            "commodity_id",
            name="account_agreement_id_account_id_book_id_commodity_id_key",
        ),
        sa.UniqueConstraint(
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
    op.create_table(
        "agreement_party",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("signs", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name="agreement_party_agreement_fk"
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name="agreement_party_party_fk"),
        sa.PrimaryKeyConstraint("agreement_id", "role", name="agreement_party_pk"),
        sa.UniqueConstraint(
            "agreement_id", "role", "party_id", name="agreement_party_agreement_id_role_party_id_key"
        ),
    )
    op.create_index("agreement_party_party_id_index", "agreement_party", ["party_id"], unique=False)
    op.create_table(
        "agreement_quarter",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=True, comment="the settlement that closed it"),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("agreement_quarter_closed_at_check")
        ),
        sa.CheckConstraint(
            "(state = 'closed') = (settlement_id IS NOT NULL)",
            name=op.f("agreement_quarter_settlement_check"),
        ),
        sa.CheckConstraint(
            "quarter % 10 BETWEEN 1 AND 4 AND quarter BETWEEN 19491 AND 29994",
            name=op.f("agreement_quarter_quarter_check"),
        ),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("agreement_quarter_state_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name="agreement_quarter_agreement_fk"
        ),
        sa.PrimaryKeyConstraint("agreement_id", "quarter", name="agreement_quarter_pk"),
    )
    op.create_index(
        "agreement_quarter_one_open",
        "agreement_quarter",
        ["agreement_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "agreement_version",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column(
            "terms",
            sa.LargeBinary(),
            nullable=False,
            comment="the exact bytes that are signed: RFC 8785 JSON",
        ),
        sa.Column("terms_hash", sa.LargeBinary(), nullable=False),
        sa.Column("in_force_from", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "in_force_from % 10 BETWEEN 1 AND 4 AND in_force_from BETWEEN 19491 AND 29994",
            name=op.f("agreement_version_quarter_check"),
        ),
        sa.CheckConstraint("terms_hash = sha256(terms)", name=op.f("agreement_version_terms_hash_check")),
        sa.CheckConstraint("version > 0", name=op.f("agreement_version_version_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name="agreement_version_agreement_fk"
        ),
        sa.PrimaryKeyConstraint("agreement_id", "version", name="agreement_version_pk"),
    )
    op.create_table(
        "enterprise_list",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("compiled_by", sa.Text(), nullable=False, comment="role"),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("enterprise_list_version_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id"], ["agreement.agreement_id"], name="enterprise_list_agreement_fk"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="enterprise_list_event_fk"),
        sa.PrimaryKeyConstraint("agreement_id", "version", name="enterprise_list_pk"),
    )
    op.create_table(
        "measure",
        sa.Column("measure_id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["commodity_id"], ["commodity.commodity_id"], name="measure_commodity_fk"),
        sa.PrimaryKeyConstraint("measure_id", name="measure_pk"),
        sa.UniqueConstraint("name", name="measure_name_key"),
    )
    op.create_table(
        "party_key",
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False, comment="Ed25519"),
        sa.Column("label", sa.Text(), nullable=False, comment="for people; demo keys say so"),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(public_key) = 32", name=op.f("party_key_public_key_check")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name="party_key_party_fk"),
        sa.PrimaryKeyConstraint("party_id", "public_key", name="party_key_pk"),
    )
    op.create_table(
        "zone",
        sa.Column("party_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("approval_year", sa.SmallInteger(), nullable=True),
        sa.Column("approval_document", sa.Text(), nullable=True),
        sa.Column("in_2020_roster", sa.Boolean(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.CheckConstraint("level IN ('national', 'provincial')", name=op.f("zone_level_check")),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name="zone_party_fk"),
        sa.PrimaryKeyConstraint("party_id", name="zone_pk"),
    )
    op.create_table(
        "agreement_version_state",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'proposed', 'in_force', 'superseded', 'withdrawn')",
            name=op.f("agreement_version_state_state_check"),
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "version"],
            ["agreement_version.agreement_id", "agreement_version.version"],
            name="agreement_version_state_agreement_version_fk",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="agreement_version_state_event_fk"),
        sa.PrimaryKeyConstraint("agreement_id", "version", "state", name="agreement_version_state_pk"),
    )
    op.create_table(
        "enterprise_list_confirmation",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["agreement_id", "role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name="enterprise_list_confirmation_agreement_party_fk",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "version"],
            ["enterprise_list.agreement_id", "enterprise_list.version"],
            name="enterprise_list_confirmation_enterprise_list_fk",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.event_id"], name="enterprise_list_confirmation_event_fk"
        ),
        sa.PrimaryKeyConstraint("agreement_id", "version", "role", name="enterprise_list_confirmation_pk"),
    )
    op.create_table(
        "enterprise_list_entry",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("enterprise_id", sa.BigInteger(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False, comment="as on this list"),
        sa.Column(
            "attributes",
            postgresql.JSONB(),
            nullable=False,
            comment="events, pre_move_tax, cause_of_move, referred_by, controller",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "version"],
            ["enterprise_list.agreement_id", "enterprise_list.version"],
            name="enterprise_list_entry_enterprise_list_fk",
        ),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.enterprise_id"], name="enterprise_list_entry_enterprise_fk"
        ),
        sa.PrimaryKeyConstraint("agreement_id", "version", "enterprise_id", name="enterprise_list_entry_pk"),
    )
    op.create_table(
        "filing",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "booked_quarter", sa.Integer(), nullable=False, comment="the open quarter when it was handed in"
        ),
        sa.Column("filing_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "sequence",
            sa.Integer(),
            nullable=False,
            comment="1 for the first return of this role for the quarter; a later one supersedes",
        ),
        sa.Column("is_nil", sa.Boolean(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column(
            "content_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="of the file, or of the canonical lines when handed in by mutation",
        ),
        sa.Column(
            "lines_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="over the lines in their fixed-width binary form, in line order",
        ),
        sa.Column("line_count", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("is_nil = (line_count = 0)", name=op.f("filing_nil_check")),
        sa.CheckConstraint("line_count >= 0", name=op.f("filing_line_count_check")),
        sa.CheckConstraint("octet_length(content_hash) = 32", name=op.f("filing_content_hash_check")),
        sa.CheckConstraint("octet_length(lines_hash) = 32", name=op.f("filing_lines_hash_check")),
        sa.CheckConstraint(
            "quarter % 10 BETWEEN 1 AND 4 AND quarter BETWEEN 19491 AND 29994",
            name=op.f("filing_quarter_check"),
        ),
        sa.CheckConstraint("quarter <= booked_quarter", name=op.f("filing_not_ahead_check")),
        sa.CheckConstraint("sequence > 0", name=op.f("filing_sequence_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter"],
            ["agreement_quarter.agreement_id", "agreement_quarter.quarter"],
            name="filing_agreement_quarter_fk",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "role"],
            ["agreement_party.agreement_id", "agreement_party.role"],
            name="filing_agreement_party_fk",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="filing_event_fk"),
        sa.PrimaryKeyConstraint("agreement_id", "booked_quarter", "filing_id", name="filing_pk"),
        sa.UniqueConstraint(
            "agreement_id",
            "quarter",
            "role",
            "sequence",
            name="filing_agreement_id_quarter_role_sequence_key",
        ),
    )
    op.create_table(
        "settlement",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False, comment="the year's last quarter"),
        sa.Column(
            "inputs",
            sa.LargeBinary(),
            nullable=False,
            comment="RFC 8785 JSON: versions, filings and list that it rests on",
        ),
        sa.Column(
            "allocations_hash",
            sa.LargeBinary(),
            nullable=False,
            comment="over the allocations in their fixed-width binary form, in key order",
        ),
        sa.Column("allocation_count", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("allocation_count >= 0", name=op.f("settlement_allocation_count_check")),
        sa.CheckConstraint("octet_length(allocations_hash) = 32", name=op.f("settlement_hash_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter"],
            ["agreement_quarter.agreement_id", "agreement_quarter.quarter"],
            name="settlement_agreement_quarter_fk",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="settlement_event_fk"),
        sa.PrimaryKeyConstraint("agreement_id", "booked_quarter", "settlement_id", name="settlement_pk"),
    )
    op.create_table(
        "version_signature",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(signature) = 64", name=op.f("version_signature_signature_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "role", "party_id"],
            ["agreement_party.agreement_id", "agreement_party.role", "agreement_party.party_id"],
            name="version_signature_agreement_party_fk",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "version"],
            ["agreement_version.agreement_id", "agreement_version.version"],
            name="version_signature_agreement_version_fk",
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.event_id"], name="version_signature_event_fk"),
        sa.ForeignKeyConstraint(
            ["party_id", "public_key"],
            ["party_key.party_id", "party_key.public_key"],
            name="version_signature_party_key_fk",
        ),
        sa.PrimaryKeyConstraint("agreement_id", "version", "role", name="version_signature_pk"),
    )
    op.create_table(
        "zone_division",
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("division_code", sa.Text(), nullable=False),
        sa.Column("division_zh", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("starts", sa.Date(), nullable=True, comment="null: from the beginning"),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.CheckConstraint("division_code ~ '^[0-9]{6}$'", name=op.f("zone_division_division_code_check")),
        sa.CheckConstraint("ends > starts", name=op.f("zone_division_ends_check")),
        sa.CheckConstraint(
            "level IN ('province', 'city', 'district')", name=op.f("zone_division_level_check")
        ),
        sa.ForeignKeyConstraint(["party_id"], ["zone.party_id"], name="zone_division_zone_fk"),
        sa.PrimaryKeyConstraint("party_id", "division_code", "level", name="zone_division_pk"),
    )
    op.create_table(
        "carried",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("clause", sa.SmallInteger(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.ARRAY(sa.BigInteger()), nullable=False, comment="ledger.rules.state packs it"),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id"],
            ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
            name="carried_settlement_fk",
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id", "booked_quarter", "settlement_id", "clause", "subject_id", name="carried_pk"
        ),
        postgresql_partition_by="RANGE (booked_quarter)",
    )
    op.create_table(
        "filing_total",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("filing_id", sa.BigInteger(), nullable=False),
        sa.Column("measure_id", sa.SmallInteger(), nullable=False),
        sa.Column(
            "amount_minor",
            sa.BigInteger(),
            nullable=False,
            comment="declared, and equal to the sum of the lines",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "filing_id"],
            ["filing.agreement_id", "filing.booked_quarter", "filing.filing_id"],
            name="filing_total_filing_fk",
        ),
        sa.ForeignKeyConstraint(["measure_id"], ["measure.measure_id"], name="filing_total_measure_fk"),
        sa.PrimaryKeyConstraint(
            "agreement_id", "booked_quarter", "filing_id", "measure_id", name="filing_total_pk"
        ),
    )
    op.create_table(
        "return_line",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("filing_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column(
            "subject_id", sa.BigInteger(), nullable=False, comment="enterprise, or 0 for the whole park"
        ),
        sa.Column("measure_id", sa.SmallInteger(), nullable=False),
        sa.Column("months", sa.SmallInteger(), nullable=False),
        sa.Column(
            "starts",
            sa.Date(),
            nullable=False,
            comment="first day of the month or quarter the figure is about",
        ),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "date_part('day', starts) = 1 AND (months = 1 OR date_part('month', starts) IN (1, 4, 7, 10))",
            name=op.f("return_line_starts_check"),
        ),
        sa.CheckConstraint("line > 0", name=op.f("return_line_line_check")),
        sa.CheckConstraint("months IN (1, 3)", name=op.f("return_line_months_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "filing_id"],
            ["filing.agreement_id", "filing.booked_quarter", "filing.filing_id"],
            name="return_line_filing_fk",
        ),
        sa.PrimaryKeyConstraint("agreement_id", "booked_quarter", "filing_id", "line", name="return_line_pk"),
        postgresql_partition_by="RANGE (booked_quarter)",
    )
    op.create_table(
        "settlement_cause",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "cause",
            sa.SmallInteger(),
            nullable=False,
            comment="in replay order; the quarter's own figures come last",
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False, comment="the quarter that it is about"),
        sa.Column(
            "reference", sa.Text(), nullable=False, comment="the filing, list version or terms version"
        ),
        sa.CheckConstraint(
            "kind IN ('correction', 'enterprise_list', 'amendment', 'quarter')",
            name=op.f("settlement_cause_kind_check"),
        ),
        sa.CheckConstraint(
            "quarter % 10 BETWEEN 1 AND 4 AND quarter BETWEEN 19491 AND 29994",
            name=op.f("settlement_cause_quarter_check"),
        ),
        sa.CheckConstraint("quarter <= booked_quarter", name=op.f("settlement_cause_not_ahead_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id"],
            ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
            name="settlement_cause_settlement_fk",
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id", "booked_quarter", "settlement_id", "cause", name="settlement_cause_pk"
        ),
    )
    op.create_table(
        "allocation",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.SmallInteger(), nullable=False),
        sa.Column("clause", sa.SmallInteger(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False, comment="the quarter whose result this changes"),
        sa.Column("book_id", sa.SmallInteger(), nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "routed_minor",
            sa.BigInteger(),
            nullable=False,
            comment="the part that goes on to the routing's fund",
        ),
        sa.CheckConstraint(
            "quarter % 10 BETWEEN 1 AND 4 AND quarter BETWEEN 19491 AND 29994",
            name=op.f("allocation_quarter_check"),
        ),
        sa.CheckConstraint("quarter <= booked_quarter", name=op.f("allocation_not_ahead_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id", "cause"],
            [
                "settlement_cause.agreement_id",
                "settlement_cause.booked_quarter",
                "settlement_cause.settlement_id",
                "settlement_cause.cause",
            ],
            name="allocation_settlement_cause_fk",
        ),
        sa.ForeignKeyConstraint(["party_id"], ["party.party_id"], name="allocation_party_fk"),
        sa.PrimaryKeyConstraint(
            "agreement_id",
            "booked_quarter",
            "settlement_id",
            "cause",
            "clause",
            "subject_id",
            "quarter",
            "book_id",
            "party_id",
            name="allocation_pk",
        ),
        postgresql_partition_by="RANGE (booked_quarter)",
    )
    op.create_table(
        "journal_entry",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.SmallInteger(), nullable=False),
        sa.Column("cause", sa.SmallInteger(), nullable=False),
        sa.Column("clause", sa.SmallInteger(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False, comment="the quarter that the entry is about"),
        sa.CheckConstraint(
            "quarter % 10 BETWEEN 1 AND 4 AND quarter BETWEEN 19491 AND 29994",
            name=op.f("journal_entry_quarter_check"),
        ),
        sa.CheckConstraint("quarter <= booked_quarter", name=op.f("journal_entry_not_ahead_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id", "cause"],
            [
                "settlement_cause.agreement_id",
                "settlement_cause.booked_quarter",
                "settlement_cause.settlement_id",
                "settlement_cause.cause",
            ],
            name="journal_entry_settlement_cause_fk",
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id", "booked_quarter", "settlement_id", "entry", name="journal_entry_pk"
        ),
    )
    op.create_table(
        "posting",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_quarter", sa.Integer(), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.SmallInteger(), nullable=False),
        sa.Column("posting", sa.SmallInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("book_id", sa.SmallInteger(), nullable=False),
        sa.Column("commodity_id", sa.SmallInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("posting_amount_check")),
        sa.ForeignKeyConstraint(
            ["agreement_id", "account_id", "book_id", "commodity_id"],
            ["account.agreement_id", "account.account_id", "account.book_id", "account.commodity_id"],
            name="posting_account_fk",
        ),
        sa.ForeignKeyConstraint(
            ["agreement_id", "booked_quarter", "settlement_id", "entry"],
            [
                "journal_entry.agreement_id",
                "journal_entry.booked_quarter",
                "journal_entry.settlement_id",
                "journal_entry.entry",
            ],
            name="posting_journal_entry_fk",
        ),
        sa.PrimaryKeyConstraint(
            "agreement_id", "booked_quarter", "settlement_id", "entry", "posting", name="posting_pk"
        ),
        postgresql_partition_by="RANGE (booked_quarter)",
    )
    op.create_index(
        "posting_agreement_id_booked_quarter_account_id_index",
        "posting",
        ["agreement_id", "booked_quarter", "account_id"],
        unique=False,
    )
    op.create_foreign_key(
        "agreement_quarter_settlement_fk",
        "agreement_quarter",
        "settlement",
        ["agreement_id", "quarter", "settlement_id"],
        ["agreement_id", "booked_quarter", "settlement_id"],
    )
