"""A forger's tests: whatever is changed in a bundle, by a stranger or by the log's own operator, is named."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from bundle_room import BundleRoom, open_bundle_room
from desk_fixtures import clause
from forging import (
    Document,
    data_of,
    edited,
    leaves,
    members,
    nudged,
    other_members,
    place_of,
    put,
    refused,
    relogged,
    value_at,
    verified,
    wrong,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger.desk.bundles import Trust
from ledger.evidence.bundles import BundleWrong
from ledger.evidence.canonical import canonical_bytes
from ledger.evidence.notes import SignerKey
from ledger.evidence.signatures import new_private_key, sign
from ledger_schema.sessions import Database

TRIED = 100
"""Places of a file, spread evenly over it."""


@dataclass(frozen=True)
class World:
    """True bundles of two quarters and of another agreement, the keys to trust, and the operator's own."""

    bundle: Document
    earlier: Document
    foreign: Document
    trust: Trust
    operator: SignerKey
    private_keys: dict[str, bytes]


@pytest.fixture(scope="module")
def world(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    database, folder = Database(module_database_url), tmp_path_factory.mktemp("home")
    foreign = open_bundle_room(
        database, folder, clause(shares={"origin": "1", "host": "0"}), code="B-1", controller="乙集团"
    )
    room = open_bundle_room(database, folder)
    yield World(
        room.bundle("2024Q2").model_dump(),
        room.bundle("2024Q1").model_dump(),
        foreign.bundle("2024Q2").model_dump(),
        trust_of(room),
        room.files.signer(),
        room.desk.room.keys,
    )
    database.dispose()


def trust_of(room: BundleRoom) -> Trust:
    return Trust(room.log_key, room.party_keys)


def test_the_true_bundles_hold(world: World) -> None:
    for document in (world.bundle, world.earlier):
        assert len(verified(document, world.trust)) > 5
    assert len(verified(relogged(world.bundle, world.operator), world.trust)) > 5


# --- by a stranger ----------------------------------------------------------------------------------------


def test_every_single_value_matters(world: World) -> None:
    """Each value in turn is changed a little; what is named is the section that it stands in."""
    for path in leaves(world.bundle):
        named = wrong(put(world.bundle, path, nudged), world.trust)
        assert named.startswith(str(path[0])), f"{path}: {named}"


def test_a_file_with_one_other_byte_is_refused(world: World) -> None:
    content = canonical_bytes(world.bundle)
    for place in range(0, len(content), len(content) // TRIED):
        assert refused(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :], world.trust)


def test_a_member_left_out_said_twice_or_exchanged_is_refused(world: World) -> None:
    """All but the arbiter's key, which signs nothing here: what registers it isn't missed."""
    unused = ("events", place_of(world.bundle, "key_registered"))
    paths = [path for path in members(world.bundle) if path != unused]
    for path in paths[:: len(paths) // TRIED]:
        for made in other_members(world.bundle, path):
            assert refused(canonical_bytes(made), Trust(world.trust.log_key)), path


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_other_value_in_any_place_is_refused(world: World, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(leaves(world.bundle))))
    value = data.draw(st.one_of(st.text(max_size=30), st.integers(-(2**40), 2**40), st.none(), st.booleans()))
    changed = put(world.bundle, path, lambda _: value)
    assume(canonical_bytes(changed) != canonical_bytes(world.bundle))
    wrong(changed, world.trust)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_other_character_within_a_text_is_refused(world: World, data: st.DataObject) -> None:
    texts = [path for path in leaves(world.bundle) if isinstance(value_at(world.bundle, path), str)]
    path = data.draw(st.sampled_from(texts))
    text = value_at(world.bundle, path)
    place = data.draw(st.integers(0, max(0, len(text) - 1)))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != text[place : place + 1]))
    wrong(put(world.bundle, path, lambda _: text[:place] + other + text[place + 1 :]), world.trust)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_left_out_or_said_twice_is_missed(world: World, data: st.DataObject) -> None:
    section = data.draw(st.sampled_from(["terms", "lists", "returns", "allocations", "entries"]))
    changed = copy.deepcopy(world.bundle)
    place = data.draw(st.integers(0, len(changed[section]) - 1))
    if data.draw(st.booleans()):
        del changed[section][place]
    else:
        changed[section].insert(place, changed[section][place])
    assert wrong(changed, world.trust)


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("agreement_drafted", "events"),
        ("version_signed", "terms"),
        ("version_brought_into_force", "terms"),
        ("return_handed_in", "returns"),
        ("enterprise_list_submitted", "lists"),
        ("enterprise_list_confirmed", "lists"),
        ("occurrence_recorded", "inputs.occurrences"),
        ("occurrence_confirmed", "inputs.occurrences"),
        ("reconciliation_arbitration", "inputs.excepted"),
        ("reconciliation_dispute", "inputs"),
        ("settlement_computed", "allocations"),
        ("settlement_proposed", "bytes_to_sign"),
        ("settlement_signed", "events (settlement_signed)"),
        ("settlement_closed", "inputs"),
    ],
)
def test_an_event_that_is_left_out_is_missed(world: World, kind: str, named: str) -> None:
    changed = copy.deepcopy(world.bundle)
    del changed["events"][place_of(changed, kind)]
    assert wrong(changed, world.trust).startswith(named)


