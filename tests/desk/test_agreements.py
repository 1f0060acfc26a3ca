"""Agreements: the life of a version, signatures that count and those that don't, amendments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from desk_fixtures import NAMES, SIGNING, Room, clause, open_room
from sqlalchemy import select, update
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk.acts import Act, Done, KeyReused, Queue, queue_on
from ledger.desk.agreements import (
    AgreementDraft,
    AgreementEnded,
    AgreementVersion,
    AlreadySigned,
    KeyNotRegistered,
    RoleDoesNotSign,
    SideDraft,
    SignaturesMissing,
    SignatureWrong,
    TermsRepeated,
    VersionInOtherState,
    VersionOvertaken,
    agreement,
    agreement_by_code,
    agreements,
    bring_into_force,
    draft_agreement,
    draft_version,
    hold_open_quarter,
    open_quarter,
    propose_version,
    sign_version,
    terms_in_force,
    version,
    versions,
    withdraw_version,
)
from ledger.desk.failures import NotFound, RequestRefused
from ledger.desk.roster import PartyDraft, register_key, register_party
from ledger.evidence.signatures import new_private_key, public_key_of, sign
from ledger.periods import Quarter
from ledger.rules.check import TermsRefused
from ledger_schema.sessions import Database
from ledger_schema.tables import agreement_quarter, event

ROLES = ("origin", "host", "fund")
FIRST = Quarter(2024, 1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    """Version 1 of an agreement whose fund doesn't sign, as a draft."""
    drafted = Room(database, roles={role: f"A-1-{role.upper()}" for role in ROLES})
    for role, code in drafted.roles.items():
        name_zh, name_en = NAMES[role]
        draft = PartyDraft(code=code, kind="zone", name_zh=name_zh, name_en=name_en, source="made up")
        register_party(database, drafted.act(), draft)
        drafted.keys[role] = new_private_key()
        register_key(database, drafted.act(), code, public_key_of(drafted.keys[role]), "test key")
    drafted.agreement_id = draft_agreement(database, drafted.act(), draft_of(drafted)).value
    return drafted


def draft_of(room: Room, **changes: Any) -> AgreementDraft:
    sides = [SideDraft(role, code, role in SIGNING) for role, code in room.roles.items()]
    draft = AgreementDraft(
        code=room.code,
        kind="enclave",
        title_zh="甲乙共建园区合作协议",
        title_en="Agreement of A and B",
        source="made up for a test",
        unverified="all of it is made up",
        sides=sides,
        terms=room.terms((clause(),), str(FIRST)),
    )
    return replace(draft, **changes)


def terms_of(
    room: Room, *, starts: str = "2024Q1", last_quarter: str | None = None, **parts: Any
) -> dict[str, Any]:
    """Terms that differ from version 1 by their clause's shares."""
    changed = clause(shares={"origin": "3/5", "host": "2/5"}, **parts)
    return room.terms((changed,), starts, last_quarter)


def drafted(room: Room, terms: dict[str, Any]) -> int:
    return draft_version(room.database, room.act(), room.agreement_id, terms).value


def proposed(room: Room, number: int = 1) -> int:
    return propose_version(room.database, room.act(), room.agreement_id, number).value


def in_force(room: Room, number: int = 1) -> int:
    return bring_into_force(room.database, room.act(), room.agreement_id, number).value


def signed(
    room: Room,
    role: str,
    number: int = 1,
    *,
    private_key: bytes | None = None,
    content: bytes | None = None,
    act: Act | None = None,
) -> Done[int]:
    key = private_key or room.keys[role]
    signature = sign(key, read(room, number).terms_bytes if content is None else content)
    return sign_version(
        room.database, act or room.act(), room.agreement_id, number, role, public_key_of(key), signature
    )


def read(room: Room, number: int = 1) -> AgreementVersion:
    with room.database.reading() as connection:
        return version(connection, room.agreement_id, number)


def now(room: Room) -> datetime:
    """The server's own time, between two acts."""
    with room.database.reading() as connection:
        moment = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    assert isinstance(moment, datetime)
    return moment


