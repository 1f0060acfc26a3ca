"""Innovation vouchers: programmes, providers, vouchers, claims, and the money that they use.

Nothing is used beyond what there is, by construction: every use of a voucher, a budget or a reserve says what
is left after it, and refers to the one before, or to the whole, by what it found left. What was redeemed
once is in ``redeemed_evidence``, one table for every zone and year.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger_schema.tables.base import HASH_CHECK, PERSON_CHECK, metadata, recorded_at
from ledger_schema.tables.voucher_clearing import CLEARING_TABLES


def _event() -> Column[object]:
    return Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False)


def _amount(rule: str = "amount_minor > 0") -> Column[object]:
    return Column("amount_minor", BigInteger, CheckConstraint(rule, name="amount"), nullable=False)


def _sequence() -> Column[object]:
    return Column("sequence", BigInteger, CheckConstraint("sequence > 0", name="sequence"), nullable=False)


def _previous() -> Column[object]:
    return Column("previous", BigInteger, Computed("nullif(sequence - 1, 0)", True))


def _found(left: str) -> Column[object]:
    return Column(
        "found_minor",
        BigInteger,
        Computed(f"CASE WHEN sequence > 1 THEN amount_minor + {left} ELSE NULL::bigint END", True),
    )


voucher_programme = Table(
    "voucher_programme",
    metadata,
    Column("programme_id", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column("agreement_id", BigInteger, ForeignKey("agreement.agreement_id"), nullable=False),
    Column("document", JSONB, nullable=False, comment="parkledger.voucher-programme/1"),
    _event(),
    recorded_at(),
    Index(None, "agreement_id"),
)

voucher_programme_confirmation = Table(
    "voucher_programme_confirmation",
    metadata,
    Column("programme_id", BigInteger, ForeignKey("voucher_programme.programme_id"), nullable=False),
    Column("role", Text, nullable=False),
    _event(),
    recorded_at(),
    PrimaryKeyConstraint("programme_id", "role"),
)

voucher_provider = Table(
    "voucher_provider",
    metadata,
    Column("provider_id", BigInteger, primary_key=True, autoincrement=False),
    Column("credit_code", Text, nullable=False, unique=True, comment="统一社会信用代码, 18 characters"),
    Column("name_zh", Text, nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False, comment="the zone it is in"),
    Column("controller", Text, comment="actual controller"),
    _event(),
    recorded_at(),
    Index(None, "party_id"),
)

provider_certification = Table(
    "provider_certification",
    metadata,
    Column("provider_id", BigInteger, ForeignKey("voucher_provider.provider_id"), nullable=False),
    _sequence(),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False, comment="who says it"),
    Column("kind", Text, CheckConstraint("kind IN ('certified', 'suspended')", name="kind"), nullable=False),
    Column("starts", Date, nullable=False),
    Column("ends", Date, comment="its last day; null: until further notice"),
    Column("services", JSONB, nullable=False, comment="codes of classes or items"),
    Column("document", Text, nullable=False, comment="reference to its evidence"),
    _event(),
    recorded_at(),
    CheckConstraint("ends >= starts", name="ends"),
    PrimaryKeyConstraint("provider_id", "sequence"),
)

voucher_application = Table(
    "voucher_application",
    metadata,
    Column("application_id", BigInteger, primary_key=True, autoincrement=False),
    Column("programme_id", BigInteger, ForeignKey("voucher_programme.programme_id"), nullable=False),
    Column("enterprise_id", BigInteger, ForeignKey("enterprise.enterprise_id"), nullable=False),
    Column("list_version", SmallInteger, nullable=False, comment="of the agreement's enterprise list"),
    Column("controller", Text, comment="actual controller, as on that list"),
    Column("attributes", JSONB, nullable=False, comment="as on that list"),
    _amount(),
    Column("purpose", Text, nullable=False),
    Column("day", Date, nullable=False),
    _event(),
    recorded_at(),
    Index(None, "programme_id", "enterprise_id"),
)

voucher = Table(
    "voucher",
    metadata,
    Column("voucher_id", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "application_id",
        BigInteger,
        ForeignKey("voucher_application.application_id"),
        nullable=False,
        unique=True,
    ),
    _amount(),
    Column("day", Date, nullable=False, comment="of its issue"),
    Column("last_day", Date, nullable=False, comment="on which it can be claimed on"),
    Column("person", Text, nullable=False),
    _event(),
    recorded_at(),
    CheckConstraint("last_day >= day", name="last_day"),
    UniqueConstraint("voucher_id", "amount_minor"),
)

voucher_order = Table(
    "voucher_order",
    metadata,
    Column("order_id", BigInteger, primary_key=True, autoincrement=False),
    Column("voucher_id", BigInteger, ForeignKey("voucher.voucher_id"), nullable=False),
    Column("provider_id", BigInteger, ForeignKey("voucher_provider.provider_id"), nullable=False),
    Column("service", Text, nullable=False),
    Column("contract", Text, nullable=False, comment="its number"),
    _amount(),
    Column("day", Date, nullable=False),
    _event(),
    recorded_at(),
    Index(None, "voucher_id"),
    Index(None, "provider_id"),
)

voucher_service = Table(
    "voucher_service",
    metadata,
    Column("order_id", BigInteger, ForeignKey("voucher_order.order_id"), primary_key=True),
    Column("day", Date, nullable=False, comment="on which the service was done"),
    Column("document", Text, nullable=False, comment="reference to its evidence"),
    _event(),
    recorded_at(),
)

voucher_claim = Table(
    "voucher_claim",
    metadata,
    Column("claim_id", BigInteger, primary_key=True, autoincrement=False),
    Column("order_id", BigInteger, ForeignKey("voucher_order.order_id"), nullable=False),
    _amount(),
    Column("day", Date, nullable=False),
    Column("is_sampled", Boolean, nullable=False, comment="it is decided only after an audit"),
    _event(),
    recorded_at(),
    UniqueConstraint("claim_id", "amount_minor"),
    Index(None, "order_id"),
)

redeemed_evidence = Table(
    "redeemed_evidence",
    metadata,
    Column(
        "kind", Text, CheckConstraint("kind IN ('contract_line', 'receipt')", name="kind"), nullable=False
    ),
    Column("issuer", Text, nullable=False, comment="credit code of who issued it"),
    Column("number", Text, nullable=False, comment="in one form of writing"),
    Column("line", Text, nullable=False, comment="of a contract; empty for a receipt"),
    Column(
        "content_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("content_hash"), name="content_hash"),
        nullable=False,
    ),
    Column("claim_id", BigInteger, ForeignKey("voucher_claim.claim_id"), nullable=False),
    _event(),
    recorded_at(),
    PrimaryKeyConstraint("kind", "issuer", "number", "line"),
    Index(
        "redeemed_evidence_receipt_key",
        "content_hash",
        unique=True,
        postgresql_where=text("kind = 'receipt'"),
    ),
    Index(None, "claim_id"),
)

voucher_flag = Table(
    "voucher_flag",
    metadata,
    Column("claim_id", BigInteger, ForeignKey("voucher_claim.claim_id"), nullable=False),
    Column("code", Text, nullable=False),
    Column("grounds", JSONB, nullable=False),
    _event(),
    recorded_at(),
    PrimaryKeyConstraint("claim_id", "code"),
)

voucher_audit = Table(
    "voucher_audit",
    metadata,
    Column("claim_id", BigInteger, ForeignKey("voucher_claim.claim_id"), primary_key=True),
    _amount("amount_minor >= 0"),
    Column("finding", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("day", Date, nullable=False),
    _event(),
    recorded_at(),
)

voucher_decision = Table(
    "voucher_decision",
    metadata,
    Column("claim_id", BigInteger, ForeignKey("voucher_claim.claim_id"), primary_key=True),
    _amount("amount_minor >= 0"),
    Column("day", Date, nullable=False),
    Column("working", JSONB, nullable=False, comment="the arithmetic by clause"),
    _event(),
    recorded_at(),
)

voucher_entry = Table(
    "voucher_entry",
    metadata,
    Column("claim_id", BigInteger, ForeignKey("voucher_decision.claim_id"), nullable=False),
    _sequence(),
    Column("programme_id", BigInteger, ForeignKey("voucher_programme.programme_id"), nullable=False),
    Column("enterprise_id", BigInteger, ForeignKey("enterprise.enterprise_id"), nullable=False),
    Column("quota_group", Text, nullable=False, comment="the actual controller, else the enterprise"),
    _amount(),
    Column("kept_minor", BigInteger, CheckConstraint("kept_minor >= 0", name="kept"), nullable=False),
    Column("day", Date, nullable=False),
    Column("quota_day", Date, comment="against whose year it counts; null: the quota stays spent"),
    Column("reason", Text, nullable=False, comment="why it is recovered; empty for what is approved"),
    _event(),
    recorded_at(),
    _previous(),
    _found("kept_minor"),
    CheckConstraint("sequence > 1 OR (kept_minor = amount_minor AND quota_day IS NOT NULL)", name="approved"),
    PrimaryKeyConstraint("claim_id", "sequence"),
    UniqueConstraint("claim_id", "sequence", "kept_minor", name="voucher_entry_kept_key"),
    UniqueConstraint("claim_id", "sequence", "amount_minor", name="voucher_entry_amount_key"),
    ForeignKeyConstraint(
        ["claim_id", "previous", "found_minor"],
        ["voucher_entry.claim_id", "voucher_entry.sequence", "voucher_entry.kept_minor"],
        name="voucher_entry_previous_fk",
    ),
    Index(None, "programme_id", "quota_group"),
    Index(None, "enterprise_id"),
)

voucher_posting = Table(
    "voucher_posting",
    metadata,
    Column("claim_id", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("posting", SmallInteger, nullable=False),
    Column(
        "account",
        Text,
        CheckConstraint("account IN ('payer', 'provider')", name="account"),
        nullable=False,
        comment="payer: what its budget bears; provider: what is due to it",
    ),
    Column("clause", SmallInteger),
    Column("role", Text),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), comment="the payer"),
    Column("provider_id", BigInteger, ForeignKey("voucher_provider.provider_id")),
    _amount("amount_minor <> 0"),
    _event(),
    CheckConstraint(
        "num_nulls(clause, role, party_id) = CASE account WHEN 'payer' THEN 0 ELSE 3 END AND "
        "(account = 'provider') = (provider_id IS NOT NULL)",
        name="side",
    ),
    PrimaryKeyConstraint("claim_id", "sequence", "posting"),
    UniqueConstraint("claim_id", "sequence", "posting", "amount_minor", name="voucher_posting_amount_key"),
    ForeignKeyConstraint(["claim_id", "sequence"], ["voucher_entry.claim_id", "voucher_entry.sequence"]),
)

voucher_use = Table(
    "voucher_use",
    metadata,
    Column("voucher_id", BigInteger, ForeignKey("voucher.voucher_id"), nullable=False),
    _sequence(),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('claim', 'cancelled', 'expired', 'forfeited')", name="kind"),
        nullable=False,
    ),
    _amount(),
    Column("left_minor", BigInteger, CheckConstraint("left_minor >= 0", name="left"), nullable=False),
    Column("day", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("claim_id", BigInteger, unique=True),
    Column("entry", BigInteger, Computed("CASE WHEN kind = 'claim' THEN 1 ELSE NULL END", True)),
    _event(),
    recorded_at(),
    Column(
        "whole_minor",
        BigInteger,
        Computed("CASE WHEN sequence = 1 THEN amount_minor + left_minor ELSE NULL::bigint END", True),
    ),
    _previous(),
    _found("left_minor"),
    CheckConstraint("(kind = 'claim') = (claim_id IS NOT NULL)", name="claim"),
    CheckConstraint("kind = 'claim' OR left_minor = 0", name="end"),
    PrimaryKeyConstraint("voucher_id", "sequence"),
    UniqueConstraint("voucher_id", "sequence", "left_minor", name="voucher_use_left_key"),
    ForeignKeyConstraint(
        ["voucher_id", "whole_minor"],
        ["voucher.voucher_id", "voucher.amount_minor"],
        name="voucher_use_whole_fk",
    ),
    ForeignKeyConstraint(
        ["voucher_id", "previous", "found_minor"],
        ["voucher_use.voucher_id", "voucher_use.sequence", "voucher_use.left_minor"],
        name="voucher_use_previous_fk",
    ),
    ForeignKeyConstraint(
        ["claim_id", "entry", "amount_minor"],
        ["voucher_entry.claim_id", "voucher_entry.sequence", "voucher_entry.amount_minor"],
        name="voucher_use_entry_fk",
    ),
)

voucher_budget = Table(
    "voucher_budget",
    metadata,
    Column("budget_id", BigInteger, primary_key=True, autoincrement=False),
    Column("programme_id", BigInteger, ForeignKey("voucher_programme.programme_id"), nullable=False),
    Column("role", Text, nullable=False, comment="the payer's"),
    Column("starts", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    _amount("amount_minor >= 0"),
    _event(),
    recorded_at(),
    UniqueConstraint("programme_id", "role", "starts"),
    UniqueConstraint("budget_id", "amount_minor"),
)

voucher_budget_increase = Table(
    "voucher_budget_increase",
    metadata,
    Column("budget_id", BigInteger, ForeignKey("voucher_budget.budget_id"), nullable=False),
    Column("increase", SmallInteger, CheckConstraint("increase > 0", name="increase"), nullable=False),
    _amount(),
    Column("document", Text, nullable=False, comment="reference to what the money rests on"),
    Column("person", Text, CheckConstraint(PERSON_CHECK.format("person"), name="person"), nullable=False),
    Column("day", Date, nullable=False),
    _event(),
    recorded_at(),
    PrimaryKeyConstraint("budget_id", "increase"),
    UniqueConstraint("budget_id", "increase", "amount_minor", name="voucher_budget_increase_amount_key"),
)

voucher_reserve = Table(
    "voucher_reserve",
    metadata,
    Column("reserve_id", BigInteger, primary_key=True, autoincrement=False),
    Column("budget_id", BigInteger, ForeignKey("voucher_budget.budget_id"), nullable=False),
    Column("voucher_id", BigInteger, ForeignKey("voucher.voucher_id"), nullable=False),
    _amount(),
    _event(),
    recorded_at(),
    UniqueConstraint("reserve_id", "amount_minor"),
    Index(None, "voucher_id"),
    Index(None, "budget_id"),
)

reserve_use = Table(
    "reserve_use",
    metadata,
    Column("reserve_id", BigInteger, ForeignKey("voucher_reserve.reserve_id"), nullable=False),
    _sequence(),
    _amount(),
    Column("left_minor", BigInteger, CheckConstraint("left_minor >= 0", name="left"), nullable=False),
    Column("claim_id", BigInteger, comment="null: it is released"),
    Column("entry", BigInteger, Computed("CASE WHEN claim_id IS NULL THEN NULL ELSE 1 END", True)),
    Column("posting", SmallInteger),
    _event(),
    recorded_at(),
    Column(
        "whole_minor",
        BigInteger,
        Computed("CASE WHEN sequence = 1 THEN amount_minor + left_minor ELSE NULL::bigint END", True),
    ),
    _previous(),
    _found("left_minor"),
    CheckConstraint("num_nulls(claim_id, posting) IN (0, 2)", name="posting"),
    PrimaryKeyConstraint("reserve_id", "sequence"),
    UniqueConstraint("reserve_id", "sequence", "left_minor", name="reserve_use_left_key"),
    UniqueConstraint("reserve_id", "sequence", "amount_minor", name="reserve_use_amount_key"),
    UniqueConstraint("claim_id", "posting"),
    ForeignKeyConstraint(
        ["reserve_id", "whole_minor"],
        ["voucher_reserve.reserve_id", "voucher_reserve.amount_minor"],
        name="reserve_use_whole_fk",
    ),
    ForeignKeyConstraint(
        ["reserve_id", "previous", "found_minor"],
        ["reserve_use.reserve_id", "reserve_use.sequence", "reserve_use.left_minor"],
        name="reserve_use_previous_fk",
    ),
    ForeignKeyConstraint(
        ["claim_id", "entry", "posting", "amount_minor"],
        [
            "voucher_posting.claim_id",
            "voucher_posting.sequence",
            "voucher_posting.posting",
            "voucher_posting.amount_minor",
        ],
        name="reserve_use_posting_fk",
    ),
)

voucher_budget_step = Table(
    "voucher_budget_step",
    metadata,
    Column("budget_id", BigInteger, nullable=False),
    _sequence(),
    _amount("amount_minor <> 0"),
    Column("open_minor", BigInteger, CheckConstraint("open_minor >= 0", name="open"), nullable=False),
    Column("budget_minor", BigInteger, nullable=False, comment="the whole, without increases"),
    Column(
        "increased_minor",
        BigInteger,
        CheckConstraint("increased_minor >= 0", name="increased"),
        server_default=text("0"),
        nullable=False,
        comment="all increases so far",
    ),
    Column("reserve_id", BigInteger, comment="what is set aside"),
    Column("released_of", BigInteger, comment="the reserve that is released in part"),
    Column("release", BigInteger, comment="its use that releases it"),
    Column("claim_id", BigInteger, comment="the claim from which it was recovered"),
    Column("entry", BigInteger),
    Column("posting", SmallInteger),
    Column("increase", SmallInteger, comment="the increase by which it gives more"),
    _event(),
    recorded_at(),
    _previous(),
    Column(
        "found_minor",
        BigInteger,
        Computed("CASE WHEN sequence > 1 THEN amount_minor + open_minor ELSE NULL::bigint END", True),
    ),
    Column("given_back_minor", BigInteger, Computed("-amount_minor", True)),
    Column(
        "found_increased_minor",
        BigInteger,
        Computed(
            "CASE WHEN sequence > 1 THEN increased_minor + "
            "CASE WHEN increase IS NULL THEN 0 ELSE amount_minor END ELSE NULL::bigint END",
            True,
        ),
    ),
    CheckConstraint("open_minor <= budget_minor + increased_minor", name="whole"),
    CheckConstraint(
        "sequence > 1 OR (amount_minor + open_minor = budget_minor AND "
        "increased_minor = CASE WHEN increase IS NULL THEN 0 ELSE -amount_minor END)",
        name="first",
    ),
    CheckConstraint(
        "num_nonnulls(reserve_id, released_of, claim_id, increase) = 1 AND "
        "(reserve_id IS NOT NULL) = (amount_minor > 0)",
        name="kind",
    ),
    CheckConstraint("num_nulls(released_of, release) IN (0, 2)", name="release"),
    CheckConstraint("num_nulls(claim_id, entry, posting) IN (0, 3)", name="posting"),
    PrimaryKeyConstraint("budget_id", "sequence"),
    UniqueConstraint(
        "budget_id", "sequence", "open_minor", "increased_minor", name="voucher_budget_step_open_key"
    ),
    UniqueConstraint("reserve_id"),
    UniqueConstraint("budget_id", "increase"),
    UniqueConstraint("released_of", "release"),
    UniqueConstraint("claim_id", "entry", "posting"),
    ForeignKeyConstraint(
        ["budget_id", "budget_minor"],
        ["voucher_budget.budget_id", "voucher_budget.amount_minor"],
        name="voucher_budget_step_whole_fk",
    ),
    ForeignKeyConstraint(
        ["budget_id", "previous", "found_minor", "found_increased_minor"],
        [
            "voucher_budget_step.budget_id",
            "voucher_budget_step.sequence",
            "voucher_budget_step.open_minor",
            "voucher_budget_step.increased_minor",
        ],
        name="voucher_budget_step_previous_fk",
    ),
    ForeignKeyConstraint(
        ["budget_id", "increase", "given_back_minor"],
        [
            "voucher_budget_increase.budget_id",
            "voucher_budget_increase.increase",
            "voucher_budget_increase.amount_minor",
        ],
        name="voucher_budget_step_increase_fk",
    ),
    ForeignKeyConstraint(
        ["reserve_id", "amount_minor"],
        ["voucher_reserve.reserve_id", "voucher_reserve.amount_minor"],
        name="voucher_budget_step_reserve_fk",
    ),
    ForeignKeyConstraint(
        ["released_of", "release", "given_back_minor"],
        ["reserve_use.reserve_id", "reserve_use.sequence", "reserve_use.amount_minor"],
        name="voucher_budget_step_release_fk",
    ),
    ForeignKeyConstraint(
        ["claim_id", "entry", "posting", "amount_minor"],
        [
            "voucher_posting.claim_id",
            "voucher_posting.sequence",
            "voucher_posting.posting",
            "voucher_posting.amount_minor",
        ],
        name="voucher_budget_step_posting_fk",
    ),
)

VOUCHER_TABLES: tuple[Table, ...] = (
    voucher_programme,
    voucher_programme_confirmation,
    voucher_provider,
    provider_certification,
    voucher_application,
    voucher,
    voucher_order,
    voucher_service,
    voucher_claim,
    redeemed_evidence,
    voucher_flag,
    voucher_audit,
    voucher_decision,
    voucher_entry,
    voucher_posting,
    voucher_use,
    voucher_budget,
    voucher_budget_increase,
    voucher_reserve,
    reserve_use,
    voucher_budget_step,
    *CLEARING_TABLES,
)
"""In an order in which every row can refer to those before it."""
