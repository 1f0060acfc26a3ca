"""`parkledger pairing`, `review` and `commitments` on an agreement of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_console.command.worklists import COMMANDS
from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.api.test_pairings_api import register
from tests.console.commands import Commands

BETWEEN = ("--from", "2024Q1", "--to", "2024Q4")
PROMISE = {
    "code": "exchange",
    "kind": "people_exchange",
    "title": {"zh": "互派干部", "en": "Officials exchanged"},
    "by": ["origin"],
    "due_day": "2024-06-30",
    "target_count": 10,
}


@pytest.fixture
def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The host owes the origin 50.00 of the first quarter; ten people are promised."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    with signed_in(database_url) as client:
        api = Api(client)
        api.bring_into_force(terms("A-1", [tax()]) | {"commitments": [PROMISE]})
        api.hand_in("A-1", "2024Q1", [Figure("retained_tax", "100.00")])
        api.settle("A-1", "2024Q1")
        yield api


@pytest.mark.usefixtures("api")
def test_a_pairing_and_the_nation_are_shown(run: Commands, tmp_path: Path) -> None:
    assert run("pairing", "show", "HOST", "ORIGIN", *BETWEEN, "--language", "en") == 0
    assert "HOST → ORIGIN" in run.out
    assert "commitments overdue: 1" in run.out
    assert run("pairing", "matrix", "--by", "region", *BETWEEN) == 0
    assert "50.00" in run.out
    assert run("pairing", "matrix", "--by", "region", *BETWEEN, "--known-at", "2020-01-01") == 0
    assert "50.00" not in run.out
    assert run("pairing", "ranking", *BETWEEN) == 0
    assert run("pairing", "trend", *BETWEEN, "--language", "en") == 0
    assert run.out.splitlines()[-1].split() == ["2024", "tax", "revenue", "sharing", "50.00"]
    assert run("pairing", "matrix", "--by", "town", *BETWEEN) == 2
    paper = tmp_path / "review.xlsx"
    assert run("pairing", "paper", "HOST", "ORIGIN", *BETWEEN, "-o", str(paper)) == 0
    assert paper.read_bytes().startswith(b"PK")


def test_the_paper_comes_over_http_too(api: Api) -> None:
    asked = {"one": "HOST", "other": "ORIGIN", "from": "2024Q1", "to": "2024Q4", "language": "en"}
    got = api.client.get("/files/pairing", params=asked)
    assert (got.status_code, got.content[:2]) == (200, b"PK")
    assert api.client.get("/files/pairing", params={**asked, "format": "doc"}).status_code == 400


@pytest.mark.usefixtures("api")
def test_due_commitments_reviews_and_evaluations_are_listed(run: Commands) -> None:
    assert run("commitments", "HOST", "--today", "2024-06-01", "--language", "en") == 0
    assert "Officials exchanged" in run.out
    assert run("review", "list", "--language", "en") == 0
    assert "0 items" in run.out
    assert run("review", "evaluations", "A-1") == 0


def test_the_worklist_has_commitments_and_requests_of_the_province_too(api: Api, run: Commands) -> None:
    register(api, "GOV", "GOVERNMENT", "530000", "WEST")
    register(api, "ASKED", "ZONE", "530000", "WEST")
    finding = {"reviewer": "GOV", "party": "ASKED", "title": "付款逾期", "content": "未付"}
    review = api.change("open_review", **finding)["review"]["id"]
    asked = {"party": "GOV", "content": "请说明", "addressed": "ASKED", "dueDay": "2024-06-07"}
    api.change("request_correction", review=review, **asked)
    answer = "付款逾期 answer the request for correction answerReview (API) ASKED 3"
    record = "A-1 exchange keep the commitment and record it recordCommitment (API) the origin side"
    for party, row in (
        ("ASKED", f"2024-06-07 to do {answer}"),
        ("GOV", f"2024-06-07 awaited {answer}"),
        ("HOST", f"2024-06-30 awaited {record}"),
    ):
        assert run("worklist", party, "--today", "2024-06-10", "--days", "20", "-l", "en") == 0
        assert row in [" ".join(line.split()) for line in run.out.splitlines()]
    assert run("worklist", "HOST", "--today", "2024-06-10", "--days", "19") == 0
    assert run.out.endswith("共 0 项 / 0 items\n")


@pytest.mark.parametrize("command", COMMANDS.values())
def test_a_command_that_the_worklist_names_is_one(command: str, run: Commands) -> None:
    assert run(*command.split(), "--help") == 0


def test_platforms_on_offer_are_listed(api: Api, run: Commands) -> None:
    promise = PROMISE | {"code": "platforms", "kind": "shared_platform", "target_count": None}
    api.bring_into_force(terms("A-2", [tax()]) | {"commitments": [promise]})
    api.change(
        "share_resource",
        agreement="A-2",
        role="origin",
        code="microscope",
        commitment="platforms",
        kind="PLATFORM",
        nameZh="电镜平台",
        nameEn="Microscopes",
        field="新材料",
        offer="透射电镜机时",
        fromDay="2024-01-01",
    )
    found = ("--text", "电镜", "--kind", "platform", "--owner", "ORIGIN", "--today", "2024-01-01")
    assert run("resources", "HOST", *found, "--language", "en") == 0
    assert "Microscopes" in run.out
    assert run("resources", "HOST", "--kind", "expert") == 0
    assert "0 items" in run.out