def events_of(room: Room) -> list[dict[str, Any]]:
    with room.database.reading() as connection:
        rows = connection.execute(
            select(event.c.canonical)
            .where(event.c.agreement_id == room.agreement_id)
            .order_by(event.c.event_id)
        )
        return [json.loads(row.canonical) for row in rows]


# --- drafting ---------------------------------------------------------------------------------------------


def test_drafted_agreement_shows_its_parties_and_first_version(room: Room) -> None:
    with room.database.reading() as connection:
        found = agreement(connection, room.agreement_id)
        assert agreement_by_code(connection, "A-1") == found
        assert open_quarter(connection, room.agreement_id) is None
        assert terms_in_force(connection, room.agreement_id) == []
    assert (found.kind, found.title_zh, found.unverified) == (
        "enclave",
        "甲乙共建园区合作协议",
        "all of it is made up",
    )
    assert [(side.role, side.signs) for side in found.parties] == [
        ("fund", False),
        ("host", True),
        ("origin", True),
    ]
    first = read(room)
    assert (first.state, first.in_force_from, first.signatures) == ("draft", FIRST, [])


def test_bytes_to_sign_are_canonical_and_hold_the_whole_document(room: Room) -> None:
    first = read(room)
    document = json.loads(first.terms_bytes)
    assert first.terms_hash == hashlib.sha256(first.terms_bytes).digest()
    assert document == first.terms.model_dump(mode="json")
    assert document["agreement"] == "A-1"
    assert (
        first.terms_bytes
        == json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    )


def test_events_of_a_draft_name_its_terms_by_their_hash(room: Room) -> None:
    about, first = events_of(room)
    assert (about["kind"], about["data"]["code"]) == ("agreement_drafted", "A-1")
    assert (first["kind"], first["data"]) == (
        "version_drafted",
        {"version": 1, "terms_sha256": read(room).terms_hash.hex(), "in_force_from": "2024Q1"},
    )


def test_all_faults_of_a_draft_are_named_at_once(room: Room) -> None:
    terms = {**room.terms((clause(),), "2024Q1"), "agreement": "A-9"}
    sides = [SideDraft("origin", "NOBODY", True), SideDraft("origin", "A-1-HOST", False)]
    draft = draft_of(room, kind="club", title_zh="", title_en="a\tb", sides=sides, terms=terms)
    with pytest.raises(RequestRefused) as caught:
        draft_agreement(room.database, room.act(), draft)
    assert [(fault.path, fault.code) for fault in caught.value.faults] == [
        ("kind", "CHOICE_UNKNOWN"),
        ("title_zh", "TEXT_UNUSABLE"),
        ("title_en", "TEXT_UNUSABLE"),
        ("code", "CODE_TAKEN"),
        ("sides[0].party_code", "PARTY_UNKNOWN"),
        ("sides[1].role", "ROLE_TWICE"),
        ("sides", "SIGNERS_TOO_FEW"),
        ("terms.agreement", "OTHER_AGREEMENT"),
        ("terms.roles", "OTHER_SIDES"),
    ]


def test_terms_that_can_not_be_read_or_contradict_themselves_are_not_drafted(room: Room) -> None:
    unreadable = {**terms_of(room), "semantics": 2}
    with pytest.raises(TermsRefused):
        drafted(room, unreadable)
    with pytest.raises(TermsRefused):
        drafted(room, room.terms((clause(shares={"origin": "1/2", "host": "1/3"}),), "2024Q1"))
    with room.database.reading() as connection:
        assert [found.version for found in versions(connection, room.agreement_id)] == [1]


def test_worked_example_that_does_not_come_out_keeps_the_terms_from_being_drafted(room: Room) -> None:
    terms = deepcopy(terms_of(room))
    terms["clauses"][0]["examples"][0]["expect"][0]["amount"] = "0.01"
    with pytest.raises(TermsRefused) as caught:
        drafted(room, terms)
    assert [fault.code for fault in caught.value.faults] == ["EXAMPLE_FAILS"]


