"""What a party's voucher programmes wait for: audits, decisions, ends of vouchers, clearing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sqlalchemy import Connection, text

from ledger.periods import Quarter

WaitingKind = Literal["audit", "clear", "decide", "expired", "expiring"]
EXPIRING_DAYS = 30

# Claims are decided together or at once; at once they wait for an audit only. What expires is still to be
# used; what expired keeps its payers' money set aside until it is ended. Quarters are cleared once over.
WAITING = """
    WITH mine AS (
        SELECT programme_id, code FROM voucher_programme
        WHERE agreement_id IN (SELECT agreement_id FROM agreement_party WHERE party_id = :party)
    ), issued AS (
        SELECT mine.code, voucher.voucher_id, voucher.last_day
        FROM mine JOIN voucher_application USING (programme_id) JOIN voucher USING (application_id)
    ), undecided AS (
        SELECT issued.code, voucher_claim.day,
            voucher_claim.is_sampled AND voucher_audit.claim_id IS NULL AS is_for_audit
        FROM issued JOIN voucher_order USING (voucher_id) JOIN voucher_claim USING (order_id)
            LEFT JOIN voucher_audit USING (claim_id)
        WHERE NOT EXISTS (
            SELECT FROM voucher_decision WHERE voucher_decision.claim_id = voucher_claim.claim_id)
    ), usable AS (
        SELECT issued.code, issued.last_day FROM issued
        WHERE NOT EXISTS (
            SELECT FROM voucher_use WHERE voucher_use.voucher_id = issued.voucher_id AND left_minor = 0)
    ), uncleared AS (
        SELECT mine.code, entry.day, date_trunc('quarter', entry.day)::date AS starts
        FROM mine JOIN voucher_entry AS entry USING (programme_id)
            LEFT JOIN voucher_entry_cleared AS cleared USING (claim_id, sequence)
        WHERE cleared.clearing_id IS NULL AND entry.day < date_trunc('quarter', cast(:today AS date))
    )
    SELECT code, CASE WHEN is_for_audit THEN 'audit' ELSE 'decide' END AS kind,
        count(*) AS how_many, min(day) AS day, NULL::date AS starts
    FROM undecided WHERE day <= :today GROUP BY code, is_for_audit
    UNION ALL
    SELECT code, CASE WHEN last_day < :today THEN 'expired' ELSE 'expiring' END, count(*), min(last_day), NULL
    FROM usable WHERE last_day <= :soon GROUP BY code, last_day < :today
    UNION ALL
    SELECT code, 'clear', count(*), min(day), starts FROM uncleared GROUP BY code, starts
    ORDER BY code, kind, starts
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many things of one kind wait in a programme; ``day`` is the first one's, ``quarter`` of entries.

    audit, decide: claims by their day. expiring, expired: vouchers by their last day. clear: entries.
    """

    programme: str
    kind: WaitingKind
    count: int
    day: date
    quarter: Quarter | None


def waiting(connection: Connection, party_id: int, today: date) -> list[Waiting]:
    """What waits in all programmes of the party's agreements, by programme, kind and quarter."""
    asked = {"party": party_id, "today": today, "soon": today + timedelta(days=EXPIRING_DAYS)}
    return [
        Waiting(
            row.code, row.kind, row.how_many, row.day, None if row.starts is None else Quarter.of(row.starts)
        )
        for row in connection.execute(text(WAITING), asked)
    ]
