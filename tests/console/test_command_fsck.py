"""`parkledger fsck` on a ledger of the test's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.desk.fsck import CHECKS
from ledger_schema.sessions import Database
from tests.api.journey import Api, Figure
from tests.api.signed_in import signed_in
from tests.api.terms_documents import tax, terms
from tests.console.commands import Commands


@pytest.fixture(autouse=True)
def closed(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agreement with a closed quarter, logged."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PARKLEDGER_HOME", str(tmp_path / "home"))
    with signed_in(database_url) as client:
        api = Api(client)
        api.bring_into_force(terms("A-1", [tax()]))
        api.hand_in("A-1", "2024Q1", [Figure("retained_tax", "100.00")])
        api.settle("A-1", "2024Q1")
        client.accounts.dismiss()


def test_an_untouched_ledger_passes_every_check(run: Commands) -> None:
    assert run("log", "sequence") == 0
    assert run("fsck") == 0
    assert run.out.count("相符 as expected") == len(CHECKS)


def test_one_agreement_is_checked_by_itself(run: Commands) -> None:
    assert run("fsck", "--agreement", "A-1", "--since", "2024Q1", "--json") == 0
    checks = [json.loads(line) for line in run.out.splitlines()]
    assert [one["check"] for one in checks] == [check.code for check in CHECKS if check.by_agreement]
    assert run("fsck", "--agreement", "B-1") == 2


def test_settlements_from_before_the_quarter_named_are_left_out(run: Commands, database_url: str) -> None:
    falsify(database_url)
    assert run("fsck", "--since", "2024Q2") == 0


def test_a_changed_amount_is_told_with_its_row_and_ends_with_one(run: Commands, database_url: str) -> None:
    falsify(database_url)
    assert run("fsck") == 1
    assert "].amount_minor\n    应为 expected: 5000\n    实为 found: 5001\n" in run.out
    assert run("fsck", "--json") == 1
    found = [one for line in run.out.splitlines() for one in json.loads(line)["mismatches"]]
    # The leaf that was made of the allocations is another one now, too.
    changed = {("allocation", "amount_minor"), ("allocation", "*")}
    assert {(one["table"], one["column"]) for one in found} == changed
    assert found[0]["key"]["booked_quarter"] == "20241"


def falsify(database_url: str) -> None:
    """What only the owner of the tables can do, against all guards."""
    database = Database(database_url)
    with database.owner() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE allocation SET amount_minor = amount_minor + 1"))
    database.dispose()
