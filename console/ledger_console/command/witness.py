"""The log from a zone's side: follow it, keep its heads, cosign them, and prove a fork.

Nothing here opens the ledger: a zone runs it on its own machine, with its own key and its own heads.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from ledger.evidence import checkpoints, forks, notes
from ledger.evidence.checkpoints import Checkpoint, cosigner_name
from ledger.evidence.forks import Fork, LogForked
from ledger.evidence.notes import Note, VerifierKey
from ledger_console.command.failures import (
    CosignatureNotTaken,
    HeadsUnusable,
    LogUnreachable,
)
from ledger_console.command.output import read_bytes, show
from ledger_console.command.private_keys import read_private_key

TOKEN_VARIABLE = "PARKLEDGER_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT_SECONDS = 30
ANSWER_BYTES_MAX = 2_000_000

witness_commands = typer.Typer(
    no_args_is_help=True,
    help="Follow a log from your own machine, and cosign it. 在自己的电脑上跟踪日志并会签。",
)

Url = Annotated[str, typer.Argument(metavar="URL", help="Of the ledger, http://127.0.0.1:8000. 账本地址。")]
HeadsFile = Annotated[
    Path, typer.Option("--heads", metavar="FILE", help="Your own record of its heads. 自己保存的检查点文件。")
]
LogKey = Annotated[
    VerifierKey | None,
    typer.Option(
        "--key",
        metavar="KEY",
        parser=VerifierKey.parse,
        help="The log's verifier key, as its operator gave it to you; needed once. 日志公钥，首次需要。",
    ),
]


@witness_commands.command("follow")
def follow(
    url: Url,
    heads: HeadsFile,
    key: LogKey = None,
    every: Annotated[
        int | None,
        typer.Option(
            "--every", metavar="SECONDS", min=1, help="Again and again until Ctrl-C. 循环间隔秒数。"
        ),
    ] = None,
) -> None:
    """Fetch the log's head, check that it continues the last one you keep, and keep it. 跟踪日志检查点。

    A fork is proven in a file beside the heads. 如发现分叉，证明写入检查点文件旁。
    """
    while True:
        _show_head(_followed(url, Heads(heads, key)))
        if every is None:
            return
        time.sleep(every)


@witness_commands.command("cosign")
def cosign(
    url: Url,
    heads: HeadsFile,
    party: Annotated[str, typer.Option("--party", metavar="CODE", help="Your code. 本方编号。")],
    key_file: Annotated[
        Path,
        typer.Option("--key-file", metavar="FILE", help="Your private key (PEM or hex). 本方私钥文件。"),
    ],
    key: LogKey = None,
) -> None:
    """Follow the log, then cosign its head with your own key. 跟踪日志后，用本方私钥会签检查点。"""
    private_key = read_private_key(key_file)
    note = _followed(url, Heads(heads, key))
    head = Checkpoint.parse(note.text)
    signature = checkpoints.cosign(
        note.text, cosigner_name(head.origin, party), private_key, int(time.time())
    )
    _hand_in(url, party, head.size, str(signature))
    _show_head(note)
    show(f"已会签 Cosigned: {signature}")


@witness_commands.command("fork")
def check_fork(
    fork: Annotated[Path, typer.Argument(metavar="FILE", help="The proof of a fork. 分叉证明文件。")],
    key: Annotated[
        VerifierKey,
        typer.Option("--key", metavar="KEY", parser=VerifierKey.parse, help="The log's key. 日志公钥。"),
    ],
) -> None:
    """Check somebody's proof that the log has two pasts. 核验他人提供的分叉证明。"""
    forks.verify_fork(Fork.parse(read_bytes(fork)), key)
    show(f"证明成立：日志 {key.name} 有两种历史。The proof holds: the log {key.name} has two pasts.")


