"""Commitments as an article, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.rules.commitments import COMMITMENT_KINDS, Commitment
from ledger.rules.explanation import Language
from ledger.rules.words import role_en, role_zh


def commitments_article(commitments: Sequence[Commitment], language: Language) -> str:
    """Everything that the commitments say; commitments that differ never read alike."""
    if language == "zh":
        return "\n".join(["非资金承诺", *(_zh(one) for one in commitments)])
    return "\n".join(["Commitments beside money", *(_en(one) for one in commitments)])


def _zh(one: Commitment) -> str:
    by = "、".join(map(role_zh, one.by))
    until = "不设期限" if one.due_day is None else f"于{one.due_day.isoformat()}前（含当日）完成"
    target = "" if one.target_count is None else f"，目标数量 {one.target_count}"
    levels = "".join(f"；{_levels_zh(row)}相互认可" for row in one.equal_levels)
    return f"{one.code}（{COMMITMENT_KINDS[one.kind][0]}）：{one.title.zh}，由{by}{until}{target}{levels}。"


def _en(one: Commitment) -> str:
    by = " and ".join(map(role_en, one.by))
    until = "without a day" if one.due_day is None else f"by {one.due_day.isoformat()}, that day included"
    target = "" if one.target_count is None else f", {one.target_count} in number"
    levels = "".join(f"; {_levels_en(row)} are recognised as equal" for row in one.equal_levels)
    kind = COMMITMENT_KINDS[one.kind][1]
    return f"{one.code} ({kind}): {one.title.en}, to be kept by {by} {until}{target}{levels}."


def _levels_zh(row: dict[str, str]) -> str:
    return "与".join(f"{role_zh(role)}“{level}”" for role, level in sorted(row.items()))


def _levels_en(row: dict[str, str]) -> str:
    return " and ".join(f"“{level}” of {role_en(role)}" for role, level in sorted(row.items()))
