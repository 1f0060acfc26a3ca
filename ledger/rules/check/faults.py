"""What can be wrong with a document of terms: every code with its sentence in each language.

A sentence says what was expected, what came, and gives an example of how to write it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.money import AmountUnreadable, Commodity, format_amount, parse_amount
from ledger.rules.facts import Fault

SENTENCES: dict[str, tuple[str, str]] = {
    # --- the form -----------------------------------------------------------------------------------------
    "NOT_JSON": (
        (
            'The terms aren\'t JSON text: {detail}. Expected an object such as {{"format": '
            '"parkledger.terms/1", …}}.'
        ),
        '条款不是 JSON 文本：{detail}。应为对象，如 {{"format": "parkledger.terms/1", …}}。',
    ),
    "NAME_TWICE": (
        ("The name {name!r} stands twice in one object, so it isn't clear which value holds. Write it once."),
        "同一对象中名称 {name!r} 出现两次，无法确定以哪个值为准。请只写一次。",
    ),
    "MISSING": (
        "`{name}` is missing. Give {expected}, such as {example}.",
        "缺少 `{name}`。请填写{expected_zh}，例如 {example}。",
    ),
    "CHOICE_MISSING": (
        (
            "`{name}` is missing, and the rule can be read in more than one way. Say which: {readings_en}. "
            "For example {example}.{shown_en}"
        ),
        "缺少 `{name}`，而该规则有不止一种读法。请选择其一：{readings_zh}。例如 {example}。{shown_zh}",
    ),
    "CHOICE_UNKNOWN": (
        (
            "`{name}` is {got}, which isn't one of its readings. Say which: {readings_en}. For example "
            "{example}.{shown_en}"
        ),
        "`{name}` 为 {got}，不是可选的读法。请选择其一：{readings_zh}。例如 {example}。{shown_zh}",
    ),
    "CHOICE_ASKED": (
        "Which reading holds for `{name}`: {readings_en}? For example {example}.{shown_en}",
        "`{name}` 取哪种读法：{readings_zh}？例如 {example}。{shown_zh}",
    ),
    "VALUE_ASKED": (
        "What is `{name}`? Give {expected}, such as {example}.",
        "`{name}` 是什么？请填写{expected_zh}，例如 {example}。",
    ),
    "ANSWER_NOT_ASKED": (
        "The template doesn't ask for this, so it isn't answered. It asks for: {known}.",
        "模板未询问此项，不接受回答。模板询问：{known}。",
    ),
    "UNKNOWN_FIELD": (
        "`{name}` isn't a field of the terms here. Leave it out, or correct its name.",
        "此处没有名为 `{name}` 的字段。请删除或更正名称。",
    ),
    "VALUE_WRONG": (
        "`{name}` should be {expected}, such as {example}, but is {got}.",
        "`{name}` 应为{expected_zh}，例如 {example}，实际为 {got}。",
    ),
    "CLOCK_START": (
        (
            "A clock starts on a stated day, with an enterprise's event, with an occurrence of the agreement "
            "or when something is first left to share: give exactly one of `day`, `event`, `occurrence` and "
            '`first_shared`, such as "day": "2024-07-01".'
        ),
        (
            "起算时点为指定日期、企业事件、协议事项或首次有余额可供分成：`day`、`event`、`occurrence`、"
            '`first_shared` 只填其一，例如 "day": "2024-07-01"。'
        ),
    ),
    "SURPLUS_BASE": (
        (
            "A surplus is above exactly one base: `base`, `base_by_quarter` or `base_of_enterprise`, such as "
            '"base": "10000000.00".'
        ),
        (
            "增量须相对于唯一的基数：`base`、`base_by_quarter` 或 `base_of_enterprise` 只填其一，例如 "
            '"base": "10000000.00"。'
        ),
    ),
    "SURPLUS_QUARTERS": (
        '`base_by_quarter` goes with "within_year": "same_quarter", and only with it.',
        '`base_by_quarter` 只与 "within_year": "same_quarter" 同时使用，反之亦然。',
    ),
    "CAP_LIMIT": (
        ('A cap has exactly one limit: give `amount`, such as "72000000.00", or "pre_move_tax_total": true.'),
        '上限只填其一：`amount`（如 "72000000.00"）或 "pre_move_tax_total": true。',
    ),
    "CAP_UNUSED": (
        (
            "A yearly cap says what becomes of room that a year leaves unused, and only a yearly one: give "
            '"unused": "lapses" or "unused": "carries".'
        ),
        '年度上限（且仅年度上限）须写明未用额度如何处理："unused": "lapses" 或 "unused": "carries"。',
    ),
    "CAP_ORDER_MISSING": (
        (
            "A cap per controller says who uses the room first inside a step, and only such a cap: give "
            '"order": "by_subject".'
        ),
        '按实际控制人合并的上限（且仅此类上限）须写明同一期内的使用先后："order": "by_subject"。',
    ),
    "CAP_CAPPED": (
        (
            'A cap measured on receipts names whose: "capped": "origin". A cap measured on the pool names '
            "nobody."
        ),
        '按实际所得计算的上限须写明受限方（"capped": "origin"）；按分享总额计算的不写。',
    ),
    "KEY_PARTS": (
        (
            "A row of the key says either `shares` or `weights`: give one of them, such as "
            '"shares": {{"origin": "2/5", "host": "3/5"}}.'
        ),
        ('份额表每行只填 `shares` 或 `weights` 之一，例如 "shares": {{"origin": "2/5", "host": "3/5"}}。'),
    ),
    "KEY_OR_BANDS": (
        (
            "Shares stand either in `key` or, by amount, in `bands`: give one of them, such as "
            '"key": [{{"shares": {{"origin": "2/5", "host": "3/5"}}}}].'
        ),
        (
            "份额写在 `key` 中，或按金额分档写在 `bands` 中，二者只填其一，例如 "
            '"key": [{{"shares": {{"origin": "2/5", "host": "3/5"}}}}]。'
        ),
    ),
    "KEY_BEGINS": (
        (
            'A row of the key begins on a day or after a time: give `starts`, such as "2024-07-01", or '
            "`after_months`, such as 60, not both."
        ),
        '份额表每行只填 `starts`（如 "2024-07-01"）或 `after_months`（如 60）之一。',
    ),
    "KEY_WEIGHTLESS": (
        'All weights of the row are 0, so nobody has a share. Give one above 0, such as "origin": "120.5".',
        '本行权重均为 0，无法计算份额。请至少填写一个大于 0 的权重，例如 "origin": "120.5"。',
    ),
    # --- names and numbers --------------------------------------------------------------------------------
    "ROLE_UNDEFINED": (
        'The role {role!r} isn\'t defined. Add it to `roles`, such as "{role}": "P-001".',
        '角色 {role!r} 未定义。请在 `roles` 中加入，例如 "{role}": "P-001"。',
    ),
    "CLAUSE_NUMBER_TWICE": (
        "Clause number {number} is used twice. Give every clause a number of its own, such as {example}.",
        "条款编号 {number} 重复。请为每条使用不同编号，例如 {example}。",
    ),
    "ENDS_BEFORE_BEGIN": (
        "The last quarter {last} is before the first, {first}. Give a later one, such as {first}.",
        "最后季度 {last} 早于起始季度 {first}。请填写不早于起始季度的季度，例如 {first}。",
    ),
    "AMOUNT_PLACES": (
        (
            "Expected an amount in {unit_en} with at most {scale} decimal places and no signed zero, such as "
            "{example}, but got {got!r}."
        ),
        "应为以{unit_zh}计、最多 {scale} 位小数的金额（零不带负号），例如 {example}，实际为 {got!r}。",
    ),
    "DAY_OUT_OF_RANGE": (
        "The day {got} is outside the years 1949 to 2199. Give a day such as 2024-07-01.",
        "日期 {got} 不在 1949 年至 2199 年之间。请填写如 2024-07-01 的日期。",
    ),
    "TEXT_UNPRINTABLE": (
        (
            "The text {got!r} holds a line break, a control character or one of “ ”. Write it on one line "
            'without them, such as "local share".'
        ),
        '文字 {got!r} 含有换行、控制字符或引号“ ”。请写成一行且不含这些字符，例如 "地方留成"。',
    ),
    "SHARE_ABOVE_ONE": (
        "The part {got} is more than the whole. Give one between 0 and 1, such as 2/5.",
        "份额 {got} 大于 1。请填写 0 到 1 之间的份额，例如 2/5。",
    ),
    # --- what ---------------------------------------------------------------------------------------------
    "MEASURE_UNKNOWN": (
        (
            "No measure is called {measure!r}. The measures of this mechanism are: {known}. For example "
            "{example}."
        ),
        "没有名为 {measure!r} 的指标。本机制的指标有：{known}。例如 {example}。",
    ),
    "MEASURE_OF_OTHER_MECHANISM": (
        (
            "The measure {measure!r} doesn't belong here under {mechanism!r}. Use one of: {known}. For "
            "example {example}."
        ),
        "指标 {measure!r} 不能用于 {mechanism!r} 的此处。请使用：{known}。例如 {example}。",
    ),
    "MEASURE_TWICE": (
        "The measure {measure!r} is named more than once in `measures` and `deduct`. Name it once.",
        "指标 {measure!r} 在 `measures` 与 `deduct` 中重复出现。请只写一次。",
    ),
    "COMMODITIES_MIXED": (
        (
            "Measures of one clause are counted in one unit, but these are counted in {got}. Make a clause "
            "for each, such as one for {example}."
        ),
        "一条中的指标须使用同一计量单位，实际有 {got}。请分为多条，例如其一为 {example}。",
    ),
    "OUTPUT_ONE_MEASURE": (
        (
            "An output-value clause is about one measure, but {count} are named. Make a clause for each, "
            "such as one for {example}."
        ),
        "产值分计的一条只涉及一个指标，实际有 {count} 个。请分为多条，例如其一为 {example}。",
    ),
    "OUTPUT_WITHOUT": (
        (
            "An output-value clause has no `{name}`: statistics are counted whole, and no money moves. Leave "
            "it out."
        ),
        "产值分计条款不得有 `{name}`：统计数全额计算且不涉及资金。请删除。",
    ),
    "OUTPUT_IN_PLACE": (
        (
            "An output-value clause says whose the figure is in the official book. Give `in_place`, such as "
            '"host".'
        ),
        '产值分计条款须写明在地统计归属。请填写 `in_place`，例如 "host"。',
    ),
    "MONEY_IN_PLACE": (
        "A clause about money has no `in_place`, which is for statistics only. Leave it out.",
        "资金条款不得有仅用于统计的 `in_place`。请删除。",
    ),
    "MONEY_PROPORTIONAL": (
        'Money is divided, never counted twice: `regime` should be "proportional", but is {got!r}.',
        '资金只能按比例分成，不能重复计入：`regime` 应为 "proportional"，实际为 {got!r}。',
    ),
    "CLEARING_NOT_PLAIN": (
        (
            "Clause {number} is about what vouchers' claims decided, and `{name}` would change it. Expected "
            "voucher_borne_home or voucher_borne_partner of the whole park, by quarter, and nothing else."
        ),
        (
            "第{number}条针对创新券已核定的承担额，`{name}` 会改变该金额。应仅为全园区、按季度的 "
            "voucher_borne_home 或 voucher_borne_partner。"
        ),
    ),
    "CLEARING_MIXED": (
        (
            "Clearing makes the returns of {role}, so that the role can report vouchers only. Have "
            "another role report this clause's, or put it into another agreement."
        ),
        "{role} 的申报由创新券清算生成，该角色只能申报创新券数据。请改由其他角色申报，或另立协议。",
    ),
    # --- whose, when --------------------------------------------------------------------------------------
    "NEEDS_LISTED": (
        (
            '`{name}` is about single enterprises, so `whose.scope` should be "listed_enterprises", but it '
            'is "whole_park".'
        ),
        '`{name}` 针对单个企业，`whose.scope` 应为 "listed_enterprises"，实际为 "whole_park"。',
    ),
    "NEEDS_WHOLE_PARK": (
        (
            '`{name}` keeps one account for the park, so `whose.scope` should be "whole_park", but it is '
            '"listed_enterprises".'
        ),
        '`{name}` 以园区为单位核算，`whose.scope` 应为 "whole_park"，实际为 "listed_enterprises"。',
    ),
    "FIRST_SHARED_NEEDS_RECOVER": (
        (
            "A clock starts with the first step in which something is left to share only in `when.window` "
            'and only with `how_much.recover`. Add it, or give a `day`, such as "2024-07-01".'
        ),
        (
            "以首次有余额可供分成为起算点，仅用于 `when.window` 且须有 `how_much.recover`。请加入，或填写 "
            '`day`，例如 "2024-07-01"。'
        ),
    ),
    "ELIGIBILITY_EMPTY": (
        (
            'Eligibility names no condition. Give one, such as "cause_of_move": "government_led", or leave '
            "it out."
        ),
        '资格未写任何条件。请至少填写一项，例如 "cause_of_move": "government_led"，或删除。',
    ),
    "MONTHS_NOT_OF_QUARTERS": (
        (
            "`{name}` is {got} months, but a clause computed by quarter needs a multiple of 3, such as "
            "{example}."
        ),
        "`{name}` 为 {got} 个月；按季度计算的条款须为 3 的倍数，例如 {example}。",
    ),
    "EXTENSION_NEEDS": (
        (
            "An extension is decided when the window ends by whether the cap is reached, so it needs "
            "{missing}, such as {example}."
        ),
        "延期取决于分享期届满时是否达到上限，因此须有{missing}，例如 {example}。",
    ),
    "ROUTING_EXTENSION": (
        (
            "The window of a routing has no extension. Leave it out, or give a longer `length_months`, such "
            "as 60."
        ),
        "划转的期限不得延期。请删除，或加长 `length_months`，例如 60。",
    ),
    "INSTALMENTS_NOT_ONE": (
        "The parts of the instalments should add up to 1, such as 1/3, 1/3 and 1/3, but add up to {got}.",
        "各期付款比例之和应为 1（如 1/3、1/3、1/3），实际为 {got}。",
    ),
    "INSTALMENT_ORDER": (
        "Instalments should be in the order of their days, but {got} comes after {before}.",
        "分期付款须按日期先后排列，实际 {got} 排在 {before} 之后。",
    ),
    "INTEREST_ORDER": (
        "Rates of interest should be in date order, each on a later day, but {got} comes after {before}.",
        "逾期利率各行须按日期先后排列，实际 {got} 排在 {before} 之后。",
    ),
    "FUND_NEEDS_ROUTING": (
        (
            "Payment into a fund needs the fund: give `then.routing`, such as "
            '{{"to": "fund", "part": "1", "window": null}}, or another `form`.'
        ),
        (
            '划入基金须指明基金：请填写 `then.routing`，例如 {{"to": "fund", "part": "1", "window": null}}，'
            "或改用其他 `form`。"
        ),
    ),
    "FLOOR_EXTENSION": (
        "The window of a floor has no extension. Leave it out, or give a longer `length_months`, such as 60.",
        "保底的期限不得延期。请删除，或加长 `length_months`，例如 60。",
    ),
    "FLOOR_OF_ITSELF": (
        "A floor is made good by another party, but {role!r} is both. Name the guarantor as `from_party`.",
        "保底须由另一方补足，{role!r} 不能为自己保底。请在 `from_party` 填写另一方。",
    ),
    "ROUTING_NEEDS_SUBJECTS": (
        (
            "With rounding grain \"clause\" amounts aren't of single enterprises, so the routing's window "
            'can\'t depend on their events. Give a `day`, such as "2024-07-01", or another grain.'
        ),
        (
            '取整粒度为 "clause" 时金额不归属单个企业，划转期限不能依企业事件。请填写 `day`（如 '
            '"2024-07-01"）或改用其他粒度。'
        ),
    ),
    "TAX_BASE_NEEDS_RATES": (
        (
            "{measure!r} isn't a tax yet: it must stand alone in `what.measures`, and `how_much.own_rates` "
            'must give each party\'s rate, such as {{"head_office": "1/4", "branch_a": "3/20"}}.'
        ),
        (
            "{measure!r} 尚不是税款：`what.measures` 中须只有该指标，"
            '并在 `how_much.own_rates` 中写明各方税率，例如 {{"head_office": "1/4", "branch_a": "3/20"}}。'
        ),
    ),
    # --- how much, to whom, within ------------------------------------------------------------------------
    "RETENTION_ORDER": (
        (
            "Retention rows of {measure!r} should be in date order, each on a later day, but {got} comes "
            "after {before}."
        ),
        "指标 {measure!r} 的留成各行须按日期先后排列，实际 {got} 排在 {before} 之后。",
    ),
    "RECOVERY_EXCLUDES": (
        (
            "Recovering an input can't go with `{name}`, because the terms don't say which of them comes "
            "first. Leave one of them out."
        ),
        "先行回收投入不能与 `{name}` 同时使用，因条款未约定二者的先后。请删除其一。",
    ),
    "RETENTION_OF_OTHER_MEASURE": (
        (
            "Retention names {measure!r}, which the clause neither adds nor deducts. Use one of: {known}, "
            "such as {example}."
        ),
        "留成表中的 {measure!r} 不是本条的指标。请使用：{known}，例如 {example}。",
    ),
    "RATE_UNREACHABLE": (
        (
            "Row {row} of the rates has no `where`, so it holds for everybody and later rows never do. "
            'Put it last, or give it a condition, such as "where": {{"user_place": ["聊城"]}}.'
        ),
        (
            "分档比例第 {row} 行没有 `where`，对所有对象成立，其后各行永不适用。"
            '请移至最后，或填写条件，例如 "where": {{"user_place": ["聊城"]}}。'
        ),
    ),
    "INPUT_ORDER": (
        "Inputs to be recovered should be in date order, but {got} comes after {before}.",
        "待回收投入须按日期先后排列，实际 {got} 排在 {before} 之后。",
    ),
    "RATE_TOO_FINE": (
        "The rate {got} is too fine: its denominator should be at most {limit}, such as 87/2000 for 4.35%.",
        "比率 {got} 过细：分母不得超过 {limit}，例如 4.35% 写作 87/2000。",
    ),
    "SAME_QUARTER_BY_MONTH": (
        (
            "The same quarters of the base year can only be compared by quarter: `when.step` should be "
            '"quarter".'
        ),
        '与基年同期季度比较只能按季度计算：`when.step` 应为 "quarter"。',
    ),
    "SHARES_NOT_ONE": (
        "The shares of a row should add up to 1, such as 2/5 and 3/5, but add up to {got}.",
        "每行份额之和应为 1（如 2/5 与 3/5），实际为 {got}。",
    ),
    "SHARES_OF_REGIME": (
        "With regime {regime!r} {expected_en}, such as {example}, but the row is {got}.",
        "计入方式为 {regime!r} 时{expected_zh}，例如 {example}，实际为 {got}。",
    ),
    "KEY_ORDER": (
        (
            "Rows of shares should be in date order, and only the first may lack `starts`: row {row} doesn't "
            "follow. Give it a later day, such as 2024-07-01."
        ),
        (
            "份额各行须按日期先后排列，且仅首行可不写 `starts`：第 {row} 行不符。请填写更晚的日期，例如 "
            "2024-07-01。"
        ),
    ),
    "KEY_ORDER_ELAPSED": (
        (
            "Rows by elapsed time should be in order: row {row} should begin later than after {before} "
            'months. Give more, such as "after_months": 60.'
        ),
        (
            "按期满月数分段的各行须依次递增：第 {row} 行应晚于 {before} 个月。"
            '请填写更大的数，例如 "after_months": 60。'
        ),
    ),
    "KEY_MIXED": (
        (
            "A key is either by date or by elapsed time, but row {row} isn't like the others. Give every row "
            "after the first `after_months`, such as 60, and none `starts`."
        ),
        (
            "份额表只能全部按日期或全部按期满月数分段，第 {row} 行与其他行不同。首行之后每行填写 "
            "`after_months`（如 60），均不写 `starts`。"
        ),
    ),
    "KEY_BEFORE_FIRST_SHARED": (
        (
            "Rows by elapsed time can't count from the first step in which something is shared: before it "
            "no row would hold, so nothing could be shared. Let the clock start with a day, an event or an "
            "occurrence."
        ),
        "按起算月数分段的份额不能以首次分享为起点：此前没有适用的份额，分享无从开始。请改用日期、事件或先决条件起算。",
    ),
    "KEY_NEEDS_WINDOW": (
        (
            "Elapsed months are counted from the first day of the window, so the clause needs one. Give "
            '`when.window`, such as {{"clock": {{"event": "first_tax", "begins": "step_of_day"}}}}.'
        ),
        (
            "期满月数自分享期首日起算，本条须设分享期。请填写 `when.window`，例如 "
            '{{"clock": {{"event": "first_tax", "begins": "step_of_day"}}}}。'
        ),
    ),
    "APPORTION_PROPORTIONAL": (
        (
            'Factors divide a share, so `regime` should be "proportional", but it is {got!r}. '
            "Change it or leave `apportion` out."
        ),
        '因素分摊是对份额的划分，`regime` 应为 "proportional"，实际为 {got!r}。请更正或删除 `apportion`。',
    ),
    "APPORTION_NOT_IN_ROW": (
        (
            "The factors divide the share of {name!r}, which this row doesn't have. Add it, such as "
            '"{name}": "1/2".'
        ),
        '因素分摊的是 {name!r} 的份额，本行没有。请加入，例如 "{name}": "1/2"。',
    ),
    "APPORTION_OF_PARTY": (
        (
            "`share_of` names a share that is divided among parties, so {name!r} must not be a party itself. "
            'Use a name that `roles` doesn\'t have, such as "branches".'
        ),
        (
            "`share_of` 是待划分份额的名称，{name!r} 不得同时是参与方。"
            '请使用 `roles` 中没有的名称，例如 "branches"。'
        ),
    ),
    "FACTOR_WEIGHTS_NOT_ONE": (
        "The weights of the factors should add up to 1, such as 7/20, 7/20 and 3/10, but add up to {got}.",
        "各因素权重之和应为 1（如 7/20、7/20 与 3/10），实际为 {got}。",
    ),
    "FACTOR_UNIT_ZERO": (
        "Values are rounded down to multiples of an amount above 0, such as 1000. Give one or leave it out.",
        "数值向下取整的单位应大于 0，例如 1000。请更正或删除。",
    ),
    "FACTORS_DIFFER": (
        'A party\'s values should be of {expected}, but are of {got}. Write "0" for what it lacks.',
        '每行应填写以下因素的数值：{expected}，实际为 {got}。没有的填 "0"。',
    ),
    "FACTOR_ROW_TWICE": (
        "The factors of {role!r} for {year} are given twice. Leave one of the rows out.",
        "{role!r} 的 {year} 年因素重复填写。请删除其中一行。",
    ),
    "FACTOR_ROLE_UNKNOWN": (
        "{role!r} has no factors, so it can't take part. Use one of: {known}.",
        "{role!r} 没有因素数据，不参与分摊。可用的有：{known}。",
    ),
    "FACTOR_EXIT_ORDER": (
        "{role!r} leaves on {got}, which should be after the day on which it enters, {entry}.",
        "{role!r} 的退出日期 {got} 应晚于加入日期 {entry}。",
    ),
    "OWN_RATE_MISSING": (
        (
            "With own rates everybody with a share has a rate, but {role!r} has none. Add it, such as "
            '"{role}": "1/4".'
        ),
        '按各方税率计算时，有份额的各方均须写明税率，{role!r} 没有。请加入，例如 "{role}": "1/4"。',
    ),
    "BAND_FIRST": (
        'The lowest band is above "0" and takes everything below the next, but it is above {got!r}.',
        '最低一档应为 "0" 以上，包含下一档以下的全部数额，实际为 {got!r}。',
    ),
    "BAND_ORDER": (
        (
            "Bands should be in order of amount: {got!r} doesn't come after {before!r}. Give a larger "
            "amount, such as {example}."
        ),
        "各档须按金额递增：{got!r} 不大于 {before!r}。请填写更大的金额，例如 {example}。",
    ),
    "BANDS_EXCLUDE": (
        "Bands by amount can't go with `{name}`, which needs one share for all of it. Leave one of them out.",
        "按金额分档不能与 `{name}` 同时使用，因后者须有单一份额。请删除其一。",
    ),
    "CAPPED_NOT_IN_ROW": (
        (
            "The capped party {role!r} should be in every row of shares, but isn't in this one. Add it, such "
            'as "{role}": "0".'
        ),
        '受限方 {role!r} 须出现在每一行份额中，本行没有。请加入，例如 "{role}": "0"。',
    ),
    "CAP_ORDER": (
        (
            "Caps on the pool come before caps on receipts, because receipts are parts of what the pool "
            "leaves: cap {cap} doesn't follow. Move it up."
        ),
        "按分享总额的上限须排在按所得的上限之前：第 {cap} 项不符。请将其前移。",
    ),
    "BUDGET_EXCLUDES": (
        (
            "This budget can't go with `{name}`, because the terms wouldn't say which amount it limits. "
            "Leave one of them out, or limit one party's part by naming it as `payer`."
        ),
        (
            "此预算不能与 `{name}` 同时使用，因条款未约定其所限的是哪一数额。"
            "请删除其一，或在 `payer` 写明由哪一方的预算承担。"
        ),
    ),
    "BUDGET_ORDER": (
        "Amounts of a budget should be in date order, each on a later day, but {got} comes after {before}.",
        "预算各行须按日期先后排列，实际 {got} 排在 {before} 之后。",
    ),
    "CAP_OF_GROUP_CARRIES": (
        'Unused room of a cap per controller belongs to nobody, so it lapses: give "unused": "lapses".',
        '按实际控制人合并的上限，未用额度不归属任何企业，只能作废："unused": "lapses"。',
    ),
    "CAP_OF_GROUP_AMOUNT": (
        'A cap per controller has one limit for the group: give `amount`, such as "650000.00".',
        '按实际控制人合并的上限须有统一金额：请填写 `amount`，例如 "650000.00"。',
    ),
    "CAP_NOT_MONEY": (
        'Taxes before the move limit money, not a statistic. Give `amount` instead, such as "1000.00".',
        '搬迁前税收总额只能作为资金的上限，不能用于统计数。请改填 `amount`，例如 "1000.00"。',
    ),
    "GRAIN_LINE_EXCLUDES": (
        (
            "Rounding line by line can't go with `{name}`, which looks at many lines together. Use another "
            'grain, such as "subject".'
        ),
        '逐笔取整不能与 `{name}` 同时使用，因其须汇总多笔。请改用其他粒度，例如 "subject"。',
    ),
    "DENOMINATOR_TOO_LARGE": (
        (
            "The exact amounts of the clause need a common denominator of {got}, but at most {limit} is "
            "kept. Use simpler shares, such as 2/5, or weights rounded to whole "
            "numbers whose sum is below the limit."
        ),
        (
            "本条精确金额的公分母为 {got}，超过上限 {limit}。请使用更简单的份额，例如 2/5，"
            "或取整后合计不超过上限的权重。"
        ),
    ),
    # --- examples -----------------------------------------------------------------------------------------
    "EXAMPLE_SUBJECT_UNKNOWN": (
        (
            "The figure is of {got!r}, which the example's `subjects` don't name. Add it, such as \"{got}\": "
            "{{}}."
        ),
        '该数据属于 {got!r}，但示例的 `subjects` 中没有。请加入，例如 "{got}": {{}}。',
    ),
    "EXAMPLE_SPAN": (
        "The clause is computed by month, but the figure is of {got}. Give months, such as 2024-07.",
        "本条按月计算，但该数据为 {got}。请按月填写，例如 2024-07。",
    ),
    "EXAMPLE_YEAR": (
        'Taxes before the move are by year, such as "2023", but {got!r} isn\'t a year.',
        '搬迁前税收须按年份填写（如 "2023"），{got!r} 不是年份。',
    ),
    "EXAMPLE_ORDER": (
        "The expectation's last quarter {last} is before its first, {first}.",
        "示例期望的最后季度 {last} 早于起始季度 {first}。",
    ),
    "EXAMPLE_TOO_LONG": (
        "The worked example goes over {got} quarters; at most {limit} are computed. Use nearer quarters.",
        "示例跨越 {got} 个季度，最多计算 {limit} 个。请使用相近的季度。",
    ),
    "EXAMPLE_FACTORS": (
        (
            "The worked example divides by the factors of {year}, which clause {clause} doesn't have. Add "
            "them to `values`, or use other quarters."
        ),
        "示例需用 {year} 年的因素，但第 {clause} 条没有该年数据。请在 `values` 中补充，或改用其他季度。",
    ),
    "EXAMPLE_FAILS": (
        (
            "The worked example says that {party} gets {expected}, but by the clause it gets {got}. Correct "
            "the clause or the example."
        ),
        "示例写明 {party} 得 {expected}，但按本条计算为 {got}。请更正条款或示例。",
    ),
    "EXAMPLE_ROUTING_FAILS": (
        (
            "The worked example says that {expected} of what {party} gets is routed to the fund, but by the "
            "clause {got} is. Correct the clause or the example."
        ),
        "示例写明 {party} 所得中 {expected} 划转至基金，但按本条计算为 {got}。请更正条款或示例。",
    ),
    # --- amendments ---------------------------------------------------------------------------------------
    "AMENDMENT_EARLIER": (
        (
            "The amended terms are in force from {got}, before the earlier version's {earlier}. Give a "
            "quarter such as {earlier} or later."
        ),
        "修订后的条款自 {got} 起执行，早于前一版本的 {earlier}。请填写不早于 {earlier} 的季度。",
    ),
    "AMENDMENT_CHANGES": (
        (
            "Clause {number} keeps its `{name}` through all versions: expected {earlier!r}, got {got!r}. End "
            "it and add a clause with a new number instead."
        ),
        (
            "第 {number} 条的 `{name}` 在各版本中不得改变：应为 {earlier!r}，实际为 {got!r}。"
            "请终止该条并以新编号增加条款。"
        ),
    ),
    "AMENDMENT_CHANGES_CAPS": (
        (
            "Clause {number} keeps the caps of the earlier version in their order, with `measured_on`, "
            "`capped`, `over` and `per`, because their use is counted on. Change amounts, or add and "
            "drop caps at the end."
        ),
        (
            "第 {number} 条须按原顺序保留前一版本的各项上限及其 `measured_on`、`capped`、`over`、`per`，"
            "因其已用额度连续计算。可修改金额，或在末尾增减上限。"
        ),
    ),
    "AMENDMENT_CHANGES_BUDGET": (
        (
            "Clause {number} keeps the budget's `payer`, `over` and `applied` through all versions, because "
            "the draws on it are counted on. Change its amounts, or leave the budget out."
        ),
        (
            "第 {number} 条的预算在各版本中须保持 `payer`、`over`、`applied` 不变，"
            "因其已用额度连续计算。可修改金额，或删除预算。"
        ),
    ),
    "TRANSITION_CHANGES": (
        (
            "Where open windows keep their terms, both wordings of clause {number} are computed at once, so "
            "`{name}` must not change like this: keep the reporter and the fund, and drop no cap, budget or "
            'year of an average. Or give "transition": "by_step".'
        ),
        (
            "开放中的分享期沿用原条款时，第 {number} 条的新旧文本同时计算，`{name}` 不得作此改变："
            "须保留申报方和划转基金，不得删除上限、预算或减少平均年数。"
            '或改为 "transition": "by_step"。'
        ),
    ),
    "TRANSITION_JOINT": (
        (
            "Where open windows keep their terms, enterprises of clause {number} can be under different "
            'wordings, which `{name}` would add up. Use another `{name}`, or give "transition": "by_step".'
        ),
        (
            "开放中的分享期沿用原条款时，第 {number} 条的企业可能适用不同文本，而 `{name}` 将其合并计算。"
            '请改用其他 `{name}`，或改为 "transition": "by_step"。'
        ),
    ),
    "AMENDMENT_LOSES_ROLE": (
        (
            "Clause {number} credited {role!r} in the earlier version and must go on naming it among the "
            'shares; give it share 0 if it gets nothing more, such as "{role}": "0".'
        ),
        (
            "第 {number} 条在前一版本中曾计入 {role!r}，须继续列于份额中；如不再分得，份额写 0，例如 "
            '"{role}": "0"。'
        ),
    ),
    "AMENDMENT_OTHER_AGREEMENT": (
        "The terms are of agreement {got!r}, but amend those of {earlier!r}.",
        "本条款属于协议 {got!r}，而所修订的是 {earlier!r}。",
    ),
    # --- the procedure ------------------------------------------------------------------------------------
    "ROLE_TWICE": (
        "`{role}` stands twice in this list. Name it once.",
        "`{role}` 在此列出两次。请只列一次。",
    ),
    "COMPARED_WITH_ITSELF": (
        "The return of `{role}` is to be compared with itself. Name the other side's role.",
        "`{role}` 的申报表被要求与自身核对。请填写对方的角色。",
    ),
    "TOLERANCE_OF_UNKNOWN": (
        "No measure is called {measure!r}. The measures are: {known}.",
        "没有名为 {measure!r} 的指标。可用的指标有：{known}。",
    ),
    "SEALED_WITHOUT_CALENDAR": (
        (
            "Sealed figures open at the day for submitting at the latest, but there is no calendar. Add "
            '"calendar": {{"submit_days": 15, …}}.'
        ),
        '密封申报最迟在申报期满时公开，但未约定日历。请补充 "calendar": {{"submit_days": 15, …}}。',
    ),
    "CALENDAR_BACKWARDS": (
        (
            "`{later}` is {later_days} days, before `{earlier}` ({days} days), which it follows. Give at "
            "least {days}."
        ),
        "`{later}` 为 {later_days} 天，早于其前一步骤 `{earlier}`（{days} 天）。请填写不少于 {days} 的天数。",
    ),
    # --- commitments --------------------------------------------------------------------------------------
    "COMMITMENT_TWICE": (
        "Two commitments are called `{commitment}`. Give each its own code.",
        "有两项承诺都叫 `{commitment}`。请为每项承诺使用不同的代号。",
    ),
    "LEVELS_OF_OTHER_KIND": (
        "Equal levels belong to a commitment of the kind talent_standard, but this one is {kind}.",
        "等级对应表只用于 talent_standard 类承诺，而此项为 {kind}。",
    ),
    "LEVEL_WITHOUT_EQUAL": (
        "Expected the levels of at least two roles, but only {listed} has one.",
        "应填写至少两个角色的等级，实际仅有 {listed}。",
    ),
}


def fault(path: str, code: str, **fields: object) -> Fault:
    """The fault ``code`` at the JSON ``path``, its sentences filled in with ``fields``."""
    sentence_en, sentence_zh = SENTENCES[code]
    return Fault(path, code, sentence_en.format(**fields), sentence_zh.format(**fields))


def amount_faults(path: str, text: str, commodity: Commodity) -> Iterator[Fault]:
    """An amount that isn't one of the commodity, with its places."""
    try:
        parse_amount(text, commodity.scale)
    except AmountUnreadable:
        yield fault(
            path,
            "AMOUNT_PLACES",
            got=text,
            unit_en=commodity.unit_en,
            unit_zh=commodity.unit_zh,
            scale=commodity.scale,
            example=format_amount(10 ** (commodity.scale + 3), commodity.scale),
        )
