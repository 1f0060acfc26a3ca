"""Generated clauses, terms with amendments, and figures with corrections, for the laws of the rule language.

``clauses()`` gives valid clauses, ``terms_and_facts()`` a ``Scenario``: versions of the terms, the facts as
they were known first, the facts after corrections, and the last quarter to compute.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from hypothesis import strategies as st

from ledger.money import format_amount
from ledger.periods import Quarter, Span, add_months, quarters_between
from ledger.rules.check.transition import transition_faults
from ledger.rules.examples import run_example
from ledger.rules.facts import Facts, Fault, Line, Subject, Version
from ledger.rules.terms import DENOMINATOR_LIMIT, CauseOfMove, Clause, Event, Terms

ROLES = ("fund", "host", "origin", "third")
FIRST = Quarter(2023, 1)
LAST = Quarter(2025, 4)
SUBJECTS = (11, 12, 13)
INSTALMENTS: tuple[list[dict[str, str]], ...] = (
    [],
    [{"due": "05-15", "part": "1/3"}, {"due": "08-15", "part": "2/3"}],
    [{"due": "05-15", "part": "1"}],
)
OCCURRENCES = ("aid_fund_paid_in", "opened")
TAXES = ("vat", "cit", "retained_tax")
REVENUES = ("rent", "land_transfer", "service_fee")
COSTS = ("development_cost", "financing_cost")
INDICATORS = ("industrial_output", "fixed_investment", "head_count")
SHARE_ROWS = (("1/2", "1/2"), ("2/5", "3/5"), ("1/3", "2/3"), ("1", "0"), ("1/7", "6/7"))
WEIGHT_ROWS = (("3", "4"), ("12.5", "7.5"), ("30/7", "5/7"), ("0", "5"))
THREE_WEIGHTS = (("1", "2", "3"), ("0.5", "1/3", "0"))
THREE_SHARES = (("1/4", "1/2", "1/4"), ("1/3", "1/3", "1/3"), ("3/10", "3/10", "2/5"))

Draw = Callable[[st.SearchStrategy[Any]], Any]
Json = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """Versions of terms with what they are applied to."""

    versions: tuple[Version, ...]
    facts: Facts
    """As known at first."""
    corrected: Facts
    """The same lines with other amounts for some, and some added."""
    through: Quarter


@st.composite
def clauses(draw: Draw, number: int = 1) -> Clause:
    """A valid clause, with one worked example that gives what it says."""
    return _proven(_clause(draw, number))


@st.composite
def documents(draw: Draw) -> Terms:
    """Valid terms of one to three clauses."""
    count = draw(st.integers(1, 3))
    return _terms([draw(clauses(number + 1)) for number in range(count)], FIRST, None)


@st.composite
def terms_and_facts(draw: Draw, *, windows_may_keep_terms: bool = True) -> Scenario:
    """One to two clauses, perhaps amended once or twice, and figures for them with corrections."""
    raw = [_clause(draw, number + 1) for number in range(draw(st.integers(1, 2)))]
    transitions = ["by_step", *(["open_windows_keep_terms"] if windows_may_keep_terms else [])]
    versions = _versions(draw, raw, transitions)
    subjects = {subject: draw(_subjects(subject)) for subject in SUBJECTS[:2]}
    happened = draw(st.dictionaries(st.sampled_from(OCCURRENCES), _days()))
    facts = Facts(_lines(draw, raw), subjects, happened)
    corrected = replace(facts, lines=_corrected(draw, facts.lines) + _lines(draw, raw, most=4))
    through = FIRST.plus(draw(st.integers(0, LAST.ordinal - FIRST.ordinal)))
    return Scenario(versions, facts, corrected, through)


# --- versions ---------------------------------------------------------------------------------------------


def _versions(draw: Draw, raw: list[Json], transitions: list[str]) -> tuple[Version, ...]:
    last_quarter = draw(st.sampled_from([None, None, None, str(LAST.plus(-2))]))
    first = Version(FIRST, _terms([_proven(clause) for clause in raw], FIRST, last_quarter))
    versions = [first]
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        starts = versions[-1].starts.plus(draw(st.integers(1, 6)))
        raw = [_amended(draw, clause) for clause in raw]
        if len(raw) > 1 and draw(st.integers(0, 3)) == 0:
            del raw[0]
        of_version = [_proven(clause) for clause in raw]
        transition = draw(st.sampled_from(transitions))
        if any(_faults_of_transition(of_version, versions[-1].terms)):
            transition = "by_step"
        versions.append(Version(starts, _terms(of_version, starts, last_quarter, transition)))
    return tuple(versions)


def _faults_of_transition(amended: list[Clause], earlier: Terms) -> Iterator[Fault]:
    for clause in amended:
        before = earlier.clause(clause.number)
        if before is not None:
            yield from transition_faults("$", clause, before)


def _amended(draw: Draw, raw: Json) -> Json:
    """The clause with other numbers and choices; what it counts, whose, by which step and for whom stays."""
    clause: Json = json.loads(json.dumps(raw))
    if clause["to_whom"]["regime"] == "proportional" and not clause["to_whom"].get("bands"):
        roles = sorted(_parts_of(clause["to_whom"]["key"][0]))
        clause["to_whom"]["key"] = [_parts(draw, roles)]
    surplus = clause["how_much"].get("surplus")
    if surplus:
        surplus["loss"] = draw(st.sampled_from(["forgotten", "carried", "shared"]))
        if "base" in surplus:
            surplus["base"] = draw(_amounts(5_000))
    if clause["how_much"].get("smoothing"):
        clause["how_much"]["smoothing"] = draw(st.sampled_from([None, _smoothing(draw), _smoothing(draw)]))
    if clause["how_much"].get("own_rates"):
        rates = draw(st.sampled_from([{}, dict.fromkeys(_credited(clause["to_whom"]), "1/8")]))
        clause["how_much"]["own_rates"] = rates
    recover = clause["how_much"].get("recover")
    if recover:
        recover["inputs"][0]["amount"] = draw(_amounts(2_000))
    window = clause["when"].get("window")
    if window and draw(st.booleans()):
        window["length_months"] = draw(_months_of(clause["when"]["step"]))
    _amend_within(draw, clause["within"])
    clause["rounding"]["mode"] = draw(_modes)
    return clause


def _amend_within(draw: Draw, within: Json) -> None:
    """Other limits; a cap at the end may go, if no role goes with it."""
    for cap in within.get("caps", ()):
        if "amount" in cap:
            cap["amount"] = draw(_amounts(20_000))
    if within.get("floor"):
        within["floor"]["yearly_amount"] = draw(_amounts(6_000))
    for row in within.get("budget", {}).get("amounts", ()):
        row["amount"] = draw(_amounts(5_000))
    caps = within.get("caps", ())
    if len(caps) > 1 and caps[-1]["excess_to"] is None and draw(st.booleans()):
        del caps[-1]


def _terms(of: list[Clause], starts: Quarter, last_quarter: str | None, transition: str = "by_step") -> Terms:
    document = {
        "agreement": "A-1",
        "roles": {role: f"P-{role}" for role in ROLES},
        "in_force_from": str(starts),
        "last_quarter": last_quarter,
        "transition": transition,
        "clauses": [clause.model_dump(mode="json") for clause in of],
    }
    return Terms.model_validate_json(json.dumps(document))


def _proven(raw: Json) -> Clause:
    """The clause with its example's expectation set to what the rules give."""
    raw = _coarse(raw)
    clause = Clause.model_validate_json(json.dumps(raw))
    (result,) = run_example(_terms([clause], FIRST, None), clause, 0)
    proven: Json = json.loads(json.dumps(raw))
    proven["examples"][0]["expect"][0]["amount"] = format_amount(result.got_minor, result.scale)
    return Clause.model_validate_json(json.dumps(proven))


