"""Expected failures come as typed members of the result, change nothing, and come in the documented order."""

from __future__ import annotations

import base64
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from ledger.desk import roster
from ledger.evidence.signatures import new_private_key, public_key_of, sign
from ledger_graphql import application
from tests.api.journey import Api, Document, Figure, operation, return_of
from tests.api.signed_in import BASE_URL
from tests.api.terms_documents import tax, terms

CODE = "REFUSALS"
FIGURES = [Figure("retained_tax", "100.00")]
ZONES = (
    "query Zones($first: Int!, $after: String) { zones(first: $first, after: $after) { edges { cursor } } }"
)


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture
def drafted(api: Api) -> Api:
    api.draft(terms(CODE, [tax()]))
    return api


@pytest.fixture
def in_force(api: Api) -> Api:
    api.bring_into_force(terms(CODE, [tax()]))
    return api


def proposed_bytes(api: Api) -> bytes:
    proposed = api.change("propose_version", agreement=CODE, version=1)
    return base64.b64decode(proposed["version"]["bytesToSign"])


def refused(result: Document, kind: str, code: str) -> None:
    assert (result["__typename"], result["code"]) == (kind, code)
    assert result["messageZh"]
    assert result["messageEn"]


def test_the_same_key_and_input_again_is_a_replay(drafted: Api) -> None:
    given = {"idempotencyKey": "once", "agreement": CODE, "version": 1}
    assert drafted.change("propose_version", **given)["replayed"] is False
    assert drafted.change("propose_version", **given)["replayed"] is True


def test_a_key_that_was_used_for_another_input_is_refused(drafted: Api) -> None:
    drafted.change("propose_version", idempotencyKey="once", agreement=CODE, version=1)
    result = drafted.attempt("propose_version", idempotencyKey="once", agreement=CODE, version=2)
    refused(result, "IdempotencyKeyReused", "IDEMPOTENCY_KEY_REUSED")


def test_one_key_sent_by_many_at_once_is_done_once(api: Api) -> None:
    given = {"code": "P", "kind": "ZONE", "nameZh": "甲", "source": "made up"}
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(api.change, "register_party", idempotencyKey="once", **given) for _ in range(16)]
        results = [each.result() for each in sent]
    assert sorted(result["replayed"] for result in results) == [False, *[True] * 15]
    assert len({result["party"]["id"] for result in results}) == 1


@pytest.mark.parametrize("key", ["", " ", "k" * 201, "line\nbreak"])
def test_an_unusable_key_is_refused(api: Api, key: str) -> None:
    given = {"code": "P", "kind": "ZONE", "nameZh": "甲", "source": "made up"}
    refused(
        api.attempt("register_party", idempotencyKey=key, **given), "InvalidInput", "IDEMPOTENCY_KEY_UNUSABLE"
    )


def test_every_fault_of_an_input_is_listed_with_its_path(api: Api) -> None:
    result = api.attempt("register_party", code="不可", kind="PARK", nameZh="", parentCode="NONE", source="")
    refused(result, "InvalidInput", "REQUEST_REFUSED")
    assert {fault["path"] for fault in result["faults"]} == {"code", "nameZh", "source", "parentCode"}
    assert "parentCode: " in result["messageEn"]


def test_a_fault_of_a_nested_input_has_the_path_that_the_input_has(in_force: Api) -> None:
    entry = {
        "creditCode": "9",
        "nameZh": "甲",
        "referredBy": "nobody",
        "preMoveTax": [{"year": 1, "amount": "-1.00"}],
        "baseYearAmount": "-1.00",
    }
    result = in_force.attempt("submit_enterprise_list", agreement=CODE, role="host", entries=[entry])
    assert {fault["path"] for fault in result["faults"]} == {
        "entries[0].creditCode",
        "entries[0].referredBy",
        "entries[0].preMoveTax",
        "entries[0].preMoveTax.1",
        "entries[0].baseYearAmount",
    }


