"""What tests do through the API: parties, agreements, returns and settlements, over HTTP only."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from ledger.evidence.signatures import new_private_key, public_key_of, sign
from tests.api.signed_in import ANYBODY, SignedInClient

OPERATIONS = Path(__file__).parent.parent.parent / "graphql" / "operations"

Document = dict[str, Any]
Booked = dict[tuple[str, int, str], dict[str, str]]
"""(quarter booked, clause, book) to party code to amount."""


@dataclass(frozen=True)
class Figure:
    """One reported figure; no credit code: the whole park."""

    measure: str
    amount: str
    span: str | None = None
    credit_code: str | None = None
    document: str = ""


def operation(name: str) -> str:
    """The document ``graphql/operations/<name>.graphql``."""
    return (OPERATIONS / f"{name}.graphql").read_text()


@dataclass
class Api:
    """A client that knows the documents, holds the parties' private keys, and acts as ``person``."""

    client: SignedInClient
    private_keys: dict[str, bytes] = field(default_factory=dict)
    keys: Iterable[int] = field(default_factory=count)
    person: str = ANYBODY

    def answer(self, document: str, **variables: Any) -> Document:
        """The whole answer to a document, errors and all."""
        headers = {"authorization": f"Bearer {self.client.accounts.token(self.person)}"}
        asked = {"query": document, "variables": variables}
        response = self.client.post("/graphql", json=asked, headers=headers)
        assert response.status_code == 200, response.text
        answer: Document = response.json()
        return answer

    def ask(self, document: str, **variables: Any) -> Any:
        """The data of an answer that must have no errors."""
        answer = self.answer(document, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def run(self, name: str, **variables: Any) -> Any:
        """The data of a document of graphql/operations."""
        return self.ask(operation(name), **variables)

    def attempt(self, name: str, /, **values: Any) -> Document:
        """The result of a mutation, whichever member of its union it is; done by ``person`` if given."""
        self.person = values.pop("person", ANYBODY)
        given = {"idempotencyKey": f"key-{next(iter(self.keys))}", **values}
        (result,) = self.run(name, input=given).values()
        assert isinstance(result, dict)
        return result

    def change(self, name: str, /, **values: Any) -> Document:
        """The result of a mutation that must succeed."""
        result = self.attempt(name, **values)
        assert result["__typename"].endswith("Success"), result
        return result

    def register(self, code: str, kind: str = "ZONE") -> None:
        """A party of made-up name, with a key of its own."""
        self.change(
            "register_party", code=code, kind=kind, nameZh=f"测试{code}", nameEn=code, source="made up"
        )
        private_key = new_private_key()
        self.private_keys[code] = private_key
        self.change(
            "register_key",
            party=code,
            publicKey=_base64(public_key_of(private_key)),
            label="made in the test",
        )

    def draft(self, terms: Document, observers: Sequence[str] = ("fund",), kind: str = "ENCLAVE") -> Document:
        """The agreement, its parties registered; roles in ``observers`` don't sign."""
        for code in terms["roles"].values():
            if code not in self.private_keys:
                self.register(code)
        return self.change(
            "draft_agreement",
            code=terms["agreement"],
            kind=kind,
            titleZh="测试协议",
            titleEn="An agreement to test with",
            source="made up",
            unverified="everything",
            parties=[
                {"role": role, "party": code, "signs": role not in observers}
                for role, code in terms["roles"].items()
            ],
            terms=terms,
        )

    def sign_all(self, code: str, number: int, observers: Sequence[str] = ("fund",)) -> None:
        """Proposes the version and signs it for every role that signs."""
        proposed = self.change("propose_version", agreement=code, version=number)
        content = base64.b64decode(proposed["version"]["bytesToSign"])
        for role, party in self.roles(code).items():
            if role not in observers:
                self.sign(code, number, role, party, content)

    def sign(self, code: str, number: int, role: str, party: str, content: bytes) -> Document:
        private_key = self.private_keys[party]
        return self.change(
            "sign_version",
            agreement=code,
            version=number,
            role=role,
            publicKey=_base64(public_key_of(private_key)),
            signature=_base64(sign(private_key, content)),
        )

    def roles(self, code: str) -> dict[str, str]:
        """Role to party code."""
        asked = self.ask(
            "query Roles($code: String!) { agreement(code: $code) { parties { role party { code } } } }",
            code=code,
        )
        return {side["role"]: side["party"]["code"] for side in asked["agreement"]["parties"]}

    def bring_into_force(self, terms: Document, kind: str = "ENCLAVE") -> str:
        """The agreement's code, once its first version is in force."""
        code: str = terms["agreement"]
        self.draft(terms, kind=kind)
        self.sign_all(code, 1)
        self.change("bring_into_force", agreement=code, version=1)
        return code

    def amend(self, terms: Document) -> int:
        """The number of the version that is now in force."""
        code = terms["agreement"]
        drafted = self.change("draft_version", agreement=code, terms=terms)
        number: int = drafted["version"]["number"]
        self.sign_all(code, number)
        self.change("bring_into_force", agreement=code, version=number)
        return number

    def confirm_list(self, code: str, entries: Sequence[Document]) -> None:
        """An enterprise list compiled by the host and confirmed by the origin."""
        submitted = self.change("submit_enterprise_list", agreement=code, role="host", entries=list(entries))
        number = submitted["enterpriseList"]["version"]
        self.change("confirm_enterprise_list", agreement=code, version=number, role="origin")

    def hand_in(self, code: str, quarter: str, figures: Sequence[Figure], role: str = "host") -> Document:
        """A return with its totals; nil where there are no figures."""
        return self.change("hand_in_return", **return_of(code, quarter, figures, role))

    def settle(self, code: str, quarter: str) -> Document:
        """The quarter's settlement, computed and closed."""
        computed = self.change("compute_settlement", agreement=code, quarter=quarter)["settlement"]
        closed = self.change("close_quarter", agreement=code, quarter=quarter, settlement=computed["id"])
        settlement: Document = closed["settlement"]
        return settlement

    def allocations(self, code: str, quarter: str | None = None) -> list[Document]:
        """Every allocation of every closed settlement, each with the settlement it is in and its cause."""
        found = []
        for settlement in self.settlements(code, quarter):
            causes = {cause["cause"]: cause for cause in settlement["causes"]}
            for edge in settlement["allocations"]["edges"]:
                node = edge["node"]
                found.append({**node, "settlement": settlement, "cause": causes[node["cause"]]})
        return found

    def settlements(self, code: str, quarter: str | None = None) -> list[Document]:
        """Every closed settlement, page by page."""
        found: list[Document] = []
        after = None
        while True:
            page = self.run("settlements", code=code, quarter=quarter, after=after, first=50)["agreement"][
                "settlements"
            ]
            found += [edge["node"] for edge in page["edges"] if edge["node"]["isClosed"]]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def booked(self, code: str) -> Booked:
        """What closed settlements booked by quarter, clause, book and party, in the commodity's unit."""
        totals: defaultdict[tuple[str, int, str], defaultdict[str, Decimal]]
        totals = defaultdict(lambda: defaultdict(Decimal))
        for allocation in self.allocations(code):
            key = (allocation["settlement"]["quarter"], allocation["clause"], allocation["amount"]["book"])
            totals[key][allocation["party"]["code"]] += Decimal(allocation["amount"]["text"])
        return {
            key: {party: str(amount) for party, amount in amounts.items()} for key, amounts in totals.items()
        }


def return_of(code: str, quarter: str, figures: Sequence[Figure], role: str = "host") -> Document:
    """The input of a return: every figure as a line, and the totals that they add up to."""
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for figure in figures:
        totals[figure.measure] += Decimal(figure.amount)
    return {
        "agreement": code,
        "role": role,
        "quarter": quarter,
        "isNil": not figures,
        "lines": [_line(figure, quarter) for figure in figures],
        "totals": [{"measure": measure, "amount": str(total)} for measure, total in totals.items()],
    }


def _line(figure: Figure, quarter: str) -> Mapping[str, Any]:
    return {
        "creditCode": figure.credit_code,
        "measure": figure.measure,
        "span": figure.span or quarter,
        "amount": figure.amount,
        "document": figure.document,
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
