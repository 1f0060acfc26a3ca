"""Who may do what: the table is whole, and whoever may not do something learns nothing from the refusal."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    build_schema,
)
from sqlalchemy import text
from starlette.testclient import TestClient

from ledger.desk.accounts import GrantDraft, Role
from ledger_graphql.authority import AUTHORITY
from ledger_graphql.connections import global_id
from ledger_graphql.schema import printed
from ledger_schema.sessions import Database
from tests.account_room import AccountRoom
from tests.api.journey import Api, Figure, return_of
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.api.test_pairings_api import register
from tests.api.voucher_journey import opened, redeem, shared

CODE = "GUARDED"
SCHEMA = build_schema(printed())
MUTATIONS = SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {}
KEY = base64.b64encode(bytes(32)).decode()

PAYMENTS = (
    "channel,payer,payer_account,payee,reference,amount,value_date,purpose\r\n"
    "bank,ORIGIN,6222,HOST,1,1.00,2024-04-30,\r\n"
)

# What is named in every input: things that there are in one world, and nothing of in the other.
NAMED = {
    "agreement": CODE,
    "code": CODE,
    "role": "host",
    "party": "HOST",
    "payee": "HOST",
    "payer": "ORIGIN",
    "quarter": "2024Q1",
    "parties": ["HOST", "ORIGIN"],
    "zone": "HOST",
    "reviewer": "GOV",
    "programme": "origin",
    "content": base64.b64encode(PAYMENTS.encode()).decode(),
}
SCALARS = {
    "String": "x",
    "Int": 1,
    "Boolean": False,
    "Date": "2024-04-30",
    "Amount": "1.00",
    "WrittenAmount": "1.00",
    "WrittenSpan": "2024Q1",
    "Span": "2024Q1",
    "Bytes": KEY,
    "Hash": "0" * 64,
    "Json": {},
    "JSON": {},
    "Quarter": "2024Q1",
}


def example(kind: GraphQLInputType, name: str, ids: Mapping[str, str]) -> Any:
    """Some value of the type, of the thing's own name where there is such a thing."""
    if isinstance(kind, GraphQLNonNull):
        return example(kind.of_type, name, ids)
    if isinstance(kind, GraphQLInputObjectType):
        return {field: example(one.type, field, ids) for field, one in kind.fields.items() if is_asked(one)}
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLList):
        return NAMED["parties"] if is_codes(kind, name) else [example(kind.of_type, name, ids)]
    return ids.get(name) or NAMED.get(name) or SCALARS[str(kind)]


def is_codes(kind: GraphQLList[Any], name: str) -> bool:
    return name == "parties" and str(kind).strip("[]!") == "String"


def is_asked(field: Any) -> bool:
    return isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined


def ask(client: TestClient, token: str, mutation: str, ids: Mapping[str, str]) -> bytes:
    """The whole answer to a mutation with an example of its input."""
    kind = MUTATIONS[mutation].args["input"].type
    document = (
        f"mutation M($input: {kind}) {{ {mutation}(input: $input) {{ __typename "
        "... on Failure { code messageZh messageEn } } }"
    )
    asked = {"query": document, "variables": {"input": example(kind, "input", ids)}}
    answer = client.post("/graphql", json=asked, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return bytes(answer.content)


# --- the table --------------------------------------------------------------------------------------------


def test_every_mutation_has_its_entry_and_every_entry_its_mutation() -> None:
    assert AUTHORITY.keys() == MUTATIONS.keys()


def test_a_mutation_without_an_entry_is_refused_to_everybody(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(AUTHORITY, "registerParty")
    refused = api.attempt("register_party", code="A", kind="ZONE", nameZh="甲", source="made up")
    assert refused["code"] == "NOT_FOUND"


# --- answers ----------------------------------------------------------------------------------------------


@pytest.fixture
def world(api: Api) -> Api:
    """An agreement of HOST and ORIGIN, with a return."""
    api.bring_into_force(terms(CODE, [tax()]))
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "100.00")])
    return api


@pytest.fixture
def room(database_url: str) -> Iterator[AccountRoom]:
    database = Database(database_url)
    yield AccountRoom(database)
    database.dispose()


