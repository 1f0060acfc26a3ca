"""Decorators that make a method a field of its type. Strawberry's own tell the type checker nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import strawberry

from ledger_graphql.refusals import Authorised, ExpectedFailures, FreshSnapshot
from ledger_schema import deadlines

INPUT = strawberry.argument(description="What is to be done, and the client's key.")
REPLAYED = "True when the key had been used for this very request before; then nothing was done now."

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def timely(resolver: Resolver) -> Resolver:
    """``resolver``, which doesn't begin after the operation's time."""

    @wraps(resolver)
    def resolve(*arguments: Any, **named: Any) -> Any:
        deadlines.refuse_late()
        return resolver(*arguments, **named)

    return cast("Resolver", resolve)


def resolved(description: str) -> Callable[[Resolver], Resolver]:
    """A field whose value the method gives."""

    def decorate(resolver: Resolver) -> Resolver:
        return cast("Resolver", strawberry.field(timely(resolver), description=description))

    return decorate


def typed(description: str) -> Callable[[Resolver], Resolver]:
    """A field with a result union; a ``LedgerError`` that the method raises becomes a member of it."""

    def decorate(resolver: Resolver) -> Resolver:
        made = strawberry.field(timely(resolver), description=description, extensions=[ExpectedFailures()])
        return cast("Resolver", made)

    return decorate


def mutation(description: str) -> Callable[[Resolver], Resolver]:
    """A change, done if ``authority`` lets the account; a ``LedgerError`` becomes a member of its union."""

    def decorate(resolver: Resolver) -> Resolver:
        made = strawberry.mutation(
            timely(resolver),
            description=description,
            extensions=[Authorised(), FreshSnapshot(), ExpectedFailures()],
        )
        return cast("Resolver", made)

    return decorate
