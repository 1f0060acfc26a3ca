"""Reads terms strictly and finds everything that is wrong with them at once.

``read_terms`` takes the text of a document; ``check`` looks at terms that have the right form for what a
schema can't say, and runs the worked examples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from pydantic import BaseModel

from ledger.errors import LedgerError
from ledger.measures import MEASURE_BY_NAME, MEASURES, YUAN, MeasureKind
from ledger.money import Commodity, format_amount, parse_share
from ledger.periods import Quarter
from ledger.rules.check.budget import budget_faults
from ledger.rules.check.clearing import clearing_faults
from ledger.rules.check.commitments import commitment_faults
from ledger.rules.check.faults import amount_faults, fault
from ledger.rules.check.form import Form, read_form
from ledger.rules.check.procedure import procedure_faults
from ledger.rules.check.readings import choice_faults, choice_questions
from ledger.rules.check.transition import transition_faults
from ledger.rules.examples import quarters_of, run_example
from ledger.rules.facts import Fault
from ledger.rules.fields import Bilingual
from ledger.rules.plain.shares import FactorsMissing
from ledger.rules.terms import (
    DENOMINATOR_LIMIT,
    RATE_DENOMINATOR_LIMIT,
    Apportion,
    Budget,
    Cap,
    Clause,
    Example,
    ExampleFigure,
    ExampleSubject,
    Expected,
    Floor,
    Grain,
    HowMuch,
    Mechanism,
    Rate,
    Regime,
    Scope,
    Step,
    Surplus,
    Terms,
    Then,
    Window,
    WithinYear,
)

_ADDED = {
    Mechanism.TAX: {MeasureKind.TAX, MeasureKind.TAX_BASE},
    Mechanism.DEVELOPMENT_REVENUE: {MeasureKind.REVENUE},
    Mechanism.INNOVATION_VOUCHER: {MeasureKind.VOUCHER},
    Mechanism.OUTPUT_VALUE: {MeasureKind.INDICATOR},
}
_DEDUCTED = {
    Mechanism.TAX: {MeasureKind.INCENTIVE, MeasureKind.TAX},
    Mechanism.DEVELOPMENT_REVENUE: {MeasureKind.COST, MeasureKind.INCENTIVE},
    Mechanism.INNOVATION_VOUCHER: {MeasureKind.VOUCHER},
    Mechanism.OUTPUT_VALUE: set[MeasureKind](),
}
_YEARS = range(1949, 2200)
_QUARTERS_MOST = 400
RESULT_FAULTS = frozenset({"EXAMPLE_FAILS", "EXAMPLE_ROUTING_FAILS"})
"""Faults of sound terms whose worked examples expect something else."""
_UNPRINTABLE = "“”"


class TermsRefused(LedgerError):
    """Terms that can't be taken; ``faults`` says everything that is wrong with them."""

    code = "TERMS_REFUSED"
    sentence_en = "The terms have {count} faults; nothing was taken. The first, at {path}: {first_en}"
    sentence_zh = "条款有 {count} 处问题，未予采用。第一处（{path}）：{first_zh}"

    def __init__(self, faults: Sequence[Fault]) -> None:
        first = faults[0]
        super().__init__(
            count=len(faults), path=first.path, first_en=first.message_en, first_zh=first.message_zh
        )
        self.faults = tuple(faults)


def read_terms(text: bytes | str, earlier: Terms | None = None) -> Terms:
    """The terms written in ``text``. Raises ``TermsRefused`` with every fault."""
    terms, faults = read_document(text)
    if terms is not None:
        faults = check(terms, earlier)
    if terms is None or faults:
        raise TermsRefused(faults)
    return terms


def everything_before(earlier: Sequence[Terms]) -> Terms | None:
    """The latest terms with every clause there ever was, for a clause's number is never used for another."""
    if not earlier:
        return None
    clauses = {clause.number: clause for terms in earlier for clause in terms.clauses}
    return earlier[-1].model_copy(update={"clauses": tuple(clauses.values())})


def read_document(text: bytes | str) -> tuple[Terms | None, list[Fault]]:
    """The terms that ``text`` holds, unchecked, or why it holds none.

    A choice that it leaves open is told with what each reading comes to on the clause's worked example.
    """
    form = read_form(text)
    return form.terms, form.faults + choice_faults(form, _clause_faults)


def questions(form: Form) -> list[Fault]:
    """The form's open choices as questions, each with what its readings come to."""
    return choice_questions(form, _clause_faults)


def check(terms: Terms, earlier: Terms | None = None) -> list[Fault]:
    """What is wrong with terms of the right form, by the last section of ``docs/rule-semantics.md``.

    ``earlier`` is the version that these terms amend. Examples run only where nothing else is wrong.
    """
    faults = list(_terms_faults(terms))
    if earlier is not None:
        faults += _amendment_faults(terms, earlier)
    for index, clause in enumerate(terms.clauses):
        of_clause = list(_clause_faults(f"$.clauses[{index}]", clause))
        faults += of_clause or _example_results(f"$.clauses[{index}]", terms, clause)
    return faults


