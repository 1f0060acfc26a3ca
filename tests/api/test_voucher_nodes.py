"""Voucher objects are found again by their global ids, by those who may see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from ledger.desk.accounts import Account
from ledger_graphql.connections import global_id
from ledger_graphql.context import Desk
from ledger_graphql.schema import SCHEMA
from ledger_schema.sessions import Database
from ledger_schema.sight import Sight
from ledger_schema.tables import (
    party,
    voucher,
    voucher_application,
    voucher_claim,
    voucher_order,
    voucher_programme,
    voucher_provider,
)
from tests.api.journey import Api
from tests.api.voucher_journey import PROVIDERS, opened, redeem, shared

FOUND = """
    query Found($ids: [ID!]!) {
      nodes(ids: $ids) {
        __typename
        id
        ... on VoucherProgramme { code budgets { role } }
        ... on VoucherProvider { creditCode }
        ... on VoucherApplication { programme amount }
        ... on Voucher { amount left }
        ... on VoucherOrder { amount provider { creditCode } }
        ... on VoucherClaim { amount approved }
      }
    }
"""
IDS = {
    "VoucherProgramme": voucher_programme.c.programme_id,
    "VoucherProvider": voucher_provider.c.provider_id,
    "VoucherApplication": voucher_application.c.application_id,
    "Voucher": voucher.c.voucher_id,
    "VoucherOrder": voucher_order.c.order_id,
    "VoucherClaim": voucher_claim.c.claim_id,
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened_database = Database(database_url)
    yield opened_database
    opened_database.dispose()


def ids_of(database: Database) -> list[str]:
    """The first object of every type."""
    with database.reading() as connection:
        return [
            global_id(kind, connection.execute(select(column).order_by(column).limit(1)).scalar_one())
            for kind, column in IDS.items()
        ]


def ask(database: Database, asker: str, document: str, **variables: Any) -> Any:
    """The answer to a session of the party ``asker``."""
    with database.reading() as connection:
        party_id = connection.execute(select(party.c.party_id).where(party.c.code == asker)).scalar_one()
    own = frozenset({party_id})
    account = Account(1, "asker", "张三", "person", (), Sight(party_ids=own, own_party_ids=own))
    with Desk(database, account) as desk:
        answer = SCHEMA.execute_sync(document, context_value=desk, variable_values=variables)
    assert answer.errors is None
    return answer.data


def test_every_voucher_object_is_found_again_by_its_id_by_both_zones(api: Api, database: Database) -> None:
    zones = opened(api, [shared("origin", "host", 1)])
    redeem(zones, "origin", "60000.00", "host")
    ids = ids_of(database)
    parties = zones.roles("VOUCHERS")
    for role in ("origin", "host"):
        nodes = ask(database, parties[role], FOUND, ids=ids)["nodes"]
        assert [(node["__typename"], node["id"]) for node in nodes] == list(zip(IDS, ids, strict=True))
        programme, provider, application, issued, ordered, claimed = nodes
        assert (programme["code"], len(programme["budgets"])) == ("origin", 2)
        assert provider["creditCode"] in PROVIDERS.values()
        assert (application["programme"], application["amount"]) == ("origin", "60000.00")
        assert (issued["amount"], issued["left"]) == ("60000.00", "0.00")
        assert (ordered["amount"], ordered["provider"]["creditCode"]) == ("60000.00", PROVIDERS["host"])
        assert (claimed["amount"], claimed["approved"]) == ("60000.00", "60000.00")
    found = zones.ask("query One($id: ID!) { voucherApplication(id: $id) { purpose } }", id=ids[2])
    assert found["voucherApplication"]["purpose"]


def test_a_stranger_finds_nothing_but_the_provider_which_is_public(api: Api, database: Database) -> None:
    zones = opened(api, [shared("origin", "host", 1)])
    redeem(zones, "origin", "60000.00", "host")
    zones.register("STRANGER")
    nodes = ask(database, "STRANGER", FOUND, ids=ids_of(database))["nodes"]
    assert [node and node["__typename"] for node in nodes] == [None, "VoucherProvider", *[None] * 4]
