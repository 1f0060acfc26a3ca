"""What people call outcomes, matches, states and steps."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.desk.reconciliation.disputes import State, StepKind
from ledger.desk.reconciliation.ladder import Match, Outcome
from ledger.rules.fields import Bilingual

OUTCOME_NAMES: Mapping[Outcome, Bilingual] = {
    Outcome.EXACT: Bilingual(zh="一致", en="exact"),
    Outcome.WITHIN_TOLERANCE: Bilingual(zh="容差内", en="within the tolerance"),
    Outcome.EXPLAINED: Bilingual(zh="已说明", en="explained"),
    Outcome.AGREED: Bilingual(zh="已商定", en="agreed"),
    Outcome.ARBITRATED: Bilingual(zh="已裁定", en="arbitrated"),
    Outcome.IN_DISPUTE: Bilingual(zh="有争议", en="in dispute"),
    Outcome.MISSING_IN_RECORD: Bilingual(zh="仅对方申报", en="missing in the record"),
    Outcome.MISSING_IN_AGAINST: Bilingual(zh="对方未申报", en="missing on the other side"),
    Outcome.WITHHELD: Bilingual(zh="暂缓", en="withheld"),
}
MATCH_NAMES: Mapping[Match, Bilingual] = {
    Match.SAME_LINE: Bilingual(zh="逐行对应", en="line by line"),
    Match.SUM: Bilingual(zh="按季合计对应", en="sum of the quarter"),
    Match.PEOPLE: Bilingual(zh="人工处理", en="decided by people"),
    Match.NONE: Bilingual(zh="无对应", en="nothing to match"),
}
STATE_NAMES: Mapping[State, Bilingual] = {
    State.FREE: Bilingual(zh="未处理", en="free"),
    State.SUGGESTED: Bilingual(zh="待确认", en="waiting for confirmation"),
    State.WITHHELD: Bilingual(zh="暂缓", en="withheld"),
    State.DISPUTED: Bilingual(zh="争议中", en="disputed"),
    State.ESCALATED: Bilingual(zh="已提请裁定", en="escalated"),
    State.EXPLAINED: Bilingual(zh="已说明", en="explained"),
    State.AGREED: Bilingual(zh="已商定", en="agreed"),
    State.ARBITRATED: Bilingual(zh="已裁定", en="arbitrated"),
}
STEP_NAMES: Mapping[StepKind, Bilingual] = {
    StepKind.EXPLANATION: Bilingual(zh="说明原因", en="explanation"),
    StepKind.PROPOSAL: Bilingual(zh="提出数额", en="proposal"),
    StepKind.ACCEPTANCE: Bilingual(zh="接受", en="acceptance"),
    StepKind.WITHHOLDING: Bilingual(zh="暂缓", en="withholding"),
    StepKind.RELEASE: Bilingual(zh="解除暂缓", en="release"),
    StepKind.DISPUTE: Bilingual(zh="提出争议", en="dispute"),
    StepKind.MESSAGE: Bilingual(zh="留言", en="message"),
    StepKind.ESCALATION: Bilingual(zh="提请裁定", en="escalation"),
    StepKind.ARBITRATION: Bilingual(zh="裁定", en="arbitration"),
}
