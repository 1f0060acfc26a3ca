"""What changes of vouchers name: a programme, and the party of the home role or of the provider's zone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from ledger.desk import agreements, roster, vouchers
from ledger.desk.accounts import Account
from ledger.desk.failures import Kind
from ledger_graphql.connections import numbers_of
from ledger_graphql.subjects import SideNamed, Subject, side


def new_programme(connection: Connection, account: Account, input: Any) -> Subject:
    """The agreement, for the party of the role that the programme says is home."""
    document = input.document if isinstance(input.document, dict) else {}
    return side(connection, account, SideNamed(input.agreement, str(document.get("home", ""))))


def role_of_programme(connection: Connection, _: Account, input: Any) -> Subject:
    """A programme, for the party of the role that the input names."""
    found = vouchers.programme_by_code(connection, input.programme)
    return _of_roles(connection, found, "voucher programme", input.programme, input.role)


def home_of_programme(connection: Connection, _: Account, input: Any) -> Subject:
    found = vouchers.programme_by_code(connection, input.programme)
    return _of_roles(connection, found, "voucher programme", input.programme, found.document.home)


def home_of_application(connection: Connection, _: Account, input: Any) -> Subject:
    number = numbers_of(input.application, "VoucherApplication", 1)[0]
    return _home(connection, vouchers.application(connection, number), "voucher application", number)


def home_of_voucher(connection: Connection, _: Account, input: Any) -> Subject:
    number = numbers_of(input.voucher, "Voucher", 1)[0]
    return _home(connection, vouchers.voucher_by_id(connection, number).application, "voucher", number)


def home_of_order(connection: Connection, _: Account, input: Any) -> Subject:
    number = numbers_of(input.order, "VoucherOrder", 1)[0]
    found = vouchers.order_by_id(connection, number).voucher.application
    return _home(connection, found, "voucher order", number)


def sides_of_order(connection: Connection, _: Account, input: Any) -> Subject:
    """An order, for home and for the zone where its provider is."""
    number = numbers_of(input.order, "VoucherOrder", 1)[0]
    ordered = vouchers.order_by_id(connection, number)
    home = _home(connection, ordered.voucher.application, "voucher order", number)
    provider = vouchers.providers_by_id(connection, [ordered.provider_id])[ordered.provider_id]
    return replace(home, party_ids=home.party_ids | {provider.party_id})


def home_of_claim(connection: Connection, _: Account, input: Any) -> Subject:
    number = numbers_of(input.claim, "VoucherClaim", 1)[0]
    order = vouchers.order_by_id(connection, vouchers.claim_by_id(connection, number).order_id)
    return _home(connection, order.voucher.application, "voucher claim", number)


def provider_zone(connection: Connection, _: Account, input: Any) -> Subject:
    """The party where a new provider is."""
    return Subject("party", input.zone, frozenset(roster.ids_by_code(connection, [input.zone]).values()))


def _home(connection: Connection, application: vouchers.Application, kind: Kind, number: int) -> Subject:
    found = vouchers.programme_by_id(connection, application.programme_id)
    return _of_roles(connection, found, kind, str(number), found.document.home)


def _of_roles(
    connection: Connection, found: vouchers.RegisteredProgramme, kind: Kind, name: str, *roles: str | None
) -> Subject:
    sides = agreements.sides_of(connection, found.agreement_id).values()
    return Subject(kind, name, frozenset(side.party_id for side in sides if side.role in roles))
