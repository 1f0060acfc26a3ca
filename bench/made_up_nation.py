"""A made-up nation: agreements of six rule shapes with their lists, and returns of any number of lines.

It is written straight into the tables, signatures left out: what is measured begins with the returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import Connection, text

from ledger.desk.copying import copy_rows
from ledger.desk.national.returns import NationalReturns
from ledger.evidence.canonical import canonical_bytes, digest
from ledger.measures import MEASURE_BY_ID, MEASURE_BY_NAME
from ledger.periods import Quarter, add_months
from ledger.rules.check import check, read_document
from ledger.rules.terms import Terms
from ledger_schema.ids import new_id, new_ids
from ledger_schema.sessions import Database
from ledger_schema.tables import (
    agreement,
    agreement_party,
    agreement_quarter,
    agreement_version,
    agreement_version_state,
    enterprise,
    event,
    party,
)

AGREEMENTS = 2_000
ENTERPRISES = 100_000
FIRST = Quarter(2024, 3)
DOCUMENT = "凭证-2024-0001"
ROLES = ("origin", "host", "fund")
SEED = 20_240_701

EVENT_KIND = "made_up_for_a_measurement"


def _clause(
    mechanism: str, measures: tuple[str, ...], shares: dict[str, str], **parts: Any
) -> dict[str, Any]:
    book = "assessment" if mechanism == "output_value" else "cash"
    span = "2024-07" if parts.get("step") == "month" else "2024Q3"
    return {
        "number": 1,
        "title": {"zh": "分成", "en": "Sharing"},
        "what": {
            "mechanism": mechanism,
            "measures": measures,
            "deduct": [],
            "reported_by": "host",
        },
        "whose": {"scope": "listed_enterprises"},
        "when": {"step": parts.get("step", "quarter"), "window": parts.get("window")},
        "how_much": parts.get("how_much", {}),
        "to_whom": {
            "regime": parts.get("regime", "proportional"),
            "key": [{"shares": shares}],
            "otherwise": "host",
            "in_place": "host" if book == "assessment" else None,
        },
        "within": parts.get("within", {}),
        "then": {
            "routing": parts.get("routing"),
            "provisional": "cash",
            "negative": "refund",
            "netting": False,
        },
        "rounding": {"grain": parts.get("grain", "subject"), "mode": "half_up", "remainder_to": "host"},
        "examples": [
            {
                "title": {"zh": "零", "en": "Nothing"},
                "figures": [{"span": span, "measure": measures[0], "amount": "0"}],
                "expect": [
                    {"first": "2024Q3", "last": "2024Q3", "book": book, "party": "host", "amount": "0"}
                ],
            }
        ],
    }


def _tiers(measure: str, *kept: str) -> dict[str, Any]:
    tiers = [{"name": {"zh": f"第{i}级", "en": f"Tier {i}"}, "kept": one} for i, one in enumerate(kept)]
    return {"starts": "2019-01-01", "measure": measure, "tiers": tiers}


@dataclass(frozen=True)
class RuleShape:
    """A kind of agreement; ``figures`` are the measure and months of the lines that a subject has."""

    name: str
    clause: dict[str, Any]
    figures: tuple[tuple[str, int], ...]


SHAPES = (
    RuleShape(
        "plain shares",
        _clause("tax", ("retained_tax",), {"origin": "1/2", "host": "1/2"}),
        (("retained_tax", 3),),
    ),
    RuleShape(
        "retention table and fund",
        _clause(
            "tax",
            ("vat", "cit"),
            {"origin": "2/5", "host": "1/2", "fund": "1/10"},
            how_much={"retention": [_tiers("vat", "1/2", "4/5"), _tiers("cit", "2/5", "3/4")]},
            routing={"to": "fund", "part": "1/5"},
        ),
        (("vat", 3), ("cit", 3)),
    ),
    RuleShape(
        "cap with window and extension",
        _clause(
            "tax",
            ("retained_tax",),
            {"origin": "1/2", "host": "1/2"},
            window={
                "clock": {"event": "first_tax", "begins": "next_step"},
                "length_months": 36,
                "extension": {
                    "condition": "cap_not_reached",
                    "length_months": 24,
                    "on_correction": "hold",
                },
            },
            within={
                "caps": [
                    {
                        "pre_move_tax_total": True,
                        "over": "lifetime",
                        "measured_on": "receipts",
                        "capped": "origin",
                        "excess_to": "host",
                    }
                ]
            },
        ),
        (("retained_tax", 3),),
    ),
    RuleShape(
        "surplus over each enterprise's base",
        _clause(
            "tax",
            ("retained_tax",),
            {"origin": "1/3", "host": "2/3"},
            how_much={"surplus": {"base_of_enterprise": True, "within_year": "pro_rata", "loss": "carried"}},
        ),
        (("retained_tax", 3),),
    ),
    RuleShape(
        "output value in two books",
        _clause(
            "output_value",
            ("industrial_output",),
            {"origin": "1", "host": "1"},
            regime="full_to_each",
        ),
        (("industrial_output", 3),),
    ),
    RuleShape(
        "co-built revenue by month",
        _clause(
            "development_revenue",
            ("rent",),
            {"origin": "1/4", "host": "3/4"},
            step="month",
            grain="clause",
            how_much={"surplus": {"base": "100000", "within_year": "year_to_date", "loss": "shared"}},
        ),
        (("rent", 1), ("rent", 1), ("rent", 1)),
    ),
)


@dataclass(frozen=True)
class Nation:
    """Its agreements by id with their shape, and the enterprises that lists are drawn from."""

    agreement_ids: list[int]
    enterprise_ids: list[int]
    listed: list[int]
    """How many enterprises each agreement lists: the first ones from its place in the enterprises."""

    def shape(self, place: int) -> RuleShape:
        return SHAPES[place % len(SHAPES)]

    def subjects(self, place: int) -> list[int]:
        begin = (place * 41) % (ENTERPRISES - max(self.listed))
        return self.enterprise_ids[begin : begin + self.listed[place]]


def found(database: Database, lines: int) -> Nation:
    """Writes the agreements and lists for about ``lines`` lines a quarter."""
    per_agreement = lines / AGREEMENTS
    listed = [
        max(1, round(per_agreement / len(SHAPES[place % len(SHAPES)].figures))) for place in range(AGREEMENTS)
    ]
    nation = Nation(new_ids(AGREEMENTS).tolist(), new_ids(ENTERPRISES).tolist(), listed)
    with database.owner() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        _write_agreements(connection, nation)
        _write_lists(connection, nation)
    return nation


def _write_agreements(connection: Connection, nation: Nation) -> None:
    event_id = new_id()
    content = canonical_bytes({"made": "up"})
    copy_rows(
        connection,
        event,
        ("event_id", "kind", "actor", "canonical", "hash"),
        [(event_id, EVENT_KIND, "bench", content, digest(content))],
    )
    parties = [new_ids(len(ROLES)).tolist() for _ in nation.agreement_ids]
    places = list(enumerate(nation.agreement_ids))
    copy_rows(
        connection,
        party,
        ("party_id", "code", "kind", "name_zh", "source"),
        [
            (parties[place][index], _party_code(place, role), "zone", f"园区{place}{role}", "made up")
            for place, _ in places
            for index, role in enumerate(ROLES)
        ],
    )
    copy_rows(
        connection,
        agreement,
        ("agreement_id", "code", "kind", "title_zh", "title_en", "source", "unverified"),
        [
            (agreement_id, _code(place), "enclave", "共建协议", "Agreement", "made up", "all of it")
            for place, agreement_id in places
        ],
    )
    copy_rows(
        connection,
        agreement_party,
        ("agreement_id", "role", "party_id", "signs"),
        [
            (agreement_id, role, parties[place][index], role != "fund")
            for place, agreement_id in places
            for index, role in enumerate(ROLES)
        ],
    )
    contents = [_terms_bytes(place, nation.shape(place)) for place, _ in places]
    copy_rows(
        connection,
        agreement_version,
        ("agreement_id", "version", "terms", "terms_hash", "in_force_from"),
        [
            (agreement_id, 1, contents[place], digest(contents[place]), FIRST.code)
            for place, agreement_id in places
        ],
    )
    copy_rows(
        connection,
        agreement_version_state,
        ("agreement_id", "version", "state", "event_id"),
        [(agreement_id, 1, "in_force", event_id) for _, agreement_id in places],
    )
    copy_rows(
        connection,
        agreement_quarter,
        ("agreement_id", "quarter", "state"),
        [(agreement_id, FIRST.code, "open") for _, agreement_id in places],
    )
    connection.execute(
        text(
            "INSERT INTO enterprise_list (agreement_id, version, compiled_by, event_id) "
            "SELECT agreement_id, 1, 'origin', :event FROM agreement"
        ),
        {"event": event_id},
    )
    connection.execute(
        text(
            "INSERT INTO enterprise_list_confirmation (agreement_id, version, role, event_id) "
            "SELECT agreement_id, 1, role, :event FROM agreement_party WHERE signs"
        ),
        {"event": event_id},
    )


def _write_lists(connection: Connection, nation: Nation) -> None:
    copy_rows(
        connection,
        enterprise,
        ("enterprise_id", "credit_code", "name_zh"),
        [(one, f"91{place:016d}", f"企业{place}") for place, one in enumerate(nation.enterprise_ids)],
    )
    connection.execute(
        text("""
            INSERT INTO enterprise_list_entry (agreement_id, version, enterprise_id, name_zh, attributes)
            SELECT agreement_id, 1, enterprise_id, '企业', jsonb_build_object(
                'events', jsonb_build_object('first_tax', date '2020-01-01' + (enterprise_id % 1500)::int),
                'pre_move_tax', jsonb_build_object('2021', (enterprise_id % 900000)::text,
                                                   '2022', (enterprise_id % 800000)::text),
                'base_year_amount', (enterprise_id % 2000000)::text)
            FROM unnest(cast(:agreements AS bigint[]), cast(:begins AS int[]), cast(:counts AS int[]))
                AS chosen (agreement_id, begins, counts)
            CROSS JOIN LATERAL unnest((cast(:enterprises AS bigint[]))[begins + 1:begins + counts])
                AS enterprise_id
        """),
        {
            "agreements": nation.agreement_ids,
            "begins": [(place * 41) % (ENTERPRISES - max(nation.listed)) for place in range(AGREEMENTS)],
            "counts": nation.listed,
            "enterprises": nation.enterprise_ids,
        },
    )


def _terms_bytes(place: int, shape: RuleShape) -> bytes:
    terms = Terms.model_validate(
        {
            "agreement": _code(place),
            "roles": {role: _party_code(place, role) for role in ROLES},
            "in_force_from": str(FIRST),
            "transition": "by_step",
            "clauses": [shape.clause],
        },
        strict=False,
    )
    return canonical_bytes(terms.model_dump(mode="json"))


def _code(place: int) -> str:
    return f"N-{place:05d}"


def _party_code(place: int, role: str) -> str:
    return f"N-{place:05d}-{role}"


# --- returns ----------------------------------------------------------------------------------------------


def returns_of(nation: Nation, quarter: Quarter) -> NationalReturns:
    """A return of the host of every agreement, with random amounts."""
    chance = np.random.default_rng(SEED + quarter.code)
    subjects, measures, months, offsets, bounds = [], [], [], [], [0]
    for place in range(AGREEMENTS):
        listed = np.array(nation.subjects(place), np.int64)
        for index, (measure, length) in enumerate(nation.shape(place).figures):
            subjects.append(listed)
            measures.append(np.full(len(listed), MEASURE_BY_NAME[measure].measure_id))
            months.append(np.full(len(listed), length))
            offsets.append(np.full(len(listed), index if length == 1 else 0))
        bounds.append(bounds[-1] + len(listed) * len(nation.shape(place).figures))
    first_days = np.array([add_months(quarter.start, offset) for offset in range(3)], "datetime64[D]")
    measure_id = np.concatenate(measures)
    amount_minor = chance.integers(-50_000, 5_000_000_00, bounds[-1])
    return NationalReturns(
        slots=[(agreement_id, "host") for agreement_id in nation.agreement_ids],
        bounds=bounds,
        totals_minor=[
            _totals(measure_id[begin:end], amount_minor[begin:end]) for begin, end in pairwise(bounds)
        ],
        documents=[DOCUMENT] * AGREEMENTS,
        subject=np.concatenate(subjects),
        measure_id=measure_id,
        starts=first_days[np.concatenate(offsets)],
        months=np.concatenate(months),
        amount_minor=amount_minor,
    )


def _totals(measure_id: Any, amount_minor: Any) -> dict[str, int]:
    return {
        MEASURE_BY_ID[one].name: int(amount_minor[measure_id == one].sum())
        for one in np.unique(measure_id).tolist()
    }


def refuse_faulty_shapes() -> None:
    """The shapes must be terms that could be signed."""
    for place, shape in enumerate(SHAPES):
        terms, faults = read_document(_terms_bytes(place, shape).decode())
        found_faults = faults if terms is None else check(terms)
        if found_faults:
            raise ValueError(f"{shape.name}: {found_faults[0].message_en}")
