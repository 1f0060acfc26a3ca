"""Each carrier of cooperation end to end over HTTP: from signed terms to how the pairing is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ledger.desk.enterprises import credit_code_check_character
from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import clause, statistic, tax, terms, years
from tests.api.test_pairings_api import YEARS, register

ENTERPRISE = "91110108MA0000009" + credit_code_check_character("91110108MA0000009")
FLOWS = tuple[str, bool, str]
"""Mechanism, whether the origin pays, amount."""


@dataclass(frozen=True)
class Carrier:
    """An agreement of a carrier in short, one quarter's figures by role, and what the pairing then shows.

    ``credits`` are by book and whether the origin is credited.
    """

    clauses: Sequence[Document]
    figures: Mapping[str, Sequence[Figure]]
    flows: Sequence[FLOWS]
    credits: Mapping[tuple[str, bool], str]
    more_roles: Mapping[str, str]
    is_listed: bool = False


def carrier(
    clauses: Sequence[Document],
    figures: Mapping[str, Sequence[Figure]],
    flows: Sequence[FLOWS],
    credits: Mapping[tuple[str, bool], str] | None = None,
    **parts: Any,
) -> Carrier:
    return Carrier(clauses, figures, flows, credits or {}, parts.pop("more_roles", {}), **parts)


def of_host(*figures: tuple[str, str]) -> Mapping[str, Sequence[Figure]]:
    return {"host": [Figure(measure, amount) for measure, amount in figures]}


CARRIERS: Mapping[str, Carrier] = {
    # The city's zone and its branch elsewhere share the branch's taxes half and half.
    "BRANCH_PARK": carrier([tax()], of_host(("retained_tax", "100.00")), [("TAX", False, "50.00")]),
    # Listed enterprises that came from the origin, for five years, 4:6; output credited to both in full.
    "ENCLAVE": carrier(
        [
            tax({"origin": "2/5", "host": "3/5"}, scope="listed_enterprises", window=years("2024-01-01", 5)),
            statistic("industrial_output", "full_to_each", {"origin": "1", "host": "1"}, number=2),
        ],
        {
            "host": [
                Figure("retained_tax", "100.00", credit_code=ENTERPRISE),
                Figure("industrial_output", "900.00"),
            ]
        },
        [("TAX", False, "40.00")],
        {("OFFICIAL", False): "900.00", ("ASSESSMENT", False): "900.00", ("ASSESSMENT", True): "900.00"},
        is_listed=True,
    ),
    # The western zone incubates in the eastern city, which pays part of what the incubated bring back to it.
    "REVERSE_ENCLAVE": carrier(
        [tax({"origin": "2/3", "host": "1/3"}, otherwise="origin", reported_by="origin")],
        {"origin": [Figure("retained_tax", "90.00")]},
        [("TAX", True, "30.00")],
    ),
    # Both sides report; each gets a fifth of the other's increment.
    "PARTNER_PARK": carrier(
        [
            tax({"origin": "1/5", "host": "4/5"}),
            tax(
                {"origin": "4/5", "host": "1/5"},
                number=2,
                measures=("vat",),
                otherwise="origin",
                reported_by="origin",
            ),
        ],
        {"host": [Figure("retained_tax", "100.00")], "origin": [Figure("vat", "200.00")]},
        [("TAX", False, "20.00"), ("TAX", True, "40.00")],
    ),
    # Revenue of the park less its cost, by equity 6:4.
    "CO_BUILT_PARK": carrier(
        [
            clause(
                "development_revenue",
                ("rent",),
                [{"shares": {"origin": "3/5", "host": "2/5"}}],
                deduct=("development_cost",),
                surplus={"base": "0.00", "within_year": "year_to_date", "loss": "carried"},
            )
        ],
        of_host(("rent", "250.00"), ("development_cost", "100.00")),
        [("DEVELOPMENT_REVENUE", False, "90.00")],
    ),
    # A third party runs the park and takes a tenth.
    "ENTRUSTED_PARK": carrier(
        [tax({"origin": "3/10", "host": "3/5", "zone": "1/10"})],
        of_host(("retained_tax", "100.00")),
        [("TAX", False, "30.00")],
        more_roles={"zone": "OPERATOR"},
    ),
    # Incubated at the origin, produced at the host: output is split, and taxes are shared 3:7.
    "OFF_SITE_INCUBATION": carrier(
        [
            tax({"origin": "3/10", "host": "7/10"}),
            statistic("industrial_output", "proportional", {"origin": "1/2", "host": "1/2"}, number=2),
        ],
        of_host(("retained_tax", "100.00"), ("industrial_output", "800.00")),
        [("TAX", False, "30.00")],
        {("OFFICIAL", False): "800.00", ("ASSESSMENT", False): "400.00", ("ASSESSMENT", True): "400.00"},
    ),
}


@pytest.mark.parametrize("kind", CARRIERS)
def test_a_carrier_goes_from_signed_terms_over_returns_and_settlement_to_the_pairing(
    api: Api, kind: str
) -> None:
    made = CARRIERS[kind]
    code = in_force(api, kind, made)
    for role, figures in made.figures.items():
        api.hand_in(code, "2024Q1", figures, role)
    assert api.settle(code, "2024Q1")["isClosed"]
    one, other = ({"kind": "PARTY", "code": party} for party in ("ORIGIN", "HOST"))
    shown = api.run("pairing", one=one, other=other, **YEARS)["pairing"]
    assert shown["kinds"] == [{"kind": kind, "count": 1}]
    flows = [(one["mechanism"], one["fromOne"], one["amount"]["text"]) for one in shown["flows"]]
    assert sorted(flows) == sorted(made.flows)
    assert {
        (one["amount"]["book"], one["toOne"]): one["amount"]["text"] for one in shown["credits"]
    } == made.credits
    assert {one["fromOne"]: one["raised"]["text"] for one in shown["debts"]} == raised(made.flows)
    (edge,) = shown["agreements"]["edges"]
    assert edge["node"]["agreement"]["kind"] == kind
    cells = api.run("pairing_matrix", by="REGION", **YEARS)["pairingMatrix"]
    assert {(cell["payer"], cell["payee"]) for cell in cells} >= {
        ("East", "West") if by_origin else ("West", "East") for _, by_origin, _ in made.flows
    }


def test_every_carrier_there_is_has_its_journey(api: Api) -> None:
    asked = api.ask('{ __type(name: "AgreementKind") { enumValues { name } } }')
    kinds = {one["name"] for one in asked["__type"]["enumValues"]}
    assert kinds - CARRIERS.keys() == {"VOUCHER_RECOGNITION"}


def in_force(api: Api, kind: str, made: Carrier) -> str:
    """The code of an agreement between an eastern origin and a western host."""
    places = {"ORIGIN": ("310000", "EAST"), "HOST": ("530000", "WEST"), "OPERATOR": ("530000", "WEST")}
    for party in ("ORIGIN", "HOST", *made.more_roles.values()):
        register(api, party, "ZONE", *places[party])
    roles = {"origin": "ORIGIN", "host": "HOST", **made.more_roles}
    code = api.bring_into_force(terms("CARRIED", made.clauses, roles=roles), kind)
    if made.is_listed:
        api.confirm_list(code, [{"creditCode": ENTERPRISE, "nameZh": "测试企业"}])
    return code


def raised(flows: Sequence[FLOWS]) -> dict[bool, str]:
    """What each direction owes, by whether the origin pays."""
    return {by_origin: amount for _, by_origin, amount in flows}