def token_of(room: AccountRoom, name: str, *drafts: GrantDraft) -> str:
    room.open(name, *drafts, person=name)
    return room.sign_in(name)


CLAIMED = text("""
    SELECT claim_id, order_id, voucher_id, application_id
    FROM voucher_claim JOIN voucher_order USING (order_id) JOIN voucher USING (voucher_id)
""")


@dataclass(frozen=True)
class Busy:
    """HOST and ORIGIN with everything that they can name to each other, and its ids."""

    api: Api
    ids: Mapping[str, str]


@pytest.fixture
def busy(api: Api) -> Busy:
    leg = settled(api, CODE, "1000.00", "host", "origin")
    settled(api, "OTHER", "20.00", "origin", "host")
    payment = api.change(
        "record_payment",
        channel="BANK",
        payer="HOST",
        payerAccount="6222",
        payee="ORIGIN",
        reference="line-1",
        amount="1.00",
        valueDay="2024-04-30",
    )["payment"]
    netting = api.change("propose_netting", parties=["HOST", "ORIGIN"], day="2024-04-30")["netting"]
    asked = """query I($code: String!) { viewer { tokens { id } } agreement(code: $code) { id
        filings(quarter: "2024Q1") { edges { node { id } } }
        settlements(quarter: "2024Q1") { edges { node { id } } } } }"""
    found = api.ask(asked, code=CODE)
    opened(api, [shared("origin", "host", 1)])
    redeem(api, "origin", "100.00", "host")
    with api.client.accounts.database.reading() as connection:
        claimed = connection.execute(CLAIMED).one()
    for code, kind in (("GOV", "GOVERNMENT"), ("REVIEWED", "ZONE")):
        register(api, code, kind, "530000", "WEST")
    review = api.change("open_review", reviewer="GOV", party="REVIEWED", title="付款", content="未付")[
        "review"
    ]
    named = {name: found["agreement"][name]["edges"][0]["node"]["id"] for name in ("filings", "settlements")}
    ids = {
        "leg": leg,
        "payment": payment["id"],
        "netting": netting["id"],
        "filing": named["filings"],
        "settlement": named["settlements"],
        "subject": found["agreement"]["id"],
        "application": global_id("VoucherApplication", claimed.application_id),
        "voucher": global_id("Voucher", claimed.voucher_id),
        "order": global_id("VoucherOrder", claimed.order_id),
        "claim": global_id("VoucherClaim", claimed.claim_id),
        "review": review["id"],
        "token": found["viewer"]["tokens"][0]["id"],
    }
    return Busy(api, ids)


def settled(api: Api, code: str, amount: str, payer: str, payee: str) -> str:
    """The id of the leg that settling raised."""
    clause = tax({payee: "1"})
    clause["then"] |= {"paid_by": payer, "netting": True, "provisional": "cash"}
    document = terms(code, [clause])
    document["procedure"] = {"calendar": {"submit_days": 20, "sign_days": 30, "fund_days": 30}}
    api.bring_into_force(document)
    api.hand_in(code, "2024Q1", [Figure("retained_tax", amount)])
    api.settle(code, "2024Q1")
    (edge,) = api.run("legs", agreement=code, asOf="2024-04-30")["legs"]["edges"]
    leg: str = edge["node"]["id"]
    return leg


@pytest.mark.parametrize("role", [Role.OFFICER, Role.APPROVER, Role.AUDITOR, Role.PROVINCE])
def test_what_one_may_not_touch_is_answered_byte_for_byte_as_if_it_were_not_there(
    busy: Busy, room: AccountRoom, empty_room: tuple[TestClient, AccountRoom], role: Role
) -> None:
    """The same input in this ledger, and in one that holds nothing of what the input names."""
    busy.api.register("ELSEWHERE")
    elsewhere, empty = empty_room
    of_province = role is Role.PROVINCE
    draft = GrantDraft(role, None if of_province else "ELSEWHERE", "990000" if of_province else None)
    here, there = (token_of(one, f"stranger-{role}", draft) for one in (room, empty))
    for mutation in MUTATIONS:
        seen = ask(busy.api.client, here, mutation, busy.ids)
        unseen = ask(elsewhere, there, mutation, busy.ids)
        assert seen == unseen, mutation
        assert b"NOT_FOUND" in seen, mutation


