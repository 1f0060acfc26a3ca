"""What is said about each field of the terms beside its form: its Chinese name, and an example to execute.

An example is a template's clause (``base``, perhaps with ``changes``) in which the field has a value; what
comes of another value, ``instead``, is computed where the page of fields is made.
"""

from __future__ import annotations

from ledger.rules.reference.budget_notes import BUDGET_NOTES
from ledger.rules.reference.commitment_notes import COMMITMENT_NOTES
from ledger.rules.reference.note import Note
from ledger.rules.reference.procedure_notes import PROCEDURE_NOTES

_MOVED = "beijing-tianjin-hebei"
_DOUBLE = "liusong-double-split"
_INCREMENT = "gaozhu-increment"
_COMPANY = "joint-park-revenue"
_FACTORS = "head-office-three-factors"
_FLOOR = "qingchuan-floor"
_RECOVER = "zibo-recover-first"
_LAYERS = "voucher-fujian"
_GROUP = "voucher-liaocheng"
_AREA = "pool-by-area"
_RETAINED = "gross-to-retained"
_REINVESTED = "hehuai-reinvested"
_ATTRACTED = "fuzhou-seven-three"
_PLACES = "voucher-shandong"

_WINDOW_OF_EVENT = {
    "when.window": {"clock": {"event": "first_tax", "begins": "step_of_day"}},
    "examples": [
        {
            "title": {"zh": "首次纳税后第二季度", "en": "the quarter after the first tax"},
            "subjects": {
                "e1": {
                    "events": {"first_tax": "2024-02-15", "moved_away": "2024-07-01"},
                    "referred_by": "origin",
                    "base_year_amount": "400000.00",
                }
            },
            "figures": [
                {"span": span, "measure": "retained_tax", "amount": "1000000.00", "subject": "e1"}
                for span in ("2024Q1", "2024Q2", "2024Q3")
            ],
            "expect": [
                {"first": "2024Q1", "last": "2024Q1", "book": "cash", "party": "origin", "amount": "0"}
            ],
        }
    ],
}
_HALVES = {"origin": "1/2", "host": "1/2"}
_BANDED = {
    "to_whom.key": [],
    "to_whom.bands": {
        "over": "year",
        "rows": [
            {"above": "0", "shares": _HALVES},
            {"above": "500000", "shares": {"origin": "3/10", "host": "7/10"}},
        ],
    },
}
_BANDED_BY_WEIGHT = {
    "to_whom.key": [],
    "to_whom.bands": {"over": "year", "rows": [{"above": "0", "weights": {"origin": "3", "host": "2"}}]},
}
_INSTALMENTS = [{"due": "05-15", "part": "1/3"}, {"due": "08-15", "part": "2/3"}]
_INTEREST = [{"starts": "2025-01-01", "monthly_rate": "3/400"}]
_BY_QUARTER = {
    "how_much.surplus.base": None,
    "how_much.surplus.within_year": "same_quarter",
    "how_much.surplus.base_by_quarter": ["1000000.00", "4000000.00", "2000000.00", "3000000.00"],
}
_OWN_BASE = _WINDOW_OF_EVENT | {
    "how_much.surplus": {"base_of_enterprise": True, "within_year": "year_to_date", "loss": "forgotten"}
}
_ROUTED = {"examples.0.expect.0.routed": "350000.00"}


