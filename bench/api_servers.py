"""The two servers that `bench/api.py` compares: the ledger's, and a bare schema over the same tables."""

from __future__ import annotations

import os

import strawberry
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from ledger_graphql import application
from ledger_graphql.connections import cursor_of, text_key
from ledger_graphql.settings import ServiceSettings

WITHOUT_RATE = ServiceSettings(rate_cost_per_second=10**12, rate_cost_burst=10**12)

PAGE = text("""
SELECT party_id, code, name_zh, name_en, level FROM party JOIN zone USING (party_id)
WHERE code > :after ORDER BY code LIMIT :limit
""")
DIVISIONS = text("""
SELECT party_id, division_code, division_zh, level FROM zone_division
WHERE party_id = ANY(:ids) AND ends IS NULL ORDER BY division_code, level DESC
""")


@strawberry.type
class Division:
    code: str
    name_zh: str
    level: str


@strawberry.type
class Zone:
    level: str
    divisions: list[Division]


@strawberry.type
class Party:
    code: str
    name_zh: str
    name_en: str | None
    zone: Zone | None


@strawberry.type
class Edge:
    cursor: str
    node: Party


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Zones:
    edges: list[Edge]
    page_info: PageInfo


def ledger() -> Starlette:
    return application.create(os.environ["BENCH_DATABASE_URL"], settings=WITHOUT_RATE)


def bare() -> Starlette:
    engine = create_engine(os.environ["BENCH_DATABASE_URL"])

    def zones(first: int, after: str | None = None) -> Zones:
        with engine.connect() as connection:
            rows = connection.execute(PAGE, {"after": text_key(after) or "", "limit": first + 1}).all()
            page = rows[:first]
            found = connection.execute(DIVISIONS, {"ids": [row.party_id for row in page]}).all()
        divisions: dict[int, list[Division]] = {row.party_id: [] for row in page}
        for row in found:
            divisions[row.party_id].append(
                Division(code=row.division_code, name_zh=row.division_zh, level=row.level)
            )
        edges = [
            Edge(
                cursor=cursor_of((row.code,)),
                node=Party(
                    code=row.code,
                    name_zh=row.name_zh,
                    name_en=row.name_en,
                    zone=Zone(level=row.level, divisions=divisions[row.party_id]),
                ),
            )
            for row in page
        ]
        end = edges[-1].cursor if edges else None
        return Zones(edges=edges, page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=end))

    query = type("Query", (), {"zones": strawberry.field(resolver=zones)})
    schema = strawberry.Schema(
        strawberry.type(query),
        extensions=[lambda: ParserCache(maxsize=128), lambda: ValidationCache(maxsize=128)],
    )
    return Starlette(routes=[Route("/graphql", GraphQL[object, None](schema))])