def test_whatever_bears_an_id_is_not_there_for_a_stranger(busy: Busy, room: AccountRoom) -> None:
    """Every id in what the two sides read of their dealings, asked for by somebody else."""
    asked = {"code": CODE, "agreement": CODE, "party": "HOST", "asOf": "2024-04-30", "programme": "origin"}
    read = [busy.api.run(name, **asked, first=50) for name in READ]
    ids = set(busy.ids.values()) | {one for answer in read for one in ids_in(answer)}
    busy.api.register("ELSEWHERE")
    stranger = as_account(busy.api, token_of(room, "stranger", GrantDraft(Role.OFFICER, "ELSEWHERE")))
    document = "query N($id: ID!) { node(id: $id) { __typename } }"
    shown = {one: answer_about(stranger, document, one) for one in ids}
    known = {one: answer_about(busy.api, document, one) for one in ids}
    open_types = {"Party", "Measure"}
    hidden = [one for one in ids if known[one] is not None and known[one]["__typename"] not in open_types]
    assert {known[one]["__typename"] for one in hidden} >= {"Agreement", "Filing", "Settlement", "Event"}
    assert [one for one in hidden if shown[one] is not None] == []


READ = ("agreement", "events", "legs", "payments", "returns", "settlements")


def ids_in(answer: Any) -> Iterator[str]:
    if isinstance(answer, list):
        for one in answer:
            yield from ids_in(one)
    elif isinstance(answer, dict):
        for name, value in answer.items():
            if name == "id" and isinstance(value, str):
                yield value
            yield from ids_in(value)


def answer_about(api: Api, document: str, asked: str) -> Any:
    answer = api.answer(document, id=asked)
    return (answer["data"] or {}).get("node")


@pytest.fixture(scope="module")
def empty_room(module_database_url: str) -> Iterator[tuple[TestClient, AccountRoom]]:
    """A ledger with one party that isn't in anything."""
    database = Database(module_database_url)
    with signed_in(module_database_url) as client:
        Api(client).register("ELSEWHERE")
        yield client, AccountRoom(database)
    database.dispose()


@pytest.mark.parametrize(
    ("document", "may"),
    [
        ("hand_in_return", Role.OFFICER),
        ("register_key", Role.APPROVER),
    ],
)
def test_an_act_of_the_other_role_of_ones_own_party_is_refused(
    world: Api, room: AccountRoom, document: str, may: Role
) -> None:
    inputs = {
        "hand_in_return": return_of(CODE, "2024Q1", [Figure("retained_tax", "1.00")]),
        "register_key": {"party": "HOST", "publicKey": KEY, "label": "x"},
    }
    for role in (Role.OFFICER, Role.APPROVER):
        as_role = as_account(world, token_of(room, role.value, GrantDraft(role, "HOST")))
        result = as_role.attempt(document, **inputs[document])
        assert (result.get("code") == "NOT_FOUND") == (role is not may), result


class AsAccount:
    """A client of one account, whoever a test says that acts."""

    def __init__(self, client: TestClient, token: str) -> None:
        self._client = client
        self._token = token
        self.accounts = self

    def token(self, _: str) -> str:
        return self._token

    def post(self, *arguments: Any, **named: Any) -> Any:
        return self._client.post(*arguments, **named)


def as_account(world: Api, token: str) -> Api:
    return Api(AsAccount(world.client, token), world.private_keys)  # type: ignore[arg-type]


def test_an_officer_hands_in_for_the_own_party_only(world: Api, room: AccountRoom) -> None:
    host = as_account(world, token_of(room, "host", GrantDraft(Role.OFFICER, "HOST")))
    origin = as_account(world, token_of(room, "origin", GrantDraft(Role.OFFICER, "ORIGIN")))
    given = return_of(CODE, "2024Q1", [Figure("retained_tax", "90.00")])
    refused = origin.attempt("hand_in_return", **given)
    assert refused["__typename"] == "NotFound"
    assert "There is no role host." in refused["messageEn"]
    taken = host.attempt("hand_in_return", **given)
    assert taken["__typename"] == "FilingSuccess"
    (event,) = world.ask(
        'query E($code: String!) { agreement(code: $code) { events(kind: "return_handed_in", first: 9) '
        "{ edges { node { actor person actsFor key } } } } }",
        code=CODE,
    )["agreement"]["events"]["edges"][1:]
    assert event["node"] == {"actor": "host", "person": "host", "actsFor": "HOST", "key": "host/key-0"}


