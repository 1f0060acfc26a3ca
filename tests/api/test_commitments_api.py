"""Commitments through the API: promised in the terms, recorded with evidence, confirmed, and due."""

from __future__ import annotations

from typing import Any

from tests.api.journey import Api
from tests.api.terms_documents import tax, terms

CODE = "PROMISES"
PROMISED = {
    "code": "talent_levels",
    "kind": "talent_standard",
    "title": {"zh": "人才等级互认", "en": "Talent levels recognised"},
    "by": ["origin", "host"],
    "due_day": "2024-06-30",
    "equal_levels": [{"origin": "A类", "host": "领军人才"}],
}
NAMED = {"agreement": CODE, "commitment": "talent_levels"}


def in_force(api: Api) -> None:
    api.bring_into_force(terms(CODE, [tax()]) | {"commitments": [PROMISED]})


def uploaded(api: Api) -> str:
    files = {"file": ("互认目录.pdf", b"%PDF made up list", "application/pdf")}
    kept: dict[str, Any] = api.client.post("/files/documents", files=files).json()
    return str(kept["hash"])


def test_a_promise_is_shown_with_its_levels_and_confirmed_by_both_sides(api: Api) -> None:
    in_force(api)
    (promised,) = api.run("commitments", agreement=CODE, today="2024-07-01")["commitments"]
    assert (promised["kind"], promised["state"]) == ("TALENT_STANDARD", "OVERDUE")
    assert promised["equalLevels"] == [
        [{"role": "host", "level": "领军人才"}, {"role": "origin", "level": "A类"}]
    ]
    recorded = api.change(
        "record_commitment",
        **NAMED,
        role="host",
        kind="DONE",
        day="2024-06-01",
        note="互认目录已发布",
        documents=[uploaded(api)],
    )["commitment"]
    assert recorded["state"] == "DONE"
    confirmed = api.change("confirm_commitment", **NAMED, role="origin", sequence=1)["commitment"]
    assert (confirmed["state"], confirmed["records"][0]["confirmedBy"]) == ("CONFIRMED", ["host", "origin"])
    again = api.attempt("confirm_commitment", **NAMED, role="origin", sequence=1)
    assert (again["__typename"], again["code"]) == ("WrongState", "COMMITMENT_SETTLED")


def test_what_is_missing_is_said_with_its_place(api: Api) -> None:
    in_force(api)
    refused = api.attempt(
        "record_commitment",
        **NAMED,
        role="host",
        kind="DONE",
        day="2024-06-01",
        note="已完成",
        reachedCount=1,
    )
    assert [(fault["path"], fault["code"]) for fault in refused["faults"]] == [
        ("reachedCount", "COUNT_UNUSABLE"),
        ("documents", "EVIDENCE_MISSING"),
    ]


def test_what_is_due_stands_on_the_list_of_every_party(api: Api) -> None:
    in_force(api)
    for party in ("ORIGIN", "HOST"):
        page = api.run("due_commitments", party=party, today="2024-04-01")["dueCommitments"]
        (edge,) = page["edges"]
        assert edge["node"]["agreement"]["code"] == CODE
        assert edge["node"]["commitment"]["dueDay"] == "2024-06-30"
    nothing = api.run("due_commitments", party="HOST", today="2024-04-01", daysAhead=10)["dueCommitments"]
    assert nothing["edges"] == []
