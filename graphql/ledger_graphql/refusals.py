"""How failures reach the client: expected ones as typed results or coded errors, unexpected ones masked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from graphql import GraphQLError
from strawberry.extensions import FieldExtension, SchemaExtension
from strawberry.types.union import StrawberryUnion

from ledger.errors import InvariantBroken, LedgerError
from ledger_graphql import authority
from ledger_graphql.context import Info
from ledger_graphql.failures import Failure, extensions_of, failure_from, refused

logger = logging.getLogger("ledger_graphql")


class UnexpectedError(LedgerError):
    """What nobody foresaw. It is logged, and nothing of it is shown."""

    code = "UNEXPECTED_ERROR"
    sentence_en = "Unexpected error; it was logged, nothing of it is shown here."
    sentence_zh = "发生意外错误，已记入日志，此处不显示详情。"


class RequestUnreadable(LedgerError):
    """The request itself can't be run: syntax, unknown fields, values of another form, limits."""

    code = "REQUEST_UNREADABLE"
    sentence_en = "{detail}"
    sentence_zh = "请求本身有误（语法、字段、取值或限额），未执行：{detail}"


class FreshSnapshot(FieldExtension):
    """A mutation begins without a snapshot, so that what is read after the act shows the act."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        info.context.refresh()
        return next_(source, info, **kwargs)


class ExpectedFailures(FieldExtension):
    """Turns a ``LedgerError`` into the failure type that the field's result union has for it."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        try:
            return next_(source, info, **kwargs)
        except LedgerError as error:
            _log_contradiction(error)
            return _within_union(failure_from(error), error, info.return_type)


class Authorised(FieldExtension):
    """A mutation is done only if the account has the role for it, for the party whose act it is."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        authority.require(info.context, info.field_name, kwargs["input"])
        info.context.refresh()
        return next_(source, info, **kwargs)


class PresentedErrors(SchemaExtension):
    """Gives expected errors their code and sentences; masks and logs all that aren't the client's doing."""

    def on_operation(self) -> Iterator[None]:
        yield
        result = self.execution_context.result
        errors = getattr(result, "errors", None)
        if result is not None and errors:
            result.errors = [presented(error) for error in errors]


def coded(error: LedgerError, at: GraphQLError | None = None) -> GraphQLError:
    """``error`` as one of GraphQL, where ``at`` is."""
    nodes, path = (at.nodes, at.path) if at else (None, None)
    return GraphQLError(error.message_en, nodes=nodes, path=path, extensions=extensions_of(error))


def is_of_request(error: GraphQLError) -> bool:
    """Whether the request itself is at fault: syntax, validation, limits, values."""
    return error.original_error is None or isinstance(error.original_error, GraphQLError)


def _with_code(error: GraphQLError) -> GraphQLError:
    """A scalar that can't be read says more itself."""
    error.extensions = {**extensions_of(RequestUnreadable(detail=error.message)), **(error.extensions or {})}
    return error


def _log_contradiction(error: LedgerError) -> None:
    """The one failure that a client can do nothing about."""
    if isinstance(error, InvariantBroken):
        logger.error("the ledger contradicts itself", exc_info=error)


def _within_union(failure: Failure, error: LedgerError, union: object) -> Failure:
    members = union.types if isinstance(union, StrawberryUnion) else ()
    return failure if type(failure) in members else refused(error)


def presented(error: GraphQLError) -> GraphQLError:
    """``error`` as the client may see it: coded, or logged and masked."""
    original = error.original_error
    if isinstance(original, LedgerError):
        _log_contradiction(original)
        return coded(original, error)
    if is_of_request(error):
        return _with_code(error)
    logger.error("unexpected error at %s", error.path, exc_info=original)
    return coded(UnexpectedError(), error)