# --- the document as a whole ------------------------------------------------------------------------------


def _terms_faults(terms: Terms) -> Iterator[Fault]:
    for index, clause in enumerate(terms.clauses):
        for role in sorted(clause.roles - terms.roles.keys()):
            yield fault(f"$.clauses[{index}]", "ROLE_UNDEFINED", role=role)
        apportion = clause.to_whom.apportion
        if apportion is not None and apportion.share_of in terms.roles:
            path = f"$.clauses[{index}].to_whom.apportion.share_of"
            yield fault(path, "APPORTION_OF_PARTY", name=apportion.share_of)
    numbers = Counter(clause.number for clause in terms.clauses)
    for index, clause in enumerate(terms.clauses):
        if numbers[clause.number] > 1:
            path = f"$.clauses[{index}].number"
            yield fault(path, "CLAUSE_NUMBER_TWICE", number=clause.number, example=max(numbers) + 1)
    last = terms.last_quarter
    if last is not None and Quarter.parse(last) < Quarter.parse(terms.in_force_from):
        yield fault("$.last_quarter", "ENDS_BEFORE_BEGIN", last=last, first=terms.in_force_from)
    yield from clearing_faults(terms)
    if terms.procedure is not None:
        yield from procedure_faults(terms.procedure, list(terms.roles))
    yield from commitment_faults(terms.commitments, list(terms.roles))
    for index, one in enumerate(terms.commitments):
        yield from _text_faults(f"$.commitments[{index}].title", one.title)
        yield from _text_faults(f"$.commitments[{index}].due_day", one.due_day)


def _text_faults(path: str, value: object) -> Iterator[Fault]:
    """Titles and names that would not print on one line, and days that no calendar of ours has."""
    if isinstance(value, Bilingual):
        for language, text in (("zh", value.zh), ("en", value.en)):
            if not text.isprintable() or any(mark in text for mark in _UNPRINTABLE):
                yield fault(f"{path}.{language}", "TEXT_UNPRINTABLE", got=text)
    elif isinstance(value, date):
        if value.year not in _YEARS:
            yield fault(path, "DAY_OUT_OF_RANGE", got=value)
    else:
        for place, part in _parts(value):
            yield from _text_faults(f"{path}{place}", part)


def _parts(value: object) -> Iterable[tuple[str, object]]:
    match value:
        case BaseModel():
            return ((f".{name}", getattr(value, name)) for name in type(value).model_fields)
        case tuple():
            return ((f"[{index}]", part) for index, part in enumerate(value))
        case dict():
            return ((f".{name}", part) for name, part in value.items())
        case _:
            return ()


# --- one clause -------------------------------------------------------------------------------------------


def _clause_faults(path: str, clause: Clause) -> Iterator[Fault]:
    yield from _text_faults(path, clause)
    measures = list(_measure_faults(f"{path}.what", clause))
    yield from measures
    yield from _mechanism_faults(path, clause)
    yield from _scope_faults(path, clause)
    yield from _window_faults(path, clause)
    yield from _retention_faults(f"{path}.how_much.retention", clause)
    yield from _recover_faults(f"{path}.how_much.recover", clause.how_much)
    yield from _payment_faults(f"{path}.then", clause.then)
    yield from _rate_faults(f"{path}.how_much.rates", clause.how_much.rates)
    yield from _cap_faults(f"{path}.within.caps", clause.within.caps)
    yield from budget_faults(f"{path}.within.budget", clause)
    yield from _key_faults(f"{path}.to_whom.key", clause)
    yield from _band_faults(f"{path}.to_whom.bands", clause)
    yield from _apportion_faults(f"{path}.to_whom", clause)
    yield from _own_rate_faults(f"{path}.how_much.own_rates", clause)
    yield from _rounding_faults(path, clause)
    if not measures:
        yield from _tax_base_faults(path, clause)
        yield from _amount_faults(path, clause)
        for index, example in enumerate(clause.examples):
            yield from _example_faults(f"{path}.examples[{index}]", clause, example)


def _measure_faults(path: str, clause: Clause) -> Iterator[Fault]:
    what = clause.what
    for name, measures, kinds in (
        ("measures", what.measures, _ADDED[what.mechanism]),
        ("deduct", what.deduct, _DEDUCTED[what.mechanism]),
    ):
        known = [measure.name for measure in MEASURES if measure.kind in kinds]
        for index, measure in enumerate(measures):
            yield from _measure_fault(f"{path}.{name}[{index}]", measure, what.mechanism, known)
    for measure, count in Counter((*what.measures, *what.deduct)).items():
        if count > 1:
            yield fault(path, "MEASURE_TWICE", measure=measure)
    commodities = {_commodity(name).code for name in what.measures if name in MEASURE_BY_NAME}
    if len(commodities) > 1:
        got = ", ".join(sorted(commodities))
        yield fault(f"{path}.measures", "COMMODITIES_MIXED", got=got, example=what.measures[0])


