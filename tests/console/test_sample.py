"""The sample once loaded: quarters that are settled, worked through and paid for, and one that is open."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ledger.desk import agreements as desk_agreements
from ledger.desk import (
    bundles,
    commitments,
    fsck,
    log,
    payments,
    reconciliation,
    reviews,
    roster,
    sharing,
    statements,
)
from ledger.desk import settlements as desk_settlements
from ledger.desk.calendar import Task, worklist
from ledger.desk.days import today
from ledger.desk.documents import document
from ledger.desk.duties import duties
from ledger.desk.enterprises import enterprises_by_id
from ledger.desk.log import LogFiles
from ledger.desk.payments import LegState
from ledger.desk.reconciliation.ladder import Outcome
from ledger.desk.returns import current_filings, filings
from ledger.desk.settlements import Allocation
from ledger.desk.settlements.replays import Cause
from ledger.desk.statements import JournalForm
from ledger.evidence.bundles import Bundle
from ledger.periods import Quarter, quarters_between
from ledger.rules.terms import Book
from ledger_console.sample import documents
from ledger_console.sample.demo_keys import LABEL, DemoKeys, DemoKeyUnreadable
from ledger_console.sample.documents import FIRST_QUARTER, LAST_QUARTER, SampleAgreement
from ledger_console.sample.figures import begun_returns_of, returns_of
from ledger_console.sample.load import SHOWN_AGREEMENT, SHOWN_QUARTER, Loaded, is_wanted, load_sample
from ledger_schema.sessions import Database
from ledger_schema.tables import event, metadata, party_key, posting
from tests.accounting import (
    beancount_complaint,
    hledger_complaint,
    needs_chinese_font,
    needs_hledger,
)
from tests.console.samples import AGREEMENTS, agreement_named

AFTER_THE_YEAR = date(2026, 6, 1)

# --- loading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoadedLedger:
    database: Database
    keys: DemoKeys
    loaded: Loaded
    reported: list[str]
    wanted: list[bool]


@pytest.fixture(scope="module")
def ledger(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedLedger]:
    """The sample, loaded in two goes: the first one stops between two signatures of one agreement."""
    folder = tmp_path_factory.mktemp("keys")
    database, keys = Database(module_database_url), DemoKeys(folder)
    broken = folder / "HTZ002.key"
    broken.write_text("not a key")
    wanted = [is_wanted(database)]
    with pytest.raises(DemoKeyUnreadable):
        load_sample(database, keys, lambda _line: None)
    wanted.append(is_wanted(database))
    broken.unlink()
    reported: list[str] = []
    loaded = load_sample(database, keys, reported.append)
    wanted.append(is_wanted(database))
    yield LoadedLedger(database, keys, loaded, reported, wanted)
    database.dispose()


def test_load_that_was_interrupted_goes_on_from_where_it_stopped(ledger: LoadedLedger) -> None:
    codes = [agreement.code for agreement in documents.agreements()]
    assert list(ledger.loaded.agreement_ids) == codes
    remaining = len(codes) - codes.index("BINHAI-ZGC")
    assert ledger.loaded.closed_count == 8 * remaining
    assert len(ledger.reported) == 1 + len(codes)


def test_sample_is_wanted_by_an_empty_ledger_and_after_an_interruption_but_not_once_it_is_there(
    ledger: LoadedLedger,
) -> None:
    assert ledger.wanted == [True, True, False]


def test_loading_again_changes_nothing(ledger: LoadedLedger) -> None:
    before = _row_counts(ledger.database)
    again = load_sample(ledger.database, ledger.keys, ledger.reported.append)
    assert again == Loaded(ledger.loaded.agreement_ids, 0)
    assert _row_counts(ledger.database) == before


@AGREEMENTS
def test_every_quarter_of_the_two_years_is_closed(ledger: LoadedLedger, agreement: SampleAgreement) -> None:
    agreement_id = ledger.loaded.agreement_ids[agreement.code]
    with ledger.database.reading() as connection:
        settled = desk_settlements.settlements(connection, agreement_id)
        open_quarter = desk_agreements.open_quarter(connection, agreement_id)
    closed = [settlement.booked_quarter for settlement in settled if settlement.is_closed]
    assert sorted(closed) == list(quarters_between(FIRST_QUARTER, LAST_QUARTER))
    assert open_quarter == LAST_QUARTER.next


@AGREEMENTS
def test_returns_are_taken_as_they_were_made(ledger: LoadedLedger, agreement: SampleAgreement) -> None:
    agreement_id = ledger.loaded.agreement_ids[agreement.code]
    counting = {begun.role for begun in agreement.figures.begun if begun.is_certified}
    begun = begun_returns_of(agreement)
    newest = {
        (each.quarter, each.role): each
        for each in (*returns_of(agreement), *(one for one in begun if one.role in counting))
    }
    with ledger.database.reading() as connection:
        taken = filings(connection, agreement_id)
        current = current_filings(connection, agreement_id)
    assert len(taken) == len(returns_of(agreement)) + len(begun)
    assert {place: filing.totals for place, filing in current.items()} == {
        place: each.totals_minor for place, each in newest.items()
    }
    assert all((filing.file_name is None) == (agreement.handed_in_by == "lines") for filing in taken)


def test_every_entry_balances_per_commodity_and_book(ledger: LoadedLedger) -> None:
    entry = (posting.c.agreement_id, posting.c.booked_quarter, posting.c.settlement_id, posting.c.entry)
    amount_minor = func.sum(posting.c.amount_minor)
    with ledger.database.reading() as connection:
        sums = connection.execute(
            select(amount_minor).group_by(*entry, posting.c.book_id, posting.c.commodity_id)
        ).scalars()
        assert set(sums) == {0}


def test_shown_quarter_has_a_true_up_of_an_earlier_one_beside_its_own_figures(ledger: LoadedLedger) -> None:
    causes = _causes(ledger, SHOWN_AGREEMENT, SHOWN_QUARTER)
    assert [(cause.kind, str(cause.quarter)) for cause in causes] == [
        ("correction", "2024Q2"),
        ("quarter", "2024Q4"),
    ]


def test_correction_of_a_quarter_before_the_amendment_is_divided_by_the_terms_of_that_quarter(
    ledger: LoadedLedger,
) -> None:
    quarter = Quarter(2025, 2)
    correction = _causes(ledger, "BINHAI-ZGC", quarter)[0]
    assert (correction.kind, str(correction.quarter)) == ("correction", "2024Q4")
    corrected = _amounts(ledger, "BINHAI-ZGC", quarter, correction.cause)
    own = _amounts(ledger, "BINHAI-ZGC", quarter, correction.cause + 1)
    assert abs(corrected["origin"] - corrected["host"]) <= 1
    assert abs(2 * own["origin"] - 3 * own["host"]) <= 3


def test_cap_is_reached_by_one_moved_enterprise_and_the_window_of_another_is_extended(
    ledger: LoadedLedger,
) -> None:
    by_quarter = [
        _amounts_by_subject(ledger, "JJJ-92", quarter, "origin")
        for quarter in quarters_between(FIRST_QUARTER, LAST_QUARTER)
    ]
    capped, extended, too_small, market, _ = (
        each.credit_code for each in agreement_named("JJJ-92").enterprises
    )
    assert by_quarter[0][capped] > 0
    assert by_quarter[-1].get(capped, 0) == 0
    assert sum(amounts.get(capped, 0) for amounts in by_quarter) == 7200 * 10_000 * 100
    assert all(amounts[extended] > 0 for amounts in by_quarter)
    assert not any(amounts.get(too_small, 0) or amounts.get(market, 0) for amounts in by_quarter)


def test_ring_fenced_revenue_stays_in_the_fund_until_the_fence_ends(ledger: LoadedLedger) -> None:
    fenced = _cash(ledger, "JIANGYIN-JINGJIANG", Quarter(2024, 2))
    free = _cash(ledger, "JIANGYIN-JINGJIANG", Quarter(2025, 4))
    assert fenced
    assert all(allocation.routed_minor == allocation.amount_minor != 0 for allocation in fenced)
    assert free
    assert all(allocation.routed_minor == 0 != allocation.amount_minor for allocation in free)


def test_events_name_the_sample_as_their_actor_and_keys_are_labelled_demo(ledger: LoadedLedger) -> None:
    with ledger.database.reading() as connection:
        actors = set(connection.execute(select(event.c.actor)).scalars())
        labels = set(connection.execute(select(party_key.c.label)).scalars())
    assert "sample" in actors
    assert labels == {LABEL}


def _row_counts(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def _closed_settlement_id(ledger: LoadedLedger, code: str, quarter: Quarter) -> int:
    with ledger.database.reading() as connection:
        found = desk_settlements.settlements(connection, ledger.loaded.agreement_ids[code], quarter=quarter)
    (settlement_id,) = [each.settlement_id for each in found if each.is_closed]
    return settlement_id


def _causes(ledger: LoadedLedger, code: str, quarter: Quarter) -> list[Cause]:
    settlement_id = _closed_settlement_id(ledger, code, quarter)
    with ledger.database.reading() as connection:
        agreement_id = ledger.loaded.agreement_ids[code]
        return list(desk_settlements.settlement(connection, agreement_id, settlement_id).causes)


def _allocations(ledger: LoadedLedger, code: str, quarter: Quarter) -> list[Allocation]:
    settlement_id = _closed_settlement_id(ledger, code, quarter)
    with ledger.database.reading() as connection:
        agreement_id = ledger.loaded.agreement_ids[code]
        pages = desk_settlements.allocation_pages(connection, agreement_id, [settlement_id], limit=200)
    page = pages[settlement_id]
    assert not page.has_next
    return page.items


def _cash(ledger: LoadedLedger, code: str, quarter: Quarter) -> list[Allocation]:
    return [each for each in _allocations(ledger, code, quarter) if each.book is Book.CASH]


def _roles(ledger: LoadedLedger, code: str) -> dict[int, str]:
    with ledger.database.reading() as connection:
        found = desk_agreements.agreement(connection, ledger.loaded.agreement_ids[code])
    return {side.party_id: side.role for side in found.parties}


def _amounts(ledger: LoadedLedger, code: str, quarter: Quarter, cause: int) -> dict[str, int]:
    """Cash of one cause by role."""
    roles = _roles(ledger, code)
    amounts: dict[str, int] = {}
    for each in _cash(ledger, code, quarter):
        if each.cause == cause:
            role = roles[each.party_id]
            amounts[role] = amounts.get(role, 0) + each.amount_minor
    return amounts


def _amounts_by_subject(ledger: LoadedLedger, code: str, quarter: Quarter, role: str) -> dict[str, int]:
    """Cash of one role by the enterprise's credit code, about every quarter that was settled in this one."""
    roles = _roles(ledger, code)
    allocations = _cash(ledger, code, quarter)
    with ledger.database.reading() as connection:
        enterprises = enterprises_by_id(connection, {each.subject_id for each in allocations})
    amounts: dict[str, int] = {}
    for each in allocations:
        if roles[each.party_id] == role:
            credit_code = enterprises[each.subject_id].credit_code
            amounts[credit_code] = amounts.get(credit_code, 0) + each.amount_minor
    return amounts