def test_drafting_again_under_the_same_key_is_a_replay_and_under_it_for_other_terms_is_refused(
    room: Room,
) -> None:
    act = Act("amendment")
    first = draft_version(room.database, act, room.agreement_id, terms_of(room))
    again = draft_version(room.database, act, room.agreement_id, terms_of(room))
    assert (first, again) == (Done(2), Done(2, replayed=True))
    with pytest.raises(KeyReused):
        draft_version(room.database, act, room.agreement_id, terms_of(room, starts="2024Q2"))


def test_two_drafts_of_one_code_at_the_same_moment_make_one_agreement(room: Room, database_url: str) -> None:
    room.code = "A-2"
    draft = draft_of(room)
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.AGREEMENT_CODE, "A-2")
            tries = [pool.submit(draft_agreement, room.database, Act(key), draft) for key in ("x", "y")]
            await_waiting(database_url, 2)
        failures = [attempt.exception(WAIT_SECONDS) for attempt in tries]
    assert sorted(type(failure).__name__ for failure in failures) == ["NoneType", "RequestRefused"]


# --- the life of a version --------------------------------------------------------------------------------


def test_version_goes_from_draft_to_proposed_to_signed_to_in_force(room: Room) -> None:
    proposed(room)
    assert read(room).state == "proposed"
    signed(room, "origin")
    signed(room, "host")
    in_force(room)
    first = read(room)
    assert first.state == "in_force"
    assert [(given.role, given.public_key) for given in first.signatures] == [
        (role, public_key_of(room.keys[role])) for role in ("host", "origin")
    ]
    with room.database.reading() as connection:
        assert open_quarter(connection, room.agreement_id) == FIRST
    assert [entry["kind"] for entry in events_of(room)][2:] == [
        "version_proposed",
        "version_signed",
        "version_signed",
        "version_brought_into_force",
    ]


def test_terms_in_force_are_those_known_at_the_moment_asked_about(room: Room) -> None:
    before = now(room)
    room.bring_into_force(1)
    between = now(room)
    room.bring_into_force(drafted(room, terms_of(room, starts="2024Q3")))
    with room.database.reading() as connection:
        known = {
            moment: [
                (held.version, str(held.starts))
                for held in terms_in_force(connection, room.agreement_id, moment)
            ]
            for moment in (before, between, None)
        }
    assert known == {before: [], between: [(1, "2024Q1")], None: [(1, "2024Q1"), (2, "2024Q3")]}


def test_amendment_supersedes_and_leaves_the_open_quarter_open(room: Room) -> None:
    room.bring_into_force(1)
    room.bring_into_force(drafted(room, terms_of(room, starts="2024Q3")))
    assert (read(room, 1).state, read(room, 2).state) == ("superseded", "in_force")
    with room.database.reading() as connection:
        assert open_quarter(connection, room.agreement_id) == FIRST
    last = events_of(room)[-1]["data"]
    assert (last["version"], last["supersedes"], last["in_force_from"]) == (2, 1, "2024Q3")


@pytest.mark.parametrize(
    ("state", "refused", "allowed"),
    [
        ("draft", ("sign", "bring"), "propose it or withdraw it"),
        ("proposed", ("propose",), "sign it, withdraw it"),
        ("in_force", ("propose", "sign", "bring", "withdraw"), "draft a new version"),
        ("superseded", ("propose", "sign", "bring", "withdraw"), "a newer version is in force"),
        ("withdrawn", ("propose", "sign", "bring", "withdraw"), "draft a new version instead"),
    ],
)
def test_act_in_the_wrong_state_is_refused_and_told_what_is_allowed(
    room: Room, state: str, refused: tuple[str, ...], allowed: str
) -> None:
    _bring_to(room, state)
    assert read(room).state == state
    acts: dict[str, Callable[[], object]] = {
        "propose": lambda: proposed(room),
        "sign": lambda: signed(room, "origin"),
        "bring": lambda: in_force(room),
        "withdraw": lambda: withdraw_version(room.database, room.act(), room.agreement_id, 1),
    }
    for name in refused:
        with pytest.raises(VersionInOtherState) as caught:
            acts[name]()
        assert f"it is {STATE_NAMES_EN[state]}." in caught.value.message_en
        assert "_" not in caught.value.message_en + caught.value.message_zh
        assert allowed in caught.value.message_en
        assert "现在可以" in caught.value.message_zh
    assert read(room).state == state


