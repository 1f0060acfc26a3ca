"""Cases C8 to C11 and C16 of vouchers through the API, from the application to what is to be cleared."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.api.journey import Api
from tests.api.voucher_journey import DAY, PROVIDERS, layered, opened, parts, redeem, shared


@pytest.fixture
def zones(api: Api) -> Api:
    """Both zones' programmes under one agreement, with a provider in each zone."""
    return opened(api, [shared("origin", "host", 1), shared("host", "origin", 2)])


def test_c8_a_provider_in_the_other_zone_is_paid_two_thirds_and_one_third(zones: Api) -> None:
    assert parts(redeem(zones, "origin", "60000.00", "host")) == {"origin": "40000.00", "host": "20000.00"}


def test_c9_at_the_cap_the_remainder_goes_to_the_home_payer(zones: Api) -> None:
    claim = redeem(zones, "origin", "100000.00", "host")
    assert parts(claim) == {"origin": "66666.67", "host": "33333.33"}


def test_c10_a_quota_used_in_part_leaves_the_rest(zones: Api) -> None:
    redeem(zones, "origin", "60000.00", "host")
    claim = redeem(zones, "origin", "50000.00", "host")
    assert (claim["approved"], parts(claim)) == ("40000.00", {"origin": "26666.67", "host": "13333.33"})
    found = zones.ask(
        "query Why($id: ID!) { voucherClaim(id: $id) { explanation { zh en } } }", id=claim["id"]
    )
    said = found["voucherClaim"]["explanation"]
    assert said[2]["zh"] == (
        "第 1 条：每家企业每年限额为 100,000.00 元，此前已用 60,000.00 元，尚余 40,000.00 元；"
        "所求 50,000.00 元减为 40,000.00 元，10,000.00 元不予兑付。"
    )
    assert said[-1]["en"].startswith("Approved: 40,000.00 yuan, 13,333.33 borne by ")


def test_c11_what_two_programmes_make_the_zones_bear_for_each_other_nets_to_one_amount(zones: Api) -> None:
    redeem(zones, "origin", "100000.00", "host")
    redeem(zones, "host", "60000.00", "origin")
    borne = {}
    for code, other in (("origin", "host"), ("host", "origin")):
        found = zones.run("voucher_clearing", programme=code, quarter="2024Q1")["voucherClearing"]
        lines = {edge["node"]["role"]: edge["node"]["approved"] for edge in found["edges"]}
        borne[other] = Decimal(lines[other])
    assert borne == {"host": Decimal("33333.33"), "origin": Decimal("20000.00")}
    assert borne["host"] - borne["origin"] == Decimal("13333.33")


def test_c16_layers_are_capped_in_all_and_each_by_itself(api: Api) -> None:
    opened(api, [layered()], at_home=None)
    claim = redeem(api, "origin", "500000.00", "host", face="200000.00")
    assert (claim["approved"], parts(claim)) == ("200000.00", {"origin": "120000.00", "host": "80000.00"})


def test_budgets_claims_and_refusals_are_told(zones: Api) -> None:
    claim = redeem(zones, "origin", "60000.00", "host")
    recovered = zones.change(
        "recover_voucher", claim=claim["id"], amount="30000.00", reason="审计", person="王五", day=DAY
    )
    assert recovered["claim"]["recovered"] == "30000.00"
    found = zones.run("voucher_programme", programme="origin")["voucherProgramme"]
    used = {one["role"]: (one["reserved"], one["used"]) for one in found["budgets"]}
    assert used == {"origin": ("0.00", "20000.00"), "host": ("0.00", "10000.00")}
    more = zones.change(
        "increase_voucher_budget",
        programme="origin",
        role="host",
        amount="5.00",
        document="追加文件",
        day=DAY,
    )
    (budget,) = [one for one in more["programme"]["budgets"] if one["role"] == "host"]
    assert (budget["amount"], budget["increases"][0]["amount"]) == ("5000005.00", "5.00")
    refused = zones.attempt(
        "recover_voucher", claim=claim["id"], amount="30000.01", reason="审计", person="王五", day=DAY
    )
    assert (refused["__typename"], refused["code"]) == ("WrongState", "MORE_THAN_APPROVED")
    again = redeem(zones, "origin", "60000.00", "host")
    flagged = zones.run("voucher_claims", programme="origin", flagged=True)["voucherClaims"]
    assert [edge["node"]["id"] for edge in flagged["edges"]] == [again["id"]]


def test_claims_are_audited_decided_together_and_what_is_left_of_vouchers_ends(api: Api) -> None:
    audited = {"share": "1", "flagged": False}
    opened(api, [shared("origin", "host", 1)], decided="together", audit=audited)
    claim = redeem(api, "origin", "60000.00", "host", face="70000.00")
    assert claim["state"] == "waiting_for_audit"
    api.change(
        "audit_voucher_claim", claim=claim["id"], accepted="30000.00", finding="核减", person="王五", day=DAY
    )
    assert api.change("decide_voucher_claims", programme="origin", through=DAY)["count"] == 1
    found = api.ask("query Found($id: ID!) { voucherClaim(id: $id) { approved } }", id=claim["id"])
    assert found["voucherClaim"] == {"approved": "30000.00"}
    listed = api.ask('{ vouchers(programme: "origin") { edges { node { id left state } } } }')
    (left,) = [edge["node"] for edge in listed["vouchers"]["edges"]]
    assert (left["left"], left["state"]) == ("40000.00", "issued")
    assert api.change("expire_vouchers", programme="origin", day="2024-12-31")["count"] == 0
    ended = api.change("end_voucher", voucher=left["id"], how="cancelled", reason="退出", day=DAY)
    assert (ended["voucher"]["left"], ended["voucher"]["state"]) == ("0.00", "cancelled")


def test_programmes_and_providers_are_listed_and_searched(zones: Api) -> None:
    found = zones.ask(
        '{ voucherProgrammes(agreement: "VOUCHERS") { edges { node { code waiting } } } '
        'voucherProviders(search: "检测") { edges { node { creditCode certifications { kind } } } } }'
    )
    codes = [edge["node"]["code"] for edge in found["voucherProgrammes"]["edges"]]
    providers = {edge["node"]["creditCode"] for edge in found["voucherProviders"]["edges"]}
    assert (codes, providers) == (["host", "origin"], set(PROVIDERS.values()))


def test_an_enterprise_finds_the_providers_of_a_service_that_its_programme_recognises(zones: Api) -> None:
    found = zones.ask(
        "query Find($day: Date!) { "
        'of: voucherProviders(programme: "origin", service: "testing.analysis", day: $day) { ...Codes } '
        'early: voucherProviders(service: "testing", day: "2023-12-31") { ...Codes } '
        'unpaid: voucherProviders(programme: "origin", service: "design", day: $day) { ...Codes } } '
        "fragment Codes on VoucherProviderConnection { edges { node { creditCode } } }",
        day=DAY,
    )
    codes = {name: {edge["node"]["creditCode"] for edge in page["edges"]} for name, page in found.items()}
    assert codes == {"of": set(PROVIDERS.values()), "early": set(), "unpaid": set()}
