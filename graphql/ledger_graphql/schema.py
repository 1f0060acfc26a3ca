"""The schema: queries, mutations, scalars and limits together.

``python -m ledger_graphql.schema`` prints the contract.
"""

from __future__ import annotations

import sys

import strawberry
from graphql import GraphQLError
from strawberry.extensions import (
    MaxAliasesLimiter,
    MaxTokensLimiter,
    ParserCache,
    QueryDepthLimiter,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from ledger_graphql.failures import Failure
from ledger_graphql.mutations import Mutation
from ledger_graphql.queries import Query
from ledger_graphql.refusals import PresentedErrors
from ledger_graphql.scalars import SCALARS

DEPTH_MAX = 16
ALIASES_MAX = 30
TOKENS_MAX = 4_000
CACHED_DOCUMENTS = 256


class LedgerSchema(strawberry.Schema):
    """The schema; ``PresentedErrors`` logs what went wrong, so that a request's own faults fill no log."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: see the class."""


# Extensions are given as factories: an instance would be shared by the threads that run operations.
SCHEMA = LedgerSchema(
    query=Query,
    mutation=Mutation,
    types=Failure.__subclasses__(),
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[
        PresentedErrors,
        lambda: MaxTokensLimiter(max_token_count=TOKENS_MAX),
        lambda: QueryDepthLimiter(max_depth=DEPTH_MAX),
        lambda: MaxAliasesLimiter(max_alias_count=ALIASES_MAX),
        lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
        lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
    ],
)


def printed() -> str:
    """The contract in the schema definition language, as ``graphql/schema.graphql`` holds it."""
    return SCHEMA.as_str() + "\n"


if __name__ == "__main__":
    sys.stdout.write(printed())
