"""Accounts: signing in, what is held and for how long, and what it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from ledger.desk import accounts, roster
from ledger.desk.accounts import GrantDraft, Passwords, RefusedAttempt, Role, SignInRefused
from ledger.desk.accounts.tokens import ATTEMPTS_MAX
from ledger.desk.acts import Act
from ledger.desk.failures import NotFound, RequestRefused
from ledger.periods import day_of
from ledger_schema.sessions import Database
from ledger_schema.sight import EVERYTHING, Sight
from ledger_schema.tables import access_token, event, user_password
from tests.account_room import CHEAP, PASSWORD, AccountRoom


@pytest.fixture
def room(database_url: str) -> Iterator[AccountRoom]:
    database = Database(database_url)
    for code, province in (("EAST", "310000"), ("WEST", "510000"), ("PARK", "310000")):
        draft = roster.PartyDraft(code, "zone", "某区", "made up", province_code=province, province_zh="某省")
        roster.register_party(database, Act(f"register/{code}"), draft)
    yield AccountRoom(database)
    database.dispose()


def party_ids(room: AccountRoom, *codes: str) -> frozenset[int]:
    with room.database.reading() as connection:
        return frozenset(roster.ids_by_code(connection, codes).values())


def today() -> date:
    return day_of(datetime.now(UTC))


# --- signing in -------------------------------------------------------------------------------------------


def test_the_right_password_opens_a_session_that_stands_for_the_account(room: AccountRoom) -> None:
    room.open("zhang.san", GrantDraft(Role.OFFICER, "EAST"))
    owner = room.owner(room.sign_in("zhang.san"))
    assert owner is not None
    assert (owner.name, owner.person) == ("zhang.san", "张三")
    assert [(grant.role, grant.party_code) for grant in owner.grants] == [(Role.OFFICER, "EAST")]


def test_an_unknown_account_a_wrong_password_and_a_closed_account_are_answered_alike(
    room: AccountRoom,
) -> None:
    room.open("zhang.san")
    room.open("closed")
    accounts.close_account(room.database, room.act(), "closed")
    told = set()
    for name, password in (("nobody", PASSWORD), ("zhang.san", "wrong password"), ("closed", PASSWORD)):
        with pytest.raises(SignInRefused) as caught:
            room.sign_in(name, password)
        told.add((caught.value.message_en, caught.value.message_zh))
    assert len(told) == 1


def test_too_many_attempts_lock_the_password_and_leave_tokens_alone(room: AccountRoom) -> None:
    room.open("zhang.san")
    token = room.sign_in("zhang.san")
    for _ in range(ATTEMPTS_MAX - 1):
        with pytest.raises(SignInRefused):
            room.sign_in("zhang.san", "wrong password")
    with pytest.raises(SignInRefused):
        room.sign_in("zhang.san")
    assert room.owner(token) is not None


def test_attempts_at_the_same_time_are_counted_too(room: AccountRoom) -> None:
    room.open("zhang.san")

    def attempt(_: int) -> bool:
        try:
            room.sign_in("zhang.san")
        except SignInRefused:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(ATTEMPTS_MAX + 6))) == ATTEMPTS_MAX


def test_a_new_password_takes_the_place_of_the_old_one(room: AccountRoom) -> None:
    room.open("zhang.san")
    accounts.set_password(room.database, room.act(), "zhang.san", "another password", CHEAP)
    with pytest.raises(SignInRefused):
        room.sign_in("zhang.san")
    assert room.sign_in("zhang.san", "another password")


def test_a_verifier_goes_on_being_checked_with_the_costs_that_it_was_made_with() -> None:
    verifier = CHEAP.verifier(PASSWORD)
    assert verifier.startswith("$argon2id$")
    assert Passwords(passes=2, memory_kib=16, lanes=1).matches(verifier, PASSWORD)
    assert not CHEAP.matches(verifier, "wrong password")
    assert not CHEAP.matches("no verifier", PASSWORD)


def test_neither_events_nor_tables_hold_a_password_or_a_token(room: AccountRoom) -> None:
    room.open("zhang.san")
    token = room.sign_in("zhang.san")
    with room.database.reading() as connection:
        kept = [bytes(row.canonical) for row in connection.execute(select(event))]
        kept += [row.verifier.encode() for row in connection.execute(select(user_password))]
        kept += [bytes(row.hash) for row in connection.execute(select(access_token))]
    assert not any(PASSWORD.encode() in one or token.encode() in one for one in kept)


# --- tokens -----------------------------------------------------------------------------------------------


def test_a_token_is_good_until_it_expires(room: AccountRoom) -> None:
    room.open("script", person="李四")
    account = room.account("script")
    good = accounts.issue_token(room.database, account, "nightly", timedelta(days=365))
    over = accounts.issue_token(room.database, account, "over", timedelta(seconds=-1))
    assert room.owner(good.text) is not None
    assert room.owner(over.text) is None
    with room.database.reading() as connection:
        assert [one.label for one in accounts.tokens_of(connection, account.user_id)] == ["nightly"]


def test_a_revoked_token_is_good_no_more_and_only_its_owner_revokes_it(room: AccountRoom) -> None:
    room.open("mine")
    room.open("other")
    mine, other = room.account("mine"), room.account("other")
    token = accounts.issue_token(room.database, mine, "script", timedelta(days=1))
    with pytest.raises(NotFound):
        accounts.revoke_token(room.database, room.act(), other, token.token_id)
    assert room.owner(token.text) is not None
    for _ in range(2):
        accounts.revoke_token(room.database, room.act(), mine, token.token_id)
    assert room.owner(token.text) is None


def test_nothing_of_a_closed_account_signs_in(room: AccountRoom) -> None:
    room.open("zhang.san")
    accounts.link_identity(room.database, room.act(), "zhang.san", "https://id.example", "1")
    token = room.sign_in("zhang.san")
    accounts.close_account(room.database, room.act(), "zhang.san")
    assert room.owner(token) is None
    with room.database.reading() as connection:
        assert accounts.account_of_identity(connection, "https://id.example", "1") is None
    with pytest.raises(accounts.AccountClosed):
        room.grant("zhang.san", GrantDraft(Role.OPERATOR))
    with pytest.raises(accounts.AccountClosed):
        accounts.close_account(room.database, room.act(), "zhang.san")


# --- roles ------------------------------------------------------------------------------------------------


def test_what_a_role_shows_is_its_party_its_province_or_its_mandate(room: AccountRoom) -> None:
    room.open("officer", GrantDraft(Role.OFFICER, "EAST"))
    room.open("approver", GrantDraft(Role.APPROVER, "WEST"))
    room.open("province", GrantDraft(Role.PROVINCE, province_code="310000"))
    room.open("auditor", GrantDraft(Role.AUDITOR, "WEST"))
    room.open("chief", GrantDraft(Role.AUDITOR))
    room.open("operator", GrantDraft(Role.OPERATOR))
    east, west = party_ids(room, "EAST"), party_ids(room, "WEST")
    assert room.account("officer").sight == Sight(party_ids=east, own_party_ids=east)
    assert room.account("approver").sight == Sight(party_ids=west, own_party_ids=west)
    assert room.account("province").sight == Sight(party_ids=party_ids(room, "EAST", "PARK"))
    assert room.account("auditor").sight == Sight(party_ids=west, audited_party_ids=west)
    assert room.account("chief").sight == EVERYTHING
    assert room.account("operator").sight == Sight()


def test_a_delegation_holds_through_its_last_day_and_not_the_day_after(room: AccountRoom) -> None:
    room.open("deputy", GrantDraft(Role.APPROVER, "EAST", ends=today()))
    room.grant("deputy", GrantDraft(Role.OFFICER, "EAST", ends=today() - timedelta(days=1)))
    held = room.account("deputy")
    assert [grant.role for grant in held.grants] == [Role.APPROVER]
    assert held.parties_as({Role.APPROVER}) == party_ids(room, "EAST")
    assert held.parties_as({Role.OFFICER}) == frozenset()


def test_a_role_that_was_ended_is_held_no_more_and_ends_once(room: AccountRoom) -> None:
    room.open("zhang.san")
    grant_id = room.grant("zhang.san", GrantDraft(Role.OFFICER, "EAST"))
    accounts.end_grant(room.database, room.act(), grant_id)
    assert room.account("zhang.san").grants == ()
    assert room.account("zhang.san").sight == Sight()
    with pytest.raises(accounts.GrantEnded):
        accounts.end_grant(room.database, room.act(), grant_id)
    with pytest.raises(NotFound):
        accounts.end_grant(room.database, room.act(), 7)


@pytest.mark.parametrize(
    "draft",
    [
        GrantDraft(Role.OFFICER),
        GrantDraft(Role.APPROVER, province_code="310000"),
        GrantDraft(Role.PROVINCE),
        GrantDraft(Role.PROVINCE, "EAST", "310000"),
        GrantDraft(Role.PROVINCE, province_code="31"),
        GrantDraft(Role.OPERATOR, "EAST"),
        GrantDraft(Role.AUDITOR, "EAST", "310000"),
    ],
)
def test_a_role_without_its_place_or_with_another_one_is_refused(
    room: AccountRoom, draft: GrantDraft
) -> None:
    room.open("zhang.san")
    with pytest.raises(RequestRefused):
        room.grant("zhang.san", draft)


def test_names_are_unique_and_of_a_form_that_events_can_show(room: AccountRoom) -> None:
    room.open("zhang.san")
    with pytest.raises(accounts.AccountNameTaken):
        accounts.open_account(room.database, room.act(), "zhang.san", "张三")
    for name, person in (("Zhang", "张三"), ("", "张三"), ("a" * 65, "张三"), ("b", ""), ("c", " 张三")):
        with pytest.raises(RequestRefused):
            accounts.open_account(room.database, room.act(), name, person)
    with pytest.raises(RequestRefused):
        accounts.set_password(room.database, room.act(), "zhang.san", "short", CHEAP)


def test_accounts_are_listed_by_name_without_closed_ones(room: AccountRoom) -> None:
    for name in ("c", "a", "b"):
        room.open(name)
    accounts.close_account(room.database, room.act(), "b")
    with room.database.reading() as connection:
        first = accounts.accounts(connection, limit=1)
        rest = accounts.accounts(connection, after="a")
    assert ([one.name for one in first.items], first.has_next) == (["a"], True)
    assert ([one.name for one in rest.items], rest.has_next) == (["c"], False)


# --- attributable -----------------------------------------------------------------------------------------


def test_an_event_names_the_account_its_person_the_party_and_the_key_in_the_accounts_scope(
    room: AccountRoom,
) -> None:
    act = Act("k-1", "zhang.san", person="张三", party="EAST", scope="zhang.san")
    roster.register_party(room.database, act, roster.PartyDraft("NEW", "zone", "新区", "made up"))
    with room.database.reading() as connection:
        row = connection.execute(select(event).where(event.c.actor == "zhang.san")).one()
    told = json.loads(row.canonical)
    assert (told["actor"], told["person"], told["for"], told["key"]) == (
        "zhang.san",
        "张三",
        "EAST",
        "zhang.san/k-1",
    )


def test_the_same_key_of_two_accounts_is_two_acts(room: AccountRoom) -> None:
    for name in ("one", "two"):
        act = Act("k", name, scope=name)
        draft = roster.PartyDraft(name.upper(), "zone", "新区", "made up")
        assert not roster.register_party(room.database, act, draft).replayed


def test_refused_acts_are_kept_and_read_page_by_page_for_some_parties_or_all(room: AccountRoom) -> None:
    room.open("zhang.san")
    account = room.account("zhang.san")
    (east,) = party_ids(room, "EAST")
    for number, party_id in enumerate((east, None, east)):
        tried = RefusedAttempt("closeQuarter", "agreement", f"A-{number}", party_id, "k\0", "NOT_FOUND")
        accounts.record_refusal(room.database, account, tried)
    with room.database.reading() as connection:
        everything = accounts.refusals(connection, limit=2)
        rest = accounts.refusals(connection, after=everything.items[-1].refusal_id)
        of_east = accounts.refusals(connection, party_ids={east})
        of_nobody = accounts.refusals(connection, party_ids=())
    assert [one.subject_name for one in everything.items + rest.items] == ["A-0", "A-1", "A-2"]
    assert everything.has_next
    assert [one.subject_name for one in of_east.items] == ["A-0", "A-2"]
    assert of_nobody.items == []
    first = everything.items[0]
    assert (first.account, first.person, first.act, first.key) == ("zhang.san", "张三", "closeQuarter", "k")


def test_the_database_itself_refuses_an_officer_of_nobody(room: AccountRoom) -> None:
    room.open("zhang.san", GrantDraft(Role.OFFICER, "EAST"))
    copied = text(
        "INSERT INTO user_grant (grant_id, user_id, role, event_id) "
        "SELECT 1, user_id, 'officer', event_id FROM user_grant"
    )
    with pytest.raises(Exception, match="user_grant_role_check"), room.database.writing() as connection:
        connection.execute(copied)
