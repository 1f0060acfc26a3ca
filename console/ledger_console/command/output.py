"""How commands speak: text, tables and files on standard output, progress and failures beside it."""

from __future__ import annotations

import io
import logging
import os
import shutil
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import IO

from ledger.desk.returns.faults import ReturnFault, ReturnRefused
from ledger.desk.statements.text import table
from ledger.errors import LedgerError
from ledger.money import Commodity, format_amount
from ledger.rules.check import TermsRefused
from ledger.rules.explanation import Language
from ledger.rules.facts import Fault
from ledger_console.command.failures import FileNotReadable, FileNotWritable
from ledger_schema.server import default_home

LOG_FILE = "parkledger.log"
LOG_BYTES_MAX = 1_000_000
LOG_FILES_KEPT = 3

Heads = Sequence[tuple[str, str]]


def show(text: str) -> None:
    print(text, flush=True)


def show_table(
    heads: Heads, rows: Sequence[Sequence[str]], language: Language, *, right: set[int] | None = None
) -> None:
    """A table under Chinese or English heads; ``right`` are the columns of amounts."""
    index = 0 if language == "zh" else 1
    show(table([head[index] for head in heads], rows, right=right or set()))


def amount(amount_minor: int, commodity: Commodity, language: Language) -> str:
    """The exact amount with its unit."""
    unit = commodity.unit_zh if language == "zh" else commodity.unit_en
    return f"{format_amount(amount_minor, commodity.scale, thousands=True)} {unit}"


def read_bytes(path: Path) -> bytes:
    """What the file holds. Raises ``FileNotReadable``."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileNotReadable(path=path, reason=error.strerror) from error


def deliver(content: bytes, path: Path | None) -> None:
    """Writes to the file, else to standard output. Raises ``FileNotWritable``."""
    deliver_file(io.BytesIO(content), path)


def deliver_file(made: IO[bytes], path: Path | None) -> None:
    """Copies all of ``made`` to the file, else to standard output. Raises ``FileNotWritable``."""
    made.seek(0)
    if path is None:
        sys.stdout.flush()
        shutil.copyfileobj(made, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        with path.open("wb") as target:
            shutil.copyfileobj(made, target)
    except OSError as error:
        raise FileNotWritable(path=path, reason=error.strerror) from error
    show(f"已写入 {path} / Written to {path}")


# --- failures ---------------------------------------------------------------------------------------------


def tell(error: LedgerError) -> None:
    """The failure in both languages, with every fault of a refused document."""
    _complain(f"错误 {error.code}：{error.message_zh}", f"Error {error.code}: {error.message_en}")
    _complain(*_fault_lines(error))
    if _wants_trace():
        traceback.print_exception(error)


def tell_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Stands in for Python's own report of an error that nobody foresaw: short, with the rest in the log."""
    if _wants_trace():
        sys.__excepthook__(kind, error, trace)
        return
    log = default_home() / LOG_FILE
    with log_to(log):
        logging.getLogger("ledger_console").critical("unexpected", exc_info=(kind, error, trace))
    _complain(
        f"程序出现意外错误（{kind.__name__}），详情见日志 {log}。请报告此问题。",
        f"Something unexpected happened ({kind.__name__}); the log {log} has the details. Please report it.",
    )


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """While it lasts, what is logged goes to a file of limited size; nowhere if it can't be written."""
    handler = _log_handler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()


def _log_handler(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return RotatingFileHandler(path, maxBytes=LOG_BYTES_MAX, backupCount=LOG_FILES_KEPT, encoding="utf-8")
    except OSError as error:
        _complain(f"无法写日志 {path}：{error.strerror} / The log can't be written: {error.strerror}")
        return logging.NullHandler()


def _fault_lines(error: LedgerError) -> Iterable[str]:
    if isinstance(error, ReturnRefused):
        yield from (line for fault in error.faults for line in _of_file(fault))
        if error.fault_count > len(error.faults):
            more = error.fault_count - len(error.faults)
            yield f"  另有 {more} 处 / {more} more"
    if isinstance(error, TermsRefused):
        yield from (line for fault in error.faults for line in _of_terms(fault))


def _of_file(fault: ReturnFault) -> tuple[str, str, str]:
    place = str(fault.place) or "整个文件 whole file"
    return f"  {place}  {fault.code}", f"    {fault.message_zh}", f"    {fault.message_en}"


def _of_terms(fault: Fault) -> tuple[str, str, str]:
    return f"  {fault.path}  {fault.code}", f"    {fault.message_zh}", f"    {fault.message_en}"


def _complain(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def _wants_trace() -> bool:
    return os.environ.get("PARKLEDGER_DEBUG") == "1"
