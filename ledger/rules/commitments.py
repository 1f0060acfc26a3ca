"""What the sides promise each other beside money: the part of the terms that names commitments.

What the national plan asks of paired zones (国发〔2020〕7号, art. 12-13; national plan 2021-25, box 8):
people exchanged, industry promoted mutually, joint funds and research, shared platforms, recognised
standards, results transferred, business handled for elsewhere, and matching events.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ledger.rules.fields import AttributeValue, Bilingual, Day, Document, OccurrenceName, Role

CommitmentKind = Literal[
    "people_exchange",
    "project_referral",
    "joint_fund",
    "joint_research",
    "shared_platform",
    "talent_standard",
    "result_transfer",
    "remote_registration",
    "matching_event",
]

RecordKind = Literal["progress", "done", "dropped"]
"""What a side records of a commitment."""

COMMITMENT_KINDS: dict[CommitmentKind, tuple[str, str]] = {
    "people_exchange": ("人员交流", "exchange of people"),
    "project_referral": (
        "产业互促（项目引荐落地）",
        "mutual promotion of industry (projects referred and landed)",
    ),
    "joint_fund": ("共同基金", "a joint fund"),
    "joint_research": ("联合研发", "joint research of firms and universities"),
    "shared_platform": ("平台与专家库共享", "shared platforms and expert pools"),
    "talent_standard": ("人才标准互认", "recognised talent standards"),
    "result_transfer": ("成果跨区域转化", "transfer of results across regions"),
    "remote_registration": ("异地迁移通办", "business registration handled elsewhere"),
    "matching_event": ("对接活动", "matching events"),
}
"""The readings of a kind, as phrases in Chinese and English."""


class Commitment(Document):
    """A promise that isn't about money. What comes of it is recorded beside the terms."""

    code: OccurrenceName = Field(description="What records name it by; an amendment keeps it.")
    kind: CommitmentKind
    title: Bilingual
    by: tuple[Role, ...] = Field(min_length=1, description="Who has to keep it.")
    due_day: Day | None = Field(
        default=None, description="The last day on which it is kept in time; null: no day."
    )
    target_count: int | None = Field(
        default=None, ge=1, le=1_000_000_000, description="How many of it are promised; null: not counted."
    )
    equal_levels: tuple[dict[Role, AttributeValue], ...] = Field(
        default=(),
        description="Of a talent standard: which level of each side is recognised as equal to which.",
    )