def _tax_base_faults(path: str, clause: Clause) -> Iterator[Fault]:
    """Taxable income becomes a tax by own rates only, so it is neither shared itself nor added to taxes."""
    bases = [name for name in clause.what.measures if MEASURE_BY_NAME[name].kind is MeasureKind.TAX_BASE]
    if bases and (not clause.how_much.own_rates or len(clause.what.measures) > 1):
        yield fault(f"{path}.what.measures", "TAX_BASE_NEEDS_RATES", measure=bases[0])


def _measure_fault(path: str, measure: str, mechanism: Mechanism, known: Sequence[str]) -> Iterator[Fault]:
    if measure in known or (not known and measure in MEASURE_BY_NAME):
        return
    code = "MEASURE_OF_OTHER_MECHANISM" if measure in MEASURE_BY_NAME else "MEASURE_UNKNOWN"
    example = known[0] if known else "[]"
    yield fault(
        path, code, measure=measure, mechanism=mechanism.value, known=", ".join(known), example=example
    )


def _commodity(measure: str) -> Commodity:
    return MEASURE_BY_NAME[measure].commodity


def _mechanism_faults(path: str, clause: Clause) -> Iterator[Fault]:
    to_whom = clause.to_whom
    if clause.what.mechanism is not Mechanism.OUTPUT_VALUE:
        if to_whom.in_place is not None:
            yield fault(f"{path}.to_whom.in_place", "MONEY_IN_PLACE")
        if to_whom.regime is not Regime.PROPORTIONAL:
            yield fault(f"{path}.to_whom.regime", "MONEY_PROPORTIONAL", got=to_whom.regime.value)
        return
    if len(clause.what.measures) > 1:
        measures = clause.what.measures
        yield fault(f"{path}.what.measures", "OUTPUT_ONE_MEASURE", count=len(measures), example=measures[0])
    if to_whom.in_place is None:
        yield fault(f"{path}.to_whom", "OUTPUT_IN_PLACE")
    for name, value in (
        ("what.deduct", clause.what.deduct),
        ("how_much.retention", clause.how_much.retention),
        ("how_much.own_rates", clause.how_much.own_rates),
        ("how_much.recover", clause.how_much.recover),
        ("how_much.rates", clause.how_much.rates),
        ("within.budget", clause.within.budget),
        ("within.floor", clause.within.floor),
        ("then.routing", clause.then.routing),
        ("then.instalments", clause.then.instalments),
        ("then.interest", clause.then.interest),
        ("then.form", clause.then.form),
    ):
        if value:
            yield fault(f"{path}.{name}", "OUTPUT_WITHOUT", name=name)


def _scope_faults(path: str, clause: Clause) -> Iterator[Fault]:
    eligibility = clause.whose.eligibility
    if eligibility is not None and not any(value for _, value in _parts(eligibility)):
        yield fault(f"{path}.whose.eligibility", "ELIGIBILITY_EMPTY")
    if clause.whose.scope is Scope.LISTED_ENTERPRISES:
        for name, is_used in _needs_whole_park(clause):
            if is_used:
                yield fault(f"{path}.{name}", "NEEDS_WHOLE_PARK", name=name)
        return
    for name, is_used in _needs_listed(clause):
        if is_used:
            yield fault(f"{path}.{name}", "NEEDS_LISTED", name=name)


def _needs_whole_park(clause: Clause) -> Iterator[tuple[str, bool]]:
    yield "how_much.recover", clause.how_much.recover is not None
    yield "within.floor", clause.within.floor is not None


def _needs_listed(clause: Clause) -> Iterator[tuple[str, bool]]:
    yield "whose.eligibility", clause.whose.eligibility is not None
    surplus = clause.how_much.surplus
    yield "how_much.surplus.base_of_enterprise", surplus is not None and surplus.base_of_enterprise
    for index, row in enumerate(clause.how_much.rates):
        yield f"how_much.rates[{index}].where", bool(row.where)
    for index, cap in enumerate(clause.within.caps):
        yield f"within.caps[{index}].pre_move_tax_total", cap.pre_move_tax_total
        yield f"within.caps[{index}].per", cap.per == "controller"
    for name, window in _windows(clause):
        yield f"{name}.clock.event", window.clock.event is not None
        yield f"{name}.ends_at", bool(window.ends_at)


def _windows(clause: Clause) -> Iterator[tuple[str, Window]]:
    if clause.when.window is not None:
        yield "when.window", clause.when.window
    routing = clause.then.routing
    if routing is not None and routing.window is not None:
        yield "then.routing.window", routing.window
    if clause.within.floor is not None and clause.within.floor.window is not None:
        yield "within.floor.window", clause.within.floor.window


