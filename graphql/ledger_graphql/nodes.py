"""Objects by their global ids: those of one type together, whatever order they are asked for in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from ledger.desk import agreements, enterprises, returns, reviews, roster, settlements
from ledger.desk import events as event_reading
from ledger.desk.agreements import reading as agreement_reading
from ledger_graphql.agreements import agreement_nodes, version_node
from ledger_graphql.connections import Node, split_id
from ledger_graphql.context import Desk
from ledger_graphql.enterprises import enterprise_batch, list_node
from ledger_graphql.events import event_node
from ledger_graphql.parties import party_nodes
from ledger_graphql.payment_queries import PAYMENT_NODES
from ledger_graphql.returns import filing_nodes
from ledger_graphql.reviews import review_nodes
from ledger_graphql.settlements import settlement_nodes
from ledger_graphql.voucher_nodes import VOUCHER_NODES

Load: TypeAlias = Callable[[Desk, list[int]], Mapping[int, Node]]
"""The objects with these numbers; those that there are none of are left out."""

LoadOfAgreement: TypeAlias = Callable[[Desk, int, list[int]], Mapping[int, Node]]
"""The same for objects that are numbered within their agreement."""


def nodes_by_id(desk: Desk, global_ids: Sequence[str]) -> list[Node | None]:
    """The objects in the order asked for; None where there is none. Raises ``IdUnreadable``.

    A type costs the same few statements however many of it are asked for; a type whose objects belong to
    an agreement costs them for each agreement, and a voucher programme its own for its budgets.
    """
    asked = [split_id(one) for one in global_ids]
    numbers: defaultdict[tuple[str, tuple[int, ...]], set[int]] = defaultdict(set)
    for kind, (*within, number) in asked:
        numbers[kind, tuple(within)].add(number)
    found = {group: _load(desk, *group, sorted(wanted)) for group, wanted in numbers.items()}
    return [found[kind, tuple(within)].get(number) for kind, (*within, number) in asked]


def _load(desk: Desk, kind: str, within: tuple[int, ...], numbers: list[int]) -> Mapping[int, Node]:
    match within:
        case () if kind in _LOADS:
            return _LOADS[kind](desk, numbers)
        case (agreement_id,) if kind in _LOADS_OF_AGREEMENT:
            return _LOADS_OF_AGREEMENT[kind](desk, agreement_id, numbers)
    return {}


def _parties(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = roster.parties_by_id(desk.snapshot, ids)
    return dict(zip(found, party_nodes(desk, list(found.values())), strict=True))


def _agreements(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = agreements.agreements_by_id(desk.snapshot, ids)
    return dict(zip(found, agreement_nodes(desk, list(found.values())), strict=True))


def _enterprises(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    batch = enterprise_batch(desk, ids)
    return {number: found for number in ids if (found := batch.get(number)) is not None}


def _events(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = event_reading.events_by_id(desk.snapshot, ids)
    return {number: event_node(record) for number, record in found.items()}


def _reviews(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = reviews.reviews_by_id(desk.snapshot, ids)
    return dict(zip(found, review_nodes(desk, list(found.values())), strict=True))


def _versions(desk: Desk, agreement_id: int, numbers: list[int]) -> Mapping[int, Node]:
    found = agreement_reading.versions_of_agreements(desk.snapshot, [agreement_id])[agreement_id]
    return {record.version: version_node(record) for record in found if record.version in numbers}


def _lists(desk: Desk, agreement_id: int, numbers: list[int]) -> Mapping[int, Node]:
    found = enterprises.list_heads(desk.snapshot, agreement_id, numbers)
    return {record.version: list_node(record) for record in found}


def _filings(desk: Desk, agreement_id: int, ids: list[int]) -> Mapping[int, Node]:
    found = returns.filings_by_id(desk.snapshot, agreement_id, ids)
    return dict(zip(found, filing_nodes(desk, list(found.values())), strict=True))


def _settlements(desk: Desk, agreement_id: int, ids: list[int]) -> Mapping[int, Node]:
    found = settlements.settlements_by_id(desk.snapshot, agreement_id, ids)
    return dict(zip(found, settlement_nodes(desk, agreement_id, list(found.values())), strict=True))


_LOADS: Mapping[str, Load] = {
    **PAYMENT_NODES,
    **VOUCHER_NODES,
    "Party": _parties,
    "Event": _events,
    "Enterprise": _enterprises,
    "Agreement": _agreements,
    "Review": _reviews,
}

_LOADS_OF_AGREEMENT: Mapping[str, LoadOfAgreement] = {
    "AgreementVersion": _versions,
    "EnterpriseList": _lists,
    "Filing": _filings,
    "Settlement": _settlements,
}
