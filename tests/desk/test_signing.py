"""A settlement is proposed, signed by each side over the exact bytes shown, and closed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from desk_fixtures import clause, open_room
from signing_room import SIGNED_BY, SigningRoom, open_signing_room
from sqlalchemy import insert, select, update

from ledger.desk import agreements, settlements
from ledger.desk.acts import Recorder
from ledger.desk.agreements import (
    AlreadySigned,
    KeyNotRegistered,
    RoleDoesNotSign,
    SignaturesMissing,
    SignatureWrong,
)
from ledger.desk.failures import NotFound
from ledger.desk.settlements import QuarterNotOpen, SettlementNotProposed, SettlementState, StaleSettlement
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.periods import Quarter
from ledger_schema.refusals import Refusal
from ledger_schema.sessions import Database
from ledger_schema.tables import agreement_quarter, settlement_proposal, settlement_signature
from tests.tables.booked_rows import refused
from tests.tables.interleaving import process_of, wait_until_blocked

Q1 = Quarter(2024, 1)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def room(database: Database) -> SigningRoom:
    return open_signing_room(database)


@pytest.fixture
def computed(room: SigningRoom) -> int:
    room.hand_in("2024Q1", "100.01")
    return room.compute("2024Q1")


def test_a_settlement_goes_from_computed_to_proposed_to_signed_to_closed(
    room: SigningRoom, computed: int
) -> None:
    told = [told_of(room, computed)]
    room.propose(computed)
    told.append(told_of(room, computed))
    room.sign(computed, "origin")
    told.append(told_of(room, computed))
    room.sign(computed, "host")
    told.append(told_of(room, computed))
    room.close("2024Q1", computed)
    told.append(told_of(room, computed))
    assert told == [
        ("computed", ["origin", "host"]),
        ("proposed", ["origin", "host"]),
        ("proposed", ["host"]),
        ("signed", []),
        ("closed", []),
    ]
    assert room.open_quarter() == "2024Q2"


def test_the_bytes_to_sign_hold_every_amount_and_the_hashes_of_what_it_rests_on(
    room: SigningRoom, computed: int
) -> None:
    room.propose(computed)
    content = room.content_of(computed)
    with room.database.reading() as connection:
        found = settlements.settlement(connection, room.agreement_id, computed)
        version = agreements.version(connection, room.agreement_id, 1)
    expected: dict[str, Json] = {
        "format": "parkledger.settlement/1",
        "agreement": "A-1",
        "quarter": "2024Q1",
        "settlement": str(computed),
        "final": False,
        "previous_settlement": None,
        "reopened_settlement": None,
        "terms": [{"version": 1, "starts": "2024Q1", "terms_hash": version.terms_hash.hex()}],
        "inputs_hash": digest(found.inputs.canonical()).hex(),
        "allocation_count": 2,
        "allocations_hash": found.allocations_hash.hex(),
        "amounts": [amount("A-1-HOST", "50.01"), amount("A-1-ORIGIN", "50.00")],
    }
    assert content == canonical_bytes(expected)


def amount(party: str, text: str, routed: str = "0.00") -> dict[str, Json]:
    return {
        "clause": 1,
        "book": "cash",
        "party": party,
        "commodity": "CNY",
        "amount": text,
        "routed": routed,
    }


def test_the_routed_part_is_in_the_bytes(database: Database) -> None:
    room = open_room(
        database,
        clause(then={"routing": {"to": "fund", "part": "1/2"}}),
        roles=("origin", "host", "fund"),
        procedure={"signed_by": SIGNED_BY},
        make=SigningRoom,
    )
    assert isinstance(room, SigningRoom)
    room.hand_in("2024Q1", "100.00")
    computed = room.compute("2024Q1")
    room.propose(computed)
    amounts = json.loads(room.content_of(computed))["amounts"]
    assert amounts == [amount("A-1-HOST", "50.00", "25.00"), amount("A-1-ORIGIN", "50.00", "25.00")]


def test_proposing_again_changes_nothing(room: SigningRoom, computed: int) -> None:
    room.propose(computed)
    before = room.standing(computed)
    room.propose(computed)
    assert room.standing(computed) == before


def test_a_quarter_does_not_close_before_all_have_signed(room: SigningRoom, computed: int) -> None:
    with pytest.raises(SignaturesMissing, match="origin, host"):
        room.close("2024Q1", computed)
    room.propose(computed)
    room.sign(computed, "origin")
    with pytest.raises(SignaturesMissing, match=r"of 2024Q1 still needs the signatures of: host\."):
        room.close("2024Q1", computed)
    room.sign(computed, "host")
    assert room.close("2024Q1", computed) == computed


def test_the_database_itself_refuses_a_close_without_signatures(room: SigningRoom, computed: int) -> None:
    row = agreement_quarter.c
    closing = update(agreement_quarter).where(row.agreement_id == room.agreement_id)
    with (
        room.database.writing() as connection,
        refused(connection, Refusal.CLOSE_REFUSED),
    ):
        connection.execute(
            closing.values(state="closed", settlement_id=computed, closed_at="2024-05-01T00:00Z")
        )


def test_without_signers_in_the_terms_a_quarter_closes_as_it_always_did(database: Database) -> None:
    room = open_signing_room(database, procedure={})
    room.hand_in("2024Q1", "100.00")
    computed = room.compute("2024Q1")
    assert told_of(room, computed) == ("computed", [])
    room.close("2024Q1", computed)
    assert told_of(room, computed) == ("closed", [])


def test_a_newer_return_makes_a_proposal_stale_so_that_it_is_neither_signed_nor_closed(
    room: SigningRoom, computed: int
) -> None:
    room.propose(computed)
    content = room.content_of(computed)
    room.sign(computed, "origin")
    room.hand_in("2024Q1", "120.00")
    assert told_of(room, computed) == ("stale", [])
    for act in (
        lambda: room.sign_bytes(computed, "host", content),
        lambda: room.propose(computed),
        lambda: room.close("2024Q1", computed),
    ):
        with pytest.raises(StaleSettlement):
            act()
    assert told_of(room, room.compute("2024Q1")) == ("computed", ["origin", "host"])


def test_a_signature_of_one_settlement_is_none_of_another(room: SigningRoom, computed: int) -> None:
    room.propose(computed)
    old = room.content_of(computed)
    room.hand_in("2024Q1", "120.00")
    newer = room.compute("2024Q1")
    room.propose(newer)
    with pytest.raises(SignatureWrong):
        room.sign_bytes(newer, "origin", old)


def test_only_signers_of_the_terms_sign_with_a_key_of_their_own_and_once(
    room: SigningRoom, computed: int
) -> None:
    with pytest.raises(SettlementNotProposed):
        room.sign_bytes(computed, "origin", b"")
    room.propose(computed)
    content = room.content_of(computed)
    with pytest.raises(NotFound):
        room.sign_bytes(computed, "nobody", content, signer="origin")
    with pytest.raises(RoleDoesNotSign):
        room.sign_bytes(computed, "province", content)
    with pytest.raises(KeyNotRegistered):
        room.sign_bytes(computed, "origin", content, signer="host")
    room.sign_bytes(computed, "origin", content)
    with pytest.raises(AlreadySigned):
        room.sign_bytes(computed, "origin", content)


def test_a_closed_quarter_is_neither_proposed_nor_signed(room: SigningRoom) -> None:
    settled = room.settle_signed("2024Q1", "100.00")
    with pytest.raises(QuarterNotOpen):
        room.propose(settled)
    with pytest.raises(QuarterNotOpen):
        room.sign_bytes(settled, "origin", room.content_of(settled))


def test_the_database_itself_takes_no_proposal_and_no_signature_of_a_closed_quarter(
    room: SigningRoom, computed: int
) -> None:
    room.hand_in("2024Q1", "110.00")
    proposed = room.compute("2024Q1")
    room.propose(proposed)
    settled = room.settle_signed("2024Q1", "120.00")
    with room.database.writing() as connection:
        for table, other in ((settlement_proposal, computed), (settlement_signature, proposed)):
            row = connection.execute(select(table).where(table.c.settlement_id == settled)).first()
            assert row is not None
            with refused(connection, Refusal.QUARTER_NOT_OPEN):
                connection.execute(insert(table).values({**row._mapping, "settlement_id": other}))


# --- at the same moment -----------------------------------------------------------------------------------


def test_a_signer_waits_for_a_return_that_comes_in_and_is_then_refused(
    room: SigningRoom, computed: int
) -> None:
    room.propose(computed)
    with ThreadPoolExecutor(2) as pool:
        with room.database.writing() as posting:
            agreements.hold_open_quarter(posting, room.agreement_id)
            returned = pool.submit(room.hand_in, "2024Q1", "120.00")
            returned.result(timeout=60)
            signing = pool.submit(room.sign, computed, "origin")
            wait_until_someone_waits_for(room, process_of(posting))
        with pytest.raises(StaleSettlement):
            signing.result(timeout=60)
    assert told_of(room, computed) == ("stale", [])


def test_a_return_waits_for_a_signer_and_makes_the_settlement_stale_after_it(
    room: SigningRoom, computed: int
) -> None:
    room.propose(computed)
    with ThreadPoolExecutor(1) as pool:
        with room.database.writing() as signing:
            settlements.take_open(signing, room.agreement_id, Q1)
            returned = pool.submit(room.hand_in, "2024Q1", "120.00")
            wait_until_someone_waits_for(room, process_of(signing))
            assert not returned.done()
        assert returned.result(timeout=60).sequence == 2
    assert room.standing(computed).state is SettlementState.STALE


def test_a_signer_that_waits_for_a_close_is_refused(database: Database) -> None:
    room = open_signing_room(database, procedure={})
    room.hand_in("2024Q1", "100.00")
    computed = room.compute("2024Q1")
    room.propose(computed)
    with ThreadPoolExecutor(1) as pool:
        with room.database.writing() as closing:
            chosen = settlements.settlement(closing, room.agreement_id, computed)
            settlements.close_in(closing, Recorder(closing, room.act()), chosen, Q1)
            signing = pool.submit(room.sign, computed, "origin")
            wait_until_someone_waits_for(room, process_of(closing))
        with pytest.raises(QuarterNotOpen):
            signing.result(timeout=60)


def wait_until_someone_waits_for(room: SigningRoom, holder: int) -> None:
    wait_until_blocked(room.database, None, by=holder)


def told_of(room: SigningRoom, settlement_id: int) -> tuple[str, list[str]]:
    standing = room.standing(settlement_id)
    return standing.state.value, standing.awaits