def _coarse(raw: Json) -> Json:
    """The clause without rates by attribute, if they make its common denominator too large."""
    if Clause.model_validate_json(json.dumps(raw)).denominator <= DENOMINATOR_LIMIT:
        return raw
    return raw | {"how_much": raw["how_much"] | {"rates": []}}


# --- clauses ----------------------------------------------------------------------------------------------

_modes = st.sampled_from(["down", "up", "half_up", "half_even"])


def _amounts(most_units: int) -> st.SearchStrategy[str]:
    return st.integers(0, most_units).map(str)


def _days(first: date = date(2022, 10, 1), months: int = 24) -> st.SearchStrategy[date]:
    return st.builds(
        lambda month, day: add_months(first, month).replace(day=day),
        st.integers(0, months),
        st.sampled_from([1, 2, 15, 28]),
    )


def _clause(draw: Draw, number: int) -> Json:
    mechanism = draw(st.sampled_from(["tax", "development_revenue", "output_value"]))
    listed = draw(st.booleans())
    step = draw(st.sampled_from(["month", "quarter"]))
    grain = draw(st.sampled_from(["line", "period", "subject", "clause"]))
    money = mechanism != "output_value"
    what = _what(draw, mechanism)
    to_whom = _to_whom(draw, money)
    if to_whom["regime"] == "proportional" and draw(st.integers(0, 2)) == 0:
        _apportion(draw, to_whom)
    within = _within(draw, listed, money, _credited(to_whom)) if grain != "line" else {"caps": []}
    recover = _recover(draw) if money and not listed and grain != "line" and draw(st.booleans()) else None
    when = _when(draw, step, listed, _has_lifetime_cap(within), recover is not None)
    if _counts_time(when) and to_whom["regime"] == "proportional" and draw(st.booleans()):
        to_whom["key"] = _elapsed_rows(draw, step, to_whom["key"])
    how_much = _how_much(draw, what, step, listed, grain) | {"recover": recover}
    if to_whom.get("apportion") or recover:
        how_much.pop("smoothing", None)
    if (
        to_whom["regime"] == "proportional"
        and not to_whom.get("apportion")
        and grain != "line"
        and all(cap["measured_on"] == "receipts" for cap in within["caps"])
    ):
        _bands(draw, to_whom)
    if money and grain != "line" and draw(st.integers(0, 2)) == 0:
        within["budget"] = _budget(draw, to_whom, within["caps"])
    if (
        money
        and not recover
        and not to_whom.get("bands")
        and not to_whom.get("apportion")
        and not how_much["retention"]
        and draw(st.integers(0, 3)) == 0
    ):
        rates = st.sampled_from(["1/4", "3/20", "0", "1"])
        how_much["own_rates"] = {role: draw(rates) for role in _credited(to_whom)}
    guarantees = money and not listed and grain != "line" and draw(st.integers(0, 2)) == 0
    return {
        "number": number,
        "title": {"zh": f"第{number}项分成", "en": f"sharing {number}"},
        "what": what,
        "whose": _whose(draw, listed),
        "when": when,
        "how_much": how_much,
        "to_whom": to_whom,
        "within": within | ({"floor": _floor(draw, step)} if guarantees else {}),
        "then": _then(draw, step, listed and grain != "clause", money),
        "rounding": {
            "grain": grain,
            "mode": draw(_modes),
            "remainder_to": draw(st.sampled_from(_credited(to_whom))),
        },
        "examples": [_example(what, step, listed, to_whom)],
    }


