"""Voucher objects by their global ids; what the account may not see isn't there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger.desk import vouchers
from ledger_graphql.connections import Node
from ledger_graphql.context import Desk
from ledger_graphql.vouchers import (
    application_nodes,
    claim_nodes,
    order_nodes,
    programme_node,
    provider_nodes,
    voucher_node,
)


def _programmes(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = vouchers.programmes_by_id(desk.snapshot, ids)
    return {number: programme_node(desk, one) for number, one in found.items()}


def _providers(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = vouchers.providers_by_id(desk.snapshot, ids)
    return dict(zip(found, provider_nodes(desk, list(found.values())), strict=True))


def _applications(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = vouchers.applications_by_id(desk.snapshot, ids)
    return dict(zip(found, application_nodes(desk, list(found.values())), strict=True))


def _vouchers(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    return {number: voucher_node(one) for number, one in vouchers.vouchers_by_id(desk.snapshot, ids).items()}


def _orders(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = vouchers.orders_by_id(desk.snapshot, ids)
    return dict(zip(found, order_nodes(desk, list(found.values())), strict=True))


def _claims(desk: Desk, ids: list[int]) -> Mapping[int, Node]:
    found = vouchers.claims_by_id(desk.snapshot, ids)
    return dict(zip(found, claim_nodes(desk, list(found.values())), strict=True))


VOUCHER_NODES: Mapping[str, Callable[[Desk, list[int]], Mapping[int, Node]]] = {
    "VoucherProgramme": _programmes,
    "VoucherProvider": _providers,
    "VoucherApplication": _applications,
    "Voucher": _vouchers,
    "VoucherOrder": _orders,
    "VoucherClaim": _claims,
}
