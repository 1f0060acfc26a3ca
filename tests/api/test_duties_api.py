"""Duties over HTTP: quarters' steps, commitments and reviews in one list, and who sees them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.desk.duties import Action
from ledger_graphql.authority import AUTHORITY
from ledger_graphql.duties import MUTATIONS
from ledger_schema.sessions import Database
from tests.api.journey import Api, operation
from tests.api.terms_documents import tax, terms
from tests.api.test_pairings_api import PLACES, register
from tests.api.test_returns_api import CALENDAR
from tests.api.test_sight import ask

TODAY = "2024-06-01"
PROMISED = {
    "code": "projects",
    "kind": "project_referral",
    "title": {"zh": "引荐项目", "en": "Projects referred"},
    "by": ["origin"],
    "due_day": "2024-06-30",
}
SAID = {"party": "GOV", "content": "请说明"}


@pytest.fixture
def api(api: Api) -> Api:
    """A quarter with a calendar, a commitment of the origin, and the host asked to correct something."""
    for code, (province, region) in {**PLACES, "STRANGER": ("110000", "EAST")}.items():
        register(api, code, "GOVERNMENT" if code == "GOV" else "ZONE", province, region)
    promising = {"commitments": [PROMISED], "procedure": {"calendar": CALENDAR}}
    api.bring_into_force(terms("PAIRED", [tax()]) | promising)
    finding = {"reviewer": "GOV", "title": "付款逾期", "content": "两个季度未付"}
    review = api.change("open_review", **finding, party="HOST", otherParty="ORIGIN")["review"]["id"]
    api.change("request_correction", review=review, **SAID, addressed="HOST", dueDay="2024-06-07")
    return api


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.dispose()


def listed(api: Api, party: str, **asked: Any) -> list[Any]:
    page = api.run("duties", **{"party": party, "today": TODAY, **asked})["duties"]
    return [edge["node"] for edge in page["edges"]]


def told(nodes: list[Any]) -> list[tuple[str, str, str, str, list[str]]]:
    """Of every duty: its due day, kind, task, mutation and who has to act."""
    return [
        (
            one["dueDay"],
            one["__typename"],
            one["task"],
            one["mutation"],
            [actor["party"]["code"] for actor in one["actors"]],
        )
        for one in nodes
    ]


def test_an_official_sees_an_answer_to_the_province_beside_the_quarter_and_the_commitments(api: Api) -> None:
    found = listed(api, "HOST")
    assert told(found) == [
        ("2024-04-15", "StepDuty", "TO_DO", "handInReturn", ["HOST"]),
        ("2024-05-10", "StepDuty", "WAITING", "signSettlement", ["HOST"]),
        ("2024-05-30", "StepDuty", "WAITING", "recordPayment", ["HOST"]),
        ("2024-06-07", "ReviewDuty", "TO_DO", "answerReview", ["HOST"]),
        ("2024-06-30", "CommitmentDuty", "AWAITED", "recordCommitment", ["ORIGIN"]),
    ]
    submit, _, _, answer, promised = found
    assert (submit["lateDays"], submit["quarter"], submit["step"]["step"]) == (47, "2024Q1", "SUBMIT")
    assert (answer["lateDays"], answer["request"], answer["review"]["title"]) == (0, 2, "付款逾期")
    assert answer["toDo"]["zh"] == "答复整改要求"
    assert promised["commitment"]["code"] == "projects"


def test_a_provincial_official_sees_what_is_awaited_and_what_was_answered(api: Api) -> None:
    assert told(listed(api, "GOV")) == [("2024-06-07", "ReviewDuty", "AWAITED", "answerReview", ["HOST"])]
    review = listed(api, "GOV")[0]["linkId"]
    api.change("answer_review", review=review, party="HOST", content="已补付")
    assert told(listed(api, "GOV")) == [("2024-06-07", "ReviewDuty", "TO_DO", "closeReview", ["GOV"])]
    api.change("close_review", review=review, **SAID, outcome="CORRECTED")
    assert listed(api, "GOV") == []


def test_what_a_duty_links_to_is_found_by_its_id(api: Api) -> None:
    for duty in listed(api, "HOST"):
        node = api.ask(
            "query N($id: ID!) { node(id: $id) { id ... on Agreement { code } ... on Review { title } } }",
            id=duty["linkId"],
        )["node"]
        expected = {"title": "付款逾期"} if duty["__typename"] == "ReviewDuty" else {"code": "PAIRED"}
        assert node == {"id": duty["linkId"], **expected}


def test_pages_of_one_are_the_list(api: Api) -> None:
    whole = api.run("duties", party="HOST", today=TODAY)["duties"]["edges"]
    after, last = None, len(whole) - 1
    for place, edge in enumerate(whole):
        page = api.run("duties", party="HOST", today=TODAY, first=1, after=after)["duties"]
        assert (page["edges"], page["pageInfo"]["hasNextPage"]) == ([edge], place < last)
        after = page["pageInfo"]["endCursor"]


def test_only_what_falls_due_within_the_days_ahead_is_listed(api: Api) -> None:
    assert [one["dueDay"] for one in listed(api, "HOST", daysAhead=6)][-1] == "2024-06-07"
    assert [one["dueDay"] for one in listed(api, "HOST", daysAhead=5)][-1] == "2024-05-30"
    assert listed(api, "HOST", today="2999-12-31", daysAhead=3_660)[-1]["dueDay"] == "2024-06-30"


@pytest.mark.parametrize(
    "key",
    [
        ["2024-06-01"],
        ["2024-99-01", "review", 1, 2],
        ["2024-06-01", "voucher", 1, 2],
        ["2024-06-01", "review", "1", 2],
        ["2024-06-01", "step", "PAIRED", 1],
    ],
)
def test_a_cursor_of_another_list_is_refused(api: Api, key: list[object]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(key).encode()).decode()
    (error,) = api.answer(operation("duties"), party="HOST", after=cursor)["errors"]
    assert error["extensions"]["code"] == "CURSOR_UNREADABLE"


@pytest.mark.usefixtures("api")
def test_a_stranger_sees_nobodys_duties_and_a_party_its_own(database: Database) -> None:
    seen = {
        (asker, party): [
            edge["node"]["__typename"]
            for edge in ask(database, asker, operation("duties"), party=party, today=TODAY)["duties"]["edges"]
        ]
        for asker in ("HOST", "GOV", "STRANGER")
        for party in ("HOST", "GOV", "STRANGER")
    }
    assert seen["HOST", "HOST"] == [*["StepDuty"] * 3, "ReviewDuty", "CommitmentDuty"]
    assert seen["GOV", "GOV"] == ["ReviewDuty"]
    assert not any(found for (asker, party), found in seen.items() if "STRANGER" in (asker, party))


def test_what_is_asked_of_somebody_can_be_done() -> None:
    assert MUTATIONS.keys() == set(Action)
    assert set(MUTATIONS.values()) <= AUTHORITY.keys()
