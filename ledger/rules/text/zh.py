"""Articles in Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from ledger.measures import MEASURE_BY_NAME, YUAN
from ledger.money import Commodity, format_amount, format_wan, parse_amount, parse_share
from ledger.periods import Quarter, Span
from ledger.rules.choices import BUDGET_CHOICES, READINGS, TRANSITIONS
from ledger.rules.plain.case import commodity_of
from ledger.rules.terms import (
    Apportion,
    Book,
    Budget,
    Cap,
    Clause,
    Clock,
    Eligibility,
    Example,
    ExampleSubject,
    Expected,
    Extension,
    Floor,
    Parts,
    Recover,
    Retention,
    Routing,
    Scope,
    Shares,
    Smoothing,
    Surplus,
    Terms,
    Then,
    Window,
)
from ledger.rules.text.commitments import commitments_article
from ledger.rules.text.procedure import procedure_article
from ledger.rules.words import (
    CAUSE_NAMES,
    EVENT_NAMES,
    MECHANISM_NAMES,
    attribute_zh,
    chinese_number,
    exact_number,
    factor_zh,
    occurrence_zh,
    role_zh,
)

_BOOK_NAMES = {Book.CASH: "资金", Book.OFFICIAL: "在地统计数", Book.ASSESSMENT: "考核统计数"}


def agreement(terms: Terms, party_names: Mapping[str, str]) -> str:
    """The whole agreement with its parties, articles and worked examples."""
    first = Quarter.parse(terms.in_force_from).name_zh
    until = "" if terms.last_quarter is None else f"，至{Quarter.parse(terms.last_quarter).name_zh}止"
    head = [f"合作协议（{terms.agreement}）", ""]
    head += [f"{role_zh(role)}：{_party(code, party_names)}" for role, code in sorted(terms.roles.items())]
    head += ["", f"本协议条款自{first}起执行{until}。"]
    articles = [article(clause) for clause in terms.clauses]
    if terms.procedure is not None:
        articles.append(procedure_article(terms.procedure, "zh"))
    if terms.commitments:
        articles.append(commitments_article(terms.commitments, "zh"))
    closing = (
        f"{TRANSITIONS[terms.transition][0]}；修订前已开始的分享期、已累计的上限和取整余数连续计算。"
        f"（文本格式 {terms.format}，语义版本 {terms.semantics}）"
    )
    annexes = [_annex(clause) for clause in terms.clauses]
    return "\n\n".join(["\n".join(head), *articles, closing, *annexes]) + "\n"


def _party(code: str, party_names: Mapping[str, str]) -> str:
    return f"{party_names[code]}（{code}）" if code in party_names else code


def article(clause: Clause) -> str:
    """The article, paragraph by paragraph."""
    paragraphs = [f"{text}。" for text in ("；".join(part) for part in _paragraphs(clause)) if text]
    numbered = [f"（{chinese_number(index)}）{text}" for index, text in enumerate(paragraphs, start=1)]
    return "\n".join([f"第{chinese_number(clause.number)}条　{clause.title.zh}", *numbered])


def _paragraphs(clause: Clause) -> Iterator[list[str]]:
    yield list(_what(clause))
    yield list(_whose(clause))
    yield list(_when(clause))
    yield list(_how_much(clause))
    yield list(_to_whom(clause))
    yield list(_within(clause))
    yield list(_then(clause))
    yield list(_rounding(clause))


def _what(clause: Clause) -> Iterator[str]:
    what = clause.what
    yield f"本条为{MECHANISM_NAMES[what.mechanism][0]}，计算对象为{_measures(what.measures)}"
    if what.deduct:
        yield f"扣除{_measures(what.deduct)}"
    yield f"数据以{role_zh(what.reported_by)}的申报表为准"


def _measures(names: Sequence[str]) -> str:
    return "、".join(MEASURE_BY_NAME[name].name_zh for name in names)


def _whose(clause: Clause) -> Iterator[str]:
    if clause.whose.scope is Scope.WHOLE_PARK:
        yield "园区全部数据合并计算"
    else:
        yield "对各方共同确认的企业名单内的企业逐户计算"
    if clause.whose.eligibility is not None:
        conditions = list(_conditions(clause.whose.eligibility))
        yield f"企业须{'且'.join(conditions)}，方予分享" if conditions else "未设资格条件"


def _conditions(eligibility: Eligibility) -> Iterator[str]:
    if eligibility.pre_move_tax_average_at_least is not None:
        yield f"搬迁前各年平均税收不低于{_amount(eligibility.pre_move_tax_average_at_least, YUAN)}"
    if eligibility.cause_of_move is not None:
        yield f"其搬迁属{CAUSE_NAMES[eligibility.cause_of_move][0]}"
    if eligibility.referred_by is not None:
        yield f"由{role_zh(eligibility.referred_by)}引荐"
    if eligibility.attributes:
        yield _where(eligibility.attributes)


def _where(where: Mapping[str, Sequence[str]]) -> str:
    parts = (
        f"{attribute_zh(name)}为{'或'.join(f'“{value}”' for value in values)}"
        for name, values in where.items()
    )
    return "且".join(parts)


def _when(clause: Clause) -> Iterator[str]:
    yield READINGS["when.step"][clause.when.step][0]
    if clause.when.window is None:
        yield "在条款有效期内持续分享"
    else:
        yield f"分享期：{_window(clause.when.window)}"


def _window(window: Window) -> str:
    return "，".join(_window_parts(window))


def _window_parts(window: Window) -> Iterator[str]:
    yield _clock(window.clock)
    yield "不设期限" if window.length_months is None else f"为期{_months(window.length_months)}"
    if window.extension is not None:
        yield _extension(window.extension)
    if window.ends_at:
        yield f"企业{'或'.join(EVENT_NAMES[event][0] for event in window.ends_at)}之日起开始的各期不再分享"


def _clock(clock: Clock) -> str:
    offset = f"起满{_months(clock.offset_months)}之日" if clock.offset_months else ""
    begins = READINGS["when.window.clock.begins"][clock.begins][0]
    return f"以{_start(clock)}{offset}为起算日，{begins}"


def _start(clock: Clock) -> str:
    if clock.event is not None:
        return f"企业{EVENT_NAMES[clock.event][0]}之日"
    if clock.occurrence is not None:
        return f"“{occurrence_zh(clock.occurrence)}”之日"
    if clock.first_shared is not None:
        return "首次有余额可供分成的一期首日（此前不计期限）"
    return "" if clock.day is None else _day(clock.day)


def _extension(extension: Extension) -> str:
    correction = READINGS["when.window.extension.on_correction"][extension.on_correction][0]
    return f"期满时累计未达上限的延长{_months(extension.length_months)}，{correction}"


def _months(months: int) -> str:
    years, rest = divmod(months, 12)
    return f"{months}个月（{years}年）" if years and not rest else f"{months}个月"


def _how_much(clause: Clause) -> Iterator[str]:
    if not clause.how_much.retention:
        yield "各项数据全额计入基数"
    for row in clause.how_much.retention:
        yield _retention(row)
    named = {row.measure for row in clause.how_much.retention}
    whole = [name for name in (*clause.what.measures, *clause.what.deduct) if name not in named]
    if named and whole:
        yield f"{_measures(whole)}全额计入"
    for rate in clause.how_much.rates:
        whom = f"{_where(rate.where)}的" if rate.where else "其余对象"
        yield f"{whom}按基数的 {_share(rate.rate)} 计"
    if clause.how_much.surplus is not None:
        yield _surplus(clause.how_much.surplus, commodity_of(clause))
    if clause.how_much.recover is not None:
        yield _recover(clause.how_much.recover, commodity_of(clause))
    if clause.how_much.smoothing is not None:
        yield _smoothing(clause.how_much.smoothing)
    if clause.how_much.own_rates:
        yield _own_rates(clause.how_much.own_rates)


def _smoothing(smoothing: Smoothing) -> str:
    missing = READINGS["how_much.smoothing.missing_years"][smoothing.missing_years][0]
    return f"每年仅在年度最后一期分享，数额为当年及以前共{smoothing.years}年纳入分享数额的平均数，{missing}"


def _own_rates(own_rates: Mapping[str, str]) -> str:
    rates = "、".join(f"{role_zh(role)} {_share(text)}" for role, text in sorted(own_rates.items()))
    return f"纳入分享的数额先按各方份额划分，分别按各方税率（{rates}）计算后加总，再将总额按同一份额分配"


def _recover(recover: Recover, commodity: Commodity) -> str:
    inputs = "、".join(f"{_day(row.starts)}起{_amount(row.amount, commodity)}" for row in recover.inputs)
    gain = (
        "不计收益"
        if recover.yearly_return is None
        else f"按未收回投入以年收益率 {_share(recover.yearly_return)} 逐期计单利并舍去尾数"
    )
    return f"可分享部分先偿还{role_zh(recover.to)}的投入（{inputs}，{gain}），余额方予分成"


def _retention(row: Retention) -> str:
    tiers = "，".join(f"“{tier.name.zh}”环节留 {_share(tier.kept)}" for tier in row.tiers)
    return f"{MEASURE_BY_NAME[row.measure].name_zh}自{_day(row.starts)}起：{tiers}"


def _surplus(surplus: Surplus, commodity: Commodity) -> str:
    within_year = READINGS["how_much.surplus.within_year"][surplus.within_year][0]
    loss = READINGS["how_much.surplus.loss"][surplus.loss][0]
    return f"存量不变，仅分享超过{_base(surplus, commodity)}的增量，{within_year}，{loss}"


def _base(surplus: Surplus, commodity: Commodity) -> str:
    if surplus.base is not None:
        return f"年度基数{_amount(surplus.base, commodity)}"
    if surplus.base_by_quarter is not None:
        amounts = "、".join(_amount(text, commodity) for text in surplus.base_by_quarter)
        return f"基年四个季度基数（依次为{amounts}）"
    return "各企业基年数"


def _to_whom(clause: Clause) -> Iterator[str]:
    yield READINGS["to_whom.regime"][clause.to_whom.regime][0]
    for row in clause.to_whom.key:
        yield _shares(row)
    if clause.to_whom.bands is not None:
        yield READINGS["to_whom.bands.over"][clause.to_whom.bands.over][0]
        for band in clause.to_whom.bands.rows:
            yield f"超过{_amount(band.above, commodity_of(clause))}、不超过下一档的部分：{_parts(band)}"
    if clause.to_whom.apportion is not None:
        yield from _apportion(clause.to_whom.apportion)
    yield f"不在分享期内或不符合资格的，归{role_zh(clause.to_whom.otherwise)}"
    if clause.to_whom.in_place is not None:
        yield f"在地统计数全额归{role_zh(clause.to_whom.in_place)}，考核统计数不得对外公布"


def _shares(row: Shares) -> str:
    if row.after_months is not None:
        return f"自分享期首日起满{_months(row.after_months)}后：{_parts(row)}"
    return _parts(row) if row.starts is None else f"自{_day(row.starts)}起：{_parts(row)}"


def _parts(row: Parts) -> str:
    if row.weights is None:
        return "、".join(
            f"{role_zh(role)} {_share(text)}" for role, text in sorted((row.shares or {}).items())
        )
    weights = (f"{role_zh(role)} {exact_number(text)}" for role, text in sorted(row.weights.items()))
    return f"各方份额按权重占全部权重之比计算，权重为{'、'.join(weights)}"


def _apportion(apportion: Apportion) -> Iterator[str]:
    readings = READINGS["to_whom.apportion.factor_year"], READINGS["to_whom.apportion.zero_denominator"]
    weights = "、".join(
        f"{factor_zh(name)} {_share(text)}" for name, text in sorted(apportion.weights.items())
    )
    yield (
        f"{role_zh(apportion.share_of)}的份额由参与各方按因素分摊，权重为{weights}，"
        "各方比例为其各项因素占参与各方合计之比乘以权重后相加，无人参与的按分享期外处理"
    )
    yield readings[0][apportion.factor_year][0]
    yield readings[1][apportion.zero_denominator][0]
    if apportion.round_down_to is not None:
        yield f"因素数值先向下取整至 {exact_number(apportion.round_down_to)} 的整数倍"
    rounding = apportion.ratio_rounding
    if rounding is not None:
        mode = READINGS["rounding.mode"][rounding.mode][0]
        yield f"比例保留{rounding.places}位小数，{mode}，与一的差额归{role_zh(rounding.remainder_to)}的比例"
    for row in apportion.values:
        values = "、".join(
            f"{factor_zh(name)} {exact_number(text)}" for name, text in sorted(row.values.items())
        )
        yield f"{row.year}年{role_zh(row.role)}：{values}"
    for role, day in sorted(apportion.entries.items()):
        yield f"{role_zh(role)}自{_day(day)}起开始的各期参与分摊"
    for role, day in sorted(apportion.exits.items()):
        yield f"{role_zh(role)}自{_day(day)}起开始的各期不再参与分摊"


def _within(clause: Clause) -> Iterator[str]:
    if not clause.within.caps:
        yield "不设上限"
    for cap in clause.within.caps:
        yield _cap(cap, commodity_of(clause))
    if clause.within.budget is not None:
        yield _budget(clause.within.budget, commodity_of(clause))
    if clause.within.floor is not None:
        yield _floor(clause.within.floor, commodity_of(clause))


def _budget(budget: Budget, commodity: Commodity) -> str:
    each = {"quarter": "每季度", "year": "每年"}[budget.over]
    amounts = "、".join(
        f"自{_day(row.starts)}起{each}{_amount(row.amount, commodity)}" for row in budget.amounts
    )
    limited = "全部分享额" if budget.payer is None else f"{role_zh(budget.payer)}应承担的部分"
    choices = [READINGS[f"within.budget.{name}"][getattr(budget, name)][0] for name in BUDGET_CHOICES]
    excess = "不予分享" if budget.excess_to is None else f"归{role_zh(budget.excess_to)}"
    return f"各对象{limited}合计以预算为限，{amounts}，此前无预算，{'，'.join(choices)}，超出预算部分{excess}"


def _floor(floor: Floor, commodity: Commodity) -> str:
    term = "" if floor.window is None else f"，保底期：{_window(floor.window)}"
    tested = READINGS["within.floor.tested"][floor.tested][0]
    shortfall = READINGS["within.floor.shortfall"][floor.shortfall][0]
    return (
        f"{role_zh(floor.party)}每一公历年度所得不低于{_amount(floor.yearly_amount, commodity)}，"
        f"由{role_zh(floor.from_party)}保底，{tested}，{shortfall}{term}"
    )


def _cap(cap: Cap, commodity: Commodity) -> str:
    limit = "企业搬迁前各年税收之和" if cap.amount is None else _amount(cap.amount, commodity)
    subject = "" if cap.capped is None else f"（受限方：{role_zh(cap.capped)}）"
    choices = [READINGS[f"within.caps.{name}"][value][0] for name, value in _cap_choices(cap)]
    excess = "超过部分不予分享" if cap.excess_to is None else f"超过部分归{role_zh(cap.excess_to)}"
    return f"以{limit}为上限，{'，'.join(choices)}{subject}，{excess}"


def _cap_choices(cap: Cap) -> Iterator[tuple[str, str]]:
    for name in ("over", "unused", "per", "order", "measured_on"):
        value = getattr(cap, name)
        if value is not None:
            yield name, value


def _then(clause: Clause) -> Iterator[str]:
    then = clause.then
    if then.routing is not None:
        yield _routing(then.routing)
    yield from _payment(then)
    yield READINGS["then.provisional"][then.provisional][0]
    yield READINGS["then.negative"][then.negative][0]
    yield READINGS["then.netting"][str(then.netting).lower()][0]


def _payment(then: Then) -> Iterator[str]:
    if then.form is not None:
        yield READINGS["then.form"][then.form][0]
    if then.paid_by is not None:
        yield f"款项由{role_zh(then.paid_by)}掌握，并由其支付各方所得"
    if then.instalments:
        rows = "、".join(f"{row.due[:2]}月{row.due[3:]}日前付 {_share(row.part)}" for row in then.instalments)
        yield f"分期付款：{rows}，尾数计入末期"
    for rate in then.interest:
        yield f"自{_day(rate.starts)}起，逾期付款每满一月或不足一月按 {_share(rate.monthly_rate)} 计收单利"


def _routing(routing: Routing) -> str:
    term = "长期" if routing.window is None else f"在下列期限内（{_window(routing.window)}）"
    return f"各方所得记账后，{term}将其 {_share(routing.part)} 划转至{role_zh(routing.to)}"


def _rounding(clause: Clause) -> Iterator[str]:
    rounding = clause.rounding
    commodity = commodity_of(clause)
    unit = format_amount(1, commodity.scale)
    yield f"金额精确到 {unit} {commodity.unit_zh}，{READINGS['rounding.grain'][rounding.grain][0]}"
    yield f"取整方式为{READINGS['rounding.mode'][rounding.mode][0]}"
    yield f"取整余数归{role_zh(rounding.remainder_to)}"


def _amount(text: str, commodity: Commodity) -> str:
    amount_minor = parse_amount(text, commodity.scale)
    if commodity.unit_zh == YUAN.unit_zh:
        return f"{format_wan(amount_minor, commodity.scale)}万元"
    return f"{format_amount(amount_minor, commodity.scale, thousands=True)}{commodity.unit_zh}"


def _share(text: str) -> str:
    share = parse_share(text)
    percent = share * 100
    return f"{share}（{percent}%）" if percent.denominator == 1 else str(share)


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _annex(clause: Clause) -> str:
    heading = f"附：第{chinese_number(clause.number)}条算例"
    return "\n".join([heading, *(_example(clause, example) for example in clause.examples)])


def _example(clause: Clause, example: Example) -> str:
    commodity = commodity_of(clause)
    happened = [f"{_day(day)}“{occurrence_zh(name)}”" for name, day in example.occurrences.items()]
    subjects = [_example_subject(name, subject, commodity) for name, subject in example.subjects.items()]
    figures = "，".join(
        f"{_whose_figure(figure.subject)}{Span.parse(figure.span).name_zh}"
        f"{MEASURE_BY_NAME[figure.measure].name_zh}{_signed(figure.amount, commodity)}"
        for figure in example.figures
    )
    results = "，".join(
        f"{role_zh(expected.party)}{_term(expected)}得{_BOOK_NAMES[expected.book]}"
        f"{_signed(expected.amount, commodity)}"
        + ("" if expected.routed is None else f"（其中划转{_signed(expected.routed, commodity)}）")
        for expected in example.expect
    )
    return f"{example.title.zh}：已知{'；'.join([*happened, *subjects, figures])}。结果：{results}。"


def _term(expected: Expected) -> str:
    first, last = Quarter.parse(expected.first), Quarter.parse(expected.last)
    return first.name_zh if first == last else f"{first.name_zh}至{last.name_zh}"


def _whose_figure(subject: str | None) -> str:
    return "" if subject is None else f"企业{subject}的"


def _example_subject(name: str, subject: ExampleSubject, commodity: Commodity) -> str:
    return f"企业{name}（{'，'.join(_attributes(subject, commodity)) or '无特殊情况'}）"


def _attributes(subject: ExampleSubject, commodity: Commodity) -> Iterator[str]:
    for event, day in subject.events.items():
        yield f"{_day(day)}{EVENT_NAMES[event][0]}"
    for year, text in sorted(subject.pre_move_tax.items()):
        yield f"搬迁前{year}年税收{_amount(text, YUAN)}"
    if subject.cause_of_move is not None:
        yield f"搬迁属{CAUSE_NAMES[subject.cause_of_move][0]}"
    if subject.referred_by is not None:
        yield f"由{role_zh(subject.referred_by)}引荐"
    for name, value in subject.attributes.items():
        yield f"{attribute_zh(name)}为“{value}”"
    if subject.controller is not None:
        yield f"实际控制人{subject.controller}"
    if subject.base_year_amount is not None:
        yield f"基年数{_amount(subject.base_year_amount, commodity)}"


def _signed(text: str, commodity: Commodity) -> str:
    return f"负{_amount(text[1:], commodity)}" if text.startswith("-") else _amount(text, commodity)