def _apportion(draw: Draw, to_whom: Json) -> None:
    """The last role's share is divided by factors instead of going to it."""
    roles = draw(st.sampled_from([["host", "origin"], ["host", "origin", "third"], ["origin", "third"]]))
    for row in to_whom["key"]:
        parts = _parts_of(row)
        parts["branches"] = parts.pop(max(parts))
    weights: Json = draw(
        st.sampled_from(
            [{"revenue": "1"}, {"revenue": "7/20", "payroll": "13/20"}, {"area": "1/10", "wages": "9/10"}]
        )
    )
    values = st.sampled_from(["0", "0", "1.5", "2", "3.5", "10"])
    to_whom["apportion"] = {
        "share_of": "branches",
        "weights": weights,
        "factor_year": draw(st.sampled_from(["same", "previous", "two_before"])),
        "zero_denominator": draw(st.sampled_from(["drop_factor", "equal"])),
        "round_down_to": draw(st.sampled_from([None, "2"])),
        "ratio_rounding": draw(
            st.none() | st.builds(_ratio_rounding, st.integers(1, 2), _modes, st.sampled_from(roles))
        ),
        "values": [
            {"year": year, "role": role, "values": {factor: draw(values) for factor in weights}}
            for year in range(2021, 2026)
            for role in roles
            if role == roles[0] or draw(st.booleans())
        ],
    }
    if not to_whom["apportion"]["ratio_rounding"]:
        # Exact ratios of five years and their sums would need a large denominator.
        to_whom["apportion"]["values"] = [
            row | {"values": dict.fromkeys(weights, draw(st.sampled_from(["0", "2", "4"])))}
            for row in to_whom["apportion"]["values"]
        ]
    named = sorted({row["role"] for row in to_whom["apportion"]["values"]})
    to_whom["apportion"]["entries"] = draw(
        st.dictionaries(st.sampled_from(named), _days(months=8).map(date.isoformat), max_size=2)
    )
    to_whom["apportion"]["exits"] = draw(
        st.dictionaries(st.sampled_from(named), _days(date(2023, 8, 1)).map(date.isoformat), max_size=2)
    )
    rounding = to_whom["apportion"]["ratio_rounding"]
    if rounding and rounding["remainder_to"] not in named:
        rounding["remainder_to"] = named[0]


