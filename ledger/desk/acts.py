"""How every change is made: one transaction, idempotent by the client's key, with an event appended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, func, insert, select

from ledger.errors import LedgerError
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import event, idempotency_key

EVENT_FORMAT = "parkledger.event/1"

Value = TypeVar("Value")


class KeyReused(LedgerError):
    """The client's key was used before, for another request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    sentence_en = "The idempotency key {key!r} was already used for a different request. Use a new key for a new request."
    sentence_zh = "幂等键 {key!r} 已用于另一个请求。新的请求请使用新的键。"


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, under which key of their own making; the same key and request again is a replay."""

    key: str
    actor: str = "local"


@dataclass(frozen=True, slots=True)
class Done(Generic[Value]):
    """The result of an act, and whether it had been done before under the same key."""

    value: Value
    replayed: bool = False


class Recorder:
    """Appends the events of one act in its transaction."""

    def __init__(self, connection: Connection, act: Act) -> None:
        self._connection = connection
        self._act = act

    def __call__(self, kind: str, data: Mapping[str, Json], agreement_id: int | None = None) -> int:
        """Append one event; returns its id. Whole numbers beyond 2^53 (ids) must come as text."""
        event_id = new_id()
        content = canonical_bytes(
            {
                "format": EVENT_FORMAT,
                "event": str(event_id),
                "kind": kind,
                "agreement": None if agreement_id is None else str(agreement_id),
                "actor": self._act.actor,
                "key": self._act.key,
                "data": data,
            }
        )
        self._connection.execute(
            insert(event).values(
                event_id=event_id,
                kind=kind,
                agreement_id=agreement_id,
                actor=self._act.actor,
                canonical=content,
                hash=digest(content),
            )
        )
        return event_id


def perform(
    database: Database,
    act: Act,
    kind: str,
    request: Mapping[str, Json],
    work: Callable[[Connection, Recorder], Mapping[str, Any]],
) -> Done[dict[str, Any]]:
    """Do ``work`` once in one transaction; its result (plain JSON) is kept with the key.

    The same key with the same ``request`` returns the kept result and does nothing. Raises ``KeyReused`` for the
    same key with another request. Concurrent use of one key queues on an advisory lock.
    """
    request_hash = digest(canonical_bytes({"kind": kind, "request": request}))

    def once(connection: Connection) -> Done[dict[str, Any]]:
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(act.key, 0))))
        kept = connection.execute(
            select(idempotency_key.c.request_hash, idempotency_key.c.result).where(idempotency_key.c.key == act.key)
        ).one_or_none()
        if kept is not None:
            if kept.request_hash != request_hash:
                raise KeyReused(key=act.key)
            return Done(kept.result, replayed=True)
        result = dict(work(connection, Recorder(connection, act)))
        connection.execute(insert(idempotency_key).values(key=act.key, request_hash=request_hash, result=result))
        return Done(json.loads(json.dumps(result)))

    return database.retrying(once)