def _window_faults(path: str, clause: Clause) -> Iterator[Fault]:
    for name, window in _windows(clause):
        if clause.when.step is Step.QUARTER:
            yield from _month_faults(f"{path}.{name}", window)
        if window.clock.first_shared and (name != "when.window" or clause.how_much.recover is None):
            yield fault(f"{path}.{name}.clock.first_shared", "FIRST_SHARED_NEEDS_RECOVER")
    yield from _extension_faults(path, clause)


def _extension_faults(path: str, clause: Clause) -> Iterator[Fault]:
    window, routing = clause.when.window, clause.then.routing
    if window is not None and window.extension is not None:
        here = f"{path}.when.window.extension"
        if all(cap.over == "year" for cap in clause.within.caps):
            example = '"caps": [{"pre_move_tax_total": true, "over": "lifetime", …}]'
            yield fault(here, "EXTENSION_NEEDS", missing="`within.caps`", example=example)
        if window.length_months is None:
            yield fault(here, "EXTENSION_NEEDS", missing="`length_months`", example='"length_months": 36')
    if routing is not None and routing.window is not None and routing.window.extension is not None:
        yield fault(f"{path}.then.routing.window.extension", "ROUTING_EXTENSION")


def _floor_faults(path: str, floor: Floor, commodity: Commodity) -> Iterator[Fault]:
    yield from _places(f"{path}.yearly_amount", floor.yearly_amount, commodity)
    if floor.party == floor.from_party:
        yield fault(f"{path}.from_party", "FLOOR_OF_ITSELF", role=floor.party)
    if floor.window is not None and floor.window.extension is not None:
        yield fault(f"{path}.window.extension", "FLOOR_EXTENSION")


def _month_faults(path: str, window: Window) -> Iterator[Fault]:
    extension = window.extension
    for name, months in (
        ("clock.offset_months", window.clock.offset_months),
        ("length_months", window.length_months),
        ("extension.length_months", None if extension is None else extension.length_months),
    ):
        if months is not None and months % 3 != 0:
            example = months + 3 - months % 3
            yield fault(f"{path}.{name}", "MONTHS_NOT_OF_QUARTERS", name=name, got=months, example=example)


def _retention_faults(path: str, clause: Clause) -> Iterator[Fault]:
    known = (*clause.what.measures, *clause.what.deduct)
    latest: dict[str, date] = {}
    for index, row in enumerate(clause.how_much.retention):
        if row.measure not in known:
            yield fault(
                f"{path}[{index}].measure",
                "RETENTION_OF_OTHER_MEASURE",
                measure=row.measure,
                known=", ".join(known),
                example=known[0],
            )
        before = latest.get(row.measure)
        if before is not None and row.starts <= before:
            yield fault(
                f"{path}[{index}].starts",
                "RETENTION_ORDER",
                measure=row.measure,
                got=row.starts,
                before=before,
            )
        latest[row.measure] = row.starts
        for place, tier in enumerate(row.tiers):
            yield from _part_faults(f"{path}[{index}].tiers[{place}].kept", tier.kept)


def _recover_faults(path: str, how_much: HowMuch) -> Iterator[Fault]:
    recover = how_much.recover
    if recover is None:
        return
    for name, value in (("smoothing", how_much.smoothing), ("own_rates", how_much.own_rates)):
        if value:
            yield fault(path, "RECOVERY_EXCLUDES", name=f"how_much.{name}")
    for index, (row, following) in enumerate(pairwise(recover.inputs)):
        if following.starts < row.starts:
            yield fault(
                f"{path}.inputs[{index + 1}].starts", "INPUT_ORDER", got=following.starts, before=row.starts
            )
    if recover.yearly_return is not None:
        yield from _part_faults(f"{path}.yearly_return", recover.yearly_return)
        if parse_share(recover.yearly_return).denominator > RATE_DENOMINATOR_LIMIT:
            here, limit = f"{path}.yearly_return", RATE_DENOMINATOR_LIMIT
            yield fault(here, "RATE_TOO_FINE", got=recover.yearly_return, limit=limit)


def _part_faults(path: str, text: str) -> Iterator[Fault]:
    if parse_share(text) > 1:
        yield fault(path, "SHARE_ABOVE_ONE", got=text)


def _key_faults(path: str, clause: Clause) -> Iterator[Fault]:
    yield from _elapsed_faults(path, clause)
    apportioned = clause.to_whom.apportion.roles if clause.to_whom.apportion is not None else ()
    before: date | None = None
    for index, row in enumerate(clause.to_whom.key):
        here = f"{path}[{index}].{row.written_as}"
        yield from _row_faults(here, clause.to_whom.regime, row.exact)
        is_after = before is None or (row.starts is not None and row.starts > before)
        if index > 0 and row.after_months is None and (row.starts is None or not is_after):
            yield fault(f"{path}[{index}].starts", "KEY_ORDER", row=index + 1)
        before = row.starts or before
        for role in _capped(clause):
            if role not in {*row.exact, *apportioned}:
                yield fault(here, "CAPPED_NOT_IN_ROW", role=role)