STATE_NAMES_EN = {
    "draft": "a draft",
    "proposed": "proposed for signing",
    "in_force": "in force",
    "superseded": "superseded",
    "withdrawn": "withdrawn",
}


def _bring_to(room: Room, state: str) -> None:
    if state == "proposed":
        proposed(room)
    if state == "withdrawn":
        withdraw_version(room.database, room.act(), room.agreement_id, 1)
    if state in ("in_force", "superseded"):
        room.bring_into_force(1)
    if state == "superseded":
        room.bring_into_force(drafted(room, terms_of(room)))


def test_proposed_version_can_be_withdrawn_even_when_all_have_signed(room: Room) -> None:
    proposed(room)
    signed(room, "origin")
    signed(room, "host")
    withdraw_version(room.database, room.act(), room.agreement_id, 1)
    with pytest.raises(VersionInOtherState):
        in_force(room)


def test_version_without_every_signature_does_not_come_into_force(room: Room) -> None:
    proposed(room)
    signed(room, "host")
    with pytest.raises(SignaturesMissing) as caught:
        in_force(room)
    assert caught.value.fields["missing"] == "origin"
    with room.database.reading() as connection:
        assert open_quarter(connection, room.agreement_id) is None


def test_version_overtaken_by_a_later_one_can_only_be_withdrawn(room: Room) -> None:
    proposed(room)
    signed(room, "origin")
    signed(room, "host")
    room.bring_into_force(drafted(room, terms_of(room)))
    with pytest.raises(VersionOvertaken):
        in_force(room)
    withdraw_version(room.database, room.act(), room.agreement_id, 1)
    assert (read(room, 1).state, read(room, 2).state) == ("withdrawn", "in_force")


def test_version_that_is_not_there_is_not_found(room: Room) -> None:
    for act in (propose_version, withdraw_version, bring_into_force):
        with pytest.raises(NotFound):
            act(room.database, room.act(), room.agreement_id, 9)
        with pytest.raises(NotFound):
            act(room.database, room.act(), 7, 1)
    with room.database.reading() as connection, pytest.raises(NotFound):
        versions(connection, 7)


# --- signatures -------------------------------------------------------------------------------------------


def test_signature_over_other_bytes_is_refused(room: Room) -> None:
    proposed(room)
    content = read(room).terms_bytes
    for other in (content + b"\n", json.dumps(json.loads(content)).encode(), read(room).terms_hash):
        with pytest.raises(SignatureWrong) as caught:
            signed(room, "origin", content=other)
        assert read(room).terms_hash.hex() in caught.value.message_en
    assert read(room).signatures == []


def test_signature_by_a_key_that_nobody_registered_is_refused(room: Room) -> None:
    proposed(room)
    with pytest.raises(KeyNotRegistered):
        signed(room, "origin", private_key=new_private_key())


def test_signature_by_another_partys_key_is_refused(room: Room) -> None:
    proposed(room)
    with pytest.raises(KeyNotRegistered):
        signed(room, "origin", private_key=room.keys["host"])


def test_signature_of_another_version_is_refused(room: Room) -> None:
    proposed(room, drafted(room, terms_of(room)))
    with pytest.raises(SignatureWrong):
        signed(room, "origin", 2, content=read(room, 1).terms_bytes)


def test_terms_to_the_letter_of_an_earlier_version_are_refused_lest_its_signatures_count(room: Room) -> None:
    proposed(room)
    signed(room, "origin")
    withdraw_version(room.database, room.act(), room.agreement_id, 1)
    with pytest.raises(TermsRepeated):
        drafted(room, room.terms((clause(),), str(FIRST)))


