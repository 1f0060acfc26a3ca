"""What an operation works with: who asks, the database, and one snapshot that all its reading shares."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Self, TypeAlias

import strawberry
from sqlalchemy import Connection

from ledger.desk.accounts import Account
from ledger.desk.acts import Act
from ledger.desk.log import LogFiles
from ledger.errors import LedgerError
from ledger_schema.sessions import Database


class LogNotKept(LedgerError):
    """The server was started without the log's key."""

    code = "LOG_NOT_KEPT"
    sentence_en = (
        "This server was started without the log's key, so it signs nothing. Ask one started with "
        "`parkledger start`."
    )
    sentence_zh = "本服务启动时没有日志密钥，因此不签署。请使用以 `parkledger start` 启动的服务。"


class Desk:
    """The context of one operation. It belongs to the one thread that runs the operation.

    ``snapshot`` is opened when something is first read and shared by all that follows, so that one answer
    never mixes two states of the ledger. A mutation calls ``refresh`` so that its result shows its change.

    What is read is what ``account`` may see. Acts see everything through ``database``, as their figures need
    all sides' lines; that the account may do them was looked at before (``ledger_graphql.authority``).
    """

    def __init__(self, database: Database, account: Account, log_files: LogFiles | None = None) -> None:
        self.database = database
        self.account = account
        self.acts_for: str | None = None
        """The code of the party for which the mutation at hand is done."""
        self._seen = database.seen_by(account.sight)
        self._log_files = log_files
        self._open = ExitStack()
        self._snapshot: Connection | None = None

    @property
    def snapshot(self) -> Connection:
        """A read-only connection that sees one unchanging state of the ledger."""
        if self._snapshot is None:
            self._snapshot = self._open.enter_context(self._seen.reading())
        return self._snapshot

    def seeing_everything(self) -> AbstractContextManager[Connection]:
        """A snapshot without row security, for sums over what the account may not see one by one."""
        return self.database.reading()

    @property
    def person(self) -> str:
        """The name of whoever asks."""
        return self.account.person

    @property
    def log_files(self) -> LogFiles:
        """The log's key and kept head. Raises ``LogNotKept`` where this server has none."""
        if self._log_files is None:
            raise LogNotKept
        return self._log_files

    def refresh(self) -> None:
        """Let go of the snapshot; the next reading opens a new one."""
        self._snapshot = None
        self._open.close()

    def act(self, idempotency_key: str) -> Act:
        """The act that a mutation performs under the client's key, which is the account's own."""
        name = self.account.name
        return Act(idempotency_key, actor=name, person=self.account.person, party=self.acts_for, scope=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refresh()


OpenDesk: TypeAlias = Callable[[Account], Desk]
"""Opens a desk for one operation of an account."""

Info: TypeAlias = strawberry.Info[Desk, None]