def _capped(clause: Clause) -> list[str]:
    """The parties whose own part a cap or budget limits."""
    budget = clause.within.budget
    named = [*(cap.capped for cap in clause.within.caps), None if budget is None else budget.payer]
    return list(dict.fromkeys(role for role in named if role is not None))


def _elapsed_faults(path: str, clause: Clause) -> Iterator[Fault]:
    """Rows by elapsed time: all of that kind, in order, in steps of the clause, counted from a window."""
    if not clause.to_whom.by_elapsed_time:
        return
    if clause.when.window is None:
        yield fault(path, "KEY_NEEDS_WINDOW")
    elif clause.when.window.clock.first_shared is not None:
        yield fault(path, "KEY_BEFORE_FIRST_SHARED")
    before = -1
    for index, row in enumerate(clause.to_whom.key):
        months = row.after_months if row.after_months is not None or index else 0
        if row.starts is not None or months is None:
            yield fault(f"{path}[{index}]", "KEY_MIXED", row=index + 1)
            continue
        if months <= before:
            yield fault(f"{path}[{index}].after_months", "KEY_ORDER_ELAPSED", row=index + 1, before=before)
        if clause.when.step is Step.QUARTER and months % 3:
            example = months + 3 - months % 3
            yield fault(
                f"{path}[{index}].after_months",
                "MONTHS_NOT_OF_QUARTERS",
                name="after_months",
                got=months,
                example=example,
            )
        before = months


def _band_faults(path: str, clause: Clause) -> Iterator[Fault]:
    bands = clause.to_whom.bands
    if bands is None:
        return
    for name, is_used in (
        ("to_whom.regime", clause.to_whom.regime is not Regime.PROPORTIONAL),
        ("to_whom.apportion", clause.to_whom.apportion is not None),
        ("how_much.own_rates", bool(clause.how_much.own_rates)),
        ("within.caps.measured_on", any(cap.measured_on == "pool" for cap in clause.within.caps)),
        ("rounding.grain", clause.rounding.grain is Grain.LINE),
    ):
        if is_used:
            yield fault(path, "BANDS_EXCLUDE", name=name)
    for index, row in enumerate(bands.rows):
        here = f"{path}.rows[{index}]"
        yield from _row_faults(f"{here}.{row.written_as}", clause.to_whom.regime, row.exact)
        for role in _capped(clause):
            if role not in row.exact:
                yield fault(here, "CAPPED_NOT_IN_ROW", role=role)
        before = bands.rows[index - 1].above
        if index == 0 and Fraction(row.above):
            yield fault(f"{here}.above", "BAND_FIRST", got=row.above)
        elif index and Fraction(row.above) <= Fraction(before):
            example = f'"{int(Fraction(before)) + 1000}"'
            yield fault(f"{here}.above", "BAND_ORDER", got=row.above, before=before, example=example)


def _own_rate_faults(path: str, clause: Clause) -> Iterator[Fault]:
    """With own rates everybody who may have a share has one."""
    rates = clause.how_much.own_rates
    for role, text in rates.items():
        yield from _part_faults(f"{path}.{role}", text)
    needed = {role for shares in clause.to_whom.ever_shares() for role, share in shares.items() if share}
    for role in sorted(needed - rates.keys() if rates else ()):
        yield fault(path, "OWN_RATE_MISSING", role=role)


def _apportion_faults(path: str, clause: Clause) -> Iterator[Fault]:
    apportion = clause.to_whom.apportion
    if apportion is None:
        return
    here = f"{path}.apportion"
    if clause.to_whom.regime is not Regime.PROPORTIONAL:
        yield fault(here, "APPORTION_PROPORTIONAL", got=clause.to_whom.regime.value)
    for index, row in enumerate(clause.to_whom.key):
        if apportion.share_of not in row.exact:
            yield fault(f"{path}.key[{index}]", "APPORTION_NOT_IN_ROW", name=apportion.share_of)
    total = sum((parse_share(text) for text in apportion.weights.values()), Fraction(0))
    if total != 1:
        yield fault(f"{here}.weights", "FACTOR_WEIGHTS_NOT_ONE", got=total)
    if apportion.round_down_to is not None and not Fraction(apportion.round_down_to):
        yield fault(f"{here}.round_down_to", "FACTOR_UNIT_ZERO")
    yield from _factor_faults(f"{here}.values", apportion)
    yield from _attendance_faults(here, apportion)


def _factor_faults(path: str, apportion: Apportion) -> Iterator[Fault]:
    seen: set[tuple[int, str]] = set()
    for index, row in enumerate(apportion.values):
        if row.values.keys() != apportion.weights.keys():
            expected, got = ", ".join(sorted(apportion.weights)), ", ".join(sorted(row.values))
            yield fault(f"{path}[{index}].values", "FACTORS_DIFFER", expected=expected, got=got)
        if (row.year, row.role) in seen:
            yield fault(f"{path}[{index}]", "FACTOR_ROW_TWICE", year=row.year, role=row.role)
        seen.add((row.year, row.role))