class Heads:
    """A file of the heads that were seen: a line for the log's key, then one for each head. Only added to."""

    def __init__(self, path: Path, key: VerifierKey | None) -> None:
        """Begins the file with ``key`` if it isn't there. Raises ``HeadsUnusable``."""
        self._path = path
        if not path.exists():
            if key is None:
                raise HeadsUnusable(path=path)
            self._add({"key": str(key)})
        try:
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            self.key = VerifierKey.parse(lines[0]["key"])
            self.last = Note.parse(lines[-1]["note"].encode()) if lines[1:] else None
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise HeadsUnusable(path=path) from error
        if key not in (None, self.key):
            raise HeadsUnusable(path=path)

    def keep(self, note: Note) -> None:
        """Adds a head; when this returns, it is on disk."""
        seen = datetime.now(UTC).isoformat(timespec="seconds")
        self._add({"seen": seen, "note": note.encode().decode()})

    def keep_fork(self, fork: Fork) -> Path:
        """Writes the proof of a fork beside the heads; returns where."""
        path = self._path.with_name(f"{self._path.name}.fork-{secrets.token_hex(4)}.json")
        path.write_bytes(fork.encode())
        return path

    def _add(self, entry: Mapping[str, str]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _followed(url: str, heads: Heads) -> Note:
    """The log's head, which continues the last one kept and is kept now.

    Raises ``LogForked``, ``LogNotContinued``, ``LogUnreachable``, ``NoteNotSigned``.
    """
    note = Note.parse(_fetched(url, "/log/checkpoint"))
    seen = checkpoints.verified(note, heads.key)
    if heads.last is not None:
        kept = checkpoints.verified(heads.last, heads.key)
        proof, old_root = _consistency(url, kept, seen)
        try:
            forks.require_continued(heads.last, note, heads.key, proof, old_root)
        except LogForked as error:
            path = heads.keep_fork(error.fork)
            show(f"分叉证明 The proof of the fork: {path}\n{error.fork.encode().decode()}")
            raise
        if kept == seen:
            return note
    heads.keep(note)
    return note


def _consistency(url: str, kept: Checkpoint, seen: Checkpoint) -> tuple[list[bytes], bytes]:
    """What the log says of how it went on; nothing where there is nothing to ask."""
    if seen.size <= kept.size:
        return [], b""
    path = f"/log/consistency?from={kept.size}&to={seen.size}"
    try:
        answer = json.loads(_fetched(url, path))
        return [notes.from_base64(each) for each in answer["proof"]], notes.from_base64(answer["from_root"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise LogUnreachable(url=url + path, reason="not a consistency proof") from error


def _hand_in(url: str, party: str, size: int, line: str) -> None:
    # The documents are light; the rest of the web libraries isn't needed here.
    from ledger_graphql.documents import documents

    entered = {"idempotencyKey": f"witness/{party}/{size}/{line[-40:]}", "party": party, "size": size}
    body = {
        "query": documents()["cosign_checkpoint"],
        "variables": {"input": {**entered, "line": line}},
    }
    answer: Any = json.loads(_fetched(url, "/graphql", json.dumps(body).encode()))
    result = (answer.get("data") or {}).get("cosignCheckpoint") or {}
    if result.get("__typename") != "CosignatureSuccess":
        raise CosignatureNotTaken(zh=result.get("messageZh") or answer, en=result.get("messageEn") or answer)


def _fetched(url: str, path: str, body: bytes | None = None) -> bytes:
    """The answer's bytes. Raises ``LogUnreachable``."""
    address = urlsplit(url)
    kind = {"http": HTTPConnection, "https": HTTPSConnection}.get(address.scheme)
    if kind is None or not address.hostname:
        raise LogUnreachable(url=url, reason="http://…, https://…")
    connection = kind(address.hostname, address.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(
            "POST" if body else "GET",
            address.path.rstrip("/") + path,
            body,
            _headers(has_body=body is not None),
        )
        answer = connection.getresponse()
        content: bytes = answer.read(ANSWER_BYTES_MAX)
    except (OSError, HTTPException) as error:
        raise LogUnreachable(url=url + path, reason=str(error)) from error
    finally:
        connection.close()
    if answer.status != 200:
        raise LogUnreachable(
            url=url + path, reason=f"{answer.status} {content[:500].decode(errors='replace')}"
        )
    return content


def _headers(*, has_body: bool) -> dict[str, str]:
    """With the token that the environment has; without one the ledger says what is missing."""
    token = os.environ.get(TOKEN_VARIABLE)
    content_type = {"Content-Type": "application/json"} if has_body else {}
    return content_type | ({"Authorization": f"Bearer {token}"} if token else {})


def _show_head(note: Note) -> None:
    head = Checkpoint.parse(note.text)
    show(f"{head.origin}  {head.size}  {notes.to_base64(head.root)}")
