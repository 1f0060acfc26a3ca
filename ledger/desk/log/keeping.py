"""What the log keeps outside of the database: its signing key, and the last head that it signed.

A database can be put back to an older state, or changed by whoever owns it; the kept head can't be
by the same stroke. It is on disk before the head it repeats is published.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import LedgerError
from ledger.evidence.notes import Note, NoteKeyUnreadable, NoteUnreadable, SignerKey
from ledger.evidence.signatures import new_private_key

KEY_FILE = "log.key"
HEAD_FILE = "log.head"
ORIGIN_START = "parkledger.localhost"


class LogFileUnreadable(LedgerError):
    """A file that the log keeps can't be read, or holds something else."""

    code = "LOG_FILE_UNREADABLE"
    sentence_en = (
        "Expected {path} to hold what the log wrote there, but it can't be read as that. Put back a copy of "
        "it; nothing is signed until then."
    )
    sentence_zh = "{path} 的内容应由日志写入，但现在无法识别。请恢复该文件的副本；此前不会签署任何内容。"


class LogFiles:
    """The signing key and the kept head of one log; both are made when first needed."""

    def __init__(self, folder: Path, head_path: Path | None = None) -> None:
        self._folder = folder
        self.key_path = folder / KEY_FILE
        self.head_path = head_path or folder / HEAD_FILE

    def signer(self) -> SignerKey:
        """The log's key; its name is the log's origin. Raises ``LogFileUnreadable``."""
        if not self.key_path.exists():
            self._make_key()
        try:
            return SignerKey.parse(self.key_path.read_text())
        except (NoteKeyUnreadable, OSError, UnicodeDecodeError) as error:
            raise LogFileUnreadable(path=self.key_path) from error

    def kept_head(self) -> Note | None:
        """The last head that was signed; None before the first. Raises ``LogFileUnreadable``."""
        try:
            return Note.parse(self.head_path.read_bytes())
        except FileNotFoundError:
            return None
        except (NoteUnreadable, OSError) as error:
            raise LogFileUnreadable(path=self.head_path) from error

    def keep(self, note: Note) -> None:
        """Replace the kept head; when this returns, it is on disk."""
        unfinished = self.head_path.with_name(f".{self.head_path.name}.new")
        _write(unfinished, note.encode())
        unfinished.replace(self.head_path)
        _sync_folder(self.head_path.parent)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits until no other process signs with these files, and makes others wait."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.head_path.parent.mkdir(parents=True, exist_ok=True)
        with (self._folder / ".log.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_key(self) -> None:
        """Nobody ever sees a part of the file, and the first of two makers wins."""
        self._folder.mkdir(parents=True, exist_ok=True)
        key = SignerKey(f"{ORIGIN_START}/{secrets.token_hex(8)}", new_private_key())
        unfinished = self._folder / f".{KEY_FILE}.{secrets.token_hex(4)}"
        _write(unfinished, f"{key}\n".encode())
        try:
            self.key_path.hardlink_to(unfinished)
        except FileExistsError:
            return
        finally:
            unfinished.unlink()
            _sync_folder(self._folder)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
