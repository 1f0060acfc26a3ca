"""Articles in English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from ledger.measures import MEASURE_BY_NAME, YUAN
from ledger.money import Commodity, format_amount, parse_amount, parse_share
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
    attribute_en,
    exact_number,
    factor_en,
    occurrence_en,
    role_en,
)

_BOOK_NAMES = {Book.CASH: "in money", Book.OFFICIAL: "in place", Book.ASSESSMENT: "for assessment"}


def agreement(terms: Terms, party_names: Mapping[str, str]) -> str:
    """The whole agreement with its parties, articles and worked examples."""
    until = "" if terms.last_quarter is None else f" to {terms.last_quarter}"
    head = [f"Cooperation agreement ({terms.agreement})", ""]
    for role, code in sorted(terms.roles.items()):
        head.append(f"{_capital(role_en(role))}: {_party(code, party_names)}")
    head += ["", f"These terms are in force from {terms.in_force_from}{until}."]
    articles = [article(clause) for clause in terms.clauses]
    if terms.procedure is not None:
        articles.append(procedure_article(terms.procedure, "en"))
    if terms.commitments:
        articles.append(commitments_article(terms.commitments, "en"))
    closing = (
        f"{_capital(TRANSITIONS[terms.transition][1])}; windows that are open, caps and rounding go on."
        f" (Format {terms.format}, semantics {terms.semantics}.)"
    )
    annexes = [_annex(clause) for clause in terms.clauses]
    return "\n\n".join(["\n".join(head), *articles, closing, *annexes]) + "\n"


def _party(code: str, party_names: Mapping[str, str]) -> str:
    return f"{party_names[code]} ({code})" if code in party_names else code


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def article(clause: Clause) -> str:
    """The article, paragraph by paragraph."""
    paragraphs = [_capital("; ".join(part)) + "." for part in _paragraphs(clause)]
    numbered = [f"({index}) {text}" for index, text in enumerate(paragraphs, start=1)]
    return "\n".join([f"Article {clause.number}. {clause.title.en}", *numbered])


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
    yield f"this article is about {MECHANISM_NAMES[what.mechanism][1]} of {_measures(what.measures)}"
    if what.deduct:
        yield f"{_measures(what.deduct)} are deducted"
    yield f"the figures of record are those of the return of {role_en(what.reported_by)}"


def _measures(names: Sequence[str]) -> str:
    return _list([MEASURE_BY_NAME[name].name_en for name in names])


def _list(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _whose(clause: Clause) -> Iterator[str]:
    if clause.whose.scope is Scope.WHOLE_PARK:
        yield "the figures of the whole park are taken together"
    else:
        yield "each enterprise on the list that the parties have confirmed is computed by itself"
    if clause.whose.eligibility is not None:
        conditions = list(_conditions(clause.whose.eligibility))
        yield f"only enterprises take part {_list(conditions)}" if conditions else "no condition is set"


def _conditions(eligibility: Eligibility) -> Iterator[str]:
    if eligibility.pre_move_tax_average_at_least is not None:
        amount = _amount(eligibility.pre_move_tax_average_at_least, YUAN)
        yield f"whose taxes before the move were at least {amount} a year on average"
    if eligibility.cause_of_move is not None:
        yield f"whose move was {CAUSE_NAMES[eligibility.cause_of_move][1]}"
    if eligibility.referred_by is not None:
        yield f"which were referred by {role_en(eligibility.referred_by)}"
    if eligibility.attributes:
        yield f"of which {_where(eligibility.attributes)}"


def _where(where: Mapping[str, Sequence[str]]) -> str:
    parts = (
        f"{attribute_en(name)} is {' or '.join(f'“{value}”' for value in values)}"
        for name, values in where.items()
    )
    return " and ".join(parts)


def _when(clause: Clause) -> Iterator[str]:
    yield READINGS["when.step"][clause.when.step][1]
    if clause.when.window is None:
        yield "figures are shared as long as the terms are in force"
    else:
        yield f"figures are shared in a window: {_window(clause.when.window)}"


def _window(window: Window) -> str:
    return ", ".join(_window_parts(window))


def _window_parts(window: Window) -> Iterator[str]:
    yield _clock(window.clock)
    yield "without end" if window.length_months is None else f"for {_months(window.length_months)}"
    if window.extension is not None:
        yield _extension(window.extension)
    if window.ends_at:
        events = " or ".join(EVENT_NAMES[event][1] for event in window.ends_at)
        yield f"leaving out steps that begin on or after the day of the enterprise's {events}"


def _clock(clock: Clock) -> str:
    offset = f"{_months(clock.offset_months)} after " if clock.offset_months else ""
    begins = READINGS["when.window.clock.begins"][clock.begins][1]
    return f"the clock starts {offset}on {_start(clock)}, {begins}"


def _start(clock: Clock) -> str:
    if clock.event is not None:
        return f"the day of the enterprise's {EVENT_NAMES[clock.event][1]}"
    if clock.occurrence is not None:
        return f"the day of “{occurrence_en(clock.occurrence)}”"
    if clock.first_shared is not None:
        return "the first day of the first step in which something is left to share (not closing before)"
    return "" if clock.day is None else _day(clock.day)


def _extension(extension: Extension) -> str:
    correction = READINGS["when.window.extension.on_correction"][extension.on_correction][1]
    length = _months(extension.length_months)
    return f"and for {length} more if the cap isn't reached at its end ({correction})"


def _months(months: int) -> str:
    years, rest = divmod(months, 12)
    unit = "month" if months == 1 else "months"
    years_unit = "year" if years == 1 else "years"
    return f"{months} {unit} ({years} {years_unit})" if years and not rest else f"{months} {unit}"


def _how_much(clause: Clause) -> Iterator[str]:
    if not clause.how_much.retention:
        yield "every figure counts whole"
    for row in clause.how_much.retention:
        yield _retention(row)
    named = {row.measure for row in clause.how_much.retention}
    whole = [name for name in (*clause.what.measures, *clause.what.deduct) if name not in named]
    if named and whole:
        yield f"{_measures(whole)} count whole"
    for rate in clause.how_much.rates:
        whom = f"where {_where(rate.where)}" if rate.where else "for all others"
        yield f"{whom} {_share(rate.rate)} of the base counts"
    if clause.how_much.surplus is not None:
        yield _surplus(clause.how_much.surplus, commodity_of(clause))
    if clause.how_much.recover is not None:
        yield _recover(clause.how_much.recover, commodity_of(clause))
    if clause.how_much.smoothing is not None:
        yield _smoothing(clause.how_much.smoothing)
    if clause.how_much.own_rates:
        yield _own_rates(clause.how_much.own_rates)


def _smoothing(smoothing: Smoothing) -> str:
    missing = READINGS["how_much.smoothing.missing_years"][smoothing.missing_years][1]
    return (
        "figures are shared only with the last step of each year, as the average of what that year and the "
        f"years before it gave, {smoothing.years} years in all; {missing}"
    )


def _own_rates(own_rates: Mapping[str, str]) -> str:
    rates = _list([f"{role_en(role)} {_share(text)}" for role, text in sorted(own_rates.items())])
    return (
        "what is shared is first divided by the shares and each part taken at its party's own rate "
        f"({rates}), and the sum is then divided by the same shares"
    )


def _recover(recover: Recover, commodity: Commodity) -> str:
    inputs = _list([f"{_amount(row.amount, commodity)} from {_day(row.starts)}" for row in recover.inputs])
    gain = (
        "without a return"
        if recover.yearly_return is None
        else f"with a simple return of {_share(recover.yearly_return)} a year on what isn't recovered yet, "
        "rounded down in every step"
    )
    return (
        f"what is shared first repays the input of {role_en(recover.to)} ({inputs}, {gain}), "
        "and only the rest is divided"
    )


def _retention(row: Retention) -> str:
    tiers = ", ".join(f"{_share(tier.kept)} is kept at “{tier.name.en}”" for tier in row.tiers)
    return f"of {MEASURE_BY_NAME[row.measure].name_en} from {_day(row.starts)}: {tiers}"


def _surplus(surplus: Surplus, commodity: Commodity) -> str:
    within_year = READINGS["how_much.surplus.within_year"][surplus.within_year][1]
    loss = READINGS["how_much.surplus.loss"][surplus.loss][1]
    base = _base(surplus, commodity)
    return f"the stock stays where it was and only what exceeds {base} is shared ({within_year}; {loss})"


def _base(surplus: Surplus, commodity: Commodity) -> str:
    if surplus.base is not None:
        return f"the yearly base of {_amount(surplus.base, commodity)}"
    if surplus.base_by_quarter is not None:
        amounts = _list([_amount(text, commodity) for text in surplus.base_by_quarter])
        return f"the base year's quarters of {amounts} in turn"
    return "each enterprise's own base-year figure"


def _to_whom(clause: Clause) -> Iterator[str]:
    yield f"what is shared is {READINGS['to_whom.regime'][clause.to_whom.regime][1]}"
    for row in clause.to_whom.key:
        yield _shares(row)
    if clause.to_whom.bands is not None:
        yield READINGS["to_whom.bands.over"][clause.to_whom.bands.over][1]
        for band in clause.to_whom.bands.rows:
            above = _amount(band.above, commodity_of(clause))
            yield f"of what is above {above}, up to the next: {_parts(band)}"
    if clause.to_whom.apportion is not None:
        yield from _apportion(clause.to_whom.apportion)
    yield f"what is outside the window or of an enterprise that isn't eligible goes to {_otherwise(clause)}"
    if clause.to_whom.in_place is not None:
        in_place = role_en(clause.to_whom.in_place)
        yield f"official statistics count the whole in place, for {in_place}"
        yield "assessment figures aren't published"


def _otherwise(clause: Clause) -> str:
    return role_en(clause.to_whom.otherwise)


def _shares(row: Shares) -> str:
    if row.after_months is not None:
        return f"from {_months(row.after_months)} after the window's first day on: {_parts(row)}"
    return _parts(row) if row.starts is None else f"from {_day(row.starts)}: {_parts(row)}"


def _parts(row: Parts) -> str:
    if row.weights is None:
        return _list([f"{role_en(role)} {_share(text)}" for role, text in sorted((row.shares or {}).items())])
    weights = _list([f"{role_en(role)} {exact_number(text)}" for role, text in sorted(row.weights.items())])
    return f"each share is a party's weight over the sum of all weights, the weights being {weights}"


def _apportion(apportion: Apportion) -> Iterator[str]:
    readings = READINGS["to_whom.apportion.factor_year"], READINGS["to_whom.apportion.zero_denominator"]
    weights = _list([f"{factor_en(name)} {_share(text)}" for name, text in sorted(apportion.weights.items())])
    yield (
        f"the share of {role_en(apportion.share_of)} is divided among those who take part, by factors with "
        f"the weights {weights}: each one's ratio is the sum of its part of every factor times the weight, "
        "and where nobody takes part the share is treated as outside the window"
    )
    yield readings[0][apportion.factor_year][1]
    yield readings[1][apportion.zero_denominator][1]
    if apportion.round_down_to is not None:
        yield f"values are first rounded down to multiples of {exact_number(apportion.round_down_to)}"
    rounding = apportion.ratio_rounding
    if rounding is not None:
        mode = READINGS["rounding.mode"][rounding.mode][1]
        yield (
            f"ratios have {rounding.places} decimal places, {mode}, and what is missing to 1 goes to the "
            f"ratio of {role_en(rounding.remainder_to)}"
        )
    for row in apportion.values:
        values = _list(
            [f"{factor_en(name)} {exact_number(text)}" for name, text in sorted(row.values.items())]
        )
        yield f"{role_en(row.role)} in {row.year}: {values}"
    for role, day in sorted(apportion.entries.items()):
        yield f"{role_en(role)} takes part in steps that begin on or after {_day(day)}"
    for role, day in sorted(apportion.exits.items()):
        yield f"{role_en(role)} takes no part in steps that begin on or after {_day(day)}"


def _within(clause: Clause) -> Iterator[str]:
    if not clause.within.caps:
        yield "there is no cap"
    for cap in clause.within.caps:
        yield _cap(cap, commodity_of(clause))
    if clause.within.budget is not None:
        yield _budget(clause.within.budget, commodity_of(clause))
    if clause.within.floor is not None:
        yield _floor(clause.within.floor, commodity_of(clause))


def _budget(budget: Budget, commodity: Commodity) -> str:
    amounts = _list([f"{_amount(row.amount, commodity)} from {_day(row.starts)}" for row in budget.amounts])
    limited = "what is shared" if budget.payer is None else f"the part of {role_en(budget.payer)}"
    choices = [READINGS[f"within.budget.{name}"][getattr(budget, name)][1] for name in BUDGET_CHOICES]
    excess = "isn't granted" if budget.excess_to is None else f"goes to {role_en(budget.excess_to)}"
    return (
        f"for {limited} of all subjects together there is a budget of {amounts}, and nothing before: "
        f"{', '.join(choices)}; what exceeds the budget {excess}"
    )


def _floor(floor: Floor, commodity: Commodity) -> str:
    term = "" if floor.window is None else f" (in a window: {_window(floor.window)})"
    tested = READINGS["within.floor.tested"][floor.tested][1]
    shortfall = READINGS["within.floor.shortfall"][floor.shortfall][1]
    return (
        f"{role_en(floor.party)} gets at least {_amount(floor.yearly_amount, commodity)} in a calendar year, "
        f"guaranteed by {role_en(floor.from_party)}{term}; {tested}; {shortfall}"
    )


def _cap(cap: Cap, commodity: Commodity) -> str:
    limit = (
        "the taxes of the years before the move added up"
        if cap.amount is None
        else _amount(cap.amount, commodity)
    )
    capped = "" if cap.capped is None else f" (the capped party is {role_en(cap.capped)})"
    choices = [READINGS[f"within.caps.{name}"][value][1] for name, value in _cap_choices(cap)]
    return f"there is a cap of {limit}: {', '.join(choices)}{capped}; {_excess(cap)}"


def _cap_choices(cap: Cap) -> Iterator[tuple[str, str]]:
    for name in ("over", "unused", "per", "order", "measured_on"):
        value = getattr(cap, name)
        if value is not None:
            yield name, value


def _excess(cap: Cap) -> str:
    if cap.excess_to is None:
        return "the excess isn't granted"
    return f"the excess goes to {role_en(cap.excess_to)}"


def _then(clause: Clause) -> Iterator[str]:
    then = clause.then
    if then.routing is not None:
        yield _routing(then.routing)
    yield from _payment(then)
    yield READINGS["then.provisional"][then.provisional][1]
    yield READINGS["then.negative"][then.negative][1]
    yield f"amounts due {READINGS['then.netting'][str(then.netting).lower()][1]}"


def _payment(then: Then) -> Iterator[str]:
    if then.form is not None:
        yield f"a settlement is {READINGS['then.form'][then.form][1]}"
    if then.paid_by is not None:
        yield f"the money is held by {role_en(then.paid_by)}, who pays the others their shares"
    if then.instalments:
        rows = _list([f"{_share(row.part)} by {row.due}" for row in then.instalments])
        yield f"what is due is paid in instalments: {rows}, the last one with the remainder"
    for rate in then.interest:
        share = _share(rate.monthly_rate)
        yield f"from {_day(rate.starts)} a late payment bears {share} for every month or part of a month"


def _routing(routing: Routing) -> str:
    term = "always" if routing.window is None else f"in a window ({_window(routing.window)})"
    return f"once booked, {_share(routing.part)} of each party's amount goes to {role_en(routing.to)}, {term}"


def _rounding(clause: Clause) -> Iterator[str]:
    rounding, commodity = clause.rounding, commodity_of(clause)
    unit = format_amount(1, commodity.scale)
    grain = READINGS["rounding.grain"][rounding.grain][1]
    yield f"amounts are whole multiples of {unit} {commodity.unit_en}, {grain}"
    yield READINGS["rounding.mode"][rounding.mode][1]
    yield f"the remainder goes to {role_en(rounding.remainder_to)}"


def _amount(text: str, commodity: Commodity) -> str:
    amount = format_amount(parse_amount(text, commodity.scale), commodity.scale, thousands=True)
    return f"{amount} {commodity.unit_en}"


def _share(text: str) -> str:
    share = parse_share(text)
    percent = share * 100
    return f"{share} ({percent}%)" if percent.denominator == 1 else str(share)


def _day(day: date) -> str:
    return day.isoformat()


def _annex(clause: Clause) -> str:
    heading = f"Annex: worked examples of article {clause.number}"
    return "\n".join([heading, *(_example(clause, example) for example in clause.examples)])


def _example(clause: Clause, example: Example) -> str:
    commodity = commodity_of(clause)
    happened = [f"“{occurrence_en(name)}” on {_day(day)}" for name, day in example.occurrences.items()]
    subjects = [_example_subject(name, subject, commodity) for name, subject in example.subjects.items()]
    figures = "; ".join(
        f"{_whose_figure(figure.subject)}{MEASURE_BY_NAME[figure.measure].name_en} {figure.span} "
        f"{_amount(figure.amount, commodity)}"
        for figure in example.figures
    )
    results = "; ".join(
        f"{role_en(expected.party)} gets {_amount(expected.amount, commodity)} {_BOOK_NAMES[expected.book]} "
        f"from {expected.first} to {expected.last}"
        + ("" if expected.routed is None else f", of which {_amount(expected.routed, commodity)} is routed")
        for expected in example.expect
    )
    return f"{example.title.en}: given {'; '.join([*happened, *subjects, figures])}: {results}."


def _whose_figure(subject: str | None) -> str:
    return "" if subject is None else f"{subject}'s "


def _example_subject(name: str, subject: ExampleSubject, commodity: Commodity) -> str:
    return f"enterprise {name} ({', '.join(_attributes(subject, commodity)) or 'nothing particular'})"


def _attributes(subject: ExampleSubject, commodity: Commodity) -> Iterator[str]:
    for event, day in subject.events.items():
        yield f"{EVENT_NAMES[event][1]} on {_day(day)}"
    for year, text in sorted(subject.pre_move_tax.items()):
        yield f"taxes before the move in {year} {_amount(text, YUAN)}"
    if subject.cause_of_move is not None:
        yield f"its move {CAUSE_NAMES[subject.cause_of_move][1]}"
    if subject.referred_by is not None:
        yield f"referred by {role_en(subject.referred_by)}"
    for name, value in subject.attributes.items():
        yield f"{attribute_en(name)} “{value}”"
    if subject.controller is not None:
        yield f"controlled by {subject.controller}"
    if subject.base_year_amount is not None:
        yield f"base-year figure {_amount(subject.base_year_amount, commodity)}"
