"""Enterprise lists: credit codes, faults all at once, confirmation by every side, what rules see of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from desk_fixtures import Room, open_room
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from waiting import WAIT_SECONDS, await_waiting

from ledger.desk.acts import Act, Done, KeyReused, Queue, queue_on
from ledger.desk.agreements import RoleDoesNotSign
from ledger.desk.enterprises import (
    CREDIT_CODE_CHARACTERS,
    EnterpriseList,
    ListAlreadyConfirmed,
    ListedEnterprise,
    ListEntry,
    ListOvertaken,
    confirm_list,
    confirmed_list,
    credit_code_check_character,
    enterprises_by_id,
    entries_page,
    ids_by_code,
    is_credit_code,
    list_heads,
    lists,
    subjects_of,
    submit_list,
)
from ledger.desk.failures import NotFound, RequestRefused
from ledger.money import AMOUNT_LIMIT_MINOR
from ledger.rules.facts import Subject
from ledger.rules.terms import CauseOfMove, Event
from ledger_schema.sessions import Database
from ledger_schema.tables import agreement_quarter, enterprise, event

FIRST_17 = st.from_regex(
    rf"[{CREDIT_CODE_CHARACTERS}]{{2}}[0-9]{{6}}[{CREDIT_CODE_CHARACTERS}]{{9}}", fullmatch=True
)


def code_of(number: int) -> str:
    """A made-up credit code with its check character."""
    first_17 = f"91340100MA{number:07}"
    return first_17 + credit_code_check_character(first_17)


PLAIN = ListEntry(code_of(1), "甲企业")
FULL = ListEntry(
    code_of(2),
    "乙企业",
    events={Event.FIRST_TAX: date(2024, 2, 29), Event.REGISTRATION: date(2023, 5, 1)},
    pre_move_tax_minor={2021: 2_100_000_000_00, 2022: 0, 2023: AMOUNT_LIMIT_MINOR},
    cause_of_move=CauseOfMove.GOVERNMENT_LED,
    referred_by="origin",
    base_year_amount_minor=1_000,
    controller="丙集团",
    attributes={"industry": "研发", "tier": "A"},
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> Room:
    """An agreement in force, with a fund that doesn't sign."""
    return open_room(database, roles=("origin", "host", "fund"))


def submitted(room: Room, *entries: ListEntry, role: str = "origin", act: Act | None = None) -> Done[int]:
    return submit_list(room.database, act or room.act(), room.agreement_id, role, entries)


def confirmed(room: Room, number: int, role: str = "host", act: Act | None = None) -> Done[int]:
    return confirm_list(room.database, act or room.act(), room.agreement_id, number, role)


def holding(room: Room, known_at: datetime | None = None) -> EnterpriseList | None:
    with room.database.reading() as connection:
        return confirmed_list(connection, room.agreement_id, known_at)


def faults_of(room: Room, *entries: ListEntry) -> list[tuple[str, str]]:
    with pytest.raises(RequestRefused) as caught:
        submitted(room, *entries)
    return [(fault.path, fault.code) for fault in caught.value.faults]


# --- credit codes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "credit_code",
    [
        # Huawei, Tencent and Alibaba (China), as they publish them.
        "914403001922038216",
        "9144030071526726XG",
        "91330100799655058B",
    ],
)
def test_credit_code_of_a_real_company_is_one(credit_code: str) -> None:
    assert is_credit_code(credit_code)


@given(FIRST_17)
def test_check_character_makes_a_credit_code_and_no_other_does(first_17: str) -> None:
    right = credit_code_check_character(first_17)
    assert [one for one in CREDIT_CODE_CHARACTERS if is_credit_code(first_17 + one)] == [right]


@given(FIRST_17, st.integers(0, 16), st.sampled_from(CREDIT_CODE_CHARACTERS))
def test_one_wrong_character_anywhere_is_noticed(first_17: str, place: int, character: str) -> None:
    credit_code = first_17 + credit_code_check_character(first_17)
    mistyped = credit_code[:place] + character + credit_code[place + 1 :]
    assert is_credit_code(mistyped) == (mistyped == credit_code)


@pytest.mark.parametrize(
    "text", ["", code_of(1).lower(), f" {code_of(1)}", f"{code_of(1)}\n", "９" * 18, "1" * 17]
)
def test_text_of_another_form_is_no_credit_code(text: str) -> None:
    assert not is_credit_code(text)


