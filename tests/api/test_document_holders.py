"""A kept file is attached only by a party that handed it in or sees it: knowing its hash isn't enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from ledger.desk.accounts import GrantDraft, Role
from ledger_schema.sessions import Database
from tests.account_room import AccountRoom
from tests.api.journey import Api, operation
from tests.api.terms_documents import tax, terms

PDF = b"%PDF-1.7 made up"
NEVER = "00" * 32


@dataclass
class Officer:
    """An officer of the party in one role of the agreement."""

    api: Api
    role: str
    token: str
    keys: count[int] = field(default_factory=count)

    def send(self, name: str, **values: Any) -> Any:
        asked = {"query": operation(name), "variables": {"input": values | {"idempotencyKey": self.key()}}}
        (result,) = self.post("/graphql", json=asked).json()["data"].values()
        return result

    def post(self, path: str, **sent: Any) -> Any:
        return self.api.client.post(path, headers={"authorization": f"Bearer {self.token}"}, **sent)

    def key(self) -> str:
        return f"{self.role}-{next(self.keys)}"

    def hand_in(self) -> str:
        kept: str = self.post("/files/documents", files={"file": ("a.pdf", PDF, "application/pdf")}).json()[
            "hash"
        ]
        return kept

    def attach(self, document: str, subject: str) -> Any:
        return self.send(
            "attach_document",
            agreement="TEST",
            role=self.role,
            subject=subject,
            reference="凭证-1",
            document=document,
        )


@pytest.fixture
def officers(api: Api, database_url: str) -> Iterator[dict[str, Officer]]:
    api.bring_into_force(terms("TEST", [tax()]))
    database = Database(database_url)
    room = AccountRoom(database)
    found = {}
    for role in ("host", "origin"):
        room.open(role, GrantDraft(Role.OFFICER, role.upper()), person=role)
        found[role] = Officer(api, role, room.sign_in(role))
    yield found
    database.dispose()


def test_who_only_knows_the_hash_is_answered_as_if_there_were_no_such_file(
    api: Api, officers: dict[str, Officer]
) -> None:
    subject = api.run("agreement", code="TEST")["agreement"]["id"]
    host, origin = officers["host"], officers["origin"]
    kept = origin.hand_in()
    refused, unknown = host.attach(kept, subject), host.attach(NEVER, subject)
    assert refused["__typename"] == "NotFound"
    assert {name: str(value).replace(kept, NEVER) for name, value in refused.items()} == {
        name: str(value) for name, value in unknown.items()
    }
    assert origin.attach(kept, subject)["__typename"] == "AttachmentSuccess"
    # What is attached to the agreement both sides see.
    assert host.attach(kept, subject)["__typename"] == "AttachmentSuccess"


def test_who_has_the_same_bytes_may_attach_them(api: Api, officers: dict[str, Officer]) -> None:
    subject = api.run("agreement", code="TEST")["agreement"]["id"]
    kept = officers["origin"].hand_in()
    assert officers["host"].hand_in() == kept
    assert officers["host"].attach(kept, subject)["__typename"] == "AttachmentSuccess"


def test_a_commitments_evidence_is_refused_in_the_same_way(officers: dict[str, Officer]) -> None:
    kept = officers["origin"].hand_in()
    draft = {"commitment": "none", "kind": "DONE", "day": "2024-05-01", "note": "…"}
    answers = [
        officers["host"].send("record_commitment", agreement="TEST", role="host", documents=[one], **draft)
        for one in (kept, NEVER)
    ]
    assert [one["code"] for one in answers] == ["NOT_FOUND"] * 2
    assert kept in answers[0]["messageEn"]
