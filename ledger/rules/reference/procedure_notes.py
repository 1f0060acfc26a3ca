"""What is said about the fields of a procedure: as ``field_notes`` does of the others."""

from __future__ import annotations

from ledger.rules.reference.note import Note

_MOVED = "beijing-tianjin-hebei"

_CERTIFIED = {"$.procedure": {"certified": ["host"]}}
_SIGNED = {"$.procedure": {"signed_by": ["origin", "host"], "reopened_by": ["origin", "host"]}}
_DECIDED = {"$.procedure": {"arbiter": "host"}}
_COMPARED = {
    "$.procedure": {
        "reconciliations": [
            {
                "record": "host",
                "against": "origin",
                "tolerances": [{"measure": "vat", "amount": "1.00"}],
                "unanswered": "withheld",
            }
        ]
    }
}
_CALENDAR = {
    "submit_days": 15,
    "certify_days": 20,
    "reconcile_days": 30,
    "sign_days": 40,
    "fund_days": 60,
    "second_fund_days": 75,
}
_DATED = {"$.procedure": {"calendar": _CALENDAR}}
_SEALED = {"$.procedure": {"sealed": True, "calendar": _CALENDAR}}

PROCEDURE_NOTES: dict[str, Note] = {
    "procedure": Note("办理程序", None, _MOVED, changes=_CERTIFIED),
    "procedure.certified": Note("须复核的申报", [], _MOVED, changes=_CERTIFIED),
    "procedure.sealed": Note("密封申报", False, _MOVED, changes=_SEALED),
    "procedure.lines": Note("企业明细", "closed", _MOVED, changes={"$.procedure": {"lines": "open"}}),
    "procedure.reconciliations": Note(
        "对账", [], _MOVED, "Whose returns are compared with whose, line by line.", _COMPARED
    ),
    "procedure.reconciliations[].record": Note("依据方", "origin", _MOVED, changes=_COMPARED),
    "procedure.reconciliations[].against": Note("核对方", "host", _MOVED, changes=_COMPARED),
    "procedure.reconciliations[].tolerances": Note("允许误差", [], _MOVED, changes=_COMPARED),
    "procedure.reconciliations[].tolerances[].measure": Note(
        "指标", "cit", _MOVED, "The measure that may differ.", _COMPARED
    ),
    "procedure.reconciliations[].tolerances[].amount": Note("误差金额", "0.50", _MOVED, changes=_COMPARED),
    "procedure.reconciliations[].unanswered": Note("对方未申报的数据", "accepted", _MOVED, changes=_COMPARED),
    "procedure.signed_by": Note("签署方", [], _MOVED, changes=_SIGNED),
    "procedure.arbiter": Note("裁定方", None, _MOVED, changes=_DECIDED),
    "procedure.reopened_by": Note("重开方", [], _MOVED, changes=_SIGNED),
    "procedure.calendar": Note(
        "日程", None, _MOVED, "By when each step is done; null: no step has a day.", _DATED
    ),
    "procedure.calendar.submit_days": Note(
        "申报期限", 10, _MOVED, "Days after the quarter's last day by which returns are in.", _DATED
    ),
    "procedure.calendar.certify_days": Note(
        "复核期限", None, _MOVED, "By when returns are certified; null: no day of its own.", _DATED
    ),
    "procedure.calendar.reconcile_days": Note(
        "对账期限", 35, _MOVED, "By when the figures are reconciled; null: no day of its own.", _DATED
    ),
    "procedure.calendar.sign_days": Note("签署期限", 45, _MOVED, "By when the settlement is signed.", _DATED),
    "procedure.calendar.fund_days": Note("付款期限", 50, _MOVED, changes=_DATED),
    "procedure.calendar.second_fund_days": Note("第二轮付款期限", 90, _MOVED, changes=_DATED),
}
"""By the field's path in the document."""