# --- quarters under a procedure ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "outcomes"),
    [
        ("BINHAI-ZGC", {Outcome.EXACT: 2, Outcome.EXPLAINED: 2}),
        ("JJJ-92", {Outcome.EXACT: 9, Outcome.IN_DISPUTE: 1}),
    ],
)
def test_last_quarter_was_compared_and_signed_by_both_before_it_closed(
    ledger: LoadedLedger, code: str, outcomes: dict[Outcome, int]
) -> None:
    agreement_id = ledger.loaded.agreement_ids[code]
    settlement_id = _closed_settlement_id(ledger, code, LAST_QUARTER)
    with ledger.database.reading() as connection:
        report = reconciliation.reconciliation(connection, agreement_id, LAST_QUARTER)
        closed = desk_settlements.settlement(connection, agreement_id, settlement_id)
        proposal = desk_settlements.standings(connection, agreement_id, [closed])[settlement_id].proposal
    assert Counter(part.outcome for part in report.groups for _ in part.parts) == outcomes
    assert proposal is not None
    assert {signature.role for signature in proposal.signatures} == {"origin", "host"}


def test_legs_were_paid_netted_across_both_agreements_or_are_overdue_with_interest(
    ledger: LoadedLedger,
) -> None:
    days = [date(2026, 3, 31), date(2026, 6, 30)]
    compared = [ledger.loaded.agreement_ids[code] for code in ("BINHAI-ZGC", "JJJ-92")]
    with ledger.database.reading() as connection:
        every = payments.every_leg(connection, payments.LegFilter())
    raised = [leg for leg in every if leg.due_day is not None and leg.agreement_id in compared]
    states = {
        (leg.agreement_id, str(leg.booked_quarter), leg.clause): leg.state_on(days[1]) for leg in raised
    }
    binhai, jjj = compared
    assert states == {
        (binhai, "2025Q3", 1): LegState.PAID,
        (binhai, "2025Q3", 3): LegState.PAID,
        (binhai, "2025Q4", 1): LegState.OVERDUE,
        (binhai, "2025Q4", 3): LegState.NETTED,
        (jjj, "2025Q4", 1): LegState.NETTED,
    }
    net = [leg for leg in every if leg.kind == "net"]
    assert [leg.state_on(days[0]) for leg in net] == [LegState.PAID, LegState.PAID]
    (overdue,) = [leg for leg in raised if leg.is_overdue(days[0])]
    (interest,) = [leg for leg in every if leg.of_leg_id == overdue.leg_id]
    assert (interest.months, interest.amount_minor) == (3, overdue.interest_through(3))


