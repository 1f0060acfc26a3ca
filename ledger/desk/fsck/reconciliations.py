"""What people did about lines that two sides report differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Table

from ledger.desk.fsck.comparing import Mismatch, Said, Scope, Told
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter, Span
from ledger_schema.tables import reconciliation_item, reconciliation_line, reconciliation_step
from ledger_schema.tables.reconciliation import STEP_KINDS

KIND_START = "reconciliation_"


def check_reconciliation(scope: Scope) -> Iterator[Mismatch]:
    """Items, the figures they were opened about, and every step are what the events say."""
    tables: tuple[Table, ...] = (reconciliation_item, reconciliation_line, reconciliation_step)
    yield from scope.compare(tables, _told(scope))


def _told(scope: Scope) -> Iterator[Told]:
    steps: Counter[int] = Counter()
    for said in scope.said(*(f"{KIND_START}{kind}" for kind in STEP_KINDS)):
        number = said.data["item"]
        if not steps[number]:
            yield from _opened(said)
        steps[number] += 1
        yield _step(said, steps[number])


def _opened(said: Said) -> Iterator[Told]:
    item = {"agreement_id": said.agreement_id, "item": said.data["item"]}
    yield said.row(
        reconciliation_item,
        **item,
        quarter=Quarter.parse(said.data["quarter"]).code,
        record_role=said.data["record"],
        against_role=said.data["against"],
    )
    for side, subject, measure, written, amount_minor in said.data["lines"]:
        span = Span.parse(written)
        yield said.row(
            reconciliation_line,
            **item,
            side=side,
            subject_id=int(subject),
            measure_id=MEASURE_BY_NAME[measure].measure_id,
            months=span.months,
            starts=span.start,
            amount_minor=int(amount_minor),
        )


def _step(said: Said, number: int) -> Told:
    data = said.data
    return said.row(
        reconciliation_step,
        agreement_id=said.agreement_id,
        item=data["item"],
        step=number,
        kind=said.kind.removeprefix(KIND_START),
        role=data["role"],
        person=data["person"],
        reason=data["reason"],
        amount_minor=None if data["amount_minor"] is None else int(data["amount_minor"]),
        offer=data["offer"],
        content=data["text"],
    )
