"""Seals: the nonce that a file was sealed with, kept beside the file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from ledger.evidence.canonical import digest
from ledger.evidence.commitments import commitment_of, new_nonce
from ledger_console.command.failures import FileNotWritable, SealUnreadable
from ledger_console.command.output import read_bytes, show

SEAL_ENDING = ".seal"

_NONCE = re.compile(rb"[0-9a-f]{64}\s*")


def seal(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The return to seal. 待密封的申报文件。")],
) -> None:
    """Seal a file: print the hash to commit to, and keep its nonce. 密封文件：打印承诺值并保存随机数。

    The nonce goes into FILE.seal. Keep both files unchanged and to yourself until the figures open; without
    them the commitment can't be opened. The same file again gives the same commitment. Nothing is sent.
    随机数保存在 FILE.seal 中。开封前请原样保管这两个文件，不要外传；缺少它们就无法开封。
    """
    commitment = sealed_commitment(file)
    show(f"承诺 commitment: {commitment.hex()}")
    show(f"随机数保存于 / The nonce is in {seal_path(file)}")


def sealed_commitment(file: Path) -> bytes:
    """The commitment to the file under the nonce beside it, which is made if it isn't there yet.

    Raises ``FileNotReadable``, ``FileNotWritable``, ``SealUnreadable``.
    """
    content_hash = digest(read_bytes(file))
    path = seal_path(file)
    if not path.exists():
        _write_seal(path)
    return commitment_of(content_hash, read_nonce(path))


def seal_path(file: Path) -> Path:
    return file.with_name(file.name + SEAL_ENDING)


def read_nonce(path: Path) -> bytes:
    """The nonce that a seal holds. Raises ``FileNotReadable``, ``SealUnreadable``."""
    content = read_bytes(path)
    if not _NONCE.fullmatch(content):
        raise SealUnreadable(path=path)
    return bytes.fromhex(content.decode("ascii").strip())


def _write_seal(path: Path) -> None:
    """Makes a seal that only its owner may read; one that is there is never overwritten."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_nonce().hex() + "\n")
    except OSError as error:
        raise FileNotWritable(path=path, reason=error.strerror) from error
