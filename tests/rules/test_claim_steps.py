"""Steps of a decided claim come back as they were kept, the first decisions' lines too."""

from __future__ import annotations

import json

import pytest

from ledger.rules.claim_steps import ClaimStep, Limit, read_step
from ledger.rules.step_words import Words


@pytest.mark.parametrize(
    "step",
    [
        ClaimStep("share", "home", "3.00 × 1/3 = 1.00"),
        ClaimStep("quota", limit=Limit("5.00", "2.00", "4.00", "3.00", "subject", "year")),
        ClaimStep("eligibility", words=Words("不符合", "not met")),
    ],
)
def test_a_step_is_read_as_it_was_kept(step: ClaimStep) -> None:
    assert read_step(json.loads(json.dumps(step.kept()))) == step


def test_a_step_kept_as_a_line_is_read_with_its_arithmetic() -> None:
    step = read_step("share home: 3.00 × 1/3 = 1.00")
    assert (step, step.line) == (
        ClaimStep("share", "home", "3.00 × 1/3 = 1.00"),
        "share home: 3.00 × 1/3 = 1.00",
    )


def test_a_limit_that_was_exceeded_already_leaves_nothing() -> None:
    limit = Limit("5.00", "7.00", "4.00", "0.00", "subject", "year")
    assert (limit.left, limit.arithmetic) == ("0.00", "min(0.00, 4.00) = 0.00")
