"""A forger's tests: whatever is changed in an excerpt, by a stranger or by the log's operator, is named."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from excerpt_room import CODES, open_excerpt_room
from forging import (
    Document,
    Path,
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
from ledger_schema.sessions import Database
from tests.other_bytes import other_bytes


@dataclass(frozen=True)
class World:
    """True excerpts of two enterprises, of two quarters and of another agreement; and who signs the log."""

    excerpt: Document
    neighbour: Document
    later: Document
    foreign: Document
    trust: Trust
    operator: SignerKey


@pytest.fixture(scope="module")
def world(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    database, folder = Database(module_database_url), tmp_path_factory.mktemp("home")
    foreign = open_excerpt_room(database, folder, code="B-1")
    room = open_excerpt_room(database, folder)
    yield World(
        room.excerpt("2024Q1", CODES[0]).model_dump(),
        room.excerpt("2024Q1", CODES[1]).model_dump(),
        room.excerpt("2024Q2", CODES[0]).model_dump(),
        foreign.excerpt("2024Q1", CODES[0]).model_dump(),
        Trust(room.log_key, room.party_keys),
        room.files.signer(),
    )
    database.dispose()


def return_of(document: Document, role: str, quarter: str = "2024Q1") -> int:
    """The place of the shown return of a role for a quarter."""
    filing = data_of(document["events"][place_of(document, "lines_salted", role=role, quarter=quarter)])[
        "filing"
    ]
    return [one["filing"] for one in document["returns"]].index(filing)


def replaced(document: Document, path: Path, value: object) -> Document:
    return put(document, path, lambda _: value)


def test_the_true_excerpts_hold(world: World) -> None:
    for document in (world.excerpt, world.neighbour, world.later):
        assert verified(document, world.trust)[-1] == "The excerpt holds."
    assert verified(relogged(world.excerpt, world.operator), world.trust)


# --- by a stranger ----------------------------------------------------------------------------------------


def test_every_single_value_matters(world: World) -> None:
    for path in leaves(world.excerpt):
        assert wrong(put(world.excerpt, path, nudged), world.trust), path


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_file_with_other_bytes_anywhere_is_refused(world: World, data: st.DataObject) -> None:
    content = canonical_bytes(world.excerpt)
    assert refused(data.draw(other_bytes(content)), world.trust)


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_a_member_left_out_said_twice_or_exchanged_is_refused(world: World, data: st.DataObject) -> None:
    """Keys of parties are taken from the file: whoever gives them needs no event that registers them."""
    path = data.draw(st.sampled_from(list(members(world.excerpt))))
    for made in other_members(world.excerpt, path):
        assert refused(canonical_bytes(made), Trust(world.trust.log_key))


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_other_value_in_any_place_is_refused(world: World, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(leaves(world.excerpt))))
    value = data.draw(st.one_of(st.text(max_size=30), st.integers(-(2**40), 2**40), st.none(), st.booleans()))
    changed = put(world.excerpt, path, lambda _: value)
    assume(canonical_bytes(changed) != canonical_bytes(world.excerpt))
    wrong(changed, world.trust)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_other_character_within_a_text_is_refused(world: World, data: st.DataObject) -> None:
    texts = [path for path in leaves(world.excerpt) if isinstance(value_at(world.excerpt, path), str)]
    path = data.draw(st.sampled_from(texts))
    written = value_at(world.excerpt, path)
    place = data.draw(st.integers(0, max(0, len(written) - 1)))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != written[place : place + 1]))
    wrong(put(world.excerpt, path, lambda _: written[:place] + other + written[place + 1 :]), world.trust)


def test_swapped_lines_are_found(world: World) -> None:
    place = return_of(world.excerpt, "host")
    swapped = put(world.excerpt, ("returns", place, "lines"), lambda lines: lines[::-1])
    assert wrong(swapped, world.trust).startswith(f"returns[{place}]")
    lines = world.neighbour["returns"][return_of(world.neighbour, "host")]["lines"]
    borrowed = put(world.excerpt, ("returns", place, "lines"), lambda _: lines)
    assert "lines subject" in wrong(borrowed, world.trust)
    subject = world.excerpt["subject"]
    renamed = [{**line, "subject": subject} for line in lines]
    named = wrong(put(world.excerpt, ("returns", place, "lines"), lambda _: renamed), world.trust)
    assert named.startswith(f"returns[{place}]")


def test_a_line_left_out_or_said_twice_is_found(world: World) -> None:
    place = return_of(world.excerpt, "host")
    for change in (lambda lines: lines[:1], lambda lines: [*lines, lines[-1]], lambda _: []):
        named = wrong(put(world.excerpt, ("returns", place, "lines"), change), world.trust)
        assert named.startswith(f"returns[{place}]")
    for change in (lambda shares: shares[:1], lambda shares: [*shares, shares[-1]], lambda _: []):
        named = wrong(put(world.excerpt, ("share", "allocations"), change), world.trust)
        assert named.startswith("share")


def test_swapped_salts_are_found(world: World) -> None:
    changed = copy.deepcopy(world.excerpt)
    one, other = changed["returns"][0]["place"], changed["returns"][1]["place"]
    one["salt"], other["salt"] = other["salt"], one["salt"]
    assert wrong(changed, world.trust).startswith("returns[0]")
    salt = world.excerpt["share"]["place"]["salt"]
    borrowed = put(world.excerpt, ("returns", 0, "place", "salt"), lambda _: salt)
    assert wrong(borrowed, world.trust).startswith("returns[0]")
    assert "16" in wrong(put(world.excerpt, ("share", "place", "salt"), lambda _: "AAAA"), world.trust)


def test_another_enterprises_path_is_found(world: World) -> None:
    for path in (("share", "place"), ("returns", 0, "place")):
        others = value_at(world.neighbour, path)
        borrowed = replaced(world.excerpt, path, others)
        assert wrong(borrowed, world.trust).startswith(str(path[0]))
    passed_off = {**world.excerpt, "credit_code": CODES[1]}
    assert wrong(passed_off, world.trust).startswith("share")
    assert wrong({**world.excerpt, "subject": world.neighbour["subject"]}, world.trust).startswith("share")


def test_another_quarters_root_is_found(world: World) -> None:
    """The true lines of one quarter, under the true event of the other."""
    later = place_of(world.later, "lines_salted", role="host", quarter="2024Q2")
    filing = data_of(world.later["events"][later])["filing"]
    place = return_of(world.excerpt, "host")
    changed = put(world.excerpt, ("returns", place, "filing"), lambda _: filing)
    assert wrong(changed, world.trust).startswith(f"returns[{place}]")
    events = {one["leaf"]: one for one in [*changed["events"], *world.later["events"]]}
    changed["events"] = [events[leaf] for leaf in sorted(events)]
    assert wrong(changed, world.trust)
    changed["settlement"] = world.later["settlement"]
    assert wrong(changed, world.trust)


def test_another_quarters_share_is_found(world: World) -> None:
    assert wrong({**world.excerpt, "share": world.later["share"]}, world.trust).startswith("share")
    assert wrong({**world.excerpt, "settlement": world.later["settlement"]}, world.trust).startswith(
        "settlement"
    )


def test_a_half_checked_proof_is_found(world: World) -> None:
    for path in (("share", "place", "hashes"), ("returns", 1, "place", "hashes"), ("events", 3, "hashes")):
        hashes = value_at(world.excerpt, path)
        for cut in (hashes[1:], hashes[:-1], [], [*hashes, hashes[0]]):
            named = wrong(replaced(world.excerpt, path, cut), world.trust)
            assert named.startswith(str(path[0]))


def test_a_return_that_is_left_out_is_missed_as_long_as_its_event_is_there(world: World) -> None:
    changed = copy.deepcopy(world.excerpt)
    del changed["returns"][0]
    assert wrong(changed, world.trust).startswith("returns")
    changed = copy.deepcopy(world.excerpt)
    changed["returns"].append(changed["returns"][0])
    assert wrong(changed, world.trust).startswith("returns")


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("agreement_drafted", "events"),
        ("version_signed", "terms"),
        ("version_brought_into_force", "terms"),
        ("lines_salted", "returns"),
        ("settlement_salted", "settlement"),
    ],
)
def test_an_event_that_is_left_out_is_missed(world: World, kind: str, named: str) -> None:
    changed = copy.deepcopy(world.excerpt)
    del changed["events"][place_of(changed, kind)]
    assert wrong(changed, world.trust).startswith(named)


# --- by whoever operates the log --------------------------------------------------------------------------


def test_a_log_rewritten_by_its_operator_lacks_the_cosignatures(world: World) -> None:
    made = relogged(world.excerpt, world.operator)
    insisting = Trust(world.trust.log_key, world.trust.party_keys, cosigners=list(world.trust.party_keys))
    assert wrong(made, insisting).startswith("checkpoint")


def test_another_agreements_tree_is_found(world: World) -> None:
    changed = copy.deepcopy(world.excerpt)
    foreign = world.foreign["events"][place_of(world.foreign, "settlement_salted")]
    changed["events"] = sorted([*changed["events"], foreign], key=lambda one: int(one["leaf"]))
    assert "it is of another agreement" in wrong(relogged(changed, world.operator), world.trust)


def test_a_return_that_was_logged_after_the_close_is_found(world: World) -> None:
    changed = copy.deepcopy(world.excerpt)
    place = place_of(changed, "lines_salted", role="host")
    changed["events"].append(changed["events"].pop(place))
    assert wrong(relogged(changed, world.operator), world.trust).startswith("returns")


def test_a_tree_of_another_form_or_size_is_found(world: World) -> None:
    odd: list[dict[str, Any]] = [{"form": "parkledger.salted-shares/1"}, {"subject_count": 2}, {"root": "00"}]
    for change in odd:
        changed = copy.deepcopy(world.excerpt)
        edited(changed, place_of(changed, "lines_salted", role="host"), **change)
        assert wrong(relogged(changed, world.operator), world.trust)


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 3, "", "0", "00", "x", "host", "2024Q1", [], ["x"], [[]], {}, {"role": "host"}]
)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_an_event_of_another_form_never_trips_the_verifier(world: World, data: st.DataObject) -> None:
    """Whatever the operator writes into the log: the excerpt holds still, or what is wrong is named."""
    changed = copy.deepcopy(world.excerpt)
    place = data.draw(st.integers(0, len(changed["events"]) - 1))
    name = data.draw(st.sampled_from(sorted(data_of(changed["events"][place]))))
    edited(changed, place, **{name: data.draw(ODD)})
    with suppress(BundleWrong):
        verified(relogged(changed, world.operator), world.trust)