def test_open_quarter_tells_each_side_who_holds_it_up(ledger: LoadedLedger) -> None:
    today = date(2026, 4, 18)
    with ledger.database.reading() as connection:
        origin = roster.party_by_code(connection, "HTZ001").party_id
        listed = worklist(connection, origin, today).items
    of_open = [item for item in listed if item.quarter == LAST_QUARTER.next]
    to_do = [
        (item.agreement.code, item.step.step, item.step.late_days)
        for item in of_open
        if item.task is Task.TO_DO
    ]
    assert to_do == [("BINHAI-ZGC", "submit", 3), ("JJJ-92", "submit", 3)]
    (compared,) = [
        item for item in of_open if item.agreement.code == "BINHAI-ZGC" and item.step.step == "reconcile"
    ]
    assert compared.step.held_up_by == [("submit", "origin"), ("certify", "park")]


# --- beside money -----------------------------------------------------------------------------------------


def test_one_commitment_is_confirmed_with_evidence_and_one_is_late(ledger: LoadedLedger) -> None:
    agreement_id = ledger.loaded.agreement_ids[SHOWN_AGREEMENT]
    with ledger.database.reading() as connection:
        found = commitments.commitments(connection, agreement_id, AFTER_THE_YEAR)
        evidence = [document(connection, one) for one in found[0].records[-1].documents]
    assert [(one.promise.code, one.state.value, one.reached_count) for one in found] == [
        ("cadres_exchanged", "confirmed", 4),
        ("projects_landed", "overdue", 6),
        ("shared_laboratories", "open", None),
    ]
    assert [one.media_type for one in evidence] == ["text/plain"]


