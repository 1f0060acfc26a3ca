"""`parkledger export`: what an auditor's criteria find, in a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_console.command.program import EXIT_REFUSED
from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.console.commands import Commands


@pytest.fixture
def api(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An agreement with one closed quarter."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    with signed_in(database_url) as client:
        api = Api(client)
        api.bring_into_force(terms("A", [tax()]))
        api.hand_in("A", "2024Q1", [Figure("retained_tax", "100.00")])
        api.settle("A", "2024Q1")
        yield api


@pytest.mark.usefixtures("api")
def test_what_the_criteria_find_is_written_to_a_file(run: Commands, tmp_path: Path) -> None:
    made = tmp_path / "found.csv"
    criteria = ("--agreement", "A", "--party", "ORIGIN", "--from", "2024Q1", "--state", "closed")
    assert run("export", "allocations", *criteria, "-o", str(made)) == 0
    (row,) = csv.DictReader(made.read_text("utf-8-sig").splitlines())
    assert (row["party"], row["quarter"], row["commodity"]) == ("ORIGIN", "2024Q1", "CNY")
    assert run("export", "events", "--format", "jsonl", "-o", str(made)) == 0
    assert {json.loads(line)["kind"] for line in made.read_text().splitlines()} > {"settlement_closed"}


@pytest.mark.usefixtures("api")
def test_a_criterion_that_names_nothing_is_refused(run: Commands) -> None:
    assert run("export", "allocations", "--party", "NOBODY") == EXIT_REFUSED
