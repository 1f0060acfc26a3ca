"""Starting from a template and leaving a choice open, through the API."""

from __future__ import annotations

from tests.api.journey import Api, Document

MOVED = "beijing-tianjin-hebei"
ASKED = """
query { ruleTemplates { name openFields { path value question { zh en } readings { value } } } }
"""


def started(api: Api, name: str, answers: object = None) -> Document:
    result: Document = api.run("start_from_template", template=name, answers=answers)["startFromTemplate"]
    return result


def test_agreement_can_be_drafted_from_a_template_by_answering_what_it_asks(api: Api) -> None:
    (template,) = (each for each in api.ask(ASKED)["ruleTemplates"] if each["name"] == MOVED)
    answers = {field["path"]: field["value"] for field in template["openFields"]}
    answers |= {"$.agreement": "MOVED-1", "$.roles.origin": "ORIGIN", "$.roles.host": "HOST"}
    del answers["$.clauses[0].within.caps[0].measured_on"]
    (left,) = started(api, MOVED, answers)["openFields"]
    assert "pool 49,000,000.00" in left["question"]["en"]
    assert [reading["value"] for reading in left["readings"]] == ["receipts", "pool"]
    answers[left["path"]] = "pool"
    terms = started(api, MOVED, answers)["terms"]
    assert api.run("check_terms", terms=terms)["checkTerms"]["faults"] == []
    for code in ("ORIGIN", "HOST"):
        api.register(code)
    api.change(
        "draft_agreement",
        code="MOVED-1",
        kind="ENCLAVE",
        titleZh="协议",
        titleEn="Agreement",
        source="made up",
        parties=[{"role": role, "party": code} for role, code in terms["roles"].items()],
        terms=terms,
    )


def test_every_template_says_what_it_leaves_open_in_both_languages(api: Api) -> None:
    for template in api.ask(ASKED)["ruleTemplates"]:
        assert {"$.agreement", "$.in_force_from"} <= {field["path"] for field in template["openFields"]}
        assert all(field["question"]["zh"] and field["question"]["en"] for field in template["openFields"])


def test_unknown_template_and_answers_that_are_no_object_are_refused(api: Api) -> None:
    assert started(api, "nothing")["code"] == "TEMPLATE_UNKNOWN"
    assert started(api, MOVED, [1])["__typename"] == "InvalidInput"
    (fault,) = started(api, MOVED, {"$.format": "x"})["faults"]
    assert fault["code"] == "ANSWER_NOT_ASKED"


def test_choice_left_open_is_refused_with_its_readings_in_money_wherever_terms_are_taken(api: Api) -> None:
    (terms,) = (each["terms"] for each in api.run("rule_templates")["ruleTemplates"] if each["name"] == MOVED)
    del terms["clauses"][0]["within"]["caps"][0]["measured_on"]
    parties = [{"role": role, "party": role.upper()} for role in terms["roles"]]
    api.register(parties[0]["party"])
    drafted = api.attempt(
        "draft_agreement",
        code="MOVED-1",
        kind="ENCLAVE",
        titleZh="协议",
        titleEn="Agreement",
        source="made up",
        parties=parties,
        terms=terms,
    )
    checked = api.run("check_terms", terms=terms)["checkTerms"]
    for found in (checked, drafted):
        (fault,) = found["faults"]
        assert (
            "the origin side, 2027Q4 (cash book, yuan): receipts 12,000,000.00, pool 0.00"
            in (fault["messageEn"])
        )
        assert "飞出地 2027Q4（现金账，元）receipts 12,000,000.00、pool 0.00" in fault["messageZh"]
