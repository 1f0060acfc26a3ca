"""What a decided claim says of itself: every limit with its yuan, who bears what, and what took the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from desk_fixtures import enterprise
from voucher_room import (
    DAY,
    HOME,
    PROVIDER_ZONE,
    budget,
    open_voucher_room,
    voucher_clause,
)

from ledger.desk import vouchers
from ledger.desk.vouchers import Claim
from ledger_schema.sessions import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def zh(found: Claim) -> list[str]:
    return [said.zh for said in found.explanation]


def en(found: Claim) -> list[str]:
    return [said.en for said in found.explanation]


YEARLY = {"over": "year", "unused": "lapses", "measured_on": "pool", "excess_to": None}


def test_a_claim_within_its_quota_says_cost_quota_shares_and_payers(database: Database) -> None:
    found = open_voucher_room(database).redeem(1, "60000.00")
    assert zh(found) == [
        "申请兑付的费用为 60,000.00 元。",
        "第 1 条：计入的费用：60,000.00 元。",
        "第 1 条：每家企业每年限额为 100,000.00 元，此前未用；所求 60,000.00 元未超出。",
        "第 1 条：创新券余额和费用可支持的金额为 60,000.00 元；所求 60,000.00 元未超出。",
        "第 1 条：飞入地分担：60,000.00 × 1/3 = 20,000.00 元。",
        "第 1 条：飞出地分担：60,000.00 × 2/3 = 40,000.00 元。",
        "第 1 条：为本券从飞出地预算预留的金额为 60,000.00 元；所求 40,000.00 元未超出。",
        "第 1 条：为本券从飞入地预算预留的金额为 20,000.00 元；所求 20,000.00 元未超出。",
        "核定 60,000.00 元：飞入地承担 20,000.00 元，飞出地承担 40,000.00 元。",
    ]
    assert en(found)[2] == (
        "Clause 1: the quota of each enterprise a year is 100,000.00 yuan, none used before; "
        "60,000.00 is within it."
    )


def test_the_odd_fen_of_a_split_is_said_with_who_has_it(database: Database) -> None:
    said = en(open_voucher_room(database).redeem(1, "100000.00"))
    assert said[-3:] == [
        "Clause 1: rounded, part of the host side: 100,000/3 → 33,333.33 yuan.",
        "Clause 1: rounded with the remainder, part of the origin side: 200,000/3 → 66,666.67 yuan.",
        "Approved: 100,000.00 yuan, 33,333.33 borne by the host side, 66,666.67 borne by the origin side.",
    ]


def test_a_quota_used_in_part_says_what_was_used_what_is_left_and_what_it_took(database: Database) -> None:
    room = open_voucher_room(database)
    room.redeem(1, "60000.00")
    found = room.redeem(1, "50000.00")
    assert zh(found)[2] == (
        "第 1 条：每家企业每年限额为 100,000.00 元，此前已用 60,000.00 元，尚余 40,000.00 元；"
        "所求 50,000.00 元减为 40,000.00 元，10,000.00 元不予兑付。"
    )
    assert zh(found)[-1] == (
        "核定 40,000.00 元：飞入地承担 13,333.33 元，飞出地承担 26,666.67 元。"
        "减少的原因：第 1 条每家企业每年限额减少 10,000.00 元。"
    )


def test_a_claim_that_gets_nothing_says_which_limit_took_it(database: Database) -> None:
    room = open_voucher_room(database)
    room.redeem(1, "100000.00")
    found = room.redeem(1, "50000.00")
    assert found.state == "refused"
    assert zh(found)[-1] == "核定 0.00 元，因为第 1 条每家企业每年限额减少 50,000.00 元。"
    assert en(found)[-1] == (
        "Approved: 0.00 yuan, because the quota of each enterprise a year (clause 1) took 50,000.00 yuan."
    )


def test_layers_say_the_rate_the_limit_of_all_and_that_of_one_payer(database: Database) -> None:
    caps = [
        {"amount": "200000.00", **YEARLY},
        {"amount": "120000.00", **YEARLY, "measured_on": "receipts", "capped": PROVIDER_ZONE},
    ]
    layered = voucher_clause(
        measure="voucher_service_cost", rate="1/2", shares={PROVIDER_ZONE: "3/4", HOME: "1/4"}, caps=caps
    )
    room = open_voucher_room(database, layered, at_home_paid_by=None)
    said = en(room.redeem(1, "500000.00", face="200000.00"))
    assert said[2] == "Clause 1: rate of support: 500,000.00 × 1/2 = 250,000.00 yuan."
    assert said[3] == (
        "Clause 1: the quota of each enterprise a year is 200,000.00 yuan, none used before; "
        "250,000.00 is cut to 200,000.00, and 50,000.00 isn't granted."
    )
    assert said[7] == (
        "Clause 1: the quota of each enterprise a year borne by the host side is 120,000.00 yuan, "
        "none used before; 150,000.00 is cut to 120,000.00, and 30,000.00 isn't granted."
    )
    assert said[-1].startswith(
        "Approved: 170,000.00 yuan, 120,000.00 borne by the host side, 50,000.00 borne by the origin side. "
        "What was taken: the quota of each enterprise a year (clause 1) took 50,000.00 yuan; "
    )


def test_the_published_layers_of_half_the_cost_say_what_each_payer_bears(database: Database) -> None:
    caps = [
        {"amount": "200000.00", **YEARLY},
        {"amount": "120000.00", **YEARLY, "measured_on": "receipts", "capped": PROVIDER_ZONE},
    ]
    layered = voucher_clause(
        measure="voucher_service_cost", rate="1/2", shares={PROVIDER_ZONE: "3/5", HOME: "2/5"}, caps=caps
    )
    room = open_voucher_room(database, layered, at_home_paid_by=None)
    said = zh(room.redeem(1, "500000.00", face="200000.00", at=HOME))
    assert said[-1] == (
        "核定 200,000.00 元：飞入地承担 120,000.00 元，飞出地承担 80,000.00 元。"
        "减少的原因：第 1 条每家企业每年限额减少 50,000.00 元。"
    )


def test_the_quota_of_a_group_counts_what_its_other_enterprises_used(database: Database) -> None:
    group = [enterprise(place, controller="甲集团") for place in (1, 2)]
    shared = {"amount": "100000.00", **YEARLY, "per": "controller", "order": "by_subject"}
    room = open_voucher_room(database, voucher_clause(caps=[shared]), entries=group)
    room.redeem(1, "70000.00")
    assert zh(room.redeem(2, "70000.00"))[2] == (
        "第 1 条：同一实际控制人的所有企业每年限额为 100,000.00 元，此前已用 70,000.00 元，"
        "尚余 30,000.00 元；所求 70,000.00 元减为 30,000.00 元，40,000.00 元不予兑付。"
    )


def test_a_second_claim_on_a_voucher_says_what_was_left_of_it(database: Database) -> None:
    room = open_voucher_room(database)
    order_id = room.order(room.issue(1, "50000.00"), "80000.00")
    room.claim(order_id, "30000.00")
    assert en(room.claim(order_id, "30000.00"))[3] == (
        "Clause 1: what the voucher and the cost leave is 20,000.00 yuan; "
        "30,000.00 is cut to 20,000.00, and 10,000.00 isn't granted."
    )


def test_a_short_budget_that_claims_share_says_what_it_could_bear(database: Database) -> None:
    budgets = [budget(HOME, "50000.00"), budget(PROVIDER_ZONE, "10000000.00")]
    room = open_voucher_room(database, decided="together", budgets=budgets)
    claims = [room.redeem(place, amount) for place, amount in ((1, "60000.00"), (2, "90000.00"))]
    assert zh(claims[0]) == []
    vouchers.decide_together(database, room.act(), room.programme, DAY)
    assert zh(room.claim_now(claims[0].claim_id))[-1] == (
        "核定 40,000.00 元：飞入地承担 20,000.00 元，飞出地承担 20,000.00 元。"
        "减少的原因：第 1 条飞出地的预算可为本申请承担的金额减少 20,000.00 元。"
    )


def test_an_audit_s_finding_is_said_and_what_it_did_not_accept_counts_for_nothing(
    database: Database,
) -> None:
    room = open_voucher_room(database, audit={"share": "1", "flagged": False})
    found, nothing = room.redeem(1, "60000.00"), room.redeem(2, "60000.00")
    room.audit(found.claim_id, "30000.00")
    room.audit(nothing.claim_id, "0.00")
    said = zh(room.claim_now(found.claim_id))
    assert said[1:3] == ["抽查认可其中 30,000.00 元：核减。", "第 1 条：计入的费用：30,000.00 元。"]
    assert zh(room.claim_now(nothing.claim_id))[-1] == "核定 0.00 元，因为抽查未认可任何费用。"


def test_a_clause_whose_conditions_are_not_met_says_which(database: Database) -> None:
    abroad = {"attributes": {"size": ["small"], "provider_location": ["other"]}}
    anywhere = voucher_clause(number=2)
    room = open_voucher_room(
        database,
        voucher_clause(eligibility=abroad),
        anywhere,
        clauses=[1, 2],
        entries=[enterprise(1, attributes={"size": "small"})],
    )
    said = en(room.redeem(1, "100.00", at=HOME))
    assert said[1] == "Clause 1: not met: provider_location is home (required: other)."
    assert said[-1] == (
        "Approved: 100.00 yuan, 100.00 borne by the origin side. "
        "What was taken: the conditions of clause 1 aren't met."
    )


def test_a_provider_to_which_no_rate_applies_is_told_so(database: Database) -> None:
    rates = [{"where": {"provider_location": ["other"]}, "rate": "1/2"}]
    clause = voucher_clause(measure="voucher_service_cost")
    clause["how_much"]["rates"] = rates
    found = open_voucher_room(database, clause).redeem(1, "100.00", at=HOME)
    assert en(found)[-1] == "Approved: 0.00 yuan, because no rate of clause 1 applies."
