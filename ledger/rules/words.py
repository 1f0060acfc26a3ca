"""What roles, events and mechanisms are called in each language."""

from __future__ import annotations

from fractions import Fraction

from ledger.rules.terms import CauseOfMove, Event, Mechanism

ROLE_NAMES: dict[str, tuple[str, str]] = {
    "origin": ("飞出地", "the origin side"),
    "host": ("飞入地", "the host side"),
    "fund": ("园区发展基金", "the park's development fund"),
    "developer": ("园区开发公司", "the park developer"),
    "zone": ("合作区", "the cooperation zone"),
    "province": ("省级财政", "the province's treasury"),
    "head_office": ("总机构所在地", "the place of the head office"),
    "branches": ("分支机构", "the branches"),
    "branch_a": ("甲分支机构所在地", "the place of branch A"),
    "branch_b": ("乙分支机构所在地", "the place of branch B"),
    "centre": ("中央财政", "the central treasury"),
    "region": ("自治区财政", "the region's treasury"),
    "locality": ("所在市县财政", "the locality's treasury"),
    "municipality_a": ("甲地", "municipality A"),
    "municipality_b": ("乙地", "municipality B"),
    "municipality_c": ("丙地", "municipality C"),
    "branch": ("分支机构所在地", "the place of the branches"),
    "home": ("使用方所在地", "the user's home"),
    "provider_zone": ("服务机构所在地", "the provider's zone"),
    "city": ("市级财政", "the city's treasury"),
    "pool": ("待分配资金", "the pool for distribution"),
}
"""Role to its name; a role that isn't here is called by itself."""

MECHANISM_NAMES: dict[Mechanism, tuple[str, str]] = {
    Mechanism.OUTPUT_VALUE: ("产值分计", "output-value splitting"),
    Mechanism.TAX: ("税收分成", "tax revenue sharing"),
    Mechanism.DEVELOPMENT_REVENUE: ("共建园区开发建设收益分成", "development revenue sharing"),
    Mechanism.INNOVATION_VOUCHER: ("科技创新券通用通兑", "recognition of innovation vouchers"),
}
EVENT_NAMES: dict[Event, tuple[str, str]] = {
    Event.REGISTRATION: ("注册登记", "registration"),
    Event.CONSTRUCTION_START: ("开工建设", "start of construction"),
    Event.FIRST_TAX: ("首次纳税", "first tax"),
    Event.CAPACITY_REACHED: ("达产", "reaching design capacity"),
    Event.DEREGISTRATION: ("注销登记", "de-registration"),
    Event.MOVED_AWAY: ("迁出", "moving away"),
}
ATTRIBUTE_NAMES: dict[str, tuple[str, str]] = {
    "user_place": ("使用方所在地", "the user's place"),
    "provider_place": ("服务机构所在地", "the provider's place"),
    "enterprise_kind": ("企业类型", "the kind of enterprise"),
    "project_kind": ("项目类型", "the kind of project"),
}
"""Attribute to its name; an attribute that isn't here is called by itself."""

OCCURRENCE_NAMES: dict[str, tuple[str, str]] = {
    "aid_fund_paid_in": ("援助资金全部到位", "the aid fund's being paid in full"),
    "land_delivered": ("土地交付", "the delivery of the land"),
    "approval_granted": ("上级批准", "the approval by the authority above"),
}
"""Occurrence to its name; an occurrence that isn't here is called by itself."""

CAUSE_NAMES: dict[CauseOfMove, tuple[str, str]] = {
    CauseOfMove.GOVERNMENT_LED: ("政府主导", "led by the government"),
    CauseOfMove.MARKET: ("市场行为", "the enterprise's own choice"),
}

FACTOR_NAMES: dict[str, tuple[str, str]] = {
    "revenue": ("营业收入", "revenue"),
    "payroll": ("职工薪酬", "payroll"),
    "assets": ("资产总额", "assets"),
    "wages": ("工资总额", "wages"),
    "capacity": ("装机容量", "installed capacity"),
    "population": ("人口", "population"),
    "area": ("面积", "area"),
}
"""Factor to its name; a factor that isn't here is called by itself."""

_DIGITS = "零一二三四五六七八九"


def role_zh(role: str) -> str:
    return ROLE_NAMES.get(role, (role, role))[0]


def role_en(role: str) -> str:
    return ROLE_NAMES.get(role, (role, role))[1]


def factor_zh(factor: str) -> str:
    return FACTOR_NAMES.get(factor, (factor, factor))[0]


def factor_en(factor: str) -> str:
    return FACTOR_NAMES.get(factor, (factor, factor))[1]


def exact_number(text: str) -> str:
    """A number that was written as a whole number, decimal or fraction: decimal where that ends soon."""
    number = Fraction(text)
    millionths = number * 10**6
    if millionths.denominator != 1:
        return str(number)
    whole, places = divmod(int(millionths), 10**6)
    return f"{whole}.{places:06d}".rstrip("0").rstrip(".")


def attribute_zh(attribute: str) -> str:
    return ATTRIBUTE_NAMES.get(attribute, (attribute, attribute))[0]


def attribute_en(attribute: str) -> str:
    return ATTRIBUTE_NAMES.get(attribute, (attribute, attribute))[1]


def occurrence_zh(occurrence: str) -> str:
    return OCCURRENCE_NAMES.get(occurrence, (occurrence, occurrence))[0]


def occurrence_en(occurrence: str) -> str:
    return OCCURRENCE_NAMES.get(occurrence, (occurrence, occurrence))[1]


def chinese_number(number: int) -> str:
    """A whole number from 1 to 999 as articles are numbered: 十二, 一百零三."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += "十" if tens == 1 and not hundreds else f"{_DIGITS[tens]}十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones else "")
