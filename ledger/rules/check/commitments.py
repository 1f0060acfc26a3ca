"""What can be wrong with commitments that have the right form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.rules.check.faults import fault
from ledger.rules.commitments import Commitment
from ledger.rules.facts import Fault


def commitment_faults(commitments: Sequence[Commitment], roles: Sequence[str]) -> Iterator[Fault]:
    """Every fault, with its path in the terms; ``roles`` are those that the terms define."""
    codes = [one.code for one in commitments]
    for index, one in enumerate(commitments):
        path = f"$.commitments[{index}]"
        if one.code in codes[:index]:
            yield fault(f"{path}.code", "COMMITMENT_TWICE", commitment=one.code)
        for role in sorted({*one.by, *(role for row in one.equal_levels for role in row)}.difference(roles)):
            yield fault(path, "ROLE_UNDEFINED", role=role)
        for place, role in enumerate(one.by):
            if role in one.by[:place]:
                yield fault(f"{path}.by[{place}]", "ROLE_TWICE", role=role)
        yield from _level_faults(f"{path}.equal_levels", one)


def _level_faults(path: str, one: Commitment) -> Iterator[Fault]:
    if one.equal_levels and one.kind != "talent_standard":
        yield fault(path, "LEVELS_OF_OTHER_KIND", kind=one.kind)
    for index, row in enumerate(one.equal_levels):
        if len(row) < 2:
            yield fault(f"{path}[{index}]", "LEVEL_WITHOUT_EQUAL", listed=", ".join(row) or "-")