def test_a_party_that_is_not_registered_is_named_by_the_field_of_the_input(api: Api) -> None:
    api.register("ORIGIN")
    result = api.attempt(
        "draft_agreement",
        code=CODE,
        kind="ENCLAVE",
        titleZh="协议",
        titleEn="Agreement",
        source="made up",
        parties=[{"role": "origin", "party": "ORIGIN"}, {"role": "host", "party": "NOBODY"}],
        terms=terms(CODE, [tax()]),
    )
    paths = {fault["path"] for fault in result["faults"]}
    assert "parties[1].party" in paths
    assert "parties[0].party" not in paths


def test_amounts_of_yuan_with_too_many_places_are_all_named_with_the_places_of_yuan(in_force: Api) -> None:
    entry = {
        "creditCode": "9",
        "nameZh": "甲",
        "preMoveTax": [{"year": 2023, "amount": "1.001"}],
        "baseYearAmount": "1.001",
    }
    result = in_force.attempt("submit_enterprise_list", agreement=CODE, role="host", entries=[entry])
    refused(result, "InvalidInput", "REQUEST_REFUSED")
    assert [fault["path"] for fault in result["faults"]] == [
        "entries[0].preMoveTax[0].amount",
        "entries[0].baseYearAmount",
    ]
    assert all("at most 2 decimal places" in fault["messageEn"] for fault in result["faults"])


def test_an_event_that_is_given_twice_is_refused(in_force: Api) -> None:
    event = {"event": "FIRST_TAX", "day": "2024-01-01"}
    entry = {"creditCode": "9", "nameZh": "甲", "events": [event, event]}
    result = in_force.attempt("submit_enterprise_list", agreement=CODE, role="host", entries=[entry])
    refused(result, "InvalidInput", "REQUEST_REFUSED")
    assert [fault["path"] for fault in result["faults"]] == ["entries[0].events[1]"]


def test_terms_that_contradict_themselves_are_refused_with_paths(api: Api) -> None:
    for code in ("ORIGIN", "HOST"):
        api.register(code)
    faulty = terms(CODE, [tax({"origin": "1/2", "host": "1/3"})])
    sides = [{"role": role, "party": code} for role, code in faulty["roles"].items()]
    given = {
        "kind": "ENCLAVE",
        "titleZh": "协议",
        "titleEn": "Agreement",
        "source": "made up",
        "parties": sides,
    }
    result = api.attempt("draft_agreement", code=CODE, terms=faulty, **given)
    refused(result, "TermsRefused", "TERMS_REFUSED")
    assert all(fault["path"] and fault["messageZh"] for fault in result["faults"])
    refused(api.attempt("draft_agreement", code=CODE, terms=[1], **given), "InvalidInput", "REQUEST_REFUSED")


def test_a_worked_example_that_does_not_come_out_is_found_before_anything_is_recorded(api: Api) -> None:
    wrong = terms(CODE, [tax()])
    wrong["clauses"][0]["examples"][0]["expect"][0]["amount"] = "1.00"
    (fault,) = api.run("check_terms", terms=wrong)["checkTerms"]["faults"]
    assert fault["path"].startswith("$.clauses[0].examples[0]")


def test_an_agreement_whose_worked_example_does_not_come_out_cannot_even_be_drafted(api: Api) -> None:
    for code in ("ORIGIN", "HOST"):
        api.register(code)
    wrong = terms(CODE, [tax()])
    wrong["clauses"][0]["examples"][0]["expect"][0]["amount"] = "1.00"
    result = api.attempt(
        "draft_agreement",
        code=CODE,
        kind="ENCLAVE",
        titleZh="协议",
        titleEn="Agreement",
        source="made up",
        parties=[{"role": role, "party": code} for role, code in wrong["roles"].items()],
        terms=wrong,
    )
    refused(result, "TermsRefused", "TERMS_REFUSED")
    described = api.ask('{ __type(name: "AgreementVersion") { fields { name description } } }')["__type"][
        "fields"
    ]
    (said,) = [field["description"] for field in described if field["name"] == "examples"]
    assert "drafted" in said