def _ratio_rounding(places: int, mode: str, remainder_to: str) -> Json:
    return {"places": places, "mode": mode, "remainder_to": remainder_to}


def _bands(draw: Draw, to_whom: Json) -> None:
    """Now and then bands by amount instead of the key."""
    if draw(st.integers(0, 3)):
        return
    roles = sorted(_parts_of(to_whom.pop("key")[0]))
    limits = [0, *sorted(draw(st.sets(st.integers(1, 4_000), max_size=3)))]
    rows = [{"above": str(limit)} | _parts(draw, roles) for limit in limits]
    to_whom["bands"] = {"over": draw(st.sampled_from(["step", "year", "lifetime"])), "rows": rows}


def _elapsed_rows(draw: Draw, step: str, rows: list[Json]) -> list[Json]:
    """The rows in the same order, but by the time since the window's first day."""
    months = sorted(draw(st.sets(_months_of(step), min_size=len(rows), max_size=len(rows))))
    if draw(st.booleans()):
        months[0] = draw(st.sampled_from([None, 0]))
    return [
        {name: value for name, value in row.items() if name != "starts"} | {"after_months": elapsed}
        for row, elapsed in zip(rows, months, strict=True)
    ]


def _counts_time(when: Json) -> bool:
    """Whether there is a window whose first day doesn't wait for something to be shared."""
    return bool(when.get("window")) and not when["window"]["clock"].get("first_shared")


def _has_lifetime_cap(within: Json) -> bool:
    return any(cap["over"] == "lifetime" for cap in within.get("caps", ()))


def _credited(to_whom: Json) -> list[str]:
    rows = to_whom["bands"]["rows"] if to_whom.get("bands") else to_whom["key"]
    named = {role for row in rows for role in _parts_of(row)}
    if to_whom.get("apportion"):
        named |= {row["role"] for row in to_whom["apportion"]["values"]}
    return sorted(named - {"branches"})


def _parts_of(row: Json) -> Json:
    parts: Json = row.get("shares") or row["weights"]
    return parts


def _what(draw: Draw, mechanism: str) -> Json:
    if mechanism == "output_value":
        return {
            "mechanism": mechanism,
            "measures": [draw(st.sampled_from(INDICATORS))],
            "reported_by": "host",
        }
    names, deductible = (TAXES, ("incentive_paid",)) if mechanism == "tax" else (REVENUES, COSTS)
    return {
        "mechanism": mechanism,
        "measures": draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)),
        "deduct": draw(st.lists(st.sampled_from(deductible), max_size=1)),
        "reported_by": "host",
    }


def _whose(draw: Draw, listed: bool) -> Json:
    if not listed:
        return {"scope": "whole_park"}
    eligibility = draw(
        st.sampled_from(
            [
                None,
                None,
                {"pre_move_tax_average_at_least": "50.00"},
                {"cause_of_move": "government_led"},
                {"attributes": {"user_place": ["聊城", "德州"]}},
                {"referred_by": "origin", "pre_move_tax_average_at_least": "20.00"},
            ]
        )
    )
    return {"scope": "listed_enterprises", "eligibility": eligibility}


def _months_of(step: str) -> st.SearchStrategy[int]:
    return st.integers(1, 6).map(lambda count: count * 3) if step == "quarter" else st.integers(1, 18)


def _clock(draw: Draw, step: str, by_event: bool) -> Json:
    start: Json = {"day": draw(_days()).isoformat()}
    if draw(st.integers(0, 3)) == 0:
        start = {"occurrence": draw(st.sampled_from(OCCURRENCES))}
    if by_event and draw(st.booleans()):
        start = {"event": draw(st.sampled_from(["registration", "first_tax"]))}
    return start | {
        "offset_months": draw(st.sampled_from([0, 0, 3] if step == "quarter" else [0, 1, 5])),
        "begins": draw(st.sampled_from(["step_of_day", "next_step", "year_of_day", "next_year"])),
    }


