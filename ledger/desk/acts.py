"""How every change is made: one transaction, idempotent by the client's key, with an event appended."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import Connection, Integer, Text, func, insert, literal, select, text

from ledger.desk.copying import copy_rows
from ledger.errors import LedgerError
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger_schema.ids import new_id, new_ids
from ledger_schema.sessions import Database
from ledger_schema.tables import event, idempotency_key

EVENT_FORMAT = "parkledger.event/2"
EVENT_FORMATS = frozenset({"parkledger.event/1", EVENT_FORMAT})
"""Those that are read: events of the first had no salt."""
EVENT_SALT_BYTES = 16
KEY_LENGTH_MAX = 200

QUEUE_ON_ALL = text("""
    SELECT pg_advisory_xact_lock(:queue, code)
    FROM (SELECT DISTINCT hashtext(name) AS code
          FROM unnest(cast(:names AS text[])) AS name ORDER BY 1) AS codes
""")

Value = TypeVar("Value")


class Queue(IntEnum):
    """What changes of one thing queue on until the end of their transactions: classes of advisory locks.

    The application's role may not update, and so not lock, the rows of these tables. An act takes its key
    first and then queues in this order; two names may share a lock by chance, which only makes one wait.
    """

    PARTY = 1
    """By the party's code."""
    AGREEMENT_CODE = 2
    AGREEMENT = 3
    """By the agreement's id: its versions, its enterprise lists and its occurrences."""
    RETURN = 4
    """By agreement, role and quarter: the sequence of the returns. Comes after the open quarter is held."""
    PAYMENT_FILE = 5
    """By the file's hash. The one act that takes it takes it before the others."""
    LEG = 6
    """By the leg's id: what clears it. Comes after the agreements of all the legs at hand."""
    PAYER = 7
    """By the party's code: its payments, and what they are used for."""
    LOG = 8
    """The log's one sequencer; no act takes it."""
    ACCOUNT = 9
    """By the account's name: its roles, passwords and tokens."""
    VOUCHER = 10
    """By the voucher's id: its orders, claims and end. Programmes and providers by their code before it."""
    VOUCHER_QUOTA = 11
    """By programme and group of one actual controller: what counts against caps."""
    VOUCHER_EVIDENCE = 12
    """By what names a receipt or a line of a contract."""
    VOUCHER_BUDGET = 13
    """By programme, payer and period."""
    REVIEW = 14
    """By the review's id. An act about a review takes no other."""
    DOCUMENT = 15
    """By the file's hash. The one act that keeps it takes no other."""


