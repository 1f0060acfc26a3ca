"""What settlements make payable, the payments received, and what clears what.

What is cleared never exceeds what there is, by construction: every clearing of a leg, and every use of a
payment, says what is left after it, and refers to the one before, or to the whole, by what it found left.
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
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ledger_schema.tables.base import HASH_CHECK, metadata, recorded_at

payable = Table(
    "payable",
    metadata,
    Column("agreement_id", BigInteger, nullable=False),
    Column("booked_quarter", Integer, nullable=False),
    Column("settlement_id", BigInteger, nullable=False),
    Column("clause", SmallInteger, nullable=False),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    Column(
        "payer_party_id", BigInteger, ForeignKey("party.party_id", name="payable_payer_fk"), nullable=False
    ),
    Column(
        "payee_party_id", BigInteger, ForeignKey("party.party_id", name="payable_payee_fk"), nullable=False
    ),
    Column("booked_minor", BigInteger, nullable=False, comment="what the settlement's journal makes due"),
    Column("brought_minor", BigInteger, nullable=False, comment="carried by the settlement before"),
    Column("set_off_minor", BigInteger, nullable=False, comment="moved between clauses of the same pair"),
    Column("carried_minor", BigInteger, nullable=False, comment="kept for the next settlement"),
    Column("raised_minor", BigInteger, nullable=False, comment="its legs together; negative: the other way"),
    CheckConstraint("payer_party_id <> payee_party_id", name="pair"),
    CheckConstraint(
        "raised_minor = booked_minor + brought_minor + set_off_minor - carried_minor", name="raised"
    ),
    PrimaryKeyConstraint(
        "agreement_id",
        "booked_quarter",
        "settlement_id",
        "clause",
        "commodity_id",
        "payer_party_id",
        "payee_party_id",
    ),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
    ),
)

netting = Table(
    "netting",
    metadata,
    Column("netting_id", BigInteger, primary_key=True, autoincrement=False),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    Column("day", Date, nullable=False, comment="on which it takes effect"),
    Column("content", LargeBinary, nullable=False, comment="the exact bytes that are signed: RFC 8785 JSON"),
    Column(
        "content_hash",
        LargeBinary,
        CheckConstraint("content_hash = sha256(content)", name="content_hash"),
        nullable=False,
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
)

netting_party = Table(
    "netting_party",
    metadata,
    Column("netting_id", BigInteger, ForeignKey("netting.netting_id"), nullable=False),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    PrimaryKeyConstraint("netting_id", "party_id"),
    Index(None, "party_id"),
)

netting_signature = Table(
    "netting_signature",
    metadata,
    Column("netting_id", BigInteger, nullable=False),
    Column("party_id", BigInteger, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column(
        "signature",
        LargeBinary,
        CheckConstraint("octet_length(signature) = 64", name="signature"),
        nullable=False,
    ),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    PrimaryKeyConstraint("netting_id", "party_id"),
    ForeignKeyConstraint(["netting_id", "party_id"], ["netting_party.netting_id", "netting_party.party_id"]),
    ForeignKeyConstraint(["party_id", "public_key"], ["party_key.party_id", "party_key.public_key"]),
)

leg = Table(
    "leg",
    metadata,
    Column("leg_id", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('settlement', 'interest', 'net')", name="kind"),
        nullable=False,
        comment="net: what is left of a netting, and of no one agreement",
    ),
    Column("agreement_id", BigInteger),
    Column("booked_quarter", Integer),
    Column("settlement_id", BigInteger),
    Column("clause", SmallInteger),
    Column("payer_party_id", BigInteger, ForeignKey("party.party_id", name="leg_payer_fk"), nullable=False),
    Column("payee_party_id", BigInteger, ForeignKey("party.party_id", name="leg_payee_fk"), nullable=False),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    Column("amount_minor", BigInteger, CheckConstraint("amount_minor > 0", name="amount"), nullable=False),
    Column(
        "form",
        Text,
        CheckConstraint("form IN ('direct', 'year_end', 'set_off', 'fund')", name="form"),
        nullable=False,
    ),
    Column("due_day", Date, comment="the last day on which it is paid in time; null: on demand"),
    Column("second_day", Date, comment="the second round's; only after it is the leg overdue"),
    Column("may_be_netted", Boolean, nullable=False),
    Column("monthly_rates", JSONB, nullable=False, comment="[[first day, rate], ...] of interest"),
    Column(
        "of_leg_id",
        BigInteger,
        ForeignKey("leg.leg_id"),
        comment="the leg that the interest is on",
    ),
    Column("months", SmallInteger, comment="interest through so many months after the due day"),
    Column("netting_id", BigInteger, ForeignKey("netting.netting_id")),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    CheckConstraint("payer_party_id <> payee_party_id", name="pair"),
    CheckConstraint("(kind = 'interest') = (of_leg_id IS NOT NULL AND months IS NOT NULL)", name="interest"),
    CheckConstraint("(kind = 'net') = (netting_id IS NOT NULL)", name="netting"),
    CheckConstraint(
        "(kind <> 'net' OR agreement_id IS NULL) AND (kind <> 'settlement' OR agreement_id IS NOT NULL) AND "
        "num_nulls(agreement_id, booked_quarter, settlement_id, clause) IN (0, 4)",
        name="settlement",
    ),
    CheckConstraint("second_day IS NULL OR second_day >= due_day", name="second_day"),
    UniqueConstraint("leg_id", "amount_minor"),
    UniqueConstraint("of_leg_id", "months", name="leg_interest_key"),
    ForeignKeyConstraint(
        ["agreement_id", "booked_quarter", "settlement_id"],
        ["settlement.agreement_id", "settlement.booked_quarter", "settlement.settlement_id"],
    ),
    Index(None, "agreement_id", "booked_quarter"),
    Index(None, "settlement_id"),
    Index(None, "payer_party_id", "payee_party_id"),
    Index(None, "payee_party_id"),
    # Arrears are found by reading all legs beside the clearings that left nothing of them.
    Index(
        "leg_arrears_index",
        "leg_id",
        postgresql_include=[
            "commodity_id",
            "due_day",
            "second_day",
            "payer_party_id",
            "payee_party_id",
            "agreement_id",
            "booked_quarter",
            "settlement_id",
            "amount_minor",
            "recorded_at",
        ],
    ),
)

leg_clearing = Table(
    "leg_clearing",
    metadata,
    Column("leg_id", BigInteger, ForeignKey("leg.leg_id"), nullable=False),
    Column("sequence", SmallInteger, CheckConstraint("sequence > 0", name="sequence"), nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('payment', 'netting', 'waiver')", name="kind"),
        nullable=False,
    ),
    Column("amount_minor", BigInteger, CheckConstraint("amount_minor > 0", name="amount"), nullable=False),
    Column(
        "open_minor",
        BigInteger,
        CheckConstraint("open_minor >= 0", name="open"),
        nullable=False,
        comment="what is left of the leg after it",
    ),
    Column("day", Date, nullable=False, comment="value date, or the day of the netting or waiver"),
    Column("netting_id", BigInteger, ForeignKey("netting.netting_id")),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    Column(
        "whole_minor",
        BigInteger,
        Computed("CASE WHEN sequence = 1 THEN amount_minor + open_minor ELSE NULL::bigint END", True),
    ),
    Column("previous", SmallInteger, Computed("nullif(sequence - 1, 0)", True)),
    Column(
        "found_minor",
        BigInteger,
        Computed("CASE WHEN sequence > 1 THEN amount_minor + open_minor ELSE NULL::bigint END", True),
    ),
    CheckConstraint("(kind = 'netting') = (netting_id IS NOT NULL)", name="netting"),
    PrimaryKeyConstraint("leg_id", "sequence"),
    UniqueConstraint("leg_id", "sequence", "open_minor", name="leg_clearing_open_key"),
    UniqueConstraint("leg_id", "sequence", "amount_minor", name="leg_clearing_amount_key"),
    ForeignKeyConstraint(
        ["leg_id", "whole_minor"], ["leg.leg_id", "leg.amount_minor"], name="leg_clearing_whole_fk"
    ),
    ForeignKeyConstraint(
        ["leg_id", "previous", "found_minor"],
        ["leg_clearing.leg_id", "leg_clearing.sequence", "leg_clearing.open_minor"],
        name="leg_clearing_previous_fk",
    ),
    Index(
        "leg_clearing_whole_index",
        "leg_id",
        postgresql_include=["recorded_at"],
        postgresql_where=text("open_minor = 0"),
    ),
)

leg_objection = Table(
    "leg_objection",
    metadata,
    Column("leg_id", BigInteger, ForeignKey("leg.leg_id"), nullable=False),
    Column("sequence", SmallInteger, CheckConstraint("sequence > 0", name="sequence"), nullable=False),
    Column("stands", Boolean, nullable=False, comment="false: it is withdrawn; the last row counts"),
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column("person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    # Raised and withdrawn take turns.
    CheckConstraint("stands = (sequence % 2 = 1)", name="turns"),
    PrimaryKeyConstraint("leg_id", "sequence"),
)

waiver = Table(
    "waiver",
    metadata,
    Column("leg_id", BigInteger, nullable=False),
    Column("sequence", SmallInteger, nullable=False),
    Column("content", LargeBinary, nullable=False, comment="the exact bytes that were signed: RFC 8785 JSON"),
    Column("party_id", BigInteger, nullable=False, comment="the payee"),
    Column("public_key", LargeBinary, nullable=False),
    Column(
        "signature",
        LargeBinary,
        CheckConstraint("octet_length(signature) = 64", name="signature"),
        nullable=False,
    ),
    PrimaryKeyConstraint("leg_id", "sequence"),
    ForeignKeyConstraint(["leg_id", "sequence"], ["leg_clearing.leg_id", "leg_clearing.sequence"]),
    ForeignKeyConstraint(["party_id", "public_key"], ["party_key.party_id", "party_key.public_key"]),
)

payment_file = Table(
    "payment_file",
    metadata,
    Column(
        "content_hash",
        LargeBinary,
        CheckConstraint(HASH_CHECK.format("content_hash"), name="content_hash"),
        primary_key=True,
    ),
    Column("name", Text, nullable=False),
    Column("payment_count", Integer, nullable=False),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
)

payment = Table(
    "payment",
    metadata,
    Column("payment_id", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "channel",
        Text,
        CheckConstraint("channel IN ('bank', 'treasury', 'year_end')", name="channel"),
        nullable=False,
        comment="year_end: a remittance or grant line of the year-end settlement",
    ),
    Column(
        "payer_party_id", BigInteger, ForeignKey("party.party_id", name="payment_payer_fk"), nullable=False
    ),
    Column("payer_account", Text, nullable=False),
    Column("reference", Text, nullable=False, comment="the line's own, unique in the payer's account"),
    Column(
        "payee_party_id", BigInteger, ForeignKey("party.party_id", name="payment_payee_fk"), nullable=False
    ),
    Column("commodity_id", SmallInteger, ForeignKey("commodity.commodity_id"), nullable=False),
    Column("amount_minor", BigInteger, CheckConstraint("amount_minor > 0", name="amount"), nullable=False),
    Column("value_day", Date, nullable=False),
    Column("purpose", Text, nullable=False, comment="what the payer wrote; may name a leg"),
    Column("recorded_by", Text, nullable=False, comment="person"),
    Column("file_hash", LargeBinary, ForeignKey("payment_file.content_hash")),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    CheckConstraint("payer_party_id <> payee_party_id", name="pair"),
    UniqueConstraint("payer_party_id", "payer_account", "reference", name="payment_line_key"),
    UniqueConstraint("payment_id", "amount_minor"),
    Index(None, "payee_party_id"),
)

payment_use = Table(
    "payment_use",
    metadata,
    Column("payment_id", BigInteger, ForeignKey("payment.payment_id"), nullable=False),
    Column("sequence", SmallInteger, CheckConstraint("sequence > 0", name="sequence"), nullable=False),
    Column("amount_minor", BigInteger, CheckConstraint("amount_minor > 0", name="amount"), nullable=False),
    Column(
        "rest_minor",
        BigInteger,
        CheckConstraint("rest_minor >= 0", name="rest"),
        nullable=False,
        comment="what is left of the payment after it",
    ),
    Column("leg_id", BigInteger, nullable=False),
    Column("leg_sequence", SmallInteger, nullable=False),
    Column(
        "matched_by",
        Text,
        CheckConstraint("matched_by IN ('reference', 'confirmation')", name="matched_by"),
        nullable=False,
        comment="the leg that the payment names, or the payee's word",
    ),
    Column(
        "whole_minor",
        BigInteger,
        Computed("CASE WHEN sequence = 1 THEN amount_minor + rest_minor ELSE NULL::bigint END", True),
    ),
    Column("previous", SmallInteger, Computed("nullif(sequence - 1, 0)", True)),
    Column(
        "found_minor",
        BigInteger,
        Computed("CASE WHEN sequence > 1 THEN amount_minor + rest_minor ELSE NULL::bigint END", True),
    ),
    PrimaryKeyConstraint("payment_id", "sequence"),
    UniqueConstraint("payment_id", "sequence", "rest_minor", name="payment_use_rest_key"),
    UniqueConstraint("leg_id", "leg_sequence", name="payment_use_clearing_key"),
    ForeignKeyConstraint(
        ["payment_id", "whole_minor"],
        ["payment.payment_id", "payment.amount_minor"],
        name="payment_use_whole_fk",
    ),
    ForeignKeyConstraint(
        ["payment_id", "previous", "found_minor"],
        ["payment_use.payment_id", "payment_use.sequence", "payment_use.rest_minor"],
        name="payment_use_previous_fk",
    ),
    ForeignKeyConstraint(
        ["leg_id", "leg_sequence", "amount_minor"],
        ["leg_clearing.leg_id", "leg_clearing.sequence", "leg_clearing.amount_minor"],
    ),
)
