"""The application on a database of the test's own, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ledger_graphql import application
from tests.api.journey import BASE_URL, Api


@pytest.fixture
def app(database_url: str) -> Starlette:
    return application.create(database_url)


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, base_url=BASE_URL) as client:
        yield client


@pytest.fixture
def api(client: TestClient) -> Api:
    return Api(client)
