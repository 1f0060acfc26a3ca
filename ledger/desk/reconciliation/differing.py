"""The lines of two returns that don't plainly agree, found by the database.

What both sides report alike, line by line, and nobody has done anything about, changes nothing about what
counts. So a settlement needs only the rest, and of a million lines that is a small part.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from ledger.desk.reconciliation.ladder import Key
from ledger.desk.returns import Filing
from ledger.measures import MEASURE_BY_ID, MEASURE_BY_NAME
from ledger.periods import Span
from ledger.rules.facts import Line

# Whole (subject, measure) pairs, because months of one side may answer a quarter of the other. One grouping
# of all lines finds them; a join of two grouped sides takes twice as long.
DIFFERING = """
WITH wanted AS MATERIALIZED (
    SELECT subject_id, measure_id FROM return_line
    WHERE agreement_id = :agreement AND booked_quarter = ANY(:booked) AND filing_id = ANY(:filings)
    GROUP BY subject_id, measure_id, months, starts
    HAVING min(filing_id) = max(filing_id)
        OR sum(CASE WHEN filing_id = :first THEN amount_minor ELSE -amount_minor END) <> 0
    UNION
    SELECT * FROM unnest(CAST(:subjects AS bigint[]), CAST(:measures AS smallint[]))
)
SELECT filing_id, line, subject_id, measure_id, months, starts, amount_minor, document
FROM return_line JOIN wanted USING (subject_id, measure_id)
WHERE agreement_id = :agreement AND booked_quarter = ANY(:booked) AND filing_id = ANY(:filings)
ORDER BY filing_id, line
"""


def differing_lines(
    connection: Connection, filings: Iterable[Filing | None], about: Iterable[Key]
) -> dict[int, list[Line]]:
    """By return, the lines of every subject and measure that the returns don't report alike, and of the keys
    that decisions are ``about``."""
    both = [filing for filing in filings if filing is not None]
    found: dict[int, list[Line]] = {filing.filing_id: [] for filing in both}
    pairs = sorted({(key.subject, MEASURE_BY_NAME[key.measure].measure_id) for key in about})
    rows = connection.execute(
        text(DIFFERING),
        {
            "agreement": both[0].agreement_id,
            "booked": sorted({filing.booked_quarter.code for filing in both}),
            "filings": list(found),
            "first": both[0].filing_id,
            "subjects": [subject for subject, _ in pairs],
            "measures": [measure_id for _, measure_id in pairs],
        },
    )
    for row in rows:
        span = Span(row.starts, row.months)
        measure = MEASURE_BY_ID[row.measure_id].name
        line_id = f"{row.filing_id}/{row.line}"
        found[row.filing_id].append(
            Line(row.subject_id, measure, span, row.amount_minor, line_id, row.document)
        )
    return found