# --- handing in -------------------------------------------------------------------------------------------


def test_list_keeps_every_attribute_as_it_was_given(room: Room) -> None:
    submitted(room, FULL, PLAIN)
    with room.database.reading() as connection:
        (found,) = lists(connection, room.agreement_id)
        known = enterprises_by_id(connection, [entry.enterprise_id for entry in found.entries])
    assert [_as_entry(entry) for entry in found.entries] == [PLAIN, FULL]
    assert (found.version, found.compiled_by, found.confirmed_by) == (1, "origin", ["origin"])
    assert [known[entry.enterprise_id].credit_code for entry in found.entries] == [code_of(1), code_of(2)]


def _as_entry(entry: ListedEnterprise) -> ListEntry:
    return ListEntry(
        credit_code=entry.credit_code,
        name_zh=entry.name_zh,
        events=entry.events,
        pre_move_tax_minor=entry.pre_move_tax_minor,
        cause_of_move=entry.cause_of_move,
        referred_by=entry.referred_by,
        base_year_amount_minor=entry.base_year_amount_minor,
        controller=entry.controller,
        attributes=entry.attributes,
    )


def test_all_faults_of_all_entries_are_named_at_once_and_nothing_is_recorded(room: Room) -> None:
    wrong_check = code_of(3)[:17] + ("1" if code_of(3)[17] != "1" else "2")
    faults = faults_of(
        room,
        ListEntry("91340100", "甲企业"),
        ListEntry(wrong_check, ""),
        PLAIN,
        replace(PLAIN, name_zh="同一企业"),
        ListEntry(
            code_of(4),
            "丁企业",
            pre_move_tax_minor={20: 1, 2021: -1},
            referred_by="province",
            base_year_amount_minor=AMOUNT_LIMIT_MINOR + 1,
            controller="\n",
            attributes={"Industry": "研发", "tier": "", "size": "大" * 101},
        ),
    )
    assert faults == [
        ("entries[0].credit_code", "CREDIT_CODE_FORM"),
        ("entries[1].credit_code", "CREDIT_CODE_CHECK"),
        ("entries[1].name_zh", "TEXT_UNUSABLE"),
        ("entries[3].credit_code", "ENTERPRISE_TWICE"),
        ("entries[4].pre_move_tax_minor", "YEAR_UNUSABLE"),
        ("entries[4].pre_move_tax_minor.2021", "AMOUNT_OUT_OF_RANGE"),
        ("entries[4].base_year_amount_minor", "AMOUNT_OUT_OF_RANGE"),
        ("entries[4].referred_by", "ROLE_UNKNOWN"),
        ("entries[4].controller", "TEXT_UNUSABLE"),
        ("entries[4].attributes[0].name", "ATTRIBUTE_NAME_UNUSABLE"),
        ("entries[4].attributes[1].value", "ATTRIBUTE_UNUSABLE"),
        ("entries[4].attributes[2].value", "ATTRIBUTE_UNUSABLE"),
    ]
    with room.database.reading() as connection:
        assert lists(connection, room.agreement_id) == []
        assert connection.execute(select(func.count()).select_from(enterprise)).scalar_one() == 0


def test_wrong_check_character_is_told_with_the_right_one(room: Room) -> None:
    wrong = code_of(3)[:17] + ("1" if code_of(3)[17] != "1" else "2")
    with pytest.raises(RequestRefused) as caught:
        submitted(room, ListEntry(wrong, "甲企业"))
    assert f"should be {code_of(3)[17]}" in caught.value.message_en
    assert f"校验码应为 {code_of(3)[17]}" in caught.value.message_zh


def test_renamed_enterprise_stays_the_same_and_each_list_keeps_its_name(room: Room) -> None:
    submitted(room, PLAIN)
    submitted(room, replace(PLAIN, name_zh="甲企业（更名）"))
    with room.database.reading() as connection:
        first, second = lists(connection, room.agreement_id)
        (known,) = enterprises_by_id(connection, [first.entries[0].enterprise_id]).values()
    assert first.entries[0].enterprise_id == second.entries[0].enterprise_id
    assert [one.entries[0].name_zh for one in (first, second)] == ["甲企业", "甲企业（更名）"]
    assert known.name_zh == "甲企业"