def test_a_platform_and_an_expert_are_shared_and_days_of_them_asked_for(ledger: LoadedLedger) -> None:
    with ledger.database.reading() as connection:
        host = roster.party_by_code(connection, "GOV341502").party_id
        day = today(connection)
        offered = sharing.resources(connection, host, day, sharing.Wanted()).items
        booked = sharing.bookings(connection, host, day).items
    assert [(one.key.code, len(one.taken_days)) for one in offered] == [
        ("materials_laboratory", 3),
        ("process_expert", 0),
    ]
    assert [(one.key.code, one.state.value) for one in booked] == [
        ("materials_laboratory", "accepted"),
        ("materials_laboratory", "asked"),
        ("process_expert", "declined"),
    ]


def test_the_province_closed_a_review_and_waits_for_an_answer_and_has_one_to_look_at(
    ledger: LoadedLedger,
) -> None:
    with ledger.database.reading() as connection:
        province = roster.party_by_code(connection, "GOV340000").party_id
        found = reviews.reviews(connection, party_id=province).items
        listed = duties(connection, province, AFTER_THE_YEAR, date(2026, 12, 31)).items
    assert [one.state_on(AFTER_THE_YEAR).value for one in found] == ["closed", "asked", "open"]
    assert [(one.key.due, one.task.value, one.action.value) for one in listed] == [
        (date(2026, 5, 15), "to_do", "close_review"),
        (date(2026, 6, 30), "awaited", "answer_review"),
    ]


