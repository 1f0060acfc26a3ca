"""What happens to an agreement and what its enterprises are, recorded and shown through the API."""

from __future__ import annotations

from tests.api.journey import Api, Figure
from tests.api.terms_documents import tax, terms

CODE = "HAPPENS"
FUND = "aid_fund_paid_in"
WINDOW = {"clock": {"occurrence": FUND, "begins": "step_of_day"}, "length_months": 12}
RECORD = {
    "agreement": CODE,
    "role": "host",
    "name": FUND,
    "day": "2024-01-15",
    "document": "到账通知-1",
}


def in_force(api: Api) -> None:
    api.bring_into_force(terms(CODE, [tax(window=WINDOW)]))


def test_an_occurrence_that_both_sides_confirmed_late_is_the_cause_of_a_true_up(api: Api) -> None:
    in_force(api)
    api.hand_in(CODE, "2024Q1", [Figure("retained_tax", "100.00")])
    api.settle(CODE, "2024Q1")
    recorded = api.change("record_occurrence", **RECORD)["occurrence"]
    assert (recorded["sequence"], recorded["confirmedBy"], recorded["isConfirmed"]) == (1, ["host"], False)
    confirmed = api.change("confirm_occurrence", agreement=CODE, name=FUND, sequence=1, role="origin")[
        "occurrence"
    ]
    assert (confirmed["confirmedBy"], confirmed["isConfirmed"]) == (["host", "origin"], True)
    api.hand_in(CODE, "2024Q2", [])
    first, _ = api.settle(CODE, "2024Q2")["causes"]
    assert (first["kind"], first["titleEn"]) == (
        "OCCURRENCE",
        f"Occurrence {FUND} (2024-01-15, record 1)",
    )
    asked = """
        query Occurrences($code: String!) {
          agreement(code: $code) { occurrences { name sequence day document recordedBy isConfirmed } }
        }
    """
    assert api.ask(asked, code=CODE)["agreement"]["occurrences"] == [
        {
            "name": FUND,
            "sequence": 1,
            "day": "2024-01-15",
            "document": "到账通知-1",
            "recordedBy": "host",
            "isConfirmed": True,
        }
    ]


def test_what_cannot_be_recorded_or_confirmed_is_refused_with_its_reason(api: Api) -> None:
    in_force(api)
    faulty = api.attempt("record_occurrence", **{**RECORD, "name": "Paid in", "document": ""})
    assert [fault["path"] for fault in faulty["faults"]] == ["name", "document"]
    api.change("record_occurrence", **RECORD)
    api.change("record_occurrence", **{**RECORD, "day": "2024-02-15"})
    for sequence, role, kind, code in (
        (1, "origin", "WrongState", "OCCURRENCE_OVERTAKEN"),
        (2, "host", "WrongState", "OCCURRENCE_ALREADY_CONFIRMED"),
        (3, "origin", "NotFound", "NOT_FOUND"),
    ):
        result = api.attempt("confirm_occurrence", agreement=CODE, name=FUND, sequence=sequence, role=role)
        assert (result["__typename"], result["code"]) == (kind, code)


def test_attributes_of_an_enterprise_are_shown_as_they_were_listed(api: Api) -> None:
    in_force(api)
    attributes = [{"name": "industry", "value": "研发"}, {"name": "tier", "value": "A"}]
    entry = {"creditCode": "91110108MA00000197", "nameZh": "示例企业（虚构）", "attributes": attributes}
    api.confirm_list(CODE, [entry])
    asked = """
        query Attributes($code: String!) {
          agreement(code: $code) {
            enterpriseLists { entries { edges { node { attributes { name value } } } } }
          }
        }
    """
    (listed,) = api.ask(asked, code=CODE)["agreement"]["enterpriseLists"]
    assert listed["entries"]["edges"] == [{"node": {"attributes": attributes}}]
    twice = {**entry, "attributes": [attributes[0], attributes[0]]}
    result = api.attempt("submit_enterprise_list", agreement=CODE, role="host", entries=[twice])
    assert [(fault["path"], fault["code"]) for fault in result["faults"]] == [
        ("entries[0].attributes[1]", "GIVEN_TWICE")
    ]
