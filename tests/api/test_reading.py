"""One operation reads one snapshot, in a number of queries that doesn't depend on how much is shown."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from ledger.desk import roster
from ledger.desk.acts import Act
from ledger.desk.roster import PartyDraft
from ledger_schema.sessions import Database
from tests.api.journey import Api, Figure
from tests.api.terms_documents import clause, tax, terms
from tests.listening import Statement, listening

TWICE = 'query Twice { before: party(code: "LATE") { code } after: party(code: "LATE") { code } }'


def count_of_queries(api: Api, name: str, **variables: Any) -> int:
    """How many statements the document needs, once the pool is warm."""
    statements: list[Statement] = []
    api.run(name, **variables)
    with listening(statements.append):
        api.run(name, **variables)
    return len(statements)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def test_what_is_recorded_while_an_operation_reads_is_not_seen_by_it(api: Api, database: Database) -> None:
    recorded = Register(database)
    with listening(recorded.after_the_first_look):
        seen = api.ask(TWICE)
    assert recorded.is_done
    assert seen == {"before": None, "after": None}
    assert api.ask(TWICE) == {"before": {"code": "LATE"}, "after": {"code": "LATE"}}


def test_each_mutation_of_a_document_shows_what_it_and_those_before_it_did(api: Api) -> None:
    document = """
        mutation Both($first: RegisterPartyInput!, $second: RegisterPartyInput!) {
          first: registerParty(input: $first) { ... on PartySuccess { party { code } } }
          second: registerParty(input: $second) { ... on PartySuccess { party { code parent { code } } } }
        }
    """
    zone = {"idempotencyKey": "1", "code": "Z", "kind": "ZONE", "nameZh": "区", "source": "made up"}
    park = {**zone, "idempotencyKey": "2", "code": "P", "kind": "PARK", "parentCode": "Z"}
    assert api.ask(document, first=zone, second=park) == {
        "first": {"party": {"code": "Z"}},
        "second": {"party": {"code": "P", "parent": {"code": "Z"}}},
    }
    parks = api.ask('{ parties(parent: "Z") { edges { node { code keys { label } } } } }')["parties"]["edges"]
    assert parks == [{"node": {"code": "P", "keys": []}}]


def test_a_page_of_zones_needs_as_many_queries_for_one_as_for_many(api: Api, database: Database) -> None:
    roster.load_roster(database)
    assert count_of_queries(api, "zones", first=1) == count_of_queries(api, "zones", first=200)


def test_the_roster_can_be_read_to_its_end_page_by_page(api: Api, database: Database) -> None:
    count = roster.load_roster(database).value
    codes: list[str] = []
    after = None
    while True:
        page = api.run("zones", first=50, after=after)["zones"]
        codes += [edge["node"]["code"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len(codes) == count
    assert codes == sorted(set(codes))


def test_zones_are_found_by_region_province_and_a_part_of_the_name(api: Api, database: Database) -> None:
    roster.load_roster(database)
    found = [
        edge["node"]
        for edge in api.run("zones", regionClass="WEST", provinceCode="510000", search="成都")["zones"][
            "edges"
        ]
    ]
    assert [(zone["regionClass"], zone["provinceZh"]) for zone in found] == [("WEST", "四川省")]
    assert found[0]["zone"]["divisions"]


def test_a_list_of_agreements_needs_as_many_queries_for_one_as_for_four(api: Api) -> None:
    for number in range(4):
        api.bring_into_force(terms(f"A-{number}", [tax()]))
    assert count_of_queries(api, "agreements", first=1) == count_of_queries(api, "agreements", first=4)
    page = api.run("agreements", party="ORIGIN", kind="ENCLAVE", search="A-", first=3)["agreements"]
    assert [edge["node"]["code"] for edge in page["edges"]] == ["A-0", "A-1", "A-2"]
    assert page["pageInfo"]["hasNextPage"]


def test_versions_of_many_agreements_are_read_together(api: Api) -> None:
    for number in range(3):
        api.bring_into_force(terms(f"A-{number}", [tax()]))
    document = """query V($first: Int!) { agreements(first: $first) { edges { node {
        openQuarter versions { number state signatures { role } } } } } }"""
    counts = []
    for first in (1, 3):
        statements: list[Statement] = []
        with listening(statements.append):
            api.ask(document, first=first)
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_allocations_need_as_many_queries_for_one_party_as_for_four(api: Api) -> None:
    counts = [count_of_settlement(api, f"S-{parties}", parties) for parties in (1, 4)]
    assert counts[0] == counts[1]


def test_events_need_as_many_queries_for_one_as_for_many(api: Api) -> None:
    api.bring_into_force(terms("A", [tax()]))
    assert count_of_queries(api, "events", code="A", first=1) == count_of_queries(
        api, "events", code="A", first=6
    )
    assert count_of_queries(api, "all_events", first=1) == count_of_queries(api, "all_events", first=6)


def test_objects_asked_for_by_id_are_read_together_and_come_in_the_order_asked_for(api: Api) -> None:
    for number in range(2):
        api.bring_into_force(terms(f"A-{number}", [tax()]))
    for code in ("A-0", "A-1"):
        api.hand_in(code, "2024Q1", [Figure("retained_tax", "100.00", document="票据")])
        api.settle(code, "2024Q1")
        api.hand_in(code, "2024Q1", [Figure("retained_tax", "120.00", document="票据")])
    found = api.ask("""{ parties { edges { node { id } } } events(first: 9) { edges { node { id } } }
        agreements { edges { node { id versions { id } filings { edges { node { id } } }
        settlements { edges { node { id } } } } } } }""")
    agreements = [edge["node"] for edge in found["agreements"]["edges"]]
    for one, two in [
        [ids_of(found["parties"])[:2], ids_of(found["parties"])],
        [ids_of(found["events"])[:2], ids_of(found["events"])],
        [[agreements[0]["id"]], [each["id"] for each in agreements]],
        [ids_of(agreements[0]["filings"])[:1], ids_of(agreements[0]["filings"])],
    ]:
        assert count_of_nodes(api, one) == count_of_nodes(api, two)
    asked = [
        *ids_of(agreements[1]["settlements"]),
        *ids_of(agreements[0]["filings"]),
        *ids_of(found["parties"]),
        agreements[1]["versions"][0]["id"],
        *ids_of(found["events"]),
        agreements[0]["id"],
    ]
    assert [node["id"] for node in api.ask(NODES, ids=asked[::-1])["nodes"]] == asked[::-1]


NODES = "query Nodes($ids: [ID!]!) { nodes(ids: $ids) { id } }"


def ids_of(connection: dict[str, Any]) -> list[str]:
    return [edge["node"]["id"] for edge in connection["edges"]]


def count_of_nodes(api: Api, ids: list[str]) -> int:
    """The statements that show the objects, once the pool is warm."""
    statements: list[Statement] = []
    api.ask(NODES, ids=ids)
    with listening(statements.append):
        api.ask(NODES, ids=ids)
    return len(statements)


def count_of_settlement(api: Api, code: str, parties: int) -> int:
    """The queries that show a settlement for so many parties besides the host."""
    roles = {"host": "HOST"} | {f"side_{number}": f"SIDE-{number}" for number in range(parties)}
    shares = dict.fromkeys(roles, f"1/{len(roles)}")
    rule = clause("tax", ("retained_tax",), [{"shares": shares}])
    api.bring_into_force(terms(code, [rule], roles=roles))
    api.hand_in(code, "2024Q1", [Figure("retained_tax", "100.00", document="票据")])
    api.settle(code, "2024Q1")
    return count_of_queries(api, "settlements", code=code)


class Register:
    """Registers a party from another connection as soon as the operation has looked for it once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_done = False

    def after_the_first_look(self, statement: Statement) -> None:
        if self.is_done or "WHERE party.code" not in statement:
            return
        self.is_done = True
        thread = Thread(target=self._register)
        thread.start()
        thread.join()

    def _register(self) -> None:
        draft = PartyDraft(code="LATE", kind="zone", name_zh="后来者", source="made up")
        roster.register_party(self._database, Act("late"), draft)