def _window(draw: Draw, step: str, by_event: bool) -> Json:
    return {
        "clock": _clock(draw, step, by_event),
        "length_months": draw(st.none() | _months_of(step)),
        "ends_at": draw(st.sampled_from([[], ["moved_away"], ["deregistration", "moved_away"]]))
        if by_event
        else [],
    }


def _when(draw: Draw, step: str, listed: bool, has_cap: bool, recovers: bool) -> Json:
    if draw(st.integers(0, 2)) == 0:
        return {"step": step}
    window = _window(draw, step, listed)
    if recovers and draw(st.booleans()):
        window["clock"] |= {"day": None, "occurrence": None, "first_shared": True}
    if has_cap and window["length_months"] is not None and draw(st.booleans()):
        window["extension"] = {
            "condition": "cap_not_reached",
            "length_months": draw(_months_of(step)),
            "on_correction": draw(st.sampled_from(["hold", "reopen"])),
        }
    return {"step": step, "window": window}


def _how_much(draw: Draw, what: Json, step: str, listed: bool, grain: str) -> Json:
    how_much: Json = {}
    if what["mechanism"] != "output_value":
        how_much["retention"] = _retention(draw, what["measures"])
    if what["mechanism"] != "output_value" and draw(st.integers(0, 2)) == 0:
        how_much["rates"] = _rates(draw, listed)
    if grain != "line" and draw(st.booleans()):
        how_much["surplus"] = _surplus(draw, step, listed)
    if grain != "line" and draw(st.integers(0, 4)) == 0:
        how_much["smoothing"] = _smoothing(draw)
    return how_much


def _smoothing(draw: Draw) -> Json:
    return {"years": draw(st.integers(2, 4)), "missing_years": draw(st.sampled_from(["fewer", "zero"]))}


def _recover(draw: Draw) -> Json:
    days = sorted(draw(st.sets(_days(), min_size=1, max_size=3)))
    return {
        "to": draw(st.sampled_from(["origin", "third"])),
        "inputs": [{"starts": day.isoformat(), "amount": draw(_amounts(2_000))} for day in days],
        "yearly_return": draw(st.sampled_from([None, "1/20", "87/2000", "1"])),
    }


def _rates(draw: Draw, listed: bool) -> list[Json]:
    rows = [{"where": {}, "rate": draw(st.sampled_from(["2/5", "1", "0"]))}]
    if listed:
        wheres = [{"user_place": ["聊城"]}, {"user_place": ["德州", "聊城"], "project_kind": ["a"]}]
        several = draw(st.lists(st.sampled_from(wheres), max_size=2))
        rows = [{"where": where, "rate": draw(st.sampled_from(["3/5", "1/7"]))} for where in several] + rows
    return rows if draw(st.booleans()) else rows[:1]


def _retention(draw: Draw, measures: list[str]) -> list[Json]:
    rows = []
    for measure in draw(st.lists(st.sampled_from(measures), max_size=2, unique=True)):
        for day in sorted(draw(st.sets(_days(), min_size=1, max_size=2))):
            kept = draw(st.lists(st.sampled_from(["1/2", "2/5", "7/10", "1", "1/3"]), min_size=1, max_size=2))
            tiers = [
                {"name": {"zh": f"第{i}级", "en": f"tier {i}"}, "kept": text} for i, text in enumerate(kept)
            ]
            rows.append({"starts": day.isoformat(), "measure": measure, "tiers": tiers})
    return rows


def _surplus(draw: Draw, step: str, listed: bool) -> Json:
    loss = draw(st.sampled_from(["forgotten", "carried", "shared"]))
    within_year = draw(st.sampled_from(["year_to_date", "pro_rata", "final_only", "same_quarter"]))
    if within_year == "same_quarter":
        if step == "month":
            within_year = "pro_rata"
        else:
            quarters = [draw(_amounts(900)) for _ in range(4)]
            return {"base_by_quarter": quarters, "within_year": within_year, "loss": loss}
    base: Json = {"base": draw(_amounts(2_000))}
    if listed and draw(st.booleans()):
        base = {"base_of_enterprise": True}
    return base | {"within_year": within_year, "loss": loss}