def _attendance_faults(path: str, apportion: Apportion) -> Iterator[Fault]:
    """Days of entry and exit, and the role that takes the remainder, are of those that have factors."""
    known = ", ".join(sorted(apportion.roles))
    for name, days in (("entries", apportion.entries), ("exits", apportion.exits)):
        for role in sorted(days.keys() - apportion.roles):
            yield fault(f"{path}.{name}.{role}", "FACTOR_ROLE_UNKNOWN", role=role, known=known)
    for role, day in apportion.exits.items():
        entry = apportion.entries.get(role)
        if entry is not None and day <= entry:
            yield fault(f"{path}.exits.{role}", "FACTOR_EXIT_ORDER", role=role, got=day, entry=entry)
    rounding = apportion.ratio_rounding
    if rounding is not None and rounding.remainder_to not in apportion.roles:
        role = rounding.remainder_to
        yield fault(f"{path}.ratio_rounding.remainder_to", "FACTOR_ROLE_UNKNOWN", role=role, known=known)


def _row_faults(path: str, regime: Regime, shares: Mapping[str, Fraction]) -> Iterator[Fault]:
    got = ", ".join(f"{role} {share}" for role, share in shares.items())
    match regime:
        case Regime.PROPORTIONAL:
            total = sum(shares.values(), Fraction(0))
            if total != 1:
                yield fault(path, "SHARES_NOT_ONE", got=total)
        case Regime.FULL_TO_EACH:
            if set(shares.values()) != {Fraction(1)}:
                yield fault(
                    path,
                    "SHARES_OF_REGIME",
                    regime=regime.value,
                    expected_en="every share is 1",
                    expected_zh="各方份额均为 1",
                    example='{"origin": "1", "host": "1"}',
                    got=got,
                )
        case Regime.FULL_TO_ONE:
            if list(shares.values()) != [Fraction(1)]:
                yield fault(
                    path,
                    "SHARES_OF_REGIME",
                    regime=regime.value,
                    expected_en="one role has share 1",
                    expected_zh="只有一方且份额为 1",
                    example='{"origin": "1"}',
                    got=got,
                )


def _rounding_faults(path: str, clause: Clause) -> Iterator[Fault]:
    surplus, routing = clause.how_much.surplus, clause.then.routing
    is_by_quarter = clause.when.step is Step.QUARTER
    if surplus is not None and surplus.within_year is WithinYear.SAME_QUARTER and not is_by_quarter:
        yield fault(f"{path}.how_much.surplus.within_year", "SAME_QUARTER_BY_MONTH")
    if clause.rounding.grain is Grain.LINE:
        for name, value in (
            ("within.caps", clause.within.caps or None),
            ("how_much.surplus", surplus),
            ("how_much.recover", clause.how_much.recover),
            ("how_much.smoothing", clause.how_much.smoothing),
            ("within.floor", clause.within.floor),
        ):
            if value is not None:
                yield fault(f"{path}.rounding.grain", "GRAIN_LINE_EXCLUDES", name=name)
    if routing is not None:
        yield from _part_faults(f"{path}.then.routing.part", routing.part)
        if clause.rounding.grain is Grain.CLAUSE and _depends_on_events(routing.window):
            yield fault(f"{path}.then.routing.window", "ROUTING_NEEDS_SUBJECTS")
    if clause.denominator > DENOMINATOR_LIMIT:
        yield fault(path, "DENOMINATOR_TOO_LARGE", got=clause.denominator, limit=DENOMINATOR_LIMIT)


def _depends_on_events(window: Window | None) -> bool:
    return window is not None and (window.clock.event is not None or bool(window.ends_at))


def _amount_faults(path: str, clause: Clause) -> Iterator[Fault]:
    commodity = _commodity(clause.what.measures[0])
    eligibility = clause.whose.eligibility
    if eligibility is not None:
        text = eligibility.pre_move_tax_average_at_least
        yield from _places(f"{path}.whose.eligibility.pre_move_tax_average_at_least", text, YUAN)
    if clause.how_much.surplus is not None:
        yield from _surplus_amounts(f"{path}.how_much.surplus", clause.how_much.surplus, commodity)
    for index, row in enumerate(clause.how_much.recover.inputs if clause.how_much.recover else ()):
        yield from _places(f"{path}.how_much.recover.inputs[{index}].amount", row.amount, commodity)
    if clause.within.floor is not None:
        yield from _floor_faults(f"{path}.within.floor", clause.within.floor, commodity)
    for index, dated in enumerate(clause.within.budget.amounts if clause.within.budget else ()):
        yield from _places(f"{path}.within.budget.amounts[{index}].amount", dated.amount, commodity)
    for index, band in enumerate(clause.to_whom.bands.rows if clause.to_whom.bands else ()):
        yield from _places(f"{path}.to_whom.bands.rows[{index}].above", band.above, commodity)
    for index, cap in enumerate(clause.within.caps):
        yield from _cap_amounts(f"{path}.within.caps[{index}]", cap, commodity)


