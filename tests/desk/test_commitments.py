"""Commitments: recorded with evidence by one side, confirmed by the other, late when not kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count

import pytest
from commitment_room import DAY, EVIDENCE, PromisingRoom, open_promising_room, promise
from desk_fixtures import clause
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.desk import commitments
from ledger.desk.agreements import RoleDoesNotSign
from ledger.desk.commitments import (
    CommitmentAlreadyConfirmed,
    CommitmentOvertaken,
    CommitmentSettled,
    CommitmentState,
)
from ledger.desk.failures import NotFound, RequestRefused
from ledger.errors import LedgerError
from ledger.evidence.canonical import digest
from ledger_schema.sessions import Database

LATE = date(2024, 7, 1)
CODES = count(1)


@pytest.fixture
def room(database_url: str) -> Iterator[PromisingRoom]:
    database = Database(database_url)
    yield open_promising_room(database)
    database.dispose()


@pytest.fixture(scope="module")
def database(module_database_url: str) -> Iterator[Database]:
    database = Database(module_database_url)
    yield database
    database.dispose()


def test_a_promise_of_the_terms_is_open_until_its_day_and_overdue_after_it(room: PromisingRoom) -> None:
    assert room.commitment(date(2024, 6, 30)).state is CommitmentState.OPEN
    assert room.commitment(LATE).state is CommitmentState.OVERDUE


def test_what_one_side_recorded_as_done_counts_once_the_other_confirmed(room: PromisingRoom) -> None:
    sequence = room.record("done")
    recorded = room.commitment(LATE)
    assert recorded.state is CommitmentState.DONE
    assert recorded.records[-1].documents == [digest(EVIDENCE)]
    assert recorded.records[-1].confirmed_by == ["origin"]
    room.confirm(sequence)
    assert room.commitment(LATE).state is CommitmentState.CONFIRMED
    with pytest.raises(CommitmentSettled):
        room.record("progress", count=11)


def test_giving_up_needs_both_sides_and_no_evidence(room: PromisingRoom) -> None:
    sequence = room.record("dropped", count=None, evidence=None)
    assert room.commitment(DAY).state is CommitmentState.OPEN
    room.confirm(sequence)
    assert room.commitment(LATE).state is CommitmentState.DROPPED


def test_a_later_record_takes_the_place_of_an_earlier_one(room: PromisingRoom) -> None:
    first = room.record("done")
    second = room.record("progress", role="host", count=4, evidence=None)
    assert room.commitment(DAY).state is CommitmentState.OPEN
    assert room.commitment(DAY).reached_count == 4
    with pytest.raises(CommitmentOvertaken):
        room.confirm(first)
    with pytest.raises(CommitmentAlreadyConfirmed):
        room.confirm(second, "host")
    with pytest.raises(NotFound):
        room.confirm(3)


@pytest.mark.parametrize(
    ("count_reached", "evidence", "note", "path"),
    [
        (9, EVIDENCE, "未达标", "reachedCount"),
        (None, EVIDENCE, "未填", "reachedCount"),
        (10, None, "无凭证", "documents"),
        (10, EVIDENCE, " ", "note"),
    ],
)
def test_done_needs_the_target_evidence_and_words(
    room: PromisingRoom, count_reached: int | None, evidence: bytes | None, note: str, path: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        room.record("done", count=count_reached, evidence=evidence, note=note)
    assert [fault.path for fault in refused.value.faults] == [path]


def test_who_does_not_sign_records_nothing_and_an_unknown_promise_is_not_there(room: PromisingRoom) -> None:
    with pytest.raises(NotFound):
        room.record("done", code="other")
    with pytest.raises((RoleDoesNotSign, NotFound)):
        room.record("done", role="province")


def test_a_document_that_is_not_kept_proves_nothing(room: PromisingRoom) -> None:
    draft = commitments.RecordDraft("done", DAY, "说明", 10, [bytes(32)])
    with pytest.raises(NotFound):
        commitments.record_commitment(
            room.database, room.act(), room.agreement_id, "origin", "exchange", draft
        )


def test_an_amendment_keeps_what_was_recorded_and_drops_what_it_no_longer_names(room: PromisingRoom) -> None:
    room.record("progress", count=3, evidence=None)
    room.promised = [promise(target_count=20), promise("fund", kind="joint_fund", target_count=None)]
    room.amend(clause(), starts="2024Q1")
    assert room.commitment().promise.target_count == 20
    assert room.commitment().reached_count == 3
    room.promised = [promise("fund", kind="joint_fund", target_count=None)]
    room.amend(clause(), starts="2024Q1")
    with pytest.raises(NotFound):
        room.record("progress", count=4, evidence=None)


def test_what_is_due_is_listed_for_every_party_of_the_agreement_until_it_is_confirmed(
    room: PromisingRoom,
) -> None:
    def due(role: str, until: date) -> list[str]:
        with room.database.reading() as connection:
            found = commitments.due_commitments(connection, room.party_id(role), DAY, until)
        return [one.promise.code for one in found]

    assert due("host", date(2024, 6, 29)) == []
    assert due("host", date(2024, 6, 30)) == due("origin", LATE) == ["exchange"]
    room.confirm(room.record("done"))
    assert due("host", LATE) == []


def test_the_same_act_again_is_a_replay(room: PromisingRoom) -> None:
    draft = commitments.RecordDraft("progress", DAY, "两人到岗", 2)
    act = room.act()
    done = [
        commitments.record_commitment(room.database, act, room.agreement_id, "origin", "exchange", draft)
        for _ in range(2)
    ]
    assert [(one.value, one.replayed) for one in done] == [(1, False), (1, True)]
    assert len(room.commitment().records) == 1


records = st.tuples(
    st.just("record"), st.sampled_from(["progress", "done", "dropped"]), st.sampled_from(["origin", "host"])
)
confirmations = st.tuples(st.just("confirm"), st.integers(0, 1), st.sampled_from(["origin", "host"]))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.one_of(records, confirmations), max_size=8))
def test_whatever_the_sides_do_the_state_is_that_of_a_simple_account(
    database: Database, acts: list[tuple[str, str, str]]
) -> None:
    room = open_promising_room(database, code=f"MODEL-{next(CODES)}")
    kept: list[tuple[str, set[str]]] = []
    for what, value, role in acts:
        ended = bool(kept) and kept[-1][0] != "progress" and kept[-1][1] == {"origin", "host"}
        try:
            if what == "record":
                room.record(value, role)  # type: ignore[arg-type]  # drawn from the three kinds
            else:
                room.confirm(len(kept) - int(value), role)
        except LedgerError:
            assert ended or (what == "confirm" and (not kept or int(value) != 0 or role in kept[-1][1]))
            continue
        assert not ended
        if what == "record":
            kept.append((value, {role}))
        else:
            kept[-1][1].add(role)
    kind, confirmed = kept[-1] if kept else ("progress", set())
    is_confirmed = confirmed == {"origin", "host"}
    expected = {
        "progress": CommitmentState.OVERDUE,
        "done": CommitmentState.CONFIRMED if is_confirmed else CommitmentState.DONE,
        "dropped": CommitmentState.DROPPED if is_confirmed else CommitmentState.OVERDUE,
    }
    assert room.commitment(LATE).state is expected[kind]
