"""What a settlement books, as a bundle shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger.desk.settlements.journal import AccountKey, Entry, EntryDraft, account_key
from ledger.desk.settlements.reading import Allocation
from ledger.evidence.bundles import BundledAllocation, BundledEntry, BundledPosting
from ledger.measures import COMMODITY_BY_ID


def bundled_allocations(
    listed: Iterable[Allocation], party_codes: Mapping[int, str]
) -> list[BundledAllocation]:
    """Allocations with their parties by code."""
    return [
        BundledAllocation(
            cause=one.cause,
            clause=one.clause,
            subject=str(one.subject_id),
            quarter=str(one.quarter),
            book=one.book.value,
            commodity=COMMODITY_BY_ID[one.commodity_id].code,
            party=party_codes[one.party_id],
            amount_minor=str(one.amount_minor),
            routed_minor=str(one.routed_minor),
        )
        for one in listed
    ]


def bundled_entries(drafts: Iterable[EntryDraft], party_codes: Mapping[int, str]) -> list[BundledEntry]:
    """Entries with their parties by code."""
    return [
        BundledEntry(
            cause=draft.cause,
            clause=draft.clause,
            quarter=str(draft.quarter),
            postings=[
                _posting(key, amount_minor, party_codes) for key, amount_minor in draft.postings.items()
            ],
        )
        for draft in drafts
    ]


def drafts_of(booked: Iterable[Entry], *, is_final: bool) -> list[EntryDraft]:
    """Booked entries as they were drafted, without those by which a final quarter makes due what accrued.

    These rest on the quarters before, and at a final quarter nothing else moves what accrued.
    """
    drafts = [
        EntryDraft(
            one.cause,
            one.clause,
            one.quarter,
            {account_key(posting.account): posting.amount_minor for posting in one.postings},
        )
        for one in booked
    ]
    return [one for one in drafts if not (is_final and any(key.kind == "accrued" for key in one.postings))]


def _posting(key: AccountKey, amount_minor: int, party_codes: Mapping[int, str]) -> BundledPosting:
    return BundledPosting(
        account=key.kind,
        party=None if key.party_id is None else party_codes[key.party_id],
        book=key.book.value,
        commodity=COMMODITY_BY_ID[key.commodity_id].code,
        amount_minor=str(amount_minor),
    )