def test_two_years_were_evaluated_with_the_figures_of_then(ledger: LoadedLedger) -> None:
    with ledger.database.reading() as connection:
        found = reviews.evaluations(connection, ledger.loaded.agreement_ids[SHOWN_AGREEMENT])
    assert [(one.year, one.verdict) for one in found] == [(2024, "kept"), (2025, "partly")]
    figures = [json.loads(one.figures) for one in found]
    assert all(one["flows"] and one["credits"] and one["commitments"] for one in figures)


# --- taken away -------------------------------------------------------------------------------------------


def test_every_row_of_the_sample_is_what_its_events_say(ledger: LoadedLedger) -> None:
    with ledger.database.reading() as connection:
        results = list(fsck.run(connection))
    assert [found for result in results for found in result.mismatches] == []


@AGREEMENTS
def test_beancount_adds_every_closed_quarter_up_to_the_same_balances(
    ledger: LoadedLedger, agreement: SampleAgreement, tmp_path: Path
) -> None:
    assert beancount_complaint(_journal(ledger, agreement, "beancount"), tmp_path) == ""


@needs_hledger
@AGREEMENTS
def test_hledger_adds_every_closed_quarter_up_to_the_same_balances(
    ledger: LoadedLedger, agreement: SampleAgreement, tmp_path: Path
) -> None:
    assert hledger_complaint(_journal(ledger, agreement, "hledger"), tmp_path) == ""


@pytest.fixture(scope="module")
def log_files(ledger: LoadedLedger, tmp_path_factory: pytest.TempPathFactory) -> LogFiles:
    """Of the log that has everything that the sample did."""
    files = LogFiles(tmp_path_factory.mktemp("log"))
    log.sequence(ledger.database, files)
    return files


@AGREEMENTS
def test_every_closed_quarter_leaves_as_a_bundle_that_holds(
    ledger: LoadedLedger, agreement: SampleAgreement, log_files: LogFiles
) -> None:
    agreement_id, key = ledger.loaded.agreement_ids[agreement.code], log_files.signer().verifier
    for quarter in quarters_between(FIRST_QUARTER, LAST_QUARTER):
        with ledger.database.reading() as connection:
            settlement_id = bundles.closed_settlement_of(connection, agreement_id, quarter)
            content = bundles.settlement_bundle(connection, key, agreement_id, settlement_id).encode()
        checked = list(bundles.verify(Bundle.parse(content), bundles.Trust(key)))
        assert f"{quarter}, settlement {settlement_id}" in "\n".join(each.en for each in checked)


@needs_chinese_font
@AGREEMENTS
def test_the_last_closed_quarter_prints(ledger: LoadedLedger, agreement: SampleAgreement) -> None:
    agreement_id = ledger.loaded.agreement_ids[agreement.code]
    with ledger.database.reading() as connection:
        shown = statements.statement(connection, agreement_id, LAST_QUARTER)
        printed = [statements.statement_file(connection, shown, "pdf", language) for language in ("zh", "en")]
    assert [content[:5] for content in printed] == [b"%PDF-"] * 2


def _journal(ledger: LoadedLedger, agreement: SampleAgreement, form: JournalForm) -> bytes:
    agreement_id = ledger.loaded.agreement_ids[agreement.code]
    with ledger.database.reading() as connection:
        journal = statements.agreement_journal(connection, agreement_id, LAST_QUARTER)
    assert len(journal.settlements) == len(list(quarters_between(FIRST_QUARTER, LAST_QUARTER)))
    return statements.journal_file(journal, form, "zh")
