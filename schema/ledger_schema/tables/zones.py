"""What happens to zones, by day."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from ledger_schema.tables.base import metadata, recorded_at

zone_change = Table(
    "zone_change",
    metadata,
    Column("party_id", BigInteger, ForeignKey("party.party_id"), nullable=False),
    Column("sequence", SmallInteger, CheckConstraint("sequence > 0", name="sequence"), nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint(
            "kind IN ('admitted', 'upgraded', 'merged', 'removed', 'praised', 'talked_to', 'warned', "
            "'renamed', 'part_joined', 'part_left', 'division_joined', 'division_left', 'withdrawn')",
            name="kind",
        ),
        nullable=False,
    ),
    Column("day", Date, nullable=False, comment="from this day on"),
    Column(
        "level",
        Text,
        CheckConstraint("level IN ('national', 'provincial')", name="level"),
        comment="of a zone admitted",
    ),
    Column("other_party_id", BigInteger, comment="the part, or the zone merged into"),
    Column(
        "part",
        Text,
        CheckConstraint("part IN ('core_area', 'radiated_area', 'radiated_point', 'park')", name="part"),
    ),
    Column("division_code", Text, CheckConstraint("division_code ~ '^[0-9]{6}$'", name="division_code")),
    Column("division_zh", Text),
    Column(
        "division_level",
        Text,
        CheckConstraint("division_level IN ('province', 'city', 'district')", name="division_level"),
    ),
    Column(
        "division_role",
        Text,
        CheckConstraint("division_role IN ('lies_in', 'run_by')", name="division_role"),
    ),
    Column("name_zh", Text),
    Column("name_en", Text),
    Column("replaces", SmallInteger, comment="an earlier change that was recorded wrongly"),
    Column("document", Text, nullable=False, comment="reference to its evidence"),
    Column("event_id", BigInteger, ForeignKey("event.event_id"), nullable=False),
    recorded_at(),
    CheckConstraint("(kind = 'admitted') = (level IS NOT NULL)", name="admitted"),
    CheckConstraint(
        "(kind IN ('merged', 'part_joined', 'part_left')) = (other_party_id IS NOT NULL)", name="other"
    ),
    CheckConstraint("other_party_id <> party_id", name="not_itself"),
    CheckConstraint("(kind = 'part_joined') = (part IS NOT NULL)", name="part_joined"),
    CheckConstraint(
        "(kind IN ('division_joined', 'division_left')) = (division_code IS NOT NULL) AND "
        "(division_code IS NULL) = (division_role IS NULL) AND "
        "(kind = 'division_joined') = (division_zh IS NOT NULL) AND "
        "(division_zh IS NULL) = (division_level IS NULL)",
        name="division",
    ),
    CheckConstraint("(kind = 'renamed') = (name_zh IS NOT NULL)", name="renamed"),
    CheckConstraint("name_en IS NULL OR name_zh IS NOT NULL", name="name_en"),
    CheckConstraint("replaces < sequence", name="replaces"),
    CheckConstraint("kind <> 'withdrawn' OR replaces IS NOT NULL", name="withdrawn"),
    PrimaryKeyConstraint("party_id", "sequence"),
    ForeignKeyConstraint(
        ["party_id", "replaces"],
        ["zone_change.party_id", "zone_change.sequence"],
        name="zone_change_replaces_fk",
    ),
    ForeignKeyConstraint(["other_party_id"], ["party.party_id"], name="zone_change_other_party_fk"),
    UniqueConstraint("party_id", "replaces"),
    Index(None, "other_party_id"),
)
