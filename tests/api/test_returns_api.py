"""Certified and sealed returns, their evidence and the worklist, over HTTP."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from ledger.desk.documents import DOCUMENT_BYTES_MAX
from ledger.evidence.commitments import commitment_of
from ledger.periods import Quarter, day_of
from tests.api.journey import Api, Figure, return_of
from tests.api.terms_documents import tax, terms

CODE = "A-1"
CALENDAR = {"submit_days": 15, "certify_days": 20, "sign_days": 40, "fund_days": 60}
PDF = b"%PDF-1.7 made up"
HASH = hashlib.sha256(PDF).hexdigest()
NOW = Quarter.of(day_of(datetime.now(UTC)))


def in_force(api: Api, code: str = CODE, *, since: str = "2024Q1", **procedure: Any) -> str:
    document = terms(code, [tax()], since=since) | {"procedure": {"calendar": CALENDAR, **procedure}}
    return api.bring_into_force(document)


def hand_in(api: Api, amount: str, **more: Any) -> Any:
    figure = Figure("retained_tax", amount, document="凭证-1")
    given = return_of(CODE, "2024Q1", [figure]) | {"person": "张三"} | more
    return api.change("hand_in_return", **given)["filing"]


def certify(api: Api, filing: Any, person: str = "李四") -> Any:
    return api.attempt("certify_return", agreement=CODE, filing=filing["id"], role="host", person=person)


def upload(client: TestClient, content: bytes = PDF, name: str = "合同.pdf") -> Any:
    return client.post("/files/documents", files={"file": (name, content, "application/pdf")})


# --- maker and checker ------------------------------------------------------------------------------------


def test_a_return_is_certified_and_its_history_is_readable(api: Api) -> None:
    in_force(api, certified=["host"])
    first = hand_in(api, "100.00")
    assert certify(api, first, "张三")["code"] == "MAKER_CERTIFIES"
    certified = certify(api, first)["filing"]
    assert (certified["person"], certified["certifiedBy"], certified["isCurrent"]) == ("张三", "李四", True)
    second = hand_in(api, "120.00")
    assert certify(api, first)["__typename"] == "WrongState"
    certify(api, second)
    page = api.run("returns", code=CODE, quarter="2024Q1", role="host")["agreement"]["filings"]
    assert [
        (node["sequence"], node["supersededBy"], node["isCurrent"], node["awaitsCertification"])
        for node in (edge["node"] for edge in page["edges"])
    ] == [(1, 2, False, False), (2, None, True, False)]
    assert all(edge["node"]["lateDays"] > 0 for edge in page["edges"])
    assert api.settle(CODE, "2024Q1")["isClosed"]


# --- sealed -----------------------------------------------------------------------------------------------


def test_sealed_figures_are_committed_to_and_then_opened(api: Api) -> None:
    in_force(api, since=str(NOW), sealed=True)
    nonce = bytes(range(32))
    content = (
        f"统一社会信用代码,指标,所属期,金额\n,retained_tax,{NOW},5.00\n合计,retained_tax,,5.00\n".encode()
    )
    given = {
        "agreement": CODE,
        "role": "host",
        "quarter": str(NOW),
        "fileName": "host.csv",
        "content": base64.b64encode(content).decode(),
        "nonce": nonce.hex(),
    }
    assert api.attempt("hand_in_return_file", **given)["code"] == "FIGURES_SEALED"
    commitment = commitment_of(hashlib.sha256(content).digest(), nonce).hex()
    made = api.change("commit_return", agreement=CODE, role="host", quarter=str(NOW), commitment=commitment)
    assert (made["seal"]["isOpen"], made["seal"]["waiting"]) == (True, [])
    api.change("hand_in_return_file", **given)
    found = api.run("calendar", code=CODE, quarter=str(NOW))["agreement"]
    assert [one["commitment"] for one in found["seal"]["commitments"]] == [commitment]
    assert found["calendar"][0]["state"] == "DONE"
    (edge,) = api.run("returns", code=CODE)["agreement"]["filings"]["edges"]
    assert (edge["node"]["commitment"], edge["node"]["lateDays"]) == (commitment, 0)


def test_a_commitment_where_nothing_is_sealed_is_refused(api: Api) -> None:
    in_force(api)
    result = api.attempt("commit_return", agreement=CODE, role="host", quarter="2024Q1", commitment=HASH)
    assert result["code"] == "NOT_SEALED"
    assert api.run("calendar", code=CODE, quarter="2024Q1")["agreement"]["seal"] is None


# --- calendar and worklist --------------------------------------------------------------------------------


def test_the_calendar_says_what_is_due_and_who_holds_it_up(api: Api) -> None:
    in_force(api, certified=["host"])
    steps = api.run("calendar", code=CODE, quarter="2024Q1", today="2024-04-18")["agreement"]["calendar"]
    submit, certification, *signing, fund = steps
    assert (submit["dueDay"], submit["state"], submit["lateDays"]) == ("2024-04-15", "TO_DO", 3)
    assert certification["heldUpBy"][0]["party"]["code"] == "HOST"
    assert [(one["step"], one["role"], one["state"]) for one in signing] == [
        ("SIGN", "host", "WAITING"),
        ("SIGN", "origin", "WAITING"),
    ]
    assert (fund["state"], fund["lateDays"]) == ("WAITING", 0)


def test_a_partys_worklist_covers_all_of_its_agreements_page_by_page(api: Api) -> None:
    for code in ("A-1", "B-1"):
        in_force(api, code)
    asked = {"party": "ORIGIN", "today": "2024-04-18", "first": 3}
    page = api.run("worklist", **asked)["worklist"]
    rest = api.run("worklist", **asked, after=page["pageInfo"]["endCursor"])["worklist"]
    found = [edge["node"] for edge in (*page["edges"], *rest["edges"])]
    assert not rest["pageInfo"]["hasNextPage"]
    assert [(one["task"], one["agreement"]["code"], one["step"]["step"]) for one in found] == [
        ("AWAITED", "A-1", "SUBMIT"),
        ("AWAITED", "B-1", "SUBMIT"),
        ("WAITING", "A-1", "SIGN"),
        ("WAITING", "B-1", "SIGN"),
    ]
    assert found[2]["step"]["heldUpBy"][0]["role"] == "host"


@pytest.mark.parametrize(
    "key", ['["x"]', '["2024-99-01", "A", "2024Q1", 0, "host"]', '["2024-04-15", "A", "Q", 0, "host"]']
)
def test_a_cursor_of_another_list_is_refused(api: Api, key: str) -> None:
    in_force(api)
    cursor = base64.urlsafe_b64encode(key.encode()).decode()
    document = 'query W($after: String) { worklist(party: "HOST", after: $after) { edges { cursor } } }'
    (error,) = api.answer(document, after=cursor)["errors"]
    assert error["extensions"]["code"] == "CURSOR_UNREADABLE"


# --- evidence ---------------------------------------------------------------------------------------------


def test_an_uploaded_document_comes_back_as_it_was(api: Api, client: TestClient) -> None:
    api.register("HOST")
    first, again = upload(client), upload(client, name="copy.pdf")
    described = {"hash": HASH, "name": "合同.pdf", "mediaType": "application/pdf", "sizeBytes": len(PDF)}
    assert (first.status_code, first.json()) == (201, {**described, "replayed": False})
    assert (again.status_code, again.json()) == (200, {**described, "replayed": True})
    got = client.get(f"/files/documents/{HASH}")
    assert (got.content, got.headers["content-type"]) == (PDF, "application/pdf")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("attachment")


def test_an_upload_that_cannot_be_kept_is_refused_with_its_reason(api: Api, client: TestClient) -> None:
    api.register("HOST")
    too_large = upload(client, bytes(DOCUMENT_BYTES_MAX + 1))
    assert (too_large.status_code, too_large.json()["code"]) == (413, "DOCUMENT_TOO_LARGE")
    assert upload(client, b"").json()["code"] == "DOCUMENT_EMPTY"
    for sent in ({"data": {"file": "text"}}, {"files": {"other": ("a.pdf", PDF)}}, {"content": b"x"}):
        answer = client.post("/files/documents", **sent)
        assert (answer.status_code, answer.json()["code"]) == (400, "FILE_MISSING")
    two = client.post("/files/documents", files=[("file", ("a", b"a")), ("file", ("b", b"b"))])
    assert two.status_code == 400


@pytest.mark.parametrize("name", [HASH, "0" * 63, HASH.upper(), "..%2Fx"])
def test_a_document_that_is_not_kept_is_not_found(client: TestClient, name: str) -> None:
    assert client.get(f"/files/documents/{name}").status_code == 404


def test_the_reference_of_a_line_leads_to_the_attached_document(api: Api, client: TestClient) -> None:
    in_force(api)
    filing = hand_in(api, "100.00")
    upload(client)
    given = {"agreement": CODE, "role": "host", "reference": "凭证-1", "document": HASH}
    for _ in range(2):
        attached = api.change("attach_document", **given, subject=filing["id"])
        assert [one["hash"] for one in attached["documents"]] == [HASH]
    asked = """query Lines($code: String!) { agreement(code: $code) { filings { edges { node {
        documents { name } lines { edges { node { document documents { hash name role } } } } } } } } }"""
    (edge,) = api.ask(asked, code=CODE)["agreement"]["filings"]["edges"]
    assert edge["node"]["documents"] == [{"name": "合同.pdf"}]
    (line,) = edge["node"]["lines"]["edges"]
    assert line["node"] == {
        "document": "凭证-1",
        "documents": [{"hash": HASH, "name": "合同.pdf", "role": "host"}],
    }
    wrong = base64.urlsafe_b64encode(b"Party:1").decode()
    assert api.attempt("attach_document", **given, subject=wrong)["__typename"] == "InvalidInput"
