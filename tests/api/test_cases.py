"""The acceptance cases, through the public API on PostgreSQL, to the last unit.

Each case is a document of terms, what is handed in quarter by quarter, and what must be booked. Amounts are
written with ``wan`` where the case is in 万元.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from ledger.desk.enterprises import credit_code_check_character
from ledger.periods import Quarter, quarters_between
from tests.api.journey import Api, Booked, Document, Figure
from tests.api.terms_documents import (
    HALVES,
    clause,
    example,
    retained,
    statistic,
    tax,
    terms,
    three_factors,
    years,
)

CREDIT_CODE = "91110108MA0000001" + credit_code_check_character("91110108MA0000001")

Expected = Mapping[tuple[str, int, str], Mapping[str, str]]
"""(year or quarter booked, clause, book) to party code to amount; what isn't listed must be nothing."""


def wan(amount: str) -> str:
    """万元 in yuan."""
    return f"{Decimal(amount) * 10_000:.2f}"


def quarterly(year: int, yearly: str, credit_code: str | None = None) -> dict[str, list[Figure]]:
    """A year's retained tax in 万元, earned evenly."""
    figure = Figure("retained_tax", wan(str(Decimal(yearly) / 4)), credit_code=credit_code)
    return {f"{year}Q{quarter}": [figure] for quarter in range(1, 5)}


@dataclass(frozen=True)
class Case:
    """``figures`` by quarter (none: handed in as nil); ``through`` is the last quarter settled."""

    terms: Document
    figures: Mapping[str, Sequence[Figure]]
    through: str
    expected: Expected
    listed: Sequence[Document] = field(default=())
    yearly: bool = False


def listed(pre_move: Mapping[int, str]) -> list[Document]:
    """One enterprise that moved, with its taxes of the years before in 万元."""
    return [
        {
            "creditCode": CREDIT_CODE,
            "nameZh": "迁移企业",
            "preMoveTax": [{"year": year, "amount": wan(amount)} for year, amount in pre_move.items()],
        }
    ]


def moved_enterprise_clause() -> Document:
    """财预〔2015〕92号: halves for three years, two more if the pre-move taxes aren't reached as receipts."""
    return tax(
        scope="listed_enterprises",
        eligibility={"pre_move_tax_average_at_least": wan("2000")},
        window=years(
            "2020-01-01",
            3,
            extension={"condition": "cap_not_reached", "length_months": 24, "on_correction": "reopen"},
        ),
        caps=[
            {
                "pre_move_tax_total": True,
                "over": "lifetime",
                "measured_on": "receipts",
                "capped": "origin",
                "excess_to": "host",
            }
        ],
    )


def recover_first_clause(year_23: str) -> Document:
    """淄博: the origin's input of 3,000 first, then 6:4 for 20 years from the first year with a split.

    The worked example goes on to the last year of the 20 and the one after, ``year_23`` for the origin.
    """
    taxes = {2024: "1200", 2025: "1500", 2026: "1000", 2045: "1000", 2046: "1000"}
    receipts = {2024: wan("1200"), 2025: wan("1500"), 2026: wan("720"), 2045: wan("600"), 2046: year_23}
    return tax(
        {"origin": "3/5", "host": "2/5"},
        window={"clock": {"first_shared": True, "begins": "year_of_day"}, "length_months": 240},
        recover={
            "to": "origin",
            "inputs": [{"starts": "2024-01-01", "amount": wan("3000")}],
            "yearly_return": None,
        },
        examples=[
            example(
                [(f"{year}Q4", "retained_tax", wan(amount)) for year, amount in taxes.items()],
                [(f"{year}Q1", f"{year}Q4", "origin", amount) for year, amount in receipts.items()],
            )
        ],
    )


def voucher_clause() -> Document:
    """Two thirds from home, one third from the provider's zone, 100,000 yuan a year per enterprise."""
    return clause(
        "innovation_voucher",
        ("voucher_approved",),
        [{"shares": {"origin": "2/3", "host": "1/3"}}],
        scope="listed_enterprises",
        caps=[yearly_cap("100000.00")],
        otherwise="origin",
    )