NOTES: dict[str, Note] = {
    "format": Note("文档格式", "parkledger.terms/2", _MOVED, "The form of this document."),
    "semantics": Note(
        "语义版本",
        2,
        _MOVED,
        "The version of what the evaluators make of the document. It is signed, so that no later program "
        "computes signed terms in another way.",
    ),
    "agreement": Note("协议代码", "HF-HN-2024", _MOVED),
    "roles": Note("角色与参与方", {"origin": "SONGJIANG", "host": "JINAN"}, _MOVED),
    "in_force_from": Note(
        "起始季度", "2025Q2", _MOVED, "The first quarter that is computed under this version."
    ),
    "last_quarter": Note(
        "最后季度",
        "2033Q4",
        _MOVED,
        "The last quarter that is computed; null: as long as nothing else is in force.",
        {"$.last_quarter": "2028Q4"},
    ),
    "transition": Note("修订时的衔接", "open_windows_keep_terms", _MOVED),
    "number": Note("条款编号", 7, _MOVED, "Stays the same through all versions and is never used again."),
    "title.zh": Note("中文标题", "企业税收分享", _MOVED, "The article's title in Chinese."),
    "title.en": Note("英文标题", "sharing taxes", _MOVED, "The article's title in English."),
    # --- what, whose, when --------------------------------------------------------------------------------
    "what.mechanism": Note(
        "机制",
        "output_value",
        _MOVED,
        "`tax` 税收分成, `output_value` 产值分计 or `development_revenue` 共建园区开发建设收益分成: the "
        "three that the national plan names; or `innovation_voucher` 科技创新券通用通兑.",
    ),
    "what.measures": Note("计入的指标", ["vat"], _MOVED),
    "what.deduct": Note("扣除的指标", [], _RETAINED, changes={"what.deduct": ["incentive_paid"]}),
    "what.reported_by": Note("填报方", "origin", _MOVED),
    "whose.scope": Note(
        "对象范围",
        "listed_enterprises",
        _RETAINED,
        "`whole_park`: all figures together. `listed_enterprises`: each enterprise of the confirmed list by "
        "itself.",
    ),
    "whose.eligibility": Note(
        "资格条件",
        None,
        _MOVED,
        "What an enterprise must fulfil; every condition that is given must hold. What one that fails brings "
        "goes to `to_whom.otherwise` whole.",
    ),
    "whose.eligibility.pre_move_tax_average_at_least": Note("搬迁前年均纳税下限", "25000000", _MOVED),
    "whose.eligibility.cause_of_move": Note(
        "迁移原因", "market", _MOVED, "`government_led` or `market`, as the confirmed list attests it."
    ),
    "whose.eligibility.referred_by": Note(
        "引荐方", "host", _ATTRACTED, "The role that referred the enterprise."
    ),
    "whose.eligibility.attributes": Note(
        "属性条件",
        {"user_place": ["济南"]},
        _PLACES,
        changes={"whose.eligibility": {"attributes": {"user_place": ["聊城", "德州"]}}},
    ),
    "when.step": Note(
        "计算周期",
        "month",
        _MOVED,
        "A clause is computed step by step; everything dated is read on the first day of the step.",
    ),
    "when.window": Note("分享期", None, _MOVED),
    "when.window.clock.day": Note(
        "起算日期",
        "2024-04-01",
        _INCREMENT,
        changes={"when.window": {"clock": {"day": "2024-01-01", "begins": "step_of_day"}}},
    ),
    "when.window.clock.event": Note("起算的企业事件", "registration", _MOVED),
    "when.window.clock.occurrence": Note(
        "先决条件",
        "land_delivered",
        _FLOOR,
        changes={"when.window": {"clock": {"occurrence": "aid_fund_paid_in", "begins": "step_of_day"}}},
    ),
    "when.window.clock.first_shared": Note("自首次分享起算", None, _RECOVER),
    "when.window.clock.offset_months": Note(
        "起算后推月数",
        12,
        _MOVED,
        "Months added to the day on which the clock starts.",
        {"when.window.clock.offset_months": 3},
    ),
    "when.window.clock.begins": Note("首期", "next_year", _MOVED, "The first step that counts."),
    "when.window.length_months": Note(
        "分享期月数", 24, _DOUBLE, "How long figures are shared; null: the window never closes."
    ),
    "when.window.extension": Note(
        "延期", None, _MOVED, "More time when no lifetime cap has been reached at the end of the window."
    ),
    "when.window.extension.condition": Note(
        "延期条件", "always", _MOVED, "`cap_not_reached` is the only one."
    ),
    "when.window.extension.length_months": Note(
        "延期月数", 12, _MOVED, "How many months the extension adds."
    ),
    "when.window.extension.on_correction": Note("更正后是否重新判断延期", "hold", _MOVED),
    "when.window.ends_at": Note(
        "提前终止事件",
        [],
        _ATTRACTED,
        changes=_WINDOW_OF_EVENT
        | {
            "when.window": {
                "clock": {"event": "first_tax", "begins": "step_of_day"},
                "ends_at": ["moved_away"],
            }
        },
    ),
    # --- how much -----------------------------------------------------------------------------------------
    "how_much.retention": Note("留成表", [], _RETAINED),
    "how_much.retention[].starts": Note("生效日期", "1995-01-01", _RETAINED, "From this day on."),
    "how_much.retention[].measure": Note("指标", "land_transfer", _RETAINED, "The measure that is retained."),
    "how_much.retention[].tiers": Note(
        "层级",
        [{"name": {"zh": "中央分享后留成", "en": "kept after the centre's share"}, "kept": "1/4"}],
        _RETAINED,
        "The levels of government in order; what they keep is multiplied.",
    ),
    "how_much.retention[].tiers[].name.zh": Note(
        "层级中文名称", "中央以外", _RETAINED, "The level's name in Chinese."
    ),
    "how_much.retention[].tiers[].name.en": Note(
        "层级英文名称", "not the centre's", _RETAINED, "The level's name in English."
    ),
    "how_much.retention[].tiers[].kept": Note(
        "留成比例", "1/5", _RETAINED, "Of what reaches the tier, how much goes on down."
    ),
    "how_much.rates": Note("分档比例", [], _PLACES),
    "how_much.rates[].where": Note("适用条件", {"user_place": ["济南"]}, _PLACES),
    "how_much.rates[].rate": Note("比例", "1/2", _PLACES, "How much of the base counts."),
    "how_much.surplus": Note(
        "增量", None, _INCREMENT, "Only what exceeds a yearly base is shared; the stock stays where it was."
    ),
    "how_much.surplus.base": Note("年度基数", "8000000.00", _INCREMENT),
    "how_much.surplus.base_by_quarter": Note(
        "各季度基数",
        ["3000000.00", "2000000.00", "3000000.00", "2000000.00"],
        _INCREMENT,
        "The base of each quarter of the base year, with `same_quarter`.",
        _BY_QUARTER,
    ),
    "how_much.surplus.base_of_enterprise": Note("采用企业自身基数", False, _ATTRACTED, changes=_OWN_BASE),
    "how_much.surplus.within_year": Note(
        "年内比较方法", "pro_rata", _INCREMENT, "How a test against a yearly figure works inside the year."
    ),
    "how_much.surplus.loss": Note(
        "低于基数的处理", "shared", _INCREMENT, "What happens where figures stay below the base."
    ),
    "how_much.recover": Note(
        "先行回收投入",
        None,
        _RECOVER,
        "What is shared first repays a party's input; only the rest is divided. Needs `whole_park`.",
        {"when.window": None},
    ),
    "how_much.recover.to": Note("回收方", "host", _RECOVER, "Whose input is repaid."),
    "how_much.recover.inputs": Note("投入", [{"starts": "2024-01-01", "amount": "10000000.00"}], _RECOVER),
    "how_much.recover.inputs[].starts": Note("可回收起始日", "2025-01-01", _RECOVER),
    "how_much.recover.inputs[].amount": Note(
        "投入金额", "20000000.00", _RECOVER, "How much was put in, in the unit of the measures."
    ),
    "how_much.recover.yearly_return": Note(
        "年回报率", "1/10", _RECOVER, changes={"how_much.recover.yearly_return": "1/20"}
    ),
    "how_much.smoothing": Note(
        "多年平均", None, _AREA, "Once a year, with its last step, the average of several years is shared."
    ),
    "how_much.smoothing.years": Note("平均年数", 2, _AREA),
    "how_much.smoothing.missing_years": Note(
        "首年之前年度的处理", "zero", _AREA, "What the average does in its first years."
    ),
    "how_much.own_rates": Note(
        "各方税率",
        {"head_office": "1/4", "branch_a": "1/4", "branch_b": "1/4"},
        "head-office-own-rates",
    ),
    # --- to whom ------------------------------------------------------------------------------------------
    "to_whom.regime": Note(
        "计入方式",
        "full_to_each",
        _DOUBLE,
        "How a statistic is credited for assessment. Money is always `proportional`.",
    ),
    "to_whom.key": Note("份额表", [{"shares": _HALVES}], _RETAINED),
    "to_whom.key[].shares": Note(
        "份额",
        {"origin": "7/10", "host": "3/10"},
        _RETAINED,
        "Role to its exact share; they add up to 1 where the regime is proportional.",
    ),
    "to_whom.key[].weights": Note(
        "权重", {"municipality_a": "1", "municipality_b": "1", "municipality_c": "2"}, _AREA
    ),
    "to_whom.key[].starts": Note(
        "生效日期",
        "2025-01-01",
        _RETAINED,
        "From this day on; only the first row may lack it.",
        {
            "to_whom.key": [
                {"shares": _HALVES},
                {"starts": "2024-01-01", "shares": {"host": "1", "origin": "0"}},
            ]
        },
    ),
    "to_whom.key[].after_months": Note("期满月数", 300, "zibo-twenty-years"),
    "to_whom.bands": Note("分档份额", None, _RETAINED, changes=_BANDED),
    "to_whom.bands.over": Note(
        "分档期间",
        "step",
        _RETAINED,
        "Over which time the amount that decides about the band adds up.",
        _BANDED
        | {
            "examples.0.figures": [
                {"span": span, "measure": "cit", "amount": "1000000.00"}
                for span in ("2024Q1", "2024Q2", "2024Q3")
            ]
        },
    ),
    "to_whom.bands.rows": Note("各档", [{"above": "0", "shares": _HALVES}], _RETAINED, changes=_BANDED),
    "to_whom.bands.rows[].above": Note(
        "下限",
        "400000",
        _RETAINED,
        "The band is what lies above this amount, up to the next band's. The lowest is 0.",
        _BANDED,
    ),
    "to_whom.bands.rows[].shares": Note(
        "份额", {"origin": "1", "host": "0"}, _RETAINED, "Who gets which part of the band.", _BANDED
    ),
    "to_whom.bands.rows[].weights": Note(
        "权重", {"origin": "1", "host": "4"}, _RETAINED, changes=_BANDED_BY_WEIGHT
    ),
    "to_whom.apportion": Note(
        "因素分摊", None, _FACTORS, "The share of one name in the key is divided by weighted factors."
    ),
    "to_whom.apportion.share_of": Note("待分摊的份额", "others", _FACTORS),
    "to_whom.apportion.weights": Note(
        "因素权重", {"revenue": "1/2", "payroll": "1/4", "assets": "1/4"}, _FACTORS
    ),
    "to_whom.apportion.factor_year": Note(
        "因素年度", "same", _FACTORS, "Which year's factors count in a step."
    ),
    "to_whom.apportion.zero_denominator": Note(
        "因素合计为零的处理",
        "equal",
        "head-office-own-rates",
        "What a factor does that is 0 for everybody who takes part.",
        {"to_whom.apportion.weights": {"revenue": "1/2", "payroll": "1/4", "assets": "1/4"}},
    ),
    "to_whom.apportion.values": Note("因素数据", [], _FACTORS),
    "to_whom.apportion.values[].year": Note("年度", 2020, _FACTORS, "The year of the factors."),
    "to_whom.apportion.values[].role": Note("角色", "centre", _FACTORS, "Whose factors they are."),
    "to_whom.apportion.values[].values": Note(
        "因素数值", {"revenue": "0", "payroll": "0", "assets": "0"}, _FACTORS
    ),
    "to_whom.apportion.round_down_to": Note(
        "因素取整单位", None, _FACTORS, changes={"to_whom.apportion.round_down_to": "1000000"}
    ),
    "to_whom.apportion.ratio_rounding": Note("比例取整", None, _FACTORS),
    "to_whom.apportion.ratio_rounding.places": Note(
        "小数位数", 1, _FACTORS, "Decimal places of every ratio."
    ),
    "to_whom.apportion.ratio_rounding.mode": Note("取整方法", "up", _FACTORS, "How ratios are rounded."),
    "to_whom.apportion.ratio_rounding.remainder_to": Note("差额归属", "branch_a", _FACTORS),
    "to_whom.apportion.entries": Note(
        "加入日期", {}, _FACTORS, changes={"to_whom.apportion.entries": {"branch_a": "2024-07-01"}}
    ),
    "to_whom.apportion.exits": Note(
        "退出日期", {}, _FACTORS, changes={"to_whom.apportion.exits": {"branch_a": "2024-02-01"}}
    ),
    "to_whom.otherwise": Note("其余归属", "origin", _MOVED),
    "to_whom.in_place": Note("在地统计归属", "origin", _DOUBLE),
    # --- within -------------------------------------------------------------------------------------------
    "within.caps": Note("上限", [], _LAYERS),
    "within.caps[].amount": Note("上限金额", "100000.00", _LAYERS, "The limit, in the unit of the measures."),
    "within.caps[].pre_move_tax_total": Note("以搬迁前税收总额为上限", False, _MOVED),
    "within.caps[].over": Note("计算期间", "year", _MOVED, changes={"when.window.extension": None}),
    "within.caps[].unused": Note(
        "未用额度",
        "carries",
        _LAYERS,
        changes={
            "examples.0.figures": [
                {"span": span, "measure": "voucher_service_cost", "amount": amount, "subject": "e1"}
                for span, amount in (("2024Q1", "300000.00"), ("2025Q1", "600000.00"))
            ]
        },
    ),
    "within.caps[].per": Note("合并计算", "subject", _GROUP),
    "within.caps[].order": Note("使用先后", "by_name", _GROUP),
    "within.caps[].measured_on": Note("上限的计算对象", "pool", _MOVED),
    "within.caps[].capped": Note("受限方", "host", _MOVED),
    "within.caps[].excess_to": Note("超额归属", None, _MOVED),
    "within.floor": Note(
        "保底",
        None,
        _FLOOR,
        "A party's guaranteed minimum of a calendar year, made good by another party. Needs `whole_park`.",
    ),
    "within.floor.party": Note("受保方", "fund", _FLOOR, "Who is guaranteed the minimum."),
    "within.floor.from_party": Note("保底方", "origin", _FLOOR),
    "within.floor.yearly_amount": Note(
        "年度保底额", "6000000.00", _FLOOR, "The minimum of a calendar year, in the unit of the measures."
    ),
    "within.floor.window": Note("保底期限", None, _FLOOR),
    "within.floor.tested": Note("核算时点", "each_step", _FLOOR),
    "within.floor.shortfall": Note(
        "不足部分的处理",
        "waived",
        _FLOOR,
        changes={"examples.0.figures.0.amount": "1000000.00"},
    ),
    # --- then, rounding -----------------------------------------------------------------------------------
    "then.routing": Note(
        "划转", None, _REINVESTED, "A part of every booked share goes to a fund instead of to the party."
    ),
    "then.routing.to": Note("划入的基金", "host", _REINVESTED, "The role of the fund."),
    "then.routing.part": Note("划转比例", "1/2", _REINVESTED, "Which part of every share goes there."),
    "then.routing.window": Note("划转期限", None, _COMPANY),
    "then.provisional": Note("年内各季度", "accrue", _FLOOR),
    "then.paid_by": Note("付款方", "origin", _MOVED, changes={"then.paid_by": "host"}),
    "then.negative": Note("负数的处理", "refund", _MOVED),
    "then.netting": Note("可否轧差", False, _MOVED),
    "then.form": Note("结算方式", "direct", _MOVED, changes={"then.form": "year_end"}),
    "then.instalments": Note("分期付款", [], _MOVED, changes={"then.instalments": _INSTALMENTS}),
    "then.instalments[].due": Note("到期日", "06-15", _MOVED, changes={"then.instalments": _INSTALMENTS}),
    "then.instalments[].part": Note(
        "付款比例",
        "1/2",
        _MOVED,
        "Which part is due then; they add up to 1.",
        {"then.instalments": _INSTALMENTS},
    ),
    "then.interest": Note("逾期利息", [], _MOVED, changes={"then.interest": _INTEREST}),
    "then.interest[].starts": Note(
        "生效日期", "2026-01-01", _MOVED, "From this day on.", {"then.interest": _INTEREST}
    ),
    "then.interest[].monthly_rate": Note(
        "月利率", "1/100", _MOVED, "The simple rate of a month or part of one.", {"then.interest": _INTEREST}
    ),
    "rounding.grain": Note(
        "取整粒度",
        "line",
        _DOUBLE,
        "Where exact amounts become whole minor units.",
        {
            "examples.0.figures": [
                {"span": span, "measure": "retained_tax", "amount": "0.01", "subject": "e1"}
                for span in ("2024Q1", "2024Q2", "2024Q3")
            ]
        },
    ),
    "rounding.mode": Note("取整方法", "up", _DOUBLE, "How.", {"examples.0.figures.0.amount": "0.01"}),
    "rounding.remainder_to": Note(
        "余数归属",
        "origin",
        _DOUBLE,
        "Who takes what rounding the others leaves, so that the parts add up to the whole.",
        {"examples.0.figures.0.amount": "0.01"},
    ),
    # --- for example --------------------------------------------------------------------------------------
    "examples[].title.zh": Note("示例中文标题", "某示例", _MOVED, "What the example shows, in Chinese."),
    "examples[].title.en": Note("示例英文标题", "an example", _MOVED, "What the example shows, in English."),
    "examples[].occurrences": Note("协议事项及日期", {}, _FLOOR),
    "examples[].subjects": Note(
        "示例企业", {}, _MOVED, "Made-up enterprises by name, with the attributes that the clause looks at."
    ),
    "examples[].subjects.*.events": Note("企业事件", {}, _MOVED, "Event to its day."),
    "examples[].subjects.*.pre_move_tax": Note("搬迁前税收", {"2022": "21000000.00"}, _MOVED),
    "examples[].subjects.*.cause_of_move": Note("迁移原因", "market", _MOVED, "As the list would attest it."),
    "examples[].subjects.*.referred_by": Note("引荐方", "host", _ATTRACTED, "The role that referred it."),
    "examples[].subjects.*.attributes": Note(
        "属性", {"user_place": "济南"}, _PLACES, "Attribute to its value."
    ),
    "examples[].subjects.*.controller": Note("实际控制人", "乙集团", _GROUP),
    "examples[].subjects.*.base_year_amount": Note(
        "企业基数", "900000.00", _ATTRACTED, "Its own yearly base, with `base_of_enterprise`.", _OWN_BASE
    ),
    "examples[].figures": Note(
        "数据",
        [{"span": "2024Q1", "measure": "retained_tax", "amount": "5000000.00"}],
        _FLOOR,
        "What is reported.",
    ),
    "examples[].figures[].span": Note("所属期", "2024Q3", _FLOOR, "The quarter or month that it is about."),
    "examples[].figures[].measure": Note("指标", "pit", _RETAINED, "One that the clause adds or deducts."),
    "examples[].figures[].amount": Note(
        "数额", "3000000.00", _RETAINED, "In the measure's unit; may be negative."
    ),
    "examples[].figures[].subject": Note("企业", "e9", _MOVED),
    "examples[].expect": Note("应得结果", [], _RETAINED, "What every party must get."),
    "examples[].expect[].first": Note("起始季度", "2030Q1", _RETAINED, "The first quarter added up."),
    "examples[].expect[].last": Note("最后季度", "2020Q1", _RETAINED, "The last quarter added up."),
    "examples[].expect[].book": Note(
        "账簿", "official", _RETAINED, "`cash` for money; `official` or `assessment` for statistics."
    ),
    "examples[].expect[].party": Note("角色", "fund", _RETAINED, "Who must get it."),
    "examples[].expect[].amount": Note(
        "数额", "1.00", _RETAINED, "How much; the terms are refused otherwise."
    ),
    "examples[].expect[].routed": Note(
        "其中划入基金", "1.00", _REINVESTED, "How much of it goes to the fund; null: not tested.", _ROUTED
    ),
    **BUDGET_NOTES,
    **PROCEDURE_NOTES,
    **COMMITMENT_NOTES,
}
"""By the field's path in its clause, or in the document, with ``[]`` for an entry and ``*`` for a name."""
