"""Only what the sides accept settles: what a decision changes, in which quarter, and by exactly how much."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from desk_fixtures import Document, clause, enterprise, open_room
from reconciliation_fixtures import HOST, ORIGIN, Desk, open_desk, procedure

from ledger.desk import national, settlements
from ledger.desk.acts import Act
from ledger.desk.reconciliation.ladder import Key, excepted_of
from ledger.desk.returns import LineDraft
from ledger.desk.settlements import StaleSettlement
from ledger.desk.settlements.explanations import explanation
from ledger.desk.settlements.replays import Inputs
from ledger.desk.statements import Statement, render_statement, statement, statement_csv, statement_json
from ledger.periods import Quarter, Span
from ledger_schema.sessions import Database

CAP: Document = {
    "amount": "100.00",
    "over": "lifetime",
    "measured_on": "receipts",
    "capped": "origin",
    "excess_to": "host",
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.dispose()


def kinds(desk: Desk, settlement_id: int) -> list[tuple[str, str]]:
    with desk.database.reading() as connection:
        causes = settlements.settlement(connection, desk.agreement_id, settlement_id).causes
    return [(cause.kind, str(cause.quarter)) for cause in causes]


def inputs_of(desk: Desk, settlement_id: int) -> Inputs:
    with desk.database.reading() as connection:
        return settlements.settlement(connection, desk.agreement_id, settlement_id).inputs


def test_a_line_in_dispute_waits_outside_the_settlement_and_arrives_as_a_cause_of_its_own(
    database: Database,
) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    first = desk.settle("2024Q1")
    assert desk.room.shares(first) == {}
    desk.escalate(number, ORIGIN)
    desk.arbitrate(number, "130.00")
    desk.hand_in("2024Q2", "20.00", "20.00")
    second = desk.settle("2024Q2")
    assert kinds(desk, second) == [("reconciliation", "2024Q1"), ("quarter", "2024Q2")]
    assert desk.room.shares(second, cause=1) == {"origin": "65.00", "host": "65.00"}
    assert desk.room.shares(second, cause=2) == {"origin": "10.00", "host": "10.00"}
    with database.reading() as connection:
        (cause, _) = settlements.settlement(connection, desk.agreement_id, second).causes
    assert (cause.reference, cause.title_zh) == (f"host/{number}", f"2024年第一季度对账第{number}号（乙区）")


def test_lines_that_agree_or_are_explained_settle_at_once_at_the_figure_of_record(
    database: Database,
) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "99.50")
    assert desk.room.shares(desk.settle("2024Q1")) == {"origin": "50.00", "host": "50.00"}
    desk.hand_in("2024Q2", "100.00", "40.00")
    number = desk.explain("2024Q2", HOST, "refund")
    assert desk.room.shares(desk.room.compute("2024Q2")) == {}
    desk.accept(number, ORIGIN)
    assert desk.room.shares(desk.settle("2024Q2")) == {"origin": "50.00", "host": "50.00"}


@pytest.mark.parametrize(
    ("unanswered", "shares"), [("withheld", {}), ("accepted", {"origin": "50.00", "host": "50.00"})]
)
def test_what_the_other_side_says_nothing_about_waits_or_counts_as_the_terms_say(
    database: Database, unanswered: str, shares: dict[str, str]
) -> None:
    desk = open_desk(database, terms=procedure(unanswered))
    desk.room.hand_in("2024Q1", "100.00")
    assert desk.room.shares(desk.settle("2024Q1")) == shares


def test_a_late_return_of_the_other_side_releases_what_was_unanswered(database: Database) -> None:
    desk = open_desk(database)
    desk.room.hand_in("2024Q1", "100.00")
    desk.settle("2024Q1")
    desk.room.hand_in("2024Q1", "100.00", role="origin")
    desk.hand_in("2024Q2", None, None)
    second = desk.settle("2024Q2")
    assert kinds(desk, second)[0] == ("reconciliation", "2024Q1")
    assert desk.room.shares(second, cause=1) == {"origin": "50.00", "host": "50.00"}


def test_a_corrected_return_of_record_ends_the_dispute_and_both_causes_are_named(
    database: Database,
) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "150.00")
    desk.dispute("2024Q1", ORIGIN)
    desk.settle("2024Q1")
    desk.hand_in("2024Q2", None, None)
    desk.room.hand_in("2024Q1", "150.00")
    second = desk.settle("2024Q2")
    assert kinds(desk, second) == [
        ("correction", "2024Q1"),
        ("reconciliation", "2024Q1"),
        ("quarter", "2024Q2"),
    ]
    assert desk.room.shares(second, cause=1) == {}
    assert desk.room.shares(second, cause=2) == {"origin": "75.00", "host": "75.00"}


def test_two_decisions_about_one_quarter_are_two_causes(database: Database) -> None:
    desk = open_desk(database, clause(), clause(2, measures=("vat",)))
    for role, vat in (("host", "10.00"), ("origin", "30.00")):
        tax = "100.00" if role == "host" else "300.00"
        desk.room.hand_in_figures(
            "2024Q1", {("retained_tax", "2024Q1"): tax, ("vat", "2024Q1"): vat}, role=role
        )
    keys = [group.parts[0].key for group in desk.report("2024Q1").groups]
    numbers = [desk.dispute("2024Q1", ORIGIN, key) for key in keys]
    desk.settle("2024Q1")
    for number in numbers:
        desk.propose(number, HOST, "20.00")
        desk.accept(number, ORIGIN)
    for role in ("host", "origin"):
        desk.room.hand_in("2024Q2", None, role=role)
    second = desk.settle("2024Q2")
    assert [kind for kind, _ in kinds(desk, second)] == ["reconciliation", "reconciliation", "quarter"]
    assert [desk.room.shares(second, cause=cause) for cause in (1, 2)] == [
        {"origin": "10.00", "host": "10.00"}
    ] * 2


def test_a_disputed_line_never_eats_a_cap_and_once_accepted_changes_later_quarters_as_a_replay_does(
    database: Database,
) -> None:
    """100 a lifetime to the origin: 60 disputed in the first quarter leaves the cap to the later ones."""
    capped = clause(within={"caps": [CAP]})
    desk = open_desk(database, capped)
    undisputed = Desk(open_room(database, capped, roles=("origin", "host", "province"), code="B-1"))
    desk.hand_in("2024Q1", "120.00", "999.00")
    number = desk.dispute("2024Q1", ORIGIN)
    assert desk.room.shares(desk.settle("2024Q1")) == {}
    desk.hand_in("2024Q2", "160.00", "160.00")
    assert desk.room.shares(desk.settle("2024Q2")) == {"origin": "80.00", "host": "80.00"}
    desk.propose(number, ORIGIN, "120.00")
    desk.accept(number, HOST)
    desk.hand_in("2024Q3", "50.00", "50.00")
    third = desk.settle("2024Q3")
    assert kinds(desk, third)[0] == ("reconciliation", "2024Q1")
    for quarter, amount in (("2024Q1", "120.00"), ("2024Q2", "160.00")):
        undisputed.room.settle(quarter, amount)
    expected = figures(undisputed, "2024Q2")
    before = figures(desk, "2024Q2", without=third)
    change = {slot: expected.get(slot, 0) - before.get(slot, 0) for slot in expected.keys() | before.keys()}
    booked = figures(desk, "2024Q2", only=third, cause=1)
    assert booked == {slot: amount for slot, amount in change.items() if amount}
    assert {quarter for quarter, _ in booked} == {"2024Q1", "2024Q2"}


def figures(
    desk: Desk, through: str, *, without: int = 0, only: int = 0, cause: int | None = None
) -> dict[tuple[str, str], int]:
    """What is booked about each quarter for each role, in closed settlements."""
    with desk.database.reading() as connection:
        closed = settlements.closed_settlements(connection, desk.agreement_id)
    roles = {desk.room.party_id(role): role for role in desk.room.roles}
    found: dict[tuple[str, str], int] = {}
    for one in closed:
        if one.settlement_id == without or only not in (0, one.settlement_id):
            continue
        for allocated in desk.room.allocations(one.settlement_id):
            if cause in (None, allocated.cause) and allocated.quarter <= Quarter.parse(through):
                slot = str(allocated.quarter), roles[allocated.party_id]
                found[slot] = found.get(slot, 0) + allocated.amount_minor
    return {slot: amount for slot, amount in found.items() if amount}


def test_a_decision_after_computing_makes_the_settlement_stale(database: Database) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "100.00")
    computed = desk.room.compute("2024Q1")
    number = desk.withhold("2024Q1", HOST)
    with pytest.raises(StaleSettlement):
        desk.room.close("2024Q1", computed)
    desk.release(number, HOST)
    desk.room.close("2024Q1", computed)


def test_a_preview_sees_what_waits(database: Database) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "150.00")
    with database.reading() as connection:
        draft = settlements.preview(connection, desk.agreement_id)
    assert draft.allocations == []
    ((_, one),) = draft.inputs.excepted.items()
    assert (one.record_minor, one.against_minor, one.counts_minor, one.item) == (10000, 15000, None, None)


def test_what_is_excepted_is_stored_with_the_settlement_and_only_where_there_is_something(
    database: Database,
) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "150.00")
    desk.dispute("2024Q1", ORIGIN)
    first = inputs_of(desk, desk.settle("2024Q1"))
    assert Inputs.parse(first.canonical()) == first
    assert json.loads(first.canonical())["excepted"] == [
        {
            "quarter": "2024Q1",
            "role": "host",
            "subject": "0",
            "measure": "retained_tax",
            "span": "2024Q1",
            "record": "10000",
            "against": "15000",
            "counts": None,
            "item": 1,
        }
    ]
    desk.room.hand_in("2024Q1", "100.00", role="origin")
    desk.hand_in("2024Q2", "10.00", "10.00")
    second = inputs_of(desk, desk.settle("2024Q2"))
    assert "excepted" not in json.loads(second.canonical())


def test_the_explanation_of_an_amount_names_the_agreed_figure_and_what_was_left_out(
    database: Database,
) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    desk.settle("2024Q1")
    desk.propose(number, ORIGIN, "120.00")
    desk.accept(number, HOST)
    desk.hand_in("2024Q2", None, None)
    second = desk.settle("2024Q2")
    with database.reading() as connection:
        found = explanation(connection, desk.agreement_id, second, 1, 1, 0, Quarter(2024, 1))
    assert found.after is not None
    assert [step.document for step in found.after.steps if step.code == "figure"] == [f"对账第{number}号"]
    assert [(one.counts_minor, one.item) for one in found.excepted_before.values()] == [(None, number)]
    assert [(one.counts_minor, one.item) for one in found.excepted_after.values()] == [(12000, number)]


def test_what_the_database_finds_to_differ_is_what_comparing_every_line_finds(database: Database) -> None:
    """Lines that agree, differ, are missing, are summed up, and one that agrees and is withheld."""
    whose = clause(whose={"scope": "listed_enterprises"}, what={"measures": ("vat", "cit")})
    whose["examples"][0] |= {"subjects": {"a": {}}}
    whose["examples"][0]["figures"][0] |= {"subject": "a", "measure": "vat"}
    desk = open_desk(database, whose)
    desk.room.confirm_list(*(enterprise(place) for place in range(1, 8)))
    codes = [enterprise(place).credit_code for place in range(1, 8)]
    figures_of = {
        "host": [(0, "2024Q1", 1), (1, "2024Q1", 2), (2, "2024Q1", 3), (3, "2024-01", 4), (3, "2024-02", 5)],
        "origin": [(0, "2024Q1", 1), (1, "2024Q1", 9), (3, "2024Q1", 9), (4, "2024Q1", 6)],
    }
    for role, rows in figures_of.items():
        alike = [LineDraft(codes[place], "cit", "2024-03", "7.00", "凭证") for place in (5, 6)]
        lines = [LineDraft(codes[place], "vat", span, f"{yuan}.00", "凭证") for place, span, yuan in rows]
        desk.room.hand_in_lines("2024Q1", [*lines, *alike], role=role)
    desk.withhold("2024Q1", HOST, Key(desk.enterprise_ids()["企业6"], "cit", Span.parse("2024-03")))
    report = desk.report("2024Q1")
    with database.reading() as connection:
        found = settlements.preview(connection, desk.agreement_id).inputs.excepted
    assert {key.line: one for key, one in found.items()} == excepted_of(report.groups)
    assert len(found) == 4
    assert {key[:2] for key in found} == {(Quarter(2024, 1), "host")}


# --- what people see --------------------------------------------------------------------------------------


def test_a_statement_shows_what_waits_outside_it_until_nothing_does(database: Database) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    desk.settle("2024Q1")
    shown = statement_of(desk, "2024Q1")
    (one,) = shown.differences
    assert (one.record_minor, one.against_minor, one.difference_minor, one.item) == (10000, 15000, -5000, 1)
    assert shown.clauses[0].base_lines == []
    text = render_statement(shown, "zh")
    assert "未决差异（未纳入结算）" in text
    assert "150.00  -50.00  元    第1号" in text
    assert json.loads(statement_json(shown))["differences"][0]["difference"] == "-50.00"
    assert "open difference" in statement_csv(shown, "en").decode("utf-8-sig")
    desk.propose(number, ORIGIN, "120.00")
    desk.accept(number, HOST)
    desk.hand_in("2024Q2", "10.00", "10.00")
    desk.settle("2024Q2")
    after = statement_of(desk, "2024Q2")
    assert after.differences == []
    assert [
        (line.cause, line.previous_minor, line.amount_minor, line.document)
        for line in after.clauses[0].base_lines
    ] == [(1, 0, 12000, "对账第1号"), (2, None, 1000, "凭证-1")]
    assert "Open differences" not in render_statement(after, "en")


def test_a_line_that_only_the_other_side_has_is_shown_too(database: Database) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", None, "50.00")
    desk.settle("2024Q1")
    (one,) = statement_of(desk, "2024Q1").differences
    assert (one.record_minor, one.against_minor, one.difference_minor) == (None, 5000, -5000)


def test_a_correction_and_what_it_leaves_in_dispute_are_shown_under_their_own_causes(
    database: Database,
) -> None:
    desk = open_desk(database)
    desk.hand_in("2024Q1", "100.00", "100.00")
    desk.settle("2024Q1")
    desk.hand_in("2024Q2", None, None)
    desk.room.hand_in("2024Q1", "130.00")
    desk.settle("2024Q2")
    lines = statement_of(desk, "2024Q2").clauses[0].base_lines
    assert [(line.cause, line.previous_minor, line.amount_minor) for line in lines] == [
        (1, 10000, 13000),
        (2, 13000, 0),
    ]


def test_a_national_run_leaves_what_is_compared_to_the_one_by_one_path_and_says_why(
    database: Database,
) -> None:
    desk = open_desk(database)
    plain = open_room(database, code="B-1")
    plain.hand_in("2024Q1", "100.00")
    desk.hand_in("2024Q1", "100.00", "150.00")
    done = national.compute_quarter(database, Act("national"), Quarter(2024, 1)).value
    (single,) = done.one_by_one
    assert (single.agreement_id, single.reasons, single.failure) == (
        desk.agreement_id,
        ("reconciliation",),
        None,
    )
    assert list(done.computed) == [plain.agreement_id]
    assert desk.room.allocations(done.settlements[desk.agreement_id]) == []


def statement_of(desk: Desk, quarter: str) -> Statement:
    with desk.database.reading() as connection:
        return statement(connection, desk.agreement_id, Quarter.parse(quarter))
