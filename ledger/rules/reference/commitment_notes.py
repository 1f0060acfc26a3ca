"""What is said about the fields of commitments: as ``field_notes`` does of the others."""

from __future__ import annotations

from ledger.rules.reference.note import Note

_BASE = "beijing-tianjin-hebei"
_PROMISED = {
    "$.commitments": [
        {
            "code": "talent_levels",
            "kind": "talent_standard",
            "title": {"zh": "人才等级互认", "en": "Talent levels recognised"},
            "by": ["origin", "host"],
            "due_day": "2025-12-31",
            "target_count": 3,
            "equal_levels": [{"origin": "A类", "host": "领军人才"}],
        }
    ]
}
_TITLE = "What is promised, as the article says it."

COMMITMENT_NOTES: dict[str, Note] = {
    "commitments": Note("非资金承诺", [], _BASE, changes=_PROMISED),
    "commitments[].code": Note("代号", "levels", _BASE, changes=_PROMISED),
    "commitments[].kind": Note(
        "类别", "joint_fund", _BASE, "Which of the forms of cooperation it is.", _PROMISED
    ),
    "commitments[].title.zh": Note("中文名称", "职称互认", _BASE, _TITLE, _PROMISED),
    "commitments[].title.en": Note("英文名称", "Titles recognised", _BASE, _TITLE, _PROMISED),
    "commitments[].by": Note("承诺方", ["host"], _BASE, changes=_PROMISED),
    "commitments[].due_day": Note("期限", "2026-06-30", _BASE, changes=_PROMISED),
    "commitments[].target_count": Note("目标数量", 5, _BASE, changes=_PROMISED),
    "commitments[].equal_levels": Note(
        "等级对应", [{"origin": "B类", "host": "领军人才"}], _BASE, changes=_PROMISED
    ),
}
"""By the field's path in the document."""
