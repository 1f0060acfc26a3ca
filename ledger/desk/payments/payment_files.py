"""Files of payments received, from a bank or treasury: CSV, taken as a whole or refused with every fault.

The first row names the columns, in Chinese or English and in any order:

    channel        渠道      bank 银行, treasury 国库 or year_end 年终结算
    payer          付款方    code of the party
    payer_account  付款账号  as the bank writes it
    payee          收款方    code of the party
    reference      流水号    the line's own, unique in the payer's account
    amount         金额      yuan, such as 1234.56
    value_date     起息日    such as 2024-10-31
    purpose        用途      may name a leg by its reference (PL- and a number), or be empty
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select

from ledger.desk.acts import Act, Done, Queue, Recorder, perform, queue_on
from ledger.desk.failures import refuse, text_faults
from ledger.desk.payments.faults import PaymentLineKnown, person_faults
from ledger.desk.payments.receiving import (
    PaymentDraft,
    PaymentLine,
    add_payments,
    known_lines,
    payment_faults,
)
from ledger.evidence.canonical import digest
from ledger.measures import YUAN
from ledger.money import AmountUnreadable, parse_amount
from ledger.periods import DayUnreadable, parse_day
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import party as party_table
from ledger_schema.tables import payment_file

COLUMNS: Mapping[str, str] = {
    "channel": "渠道",
    "payer": "付款方",
    "payer_account": "付款账号",
    "payee": "收款方",
    "reference": "流水号",
    "amount": "金额",
    "value_date": "起息日",
    "purpose": "用途",
}
"""The columns in English, as they are best ordered, and in Chinese."""

CHANNEL_NAMES: Mapping[str, str] = {"银行": "bank", "国库": "treasury", "年终结算": "year_end"}

ROWS_MAX = 5_000
BYTES_MAX = 4 * 2**20


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A file that was imported: its hash, its name then, and how many payments it has."""

    content_hash: bytes
    name: str
    payment_count: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file: its number, from 1 up, and its values by column; ``places`` are the columns'."""

    number: int
    values: Mapping[str, str]
    places: Mapping[str, int]

    def cell(self, column: str) -> str:
        """The cell's name, such as F3."""
        return f"{chr(ord('A') + self.places[column])}{self.number}"


def import_payments(
    database: Database, act: Act, person: str, file_name: str, content: bytes
) -> Done[PaymentFile]:
    """Record every payment of the file, or none.

    A file with exactly these bytes that was imported before is a replay, under another key too. Raises
    ``RequestRefused`` with every fault and its cell.
    """
    refuse([*person_faults("person", person), *text_faults("file_name", file_name)])
    content_hash = digest(content)

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.PAYMENT_FILE, content_hash.hex())
        imported = _imported(connection, content_hash)
        if imported is None:
            drafts = _read(connection, content)
            _add_file(connection, record, content_hash, file_name, len(drafts))
            add_payments(connection, record, person, drafts, content_hash)
            return {"name": file_name, "payments": len(drafts), "replayed": False}
        return {"name": imported.name, "payments": imported.payment_count, "replayed": True}

    request = {"person": person, "file_name": file_name, "content_sha256": content_hash.hex()}
    done = perform(database, act, "import_payments", request, work)
    taken = PaymentFile(content_hash, done.value["name"], int(done.value["payments"]))
    return Done(taken, done.replayed or bool(done.value["replayed"]))


def _read(connection: Connection, content: bytes) -> list[PaymentDraft]:
    rows, faults = read_rows(content)
    drafts, more = read_drafts(rows, _known_codes(connection, rows))
    refuse(faults + (more or _known_line_faults(connection, rows, drafts)))
    return drafts


# --- reading ----------------------------------------------------------------------------------------------


def read_rows(content: bytes) -> tuple[list[Row], list[Fault]]:
    """The rows below the head; faults of the file as a whole."""
    try:
        text = content.decode("utf-8-sig") if len(content) <= BYTES_MAX else None
    except UnicodeDecodeError:
        text = None
    if text is None:
        return [], [_fault("", "FILE_UNREADABLE", f"CSV in UTF-8, at most {BYTES_MAX // 2**20} MiB", "")]
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        return [], [_fault("", "FILE_UNREADABLE", "well-formed CSV", str(error))]
    places, faults = _places(table[0] if table else [])
    body = [(number, cells) for number, cells in enumerate(table[1:], start=2) if any(cells)]
    if not 1 <= len(body) <= ROWS_MAX:
        faults.append(_fault("", "ROWS_UNUSABLE", f"1 to {ROWS_MAX} rows below the head", str(len(body))))
    if faults:
        return [], faults
    return _rows(body, places, len(table[0]))


