"""How every change is made: one transaction, idempotent by the client's key, with an event appended."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import Connection, Row, insert, text

from ledger.desk.copying import copy_rows
from ledger.errors import InvariantBroken, LedgerError
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger_schema.ids import new_id, new_ids
from ledger_schema.sessions import Database
from ledger_schema.tables import event, idempotency_key

EVENT_FORMAT = "parkledger.event/2"
EVENT_FORMATS = frozenset({"parkledger.event/1", EVENT_FORMAT})
"""Those that are read: events of the first had no salt."""
EVENT_SALT_BYTES = 16
KEY_LENGTH_MAX = 200

WAIT_FOR_KEYS = text("""
    SELECT pg_advisory_xact_lock(code)
    FROM (SELECT DISTINCT hashtextextended(key, 0) AS code
          FROM unnest(cast(:keys AS text[])) AS key ORDER BY 1) AS codes
""")
KEYS_OF_OTHERS = text("""
    SELECT key FROM unnest(cast(:keys AS text[])) AS key
    WHERE NOT pg_try_advisory_xact_lock(hashtextextended(key, 0))
""")
KEPT = text("SELECT key, request_hash, result FROM idempotency_key WHERE key = ANY(:keys)")
QUEUE_ON_ALL = text("""
    SELECT pg_advisory_xact_lock(queue, code)
    FROM (SELECT DISTINCT queue, hashtext(name) AS code
          FROM unnest(cast(:queues AS integer[]), cast(:names AS text[])) AS wanted (queue, name)
          ORDER BY 1, 2) AS codes
""")
QUEUED_ON = text("""
    SELECT queue, name FROM unnest(cast(:queues AS integer[]), cast(:names AS text[])) AS wanted (queue, name)
    WHERE NOT pg_try_advisory_xact_lock(queue, hashtext(name))
""")

APPEND = insert(event)
KEEP = insert(idempotency_key)

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
        row = self.told(kind, data, agreement_id)
        self._connection.execute(APPEND, row)
        return self.event_ids[-1]

    def record_each(self, kind: str, told: Sequence[Mapping[str, Json]]) -> list[int]:
        """Append an event that is about no one agreement for each of ``told``; returns their ids in order."""
        rows = [self.told(kind, data, None) for data in told]
        self.append(rows)
        return [row["event_id"] for row in rows]

    def append(self, told: Sequence[Mapping[str, Any]]) -> None:
        """Append the events of these rows, all in one statement."""
        if told:
            self._connection.execute(APPEND, told)

    def told(self, kind: str, data: Mapping[str, Json], agreement_id: int | None) -> dict[str, Any]:
        """The row of one more event, for whoever appends it with the rows that it tells of."""
        event_id = new_id()
        self.event_ids.append(event_id)
        content = self._content(event_id, kind, data, agreement_id)
        return {
            "event_id": event_id,
            "kind": kind,
            "agreement_id": agreement_id,
            "actor": self._act.actor,
            "canonical": content,
            "hash": digest(content),
        }

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
    queue_on_each(connection, [(queue, name)])


def queue_on_all(connection: Connection, queue: Queue, names: Iterable[str]) -> None:
    """``queue_on`` for several names, in one order for everybody, so that none wait in a circle."""
    queue_on_each(connection, ((queue, name) for name in names))


def queue_on_each(connection: Connection, wanted: Iterable[tuple[Queue, str]]) -> None:
    """``queue_on_all`` for names of several queues, which are taken in their order."""
    connection.execute(QUEUE_ON_ALL, _by_column(wanted))


def queued_on(connection: Connection, wanted: Iterable[tuple[Queue, str]]) -> set[tuple[Queue, str]]:
    """``queue_on_each`` without waiting; returns the names that others hold."""
    rows = connection.execute(QUEUED_ON, _by_column(wanted))
    return {(Queue(row.queue), row.name) for row in rows}


def _by_column(wanted: Iterable[tuple[Queue, str]]) -> dict[str, list[Any]]:
    pairs = sorted(set(wanted))
    return {"queues": [int(queue) for queue, _ in pairs], "names": [name for _, name in pairs]}


@dataclass(frozen=True, slots=True)
class Request:
    """What an act asks for: the same key with the same ``content_hash`` is a replay."""

    act: Act
    content_hash: bytes


Result: TypeAlias = Mapping[str, Any]
Outcome: TypeAlias = Done[dict[str, Any]] | LedgerError | None
"""What came of one of several acts: done, refused, or None: not done, because it would have to wait."""
WorkOnAll: TypeAlias = Callable[[Connection, Mapping[int, Recorder]], Mapping[int, Result | LedgerError]]
"""What several acts do in their one transaction, by place. One that it leaves out isn't done."""