def test_an_unknown_agreement_is_not_found(api: Api) -> None:
    document = """
        mutation M($input: VersionInput!) {
          proposeVersion(input: $input) { ... on NotFound { __typename code kind name messageZh messageEn } }
        }
    """
    given = {"idempotencyKey": "k", "agreement": "NONE", "version": 1}
    result = api.ask(document, input=given)["proposeVersion"]
    refused(result, "NotFound", "NOT_FOUND")
    assert (result["kind"], result["name"]) == ("agreement", "NONE")


def test_a_draft_cannot_be_signed(drafted: Api) -> None:
    given = {"role": "host", "publicKey": encoded(b"k" * 32), "signature": encoded(b"s" * 64)}
    refused(
        drafted.attempt("sign_version", agreement=CODE, version=1, **given), "WrongState", "VERSION_STATE"
    )


def test_a_version_can_be_withdrawn_once(drafted: Api) -> None:
    drafted.change("withdraw_version", agreement=CODE, version=1)
    refused(drafted.attempt("withdraw_version", agreement=CODE, version=1), "WrongState", "VERSION_STATE")


def test_a_signature_by_a_foreign_key_is_refused(drafted: Api) -> None:
    content, key = proposed_bytes(drafted), new_private_key()
    given = {
        "role": "host",
        "publicKey": encoded(public_key_of(key)),
        "signature": encoded(sign(key, content)),
    }
    result = drafted.attempt("sign_version", agreement=CODE, version=1, **given)
    refused(result, "SignatureRefused", "KEY_NOT_REGISTERED")


def test_a_signature_of_other_bytes_is_refused(drafted: Api) -> None:
    content, key = proposed_bytes(drafted), drafted.private_keys["HOST"]
    given = {
        "role": "host",
        "publicKey": encoded(public_key_of(key)),
        "signature": encoded(sign(key, content + b" ")),
    }
    result = drafted.attempt("sign_version", agreement=CODE, version=1, **given)
    refused(result, "SignatureRefused", "SIGNATURE_WRONG")


def test_a_version_needs_every_signature(drafted: Api) -> None:
    content = proposed_bytes(drafted)
    drafted.sign(CODE, 1, "host", "HOST", content)
    refused(drafted.attempt("bring_into_force", agreement=CODE, version=1), "NotSigned", "SIGNATURES_MISSING")


def test_a_key_is_registered_once(drafted: Api) -> None:
    public_key = encoded(public_key_of(drafted.private_keys["HOST"]))
    result = drafted.attempt("register_key", party="HOST", publicKey=public_key, label="again")
    refused(result, "WrongState", "KEY_ALREADY_REGISTERED")


def test_a_return_with_faults_is_refused_as_a_whole_and_leaves_no_trace(in_force: Api) -> None:
    faulty = return_of(
        CODE, "2024Q1", [*FIGURES, Figure("no_such_measure", "1.00"), Figure("retained_tax", "1.001")]
    )
    result = in_force.attempt("hand_in_return", **faulty)
    refused(result, "ReturnRefused", "RETURN_REFUSED")
    assert result["faultCount"] == len(result["faults"]) >= 2
    assert [(fault["place"], fault["sheet"], fault["code"]) for fault in result["faults"]] == [
        ("lines[1].measure", None, "MEASURE_UNKNOWN"),
        ("lines[2].amount", None, "AMOUNT_TOO_PRECISE"),
        ("totals[0].amount", None, "AMOUNT_TOO_PRECISE"),
        ("totals[1].measure", None, "MEASURE_UNKNOWN"),
    ]
    assert "The first: lines[1].measure: " in result["messageEn"]
    document = "query F($code: String!) { agreement(code: $code) { filings { edges { node { id } } } } }"
    assert in_force.ask(document, code=CODE)["agreement"]["filings"]["edges"] == []


STRICTLY_REFUSED = [
    "1e3",
    "NaN",
    "Infinity",
    "",
    " ",
    " 1",
    "1 ",
    "1\n",
    "-0",
    "-0.00",
    "+1",
    "01",
    "1.",
    ".5",
]
STRICTLY_REFUSED += ["1,000", "１２", "0x10", "1_000", "9" * 20, "9" * 5000, "#REF!"]


