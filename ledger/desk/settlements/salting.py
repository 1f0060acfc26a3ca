"""The salted tree of a settlement, by which one enterprise's allocations can be shown alone."""

from __future__ import annotations

from sqlalchemy import Connection, select, union

from ledger.desk.acts import Recorder
from ledger.desk.salting import SETTLEMENT_SALTED, SaltedTree, record_salted
from ledger.desk.settlements.reading import Settlement, all_allocations
from ledger.desk.settlements.recording import records_of
from ledger.evidence.canonical import Json
from ledger.evidence.salted import Parts, shares_by_subject
from ledger_schema.tables import allocation, enterprise, enterprise_list_entry


def salt_settlement(connection: Connection, record: Recorder, chosen: Settlement) -> None:
    """Names the root of the tree in an event of the act that closes the quarter.

    The hashes of ``settlement_closed`` are plain: it is this event that an excerpt shows in its place.
    """
    parts = shares_of(connection, chosen.agreement_id, chosen.settlement_id, chosen.inputs.list_version)
    of: dict[str, Json] = {
        "settlement": str(chosen.settlement_id),
        "quarter": str(chosen.booked_quarter),
        "versions": sorted(chosen.inputs.versions),
        "filings": sorted(str(one.filing_id) for one in chosen.inputs.filings.values()),
    }
    record_salted(connection, record, SETTLEMENT_SALTED, [(chosen.agreement_id, of, SaltedTree.of(parts))])


def shares_of(
    connection: Connection, agreement_id: int, settlement_id: int, list_version: int | None
) -> Parts:
    """What the settlement allocates for each enterprise that it, or the list that it rests on, names."""
    listed = all_allocations(connection, agreement_id, settlement_id)
    codes = _credit_codes(connection, agreement_id, settlement_id, list_version)
    return shares_by_subject(records_of(listed), codes)


def _credit_codes(
    connection: Connection, agreement_id: int, settlement_id: int, list_version: int | None
) -> dict[int, str]:
    allocated = select(allocation.c.subject_id).where(
        allocation.c.agreement_id == agreement_id, allocation.c.settlement_id == settlement_id
    )
    listed = select(enterprise_list_entry.c.enterprise_id).where(
        enterprise_list_entry.c.agreement_id == agreement_id,
        enterprise_list_entry.c.version == list_version,
    )
    rows = connection.execute(
        select(enterprise.c.enterprise_id, enterprise.c.credit_code).where(
            enterprise.c.enterprise_id.in_(union(allocated, listed).scalar_subquery())
        )
    )
    return {row.enterprise_id: row.credit_code for row in rows}
