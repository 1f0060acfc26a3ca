"""Settlements: every one is computed again from the facts that it names, to the last posting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, Table, select

from ledger.desk.fsck.comparing import (
    UNREADABLE,
    WHOLE_ROW,
    DigestOf,
    Mismatch,
    Said,
    Scope,
    Told,
    key_of,
    shown,
)
from ledger.desk.settlements.closing import allocations_of, is_final
from ledger.desk.settlements.journal import (
    AccountKey,
    EntryDraft,
    account_key,
    account_of,
    entries_of,
    maturing_entries,
)
from ledger.desk.settlements.replays import (
    BOOK_BY_ID,
    BOOK_IDS,
    Effect,
    Inputs,
    Materials,
    Replay,
    effects,
    gather,
    latest_clauses,
    versions_of,
)
from ledger.evidence.canonical import digest
from ledger.periods import Quarter
from ledger.rules import state
from ledger_schema.tables import (
    account,
    allocation,
    carried,
    journal_entry,
    posting,
    settlement,
    settlement_cause,
)

Columns = Mapping[str, object]
"""The values of a row's columns, by name."""


@dataclass
class _Accounts:
    """The agreement's accounts by what they are; ``posted`` are those that some replay posts to."""

    agreement_id: int
    ids: dict[AccountKey, int] = field(default_factory=dict)
    strays: list[int] = field(default_factory=list)
    """Accounts of no known book, or that are there already under another id."""
    posted: set[AccountKey] = field(default_factory=set)
    accrued: dict[int, dict[AccountKey, int]] = field(default_factory=dict)
    """By settlement, what stands accrued once it has closed its quarter."""


@dataclass(frozen=True, slots=True)
class _Computed:
    """A settlement as it comes out again."""

    settlement_id: int
    inputs: Inputs
    is_final: bool
    effects: list[Effect]
    latest: Replay
    materials: Materials
    entries: list[EntryDraft]


def check_settlements(scope: Scope) -> Iterator[Mismatch]:
    """Every settlement, its causes, allocations, carried state and journal come out again.

    Its inputs have the hash that its event names; from these facts the rules are evaluated anew. What is
    carried to it from before ``since`` is still replayed, for later ones rest on it.
    """
    columns = settlement.c
    rows = scope.rows(settlement, columns.agreement_id == scope.agreement_id)
    found = {row.settlement_id: row for row in rows}
    said = {int(one.data["settlement"]): one for one in scope.said("settlement_computed")}
    yield from scope.compare([settlement], map(_settlement, said.values()))
    accounts = _accounts_of(scope)
    for settlement_id, one in said.items():
        if settlement_id in found and _is_untouched(found[settlement_id], one):
            yield from _computed_again(scope, found, settlement_id, accounts)
    yield from _of_no_settlement(scope, set(said))
    if scope.since is None:
        yield from _unposted(accounts)


def _settlement(said: Said) -> Told:
    return said.row(
        settlement,
        agreement_id=said.agreement_id,
        booked_quarter=Quarter.parse(said.data["quarter"]).code,
        settlement_id=int(said.data["settlement"]),
        inputs=DigestOf(bytes.fromhex(said.data["inputs_hash"])),
        allocations_hash=bytes.fromhex(said.data["allocations_hash"]),
        allocation_count=said.data["allocation_count"],
    )


def _is_untouched(row: Row[Any], said: Said) -> bool:
    """Whether the inputs are those that were recorded: nothing follows from others."""
    is_of_quarter = row.booked_quarter == Quarter.parse(said.data["quarter"]).code
    return bool(is_of_quarter and digest(row.inputs).hex() == said.data["inputs_hash"])


def _computed_again(
    scope: Scope, found: Mapping[int, Row[Any]], settlement_id: int, accounts: _Accounts
) -> Iterator[Mismatch]:
    row = found[settlement_id]
    try:
        computed = _compute(scope, found, settlement_id, accounts)
    except UNREADABLE as error:
        key = key_of(settlement, [row.agreement_id, row.booked_quarter, settlement_id])
        yield Mismatch("settlement", key, WHOLE_ROW, "to come out again", f"{type(error).__name__}: {error}")
        return
    if scope.since is not None and computed.inputs.quarter < scope.since:
        return
    if computed.is_final != row.is_final:
        key = key_of(settlement, [row.agreement_id, row.booked_quarter, settlement_id])
        yield Mismatch("settlement", key, "is_final", str(computed.is_final), str(row.is_final))
    of_settlement = {
        "agreement_id": row.agreement_id,
        "booked_quarter": row.booked_quarter,
        "settlement_id": settlement_id,
    }
    for table, tell in TELLERS.items():
        wanted = [table.c[name] == value for name, value in of_settlement.items()]
        told = (Told(table, {**of_settlement, **columns}) for columns in tell(computed, accounts))
        yield from scope.compare([table], told, *wanted)