def request_of(act: Act, kind: str, content: Mapping[str, Json]) -> Request:
    """The act's request as it is kept. Raises ``KeyUnusable``."""
    if not (act.key.strip() and act.key.isprintable() and len(act.key) <= KEY_LENGTH_MAX):
        raise KeyUnusable(key=act.key[:KEY_LENGTH_MAX], length_max=KEY_LENGTH_MAX)
    return Request(act, digest(canonical_bytes({"kind": kind, "request": content})))


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

    def work_on_all(connection: Connection, records: Mapping[int, Recorder]) -> dict[int, Result]:
        return {place: work(connection, record) for place, record in records.items()}

    (outcome,) = perform_all(database, [request_of(act, kind, request)], work_on_all)
    return done_or_refused(outcome)


def perform_all(
    database: Database,
    requests: Sequence[Request],
    work: WorkOnAll,
    *,
    waits: bool = True,
    settings: Sequence[str] = (),
) -> list[Outcome]:
    """Several acts in one transaction, each once, under its own key; what came of each.

    ``work`` is told of those that are new, by their place in ``requests``. Where it doesn't wait, an act
    whose key another transaction holds isn't done; nor is, ever, a second act of the same key.
    """
    keys = [one.act.kept_key for one in requests]
    first = {key: keys.index(key) for key in keys}

    def once(connection: Connection) -> list[Outcome]:
        outcomes: list[Outcome] = [None] * len(requests)
        held = _held_keys(connection, keys, waits=waits)
        kept = {row.key: row for row in connection.execute(KEPT, {"keys": keys})}
        for key in held & kept.keys():
            outcomes[first[key]] = _replayed(requests[first[key]], kept[key])
        records = {
            place: Recorder(connection, requests[place].act)
            for key, place in first.items()
            if key in held and key not in kept
        }
        results = work(connection, records) if records else {}
        _keep(connection, requests, records, results)
        for place, result in results.items():
            outcomes[place] = result if isinstance(result, LedgerError) else _done(result)
        return outcomes

    return database.retrying(once, *settings)


def done_or_refused(outcome: Outcome) -> Done[dict[str, Any]]:
    """What was done. Raises the refusal."""
    if isinstance(outcome, LedgerError):
        raise outcome
    if outcome is None:
        raise InvariantBroken(detail="an act that waits for its turn wasn't done")
    return outcome


def _done(result: Result) -> Done[dict[str, Any]]:
    return Done(json.loads(json.dumps(dict(result))))


def _held_keys(connection: Connection, keys: Sequence[str], *, waits: bool) -> set[str]:
    if waits:
        connection.execute(WAIT_FOR_KEYS, {"keys": keys})
        return set(keys)
    return set(keys) - set(connection.execute(KEYS_OF_OTHERS, {"keys": keys}).scalars())


def _replayed(request: Request, kept: Row[Any]) -> Done[dict[str, Any]] | KeyReused:
    if kept.request_hash != request.content_hash:
        return KeyReused(key=request.act.key)
    return Done(kept.result, replayed=True)


def _keep(
    connection: Connection,
    requests: Sequence[Request],
    records: Mapping[int, Recorder],
    results: Mapping[int, Result | LedgerError],
) -> None:
    rows = [
        {
            "key": requests[place].act.kept_key,
            "request_hash": requests[place].content_hash,
            "result": dict(result),
            "event_ids": records[place].event_ids,
        }
        for place, result in results.items()
        if not isinstance(result, LedgerError)
    ]
    if rows:
        connection.execute(KEEP, rows)


def named_number(done: Done[dict[str, Any]], name: str) -> Done[int]:
    """The whole number that ``perform``'s result holds under ``name``."""
    return Done(int(done.value[name]), done.replayed)
