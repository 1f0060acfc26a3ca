"""A return's file as the body of a request."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from httpx2 import Response

from tests.api.journey import Api
from tests.api.terms_documents import tax, terms

CONTENT = "统一社会信用代码,指标,所属期,金额\n,retained_tax,2024Q1,5.00\n合计,retained_tax,,5.00\n".encode()
GIVEN = {"agreement": "A", "role": "host", "quarter": "2024Q1", "fileName": "host.csv", "idempotencyKey": "k"}


@pytest.fixture
def in_force(api: Api) -> Api:
    api.bring_into_force(terms("A", [tax()]))
    return api


def post(api: Api, content: bytes = CONTENT, content_type: str = "text/csv", **changes: Any) -> Response:
    given = {name: value for name, value in {**GIVEN, **changes}.items() if value is not None}
    return api.client.post(
        "/files/returns", params=given, content=content, headers={"content-type": content_type}
    )


def test_a_file_is_taken_as_the_mutation_takes_it(in_force: Api) -> None:
    taken = post(in_force)
    assert taken.status_code == 201
    found = in_force.ask(
        "query F($id: ID!) { node(id: $id) { ... on Filing {"
        "role quarter fileName totals { amount { text } } } } }",
        id=taken.json()["id"],
    )["node"]
    assert found == {
        "role": "host",
        "quarter": "2024Q1",
        "fileName": "host.csv",
        "totals": [{"amount": {"text": "5.00"}}],
    }
    assert taken.json()["contentHash"] == hashlib.sha256(CONTENT).hexdigest()


def test_the_same_file_again_is_a_replay_whatever_the_key(in_force: Api) -> None:
    first = post(in_force).json()
    for key in ("k", "another"):
        again = post(in_force, idempotencyKey=key)
        assert again.status_code == 200
        assert again.json() == {**first, "replayed": True}


def test_the_key_of_another_request_is_refused(in_force: Api) -> None:
    post(in_force)
    refused = post(in_force, fileName="other.csv")
    assert (refused.status_code, refused.json()["code"]) == (400, "IDEMPOTENCY_KEY_REUSED")


def test_a_workbook_is_taken_too(in_force: Api) -> None:
    asked = {name: GIVEN[name] for name in ("agreement", "role", "quarter")}
    template = in_force.client.get("/files/template", params=asked)
    kind = template.headers["content-type"]
    refused = post(in_force, template.content, kind, fileName="empty.xlsx")
    assert refused.status_code == 400
    assert refused.json()["code"] == "RETURN_REFUSED"


def test_every_fault_of_a_file_is_told_with_its_place_and_nothing_is_kept(in_force: Api) -> None:
    wrong = CONTENT.replace(b"5.00", b"five")
    refused = post(in_force, wrong)
    assert refused.status_code == 400
    told = refused.json()
    assert (told["code"], told["faultCount"]) == ("RETURN_REFUSED", len(told["faults"]))
    assert "D2" in {fault["place"] for fault in told["faults"]}
    assert post(in_force).status_code == 201


@pytest.mark.parametrize("name", ["agreement", "role", "quarter", "fileName", "idempotencyKey"])
def test_a_parameter_that_is_missing_is_named(in_force: Api, name: str) -> None:
    changes: dict[str, Any] = {name: None}
    refused = post(in_force, **changes)
    assert refused.status_code == 400
    assert name in refused.json()["messageEn"]


def test_an_agreement_that_is_not_there_is_not_found(in_force: Api) -> None:
    assert post(in_force, agreement="NONE").status_code == 404


def test_a_nonce_that_is_none_is_refused(in_force: Api) -> None:
    assert post(in_force, nonce="xyz").json()["code"] == "PARAMETER_UNUSABLE"
    assert post(in_force, nonce="00").json()["code"] == "REQUEST_REFUSED"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_body_that_a_foreign_page_could_send_is_refused(in_force: Api, content_type: str) -> None:
    refused = post(in_force, content_type=content_type)
    assert (refused.status_code, refused.json()["code"]) == (415, "CONTENT_TYPE_UNSUPPORTED")


def test_a_file_that_is_larger_than_the_readers_take_is_refused(in_force: Api) -> None:
    refused = post(in_force, CONTENT + b"\n" * 32 * 1024**2)
    assert refused.json()["faults"][0]["code"] == "FILE_TOO_LARGE"
