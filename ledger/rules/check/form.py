"""The form of a document: whether its text is terms at all, with every departure as a bilingual fault."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ledger.rules.check.faults import fault
from ledger.rules.check.open_choices import Location, OpenChoice, choose, json_path, open_choice
from ledger.rules.commitments import COMMITMENT_KINDS
from ledger.rules.facts import Fault
from ledger.rules.terms import Terms


class Expectation(NamedTuple):
    """What belongs into a field, in each language, with an example."""

    en: str
    zh: str
    example: str


_AMOUNT = Expectation("an amount in the unit", "以计量单位表示的金额", '"20000000.00"')
_SHARE = Expectation("an exact share", "精确份额", '"2/5"')
_WEIGHT = Expectation("a whole number, decimal or fraction", "整数、小数或分数", '"120.5"')
_DAY = Expectation("a day", "日期", '"2024-07-01"')
_QUARTER = Expectation("a quarter", "季度", '"2024Q3"')
_ROLE = Expectation("a role", "角色", '"origin"')
_MONTHS = Expectation("a whole number of months from 1 to 1200", "1 至 1200 的整月数", "36")
_MEASURE = Expectation("a measure", "指标", '"retained_tax"')
_MEASURES = Expectation("a list of measures", "指标列表", '["vat", "cit"]')
_FLAG = Expectation("true or false", "true 或 false", "true")
_ROLES = Expectation("a list of roles", "角色列表", '["origin", "host"]')
_DAYS = Expectation("a whole number of days from 0 to 730", "0 至 730 的整日数", "15")
_TEXT = Expectation("text in both languages", "中英文文字", '{"zh": "税收分成", "en": "tax sharing"}')
_PLAIN_TEXT = Expectation("text that isn't empty", "非空文字", '"税收分成"')
_OBJECT = Expectation("an object", "对象", "{…}")
_LIST = Expectation("a list", "列表", "[…]")

_EXPECTED: dict[str, Expectation] = {
    "after_months": Expectation("a whole number of months from 0 to 1200", "0 至 1200 的整月数", "60"),
    "entries": Expectation("roles with days", "各角色的日期", '{"branch": "2024-07-01"}'),
    "exits": Expectation("roles with days", "各角色的日期", '{"branch": "2024-07-01"}'),
    "own_rates": Expectation("roles with their rates", "各角色的税率", '{"head_office": "1/4"}'),
    "places": Expectation("a whole number of decimal places from 1 to 8", "1 至 8 的小数位数", "4"),
    "round_down_to": _AMOUNT,
    "share_of": Expectation("a name in the key", "份额表中的名称", '"branches"'),
    "year": Expectation("a year from 1949 to 2199", "1949 至 2199 的年份", "2024"),
    "above": _AMOUNT,
    "years": Expectation("a whole number of years from 2 to 10", "2 至 10 的整年数", "3"),
    "rows": Expectation(
        "bands in order of amount",
        "按金额递增的各档",
        '[{"above": "0", "shares": {"origin": "1/2", "host": "1/2"}}]',
    ),
    "agreement": Expectation("the agreement's code", "协议代码", '"HF-HN-2024"'),
    "amount": _AMOUNT,
    "base": _AMOUNT,
    "budget": Expectation(
        "a budget", "预算", '{"amounts": [{"starts": "2024-01-01", "amount": "1000000.00"}], …}'
    ),
    "amounts": Expectation(
        "dated amounts", "分日期的金额", '[{"starts": "2024-01-01", "amount": "1000000.00"}]'
    ),
    "payer": _ROLE,
    "base_by_quarter": Expectation(
        "four amounts, one a quarter", "四个季度的金额", '["100.00", "100.00", "100.00", "100.00"]'
    ),
    "base_of_enterprise": _FLAG,
    "base_year_amount": _AMOUNT,
    "book": Expectation("cash, official or assessment", "cash、official 或 assessment", '"cash"'),
    "capped": _ROLE,
    "caps": Expectation("a list of caps", "上限列表", '[{"amount": "1000000.00", "over": "lifetime", …}]'),
    "controller": Expectation("the actual controller's name", "实际控制人名称", '"甲集团"'),
    "cause_of_move": Expectation("government_led or market", "government_led 或 market", '"government_led"'),
    "clauses": Expectation("a list of clauses", "条款列表", "[{…}]"),
    "condition": Expectation("the condition of the extension", "延期条件", '"cap_not_reached"'),
    "day": _DAY,
    "deduct": _MEASURES,
    "en": _PLAIN_TEXT,
    "event": Expectation("an event of an enterprise", "企业事件", '"first_tax"'),
    "examples": Expectation("a list of at least one worked example", "至少一个示例的列表", "[{…}]"),
    "excess_to": _ROLE,
    "expect": Expectation("a list of expectations", "期望列表", "[{…}]"),
    "figures": Expectation("a list of figures", "数据列表", "[{…}]"),
    "first": _QUARTER,
    "format": Expectation("the format of this document", "本文档的格式", '"parkledger.terms/1"'),
    "in_force_from": _QUARTER,
    "in_place": _ROLE,
    "first_shared": Expectation("true", "true", "true"),
    "inputs": Expectation(
        "a list of inputs", "投入列表", '[{"starts": "2024-01-01", "amount": "30000000.00"}]'
    ),
    "kept": _SHARE,
    "key": Expectation("rows of shares", "份额表", '[{"shares": {"origin": "2/5", "host": "3/5"}}]'),
    "last": _QUARTER,
    "last_quarter": _QUARTER,
    "length_months": _MONTHS,
    "measure": _MEASURE,
    "measures": _MEASURES,
    "mechanism": Expectation(
        "one of tax, output_value, development_revenue, innovation_voucher",
        "tax、output_value、development_revenue、innovation_voucher 之一",
        '"tax"',
    ),
    "name": _TEXT,
    "number": Expectation("a whole number from 1 to 999", "1 至 999 的整数", "1"),
    "occurrence": Expectation("an occurrence of the agreement", "协议事项", '"aid_fund_paid_in"'),
    "occurrences": Expectation("occurrence to its day", "事项及其日期", '{"aid_fund_paid_in": "2024-07-01"}'),
    "offset_months": Expectation("a whole number of months from 0 to 1200", "0 至 1200 的整月数", "12"),
    "otherwise": _ROLE,
    "part": _SHARE,
    "due": Expectation("month and day", "月日", '"05-15"'),
    "form": Expectation("a form of settlement", "结算方式", '"year_end"'),
    "instalments": Expectation(
        "a list of instalments", "分期付款列表", '[{"due": "05-15", "part": "1/2"}, …]'
    ),
    "interest": Expectation(
        "dated monthly rates", "逾期月利率表", '[{"starts": "2025-01-01", "monthly_rate": "3/400"}]'
    ),
    "monthly_rate": _SHARE,
    "paid_by": _ROLE,
    "party": _ROLE,
    "from_party": _ROLE,
    "yearly_amount": _AMOUNT,
    "pre_move_tax": Expectation("year to amount", "年份对应金额", '{"2023": "20000000.00"}'),
    "pre_move_tax_average_at_least": _AMOUNT,
    "pre_move_tax_total": _FLAG,
    "referred_by": _ROLE,
    "remainder_to": _ROLE,
    "reported_by": _ROLE,
    "roles": Expectation(
        "at least two roles with the codes of their parties",
        "至少两个角色及其参与方代码",
        '{"origin": "P-001", "host": "P-002"}',
    ),
    "attributes": Expectation(
        "attributes with their values", "属性及其取值", '{"user_place": ["聊城", "德州"]}'
    ),
    "rate": _SHARE,
    "rates": Expectation("rows of rates", "分档比例表", '[{"where": {}, "rate": "2/5"}]'),
    "where": Expectation(
        "attributes with accepted values", "属性及其取值", '{"user_place": ["聊城", "德州"]}'
    ),
    "routed": _AMOUNT,
    "scope": Expectation(
        "whole_park or listed_enterprises", "whole_park 或 listed_enterprises", '"whole_park"'
    ),
    "semantics": Expectation("the version of the semantics", "语义版本", "1"),
    "shares": Expectation(
        "roles with their exact shares", "各角色的精确份额", '{"origin": "2/5", "host": "3/5"}'
    ),
    "span": Expectation("a quarter or a month", "季度或月份", '"2024Q3"'),
    "starts": _DAY,
    "subject": Expectation("the name of an example's enterprise", "示例企业名称", '"e1"'),
    "to": _ROLE,
    "yearly_return": _SHARE,
    "tiers": Expectation(
        "a list of tiers",
        "层级列表",
        '[{"name": {"zh": "中央", "en": "centre"}, "kept": "1/2"}]',
    ),
    "title": _TEXT,
    "weights": Expectation(
        "roles with their weights", "各角色的权重", '{"origin": "120.5", "host": "300/7"}'
    ),
    "transition": Expectation(
        "by_step or open_windows_keep_terms", "by_step 或 open_windows_keep_terms", '"by_step"'
    ),
    "zh": _PLAIN_TEXT,
    "commitments": Expectation(
        "a list of commitments", "承诺列表", '[{"code": "joint_fund", "kind": "joint_fund", …}]'
    ),
    "code": Expectation(
        "1 to 48 small letters, digits and underscores", "1 至 48 个小写字母、数字或下划线", '"joint_fund"'
    ),
    "kind": Expectation(
        f"one of {', '.join(COMMITMENT_KINDS)}", f"{'、'.join(COMMITMENT_KINDS)} 之一", '"joint_fund"'
    ),
    "by": _ROLES,
    "due_day": _DAY,
    "target_count": Expectation("a whole number from 1 up", "不小于 1 的整数", "10"),
    "equal_levels": Expectation(
        "levels that equal each other, by role",
        "各方相互对应的等级",
        '[{"origin": "A类", "host": "领军人才"}]',
    ),
    "procedure": Expectation("a procedure", "办理程序", '{"signed_by": ["origin", "host"]}'),
    "certified": _ROLES,
    "sealed": _FLAG,
    "lines": Expectation("closed or open", "closed 或 open", '"open"'),
    "reconciliations": Expectation(
        "a list of reconciliations",
        "对账列表",
        '[{"record": "host", "against": "origin", "unanswered": "withheld"}]',
    ),
    "record": _ROLE,
    "against": _ROLE,
    "tolerances": Expectation(
        "tolerances by measure", "各指标的允许误差", '[{"measure": "vat", "amount": "1.00"}]'
    ),
    "signed_by": _ROLES,
    "arbiter": _ROLE,
    "reopened_by": _ROLES,
    "calendar": Expectation(
        "a calendar in days", "以日数表示的日程", '{"submit_days": 15, "sign_days": 40, "fund_days": 60}'
    ),
    "submit_days": _DAYS,
    "certify_days": _DAYS,
    "reconcile_days": _DAYS,
    "sign_days": _DAYS,
    "fund_days": _DAYS,
    "second_fund_days": _DAYS,
}

_CODES_OF_READINGS = {
    "clock": "CLOCK_START",
    "surplus_base": "SURPLUS_BASE",
    "surplus_quarters": "SURPLUS_QUARTERS",
    "cap_limit": "CAP_LIMIT",
    "cap_capped": "CAP_CAPPED",
    "key_parts": "KEY_PARTS",
    "key_or_bands": "KEY_OR_BANDS",
    "key_begins": "KEY_BEGINS",
    "key_weightless": "KEY_WEIGHTLESS",
    "cap_unused": "CAP_UNUSED",
    "cap_order": "CAP_ORDER_MISSING",
}
_LONGEST_SHOWN = 60


class Form(NamedTuple):
    """What a document is by its form.

    ``faults`` are all that keep it from being terms but ``open_choices``; ``document`` is its data with each
    of those at its first reading.
    """

    terms: Terms | None
    faults: list[Fault]
    document: Any
    open_choices: list[OpenChoice]


def read_form(text: bytes | str) -> Form:
    """The terms that ``text`` holds, or why it holds none."""
    try:
        terms = Terms.model_validate_json(text)
    except ValidationError as refusal:
        return _refused(text, refusal)
    repeated = _repeated_names(text)
    return Form(None if repeated else terms, repeated, None, [])


def form_fault(document: Any) -> Fault | None:
    """The first departure of JSON data from the form of terms; None if it has none."""
    errors = _errors(document)
    return _fault_of(errors[0]) if errors else None


def _refused(text: bytes | str, refusal: ValidationError) -> Form:
    errors = refusal.errors(include_url=False)
    if errors[0]["type"] == "json_invalid":
        return Form(None, [_fault_of(errors[0])], None, [])
    document = json.loads(text)
    open_choices = list(_open_choices(document, errors))
    told = [error for error in errors if _open_choice(error, document) is None]
    return Form(
        None, [_fault_of(error) for error in told if not _is_echo(error, errors)], document, open_choices
    )


def _open_choices(document: Any, errors: Sequence[ErrorDetails]) -> Iterable[OpenChoice]:
    """Every open choice; each is given its first reading, which may bring others to light."""
    found: set[Location] = set()
    while True:
        open_now = [choice for error in errors if (choice := _open_choice(error, document)) is not None]
        new = [choice for choice in open_now if choice.location not in found]
        if not new:
            return
        for choice in new:
            found.add(choice.location)
            choose(document, choice.location, choice.first)
        yield from new
        errors = _errors(document)


def _errors(document: Any) -> list[ErrorDetails]:
    try:
        Terms.model_validate_json(json.dumps(document, ensure_ascii=False))
    except ValidationError as refusal:
        return refusal.errors(include_url=False)
    return []


def _open_choice(error: ErrorDetails, document: Any) -> OpenChoice | None:
    kind, location = error["type"], error["loc"]
    if kind == "cap_unused" and error["input"].get("over") == "year":
        return open_choice(document, (*location, "unused"), None)
    if kind in _CODES_OF_READINGS or kind == "extra_forbidden":
        return None
    got = None if kind == "missing" else _shown(error["input"])
    return open_choice(document, location, got)


def _is_echo(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """A list counts as too short when its entries have faults; those are told anyway."""
    location = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(location) and other["loc"][: len(location)] == location for other in errors
    )


def _repeated_names(text: bytes | str) -> list[Fault]:
    """Names that stand twice in one object; JSON readers disagree about which of them holds."""
    repeated: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        repeated.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(pairs)

    json.loads(text, object_pairs_hook=keep)
    return [fault("$", "NAME_TWICE", name=name) for name in repeated]


def _fault_of(error: ErrorDetails) -> Fault:
    path, kind = json_path(error["loc"]), error["type"]
    if kind == "json_invalid":
        return fault("$", "NOT_JSON", detail=error.get("ctx", {}).get("error", ""))
    if kind in _CODES_OF_READINGS:
        return fault(path, _CODES_OF_READINGS[kind])
    name = _name(error["loc"])
    if kind == "extra_forbidden":
        return fault(path, "UNKNOWN_FIELD", name=name)
    fields = _expected_fields(error["loc"], kind)
    if kind == "missing":
        return fault(path, "MISSING", **fields)
    return fault(path, "VALUE_WRONG", got=_shown(error["input"]), **fields)


def value_question(location: Location) -> Fault:
    """Asks for what belongs at the location."""
    return fault(json_path(location), "VALUE_ASKED", **_expected_fields(location, "missing"))


def _expected_fields(location: Location, kind: str) -> dict[str, object]:
    expected = expected_at(location, kind)
    return {
        "name": _name(location),
        "expected": expected.en,
        "expected_zh": expected.zh,
        "example": expected.example,
    }


def expected_at(location: Location, kind: str = "missing") -> Expectation:
    """What belongs at the location: by its field's name, or by that of the list or map which holds it."""
    names = [part for part in location if isinstance(part, str)]
    if len(location) > 1 and location[-2] in _MAPS:
        return _EXPECTED_INSIDE[str(location[-2])]
    if names and isinstance(location[-1], int):
        return _OBJECT if names[-1] in _MAPS else _EXPECTED_INSIDE.get(names[-1], _OBJECT)
    if names and names[-1] in _EXPECTED:
        return _EXPECTED[names[-1]]
    return _LIST if kind == "tuple_type" else _OBJECT


_MAPS = frozenset(
    {
        "shares",
        "weights",
        "values",
        "own_rates",
        "entries",
        "exits",
        "pre_move_tax",
        "events",
        "occurrences",
        "roles",
    }
)
_EXPECTED_INSIDE = {
    "own_rates": _SHARE,
    "values": _AMOUNT,
    "entries": _DAY,
    "exits": _DAY,
    "shares": _SHARE,
    "weights": _WEIGHT,
    "pre_move_tax": _AMOUNT,
    "events": _DAY,
    "occurrences": _DAY,
    "roles": Expectation("a party's code", "参与方代码", '"P-001"'),
    "measures": _MEASURE,
    "deduct": _MEASURE,
    "base_by_quarter": _AMOUNT,
    "ends_at": _EXPECTED["event"],
    "certified": _ROLE,
    "signed_by": _ROLE,
    "reopened_by": _ROLE,
}


def _name(location: tuple[int | str, ...]) -> str:
    """The last named field, with the index where the fault is about an entry of it."""
    names = [str(part) for part in location if isinstance(part, str) and part != "[key]"]
    return names[-1] if names else "$"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