def layered_voucher_clause() -> Document:
    """福建: half of the cost and 200,000 yuan, of which the province 30% of the cost and 120,000 yuan."""
    return clause(
        "innovation_voucher",
        ("voucher_service_cost",),
        [{"shares": {"origin": "3/5", "host": "2/5"}}],
        scope="listed_enterprises",
        rates=[{"rate": "1/2"}],
        caps=[
            yearly_cap("200000.00"),
            yearly_cap("120000.00", measured_on="receipts", capped="origin"),
        ],
    )


def yearly_cap(amount: str, *, measured_on: str = "pool", capped: str | None = None) -> Document:
    """A limit per calendar year; what exceeds it isn't granted, and unused room lapses."""
    return {
        "amount": amount,
        "over": "year",
        "unused": "lapses",
        "measured_on": measured_on,
        "capped": capped,
        "excess_to": None,
    }


def approved(amount: str) -> list[Figure]:
    """What was approved of the listed enterprise's vouchers in a quarter, in yuan."""
    return [Figure("voucher_approved", amount, credit_code=CREDIT_CODE)]


FOUR_PLACES = {"centre": "CENTRE", "head": "HEAD", "branch": "BRANCH", "pool": "POOL"}
WITH_FUND = {"origin": "ORIGIN", "host": "HOST", "fund": "FUND"}
TWO_BRANCHES = {"head": "HEAD", "branch_1": "BRANCH-1", "branch_2": "BRANCH-2"}
IN_PROVINCE = {"head": "HEAD", "centre": "CENTRE", "region": "REGION", "locality": "LOCALITY"}
VOUCHER_ZONES = {"origin": "HOME", "host": "PROVIDER"}
VOUCHER_LEVELS = {"origin": "PROVINCE", "host": "LOCALITY"}