def test_signature_that_is_no_signature_is_refused(room: Room) -> None:
    proposed(room)
    for signature in (b"", bytes(64), b"x" * 65):
        with pytest.raises(SignatureWrong):
            sign_version(
                room.database,
                room.act(),
                room.agreement_id,
                1,
                "origin",
                public_key_of(room.keys["origin"]),
                signature,
            )


def test_role_that_does_not_sign_and_role_that_is_not_there_are_refused(room: Room) -> None:
    proposed(room)
    with pytest.raises(RoleDoesNotSign) as caught:
        signed(room, "fund")
    assert caught.value.fields["signing"] == "host, origin"
    with pytest.raises(NotFound):
        signed(room, "province", private_key=room.keys["host"])


def test_role_signs_once_and_the_same_request_again_is_a_replay(room: Room) -> None:
    proposed(room)
    act = Act("signature")
    assert signed(room, "origin", act=act) == Done(1)
    assert signed(room, "origin", act=act) == Done(1, replayed=True)
    with pytest.raises(AlreadySigned):
        signed(room, "origin")


def test_key_registered_later_counts_too(room: Room) -> None:
    proposed(room)
    second = new_private_key()
    register_key(room.database, room.act(), room.roles["origin"], public_key_of(second), "second key")
    signed(room, "origin", private_key=second)
    assert [given.public_key for given in read(room).signatures] == [public_key_of(second)]


def test_role_that_signs_twice_at_the_same_moment_signs_once(room: Room, database_url: str) -> None:
    proposed(room)
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.AGREEMENT, str(room.agreement_id))
            tries = [pool.submit(signed, room, "origin", act=Act(key)) for key in ("x", "y")]
            await_waiting(database_url, 2)
        failures = [attempt.exception(WAIT_SECONDS) for attempt in tries]
    assert sorted(type(failure).__name__ for failure in failures) == ["AlreadySigned", "NoneType"]
    assert len(read(room).signatures) == 1


def test_withdrawal_and_coming_into_force_at_the_same_moment_exclude_each_other(
    room: Room, database_url: str
) -> None:
    proposed(room)
    signed(room, "origin")
    signed(room, "host")
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as connection:
            queue_on(connection, Queue.AGREEMENT, str(room.agreement_id))
            tries = [
                pool.submit(act, room.database, Act(act.__name__), room.agreement_id, 1)
                for act in (withdraw_version, bring_into_force)
            ]
            await_waiting(database_url, 2)
        failures = [attempt.exception(WAIT_SECONDS) for attempt in tries]
    assert sorted(type(failure).__name__ for failure in failures) == ["NoneType", "VersionInOtherState"]
    assert read(room).state == ("withdrawn" if failures[0] is None else "in_force")


# --- amendments -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        clause(mechanism="development_revenue", measures=("rent",)),
        clause(whose={"scope": "listed_enterprises"}),
        clause(when={"step": "month"}),
    ],
)
def test_amendment_that_makes_another_rule_of_a_clauses_number_is_refused(
    room: Room, changed: dict[str, Any]
) -> None:
    room.bring_into_force(1)
    with pytest.raises(TermsRefused) as caught:
        drafted(room, room.terms((changed,), "2024Q2"))
    assert "AMENDMENT_CHANGES" in {fault.code for fault in caught.value.faults}


def test_number_of_a_clause_that_was_dropped_is_not_used_for_another_rule(room: Room) -> None:
    room.bring_into_force(1)
    room.bring_into_force(drafted(room, room.terms((clause(2),), "2024Q2")))
    with pytest.raises(TermsRefused) as caught:
        drafted(
            room,
            room.terms((clause(2), clause(1, mechanism="development_revenue", measures=("rent",))), "2024Q3"),
        )
    assert "AMENDMENT_CHANGES" in {fault.code for fault in caught.value.faults}
    assert drafted(room, room.terms((clause(2), clause(1)), "2024Q3")) == 3