def _parts(draw: Draw, roles: list[str]) -> Json:
    if draw(st.integers(0, 3)):
        return {"shares": _shares(draw, roles)}
    rows: Any = WEIGHT_ROWS if len(roles) == 2 else THREE_WEIGHTS
    return {"weights": dict(zip(roles, draw(st.sampled_from(rows)), strict=True))}


def _shares(draw: Draw, roles: list[str]) -> Json:
    rows: Any = SHARE_ROWS if len(roles) == 2 else THREE_SHARES
    return dict(zip(roles, draw(st.sampled_from(rows)), strict=True))


def _to_whom(draw: Draw, money: bool) -> Json:
    regime = (
        "proportional" if money else draw(st.sampled_from(["proportional", "full_to_each", "full_to_one"]))
    )
    to_whom: Json = {"regime": regime, "otherwise": draw(st.sampled_from(["host", "third"]))}
    if not money:
        to_whom["in_place"] = "host"
    if regime != "proportional":
        roles = ["origin"] if regime == "full_to_one" else ["host", "origin"]
        return to_whom | {"key": [{"shares": dict.fromkeys(roles, "1")}]}
    roles = draw(st.sampled_from([["host", "origin"], ["host", "origin", "third"]]))
    rows: list[Json] = [{"starts": draw(st.sampled_from([None, None, "2023-02-15"]))} | _parts(draw, roles)]
    later = sorted(draw(st.sets(_days(date(2023, 3, 1)), max_size=2)))
    rows += [{"starts": day.isoformat()} | _parts(draw, roles) for day in later]
    return to_whom | {"key": rows}


def _within(draw: Draw, listed: bool, money: bool, roles: list[str]) -> Json:
    on_pool = range(draw(st.integers(0, 2)))
    on_receipts = range(draw(st.integers(0, 2)))
    capped = [None for _ in on_pool] + [draw(st.sampled_from(roles)) for _ in on_receipts]
    return {"caps": [_cap(draw, listed, money, role) for role in capped]}


def _budget(draw: Draw, to_whom: Json, caps: list[Json]) -> Json:
    """Of everything or of one party, as far as it is clear which amount that limits."""
    applied = draw(st.sampled_from(["before_caps", "after_caps"]))
    payers: list[str | None] = [*_credited(to_whom)]
    if not to_whom.get("bands") and (
        applied == "before_caps" or all(cap["measured_on"] == "pool" for cap in caps)
    ):
        payers += [None, None]
    days = sorted({date(2023, 1, 1), *draw(st.sets(_days(date(2023, 3, 1)), max_size=2))})
    return {
        "amounts": [{"starts": day.isoformat(), "amount": draw(_amounts(5_000))} for day in days],
        "payer": draw(st.sampled_from(payers)),
        "over": draw(st.sampled_from(["quarter", "year"])),
        "applied": applied,
        "within_period": "step_by_step",
        "order": draw(st.sampled_from(["pro_rata", "by_subject"])),
        "unused": "lapses",
        "excess_to": draw(st.sampled_from([None, "host", "third"])),
    }


def _floor(draw: Draw, step: str) -> Json:
    party, guarantor = draw(st.sampled_from([("origin", "host"), ("host", "third"), ("fund", "origin")]))
    return {
        "party": party,
        "from_party": guarantor,
        "yearly_amount": draw(_amounts(6_000)),
        "window": (draw(st.booleans()) and _window(draw, step, False)) or None,
        "tested": "final_only",
        "shortfall": draw(st.sampled_from(["topped_up", "waived", "carried"])),
    }


def _cap(draw: Draw, listed: bool, money: bool, capped: str | None) -> Json:
    limit: Json = {"amount": draw(_amounts(8_000))}
    if listed and money and draw(st.booleans()):
        limit = {"pre_move_tax_total": True}
    over: Json = draw(
        st.sampled_from(
            [
                {"over": "lifetime"},
                {"over": "year", "unused": "lapses"},
                {"over": "year", "unused": "carries"},
            ]
        )
    )
    if listed and "amount" in limit and over.get("unused") != "carries" and draw(st.booleans()):
        limit |= {"per": "controller", "order": "by_subject"}
    measured = {"measured_on": "receipts" if capped else "pool", "capped": capped}
    return limit | over | measured | {"excess_to": draw(st.sampled_from([None, "host", "third"]))}