def test_empty_list_says_that_no_enterprise_takes_part(room: Room) -> None:
    confirmed(room, submitted(room).value)
    held = holding(room)
    assert held is not None
    assert (held.entries, subjects_of(held)) == ([], {})


def test_same_list_under_the_same_key_is_a_replay_and_another_one_is_refused(room: Room) -> None:
    act = Act("list")
    assert submitted(room, PLAIN, act=act) == Done(1)
    assert submitted(room, PLAIN, act=act) == Done(1, replayed=True)
    with pytest.raises(KeyReused):
        submitted(room, FULL, act=act)


def test_event_of_a_list_holds_the_hash_of_its_content_and_not_the_enterprises(room: Room) -> None:
    submitted(room, FULL)
    with room.database.reading() as connection:
        row = connection.execute(select(event).where(event.c.kind == "enterprise_list_submitted")).one()
        (number,) = ids_by_code(connection, [code_of(2)]).values()
    data = json.loads(row.canonical)["data"]
    entry = {
        "attributes": {"industry": "研发", "tier": "A"},
        "base_year_amount": "1000",
        "cause_of_move": "government_led",
        "controller": "丙集团",
        "credit_code": code_of(2),
        "events": {"first_tax": "2024-02-29", "registration": "2023-05-01"},
        "name_zh": "乙企业",
        "pre_move_tax": {"2021": "210000000000", "2022": "0", "2023": str(AMOUNT_LIMIT_MINOR)},
        "referred_by": "origin",
    }
    numbered = {**entry, "enterprise": str(number)}
    assert row.hash == hashlib.sha256(row.canonical).digest()
    assert data == {
        "version": 1,
        "role": "origin",
        "entries": 1,
        "content_sha256": hash_of({"entries": [entry], "role": "origin"}),
        "list_sha256": hash_of({"entries": [numbered], "role": "origin", "version": 1}),
        "entry_hashes_sha256": hashlib.sha256(
            number.to_bytes(8, "big") + bytes.fromhex(hash_of(entry))
        ).hexdigest(),
    }


def hash_of(content: dict[str, Any]) -> str:
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


# --- confirming -------------------------------------------------------------------------------------------


def test_list_holds_when_every_signing_role_has_confirmed_it(room: Room) -> None:
    number = submitted(room, PLAIN).value
    assert holding(room) is None
    assert confirmed(room, number) == Done(1)
    held = holding(room)
    assert held is not None
    assert (held.version, held.confirmed_by, held.is_confirmed) == (1, ["host", "origin"], True)


def test_confirmed_list_goes_on_holding_while_a_newer_one_waits(room: Room) -> None:
    confirmed(room, submitted(room, PLAIN).value)
    submitted(room, FULL, role="host")
    held = holding(room)
    assert held is not None
    assert [entry.credit_code for entry in held.entries] == [code_of(1)]
    with room.database.reading() as connection:
        assert [one.is_confirmed for one in lists(connection, room.agreement_id)] == [True, False]


def test_list_that_held_is_the_one_known_at_the_moment_asked_about(room: Room) -> None:
    moments = [_now(room)]
    for entry in (PLAIN, FULL):
        number = submitted(room, entry).value
        moments.append(_now(room))
        confirmed(room, number)
        moments.append(_now(room))
    held = [holding(room, moment) for moment in moments]
    assert [one and one.version for one in held] == [None, None, 1, 1, 2]


def _now(room: Room) -> datetime:
    with room.database.reading() as connection:
        moment = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    assert isinstance(moment, datetime)
    return moment


def test_older_list_can_no_longer_be_confirmed(room: Room) -> None:
    submitted(room, PLAIN)
    submitted(room, FULL)
    with pytest.raises(ListOvertaken) as caught:
        confirmed(room, 1)
    assert caught.value.fields == {"version": 1, "newest": 2}


def test_role_confirms_once_and_the_compiler_not_again(room: Room) -> None:
    number = submitted(room, PLAIN).value
    act = Act("confirmation")
    assert confirmed(room, number, act=act) == Done(1)
    assert confirmed(room, number, act=act) == Done(1, replayed=True)
    for role in ("host", "origin"):
        with pytest.raises(ListAlreadyConfirmed):
            confirmed(room, number, role)


