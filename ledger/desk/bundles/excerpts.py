"""Making an excerpt: one enterprise's lines and allocations of a closed quarter, with their salted paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from ledger.desk import agreements, enterprises, returns
from ledger.desk.bundles.gathering import (
    SettlementNotClosed,
    filing_ids_of,
    party_codes,
    returned_line,
    terms_of,
)
from ledger.desk.bundles.logged import (
    Recorded,
    Wanted,
    covering_head,
    note_of_sides,
    proven,
    recorded_events,
)
from ledger.desk.bundles.materials import Worlds
from ledger.desk.bundles.results import bundled_allocations
from ledger.desk.returns.salting import records_of_lines
from ledger.desk.salting import LINES_SALTED, SETTLEMENT_SALTED, is_salted, kept_trees
from ledger.desk.settlements.reading import Settlement, all_allocations, settlement
from ledger.desk.settlements.replays import filing_of
from ledger.desk.settlements.salting import shares_of
from ledger.errors import LedgerError
from ledger.evidence.excerpts import EXCERPT_FORMAT, Excerpt, Place, ShownReturn, ShownShare
from ledger.evidence.notes import VerifierKey
from ledger.evidence.salted import lines_by_subject
from ledger.rules.facts import Line


class NotSalted(LedgerError):
    """Something was recorded before the ledger salted it, so that no part of it can be shown alone."""

    code = "NOT_SALTED"
    sentence_en = (
        "The {en} was recorded before one enterprise's part of it could be shown alone. "
        "Ask for the quarter's whole bundle, or hand the return in again before the close."
    )
    sentence_zh = "{zh}记录时尚不支持单独出示一家企业的部分。请导出整季结算包，或在关账前重新申报。"


class EnterpriseNotInSettlement(LedgerError):
    """Neither the settlement nor the list that it rests on names the enterprise."""

    code = "ENTERPRISE_NOT_IN_SETTLEMENT"
    sentence_en = (
        "Expected an enterprise that the settlement of {quarter} or its list names, but got {credit_code}. "
        "Look at the list and the allocations of that quarter."
    )
    sentence_zh = "{quarter}的结算及其名单中没有企业 {credit_code}。请查看该季度的名单和分配。"


def enterprise_excerpt(
    connection: Connection,
    log_key: VerifierKey,
    agreement_id: int,
    settlement_id: int,
    credit_code: str,
) -> Excerpt:
    """What a settlement that closed its quarter, and both sides' returns behind it, say of an enterprise.

    The checkpoint is chosen as a bundle's is. Raises ``NotFound``, ``SettlementNotClosed``, ``NotSalted``,
    ``EnterpriseNotInSettlement``, ``NotLoggedYet``.
    """
    chosen = settlement(connection, agreement_id, settlement_id)
    if chosen.closed_at is None:
        raise SettlementNotClosed(settlement_id=settlement_id, quarter=chosen.booked_quarter)
    subject = enterprises.id_by_code(connection, credit_code)
    _require_salted(connection, chosen)
    lines = _lines(connection, chosen, subject)
    agreement, codes = agreements.agreement(connection, agreement_id), party_codes(connection, agreement_id)
    wanted = _wanted(agreement.code, chosen, sorted(lines), sorted(codes.values()))
    last = (SETTLEMENT_SALTED, str(settlement_id))
    listed = recorded_events(connection, agreement_id, last, wanted, with_decisions=False)
    secrets = _secrets(connection, listed)
    share = _share(connection, chosen, subject, credit_code, secrets[str(settlement_id)], codes)
    shown = _returns(lines, subject, secrets)
    under = covering_head(connection, listed, codes.values())
    return Excerpt(
        format=EXCERPT_FORMAT,
        log_key=str(log_key),
        checkpoint=note_of_sides(under, log_key, listed).encode().decode(),
        events=proven(connection, listed, under),
        terms=terms_of(connection, agreement_id, sorted(chosen.inputs.versions)),
        settlement=str(settlement_id),
        subject=str(subject),
        credit_code=credit_code,
        share=share,
        returns=shown,
    )


def _require_salted(connection: Connection, chosen: Settlement) -> None:
    if not is_salted(connection, chosen.agreement_id, SETTLEMENT_SALTED, "settlement", chosen.settlement_id):
        raise NotSalted(
            zh=f"结算 {chosen.settlement_id} ", en=f"close with settlement {chosen.settlement_id}"
        )


def _lines(connection: Connection, chosen: Settlement, subject: int) -> dict[int, Sequence[Line]]:
    """All lines of every return that has one of the subject. Raises ``NotSalted``."""
    filing_ids = filing_ids_of(connection, chosen, Worlds(chosen.inputs, None))
    by_filing: defaultdict[int, list[Line]] = defaultdict(list)
    for line in returns.lines_of_filings(connection, chosen.agreement_id, filing_ids):
        by_filing[filing_of(line)].append(line)
    found = {
        filing_id: lines
        for filing_id, lines in by_filing.items()
        if any(line.subject == subject for line in lines)
    }
    for filing_id in found:
        if not is_salted(connection, chosen.agreement_id, LINES_SALTED, "filing", filing_id):
            raise NotSalted(zh=f"申报 {filing_id} ", en=f"return {filing_id}")
    return dict(sorted(found.items()))


def _wanted(code: str, chosen: Settlement, filing_ids: Sequence[int], parties: Sequence[str]) -> Wanted:
    version = ("version", set(chosen.inputs.versions))
    return {
        "agreement_drafted": ("code", {code}),
        "key_registered": ("party", set(parties)),
        "version_drafted": version,
        "version_signed": version,
        "version_brought_into_force": version,
        LINES_SALTED: ("filing", {str(one) for one in filing_ids}),
        SETTLEMENT_SALTED: ("settlement", {str(chosen.settlement_id)}),
    }


def _secrets(connection: Connection, listed: Sequence[Recorded]) -> dict[str, bytes]:
    """The secrets of the trees, by the number of the return or settlement."""
    salted = {
        one.event_id: str(one.data["filing" if one.kind == LINES_SALTED else "settlement"])
        for one in listed
        if one.kind in (LINES_SALTED, SETTLEMENT_SALTED)
    }
    kept = kept_trees(connection, sorted(salted))
    return {salted[event_id]: tree.secret for event_id, tree in kept.items()}


def _share(
    connection: Connection,
    chosen: Settlement,
    subject: int,
    credit_code: str,
    secret: bytes,
    codes: Mapping[int, str],
) -> ShownShare:
    agreement_id, settlement_id = chosen.agreement_id, chosen.settlement_id
    parts = shares_of(connection, agreement_id, settlement_id, chosen.inputs.list_version)
    if subject not in parts.subjects:
        raise EnterpriseNotInSettlement(quarter=chosen.booked_quarter, credit_code=credit_code)
    listed = [
        one for one in all_allocations(connection, agreement_id, settlement_id) if one.subject_id == subject
    ]
    return ShownShare(
        place=Place.of(parts.shown(subject, secret)), allocations=bundled_allocations(listed, codes)
    )


def _returns(
    lines: Mapping[int, Sequence[Line]], subject: int, secrets: Mapping[str, bytes]
) -> list[ShownReturn]:
    return [
        ShownReturn(
            filing=str(filing_id),
            place=Place.of(
                lines_by_subject(records_of_lines(of_return)).shown(subject, secrets[str(filing_id)])
            ),
            lines=[returned_line(line) for line in of_return if line.subject == subject],
        )
        for filing_id, of_return in lines.items()
    ]
