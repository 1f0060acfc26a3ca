"""The ASGI application: GraphQL, downloads, two plain pages and a sign of life."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial

from anyio import CapacityLimiter, to_thread
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import MissingQueryError
from strawberry.http import GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from ledger.desk.log import LogFiles, Sequencer
from ledger_graphql import (
    ask_page,
    bundle_downloads,
    document_files,
    export_files,
    files,
    log_downloads,
    pairing_downloads,
)
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.http import LOOPBACK_HOSTS, BodyLimit, SameHostOnly
from ledger_graphql.landing import PAGE
from ledger_graphql.schema import SCHEMA
from ledger_schema.sessions import POOL_SIZE, Database

_NUL = re.compile(r"\\u(?:0000|\{0+\})")

OPERATIONS_AT_ONCE = POOL_SIZE
"""An operation holds at most one connection to read and one to write; the pool overflows to twice this."""


class LedgerGraphQL(GraphQL[Desk, None]):
    """GraphQL over HTTP, one worker thread an operation: resolvers are plain functions that may wait."""

    def __init__(self, desk: OpenDesk, limiter: CapacityLimiter) -> None:
        super().__init__(SCHEMA, subscription_protocols=())
        self._desk = desk
        self._limiter = limiter

    async def get_context(
        self,
        request: Request | WebSocket,  # noqa: ARG002
        response: Response | WebSocket,  # noqa: ARG002
    ) -> Desk:
        return self._desk()

    async def execute_single(
        self,
        request: Request,  # noqa: ARG002
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,  # noqa: ARG002
        context: Desk,
        root_value: None,  # noqa: ARG002
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        if _holds_nul(request_data):
            raise HTTPException(400, "Text may not hold the character U+0000. 文本不得包含字符 U+0000。")
        allowed = OperationType.from_http(request_adapter.method)
        try:
            return await to_thread.run_sync(
                partial(_execute, context, request_data, allowed), limiter=self._limiter
            )
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            raise HTTPException(405, error.as_http_error_reason(request_adapter.method)) from error
        except MissingQueryError as error:
            raise HTTPException(400, "No GraphQL query found in the request") from error


def _holds_nul(request: GraphQLRequestData) -> bool:
    """PostgreSQL keeps no such character; ``json.dumps`` writes it as GraphQL documents do."""
    return any(_NUL.search(text) for text in (request.query or "", json.dumps(request.variables)))


def _execute(desk: Desk, request: GraphQLRequestData, allowed: set[OperationType]) -> ExecutionResult:
    """Runs one operation to its end in this thread and lets its snapshot go."""
    with desk:
        return SCHEMA.execute_sync(
            request.query,
            variable_values=request.variables,
            context_value=desk,
            operation_name=request.operation_name,
            allowed_operation_types=allowed,
            operation_extensions=request.extensions,
        )


def create(
    database_url: str, *, hosts: Collection[str] = LOOPBACK_HOSTS, log_files: LogFiles | None = None
) -> Starlette:
    """The application on the database at ``database_url``; it answers only to the names in ``hosts``.

    With ``log_files`` it also sequences and signs the log, every second while it runs.
    """
    database = Database(database_url)
    desk = partial(Desk, database, log_files)
    sequencer = Sequencer(database, log_files) if log_files else None
    limiter = CapacityLimiter(OPERATIONS_AT_ONCE)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if sequencer:
            sequencer.start()
        try:
            yield
        finally:
            # A signal can cancel this task, which then may not wait for anything that is itself cancelled.
            if sequencer:
                sequencer.stop()
            database.dispose()

    return Starlette(
        routes=[
            Route("/", _landing),
            Route("/ask", _ask),
            Route("/health", partial(_health, database, limiter)),
            Mount(
                "/files",
                routes=[
                    *files.routes(desk, limiter),
                    *bundle_downloads.routes(desk, limiter),
                    *pairing_downloads.routes(desk, limiter),
                    *document_files.routes(database, limiter),
                    *export_files.routes(desk, limiter),
                ],
            ),
            Mount("/log", routes=log_downloads.routes(desk, limiter)),
            Route("/graphql", LedgerGraphQL(desk, limiter), methods=["GET", "POST"]),
        ],
        middleware=[Middleware(SameHostOnly, hosts=hosts), Middleware(BodyLimit)],
        lifespan=lifespan,
    )


async def _landing(_: Request) -> Response:
    return HTMLResponse(PAGE)


async def _ask(_: Request) -> Response:
    return HTMLResponse(ask_page.page())


async def _health(database: Database, limiter: CapacityLimiter, _: Request) -> Response:
    """200 when the database answers, else 503."""
    if await to_thread.run_sync(partial(_answers, database), limiter=limiter):
        return JSONResponse({"status": "ok"})
    return JSONResponse({"status": "database unreachable"}, status_code=503)


def _answers(database: Database) -> bool:
    try:
        with database.reading() as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError:
        return False
    return True