def _compute(
    scope: Scope, found: Mapping[int, Row[Any]], settlement_id: int, accounts: _Accounts
) -> _Computed:
    now = Inputs.parse(found[settlement_id].inputs)
    previous = now.previous_settlement_id
    before = None if previous is None else Inputs.parse(found[previous].inputs)
    worlds = [now] if before is None else [now, before]
    materials = gather(scope.connection, accounts.agreement_id, *worlds)
    _, changes, latest = effects(materials, before, now)
    final = is_final(materials, now)
    drafts = entries_of(changes, versions_of(materials.versions, now), is_final=final)
    accrued = {} if previous is None else accounts.accrued[previous]
    if final:
        drafts += maturing_entries(accrued, len(changes), now.quarter)
    accounts.accrued[settlement_id] = _accrued_after(accrued, drafts)
    accounts.posted.update(key for draft in drafts for key in draft.postings)
    return _Computed(settlement_id, now, final, changes, latest, materials, drafts)


def _accrued_after(before: Mapping[AccountKey, int], drafts: list[EntryDraft]) -> dict[AccountKey, int]:
    balances: defaultdict[AccountKey, int] = defaultdict(int, before)
    for draft in drafts:
        for key, amount_minor in draft.postings.items():
            if key.kind == "accrued":
                balances[key] += amount_minor
    return {key: amount_minor for key, amount_minor in balances.items() if amount_minor}


def _causes(computed: _Computed, _: _Accounts) -> Iterator[Columns]:
    for effect in computed.effects:
        cause = effect.cause
        named = {"cause": cause.cause, "kind": cause.kind, "reference": cause.reference}
        yield named | {"quarter": cause.quarter.code}


def _allocations(computed: _Computed, _: _Accounts) -> Iterator[Columns]:
    names = ("cause", "clause", "subject_id", "quarter", "book_id", "party_id")
    for one in allocations_of(computed.effects):
        amounts = {
            "commodity_id": one.commodity_id,
            "amount_minor": one.amount_minor,
            "routed_minor": one.routed_minor,
        }
        yield dict(zip(names, one.key, strict=True)) | amounts


def _carried(computed: _Computed, _: _Accounts) -> Iterator[Columns]:
    clauses = latest_clauses(computed.materials.versions, computed.inputs)
    for (clause, subject_id), kept in computed.latest.carried.items():
        yield {"clause": clause, "subject_id": subject_id, "state": state.pack(kept, clauses[clause])}


def _entries(computed: _Computed, _: _Accounts) -> Iterator[Columns]:
    for number, draft in enumerate(computed.entries, start=1):
        about = {"cause": draft.cause, "clause": draft.clause, "quarter": draft.quarter.code}
        yield {"entry": number} | about


def _postings(computed: _Computed, accounts: _Accounts) -> Iterator[Columns]:
    for number, draft in enumerate(computed.entries, start=1):
        for place, (key, amount_minor) in enumerate(draft.postings.items(), start=1):
            what = {
                "entry": number,
                "posting": place,
                "book_id": BOOK_IDS[key.book],
                "commodity_id": key.commodity_id,
                "amount_minor": amount_minor,
            }
            # An account that isn't there any more is reported itself, not by each of its postings.
            account_id = {"account_id": accounts.ids[key]} if key in accounts.ids else {}
            yield what | account_id


TELLERS: dict[Table, Callable[[_Computed, _Accounts], Iterator[Columns]]] = {
    settlement_cause: _causes,
    allocation: _allocations,
    carried: _carried,
    journal_entry: _entries,
    posting: _postings,
}
"""What each table should hold of a settlement, beside its key."""


def _accounts_of(scope: Scope) -> _Accounts:
    accounts = _Accounts(scope.agreement_id or 0)
    for row in scope.rows(account, account.c.agreement_id == scope.agreement_id):
        if row.book_id not in BOOK_BY_ID:
            accounts.strays.append(row.account_id)
            continue
        stored = account_of(row)
        if accounts.ids.setdefault(account_key(stored), stored.account_id) != stored.account_id:
            accounts.strays.append(stored.account_id)
    return accounts


def _unposted(accounts: _Accounts) -> Iterator[Mismatch]:
    for key in accounts.posted - accounts.ids.keys():
        columns = key._asdict() | {"book_id": BOOK_IDS[key.book], "agreement_id": accounts.agreement_id}
        named = {name: shown(value) for name, value in columns.items() if name != "book"}
        yield Mismatch("account", named, WHOLE_ROW, "a row", "no such row")
    unposted = [accounts.ids[key] for key in accounts.ids.keys() - accounts.posted]
    for account_id in sorted(unposted + accounts.strays):
        told = "an account that some settlement posts to, once"
        yield Mismatch("account", {"account_id": str(account_id)}, WHOLE_ROW, told, "a row")


def _of_no_settlement(scope: Scope, known: set[int]) -> Iterator[Mismatch]:
    for table in TELLERS:
        columns = table.c
        groups = scope.connection.execute(
            select(columns.booked_quarter, columns.settlement_id)
            .where(columns.agreement_id == scope.agreement_id)
            .distinct()
        )
        for quarter, settlement_id in groups:
            if settlement_id not in known:
                key = key_of(table, [scope.agreement_id, quarter, settlement_id])
                yield Mismatch(table.name, key, WHOLE_ROW, "no such settlement", "rows")