def test_a_delegation_that_is_over_is_no_role(world: Api, room: AccountRoom) -> None:
    over = GrantDraft(Role.OFFICER, "HOST", ends=date.today() - timedelta(days=2))  # noqa: DTZ011 - days apart
    deputy = as_account(world, token_of(room, "deputy", over))
    refused = deputy.attempt("hand_in_return", **return_of(CODE, "2024Q1", []))
    assert refused["code"] == "NOT_FOUND"


def test_two_accounts_of_one_person_are_one_person(world: Api, room: AccountRoom) -> None:
    for name, role in (("maker", Role.OFFICER), ("checker", Role.APPROVER)):
        room.open(name, GrantDraft(role, "HOST"), person="张三")
    maker, checker = (as_account(world, room.sign_in(name)) for name in ("maker", "checker"))
    handed_in = maker.change("hand_in_return", **return_of(CODE, "2024Q1", [Figure("retained_tax", "5.00")]))
    refused = checker.attempt("certify_return", agreement=CODE, filing=handed_in["filing"]["id"], role="host")
    assert refused["code"] == "MAKER_CERTIFIES"


# --- refused acts -----------------------------------------------------------------------------------------


def test_a_refused_act_is_kept_for_the_auditor_of_the_party_and_for_nobody_else(
    world: Api, room: AccountRoom
) -> None:
    officer = as_account(world, token_of(room, "origin", GrantDraft(Role.OFFICER, "ORIGIN")))
    officer.attempt("hand_in_return", **return_of(CODE, "2024Q1", []))
    readers = {
        "everything": GrantDraft(Role.AUDITOR),
        "of-host": GrantDraft(Role.AUDITOR, "HOST"),
        "of-origin": GrantDraft(Role.AUDITOR, "ORIGIN"),
        "officer": GrantDraft(Role.OFFICER, "HOST"),
        "operator": GrantDraft(Role.OPERATOR),
    }
    seen = {
        name: as_account(world, token_of(room, name, draft)).run("refused_acts")["refusedActs"]["edges"]
        for name, draft in readers.items()
    }
    assert {name for name, edges in seen.items() if edges} == {"everything", "of-host"}
    (edge,) = seen["of-host"]
    assert {name: value for name, value in edge["node"].items() if name not in {"id", "recordedAt"}} == {
        "account": "origin",
        "person": "origin",
        "act": "handInReturn",
        "subjectKind": "role",
        "subjectName": "host",
        "key": "key-0",
        "code": "NOT_FOUND",
        "party": {"code": "HOST"},
    }


def test_an_upload_by_somebody_who_acts_for_nobody_is_refused_and_kept(world: Api, room: AccountRoom) -> None:
    token = token_of(room, "auditor", GrantDraft(Role.AUDITOR))
    headers = {"authorization": f"Bearer {token}"}
    answer = world.client.post("/files/documents", files={"file": ("a.pdf", b"%PDF")}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    (edge,) = as_account(world, token).run("refused_acts")["refusedActs"]["edges"]
    assert (edge["node"]["act"], edge["node"]["subjectName"]) == ("uploadDocument", "a.pdf")


# --- one's own tokens -------------------------------------------------------------------------------------


def test_only_ones_own_tokens_are_listed_and_revoked(world: Api, room: AccountRoom) -> None:
    mine, other = (as_account(world, token_of(room, name)) for name in ("mine", "other"))
    (token,) = mine.run("viewer")["viewer"]["tokens"]
    assert other.attempt("revoke_token", token=token["id"])["code"] == "NOT_FOUND"
    assert mine.change("revoke_token", token=token["id"])["viewer"]["tokens"] == []
