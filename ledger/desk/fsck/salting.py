"""Salted trees: their secrets, and the roots that come out of them."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.desk.fsck.comparing import Mismatch, Said, Scope, key_of
from ledger.desk.fsck.returns import key_of_return, records_of_rows, rows_of_return
from ledger.desk.salting import LINES_SALTED, SETTLEMENT_SALTED, secrets_of
from ledger.desk.settlements.reading import inputs_by_id
from ledger.desk.settlements.salting import shares_of
from ledger.errors import InvariantBroken
from ledger.evidence.salted import Parts, lines_by_subject
from ledger.periods import Quarter
from ledger_schema.tables import salt_secret


def check_salts(scope: Scope) -> Iterator[Mismatch]:
    """Every salted tree has its secret, and the root that its event names comes out again."""
    said = list(scope.said(LINES_SALTED, SETTLEMENT_SALTED))
    yield from scope.compare(
        [salt_secret], (one.row(salt_secret, agreement_id=one.agreement_id) for one in said)
    )
    secrets = secrets_of(scope.connection, [one.event_id for one in said])
    for one in said:
        if one.event_id in secrets and _is_wanted(scope, one):
            expected, found = one.data["root"], _root(scope, one, secrets[one.event_id])
            if found != expected:
                key = key_of(salt_secret, [one.event_id])
                yield Mismatch(salt_secret.name, key, "secret", f"root {expected}", f"root {found}")


def _is_wanted(scope: Scope, said: Said) -> bool:
    booked_quarter = said.data.get("booked_quarter", said.data["quarter"])
    return scope.since is None or Quarter.parse(booked_quarter) >= scope.since


def _root(scope: Scope, said: Said, secret: bytes) -> str:
    try:
        parts = _lines(scope, said) if said.kind == LINES_SALTED else _shares(scope, said)
        return parts.root(secret).hex()
    except InvariantBroken as error:
        return str(error)


def _lines(scope: Scope, said: Said) -> Parts:
    return lines_by_subject(records_of_rows(list(rows_of_return(scope, key_of_return(said)))))


def _shares(scope: Scope, said: Said) -> Parts:
    settlement_id, agreement_id = int(said.data["settlement"]), said.agreement_id or 0
    inputs = inputs_by_id(scope.connection, agreement_id, [settlement_id])[settlement_id]
    return shares_of(scope.connection, agreement_id, settlement_id, inputs.list_version)
