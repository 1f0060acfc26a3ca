"""The sample's documents hold, and its figures and files are always the same."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ledger.desk.enterprises import is_credit_code
from ledger.periods import quarters_between
from ledger.rules.check import read_terms
from ledger.rules.examples import run_examples
from ledger.rules.terms import Mechanism, Terms
from ledger_console.sample import documents
from ledger_console.sample.demo_keys import DemoKeys, DemoKeyUnreadable
from ledger_console.sample.documents import FIRST_QUARTER, LAST_QUARTER, SampleAgreement
from ledger_console.sample.figures import MADE_UP, reporting_roles, returns_of
from ledger_console.sample.return_files import file_of
from tests.console.samples import AGREEMENTS, agreement_named

CARRIERS = {
    "enclave",
    "reverse_enclave",
    "partner_park",
    "co_built_park",
    "entrusted_park",
    "off_site_incubation",
    "branch_park",
}


def _terms(agreement: SampleAgreement) -> list[Terms]:
    return [read_terms(json.dumps(terms)) for terms in agreement.versions.values()]


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
    first = returns_of(agreement_named("LIUSONG"))[0]
    assert first.totals_minor == {"retained_tax": 912_192_000, "industrial_output": 22_609_800_000}


@AGREEMENTS
def test_every_role_that_the_terms_expect_reports_in_every_quarter(agreement: SampleAgreement) -> None:
    expected = {clause.what.reported_by for terms in _terms(agreement) for clause in terms.clauses}
    assert set(reporting_roles(agreement)) == expected
    own = [
        (each.role, each.quarter)
        for each in returns_of(agreement)
        if not each.is_correction and each.role in expected
    ]
    quarters = list(quarters_between(FIRST_QUARTER, LAST_QUARTER))
    assert sorted(own) == sorted((role, quarter) for role in expected for quarter in quarters)


def test_some_returns_are_nil_and_some_correct_an_earlier_quarter() -> None:
    returns = [each for agreement in documents.agreements() for each in returns_of(agreement)]
    assert sum(each.is_nil for each in returns) >= 2
    assert sum(each.is_correction for each in returns) >= 2


def test_other_side_has_its_own_list_that_differs_only_where_the_document_says() -> None:
    last = [each for each in returns_of(agreement_named("BINHAI-ZGC")) if each.quarter == LAST_QUARTER]
    record, own = (each.totals_minor for each in last)
    assert {name: own[name] - amount_minor for name, amount_minor in record.items()} == {
        "vat": -86_000_000,
        "cit": 86_000_000,
        "service_revenue": 0,
        "rent": 0,
    }


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
