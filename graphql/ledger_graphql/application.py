"""The ASGI application: GraphQL, downloads, two plain pages and a sign of life."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial

from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from ledger.desk.accounts import Passwords
from ledger.desk.log import LogFiles, Sequencer
from ledger_graphql import (
    ask_page,
    bundle_downloads,
    document_files,
    export_files,
    files,
    log_downloads,
    pairing_downloads,
    return_files,
)
from ledger_graphql.body_limit import BodyLimit
from ledger_graphql.context import Desk
from ledger_graphql.endpoint import GraphQLEndpoint
from ledger_graphql.http import LOOPBACK_HOSTS, SameHostOnly
from ledger_graphql.http_failures import GRAPHQL_PATH, MaskedErrors, not_routed
from ledger_graphql.landing import PAGE
from ledger_graphql.open_id import OpenId
from ledger_graphql.rates import RateLimit, buckets_of
from ledger_graphql.security_headers import SecurityHeaders
from ledger_graphql.settings import ServiceSettings
from ledger_graphql.sign_in import SignIn, SignInRequired
from ledger_graphql.sign_in_page import SignInPages
from ledger_schema.sessions import POOL_SIZE, Database

OPERATIONS_AT_ONCE = POOL_SIZE
"""An operation holds at most one connection to read and one to write; the pool overflows to twice this."""

SIGN_INS_AT_ONCE = 2
"""Checking a password takes a tenth of a second and 64 MiB: strangers can't take them from those at work."""


def create(
    database_url: str,
    *,
    hosts: Collection[str] = LOOPBACK_HOSTS,
    log_files: LogFiles | None = None,
    settings: ServiceSettings | None = None,
    passwords: Passwords | None = None,
    open_id: OpenId | None = None,
) -> Starlette:
    """The application on the database at ``database_url``; it answers only to the names in ``hosts``.

    ``passwords`` says what checking one costs; with ``open_id`` that provider's accounts sign in too. With
    ``log_files`` it also sequences and signs the log, every second while it runs.
    """
    database = Database(database_url)
    desk = partial(Desk, database, log_files=log_files)
    sign_in = SignIn(database, passwords or Passwords(), open_id)
    sequencer = Sequencer(database, log_files) if log_files else None
    limiter = CapacityLimiter(OPERATIONS_AT_ONCE)
    settings = settings or ServiceSettings()
    buckets = buckets_of(settings)
    graphql = GraphQLEndpoint(desk, limiter, settings, buckets)

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
            *SignInPages(sign_in, CapacityLimiter(SIGN_INS_AT_ONCE)).routes(),
            Route("/", _landing),
            *([Route("/ask", _ask)] if settings.ask_page else []),
            Route("/health", partial(_health, database, sequencer, limiter)),
            Mount(
                "/files",
                routes=[
                    *files.routes(desk, limiter),
                    *bundle_downloads.routes(desk, limiter),
                    *document_files.routes(desk, limiter),
                    *pairing_downloads.routes(desk, limiter),
                    *export_files.routes(desk, limiter),
                    *return_files.routes(desk, limiter),
                ],
            ),
            Mount("/log", routes=log_downloads.routes(desk, limiter)),
            Route(GRAPHQL_PATH, graphql.answer, methods=["GET", "POST"]),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(MaskedErrors),
            Middleware(SameHostOnly, hosts=hosts),
            Middleware(BodyLimit, settings=settings),
            Middleware(SignInRequired, sign_in=sign_in, limiter=limiter),
            Middleware(RateLimit, buckets=buckets),
        ],
        exception_handlers={HTTPException: not_routed},
        lifespan=lifespan,
    )


async def _landing(_: Request) -> Response:
    return HTMLResponse(PAGE)


async def _ask(_: Request) -> Response:
    return HTMLResponse(ask_page.page(), headers={"Content-Security-Policy": ask_page.policy()})


async def _health(
    database: Database, sequencer: Sequencer | None, limiter: CapacityLimiter, _: Request
) -> Response:
    """200 when the database answers, else 503; and whether the log is being signed, or why it isn't."""
    log = {} if sequencer is None else {"log": sequencer.failure or "ok"}
    if await to_thread.run_sync(partial(_answers, database), limiter=limiter):
        return JSONResponse({"status": "ok", **log})
    return JSONResponse({"status": "database unreachable", **log}, status_code=503)


def _answers(database: Database) -> bool:
    try:
        with database.reading() as connection:
            connection.exec_driver_sql("SELECT 1")
    except SQLAlchemyError:
        return False
    return True