def test_role_that_does_not_sign_neither_compiles_nor_confirms(room: Room) -> None:
    with pytest.raises(RoleDoesNotSign):
        submitted(room, PLAIN, role="fund")
    number = submitted(room, PLAIN).value
    with pytest.raises(RoleDoesNotSign):
        confirmed(room, number, "fund")
    with pytest.raises(NotFound):
        confirmed(room, number, "province")


def test_list_or_agreement_that_is_not_there_is_not_found(room: Room) -> None:
    for number in (0, 1, 2):
        with pytest.raises(NotFound):
            confirmed(room, number)
    with pytest.raises(NotFound):
        submit_list(room.database, room.act(), 7, "origin", [])
    with room.database.reading() as connection, pytest.raises(NotFound):
        lists(connection, 7)


def test_two_lists_with_the_same_new_enterprises_at_the_same_moment_share_them(
    database: Database, room: Room, database_url: str
) -> None:
    other = open_room(database, code="A-2")
    with ThreadPoolExecutor(2) as pool:
        with database.writing() as connection:
            for one in (room, other):
                queue_on(connection, Queue.AGREEMENT, str(one.agreement_id))
            tries = [
                pool.submit(submitted, room, PLAIN, FULL, act=Act("x")),
                pool.submit(submitted, other, FULL, PLAIN, act=Act("y")),
            ]
            await_waiting(database_url, 2)
        assert [attempt.result(WAIT_SECONDS).value for attempt in tries] == [1, 1]
    with database.reading() as connection:
        ids = [
            [entry.enterprise_id for entry in lists(connection, one.agreement_id)[0].entries]
            for one in (room, other)
        ]
    assert ids[0] == ids[1]


def test_list_waits_for_a_quarter_that_is_being_closed(room: Room, database_url: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        with room.database.writing() as connection:
            connection.execute(
                select(agreement_quarter)
                .where(agreement_quarter.c.agreement_id == room.agreement_id)
                .with_for_update()
            )
            attempt = pool.submit(submitted, room, PLAIN)
            await_waiting(database_url, 1)
            assert not attempt.done()
        assert attempt.result(WAIT_SECONDS).value == 1


# --- what rules see ---------------------------------------------------------------------------------------


def test_subjects_are_the_entries_as_rules_need_them(room: Room) -> None:
    confirmed(room, submitted(room, FULL).value)
    held = holding(room)
    assert held is not None
    (entry,) = held.entries
    assert subjects_of(held) == {
        entry.enterprise_id: Subject(
            subject=entry.enterprise_id,
            name="乙企业",
            events=FULL.events,
            pre_move_tax_minor=FULL.pre_move_tax_minor,
            cause_of_move=CauseOfMove.GOVERNMENT_LED,
            referred_by="origin",
            base_year_amount_minor=1_000,
            controller="丙集团",
            attributes={"industry": "研发", "tier": "A"},
        )
    }


def test_sentence_about_very_many_faults_tells_the_first_and_keeps_all(room: Room) -> None:
    with pytest.raises(RequestRefused) as caught:
        submitted(room, *(ListEntry("", "甲企业") for _ in range(50)))
    assert len(caught.value.faults) == 50 + 49
    assert caught.value.message_en.startswith("Nothing was recorded, because of 99 fault(s): entries[0]")
    assert caught.value.message_en.endswith("…")
    assert "entries[49]" not in caught.value.message_zh


def test_a_list_is_read_page_by_page_without_the_other_versions(room: Room) -> None:
    first = submit_list(room.database, room.act(), room.agreement_id, "origin", [PLAIN]).value
    second = submit_list(room.database, room.act(), room.agreement_id, "origin", [FULL, PLAIN]).value
    with room.database.reading() as connection:
        whole = {each.version: each.entries for each in lists(connection, room.agreement_id)}
        heads = list_heads(connection, room.agreement_id)
        page = entries_page(connection, room.agreement_id, second, limit=1)
        rest = entries_page(connection, room.agreement_id, second, after=page.items[0].credit_code, limit=1)
    assert [head.version for head in heads] == [first, second]
    assert [page.items, rest.items] == [[each] for each in whole[second]]
    assert (page.has_next, rest.has_next) == (True, False)
