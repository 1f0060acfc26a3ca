"""What the API shows to a session that sees less: the partner gets sums, a stranger nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from ledger.desk.accounts import Account
from ledger.desk.enterprises import credit_code_check_character
from ledger_graphql.context import Desk
from ledger_graphql.schema import SCHEMA
from ledger_schema.sessions import Database
from ledger_schema.sight import Sight
from ledger_schema.tables import party
from tests.api.journey import Api, Figure
from tests.api.terms_documents import tax, terms

CODE = "LISTED"
ENTERPRISES = {
    start + credit_code_check_character(start): name
    for start, name in (("91110108MA0000002", "甲企业"), ("91110108MA0000003", "乙企业"))
}
SETTLED = """
query Settled($code: String!) { agreement(code: $code) {
  settlements(quarter: "2024Q1") { edges { node {
    id net { party { code } amount { text } } allocations { edges { node { enterprise { nameZh } } } }
  } } }
  filings { edges { node { lines { edges { node { amount { text } } } } } } }
  statement(quarter: "2024Q1") {
    totals { party { code } amount { text } }
    clauses { figures { edges { node { enterprise { nameZh } amount { text } } } } }
    text(language: EN)
  }
} }
"""
EVERYWHERE = """
query Everywhere($id: ID!) {
  node(id: $id) { id } agreements { edges { node { code } } } search(criteria: {}) {
    allocations { edges { cursor } } settlements { edges { cursor } } events { edges { cursor } } }
}
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture
def settled(api: Api) -> str:
    """The global id of a settlement of two enterprises' taxes."""
    api.bring_into_force(terms(CODE, [tax(scope="listed_enterprises")]))
    listed = [{"creditCode": code, "nameZh": name} for code, name in ENTERPRISES.items()]
    api.confirm_list(CODE, listed)
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "50.00", credit_code=code) for code in ENTERPRISES])
    settlement_id: str = api.settle(CODE, "2024Q1")["id"]
    return settlement_id


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


def nodes(connection: Any) -> list[Any]:
    return [edge["node"] for edge in connection["edges"]]


def test_both_sides_get_the_same_totals_and_only_the_reporter_gets_lines(
    settled: str, database: Database
) -> None:
    host, origin = (ask(database, code, SETTLED, code=CODE)["agreement"] for code in ("HOST", "ORIGIN"))
    (of_host,), (of_origin,) = nodes(host["settlements"]), nodes(origin["settlements"])
    assert of_host["id"] == of_origin["id"] == settled
    assert of_host["net"] == of_origin["net"] != []
    assert host["statement"]["totals"] == origin["statement"]["totals"]
    assert len(nodes(of_host["allocations"])) == 4
    assert not nodes(of_origin["allocations"])
    assert [len(nodes(one["lines"])) for one in nodes(host["filings"])] == [2]
    assert [len(nodes(one["lines"])) for one in nodes(origin["filings"])] == [0]
    (figures,) = (nodes(one["figures"]) for one in origin["statement"]["clauses"])
    assert figures == [{"enterprise": None, "amount": {"text": "100.00"}}]
    for name in ENTERPRISES.values():
        assert name in host["statement"]["text"]
        assert name not in origin["statement"]["text"]


def test_a_stranger_finds_nothing_anywhere(api: Api, settled: str, database: Database) -> None:
    api.register("STRANGER")
    answer = ask(database, "STRANGER", EVERYWHERE, id=settled)
    assert answer["node"] is None
    assert not nodes(answer["agreements"])
    found = answer["search"]
    assert not found["allocations"]["edges"]
    assert not found["settlements"]["edges"]
