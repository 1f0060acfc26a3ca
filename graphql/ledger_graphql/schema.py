"""The schema: queries, mutations and scalars together.

``python -m ledger_graphql.schema`` prints the contract.
"""

from __future__ import annotations

import sys

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from ledger_graphql.duties import DUTY_TYPES
from ledger_graphql.failures import Failure
from ledger_graphql.limits import CACHED_DOCUMENTS
from ledger_graphql.mutations import Mutation
from ledger_graphql.queries import Query
from ledger_graphql.refusals import PresentedErrors
from ledger_graphql.scalars import SCALARS


class LedgerSchema(strawberry.Schema):
    """The schema; ``PresentedErrors`` logs what went wrong, so that a request's own faults fill no log."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing: see the class."""

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return self._schema


# Extensions are given as factories: an instance would be shared by the threads that run operations.
SCHEMA = LedgerSchema(
    query=Query,
    mutation=Mutation,
    types=[*Failure.__subclasses__(), *DUTY_TYPES],
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[
        PresentedErrors,
        lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
        lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
    ],
)


def printed() -> str:
    """The contract in the schema definition language, as ``graphql/schema.graphql`` holds it."""
    return SCHEMA.as_str() + "\n"


if __name__ == "__main__":
    sys.stdout.write(printed())
