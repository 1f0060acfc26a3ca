"""Every mutation needs as many statements in a ledger that has grown, for long lists as for short ones."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest

from ledger.desk.log import LogFiles
from tests.api.journey import Api, Document
from tests.api.rounds import SIZES, Round, play, prepare
from tests.api.signed_in import ANYBODY, signed_in
from tests.api.test_authority import MUTATIONS
from tests.listening import listening

SMALL, LARGE = 1, 2
"""The first round makes partitions on the way, and knows no arbitration of an earlier quarter."""

OF_EVERY_QUARTER = {"computeSettlement", "closeQuarter"}
"""Where returns are compared, these read what differs of each quarter up to theirs in a statement of its own,
so that the lines of one quarter are held at a time."""

Counts = dict[str, set[int]]
"""How many statements mutations took, by their names in the schema."""


@dataclass
class CountingApi(Api):
    """Counts the statements of every mutation, by its name in the schema."""

    counts: Counts = field(default_factory=lambda: defaultdict(set))

    def attempt(self, name: str, /, **values: Any) -> Document:
        self.client.accounts.token(values.get("person", ANYBODY))
        self.client.accounts.entitle()
        statements: list[str] = []
        with listening(statements.append):
            result = super().attempt(name, **values)
        first, *others = name.split("_")
        self.counts[first + "".join(map(str.capitalize, others))].add(len(statements))
        return result


@pytest.fixture(scope="module")
def rounds(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> list[Counts]:
    """The counts of each round by mutation."""
    files = LogFiles(tmp_path_factory.mktemp("log"))
    found: list[Counts] = []
    with signed_in(module_database_url) as client:
        api = CountingApi(client)
        prepare(api)
        for number in range(len(SIZES)):
            api.counts = defaultdict(set)
            play(Round(api, files, number))
            found.append(api.counts)
    return found


def test_every_mutation_of_the_schema_is_counted_in_every_round(rounds: list[Counts]) -> None:
    assert all(counts.keys() == MUTATIONS.keys() for counts in rounds)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_needs_as_many_statements_once_the_ledger_has_grown(
    rounds: list[Counts], name: str
) -> None:
    expected = rounds[SMALL][name]
    if name in OF_EVERY_QUARTER:
        assert rounds[LARGE][name] <= expected | {count + 1 for count in expected}
    else:
        assert rounds[LARGE][name] == expected