@pytest.mark.parametrize("amount", STRICTLY_REFUSED)
def test_an_amount_in_another_form_is_a_fault_of_its_line_beside_all_others(
    in_force: Api, amount: str
) -> None:
    line = {"measure": "retained_tax", "span": "2024Q1", "amount": amount, "creditCode": "9"}
    result = in_force.attempt(
        "hand_in_return",
        agreement=CODE,
        role="host",
        quarter="2024Q1",
        lines=[line, {**line, "amount": "1.00"}],
        totals=[{"measure": "retained_tax", "amount": amount}],
    )
    refused(result, "ReturnRefused", "RETURN_REFUSED")
    places = [fault["place"] for fault in result["faults"]]
    assert "lines[0].amount" in places
    assert "totals[0].amount" in places
    assert amount == "#REF!" or {"lines[0].creditCode", "lines[1].creditCode"} <= set(places)


@pytest.mark.parametrize(
    "span", ["2024年第一季度", " 2024Q1", "2024-1", "2024q1", "２０２４Q1", "", "2024Q2"]
)
def test_a_period_in_another_form_is_a_fault_of_its_line(in_force: Api, span: str) -> None:
    faulty = return_of(CODE, "2024Q1", FIGURES)
    faulty["lines"][0]["span"] = span
    (fault,) = in_force.attempt("hand_in_return", **faulty)["faults"]
    assert fault["place"] == "lines[0].span"


@pytest.mark.parametrize("amount", [1, 1.5, True, None, ["1"], {}])
def test_an_amount_that_is_not_text_is_an_error_of_the_request_with_a_code(api: Api, amount: Any) -> None:
    faulty = return_of(CODE, "2024Q1", FIGURES)
    faulty["lines"][0]["amount"] = amount
    (error,) = api.answer(operation("hand_in_return"), input={"idempotencyKey": "k", **faulty})["errors"]
    assert error["extensions"]["code"] == ("REQUEST_UNREADABLE" if amount is None else "VALUE_UNREADABLE")
    assert error["extensions"]["messageZh"]
    assert error["extensions"]["messageEn"]
    assert "lines[0].amount" in error["message"]


def test_a_total_that_is_declared_twice_is_told_beside_all_other_faults(in_force: Api) -> None:
    faulty = return_of(CODE, "2024Q1", FIGURES)
    faulty["lines"][0]["creditCode"] = "9"
    faulty["totals"] *= 2
    result = in_force.attempt("hand_in_return", **faulty)
    assert [(fault["place"], fault["code"]) for fault in result["faults"]] == [
        ("lines[0].creditCode", "CREDIT_CODE_NOT_TAKEN"),
        ("totals[1].measure", "TOTAL_REPEATED"),
    ]


def test_a_total_that_is_missing_is_missing_among_the_totals(in_force: Api) -> None:
    (fault,) = in_force.attempt("hand_in_return", **{**return_of(CODE, "2024Q1", FIGURES), "totals": []})[
        "faults"
    ]
    assert (fault["place"], fault["code"]) == ("totals", "TOTAL_MISSING")
    assert "100.00" in fault["expected"]


def test_a_return_without_lines_is_told_that_it_must_say_that_it_is_nil(in_force: Api) -> None:
    given = {"agreement": CODE, "role": "host", "quarter": "2024Q1", "lines": [], "totals": []}
    result = in_force.attempt("hand_in_return", **given)
    refused(result, "ReturnRefused", "RETURN_REFUSED")
    (fault,) = result["faults"]
    assert (fault["place"], fault["code"]) == ("lines", "LINES_MISSING")
    assert (fault["expected"], fault["got"]) == ("isNil: true", "[]")
    assert "isNil: true" in fault["messageZh"]
    assert "isNil: true" in fault["messageEn"]
    assert in_force.change("hand_in_return", **given, isNil=True)["filing"]["isNil"]


