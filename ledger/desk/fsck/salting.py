"""Salted trees: what is kept of them, and the leaf of each subject, which tells whose lines were changed."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.desk.fsck.comparing import (
    UNREADABLE,
    WHOLE_ROW,
    DigestOf,
    Mismatch,
    Said,
    Scope,
    Told,
    key_of,
    whole_row,
)
from ledger.desk.fsck.returns import key_of_return, records_of_rows, rows_of_return
from ledger.desk.salting import LINES_SALTED, SETTLEMENT_SALTED, KeptTree, kept_trees
from ledger.desk.settlements.reading import inputs_by_id
from ledger.desk.settlements.salting import shares_of
from ledger.evidence.merkle import root_of
from ledger.evidence.salted import lines_by_subject
from ledger.periods import Quarter
from ledger_schema.tables import allocation, return_line, salted_tree

AS_SALTED = "what the leaf of its subject was made of"
CHANGED = "changed, or another line of the subject is"


def check_salts(scope: Scope) -> Iterator[Mismatch]:
    """Every salted tree has its secret, its leaves and its root; each subject's leaf comes out again."""
    said = list(scope.said(LINES_SALTED, SETTLEMENT_SALTED))
    amiss = list(scope.compare([salted_tree], map(_told, said)))
    yield from amiss
    is_amiss = {one.key["event_id"] for one in amiss}
    kept = kept_trees(scope.connection, [one.event_id for one in said])
    for one in said:
        # From another secret, or from other leaves, nothing follows.
        if str(one.event_id) not in is_amiss and _is_wanted(scope, one):
            yield from _tree(scope, one, kept[one.event_id])


def _told(said: Said) -> Told:
    return said.row(
        salted_tree,
        agreement_id=said.agreement_id,
        secret=DigestOf(bytes.fromhex(said.data["secret_hash"])),
        leaves=DigestOf(bytes.fromhex(said.data["leaves_hash"])),
    )


def _is_wanted(scope: Scope, said: Said) -> bool:
    booked_quarter = said.data.get("booked_quarter", said.data["quarter"])
    return scope.since is None or Quarter.parse(booked_quarter) >= scope.since


def _tree(scope: Scope, said: Said, tree: KeptTree) -> Iterator[Mismatch]:
    key = key_of(salted_tree, [said.event_id])
    expected, root = said.data["root"], root_of(list(tree.leaves.values())).hex()
    if root != expected:
        yield Mismatch(salted_tree.name, key, "leaves", f"root {expected}", f"root {root}")
    try:
        yield from _lines(scope, said, tree) if said.kind == LINES_SALTED else _shares(scope, said, tree)
    except UNREADABLE as error:
        yield Mismatch(salted_tree.name, key, "leaves", "leaves that come out again", str(error))


def _lines(scope: Scope, said: Said, tree: KeptTree) -> Iterator[Mismatch]:
    """Every line of a subject whose leaf is another now."""
    rows = list(rows_of_return(scope, key_of_return(said)))
    changed = set(lines_by_subject(records_of_rows(rows)).changed(*tree))
    for row in rows:
        if row.subject_id in changed:
            key = [getattr(row, column.name) for column in return_line.primary_key]
            yield whole_row(return_line, key, AS_SALTED, CHANGED)


def _shares(scope: Scope, said: Said, tree: KeptTree) -> Iterator[Mismatch]:
    """The allocations of every subject whose leaf is another now, as a group: each is computed elsewhere."""
    settlement_id, agreement_id = int(said.data["settlement"]), said.agreement_id or 0
    inputs = inputs_by_id(scope.connection, agreement_id, [settlement_id])[settlement_id]
    parts = shares_of(scope.connection, agreement_id, settlement_id, inputs.list_version)
    quarter = Quarter.parse(said.data["quarter"]).code
    for subject in parts.changed(*tree):
        group = key_of(allocation, [agreement_id, quarter, settlement_id]) | {"subject_id": str(subject)}
        yield Mismatch(allocation.name, group, WHOLE_ROW, AS_SALTED, CHANGED)