def _then(draw: Draw, step: str, by_event: bool, money: bool) -> Json:
    routing: Json | None = None
    if money and draw(st.booleans()):
        window = draw(st.sampled_from([None, "window"]))
        routing = {
            "to": "fund",
            "part": draw(st.sampled_from(["1", "1/2", "1/3", "0"])),
            "window": window and _window(draw, step, by_event),
        }
    return {
        "routing": routing,
        "provisional": draw(st.sampled_from(["cash", "accrue"])),
        "negative": draw(st.sampled_from(["refund", "carry", "set_off"])),
        "netting": draw(st.booleans()),
        "form": draw(st.sampled_from([None, "direct", "year_end", "set_off"])) if money else None,
        "instalments": draw(st.sampled_from(INSTALMENTS)) if money else [],
        "interest": draw(st.sampled_from([[], [{"starts": "2024-01-01", "monthly_rate": "3/400"}]]))
        if money
        else [],
    }


def _example(what: Json, step: str, listed: bool, to_whom: Json) -> Json:
    measure = what["measures"][0]
    return {
        "title": {"zh": "示例", "en": "example"},
        "subjects": {"e1": {"events": {"registration": "2023-01-10"}}} if listed else {},
        "figures": [
            {
                "span": "2023-01" if step == "month" else "2023Q1",
                "measure": measure,
                "amount": "300",
                "subject": "e1" if listed else None,
            }
        ],
        "expect": [
            {
                "first": "2023Q1",
                "last": "2023Q1",
                "book": "cash" if what["mechanism"] != "output_value" else "assessment",
                "party": _credited(to_whom)[0],
                "amount": "0",
            }
        ],
    }


# --- facts ------------------------------------------------------------------------------------------------


@st.composite
def _subjects(draw: Draw, subject: int) -> Subject:
    events = draw(
        st.dictionaries(st.sampled_from([Event.REGISTRATION, Event.FIRST_TAX]), _days(months=12), max_size=2)
    ) | draw(
        st.dictionaries(
            st.sampled_from([Event.MOVED_AWAY, Event.DEREGISTRATION]), _days(date(2024, 1, 1)), max_size=1
        )
    )
    return Subject(
        subject=subject,
        name=f"e{subject}",
        events=events,
        pre_move_tax_minor=draw(
            st.dictionaries(st.sampled_from([2020, 2021, 2022]), st.integers(0, 20_000), max_size=3)
        ),
        cause_of_move=draw(st.sampled_from([None, CauseOfMove.GOVERNMENT_LED, CauseOfMove.MARKET])),
        referred_by=draw(st.sampled_from([None, "origin", "third"])),
        controller=draw(st.sampled_from([None, "甲集团", "甲集团", "乙集团"])),
        attributes=draw(
            st.dictionaries(
                st.sampled_from(["user_place", "project_kind"]), st.sampled_from(["聊城", "德州", "a"])
            )
        ),
        base_year_amount_minor=draw(st.none() | st.integers(0, 100_000)),
    )


def _lines(draw: Draw, raw: list[Json], most: int = 16) -> list[Line]:
    """Lines of the clauses' measures; of months where a clause that counts one is computed by month."""
    by_month = {name for clause in raw if clause["when"]["step"] == "month" for name in _measures(clause)}
    measures = sorted({name for clause in raw for name in _measures(clause)})
    return [_line(draw, measures, by_month) for _ in range(draw(st.integers(most // 4, most)))]


def _measures(clause: Json) -> list[str]:
    return [*clause["what"]["measures"], *clause["what"].get("deduct", [])]


def _line(draw: Draw, measures: list[str], by_month: set[str]) -> Line:
    measure = draw(st.sampled_from(measures))
    quarter = draw(st.sampled_from(list(quarters_between(FIRST, LAST))))
    span = Span.of_quarter(quarter)
    if measure in by_month or draw(st.booleans()):
        span = Span(add_months(quarter.start, draw(st.integers(0, 2))), 1)
    amount_minor = draw(st.integers(0, 300_000) | st.integers(-100_000, 300_000))
    return Line(draw(st.sampled_from((0, *SUBJECTS[:2], *SUBJECTS))), measure, span, amount_minor)


def _corrected(draw: Draw, lines: Any) -> list[Line]:
    return [
        replace(line, amount_minor=draw(st.integers(-100_000, 300_000)))
        if draw(st.integers(0, 3)) == 0
        else line
        for line in lines
    ]
