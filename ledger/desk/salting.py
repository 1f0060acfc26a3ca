"""Salted trees in the ledger: an event names the root; the secret and the leaves are kept beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, cast, exists, func, select
from sqlalchemy.dialects.postgresql import JSONB

from ledger.desk.acts import Recorder
from ledger.desk.copying import copy_rows
from ledger.evidence.canonical import Json, digest
from ledger.evidence.merkle import root_of
from ledger.evidence.numbered import packed, unpacked
from ledger.evidence.salted import Parts, new_secret
from ledger_schema.tables import event, salted_tree

LINES_SALTED = "lines_salted"
SETTLEMENT_SALTED = "settlement_salted"


@dataclass(frozen=True, slots=True)
class SaltedTree:
    """The root of a tree over what is said of ``subject_count`` subjects, and the secret of its salts.

    ``leaves`` has the leaf of each subject (``ledger.evidence.numbered``): where the root doesn't come out
    any more, they tell by whom.
    """

    form: str
    subject_count: int
    root: bytes
    secret: bytes
    leaves: bytes

    @classmethod
    def of(cls, parts: Parts) -> SaltedTree:
        """With a new secret."""
        secret = new_secret()
        leaves = parts.leaves(secret)
        of_subjects = packed(parts.subjects, leaves)
        return cls(parts.form, len(parts.subjects), root_of(leaves), secret, of_subjects)

    @property
    def said(self) -> dict[str, Json]:
        """What the event says of it."""
        return {
            "form": self.form,
            "subject_count": self.subject_count,
            "root": self.root.hex(),
            "secret_hash": digest(self.secret).hex(),
            "leaves_hash": digest(self.leaves).hex(),
        }


class KeptTree(NamedTuple):
    """What is kept of a salted tree: the secret of its salts, and the leaf of each subject in their order."""

    secret: bytes
    leaves: dict[int, bytes]


def record_salted(
    connection: Connection,
    record: Recorder,
    kind: str,
    trees: Sequence[tuple[int, Mapping[str, Json], SaltedTree]],
) -> None:
    """An event of the kind for each (agreement, what the tree is of, tree), and what is kept of each."""
    event_ids = record.record_all(
        kind, [(agreement_id, {**of, **tree.said}) for agreement_id, of, tree in trees]
    )
    copy_rows(
        connection,
        salted_tree,
        ("event_id", "agreement_id", "secret", "leaves"),
        (
            (event_id, agreement_id, tree.secret, tree.leaves)
            for event_id, (agreement_id, _, tree) in zip(event_ids, trees, strict=True)
        ),
    )


def kept_trees(connection: Connection, event_ids: Sequence[int]) -> dict[int, KeptTree]:
    """What is kept of the trees that these events name."""
    rows = connection.execute(select(salted_tree).where(salted_tree.c.event_id.in_(list(event_ids))))
    return {row.event_id: KeptTree(row.secret, unpacked(row.leaves)) for row in rows}


def is_salted(connection: Connection, agreement_id: int, kind: str, name: str, number: int) -> bool:
    """Whether an event of the kind names the tree of what has this number under ``name``."""
    said = cast(func.convert_from(event.c.canonical, "UTF8"), JSONB)["data"][name].astext
    wanted = exists().where(event.c.agreement_id == agreement_id, event.c.kind == kind, said == str(number))
    return connection.execute(select(wanted)).scalar_one()