def test_swapped_leaves_are_found(world: World) -> None:
    changed = copy.deepcopy(world.bundle)
    one, other = changed["events"][5], changed["events"][6]
    for name in ("leaf", "hashes"):
        one[name], other[name] = other[name], one[name]
    assert wrong(changed, world.trust).startswith("events[5]")
    changed = copy.deepcopy(world.bundle)
    one, other = changed["events"][5], changed["events"][6]
    one["event"], other["event"] = other["event"], one["event"]
    assert wrong(changed, world.trust).startswith("events[5]")


def test_events_in_another_order_are_found(world: World) -> None:
    changed = copy.deepcopy(world.bundle)
    changed["events"][5], changed["events"][6] = changed["events"][6], changed["events"][5]
    assert wrong(changed, world.trust).startswith("events:")


def test_a_cut_tail_is_found(world: World) -> None:
    """The head of a shorter tree, which was never signed, or another head's signature under it."""
    changed = copy.deepcopy(world.bundle)
    size = changed["checkpoint"].split("\n")[1]
    changed["checkpoint"] = changed["checkpoint"].replace(f"\n{size}\n", f"\n{int(size) - 1}\n", 1)
    assert wrong(changed, world.trust).startswith("checkpoint")
    del changed["events"][-1]
    assert wrong({**world.bundle, "events": changed["events"]}, world.trust)


def test_a_tree_rebuilt_by_a_stranger_is_found(world: World) -> None:
    stranger = SignerKey(world.operator.name, new_private_key())
    made = relogged(world.bundle, stranger)
    assert wrong(made, world.trust).startswith("log_key")
    made["log_key"] = str(world.operator.verifier)
    assert wrong(made, world.trust).startswith("checkpoint")


def test_a_half_checked_proof_is_found(world: World) -> None:
    for cut in (slice(1, None), slice(None, -1), slice(0, 0)):
        changed = copy.deepcopy(world.bundle)
        changed["events"][3]["hashes"] = changed["events"][3]["hashes"][cut]
        assert wrong(changed, world.trust).startswith("events[3]")
    longer = put(world.bundle, ("events", 3, "hashes"), lambda hashes: [*hashes, hashes[0]])
    assert wrong(longer, world.trust).startswith("events[3]")


def test_swapped_terms_are_found(world: World) -> None:
    changed = copy.deepcopy(world.bundle)
    one, other = changed["terms"][0], changed["terms"][2]
    one["content"], other["content"] = other["content"], one["content"]
    assert wrong(changed, world.trust).startswith("terms[0]")


def test_another_quarters_figures_are_found(world: World) -> None:
    changed = {**world.bundle, "inputs": world.earlier["inputs"]}
    assert wrong(changed, world.trust).startswith("previous_inputs")
    for section in ("bytes_to_sign", "allocations", "entries", "previous_inputs"):
        changed = {**world.bundle, section: world.earlier[section]}
        assert wrong(changed, world.trust).startswith(section)


# --- by whoever operates the log --------------------------------------------------------------------------