def test_a_file_with_faults_names_sheet_and_cell(in_force: Api) -> None:
    content = "指标,所属期,金额\nretained_tax,2024Q1,一百\n".encode()
    given = {
        "agreement": CODE,
        "role": "host",
        "quarter": "2024Q1",
        "fileName": "a.csv",
        "content": encoded(content),
    }
    result = in_force.attempt("hand_in_return_file", **given)
    refused(result, "ReturnRefused", "RETURN_REFUSED")
    fault = next(fault for fault in result["faults"] if fault["code"] == "AMOUNT_UNREADABLE")
    assert (fault["place"], fault["sheet"], fault["cell"], fault["got"]) == ("C2", None, "C2", "一百")


def test_the_same_file_twice_is_a_replay_even_with_another_key(in_force: Api) -> None:
    content = "企业名称,指标,所属期,金额\n,retained_tax,2024Q1,100.00\n合计,retained_tax,,100.00\n".encode()
    given = {
        "agreement": CODE,
        "role": "host",
        "quarter": "2024Q1",
        "fileName": "a.csv",
        "content": encoded(content),
    }
    taken = in_force.change("hand_in_return_file", **given)
    again = in_force.change("hand_in_return_file", **given)
    assert (taken["replayed"], again["replayed"]) == (False, True)
    assert taken["filing"]["id"] == again["filing"]["id"]


def test_a_settlement_needs_every_return(in_force: Api) -> None:
    result = in_force.attempt("compute_settlement", agreement=CODE, quarter="2024Q1")
    refused(result, "ReturnsMissing", "RETURNS_MISSING")
    assert result["missing"] == [{"role": "host", "quarter": "2024Q1"}]


def test_only_the_open_quarter_is_settled(in_force: Api) -> None:
    result = in_force.attempt("compute_settlement", agreement=CODE, quarter="2024Q2")
    refused(result, "QuarterNotOpen", "QUARTER_NOT_OPEN")


def test_a_return_for_a_later_quarter_is_refused(in_force: Api) -> None:
    result = in_force.attempt("hand_in_return", **return_of(CODE, "2024Q2", FIGURES))
    refused(result, "QuarterNotOpen", "QUARTER_OUT_OF_REACH")


def test_a_settlement_that_rests_on_changed_facts_cannot_close(in_force: Api) -> None:
    in_force.hand_in(CODE, "2024Q1", FIGURES)
    computed = in_force.change("compute_settlement", agreement=CODE, quarter="2024Q1")["settlement"]
    in_force.hand_in(CODE, "2024Q1", [Figure("retained_tax", "101.00")])
    closing = {"agreement": CODE, "quarter": "2024Q1", "settlement": computed["id"]}
    refused(in_force.attempt("close_quarter", **closing), "StaleSettlement", "SETTLEMENT_STALE")


def test_an_id_of_another_kind_is_refused(in_force: Api) -> None:
    party = in_force.ask('{ party(code: "HOST") { id } }')["party"]["id"]
    result = in_force.attempt("close_quarter", agreement=CODE, quarter="2024Q1", settlement=party)
    refused(result, "InvalidInput", "ID_UNREADABLE")


# --- the order of precedence ------------------------------------------------------------------------------


def test_an_unknown_agreement_comes_before_a_reused_key(drafted: Api) -> None:
    drafted.change("propose_version", idempotencyKey="once", agreement=CODE, version=1)
    result = drafted.attempt("propose_version", idempotencyKey="once", agreement="NONE", version=1)
    refused(result, "NotFound", "NOT_FOUND")


def test_a_reused_key_comes_before_an_unknown_version(drafted: Api) -> None:
    drafted.change("propose_version", idempotencyKey="once", agreement=CODE, version=1)
    result = drafted.attempt("propose_version", idempotencyKey="once", agreement=CODE, version=9)
    refused(result, "IdempotencyKeyReused", "IDEMPOTENCY_KEY_REUSED")


def test_the_state_comes_before_the_signature(in_force: Api) -> None:
    given = {"role": "host", "publicKey": encoded(b"k" * 32), "signature": encoded(b"s" * 64)}
    refused(
        in_force.attempt("sign_version", agreement=CODE, version=1, **given), "WrongState", "VERSION_STATE"
    )


