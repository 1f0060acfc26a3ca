"""The application on a database of the test's own, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette

from ledger_graphql import application
from ledger_schema.sessions import Database
from tests.api.journey import Api
from tests.api.signed_in import CHEAP, Accounts, SignedInClient


@pytest.fixture
def app(database_url: str) -> Starlette:
    return application.create(database_url, passwords=CHEAP)


@pytest.fixture
def accounts(database_url: str) -> Iterator[Accounts]:
    """Accounts that may do everything, opened as they are needed."""
    database = Database(database_url)
    yield Accounts(database)
    database.dispose()


@pytest.fixture
def client(app: Starlette, accounts: Accounts) -> Iterator[SignedInClient]:
    with SignedInClient(app, accounts) as client:
        yield client


@pytest.fixture
def api(client: SignedInClient) -> Api:
    return Api(client)
