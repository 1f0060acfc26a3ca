"""The sample: its documents hold, its figures are always the same, and loading it leaves settled quarters."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import func, select

from ledger.desk import agreements as desk_agreements
from ledger.desk import fsck, statements
from ledger.desk import settlements as desk_settlements
from ledger.desk.enterprises import enterprises_by_id, is_credit_code
from ledger.desk.returns import current_filings, filings
from ledger.desk.settlements import Allocation
from ledger.desk.settlements.replays import Cause
from ledger.desk.statements import JournalForm
from ledger.periods import Quarter, quarters_between
from ledger.rules.check import read_terms
from ledger.rules.examples import run_examples
from ledger.rules.terms import Book, Mechanism, Terms
from ledger_console.sample import documents
from ledger_console.sample.demo_keys import LABEL, DemoKeys, DemoKeyUnreadable
from ledger_console.sample.documents import FIRST_QUARTER, LAST_QUARTER, SampleAgreement
from ledger_console.sample.figures import MADE_UP, reporting_roles, returns_of
from ledger_console.sample.load import SHOWN_AGREEMENT, SHOWN_QUARTER, Loaded, is_wanted, load_sample
from ledger_console.sample.return_files import file_of
from ledger_schema.sessions import Database
from ledger_schema.tables import event, metadata, party_key, posting
from tests.accounting import (
    beancount_complaint,
    hledger_complaint,
    needs_chinese_font,
    needs_hledger,
)

CARRIERS = {
    "enclave",
    "reverse_enclave",
    "partner_park",
    "co_built_park",
    "entrusted_park",
    "off_site_incubation",
    "branch_park",
}
AGREEMENTS = pytest.mark.parametrize(
    "agreement", documents.agreements(), ids=lambda agreement: agreement.code
)


def _terms(agreement: SampleAgreement) -> list[Terms]:
    return [read_terms(json.dumps(terms)) for terms in agreement.versions.values()]


def _agreement(code: str) -> SampleAgreement:
    (found,) = [agreement for agreement in documents.agreements() if agreement.code == code]
    return found


# --- documents --------------------------------------------------------------------------------------------


def test_sample_has_at_least_twelve_agreements_and_two_co_built_parks_that_share_development_revenue() -> (
    None
):
    found = documents.agreements()
    assert len(found) >= 12
    sharing = [
        agreement.code
        for agreement in found
        if agreement.kind == "co_built_park"
        and Mechanism.DEVELOPMENT_REVENUE
        in {clause.what.mechanism for clause in _terms(agreement)[0].clauses}
    ]
    assert len(sharing) >= 2


def test_every_carrier_and_every_sharing_mechanism_of_the_plan_is_present() -> None:
    assert {agreement.kind for agreement in documents.agreements()} == CARRIERS
    mechanisms = {
        clause.what.mechanism
        for agreement in documents.agreements()
        for terms in _terms(agreement)
        for clause in terms.clauses
    }
    assert mechanisms >= {Mechanism.OUTPUT_VALUE, Mechanism.TAX, Mechanism.DEVELOPMENT_REVENUE}


@AGREEMENTS
def test_terms_are_free_of_faults_and_their_worked_examples_pass(agreement: SampleAgreement) -> None:
    for terms in _terms(agreement):
        results = run_examples(terms)
        assert {result.clause for result in results} == {clause.number for clause in terms.clauses}
        assert [result for result in results if not result.passes] == []


@AGREEMENTS
def test_agreement_says_where_it_comes_from_and_what_is_unverified_in_both_languages(
    agreement: SampleAgreement,
) -> None:
    assert agreement.source
    assert agreement.title.zh.endswith("（示例）")
    assert agreement.title.en.endswith("(sample)")
    assert agreement.unverified.zh.startswith("虚构")
    assert agreement.unverified.en.startswith("Made up")


@AGREEMENTS
def test_enterprises_have_valid_credit_codes_and_names_nobody_takes_for_real(
    agreement: SampleAgreement,
) -> None:
    for enterprise in agreement.enterprises:
        assert is_credit_code(enterprise.credit_code)
        assert enterprise.name_zh.startswith("示例企业")
        assert "虚构" in enterprise.name_zh


def test_no_two_enterprises_share_a_credit_code() -> None:
    codes = [each.credit_code for agreement in documents.agreements() for each in agreement.enterprises]
    assert len(codes) == len(set(codes))


# --- figures ----------------------------------------------------------------------------------------------


@AGREEMENTS
def test_figures_are_the_same_every_time_and_labelled_made_up(agreement: SampleAgreement) -> None:
    returns = returns_of(agreement)
    assert returns == returns_of(agreement)
    figures = [figure for each in returns for figure in each.figures]
    assert figures
    assert all(figure.document.startswith(MADE_UP) for figure in figures)
    assert all(figure.amount_minor > 0 for figure in figures)


def test_a_known_figure_stays_what_it_was() -> None:
    first = returns_of(_agreement("LIUSONG"))[0]
    assert first.totals_minor == {"retained_tax": 912_192_000, "industrial_output": 22_609_800_000}


@AGREEMENTS
def test_every_role_that_the_terms_expect_reports_in_every_quarter(agreement: SampleAgreement) -> None:
    expected = {clause.what.reported_by for terms in _terms(agreement) for clause in terms.clauses}
    assert set(reporting_roles(agreement)) == expected
    own = [(each.role, each.quarter) for each in returns_of(agreement) if not each.is_correction]
    quarters = list(quarters_between(FIRST_QUARTER, LAST_QUARTER))
    assert sorted(own) == sorted((role, quarter) for role in expected for quarter in quarters)


def test_some_returns_are_nil_and_some_correct_an_earlier_quarter() -> None:
    returns = [each for agreement in documents.agreements() for each in returns_of(agreement)]
    assert sum(each.is_nil for each in returns) >= 2
    assert sum(each.is_correction for each in returns) >= 2


@AGREEMENTS
def test_files_have_the_same_bytes_every_time(agreement: SampleAgreement) -> None:
    for handed_in in returns_of(agreement)[:2]:
        assert file_of(agreement, handed_in) == file_of(agreement, handed_in)


# --- demo keys --------------------------------------------------------------------------------------------


def test_demo_key_is_kept_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    keys = DemoKeys.of_home(tmp_path)
    public_key = keys.public_key("HTZ001")
    path = tmp_path / "demo-keys" / "HTZ001.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert DemoKeys.of_home(tmp_path).public_key("HTZ001") == public_key
    assert sorted(each.name for each in path.parent.iterdir()) == ["HTZ001.key", "README.txt"]


def test_demo_key_that_is_no_key_is_refused_in_both_languages(tmp_path: Path) -> None:
    keys = DemoKeys(tmp_path)
    keys.public_key("HTZ001")
    (tmp_path / "HTZ001.key").write_text("not a key")
    with pytest.raises(DemoKeyUnreadable) as caught:
        keys.public_key("HTZ001")
    assert "HTZ001.key" in caught.value.message_en
    assert "示例" in caught.value.message_zh


# --- loading ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoadedLedger:
    database: Database
    keys: DemoKeys
    loaded: Loaded
    reported: list[str]
    wanted: list[bool]


@pytest.fixture(scope="module")
def module_database_url(server_url: str, template_database: str, worker_name: str) -> Iterator[str]:
    """One database for all tests of this file: loading takes seconds."""
    name = f"{template_database.removesuffix('template')}sample_{worker_name}"
    address = server_url.rpartition("/")[0]
    maintenance = server_url.replace("+psycopg", "", 1)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template_database)
            )
        )
    yield f"{address}/{name}"
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(drop)


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
    newest = {(each.quarter, each.role): each for each in returns_of(agreement)}
    with ledger.database.reading() as connection:
        taken = filings(connection, agreement_id)
        current = current_filings(connection, agreement_id)
    assert len(taken) == len(returns_of(agreement))
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
    capped, extended, too_small, market, _ = (each.credit_code for each in _agreement("JJJ-92").enterprises)
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
        page = desk_settlements.allocations(
            connection, ledger.loaded.agreement_ids[code], settlement_id, limit=200
        )
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