def test_a_log_rewritten_by_its_operator_lacks_the_cosignatures(world: World) -> None:
    made = relogged(world.bundle, world.operator)
    insisting = Trust(world.trust.log_key, world.trust.party_keys, cosigners=list(world.trust.party_keys))
    assert wrong(made, insisting).startswith("checkpoint")


def test_a_cosignature_of_another_head_is_found(world: World) -> None:
    made = relogged(world.bundle, world.operator)
    cosigned = world.bundle["checkpoint"].rstrip("\n").split("\n")[-1]
    made["checkpoint"] += f"{cosigned}\n"
    assert wrong(made, world.trust).startswith("checkpoint")


def test_an_amount_changed_in_return_and_log_contradicts_what_was_closed(world: World) -> None:
    changed = copy.deepcopy(world.bundle)
    place = place_of(changed, "return_handed_in", role="host")
    filing = data_of(changed["events"][place])["filing"]
    returned = next(one for one in changed["returns"] if one["filing"] == filing)
    returned["lines"][0]["amount_minor"] = "999"
    named = wrong(relogged(changed, world.operator), world.trust)
    assert named.startswith(f"returns[{changed['returns'].index(returned)}]")


def test_signatures_of_another_settlement_are_found(world: World) -> None:
    """The operator logs the earlier settlement's true signature as if it were of this one."""
    changed = copy.deepcopy(world.bundle)
    place = place_of(changed, "settlement_signed", role="host")
    earlier = data_of(world.earlier["events"][place_of(world.earlier, "settlement_signed", role="host")])
    edited(changed, place, signature=earlier["signature"])
    assert wrong(relogged(changed, world.operator), world.trust).startswith(f"events[{place}]")


def test_terms_that_nobody_signed_are_found_even_if_the_log_says_so(world: World) -> None:
    changed = copy.deepcopy(world.bundle)
    content = json.loads(changed["terms"][2]["content"])
    content["clauses"][0]["to_whom"]["key"][0]["shares"] = {"origin": "0", "host": "1"}
    changed["terms"][2]["content"] = canonical_bytes(content).decode()
    hashed = hashlib.sha256(changed["terms"][2]["content"].encode()).hexdigest()
    for place, one in enumerate(changed["events"]):
        if data_of(one).get("version") == 3 and "terms_sha256" in data_of(one):
            edited(changed, place, terms_sha256=hashed)
    named = wrong(relogged(changed, world.operator), world.trust)
    assert "events" in named
    assert "(version_signed)" in named


def test_a_key_that_the_operator_registered_for_a_party_is_no_trusted_one(world: World) -> None:
    """Without the parties' keys from elsewhere this lie would pass; with them it is found."""
    changed, own = copy.deepcopy(world.bundle), new_private_key()
    place = place_of(changed, "settlement_signed", role="host")
    public_key = SignerKey("x", own).verifier.public_key.hex()
    signature = sign(own, changed["bytes_to_sign"].encode()).hex()
    edited(changed, place, public_key=public_key, signature=signature)
    registered = copy.deepcopy(changed["events"][place_of(changed, "key_registered", party="A-1-HOST")])
    changed["events"].insert(0, registered)
    edited(changed, 0, public_key=public_key)
    made = relogged(changed, world.operator)
    assert len(verified(made, Trust(world.trust.log_key))) > 5
    assert wrong(made, world.trust).startswith(f"events[{place + 1}] (settlement_signed)")


def test_another_agreements_list_is_found(world: World) -> None:
    changed = copy.deepcopy(world.bundle)
    changed["lists"] = world.foreign["lists"]
    assert wrong(changed, world.trust).startswith("lists[1]")
    foreign = [
        one for one in world.foreign["events"] if "enterprise_list" in json.loads(one["event"])["kind"]
    ]
    changed["events"] = sorted([*changed["events"], *foreign], key=lambda one: int(one["leaf"]))
    named = wrong(relogged(changed, world.operator), world.trust)
    assert "it is of another agreement" in named


