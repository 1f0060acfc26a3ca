"""What zones are credited with in the two books of statistics, and what plans ask of them."""

from __future__ import annotations

from ledger.desk.indicators.catalogue import INDICATORS, Indicator
from ledger.desk.indicators.credits import (
    AssessmentCredit,
    BooksMixed,
    OfficialCredit,
    added,
    assessment_credits,
    official_credits,
)
from ledger.desk.indicators.files import indicator_file, plan_file
from ledger.desk.indicators.plans import PlanRow, PlanTable, TargetDraft, plan_table, record_target
from ledger.desk.indicators.tables import (
    AssessmentTable,
    IndicatorRow,
    OfficialTable,
    assessment_table,
    official_table,
)

__all__ = [
    "INDICATORS",
    "AssessmentCredit",
    "AssessmentTable",
    "BooksMixed",
    "Indicator",
    "IndicatorRow",
    "OfficialCredit",
    "OfficialTable",
    "PlanRow",
    "PlanTable",
    "TargetDraft",
    "added",
    "assessment_credits",
    "assessment_table",
    "indicator_file",
    "official_credits",
    "official_table",
    "plan_file",
    "plan_table",
    "record_target",
]
