"""`parkledger changes`: what differs between two moments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.api.test_cases import CREDIT_CODE
from tests.console.commands import Commands

ENGLISH = ("--language", "en")
EVER = ("--from", "2020-01-01")


@pytest.fixture
def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An agreement with a list, a return, and terms that change in the second quarter."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    with signed_in(database_url) as client:
        api = Api(client)
        api.bring_into_force(terms("A-1", [tax()]))
        api.confirm_list("A-1", [{"creditCode": CREDIT_CODE, "nameZh": "甲公司"}])
        api.hand_in("A-1", "2024Q1", [Figure("retained_tax", "1000.00")])
        yield api


@pytest.mark.usefixtures("api")
def test_entries_of_the_list_are_told_field_by_field(run: Commands) -> None:
    assert run("changes", "list", "A-1", *EVER, *ENGLISH) == 0
    assert run.out.splitlines()[0] == "Versions: — → 1"
    assert run.out.splitlines()[-1].split() == [CREDIT_CODE, "甲公司", "added", "name_zh", "—", "甲公司"]


@pytest.mark.usefixtures("api")
def test_lines_of_a_return_are_told_with_their_amounts(run: Commands) -> None:
    assert run("changes", "return", "A-1", "2024Q1", "host", *EVER, *ENGLISH) == 0
    assert run.out.splitlines()[-1].split()[-4:] == ["2024Q1", "—", "1,000.00", "yuan"]


def test_clauses_are_told_with_both_texts(api: Api, run: Commands) -> None:
    then = api.run("events", code="A-1", first=50)["agreement"]["events"]["edges"][-1]["node"]["recordedAt"]
    api.amend(terms("A-1", [tax({"origin": "3/4", "host": "1/4"})], since="2024Q2"))
    assert run("changes", "terms", "A-1", "2024Q2", "--from", then, *ENGLISH) == 0
    assert "Versions: 1 → 2" in run.out
    assert "Clause 1: changed" in run.out
    assert any(line.startswith("- ") and "1/2" in line for line in run.out.splitlines())
    assert any(line.startswith("+ ") and "3/4" in line for line in run.out.splitlines())
    assert run("changes", "terms", "A-1", "2024Q1", "--from", then, "-l", "zh") == 0
    assert run.out.strip() == "版本：1 → 1"
