"""Two agreements over three enterprises each, reported by both sides, closed for two quarters and logged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree

from bundle_room import BundleRoom
from desk_fixtures import clause, enterprise
from reconciliation_fixtures import figure, open_desk, procedure
from sqlalchemy import make_url

from ledger.desk import bundles
from ledger.desk.log import LogFiles
from ledger.evidence.excerpts import Excerpt
from ledger.periods import Quarter
from ledger_schema.sessions import Database

ENTERPRISES = [enterprise(place) for place in (1, 2, 3)]
CODES = [one.credit_code for one in ENTERPRISES]
LISTED = clause(whose={"scope": "listed_enterprises"})


@dataclass
class ExcerptRoom(BundleRoom):
    """Ways to hand in what enterprises paid, and to ask for excerpts."""

    def report(self, quarter: str, *amounts: str, role: str = "host") -> int:
        """A month's and a quarter's figure of the first enterprise, one figure of each other."""
        year, of_year = quarter.split("Q")
        lines = [figure(amount, quarter, code) for amount, code in zip(amounts, CODES, strict=False)]
        monthly = figure("7.00", f"{year}-{int(of_year) * 3:02d}", CODES[0], "凭证-2")
        room = self.desk.room
        return room.hand_in_lines(quarter, [*lines, monthly], role=role).filing_id

    def settle(self, quarter: str, *amounts: str) -> int:
        """Both sides report the same, and the quarter is closed."""
        self.report(quarter, *amounts, role="origin")
        self.report(quarter, *amounts)
        return self.desk.settle(quarter)

    def excerpt(self, quarter: str, credit_code: str) -> Excerpt:
        agreement_id = self.desk.agreement_id
        with self.desk.database.reading() as connection:
            settlement_id = bundles.closed_settlement_of(connection, agreement_id, Quarter.parse(quarter))
            return bundles.enterprise_excerpt(
                connection, self.log_key, agreement_id, settlement_id, credit_code
            )


@dataclass(frozen=True)
class FurnishedDatabase:
    """A database with a room that nobody is connected to, for tests to copy."""

    name: str
    room: ExcerptRoom
    folder: Path

    def room_in_copy(self, database: Database, folder: Path) -> ExcerptRoom:
        """The room in ``database``, a copy of this one, with a copy of its log's files in ``folder``."""
        copytree(self.folder, folder, dirs_exist_ok=True)
        desk = self.room.desk
        in_copy = replace(desk.room, database=database, keys=dict(desk.room.keys))
        return replace(self.room, desk=replace(desk, room=in_copy), files=LogFiles(folder))


def furnish(database_url: str, folder: Path) -> FurnishedDatabase:
    """The database with an excerpt room, the log's files in ``folder``."""
    database = Database(database_url)
    room = open_excerpt_room(database, folder)
    database.dispose()
    return FurnishedDatabase(make_url(database_url).database or "", room, folder)


def open_excerpt_room(database: Database, folder: Path, *, code: str = "A-1") -> ExcerptRoom:
    """2024Q1 of three enterprises, handed in twice by the host; 2024Q2 of the first two; all cosigned."""
    room = ExcerptRoom(open_desk(database, LISTED, terms=procedure(), code=code), LogFiles(folder))
    room.desk.room.confirm_list(*ENTERPRISES)
    room.report("2024Q1", "1.00", "2.00", "3.00")
    room.settle("2024Q1", "100.00", "200.00", "300.00")
    room.settle("2024Q2", "11.00", "22.00")
    head = room.sequence()
    for role in ("origin", "host"):
        room.cosign(head, role)
    return room
