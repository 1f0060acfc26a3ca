"""GraphQL over HTTP at one address: a request is read, admitted, run in a worker thread, and answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from graphql import GraphQLError, OperationDefinitionNode, OperationType
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from strawberry.types import ExecutionResult

from ledger.errors import LedgerError
from ledger_graphql.asked import Asked, asked_by
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.costs import cost_of
from ledger_graphql.documents_known import KnownDocuments
from ledger_graphql.http_failures import MethodNotAllowed, headers_of, refusal_to, status_of
from ledger_graphql.limits import operations_of, read_within
from ledger_graphql.media_types import GRAPHQL_JSON, answer_type
from ledger_graphql.rates import Buckets, caller_of
from ledger_graphql.refusals import coded, presented
from ledger_graphql.schema import SCHEMA
from ledger_graphql.settings import ServiceSettings
from ledger_graphql.sign_in import account_in
from ledger_schema import deadlines

SUGGESTION = re.compile(r"\sDid you mean [^?]*\?")


class TooCostly(LedgerError):
    """The operation could ask for more than one may."""

    code = "TOO_COSTLY"
    sentence_en = (
        "Expected a cost of at most {most:,}, but got {got:,}. Ask for shorter pages or fewer fields."
    )
    sentence_zh = "查询成本至多 {most:,}，实际为 {got:,}。请缩短分页或减少字段。"


class OperationUnclear(LedgerError):
    """The document has no operation of that name, or several and none is named."""

    code = "OPERATION_UNCLEAR"
    sentence_en = "Expected operationName to name one of the document's operations: {names}."
    sentence_zh = "operationName 应为文档中的一个操作：{names}。"


@dataclass(frozen=True, slots=True)
class Admitted:
    """An operation that may run, and what it costs."""

    text: str
    operation: OperationDefinitionNode
    cost: int


class GraphQLEndpoint:
    """Resolvers are plain functions that may wait, so that each operation has a worker thread of its own."""

    def __init__(
        self, desk: OpenDesk, limiter: CapacityLimiter, settings: ServiceSettings, buckets: Buckets
    ) -> None:
        self._desk = desk
        self._limiter = limiter
        self._settings = settings
        self._buckets = buckets
        self._known = KnownDocuments(settings)

    async def answer(self, request: Request) -> Response:
        """The answer to ``request``; what can't be run is refused with 4xx before anything is done."""
        if self._is_of_a_browser(request):
            return RedirectResponse("/ask", status_code=303)
        try:
            media_type = answer_type(request.headers.get("accept"))
            asked = await asked_by(request, self._settings)
        except LedgerError as error:
            return refusal_to(request.scope, error)
        try:
            admitted = self._admitted(asked, request)
        except (LedgerError, GraphQLError) as error:
            return self._refused(error, media_type)
        work = partial(self._run, self._desk(account_in(request)), admitted, asked)
        result = await to_thread.run_sync(work, limiter=self._limiter)
        return self._answered(result, admitted.cost, media_type)

    def _is_of_a_browser(self, request: Request) -> bool:
        """Whether somebody opens the address as a page, and there is one to show."""
        is_question = "query" in request.query_params or "documentId" in request.query_params
        wants_page = "text/html" in request.headers.get("accept", "")
        return self._settings.ask_page and request.method == "GET" and wants_page and not is_question

    def _admitted(self, asked: Asked, request: Request) -> Admitted:
        """The operation, if it is known, within the limits, and not one too many.

        Raises ``LedgerError`` and ``GraphQLSyntaxError``.
        """
        text = self._known.text(asked.document_id) if asked.document_id else asked.query or ""
        self._known.refuse_untrusted(text)
        read = read_within(text, self._settings)
        operation = _operation(operations_of(read.document), asked.operation_name)
        if request.method != "POST" and operation.operation is not OperationType.QUERY:
            raise MethodNotAllowed(expected="POST", method=request.method)
        cost = cost_of(SCHEMA.core, read.document, operation, asked.variables) if read.shape else 0
        if cost > self._settings.cost_max:
            raise TooCostly(most=self._settings.cost_max, got=cost)
        self._buckets.take(caller_of(request.scope), cost)
        return Admitted(text, operation, cost)

    def _run(self, desk: Desk, admitted: Admitted, asked: Asked) -> ExecutionResult:
        """Runs one operation to its end in this thread and lets its snapshot go."""
        with deadlines.within(self._settings.operation_seconds), desk:
            return SCHEMA.execute_sync(
                admitted.text,
                variable_values=dict(asked.variables),
                context_value=desk,
                operation_name=asked.operation_name,
            )

    def _refused(self, error: LedgerError | GraphQLError, media_type: str) -> Response:
        """An operation that isn't run. Old clients, who accept plain JSON, expect 200 with the errors."""
        if isinstance(error, GraphQLError):
            told, status, headers = presented(error), 400, {}
        else:
            told, status, headers = coded(error), status_of(error), headers_of(error)
        if status == 400 and media_type != GRAPHQL_JSON:
            status = 200
        return _json({"errors": [self._formatted(told)]}, media_type, status, headers)

    def _answered(self, result: ExecutionResult, cost: int, media_type: str) -> Response:
        extensions = {"cost": {"asked": cost, "most": self._settings.cost_max}}
        if not result.errors:
            return _json({"data": result.data, "extensions": extensions}, media_type, 200)
        errors = [self._formatted(error) for error in result.errors]
        if result.data is None and not any(error.path for error in result.errors):
            # Nothing was run: there is no data, not even null.
            status = 400 if media_type == GRAPHQL_JSON else 200
            return _json({"errors": errors, "extensions": extensions}, media_type, status)
        return _json({"data": result.data, "errors": errors, "extensions": extensions}, media_type, 200)

    def _formatted(self, error: GraphQLError) -> Mapping[str, Any]:
        """``error`` as it is told; a server that doesn't describe its schema doesn't hint at it either."""
        formatted: Mapping[str, Any] = error.formatted
        if self._settings.introspection:
            return formatted
        return {
            **formatted,
            "message": SUGGESTION.sub("", error.message),
            "extensions": {
                name: SUGGESTION.sub("", value) for name, value in (error.extensions or {}).items()
            },
        }


def _operation(operations: list[OperationDefinitionNode], name: str | None) -> OperationDefinitionNode:
    found = [one for one in operations if name is None or (one.name and one.name.value == name)]
    if len(found) != 1:
        names = ", ".join(one.name.value for one in operations if one.name)
        raise OperationUnclear(names=names or "—")
    return found[0]


def _json(body: object, media_type: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(content, status, headers, f"{media_type}; charset=utf-8")
