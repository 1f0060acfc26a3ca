"""The procedures of docs/coverage.md: every act of a row leads to the state that the page states."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_fixtures import Document, clause, open_room, totals_of
from signing_room import SigningRoom

from ledger.desk import reconciliation, returns
from ledger.desk.returns import LineDraft
from ledger.periods import Quarter
from ledger_schema.sessions import Database

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"
FIRST = "2024Q1"
CODE = re.compile(r"`([^`]+)`")


def rows() -> list[list[str]]:
    """Every row of the table: number, primitive, procedure, acts and states."""
    (text,) = re.findall(r"^## Procedures\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]


class Quarterly:
    """The first quarter of an agreement, worked through as the page says."""

    def __init__(self, database: Database, procedure: Document) -> None:
        room = open_room(database, clause(), procedure=procedure, make=SigningRoom)
        assert isinstance(room, SigningRoom)
        self.room, self.procedure = room, procedure
        self.settlement_id = 0

    def state_after(self, act: str) -> str:
        match act.split():
            case [role, "hands", "in", amount]:
                return self.hand_in(role, amount)
            case [role, "certifies"]:
                return self.certify(role)
            case [role, "signs"]:
                self.room.sign(self.settlement_id, role)
            case [*_, "reopen"]:
                number = self.room.request(FIRST)
                self.room.sign_request(FIRST, number, *self.procedure["reopened_by"])
                self.room.carry_out(FIRST, number)
            case ["compute"]:
                self.settlement_id = self.room.compute(FIRST)
            case ["propose"]:
                self.room.propose(self.settlement_id)
            case ["close"]:
                self.room.close(FIRST, self.settlement_id)
                return (
                    f"{self.settled()}, origin {self.room.shares(self.settlement_id).get('origin', '0.00')}"
                )
            case _:
                raise ValueError(act)
        return self.settled()

    def settled(self) -> str:
        return self.room.standing(self.settlement_id).state.value

    def hand_in(self, role: str, amount: str) -> str:
        lines = [LineDraft(None, "retained_tax", FIRST, amount, "凭证-1")]
        totals = totals_of(lines).items()
        returns.hand_in(
            self.room.database,
            self.room.act(),
            self.room.agreement_id,
            role,
            Quarter.parse(FIRST),
            lines,
            totals=totals,
            person="张三",
        )
        return self.compared() if self.procedure.get("reconciliations") else self.counting(role)

    def certify(self, role: str) -> str:
        (filing,) = self.filings(role)
        returns.certify_return(
            self.room.database, self.room.act(), self.room.agreement_id, filing.filing_id, role, "李四"
        )
        return self.counting(role)

    def counting(self, role: str) -> str:
        (filing,) = self.filings(role)
        return "awaits certification" if filing.awaits_certification else "counts"

    def filings(self, role: str) -> list[returns.Filing]:
        with self.room.database.reading() as connection:
            found = returns.filings(connection, self.room.agreement_id)
        return [filing for filing in found if filing.role == role]

    def compared(self) -> str:
        with self.room.database.reading() as connection:
            report = reconciliation.reconciliation(
                connection, self.room.agreement_id, Quarter.parse(FIRST), None
            )
        (group,) = report.groups
        return group.outcome.value


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.mark.parametrize("cells", rows(), ids=lambda cells: f"{cells[0]}: {cells[1]}")
def test_acts_of_the_row_lead_to_the_states_that_the_page_states(
    database: Database, cells: list[str]
) -> None:
    quarterly = Quarterly(database, json.loads(cells[2].strip("`")))
    acts = CODE.findall(cells[3])
    assert acts
    for act, state in zip(acts[::2], acts[1::2], strict=True):
        assert quarterly.state_after(act) == state, act