def _surplus_amounts(path: str, surplus: Surplus, commodity: Commodity) -> Iterator[Fault]:
    yield from _places(f"{path}.base", surplus.base, commodity)
    for index, text in enumerate(surplus.base_by_quarter or ()):
        yield from _places(f"{path}.base_by_quarter[{index}]", text, commodity)


def _payment_faults(path: str, then: Then) -> Iterator[Fault]:
    total = sum((parse_share(row.part) for row in then.instalments), Fraction(0))
    if then.instalments and total != 1:
        yield fault(f"{path}.instalments", "INSTALMENTS_NOT_ONE", got=total)
    for index, (row, following) in enumerate(pairwise(then.instalments), start=1):
        if following.due <= row.due:
            yield fault(
                f"{path}.instalments[{index}].due", "INSTALMENT_ORDER", got=following.due, before=row.due
            )
    for index, rate in enumerate(then.interest):
        yield from _part_faults(f"{path}.interest[{index}].monthly_rate", rate.monthly_rate)
        before = then.interest[index - 1].starts if index else None
        if before is not None and rate.starts <= before:
            here = f"{path}.interest[{index}].starts"
            yield fault(here, "INTEREST_ORDER", got=rate.starts, before=before)
    if then.form == "fund" and then.routing is None:
        yield fault(f"{path}.form", "FUND_NEEDS_ROUTING")


def _rate_faults(path: str, rates: Sequence[Rate]) -> Iterator[Fault]:
    for index, row in enumerate(rates):
        yield from _part_faults(f"{path}[{index}].rate", row.rate)
        if not row.where and index < len(rates) - 1:
            yield fault(f"{path}[{index}].where", "RATE_UNREACHABLE", row=index + 1)


def _cap_faults(path: str, caps: Sequence[Cap]) -> Iterator[Fault]:
    for index, (cap, following) in enumerate(pairwise(caps), start=1):
        if cap.measured_on == "receipts" and following.measured_on == "pool":
            yield fault(f"{path}[{index}].measured_on", "CAP_ORDER", cap=index + 1)
    for index, cap in enumerate(caps):
        if cap.per == "controller" and cap.unused == "carries":
            yield fault(f"{path}[{index}].unused", "CAP_OF_GROUP_CARRIES")
        if cap.per == "controller" and cap.pre_move_tax_total:
            yield fault(f"{path}[{index}].pre_move_tax_total", "CAP_OF_GROUP_AMOUNT")


def _cap_amounts(path: str, cap: Cap, commodity: Commodity) -> Iterator[Fault]:
    yield from _places(f"{path}.amount", cap.amount, commodity)
    if cap.pre_move_tax_total and not commodity.is_money:
        yield fault(f"{path}.pre_move_tax_total", "CAP_NOT_MONEY")


def _places(path: str, text: str | None, commodity: Commodity) -> Iterator[Fault]:
    return iter(()) if text is None else amount_faults(path, text, commodity)


# --- worked examples --------------------------------------------------------------------------------------


def _example_faults(path: str, clause: Clause, example: Example) -> Iterator[Fault]:
    commodity = _commodity(clause.what.measures[0])
    for index, figure in enumerate(example.figures):
        yield from _figure_faults(f"{path}.figures[{index}]", clause, example, figure)
    for name, subject in example.subjects.items():
        yield from _example_subject_faults(f"{path}.subjects.{name}", subject, commodity)
    for index, expected in enumerate(example.expect):
        yield from _expectation_faults(f"{path}.expect[{index}]", expected, commodity)
    quarters = quarters_of(example)
    length = max(quarters).ordinal - min(quarters).ordinal + 1
    if length > _QUARTERS_MOST:
        yield fault(path, "EXAMPLE_TOO_LONG", got=length, limit=_QUARTERS_MOST)


def _figure_faults(path: str, clause: Clause, example: Example, figure: ExampleFigure) -> Iterator[Fault]:
    known = (*clause.what.measures, *clause.what.deduct)
    if figure.measure not in known:
        yield from _measure_fault(f"{path}.measure", figure.measure, clause.what.mechanism, known)
    if figure.subject is not None and figure.subject not in example.subjects:
        yield fault(f"{path}.subject", "EXAMPLE_SUBJECT_UNKNOWN", got=figure.subject)
    if clause.when.step is Step.MONTH and "Q" in figure.span:
        yield fault(f"{path}.span", "EXAMPLE_SPAN", got=figure.span)
    yield from _places(f"{path}.amount", figure.amount, _commodity(clause.what.measures[0]))


def _example_subject_faults(path: str, subject: ExampleSubject, commodity: Commodity) -> Iterator[Fault]:
    yield from _places(f"{path}.base_year_amount", subject.base_year_amount, commodity)
    for year, text in subject.pre_move_tax.items():
        yield from _places(f"{path}.pre_move_tax.{year}", text, YUAN)
        if not (year.isascii() and year.isdigit() and len(year) == len("2024")):
            yield fault(f"{path}.pre_move_tax", "EXAMPLE_YEAR", got=year)


