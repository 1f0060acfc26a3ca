"""What is said about the fields of a budget: as ``field_notes`` does of the others."""

from __future__ import annotations

from ledger.rules.reference.note import Note

_LAYERS = "voucher-fujian"

_SHORT = {"within.budget.amounts": [{"starts": "2024-01-01", "amount": "100000.00"}]}
_TWO_QUARTERS = _SHORT | {
    "examples.0.figures": [
        {"span": span, "measure": "voucher_service_cost", "amount": "200000.00", "subject": "e1"}
        for span in ("2024Q1", "2024Q2")
    ],
}
_TWO_CLAIMS = {
    "within.caps.0.amount": "1000000.00",
    "within.budget.amounts": [{"starts": "2024-01-01", "amount": "200000.00"}],
    "examples.0.subjects": {"e1": {}, "e2": {}},
    "examples.0.figures": [
        {"span": "2024Q1", "measure": "voucher_service_cost", "amount": amount, "subject": subject}
        for subject, amount in (("e1", "900000.00"), ("e2", "400000.00"))
    ],
}
"""Shares of the budget's payer of 270,000 and 120,000, each capped at 120,000."""
_GIVEN_ON = _SHORT | {"within.budget.excess_to": "host"}

BUDGET_NOTES: dict[str, Note] = {
    "within.budget": Note(
        "预算",
        None,
        _LAYERS,
        "What all subjects together may draw; inside a step that it doesn't suffice for they share it.",
        _SHORT,
    ),
    "within.budget.amounts": Note("预算金额表", [{"starts": "2024-01-01", "amount": "60000.00"}], _LAYERS),
    "within.budget.amounts[].starts": Note("生效日期", "2024-04-01", _LAYERS, "From this day on."),
    "within.budget.amounts[].amount": Note(
        "金额", "60000.00", _LAYERS, "What there is for each period, in the unit of the measures."
    ),
    "within.budget.payer": Note("预算方", "host", _LAYERS, changes=_SHORT),
    "within.budget.over": Note("预算期间", "quarter", _LAYERS, changes=_TWO_QUARTERS),
    "within.budget.applied": Note("与上限的先后", "before_caps", _LAYERS, changes=_TWO_CLAIMS),
    "within.budget.within_period": Note("期间内的使用", "by_month", _LAYERS),
    "within.budget.order": Note("预算不足时的分配", "by_subject", _LAYERS, changes=_TWO_CLAIMS),
    "within.budget.unused": Note("未用预算", "carries", _LAYERS),
    "within.budget.excess_to": Note("超预算部分归属", None, _LAYERS, changes=_GIVEN_ON),
}
"""By the field's path in its clause."""
