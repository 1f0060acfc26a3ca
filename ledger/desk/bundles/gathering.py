"""Making a bundle: what a closed settlement rests on, and the log's proof of every event that says so."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from ledger.desk import agreements, enterprises, returns, roster
from ledger.desk.bundles.decisions import compared_in
from ledger.desk.bundles.logged import Wanted, covering_head, note_of_sides, proven, recorded_events
from ledger.desk.bundles.materials import Worlds
from ledger.desk.bundles.results import bundled_allocations, bundled_entries, drafts_of
from ledger.desk.failures import NotFound
from ledger.desk.settlements.journal import entries
from ledger.desk.settlements.proposals import proposals
from ledger.desk.settlements.reading import (
    Settlement,
    all_allocations,
    closed_settlements,
    inputs_by_id,
    settlement,
)
from ledger.desk.settlements.replays import filing_of
from ledger.errors import LedgerError
from ledger.evidence.bundles import FORMAT, Bundle, NumberedContent, Return, ReturnedLine
from ledger.evidence.notes import VerifierKey
from ledger.periods import Quarter
from ledger.rules.facts import Line


class SettlementNotClosed(LedgerError):
    """There is a bundle only of what was closed."""

    code = "SETTLEMENT_NOT_CLOSED"
    sentence_en = "Settlement {settlement_id} of {quarter} hasn't closed its quarter. Close it first."
    sentence_zh = "{quarter}的结算 {settlement_id} 尚未关账。请先关账。"


def closed_settlement_of(connection: Connection, agreement_id: int, quarter: Quarter) -> int:
    """The settlement that is the quarter's result. Raises ``NotFound``."""
    for one in closed_settlements(connection, agreement_id):
        if one.booked_quarter == quarter:
            return one.settlement_id
    raise NotFound("settlement", quarter)


def settlement_bundle(
    connection: Connection, log_key: VerifierKey, agreement_id: int, settlement_id: int
) -> Bundle:
    """The bundle of a settlement that closed its quarter, also where that was reopened since.

    Its checkpoint is the first that most of the sides cosigned after the close, else the newest. Raises
    ``NotFound``, ``SettlementNotClosed``, ``NotLoggedYet``.
    """
    chosen = settlement(connection, agreement_id, settlement_id)
    if chosen.closed_at is None:
        raise SettlementNotClosed(settlement_id=settlement_id, quarter=chosen.booked_quarter)
    agreement, worlds = agreements.agreement(connection, agreement_id), _worlds(connection, chosen)
    codes = party_codes(connection, agreement_id)
    filing_ids = filing_ids_of(connection, chosen, worlds)
    wanted = _wanted(agreement.code, worlds, settlement_id, filing_ids, codes.values())
    last = ("settlement_closed", str(settlement_id))
    listed = recorded_events(connection, agreement_id, last, wanted, with_decisions=True)
    under = covering_head(connection, listed, codes.values())
    proposal = proposals(connection, agreement_id, [settlement_id]).get(settlement_id)
    drafts = drafts_of(entries(connection, agreement_id, settlement_id), is_final=chosen.is_final)
    return Bundle(
        format=FORMAT,
        log_key=str(log_key),
        checkpoint=note_of_sides(under, log_key, listed).encode().decode(),
        events=proven(connection, listed, under),
        terms=terms_of(connection, agreement_id, _versions(worlds)),
        lists=_lists(connection, agreement_id, _list_versions(worlds)),
        returns=_returns(connection, agreement_id, filing_ids),
        previous_inputs=None if worlds.before is None else worlds.before.canonical().decode(),
        inputs=worlds.now.canonical().decode(),
        bytes_to_sign=None if proposal is None else proposal.content.decode(),
        allocations=bundled_allocations(all_allocations(connection, agreement_id, settlement_id), codes),
        entries=bundled_entries(drafts, codes),
    )


# --- what it rests on -------------------------------------------------------------------------------------