def _places(head: Sequence[str]) -> tuple[dict[str, int], list[Fault]]:
    """Where each column stands."""
    english = {name_zh: name for name, name_zh in COLUMNS.items()}
    named = [english.get(cell.strip(), cell.strip()) for cell in head]
    places = {name: named.index(name) for name in COLUMNS if name in named}
    faults = [
        _fault("1", "COLUMN_MISSING", f"a column {name} ({COLUMNS[name]})", ", ".join(head)[:80])
        for name in COLUMNS
        if named.count(name) != 1
    ]
    if len(head) > len(COLUMNS) and not faults:
        faults.append(_fault("1", "COLUMN_UNKNOWN", f"only {', '.join(COLUMNS)}", ", ".join(head)[:80]))
    return places, faults


def _rows(
    body: Iterable[tuple[int, list[str]]], places: Mapping[str, int], width: int
) -> tuple[list[Row], list[Fault]]:
    rows, faults = [], []
    for number, cells in body:
        if len(cells) == width:
            values = {name: cells[place].strip() for name, place in places.items()}
            rows.append(Row(number, values, places))
        else:
            faults.append(_fault(f"{number}", "CELLS_MISCOUNTED", f"{width} cells", str(len(cells))))
    return rows, faults


def read_drafts(rows: Sequence[Row], known_codes: frozenset[str]) -> tuple[list[PaymentDraft], list[Fault]]:
    """The payments of the rows; every fault with its cell. A line that comes twice is a fault."""
    drafts: list[PaymentDraft] = []
    faults: list[Fault] = []
    lines: set[PaymentLine] = set()
    for row in rows:
        found: list[Fault] = []
        draft = _draft(row, found)
        found += [
            _fault(row.cell(name), "PARTY_UNKNOWN", "the code of a registered party", row.values[name])
            for name in ("payer", "payee")
            if row.values[name] not in known_codes
        ]
        if draft.line in lines:
            repeated = draft.reference
            found.append(
                _fault(row.cell("reference"), "LINE_REPEATED", "each line of an account once", repeated)
            )
        lines.add(draft.line)
        drafts.append(draft)
        faults += found
    return drafts, faults


def _draft(row: Row, faults: list[Fault]) -> PaymentDraft:
    """The row's payment; what can't be read goes to ``faults`` and is replaced by something that can."""
    values = row.values
    draft = PaymentDraft(
        channel=CHANNEL_NAMES.get(values["channel"], values["channel"]),
        payer=values["payer"],
        payer_account=values["payer_account"],
        payee=values["payee"],
        reference=values["reference"],
        amount_minor=_amount(row, faults),
        value_day=_day(row, faults),
        purpose=values["purpose"],
    )
    faults += [
        Fault(row.cell(fault.path), fault.code, fault.message_en, fault.message_zh)
        for fault in payment_faults("", draft)
    ]
    return draft


def _amount(row: Row, faults: list[Fault]) -> int:
    try:
        return parse_amount(row.values["amount"], YUAN.scale)
    except AmountUnreadable as error:
        faults.append(Fault(row.cell("amount"), error.code, error.message_en, error.message_zh))
        return 1


def _day(row: Row, faults: list[Fault]) -> date:
    try:
        return parse_day(row.values["value_date"])
    except DayUnreadable as error:
        faults.append(Fault(row.cell("value_date"), error.code, error.message_en, error.message_zh))
        return date.min


def _fault(cell: str, code: str, expected: str, got: str) -> Fault:
    return Fault(cell, code, f"Expected {expected}, but got {got!r}.", f"应为 {expected}，实际为 {got!r}。")


# --- what the ledger knows --------------------------------------------------------------------------------


def _known_codes(connection: Connection, rows: Iterable[Row]) -> frozenset[str]:
    named = {row.values[name] for row in rows for name in ("payer", "payee")}
    found = connection.execute(select(party_table.c.code).where(party_table.c.code.in_(sorted(named))))
    return frozenset(found.scalars())


def _known_line_faults(
    connection: Connection, rows: Sequence[Row], drafts: Sequence[PaymentDraft]
) -> list[Fault]:
    known = known_lines(connection, drafts)
    return [
        _known_line_fault(row, draft.line)
        for row, draft in zip(rows, drafts, strict=True)
        if draft.line in known
    ]


def _known_line_fault(row: Row, line: PaymentLine) -> Fault:
    said = PaymentLineKnown(reference=line.reference, account=line.payer_account, payer=line.payer)
    return Fault(row.cell("reference"), said.code, said.message_en, said.message_zh)


def _imported(connection: Connection, content_hash: bytes) -> PaymentFile | None:
    row = connection.execute(
        select(payment_file).where(payment_file.c.content_hash == content_hash)
    ).one_or_none()
    return None if row is None else PaymentFile(row.content_hash, row.name, row.payment_count)


def _add_file(
    connection: Connection, record: Recorder, content_hash: bytes, name: str, payment_count: int
) -> None:
    event_id = record(
        "payments_imported", {"content_sha256": content_hash.hex(), "name": name, "payments": payment_count}
    )
    connection.execute(
        insert(payment_file).values(
            content_hash=content_hash, name=name, payment_count=payment_count, event_id=event_id
        )
    )