CASES: dict[str, Case] = {
    "C1_branches_by_three_factors": Case(
        terms=terms(
            "C1",
            [
                clause(
                    "tax",
                    ("cit",),
                    [{"shares": {"head": "1/2", "branches": "1/2"}}],
                    apportion=three_factors("branches", {"head": "100", "branch_1": "50", "branch_2": "100"}),
                    otherwise="head",
                    reported_by="head",
                )
            ],
            roles=TWO_BRANCHES,
        ),
        figures={"2024Q1": [Figure("cit", wan("100"))]},
        through="2024Q1",
        expected={("2024Q1", 1, "CASH"): {"HEAD": wan("70"), "BRANCH-1": wan("10"), "BRANCH-2": wan("20")}},
    ),
    "C2_branches_at_different_rates_in_two_passes": Case(
        terms=terms(
            "C2",
            [
                clause(
                    "tax",
                    ("taxable_income",),
                    [{"shares": {"head": "1/2", "branches": "1/2"}}],
                    own_rates={"head": "1/4", "branch_1": "3/20", "branch_2": "1/4"},
                    apportion=three_factors("branches", {"head": "40", "branch_1": "30", "branch_2": "30"}),
                    otherwise="head",
                    reported_by="head",
                )
            ],
            roles=TWO_BRANCHES,
        ),
        figures={"2024Q1": [Figure("taxable_income", wan("1000"))]},
        through="2024Q1",
        expected={
            ("2024Q1", 1, "CASH"): {
                "HEAD": wan("164.5"),
                "BRANCH-1": wan("35.25"),
                "BRANCH-2": wan("35.25"),
            }
        },
    ),
    "C3_income_tax_inside_a_province": Case(
        terms=terms(
            "C3",
            [
                clause(
                    "tax",
                    ("cit",),
                    [{"shares": {"head": "1/4", "centre": "9/20", "region": "3/40", "locality": "9/40"}}],
                    otherwise="head",
                    reported_by="head",
                )
            ],
            roles=IN_PROVINCE,
        ),
        figures={"2024Q1": [Figure("cit", wan("4000"))]},
        through="2024Q1",
        expected={
            ("2024Q1", 1, "CASH"): {
                "HEAD": wan("1000"),
                "CENTRE": wan("1800"),
                "REGION": wan("300"),
                "LOCALITY": wan("900"),
            }
        },
    ),
    "C4_local_part_of_income_tax_of_three_places": Case(
        terms=terms(
            "C4",
            [
                clause(
                    "tax",
                    ("cit",),
                    [{"shares": {"head": "1/4", "branch": "1/2", "pool": "1/4"}}],
                    retention=[retained("cit", "2/5")],
                    otherwise="pool",
                    reported_by="head",
                )
            ],
            roles={role: code for role, code in FOUR_PLACES.items() if role != "centre"},
        ),
        figures={"2024Q1": [Figure("cit", wan("100"))]},
        through="2024Q1",
        expected={("2024Q1", 1, "CASH"): {"HEAD": wan("10"), "BRANCH": wan("20"), "POOL": wan("10")}},
    ),
    "C4_income_tax_of_four_parties_at_exact_shares": Case(
        terms=terms(
            "C4B",
            [
                clause(
                    "tax",
                    ("cit",),
                    [{"shares": {"centre": "3/5", "head": "1/10", "branch": "1/5", "pool": "1/10"}}],
                    otherwise="pool",
                    reported_by="head",
                )
            ],
            roles=FOUR_PLACES,
        ),
        figures={"2024Q1": [Figure("cit", wan("100"))]},
        through="2024Q1",
        expected={
            ("2024Q1", 1, "CASH"): {
                "CENTRE": wan("60"),
                "HEAD": wan("10"),
                "BRANCH": wan("20"),
                "POOL": wan("10"),
            }
        },
    ),
    "C5_halves_up_to_pre_move_taxes_with_an_extension": Case(
        terms=terms("C5", [moved_enterprise_clause()], since="2020Q1"),
        listed=listed({2017: "2100", 2018: "2400", 2019: "2700"}),
        figures={
            quarter: figures
            for year, yearly in zip(range(2020, 2025), ("3000", "4000", "5000", "6000", "6500"), strict=True)
            for quarter, figures in quarterly(year, yearly, credit_code=CREDIT_CODE).items()
        },
        through="2024Q4",
        yearly=True,
        expected={
            ("2020", 1, "CASH"): {"ORIGIN": wan("1500"), "HOST": wan("1500")},
            ("2021", 1, "CASH"): {"ORIGIN": wan("2000"), "HOST": wan("2000")},
            ("2022", 1, "CASH"): {"ORIGIN": wan("2500"), "HOST": wan("2500")},
            ("2023", 1, "CASH"): {"ORIGIN": wan("1200"), "HOST": wan("4800")},
            ("2024", 1, "CASH"): {"HOST": wan("6500")},
        },
    ),
    "C6_too_little_tax_before_the_move": Case(
        terms=terms("C6", [moved_enterprise_clause()], since="2020Q1"),
        listed=listed({2017: "1999.99", 2018: "1999.99", 2019: "1999.99"}),
        figures=quarterly(2020, "3000", credit_code=CREDIT_CODE),
        through="2020Q4",
        yearly=True,
        expected={("2020", 1, "CASH"): {"HOST": wan("3000")}},
    ),
    "C7_input_is_recovered_before_anything_is_split": Case(
        terms=terms("C7", [recover_first_clause(year_23="0.00")]),
        figures={**quarterly(2024, "1200"), **quarterly(2025, "1500"), **quarterly(2026, "1000")},
        through="2026Q4",
        yearly=True,
        expected={
            ("2024", 1, "CASH"): {"ORIGIN": wan("1200")},
            ("2025", 1, "CASH"): {"ORIGIN": wan("1500")},
            ("2026", 1, "CASH"): {"ORIGIN": wan("720"), "HOST": wan("280")},
        },
    ),
    "C8_voucher_used_with_a_provider_in_the_other_zone": Case(
        terms=terms("C8", [voucher_clause()], roles=VOUCHER_ZONES),
        listed=listed({}),
        figures={"2024Q1": approved("60000.00")},
        through="2024Q1",
        expected={("2024Q1", 1, "CASH"): {"HOME": "40000.00", "PROVIDER": "20000.00"}},
    ),
    "C9_voucher_at_the_cap": Case(
        terms=terms("C9", [voucher_clause()], roles=VOUCHER_ZONES),
        listed=listed({}),
        figures={"2024Q1": approved("100000.00")},
        through="2024Q1",
        expected={("2024Q1", 1, "CASH"): {"HOME": "66666.67", "PROVIDER": "33333.33"}},
    ),
    "C10_voucher_with_part_of_the_quota_used": Case(
        terms=terms("C10", [voucher_clause()], roles=VOUCHER_ZONES),
        listed=listed({}),
        figures={"2024Q1": approved("60000.00"), "2024Q2": approved("50000.00")},
        through="2024Q2",
        expected={
            ("2024Q1", 1, "CASH"): {"HOME": "40000.00", "PROVIDER": "20000.00"},
            ("2024Q2", 1, "CASH"): {"HOME": "26666.67", "PROVIDER": "13333.33"},
        },
    ),
    "C12_increment_over_a_base": Case(
        terms=terms(
            "C12",
            [tax(surplus={"base": wan("1000"), "within_year": "year_to_date", "loss": "forgotten"})],
        ),
        figures={**quarterly(2024, "1600"), **quarterly(2025, "900")},
        through="2025Q4",
        yearly=True,
        expected={("2024", 1, "CASH"): {"ORIGIN": wan("300"), "HOST": wan("300")}},
    ),
    "C12_increment_after_a_loss_that_is_carried": Case(
        terms=terms(
            "C12B",
            [tax(surplus={"base": wan("1000"), "within_year": "final_only", "loss": "carried"})],
        ),
        figures={**quarterly(2024, "900"), **quarterly(2025, "1600")},
        through="2025Q4",
        yearly=True,
        expected={("2025", 1, "CASH"): {"ORIGIN": wan("250"), "HOST": wan("250")}},
    ),
    "C13_everything_goes_back_to_the_fund": Case(
        terms=terms("C13", [tax(routing={"to": "fund", "part": "1"})], roles=WITH_FUND),
        figures={"2024Q1": [Figure("retained_tax", wan("1000"))]},
        through="2024Q1",
        expected={("2024Q1", 1, "CASH"): {"ORIGIN": wan("500"), "HOST": wan("500")}},
    ),
    "C14_tax_and_output_at_40_60_for_five_years": Case(
        terms=terms(
            "C14",
            [
                tax({"origin": "2/5", "host": "3/5"}, window=years("2020-01-01", 5)),
                statistic(
                    "industrial_output",
                    "proportional",
                    {"origin": "2/5", "host": "3/5"},
                    number=2,
                    window=years("2020-01-01", 5),
                ),
            ],
            since="2022Q4",
        ),
        figures={
            quarter: [Figure("retained_tax", wan("250")), Figure("industrial_output", wan("8000"))]
            for quarter in ("2022Q4", "2025Q1")
        },
        through="2025Q1",
        expected={
            ("2022Q4", 1, "CASH"): {"ORIGIN": wan("100"), "HOST": wan("150")},
            ("2022Q4", 2, "ASSESSMENT"): {"ORIGIN": wan("3200"), "HOST": wan("4800")},
            ("2022Q4", 2, "OFFICIAL"): {"HOST": wan("8000")},
            ("2025Q1", 1, "CASH"): {"HOST": wan("250")},
            ("2025Q1", 2, "ASSESSMENT"): {"HOST": wan("8000")},
            ("2025Q1", 2, "OFFICIAL"): {"HOST": wan("8000")},
        },
    ),
    "C15_net_of_incentives_and_two_books": Case(
        terms=terms(
            "C15",
            [
                tax(deduct=("incentive_paid",)),
                statistic("industrial_output", "full_to_each", {"origin": "1", "host": "1"}, number=2),
                statistic("paid_in_capital", "full_to_one", {"origin": "1"}, number=3),
            ],
        ),
        figures={
            "2024Q1": [
                Figure("retained_tax", wan("1000")),
                Figure("incentive_paid", wan("150")),
                Figure("industrial_output", wan("9000")),
                Figure("paid_in_capital", wan("2000")),
            ]
        },
        through="2024Q1",
        expected={
            ("2024Q1", 1, "CASH"): {"ORIGIN": wan("425"), "HOST": wan("425")},
            ("2024Q1", 2, "ASSESSMENT"): {"ORIGIN": wan("9000"), "HOST": wan("9000")},
            ("2024Q1", 2, "OFFICIAL"): {"HOST": wan("9000")},
            ("2024Q1", 3, "ASSESSMENT"): {"ORIGIN": wan("2000")},
            ("2024Q1", 3, "OFFICIAL"): {"HOST": wan("2000")},
        },
    ),
    "C16_voucher_under_layered_caps": Case(
        terms=terms("C16", [layered_voucher_clause()], roles=VOUCHER_LEVELS),
        listed=listed({}),
        figures={"2024Q1": [Figure("voucher_service_cost", "500000.00", credit_code=CREDIT_CODE)]},
        through="2024Q1",
        expected={("2024Q1", 1, "CASH"): {"PROVINCE": "120000.00", "LOCALITY": "80000.00"}},
    ),
    "C17_from_gross_tax_to_retained": Case(
        terms=terms(
            "C17",
            [
                tax(
                    {"origin": "3/5", "host": "2/5"},
                    measures=("vat", "cit", "pit"),
                    retention=[
                        retained("vat", "1/2", "7/10"),
                        retained("cit", "2/5", "7/10"),
                        retained("pit", "2/5", "7/10"),
                    ],
                )
            ],
        ),
        figures={
            "2024Q1": [
                Figure("vat", wan("200")),
                Figure("cit", wan("100")),
                Figure("pit", wan("50")),
            ]
        },
        through="2024Q1",
        expected={("2024Q1", 1, "CASH"): {"ORIGIN": wan("67.2"), "HOST": wan("44.8")}},
    ),
    "C20_joint_park_revenue_net_of_cost_by_dated_equity": Case(
        terms=terms(
            "C20",
            [
                clause(
                    "development_revenue",
                    ("rent",),
                    [
                        {"shares": {"origin": "3/5", "host": "2/5"}},
                        {"starts": "2024-07-01", "shares": HALVES},
                    ],
                    deduct=("development_cost",),
                    surplus={"base": "0.00", "within_year": "year_to_date", "loss": "carried"},
                )
            ],
        ),
        figures={
            f"2024Q{quarter}": [Figure("rent", "250.00"), Figure("development_cost", "100.00")]
            for quarter in range(1, 5)
        },
        through="2024Q4",
        yearly=True,
        expected={("2024", 1, "CASH"): {"ORIGIN": "330.00", "HOST": "270.00"}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_case_books_exactly_what_it_must(api: Api, name: str) -> None:
    case = CASES[name]
    play(api, case)
    booked = api.booked(case.terms["agreement"])
    assert (by_year(booked) if case.yearly else booked) == case.expected


def test_c7_year_22_is_shared_and_year_23_is_not(api: Api) -> None:
    assert checked(api, terms("C7", [recover_first_clause(year_23="0.00")])) == []
    (fault,) = checked(api, terms("C7", [recover_first_clause(year_23=wan("600"))]))
    assert (fault["path"], fault["code"]) == ("$.clauses[0].examples[0].expect[4].amount", "EXAMPLE_FAILS")


def test_c13_leaves_no_cash_to_the_partners(api: Api) -> None:
    case = CASES["C13_everything_goes_back_to_the_fund"]
    play(api, case)
    balances = {
        (edge["node"]["account"]["kind"], edge["node"]["amount"]["text"])
        for party in ("ORIGIN", "HOST", "FUND")
        for edge in api.run("balances", party=party, through="2024Q1")["balances"]["edges"]
    }
    assert balances == {("FUND", wan("1000"))}


def test_c19_a_correction_of_a_closed_quarter_is_a_named_true_up_of_a_fen(api: Api) -> None:
    code = api.bring_into_force(terms("C19", [tax()]))
    for quarter in ("2024Q1", "2024Q2"):
        api.hand_in(code, quarter, [Figure("retained_tax", "100.01")])
        api.settle(code, quarter)
    api.hand_in(code, "2024Q3", [])
    api.hand_in(code, "2024Q1", [Figure("retained_tax", "100.03")])
    api.settle(code, "2024Q3")

    assert api.booked(code) == {
        ("2024Q1", 1, "CASH"): {"ORIGIN": "50.00", "HOST": "50.01"},
        ("2024Q2", 1, "CASH"): {"ORIGIN": "50.01", "HOST": "50.00"},
        ("2024Q3", 1, "CASH"): {"ORIGIN": "0.01", "HOST": "0.01"},
    }
    assert causes_of(api, code, "2024Q3") == {("CORRECTION", "2024Q1"): {"ORIGIN": "0.01", "HOST": "0.01"}}


def test_c21_an_amendment_leaves_a_true_up_at_the_old_shares(api: Api) -> None:
    code = api.bring_into_force(terms("C21", [tax()]))
    figures = [Figure("retained_tax", "100.00")]
    for quarter in ("2024Q1", "2024Q2"):
        api.hand_in(code, quarter, figures)
        api.settle(code, quarter)
    api.amend(terms("C21", [tax({"origin": "3/5", "host": "2/5"})], since="2024Q3"))
    api.hand_in(code, "2024Q3", figures)
    api.settle(code, "2024Q3")
    api.hand_in(code, "2024Q4", figures)
    api.hand_in(code, "2024Q1", [Figure("retained_tax", "120.00")])
    api.settle(code, "2024Q4")

    assert api.booked(code) == {
        ("2024Q1", 1, "CASH"): {"ORIGIN": "50.00", "HOST": "50.00"},
        ("2024Q2", 1, "CASH"): {"ORIGIN": "50.00", "HOST": "50.00"},
        ("2024Q3", 1, "CASH"): {"ORIGIN": "60.00", "HOST": "40.00"},
        ("2024Q4", 1, "CASH"): {"ORIGIN": "70.00", "HOST": "50.00"},
    }
    assert causes_of(api, code, "2024Q4") == {
        ("CORRECTION", "2024Q1"): {"ORIGIN": "10.00", "HOST": "10.00"},
        ("QUARTER", "2024Q4"): {"ORIGIN": "60.00", "HOST": "40.00"},
    }


def play(api: Api, case: Case) -> None:
    """The whole case through the API: agreement, list, and every quarter handed in and settled."""
    code = api.bring_into_force(case.terms)
    if case.listed:
        api.confirm_list(code, case.listed)
    reporter = case.terms["clauses"][0]["what"]["reported_by"]
    for quarter in quarters_between(Quarter.parse(case.terms["in_force_from"]), Quarter.parse(case.through)):
        api.hand_in(code, str(quarter), case.figures.get(str(quarter), []), role=reporter)
        api.settle(code, str(quarter))


def checked(api: Api, document: Document) -> list[Document]:
    """What is wrong with terms, worked examples included."""
    faults: list[Document] = api.run("check_terms", terms=document)["checkTerms"]["faults"]
    return faults


def causes_of(api: Api, code: str, quarter: str) -> dict[tuple[str, str], dict[str, str]]:
    """What each cause of the quarter's settlement gave each party."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for allocation in api.allocations(code, quarter):
        cause = allocation["cause"]
        of_cause = found.setdefault((cause["kind"], cause["quarter"]), {})
        of_cause[allocation["party"]["code"]] = allocation["amount"]["text"]
    return found


def by_year(booked: Booked) -> dict[tuple[str, int, str], dict[str, str]]:
    """The same added up over the year; parties that get nothing are left out."""
    totals: dict[tuple[str, int, str], dict[str, Decimal]] = {}
    for (quarter, number, book), amounts in booked.items():
        of_year = totals.setdefault((quarter[:4], number, book), {})
        for party, amount in amounts.items():
            of_year[party] = of_year.get(party, Decimal()) + Decimal(amount)
    return {
        key: {party: str(amount) for party, amount in amounts.items() if amount}
        for key, amounts in totals.items()
    }