def _expectation_faults(path: str, expected: Expected, commodity: Commodity) -> Iterator[Fault]:
    yield from _places(f"{path}.amount", expected.amount, commodity)
    yield from _places(f"{path}.routed", expected.routed, commodity)
    if Quarter.parse(expected.last) < Quarter.parse(expected.first):
        yield fault(f"{path}.last", "EXAMPLE_ORDER", last=expected.last, first=expected.first)


def _example_results(path: str, terms: Terms, clause: Clause) -> Iterator[Fault]:
    for index, example in enumerate(clause.examples):
        try:
            results = run_example(terms, clause, index)
        except FactorsMissing as missing:
            yield fault(f"{path}.examples[{index}]", "EXAMPLE_FACTORS", **missing.fields)
            continue
        for result in results:
            here = f"{path}.examples[{index}].expect[{result.expectation}]"
            party = example.expect[result.expectation].party
            if result.expected_minor != result.got_minor:
                yield fault(
                    f"{here}.amount",
                    "EXAMPLE_FAILS",
                    party=party,
                    expected=format_amount(result.expected_minor, result.scale),
                    got=format_amount(result.got_minor, result.scale),
                )
            if result.expected_routed_minor not in (None, result.got_routed_minor):
                yield fault(
                    f"{here}.routed",
                    "EXAMPLE_ROUTING_FAILS",
                    party=party,
                    expected=format_amount(result.expected_routed_minor or 0, result.scale),
                    got=format_amount(result.got_routed_minor, result.scale),
                )


# --- amendments -------------------------------------------------------------------------------------------


def _amendment_faults(terms: Terms, earlier: Terms) -> Iterator[Fault]:
    if terms.agreement != earlier.agreement:
        yield fault(
            "$.agreement", "AMENDMENT_OTHER_AGREEMENT", got=terms.agreement, earlier=earlier.agreement
        )
    if Quarter.parse(terms.in_force_from) < Quarter.parse(earlier.in_force_from):
        yield fault(
            "$.in_force_from", "AMENDMENT_EARLIER", got=terms.in_force_from, earlier=earlier.in_force_from
        )
    for index, clause in enumerate(terms.clauses):
        before = earlier.clause(clause.number)
        if before is not None:
            yield from _amended_clause_faults(f"$.clauses[{index}]", clause, before)
            if terms.transition == "open_windows_keep_terms":
                yield from transition_faults(f"$.clauses[{index}]", clause, before)


def _amended_clause_faults(path: str, clause: Clause, before: Clause) -> Iterator[Fault]:
    """What can't change without breaking what the clause carries for its subjects."""
    for name, got, was in (
        ("what.mechanism", clause.what.mechanism.value, before.what.mechanism.value),
        ("what.measures (unit)", _unit(clause), _unit(before)),
        ("whose.scope", clause.whose.scope.value, before.whose.scope.value),
        ("when.step", clause.when.step.value, before.when.step.value),
        ("to_whom.in_place", clause.to_whom.in_place, before.to_whom.in_place),
        ("how_much.recover", bool(clause.how_much.recover), bool(before.how_much.recover)),
        ("within.floor", bool(clause.within.floor), bool(before.within.floor)),
    ):
        if got != was:
            yield fault(
                f"{path}.{name.split()[0]}",
                "AMENDMENT_CHANGES",
                number=clause.number,
                name=name,
                earlier=was,
                got=got,
            )
    budget, budget_before = clause.within.budget, before.within.budget
    if budget is not None and budget_before is not None and _drawn(budget) != _drawn(budget_before):
        yield fault(f"{path}.within.budget", "AMENDMENT_CHANGES_BUDGET", number=clause.number)
    pairs = zip(clause.within.caps, before.within.caps, strict=False)
    if any(_identity(cap) != _identity(earlier) for cap, earlier in pairs):
        yield fault(f"{path}.within.caps", "AMENDMENT_CHANGES_CAPS", number=clause.number)
    lost = {role for _, role in before.entitlement_keys} - {role for _, role in clause.entitlement_keys}
    for role in sorted(lost):
        yield fault(f"{path}.to_whom.key", "AMENDMENT_LOSES_ROLE", number=clause.number, role=role)


def _identity(cap: Cap) -> tuple[str | None, ...]:
    """What a cap's use is counted by."""
    return cap.measured_on, cap.capped, cap.over, cap.per


def _drawn(budget: Budget) -> tuple[str | None, ...]:
    """What the draws on a budget are counted by."""
    return budget.payer, budget.over, budget.applied


def _unit(clause: Clause) -> str:
    measure = MEASURE_BY_NAME.get(clause.what.measures[0])
    return "?" if measure is None else measure.commodity.code


__all__ = [
    "RESULT_FAULTS",
    "TermsRefused",
    "check",
    "everything_before",
    "questions",
    "read_document",
    "read_terms",
]
