"""The salted tree of a return, by which one enterprise's lines can be shown alone."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.desk.returns.slots import Slot
from ledger.evidence.canonical import Json
from ledger.evidence.lines import Records, line_records
from ledger.measures import MEASURE_BY_NAME
from ledger.periods import Quarter
from ledger.rules.facts import Line


def records_of_lines(lines: Sequence[Line]) -> Records:
    """A return's lines, in their order, in binary form. Raises ``KeyError``, ``InvariantBroken``."""
    return line_records(
        subject=[line.subject for line in lines],
        measure=[MEASURE_BY_NAME[line.measure].measure_id for line in lines],
        starts=[int(line.span.start.strftime("%Y%m%d")) for line in lines],
        months=[line.span.months for line in lines],
        amount=[line.amount_minor for line in lines],
        document=[line.document for line in lines],
    )


def salted_return(filing_id: int, slot: Slot, booked_quarter: Quarter, sequence: int) -> dict[str, Json]:
    """What the event of a return's salted tree says of the return; none of it tells of its figures."""
    return {
        "filing": str(filing_id),
        "role": slot.role,
        "quarter": str(slot.quarter),
        "booked_quarter": str(booked_quarter),
        "sequence": sequence,
    }
