"""Ready documents need as many statements for much as for little, and late pages touch no more rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from ledger.desk import roster
from ledger_schema.sessions import Database
from tests.api.journey import Api, Figure
from tests.api.signed_in import SignedInClient, signed_in
from tests.api.terms_documents import tax, terms
from tests.listening import listening

SMALL, LARGE = "SMALL", "LARGE"
ROLES = {SMALL: {"origin": "ORIGIN-S", "host": "HOST-S"}, LARGE: {"origin": "ORIGIN-L", "host": "HOST-L"}}
LINES = {SMALL: 1, LARGE: 3}

OF_AGREEMENT: dict[str, dict[str, Any]] = {
    "agreement": {},
    "agreements": {},
    "all_events": {},
    "arrears": {"asOf": "2030-01-01"},
    "balances": {"through": "2024Q1"},
    "calendar": {"quarter": "2024Q2", "today": "2024-08-01"},
    "duties": {"today": "2024-08-01"},
    "events": {},
    "figures": {"quarter": "2024Q1", "from": "2024-01-01T00:00:00Z"},
    "legs": {"asOf": "2030-01-01"},
    "nettings": {},
    "payments": {},
    "preview": {},
    "reconciliation_items": {},
    "reopenings": {},
    "returns": {},
    "search": {},
    "statement": {"quarter": "2024Q1"},
    "template_workbook": {"role": "host", "quarter": "2024Q2"},
    "worklist": {"today": "2024-08-01"},
    "zone_statement": {"quarter": "2024Q1"},
}
"""The documents that read about an agreement or a party, with what else they are asked with."""


@pytest.fixture(scope="module")
def counted(module_database_url: str) -> Iterator[tuple[Api, dict[str, Counter[str]]]]:
    """A ledger with a small and a large agreement, and how many statements each change took for each."""
    with signed_in(module_database_url) as client:
        api = Api(client)
        taken: dict[str, Counter[str]] = defaultdict(Counter)
        for code in (SMALL, LARGE):
            api.bring_into_force(
                terms(code, [tax(number=n + 1) for n in range(LINES[code])], roles=ROLES[code])
            )
        for quarter in ("2024Q1", "2024Q2"):
            for code in (SMALL, LARGE):
                figures = [
                    Figure("retained_tax", "100.01", span=f"2024-{(int(quarter[-1]) - 1) * 3 + month + 1:02}")
                    for month in range(LINES[code])
                ]
                with counting(taken, "hand_in_return", code, quarter):
                    api.hand_in(code, quarter, figures)
                with counting(taken, "settle", code, quarter):
                    api.settle(code, quarter)
        yield api, taken


@contextmanager
def counting(taken: dict[str, Counter[str]], name: str, code: str, quarter: str) -> Iterator[None]:
    statements: list[str] = []
    with listening(statements.append):
        yield
    taken[f"{name} {quarter}"][code] = len(statements)


def variables_of(name: str, code: str, **others: Any) -> dict[str, Any]:
    given = {"code": code, "agreement": code, "party": ROLES[code]["host"], "criteria": {"agreement": code}}
    return {**given, **OF_AGREEMENT[name], **others}


def statements_of(api: Api, name: str, **variables: Any) -> int:
    api.run(name, **variables)
    statements: list[str] = []
    with listening(statements.append):
        api.run(name, **variables)
    return len(statements)


@pytest.mark.parametrize("name", OF_AGREEMENT)
def test_a_document_needs_as_many_statements_for_much_as_for_little(
    counted: tuple[Api, dict[str, Counter[str]]], name: str
) -> None:
    api, _ = counted
    counts = {
        (code, first): statements_of(api, name, **variables_of(name, code, first=first))
        for code in (SMALL, LARGE)
        for first in (1, 20)
    }
    assert len(set(counts.values())) == 1, counts


EVERY_FIELD = """
query EveryField($code: String!, $first: Int!) {
  agreement(code: $code) {
    settlements(first: $first) {
      edges {
        node {
          state awaits bytesToSign signatures { role } causes { titleEn } inputs
          paymentState(asOf: "2030-01-01")
          legs { payer { code } payee { code } amount { text } }
          net { party { code } amount { text } }
          allocations { edges { node { party { code } enterprise { creditCode } amount { text } } } }
          oneClause: allocations(clause: 1, first: 1) { edges { node { party { nameZh } } } }
          entries { edges { node { postings { account { party { code } } amount { text } } } } }
        }
      }
    }
  }
}
"""


def statements_of_every_field(api: Api, code: str, first: int) -> int:
    statements: list[str] = []
    with listening(statements.append):
        answer = api.answer(EVERY_FIELD, code=code, first=first)
    assert len(answer["data"]["agreement"]["settlements"]["edges"]) == first
    return len(statements)


def test_settlements_with_all_that_they_book_need_as_many_statements_for_two_as_for_one(
    counted: tuple[Api, dict[str, Counter[str]]],
) -> None:
    api, _ = counted
    asked = {(code, first) for code in (SMALL, LARGE) for first in (1, 2)}
    assert len({statements_of(api, "settlements", code=code, first=first) for code, first in asked}) == 1
    assert len({statements_of_every_field(api, code, first) for code, first in asked}) == 1


def test_a_change_needs_as_many_statements_for_many_lines_as_for_one(
    counted: tuple[Api, dict[str, Counter[str]]],
) -> None:
    _, taken = counted
    # The first quarter makes its partitions on the way.
    assert {
        name: set(counts.values()) for name, counts in taken.items() if len(set(counts.values())) > 1
    } == {}


# --- pages far from the start -----------------------------------------------------------------------------

Asked = tuple[str, Any]


@contextmanager
def hearing(heard: list[Asked]) -> Iterator[None]:
    """Every statement with its parameters."""

    def before(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        heard.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", before)


def rows_looked_at(database: Database, asked: Asked) -> int:
    """How many rows the statement's scans touch, where the planner may use what indexes there are."""
    statement, parameters = asked
    with database.reading() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        plan = connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
        ).scalar_one()
    return sum(
        round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes_of(plan[0]["Plan"])
        if node["Node Type"].endswith("Scan")
    )


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes_of(inner)


@pytest.mark.parametrize("name", ["zones", "all_events"])
def test_a_page_far_from_the_start_looks_at_as_many_rows_as_the_first(
    client: SignedInClient, database_url: str, name: str
) -> None:
    api, database = Api(client), Database(database_url)
    roster.load_roster(database)
    for number in range(60):
        api.change("register_party", code=f"P-{number}", kind="ZONE", nameZh="测试", source="made up")
    looked_at, after = [], None
    for _ in range(5):
        heard: list[Asked] = []
        with hearing(heard):
            (page,) = api.run(name, first=10, after=after).values()
        table = {"zones": "FROM party", "all_events": "FROM event"}[name]
        (asked,) = [one for one in heard if table in one[0] and "LIMIT" in one[0]]
        looked_at.append(rows_looked_at(database, asked))
        after = page["pageInfo"]["endCursor"]
    database.dispose()
    assert len(set(looked_at)) == 1, looked_at
    assert looked_at[0] <= 3 * 11