def test_amendment_from_before_the_version_in_force_is_refused(room: Room) -> None:
    room.bring_into_force(1)
    with pytest.raises(TermsRefused) as caught:
        drafted(room, terms_of(room, starts="2023Q4"))
    assert [fault.code for fault in caught.value.faults] == ["AMENDMENT_EARLIER"]


def test_draft_that_no_longer_fits_what_came_into_force_meanwhile_is_not_proposed(room: Room) -> None:
    second = drafted(room, room.terms((clause(), clause(2)), "2024Q2"))
    third = drafted(room, room.terms((clause(2, whose={"scope": "listed_enterprises"}),), "2024Q2"))
    room.bring_into_force(second)
    with pytest.raises(TermsRefused):
        proposed(room, third)


def test_amendment_names_the_agreement_and_its_sides(room: Room) -> None:
    other = {**terms_of(room), "agreement": "A-2", "roles": {"origin": "A-1-ORIGIN", "host": "A-1-HOST"}}
    with pytest.raises(RequestRefused) as caught:
        drafted(room, other)
    assert [fault.code for fault in caught.value.faults] == ["OTHER_AGREEMENT", "OTHER_SIDES"]


def test_ended_agreement_goes_on_under_an_amendment_that_reaches_further(database: Database) -> None:
    room = open_room(database, last_quarter="2024Q1")
    room.settle("2024Q1", "10.00")
    with room.database.reading() as connection:
        assert open_quarter(connection, room.agreement_id) is None
    with pytest.raises(AgreementEnded) as caught:
        room.bring_into_force(drafted(room, terms_of(room, last_quarter="2024Q1")))
    assert "2024Q2" in caught.value.message_en
    room.bring_into_force(drafted(room, terms_of(room, last_quarter="2025Q4")))
    with room.database.reading() as connection:
        assert open_quarter(connection, room.agreement_id) == Quarter(2024, 2)


# --- the open quarter -------------------------------------------------------------------------------------


def test_who_waits_for_a_quarter_that_closes_meanwhile_holds_the_next_one(
    database: Database, database_url: str
) -> None:
    room = open_room(database)
    room.hand_in("2024Q1", "10.00")
    settlement_id = room.compute("2024Q1")
    row = agreement_quarter.c
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as connection:
            connection.execute(
                update(agreement_quarter)
                .where(row.agreement_id == room.agreement_id, row.quarter == FIRST.code)
                .values(state="closed", settlement_id=settlement_id, closed_at=datetime.now(UTC))
            )
            connection.execute(
                agreement_quarter.insert().values(agreement_id=room.agreement_id, quarter=FIRST.next.code)
            )
            held = pool.submit(_held, room)
            await_waiting(database_url, 1)
        assert held.result(WAIT_SECONDS) == FIRST.next


def _held(room: Room) -> Quarter | None:
    with room.database.writing() as connection:
        return hold_open_quarter(connection, room.agreement_id)


# --- lists ------------------------------------------------------------------------------------------------


def test_agreements_are_listed_by_code_and_found_by_party_kind_and_words(database: Database) -> None:
    rooms = [open_room(database, code=code) for code in ("B-2", "B-1", "B-3")]
    with database.reading() as connection:
        first = agreements(connection, limit=2)
        second = agreements(connection, after=first.items[-1].code, limit=2)
        of_party = agreements(connection, party_id=rooms[0].party_id("host"))
        found = {
            "kind": agreements(connection, kind="enclave"),
            "other kind": agreements(connection, kind="partner_park"),
            "title": agreements(connection, search="共建园区"),
            "code": agreements(connection, search="b-3"),
            "wildcard": agreements(connection, search="%"),
        }
    assert [one.code for one in first.items] == ["B-1", "B-2"]
    assert [one.code for one in second.items] == ["B-3"]
    assert (first.has_next, second.has_next) == (True, False)
    assert [one.code for one in of_party.items] == ["B-2"]
    assert {name: len(page.items) for name, page in found.items()} == {
        "kind": 3,
        "other kind": 0,
        "title": 3,
        "code": 1,
        "wildcard": 0,
    }