def test_a_result_that_the_rules_dont_give_is_found_even_if_all_signed_it(world: World) -> None:
    """Both sides and the operator together can't pass off another split as that of the signed terms."""
    changed = copy.deepcopy(world.bundle)
    changed["allocations"][0]["amount_minor"] = "1"
    named = wrong(relogged(changed, world.operator), world.trust)
    assert named.startswith("allocations[0].amount_minor: ")
    changed = copy.deepcopy(world.bundle)
    for kind in ("settlement_computed", "settlement_closed"):
        settlement = data_of(changed["events"][place_of(changed, "settlement_signed")])["settlement"]
        edited(changed, place_of(changed, kind, settlement=settlement), allocations_hash="00" * 32)
    assert wrong(relogged(changed, world.operator), world.trust).startswith("allocations")


def test_an_extension_or_decision_that_was_never_taken_is_found(world: World) -> None:
    """The operator rewrites the inputs, and every hash of them that the log holds."""
    for name, row in (
        ("held_extensions", {"clause": 1, "subject": "0", "extended": True}),
        (
            "excepted",
            {
                "quarter": "2024Q2", "role": "host", "subject": "0", "measure": "retained_tax",
                "span": "2024Q2", "record": "2003", "against": "2003", "counts": "1", "item": 9,
            },
        ),
    ):  # fmt: skip
        changed = copy.deepcopy(world.bundle)
        inputs = json.loads(changed["inputs"])
        inputs[name] = [*inputs.get(name, []), row]
        changed["inputs"] = canonical_bytes(inputs).decode()
        settlement = data_of(changed["events"][place_of(changed, "settlement_signed")])["settlement"]
        hashed = hashlib.sha256(changed["inputs"].encode()).hexdigest()
        for kind in ("settlement_computed", "settlement_closed"):
            edited(changed, place_of(changed, kind, settlement=settlement), inputs_hash=hashed)
        assert wrong(relogged(changed, world.operator), world.trust).startswith(f"inputs.{name}")


SIDE = {"role": "host", "party": "x", "party_id": "01", "signs": 1}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 3, "", "0", "00", "x", "host", "2024Q1", "2024Q9", [], ["x"], [[]], {}, SIDE, [SIDE]]
)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_an_event_of_another_form_is_refused_and_never_trips_the_verifier(
    world: World, data: st.DataObject
) -> None:
    """Whatever the operator writes into the log: the bundle holds still, or what is wrong is named."""
    changed = copy.deepcopy(world.bundle)
    place = data.draw(st.integers(0, len(changed["events"]) - 1))
    name = data.draw(st.sampled_from(sorted(data_of(changed["events"][place]))))
    edited(changed, place, **{name: data.draw(ODD)})
    with suppress(BundleWrong):
        verified(relogged(changed, world.operator), world.trust)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_inputs_of_another_form_are_refused_and_never_trip_the_verifier(
    world: World, data: st.DataObject
) -> None:
    changed = copy.deepcopy(world.bundle)
    inputs = json.loads(changed["inputs"])
    path = data.draw(st.sampled_from([*((name,) for name in inputs), *leaves(inputs)]))
    changed["inputs"] = canonical_bytes(put(inputs, path, lambda _: data.draw(ODD))).decode()
    assume(changed["inputs"] != world.bundle["inputs"])
    settlement = data_of(changed["events"][place_of(changed, "settlement_signed")])["settlement"]
    hashed = hashlib.sha256(changed["inputs"].encode()).hexdigest()
    for kind in ("settlement_computed", "settlement_closed"):
        edited(changed, place_of(changed, kind, settlement=settlement), inputs_hash=hashed)
    with pytest.raises(BundleWrong):
        verified(relogged(changed, world.operator), world.trust)


def test_semantics_that_this_program_doesnt_know_are_named(world: World) -> None:
    changed = copy.deepcopy(world.bundle)
    content = json.loads(changed["terms"][0]["content"])
    changed["terms"][0]["content"] = canonical_bytes({**content, "semantics": 2}).decode()
    signed = changed["terms"][0]["content"].encode()
    for place, one in enumerate(changed["events"]):
        data = data_of(one)
        if data.get("version") == 1 and "terms_sha256" in data:
            edited(changed, place, terms_sha256=hashlib.sha256(signed).hexdigest())
        if data.get("version") == 1 and "signature" in data:
            edited(changed, place, signature=sign(world.private_keys[data["role"]], signed).hex())
    named = wrong(relogged(changed, world.operator), world.trust)
    assert named.startswith("terms[0]: ")
    assert "version 2 of the semantics" in named