def test_a_role_that_the_account_does_not_hold_comes_before_the_state(in_force: Api) -> None:
    given = {"role": "nobody", "publicKey": encoded(b"k" * 32), "signature": encoded(b"s" * 64)}
    refused(in_force.attempt("sign_version", agreement=CODE, version=1, **given), "NotFound", "NOT_FOUND")


# --- queries ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"first": 0}, "LIMIT_UNUSABLE"),
        ({"first": 201}, "LIMIT_UNUSABLE"),
        ({"first": 1, "after": "nonsense"}, "CURSOR_UNREADABLE"),
        ({"first": 1, "after": encoded(b"[1]")}, "CURSOR_UNREADABLE"),
        ({"first": 1, "after": encoded(b"[true]")}, "CURSOR_UNREADABLE"),
    ],
)
def test_a_page_that_cannot_be_cut_is_an_error_with_code_and_both_sentences(
    api: Api, variables: dict[str, Any], code: str
) -> None:
    (error,) = api.answer(ZONES, **variables)["errors"]
    assert error["extensions"]["code"] == code
    assert error["extensions"]["messageZh"]
    assert error["message"] == error["extensions"]["messageEn"]


def test_a_quarter_that_cannot_be_read_says_so_in_both_languages(api: Api) -> None:
    document = (
        'query Q($quarter: Quarter!) { agreement(code: "A") { figures(quarter: $quarter) { clause } } }'
    )
    (error,) = api.answer(document, quarter="2024Q9")["errors"]
    assert error["extensions"] == {
        "code": "VALUE_UNREADABLE",
        "messageZh": "Quarter：应为季度，如 “2024Q3”（文本），实际为 '2024Q9'。",
        "messageEn": "Quarter: expected a quarter such as \"2024Q3\", as text, but got '2024Q9'.",
    }


def test_what_is_not_there_is_null(api: Api) -> None:
    party = base64.urlsafe_b64encode(b"Party:1").decode()
    document = (
        'query Q($id: ID!) { node(id: $id) { id } party(code: "NONE") { id } agreement(code: "NONE") { id } }'
    )
    assert api.ask(document, id=party) == {"node": None, "party": None, "agreement": None}


@pytest.mark.parametrize(
    "text", ["nonsense", encoded(b"Party"), encoded(b"Party:x"), encoded(b"Party:" + b"9" * 30)]
)
def test_an_id_that_was_never_given_out_is_refused(api: Api, text: str) -> None:
    (error,) = api.answer("query Q($id: ID!) { node(id: $id) { id } }", id=text)["errors"]
    assert error["extensions"]["code"] == "ID_UNREADABLE"


def test_a_database_that_is_out_of_reach_is_said_without_telling_where_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    unreachable = application.create("postgresql+psycopg://nobody:secret@127.0.0.1:1/none")
    headers = {"authorization": "Bearer pl_any"}
    with TestClient(unreachable, base_url=BASE_URL) as client, caplog.at_level(logging.ERROR):
        answer = client.post("/graphql", json={"query": operation("zones")}, headers=headers)
        assert client.get("/health").status_code == 503
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (500, "UNEXPECTED_ERROR")
    assert "127.0.0.1" not in answer.text
    assert "unexpected error" in caplog.text


def test_an_unexpected_error_is_masked_and_logged(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this, 127.0.0.1")

    monkeypatch.setattr(roster, "parties", fail)
    with caplog.at_level(logging.ERROR):
        (error,) = api.answer(operation("zones"))["errors"]
    assert error["extensions"]["code"] == "UNEXPECTED_ERROR"
    assert "127.0.0.1" not in error["message"]
    assert "unexpected error" in caplog.text


def test_an_error_of_the_request_stays_visible_and_is_not_logged(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    (error,) = api.answer("{ nonsense }")["errors"]
    assert "nonsense" in error["message"]
    assert error["extensions"]["code"] == "REQUEST_UNREADABLE"
    assert "nonsense" in error["extensions"]["messageZh"]
    assert caplog.records == []
