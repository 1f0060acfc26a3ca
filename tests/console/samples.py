"""The agreements of the sample, as tests ask for them."""

from __future__ import annotations

import pytest

from ledger_console.sample import documents
from ledger_console.sample.documents import SampleAgreement

AGREEMENTS = pytest.mark.parametrize(
    "agreement", documents.agreements(), ids=lambda agreement: agreement.code
)
"""Runs a test for each of them."""


def agreement_named(code: str) -> SampleAgreement:
    """The agreement with the code."""
    (found,) = [agreement for agreement in documents.agreements() if agreement.code == code]
    return found
