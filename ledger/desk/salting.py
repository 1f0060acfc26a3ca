"""Salted trees in the ledger: an event names the root, and the secret of the salts is kept beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, cast, exists, func, select
from sqlalchemy.dialects.postgresql import JSONB

from ledger.desk.acts import Recorder
from ledger.desk.copying import copy_rows
from ledger.evidence.canonical import Json
from ledger.evidence.salted import Parts, new_secret
from ledger_schema.tables import event, salt_secret

LINES_SALTED = "lines_salted"
SETTLEMENT_SALTED = "settlement_salted"


@dataclass(frozen=True, slots=True)
class SaltedTree:
    """The root of a tree over what is said of ``subject_count`` subjects, and the secret of its salts."""

    form: str
    subject_count: int
    root: bytes
    secret: bytes

    @classmethod
    def of(cls, parts: Parts) -> SaltedTree:
        """With a new secret."""
        secret = new_secret()
        return cls(parts.form, len(parts.subjects), parts.root(secret), secret)

    @property
    def said(self) -> dict[str, Json]:
        """What the event says of it."""
        return {"form": self.form, "subject_count": self.subject_count, "root": self.root.hex()}


def record_salted(
    connection: Connection,
    record: Recorder,
    kind: str,
    trees: Sequence[tuple[int, Mapping[str, Json], SaltedTree]],
) -> None:
    """An event of the kind for each (agreement, what the tree is of, tree), and the secrets."""
    event_ids = record.record_all(
        kind, [(agreement_id, {**of, **tree.said}) for agreement_id, of, tree in trees]
    )
    copy_rows(
        connection,
        salt_secret,
        ("event_id", "agreement_id", "secret"),
        (
            (event_id, agreement_id, tree.secret)
            for event_id, (agreement_id, _, tree) in zip(event_ids, trees, strict=True)
        ),
    )


def secrets_of(connection: Connection, event_ids: Sequence[int]) -> dict[int, bytes]:
    """The secrets of the trees that these events name."""
    rows = connection.execute(
        select(salt_secret.c.event_id, salt_secret.c.secret).where(
            salt_secret.c.event_id.in_(list(event_ids))
        )
    )
    return {row.event_id: row.secret for row in rows}


def is_salted(connection: Connection, agreement_id: int, kind: str, name: str, number: int) -> bool:
    """Whether an event of the kind names the tree of what has this number under ``name``."""
    said = cast(func.convert_from(event.c.canonical, "UTF8"), JSONB)["data"][name].astext
    wanted = exists().where(event.c.agreement_id == agreement_id, event.c.kind == kind, said == str(number))
    return connection.execute(select(wanted)).scalar_one()
