"""Of many rows under one hash the one that was changed is named, and the others aren't."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from excerpt_room import CODES, ExcerptRoom, FurnishedDatabase, furnish
from sqlalchemy import text

from ledger.desk import enterprises, fsck
from ledger.desk.enterprises import packed_entry_hashes
from ledger.desk.fsck import CHECK_BY_CODE, Mismatch, Scope
from ledger_schema.sessions import Database

OF_RETURN = "UPDATE return_line SET {} WHERE filing_id = :filing"

TELL_ELSE = """
    UPDATE event SET canonical = said, hash = sha256(said)
    FROM (
        SELECT event_id AS told,
            convert_to(regexp_replace(convert_from(canonical, 'UTF8'), :pattern, :instead), 'UTF8') AS said
        FROM event WHERE kind = :kind
    ) AS forged
    WHERE event_id = told
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def furnished(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> FurnishedDatabase:
    return furnish(module_database_url, tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="module")
def furnished_database(furnished: FurnishedDatabase) -> str:
    return furnished.name


@pytest.fixture
def room(furnished: FurnishedDatabase, database: Database, tmp_path: Path) -> ExcerptRoom:
    return furnished.room_in_copy(database, tmp_path)


@pytest.fixture
def filing_id(room: ExcerptRoom) -> int:
    """A return of three enterprises: the first has lines 1 and 4."""
    return room.report("2024Q3", "1.00", "2.00", "3.00")


def forge(room: ExcerptRoom, statement: str, **values: object) -> None:
    """What only the owner of the tables can do, against all guards."""
    with room.desk.database.owner() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        assert connection.execute(text(statement), values).rowcount


def found_by(room: ExcerptRoom, check: str) -> list[Mismatch]:
    with room.desk.database.reading() as connection:
        return list(fsck.look(CHECK_BY_CODE[check], Scope(connection, room.desk.agreement_id)))


def lines_named(room: ExcerptRoom, filing_id: int, check: str) -> list[int]:
    """The lines that a check names, all of the return."""
    found = found_by(room, check)
    assert {(one.table, one.key["filing_id"]) for one in found} == {("return_line", str(filing_id))}
    return [int(one.key["line"]) for one in found]


def subject_of(room: ExcerptRoom, credit_code: str) -> int:
    with room.desk.database.reading() as connection:
        return enterprises.id_by_code(connection, credit_code)


@pytest.mark.parametrize(
    ("line", "named"), [(1, [1, 4]), (2, [2]), (3, [3]), (4, [1, 4])], ids=["first", "2nd", "3rd", "monthly"]
)
@pytest.mark.parametrize("change", ["amount_minor = 5", "document = 'x'", "measure_id = measure_id + 1"])
def test_a_changed_line_names_the_lines_of_its_enterprise_and_no_others(
    room: ExcerptRoom, filing_id: int, line: int, named: list[int], change: str
) -> None:
    forge(room, OF_RETURN.format(change) + " AND line = :line", filing=filing_id, line=line)
    assert lines_named(room, filing_id, "salts") == named


def test_a_line_that_nobody_can_read_is_named_as_a_line_of_its_return(
    room: ExcerptRoom, filing_id: int
) -> None:
    with room.desk.database.owner() as connection:
        connection.execute(text("ALTER TABLE return_line ALTER measure_id DROP NOT NULL"))
    forge(room, OF_RETURN.format("measure_id = NULL") + " AND line = 2", filing=filing_id)
    (found,) = found_by(room, "lines")
    assert (found.table, found.key["filing_id"]) == ("return_line", str(filing_id))


@pytest.mark.parametrize("subject", [1, 2**60])
def test_a_line_given_to_an_enterprise_without_one_is_named_and_the_leaves_beside_it_hold(
    room: ExcerptRoom, filing_id: int, subject: int
) -> None:
    change = OF_RETURN.format("subject_id = :subject") + " AND line = 2"
    forge(room, change, filing=filing_id, subject=subject)
    assert lines_named(room, filing_id, "salts") == [2]


def test_lines_that_two_enterprises_exchanged_are_named(room: ExcerptRoom, filing_id: int) -> None:
    second, third = (subject_of(room, code) for code in CODES[1:])
    change = OF_RETURN.format("subject_id = :second + :third - subject_id") + " AND line IN (2, 3)"
    forge(room, change, filing=filing_id, second=second, third=third)
    assert lines_named(room, filing_id, "salts") == [2, 3]


def test_a_line_that_is_gone_and_one_too_many_are_named_by_their_numbers(
    room: ExcerptRoom, filing_id: int
) -> None:
    forge(room, OF_RETURN.format("line = 9") + " AND line = 4", filing=filing_id)
    assert lines_named(room, filing_id, "lines") == [4, 9]


def test_another_secret_or_other_leaves_accuse_no_line(room: ExcerptRoom) -> None:
    for column in ("secret", "leaves"):
        forge(room, f"UPDATE salted_tree SET {column} = set_byte({column}, 20, 255 - get_byte({column}, 20))")
    assert {(one.table, one.column) for one in found_by(room, "salts")} == {
        ("salted_tree", "secret"),
        ("salted_tree", "leaves"),
    }


def test_another_root_than_that_of_the_leaves_is_named(room: ExcerptRoom) -> None:
    """As if the wrong root had been recorded."""
    forge(room, TELL_ELSE, kind="settlement_salted", pattern='"root":"..', instead='"root":"zz')
    found = found_by(room, "salts")
    assert [(one.table, one.column, one.expected[:7]) for one in found] == [
        ("salted_tree", "leaves", "root zz")
    ] * 2


def test_another_credit_code_is_named_by_the_allocations_of_its_enterprise(room: ExcerptRoom) -> None:
    forge(room, "UPDATE enterprise SET credit_code = :new WHERE credit_code = :old",
          new=CODES[0][:-1] + "Z", old=CODES[0])  # fmt: skip
    found = found_by(room, "salts")
    assert {one.table for one in found} == {"allocation"}
    assert {one.key["subject_id"] for one in found} == {str(subject_of(room, CODES[0][:-1] + "Z"))}


def test_a_changed_entry_of_a_list_is_named_and_no_other(room: ExcerptRoom) -> None:
    second = subject_of(room, CODES[1])
    change = "UPDATE enterprise_list_entry SET name_zh = '另一家' WHERE enterprise_id = :enterprise"
    forge(room, change, enterprise=second)
    agreement_id = str(room.desk.agreement_id)
    assert [(one.table, one.key) for one in found_by(room, "lists")] == [
        (
            "enterprise_list_entry",
            {"agreement_id": agreement_id, "version": "1", "enterprise_id": str(second)},
        )
    ]


def test_a_list_is_named_as_a_whole_where_its_hashes_were_changed_with_an_entry(room: ExcerptRoom) -> None:
    forge(room, "DELETE FROM enterprise_list_entry")
    forge(room, "UPDATE enterprise_list SET entry_hashes = :hashes", hashes=packed_entry_hashes([]))
    whole = {"agreement_id": str(room.desk.agreement_id), "version": "1"}
    assert [(one.table, one.column, one.key) for one in found_by(room, "lists")] == [
        ("enterprise_list", "entry_hashes", whole),
        ("enterprise_list_entry", "*", whole),
    ]


def test_of_a_list_of_before_its_entries_were_hashed_the_whole_is_named(room: ExcerptRoom) -> None:
    told = '"entry_hashes_sha256":"[^"]*",'
    forge(room, TELL_ELSE, kind="enterprise_list_submitted", pattern=told, instead="")
    forge(room, "UPDATE enterprise_list SET entry_hashes = NULL")
    assert found_by(room, "lists") == []
    forge(room, "UPDATE enterprise_list_entry SET name_zh = '另一家' WHERE enterprise_id = :enterprise",
          enterprise=subject_of(room, CODES[1]))  # fmt: skip
    (found,) = found_by(room, "lists")
    assert found.key == {"agreement_id": str(room.desk.agreement_id), "version": "1"}
