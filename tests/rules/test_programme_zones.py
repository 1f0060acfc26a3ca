"""Clauses of a programme where the provider is: at home, in the zone they name, in another one."""

from __future__ import annotations

import json
from typing import Any

from ledger.rules import templates
from ledger.rules.terms import Shares
from ledger.rules.vouchers import Programme, clauses_at, payers_of

TERMS = templates.load("voucher-four-party").terms
ELSEWHERE = TERMS.model_copy(
    update={
        "clauses": tuple(
            clause.model_copy(
                update={
                    "to_whom": clause.to_whom.model_copy(
                        update={
                            "otherwise": "provider_zone",
                            "key": (Shares(weights={"home": "2", "provider_zone": "1"}),),
                        }
                    ),
                    "rounding": clause.rounding.model_copy(update={"remainder_to": "provider_zone"}),
                }
            )
            for clause in TERMS.clauses
        )
    }
)


def programme(**changes: Any) -> Programme:
    made: dict[str, Any] = {
        "title": {"zh": "创新券", "en": "Vouchers"},
        "home": "home",
        "provider_zone": "provider_zone",
        "clauses": (1,),
        "at_home_paid_by": "home",
        "services": ({"code": "testing", "title": {"zh": "检测", "en": "Testing"}},),
        "face_max": "1.00",
        "validity_months": 12,
        "carries_over": False,
        "evidence": ("receipt",),
        "budgets": (),
        "decided": "as_claimed",
        "audit": {"share": "0", "flagged": False},
        "recovery": {"quota": "spent", "budget": "spent"},
        "other_zones": ({"role": "south"}, {"role": "north", "shares": {"home": "1/2", "north": "1/2"}}),
        **changes,
    }
    return Programme.model_validate(made)


def test_another_zone_stands_wherever_the_clause_names_the_provider_s_zone() -> None:
    (clause,) = clauses_at(programme(), ELSEWHERE, "south")
    assert clause.to_whom.key[0].weights == {"home": "2", "south": "1"}
    assert (clause.to_whom.otherwise, clause.rounding.remainder_to) == ("south", "south")


def test_a_zone_with_its_own_shares_replaces_those_of_the_clause() -> None:
    (clause,) = clauses_at(programme(), ELSEWHERE, "north")
    assert clause.to_whom.key == (Shares(shares={"home": "1/2", "north": "1/2"}),)
    assert clause.rounding.remainder_to == "north"


def test_the_zone_that_the_clauses_name_has_them_as_they_are() -> None:
    assert clauses_at(programme(), TERMS, "provider_zone") == [TERMS.clause(1)]
    assert clauses_at(programme(at_home_paid_by=None), TERMS, "home") == [TERMS.clause(1)]


def test_every_zone_is_a_payer() -> None:
    assert payers_of(programme(), TERMS) == ["home", "north", "provider_zone", "south"]
    assert payers_of(programme(other_zones=()), TERMS) == ["home", "provider_zone"]


def test_a_document_without_other_zones_is_one_of_two_zones() -> None:
    document = programme().model_dump(mode="json")
    del document["other_zones"]
    assert Programme.model_validate_json(json.dumps(document)).provider_zones == ("provider_zone",)
