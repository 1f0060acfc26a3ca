"""Vouchers from their issue to what is recovered: what claims get, who bears it, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from desk_fixtures import enterprise
from voucher_room import (
    DAY,
    HOME,
    PROVIDER_ZONE,
    PROVIDERS,
    VoucherRoom,
    budget,
    certify,
    credit_code,
    enterprise_code,
    fen,
    open_voucher_room,
    parts,
    programme_document,
    voucher_clause,
)

from ledger.desk import vouchers
from ledger.desk.failures import RequestRefused
from ledger.desk.vouchers import (
    BudgetShort,
    ClaimInOtherState,
    ClaimsWaiting,
    EvidenceDraft,
    EvidenceUsed,
    MoreThanApproved,
    NotEligible,
    OrderExceeded,
    ProgrammeConfirmed,
    ProgrammeNotInForce,
    ProviderNotRecognised,
    ServiceDone,
    ServiceNotDone,
    VoucherUnusable,
)
from ledger_schema.sessions import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def test_a_claim_with_a_provider_of_the_other_zone_is_borne_by_both_payers(database: Database) -> None:
    found = open_voucher_room(database).redeem(1, "60000.00")
    assert (found.state, parts(found)) == ("approved", {HOME: 4_000_000, PROVIDER_ZONE: 2_000_000})


def test_the_remainder_at_the_cap_goes_to_the_home_payer(database: Database) -> None:
    found = open_voucher_room(database).redeem(1, "100000.00")
    assert parts(found) == {HOME: 6_666_667, PROVIDER_ZONE: 3_333_333}


def test_a_quota_used_in_part_leaves_the_rest_of_it(database: Database) -> None:
    room = open_voucher_room(database)
    room.redeem(1, "60000.00")
    found = room.redeem(1, "50000.00")
    assert parts(found) == {HOME: 2_666_667, PROVIDER_ZONE: 1_333_333}
    assert "quota : min(40000.00, 50000.00) = 40000.00" in found.working["1"]


def test_the_quota_is_of_a_calendar_year(database: Database) -> None:
    room = open_voucher_room(database)
    room.redeem(1, "100000.00")
    assert room.redeem(1, "50000.00").approved_minor == 0
    assert room.redeem(1, "50000.00", day=date(2025, 2, 1)).approved_minor == 5_000_000


def test_layers_are_capped_in_all_and_each_by_itself(database: Database) -> None:
    caps = [
        {"amount": "200000.00", "over": "year", "unused": "lapses", "measured_on": "pool", "excess_to": None},
        {
            "amount": "120000.00",
            "over": "year",
            "unused": "lapses",
            "measured_on": "receipts",
            "excess_to": None,
            "capped": PROVIDER_ZONE,
        },
    ]
    layered = voucher_clause(
        measure="voucher_service_cost", rate="1/2", shares={PROVIDER_ZONE: "3/5", HOME: "2/5"}, caps=caps
    )
    room = open_voucher_room(database, layered, at_home_paid_by=None)
    found = room.redeem(1, "500000.00", face="200000.00", at=HOME)
    assert parts(found) == {PROVIDER_ZONE: 12_000_000, HOME: 8_000_000}


def test_a_provider_at_home_is_paid_by_home_alone_out_of_the_same_quota(database: Database) -> None:
    room = open_voucher_room(database)
    assert parts(room.redeem(1, "60000.00", at=HOME)) == {HOME: 6_000_000}
    assert room.redeem(1, "60000.00").approved_minor == 4_000_000


def test_enterprises_of_one_controller_share_a_quota(database: Database) -> None:
    group = [enterprise(place, controller="甲集团") for place in (1, 2)]
    cap = {
        "amount": "100000.00",
        "over": "year",
        "unused": "lapses",
        "measured_on": "pool",
        "excess_to": None,
        "per": "controller",
        "order": "by_subject",
    }
    room = open_voucher_room(database, voucher_clause(caps=[cap]), entries=[*group, enterprise(3)])
    assert room.redeem(1, "70000.00").approved_minor == 7_000_000
    assert room.redeem(2, "70000.00").approved_minor == 3_000_000
    assert room.redeem(3, "70000.00").approved_minor == 7_000_000


def test_a_voucher_is_used_in_parts_until_nothing_is_left(database: Database) -> None:
    room = open_voucher_room(database)
    voucher_id = room.issue(1, "50000.00")
    order_id = room.order(voucher_id, "80000.00")
    assert room.claim(order_id, "30000.00").approved_minor == 3_000_000
    assert room.claim(order_id, "30000.00").approved_minor == 2_000_000
    assert room.voucher_now(voucher_id).state == "used_up"
    with pytest.raises(VoucherUnusable):
        room.claim(order_id, "20000.00")
    assert room.budgets()[HOME] == (1_000_000_000 - 3_333_334, 0, 3_333_334)


@pytest.mark.parametrize("change", ["number", "document", "contract line"])
def test_no_evidence_is_used_twice_however_it_is_written(database: Database, change: str) -> None:
    room = open_voucher_room(database)
    first, second = room.papers_of(900), room.papers_of(901)
    room.claim(room.order(room.issue(1, "10000.00"), "10000.00"), "10000.00", evidence=first)
    line, receipt = second
    match change:
        case "number":
            number, issuer = "ｆｐ-900 ", receipt.issuer
            receipt = EvidenceDraft("receipt", issuer, number.strip(), "", receipt.content_hash)
        case "document":
            receipt = EvidenceDraft("receipt", receipt.issuer, "FP-902", "", first[1].content_hash)
        case _:
            line = first[0]
    order_id = room.order(room.issue(2, "10000.00"), "10000.00")
    with pytest.raises(EvidenceUsed):
        room.claim(order_id, "10000.00", evidence=[line, receipt])
    assert room.claim(order_id, "10000.00").approved_minor == 1_000_000


def test_issuing_sets_money_aside_and_ends_give_it_back(database: Database) -> None:
    budgets = [budget(HOME, "100000.00"), budget(PROVIDER_ZONE, "40000.00")]
    room = open_voucher_room(database, budgets=budgets)
    first = room.issue(1, "90000.00")
    assert room.budgets() == {HOME: (1_000_000, 9_000_000, 0), PROVIDER_ZONE: (1_000_000, 3_000_000, 0)}
    with pytest.raises(BudgetShort):
        room.issue(2, "20000.00")
    vouchers.end(database, room.act(), first, "cancelled", "企业退出", DAY)
    assert room.budgets() == {HOME: (10_000_000, 0, 0), PROVIDER_ZONE: (4_000_000, 0, 0)}
    assert room.voucher_now(first).state == "cancelled"
    with pytest.raises(VoucherUnusable):
        vouchers.end(database, room.act(), first, "forfeited", "再次", DAY)
    room.issue(2, "100000.00")


def test_vouchers_expire_and_release_what_they_did_not_use(database: Database) -> None:
    room = open_voucher_room(database)
    kept, past = room.issue(1, "30000.00", day=date(2024, 6, 1)), room.issue(2, "30000.00")
    room.claim(room.order(past, "10000.00"), "10000.00")
    assert room.voucher_now(past).last_day == date(2024, 12, 31)
    assert vouchers.expire(database, room.act(), room.programme, date(2024, 12, 31)).value == 0
    assert vouchers.expire(database, room.act(), room.programme, date(2025, 1, 1)).value == 2
    assert [room.voucher_now(one).state for one in (kept, past)] == ["expired", "expired"]
    open_minor, reserved_minor, used_minor = room.budgets()[HOME]
    assert (reserved_minor, used_minor, open_minor) == (0, 666_667, 1_000_000_000 - 666_667)


def test_a_programme_that_carries_over_lets_vouchers_pass_the_year(database: Database) -> None:
    room = open_voucher_room(database, carries_over=True)
    voucher_id = room.issue(1, "30000.00")
    assert room.voucher_now(voucher_id).last_day == date(2025, 3, 1)
    order_id = room.order(voucher_id, "10000.00", day=date(2025, 1, 5))
    assert room.claim(order_id, "10000.00", day=date(2025, 2, 1)).approved_minor == 1_000_000


def test_claims_decided_together_share_a_short_budget_by_one_factor(database: Database) -> None:
    budgets = [budget(HOME, "50000.00"), budget(PROVIDER_ZONE, "10000000.00")]
    room = open_voucher_room(database, decided="together", budgets=budgets)
    claims = [room.redeem(place, amount) for place, amount in ((1, "60000.00"), (2, "90000.00"))]
    assert {one.state for one in claims} == {"waiting"}
    assert vouchers.decide_together(database, room.act(), room.programme, DAY).value == 2
    decided = [parts(room.claim_now(one.claim_id)) for one in claims]
    assert decided == [
        {HOME: 2_000_000, PROVIDER_ZONE: 2_000_000},
        {HOME: 3_000_000, PROVIDER_ZONE: 3_000_000},
    ]
    assert room.budgets()[HOME] == (0, 0, 5_000_000)
    assert vouchers.decide_together(database, room.act(), room.programme, DAY).value == 0


def test_claims_decided_together_by_subject_are_served_one_after_another(database: Database) -> None:
    budgets = [budget(HOME, "50000.00", "by_subject"), budget(PROVIDER_ZONE, "10000000.00")]
    room = open_voucher_room(database, decided="together", budgets=budgets)
    claims = [room.redeem(place, "60000.00") for place in (1, 2)]
    vouchers.decide_together(database, room.act(), room.programme, DAY)
    assert sorted(parts(room.claim_now(one.claim_id))[HOME] for one in claims) == [1_000_000, 4_000_000]


def test_a_recovery_takes_back_in_proportion_and_gives_room_where_the_programme_says_so(
    database: Database,
) -> None:
    room = open_voucher_room(database)
    found = room.redeem(1, "100000.00")
    other = room.redeem(2, "100000.00")
    room.recover(found.claim_id, "0.01")
    room.recover(found.claim_id, "49999.99")
    now = room.claim_now(found.claim_id)
    assert now.recovered_minor == 5_000_000
    assert {one.role: one.recovered_minor for one in now.parts} == {HOME: 3_333_334, PROVIDER_ZONE: 1_666_666}
    assert room.claim_now(other.claim_id).recovered_minor == 0
    assert room.redeem(1, "60000.00").approved_minor == 5_000_000
    with pytest.raises(MoreThanApproved):
        room.recover(found.claim_id, "50000.01")


def test_a_recovery_leaves_quota_and_budget_spent_where_the_programme_says_so(database: Database) -> None:
    room = open_voucher_room(database, recovery={"quota": "spent", "budget": "spent"})
    found = room.redeem(1, "100000.00")
    before = room.budgets()
    room.recover(found.claim_id, "100000.00")
    assert room.budgets() == before
    assert room.redeem(1, "60000.00").approved_minor == 0


def test_a_claim_drawn_for_audit_waits_for_the_finding(database: Database) -> None:
    room = open_voucher_room(database, audit={"share": "1", "flagged": False})
    found = room.redeem(1, "60000.00")
    assert found.state == "waiting_for_audit"
    voucher_id = voucher_of(room, found)
    with pytest.raises(ClaimsWaiting):
        vouchers.end(database, room.act(), voucher_id, "cancelled", "x", DAY)
    with pytest.raises(RequestRefused):
        room.audit(found.claim_id, "60000.01")
    room.audit(found.claim_id, "30000.00")
    now = room.claim_now(found.claim_id)
    assert (now.state, now.approved_minor, now.finding) == ("approved", 3_000_000, "核减")
    with pytest.raises(ClaimInOtherState):
        room.audit(found.claim_id, "30000.00")


def test_an_audit_that_accepts_nothing_refuses_the_claim(database: Database) -> None:
    room = open_voucher_room(database, audit={"share": "1", "flagged": False})
    found = room.redeem(1, "60000.00")
    room.audit(found.claim_id, "0.00")
    assert room.claim_now(found.claim_id).state == "refused"
    with pytest.raises(ClaimInOtherState):
        room.recover(found.claim_id, "1.00")


def test_flags_tell_their_grounds_and_refuse_nothing(database: Database) -> None:
    group = [enterprise(place, controller="甲集团") for place in (1, 2)]
    room = open_voucher_room(database, entries=group)
    related = vouchers.ProviderDraft(credit_code(9), "关联检测", room.roles[PROVIDER_ZONE], "甲集团")
    vouchers.register_provider(database, room.act(), related)
    certify(room, related.credit_code, PROVIDER_ZONE)
    room.redeem(1, "10000.00")
    second = room.redeem(1, "10000.00")
    third = room.redeem(2, "5000.00", at=related.credit_code)
    assert second.flags.keys() == {"split_contracts", "repeated_amounts"}
    assert third.flags.keys() == {"provider_related", "same_controller"}
    assert third.flags["provider_related"] == {"controller": "甲集团"}
    assert (second.state, third.state) == ("approved", "approved")


def test_flagged_claims_wait_for_an_audit_where_the_programme_says_so(database: Database) -> None:
    room = open_voucher_room(database, audit={"share": "0", "flagged": True})
    assert room.redeem(1, "10000.00").state == "approved"
    assert room.redeem(1, "10000.00").state == "waiting_for_audit"


def test_a_suspended_provider_is_recognised_again_after_the_suspension(database: Database) -> None:
    room = open_voucher_room(database)
    suspended = date(2024, 4, 1), date(2024, 4, 30)
    certify(room, PROVIDERS[PROVIDER_ZONE], HOME, "suspended", *suspended)
    with pytest.raises(ProviderNotRecognised):
        room.redeem(1, "100.00", day=date(2024, 4, 30))
    assert room.redeem(1, "100.00", day=date(2024, 5, 1)).state == "approved"


def test_orders_are_refused_for_services_and_zones_that_are_not_recognised(database: Database) -> None:
    room = open_voucher_room(database)
    voucher_id = room.issue(1, "1000.00")
    with pytest.raises(ProviderNotRecognised):
        room.order(voucher_id, "100.00", service="design")
    with pytest.raises(VoucherUnusable):
        room.order(voucher_id, "100.00", day=date(2025, 1, 1))


def test_claims_follow_the_service_and_stay_within_the_order(database: Database) -> None:
    room = open_voucher_room(database)
    order_id = room.order(room.issue(1, "1000.00"), "500.00", done=False)
    with pytest.raises(ServiceNotDone):
        room.claim(order_id, "500.00")
    vouchers.report_service(database, room.act(), order_id, "验收单", DAY)
    with pytest.raises(ServiceDone):
        vouchers.report_service(database, room.act(), order_id, "验收单", DAY)
    with pytest.raises(OrderExceeded):
        room.claim(order_id, "500.01")
    with pytest.raises(RequestRefused) as refusal:
        room.claim(order_id, "500.00", evidence=room.papers_of()[:1])
    assert [fault.code for fault in refusal.value.faults] == ["EVIDENCE_MISSING"]


def test_only_listed_enterprises_that_meet_the_conditions_may_apply(database: Database) -> None:
    small = {"attributes": {"size": ["small"]}}
    entries = [enterprise(1, attributes={"size": "small"}), enterprise(2, attributes={"size": "large"})]
    room = open_voucher_room(database, voucher_clause(eligibility=small), entries=entries)
    assert room.redeem(1, "100.00").approved_minor == 10_000
    for place in (2, 77):
        with pytest.raises(NotEligible):
            room.issue(place, "100.00")


def test_a_programme_works_once_every_signing_role_confirmed_it(database: Database) -> None:
    room = open_voucher_room(database)
    with pytest.raises(ProgrammeConfirmed):
        vouchers.confirm_programme(database, room.act(), room.programme, PROVIDER_ZONE)
    vouchers.register_programme(
        database, room.act(), room.agreement_id, "P-2", programme_document(validity_months=6)
    )
    with pytest.raises(ProgrammeNotInForce):
        vouchers.apply(database, room.act(), "P-2", enterprise_code(1), fen("100.00"), "检测", DAY)


def test_a_programme_that_its_clauses_can_not_carry_is_refused_with_every_fault(database: Database) -> None:
    room = open_voucher_room(database)
    document = programme_document(clauses=[1, 9], budgets=[budget(HOME, "1.00")])
    with pytest.raises(RequestRefused) as refusal:
        vouchers.register_programme(database, room.act(), room.agreement_id, "P-2", document)
    assert {fault.path for fault in refusal.value.faults} == {"programme.clauses", "programme.budgets"}


def test_a_request_done_again_under_its_key_is_a_replay(database: Database) -> None:
    room = open_voucher_room(database)
    order_id = room.order(room.issue(1, "1000.00"), "500.00")
    act, papers = room.act(), room.papers_of()
    first = vouchers.claim(database, act, order_id, fen("500.00"), papers, DAY)
    again = vouchers.claim(database, act, order_id, fen("500.00"), papers, DAY)
    assert (first.value, first.replayed, again.replayed) == (again.value, False, True)


def voucher_of(room: VoucherRoom, found: vouchers.Claim) -> int:
    with room.database.reading() as connection:
        return vouchers.order_by_id(connection, found.order_id).voucher.voucher_id
