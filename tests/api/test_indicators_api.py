"""Statistics of each book through the API, and targets of plans."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type

from ledger.desk.accounts import GrantDraft, Role
from ledger_graphql.schema import printed
from ledger_schema.sessions import Database
from tests.account_room import AccountRoom
from tests.api.journey import Api, Figure
from tests.api.terms_documents import statistic, terms
from tests.api.test_authority import as_account

CODE = "BOOKS"
QUARTERS = {"firstQuarter": "2024Q1", "lastQuarter": "2024Q4"}


@pytest.fixture
def host(api: Api) -> str:
    """Output of 9,000 in place at the host, credited in full to each side."""
    document = terms(
        CODE, [statistic("industrial_output", "full_to_each", {"origin": "1", "host": "1"}, number=1)]
    )
    api.bring_into_force(document)
    api.hand_in(CODE, "2024Q1", [Figure("industrial_output", "9000.00")])
    api.settle(CODE, "2024Q1")
    code: str = document["roles"]["host"]
    return code


def amounts(shown: Any) -> dict[str, dict[str, str]]:
    return {
        one["measure"]["name"]: {each["quarter"]: each["amount"]["text"] for each in one["quarters"]}
        for one in shown["indicators"]
    }


def test_each_book_is_asked_for_by_itself(api: Api, host: str) -> None:
    official = api.run("official_indicators", party=host, **QUARTERS)["officialIndicators"]
    assessment = api.run("assessment_indicators", party=host, **QUARTERS)["assessmentIndicators"]
    output = {"industrial_output": {"2024Q1": "9000.00"}}
    assert amounts(official) == amounts(assessment) == output
    assert assessment["notForPublication"] == {
        "zh": "仅供考核，不得对外公布",
        "en": "for assessment only, not for publication",
    }
    assert "notForPublication" not in official


def test_a_party_is_shown_its_own_statistics_and_not_those_of_its_partner(
    api: Api, host: str, database_url: str
) -> None:
    database = Database(database_url)
    room = AccountRoom(database)
    room.open("host", GrantDraft(Role.OFFICER, host))
    officer = as_account(api, room.sign_in("host"))
    database.dispose()
    asked = ("official_indicators", "assessment_indicators")
    own = [officer.run(name, party=host, **QUARTERS) for name in asked]
    others = [officer.run(name, party="ORIGIN", **QUARTERS) for name in asked]
    assert [amounts(*one.values()) for one in own] == [{"industrial_output": {"2024Q1": "9000.00"}}] * 2
    assert [[*one.values()] for one in others] == [[None]] * 2
    assert api.run("official_indicators", party="ORIGIN", **QUARTERS)["officialIndicators"] is not None


def test_no_type_has_amounts_of_both_books() -> None:
    types = build_schema(printed()).type_map

    def reached(name: str, seen: set[str]) -> set[str]:
        """Every type to which the fields of a type about statistics lead."""
        kind = types[name]
        if name in seen or not isinstance(kind, GraphQLObjectType) or name == "Party":
            return seen
        seen.add(name)
        for field in kind.fields.values():
            reached(get_named_type(field.type).name, seen)
        return seen

    official, assessment = reached("OfficialIndicators", set()), reached("AssessmentIndicators", set())
    assert "OfficialAmount" in official - assessment
    assert "AssessmentAmount" in assessment - official
    assert "AssessmentAmount" not in reached("PlanIndicator", set())


def test_a_plan_shows_its_target_beside_the_official_book(api: Api, host: str) -> None:
    recorded = api.change(
        "record_indicator_target",
        zone=host,
        indicator="industrial_output",
        year=2024,
        amount="12000.00",
        source="规划（虚构）",
    )
    assert recorded["sequence"] == 1
    (row,) = api.run("plan_indicators", zone=host, firstYear=2024, lastYear=2025)["planIndicators"]
    assert (row["target"]["text"], row["value"]["text"], row["reached"]) == ("12000.00", "9000.00", "75.0%")
    refused = api.attempt(
        "record_indicator_target", zone=host, indicator="vat", year=2024, amount="1", source="规划"
    )
    assert [fault["path"] for fault in refused["faults"]] == ["indicator"]


def test_a_party_that_is_not_there_is_null(api: Api) -> None:
    assert api.run("official_indicators", party="X", **QUARTERS) == {"officialIndicators": None}
    assert api.run("assessment_indicators", party="X", **QUARTERS) == {"assessmentIndicators": None}
    asked = api.run("plan_indicators", zone="X", firstYear=2024, lastYear=2024)
    assert asked == {"planIndicators": None}