class KeyReused(LedgerError):
    """The client's key was used before, for another request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    sentence_en = (
        "The idempotency key {key!r} was already used for a different request. "
        "Use a new key for a new request."
    )
    sentence_zh = "幂等键 {key!r} 已用于另一个请求。新的请求请使用新的键。"


class KeyUnusable(LedgerError):
    """The client's key is empty, too long or not printable."""

    code = "IDEMPOTENCY_KEY_UNUSABLE"
    sentence_en = "Expected an idempotency key of 1 to {length_max} printable characters, but got {key!r}."
    sentence_zh = "幂等键应为 1 至 {length_max} 个可见字符，实际为 {key!r}。"


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, under which key of their own making; the same key and request again is a replay.

    ``actor`` is the account, ``person`` whose it is, ``party`` the code of the party that it acts for. Keys
    of one ``scope`` never meet those of another, so that nobody can use up or find out other people's.
    """

    key: str
    actor: str = "local"
    person: str | None = None
    party: str | None = None
    scope: str = ""

    @property
    def kept_key(self) -> str:
        """The key as it is kept: within its scope."""
        return f"{self.scope}/{self.key}" if self.scope else self.key


@dataclass(frozen=True, slots=True)
class Done(Generic[Value]):
    """The result of an act, and whether it had been done before under the same key."""

    value: Value
    replayed: bool = False


class Recorder:
    """Appends the events of one act in its transaction; ``event_ids`` are those appended so far."""

    def __init__(self, connection: Connection, act: Act) -> None:
        self.event_ids: list[int] = []
        self._connection = connection
        self._act = act

    def __call__(self, kind: str, data: Mapping[str, Json], agreement_id: int | None = None) -> int:
        """Append one event; returns its id. Whole numbers beyond 2^53 (ids) must come as text."""
        event_id = new_id()
        self.event_ids.append(event_id)
        content = self._content(event_id, kind, data, agreement_id)
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

    def record_all(self, kind: str, of_agreements: Sequence[tuple[int, Mapping[str, Json]]]) -> list[int]:
        """Append an event for each (agreement, data) by COPY; returns their ids in order."""
        event_ids: list[int] = new_ids(len(of_agreements)).tolist()
        self.event_ids += event_ids
        contents = [
            self._content(event_id, kind, data, agreement_id)
            for event_id, (agreement_id, data) in zip(event_ids, of_agreements, strict=True)
        ]
        copy_rows(
            self._connection,
            event,
            ("event_id", "kind", "agreement_id", "actor", "canonical", "hash"),
            (
                (event_id, kind, agreement_id, self._act.actor, content, digest(content))
                for event_id, (agreement_id, _), content in zip(
                    event_ids, of_agreements, contents, strict=True
                )
            ),
        )
        return event_ids

    def _content(self, event_id: int, kind: str, data: Mapping[str, Json], agreement_id: int | None) -> bytes:
        """Salted: its leaf's hash stands in proofs of other events, and its few figures could be guessed."""
        return canonical_bytes(
            {
                "format": EVENT_FORMAT,
                "event": str(event_id),
                "kind": kind,
                "agreement": None if agreement_id is None else str(agreement_id),
                "actor": self._act.actor,
                "person": self._act.person,
                "for": self._act.party,
                "key": self._act.kept_key,
                "salt": secrets.token_hex(EVENT_SALT_BYTES),
                "data": data,
            }
        )


Work: TypeAlias = Callable[[Connection, Recorder], Mapping[str, Any]]
"""What an act does in its transaction; its result is kept with the key."""


def queue_on(connection: Connection, queue: Queue, name: str) -> None:
    """Waits until no other transaction changes the thing of this name, and makes others wait."""
    connection.execute(
        select(func.pg_advisory_xact_lock(literal(int(queue), Integer), func.hashtext(literal(name, Text))))
    )


def queue_on_all(connection: Connection, queue: Queue, names: Iterable[str]) -> None:
    """``queue_on`` for several names, in one order for everybody, so that none wait in a circle."""
    connection.execute(QUEUE_ON_ALL, {"queue": int(queue), "names": sorted(set(names))})


def perform(
    database: Database,
    act: Act,
    kind: str,
    request: Mapping[str, Json],
    work: Work,
) -> Done[dict[str, Any]]:
    """Do ``work`` once in one transaction; its result (plain JSON) is kept with the key.

    The same key with the same ``request`` returns the kept result and does nothing. Raises ``KeyReused`` for
    the same key with another request, ``KeyUnusable`` for an empty one. Concurrent use of one key queues on
    an advisory lock, the first lock of every act.
    """
    if not (act.key.strip() and act.key.isprintable() and len(act.key) <= KEY_LENGTH_MAX):
        raise KeyUnusable(key=act.key[:KEY_LENGTH_MAX], length_max=KEY_LENGTH_MAX)
    request_hash = digest(canonical_bytes({"kind": kind, "request": request}))

    def once(connection: Connection) -> Done[dict[str, Any]]:
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(act.kept_key, 0))))
        kept = connection.execute(
            select(idempotency_key.c.request_hash, idempotency_key.c.result).where(
                idempotency_key.c.key == act.kept_key
            )
        ).one_or_none()
        if kept is not None:
            if kept.request_hash != request_hash:
                raise KeyReused(key=act.key)
            return Done(kept.result, replayed=True)
        recorder = Recorder(connection, act)
        result = dict(work(connection, recorder))
        connection.execute(
            insert(idempotency_key).values(
                key=act.kept_key, request_hash=request_hash, result=result, event_ids=recorder.event_ids
            )
        )
        return Done(json.loads(json.dumps(result)))

    return database.retrying(once)


def named_number(done: Done[dict[str, Any]], name: str) -> Done[int]:
    """The whole number that ``perform``'s result holds under ``name``."""
    return Done(int(done.value[name]), done.replayed)