def _worlds(connection: Connection, chosen: Settlement) -> Worlds:
    previous = chosen.inputs.previous_settlement_id
    return Worlds(chosen.inputs, inputs_by_id(connection, chosen.agreement_id, [previous]).get(previous))


def _versions(worlds: Worlds) -> list[int]:
    return sorted({version for world in worlds.both for version in world.versions})


def _list_versions(worlds: Worlds) -> list[int]:
    return sorted({world.list_version for world in worlds.both if world.list_version is not None})


def filing_ids_of(connection: Connection, chosen: Settlement, worlds: Worlds) -> list[int]:
    """The returns that the worlds refer to, and those that they were compared with when it closed."""
    named = {filing.filing_id for world in worlds.both for filing in world.filings.values()}
    now = chosen.inputs
    versions = [
        one
        for one in agreements.terms_in_force(connection, chosen.agreement_id)
        if one.version in now.versions
    ]
    known = returns.current_filings(connection, chosen.agreement_id, chosen.closed_at)
    compared = {
        known[quarter, against].filing_id
        for quarter, role in now.filings
        for record, against in compared_in(versions, quarter)
        if role == record and (quarter, against) in known
    }
    return sorted(named | compared)


def party_codes(connection: Connection, agreement_id: int) -> dict[int, str]:
    """The codes of the agreement's parties, by their number."""
    party_ids = [side.party_id for side in agreements.sides_of(connection, agreement_id).values()]
    return {number: one.code for number, one in roster.parties_by_id(connection, party_ids).items()}


def _wanted(
    code: str, worlds: Worlds, settlement_id: int, filing_ids: Sequence[int], codes: Collection[str]
) -> Wanted:
    now = worlds.now
    version = ("version", _versions(worlds))
    filing = ("filing", {str(one) for one in filing_ids})
    listed = ("version", _list_versions(worlds))
    happened = ("name", {name for world in worlds.both for name in world.occurrences})
    own = ("settlement", {str(settlement_id)})
    return {
        "agreement_drafted": ("code", {code}),
        "key_registered": ("party", set(codes)),
        "version_drafted": version,
        "version_signed": version,
        "version_brought_into_force": version,
        "return_handed_in": filing,
        "return_certified": filing,
        "enterprise_list_submitted": listed,
        "enterprise_list_confirmed": listed,
        "occurrence_recorded": happened,
        "occurrence_confirmed": happened,
        "settlement_computed": own,
        "settlement_proposed": own,
        "settlement_signed": own,
        "settlement_closed": ("settlement", {str(settlement_id), str(now.previous_settlement_id)}),
        "quarter_reopened": ("settlement", {str(now.reopened_settlement_id)}),
    }


# --- its content ------------------------------------------------------------------------------------------


def terms_of(connection: Connection, agreement_id: int, versions: Collection[int]) -> list[NumberedContent]:
    """The bytes of these versions of the terms."""
    return [
        NumberedContent(version=one.version, content=one.terms_bytes.decode())
        for one in agreements.versions(connection, agreement_id)
        if one.version in versions
    ]


def _lists(connection: Connection, agreement_id: int, versions: Collection[int]) -> list[NumberedContent]:
    return [
        NumberedContent(version=one.version, content=enterprises.content_of(one).decode())
        for one in enterprises.lists(connection, agreement_id)
        if one.version in versions
    ]


def _returns(connection: Connection, agreement_id: int, filing_ids: Sequence[int]) -> list[Return]:
    lines: dict[int, list[ReturnedLine]] = {filing_id: [] for filing_id in filing_ids}
    for line in returns.lines_of_filings(connection, agreement_id, filing_ids):
        lines[filing_of(line)].append(returned_line(line))
    return [Return(filing=str(filing_id), lines=of_filing) for filing_id, of_filing in lines.items()]


def returned_line(line: Line) -> ReturnedLine:
    """A line as it is written in a file."""
    return ReturnedLine(
        subject=str(line.subject),
        measure=line.measure,
        span=str(line.span),
        amount_minor=str(line.amount_minor),
        document=line.document,
    )
