"""Files of providers: CSV, taken as a whole or refused with every fault.

The first row names the columns:

    credit_code   统一社会信用代码 of the provider
    name          its name
    zone          code of the party where it is
    controller    its actual controller, or empty
    services      codes of classes or items, with blanks between them
    starts, ends  first and last day of the certification; ends may be empty
    document      reference to its evidence

Each row certifies one provider for the party that imports the file; one that is new is registered.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from ledger.desk.acts import Act
from ledger.desk.failures import refuse
from ledger.desk.vouchers.providers import (
    CertificationDraft,
    ProviderDraft,
    certification_faults,
    certify_provider,
    provider_faults,
    providers_by_code,
    register_provider,
)
from ledger.evidence.canonical import digest
from ledger.periods import DayUnreadable, parse_day
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database

COLUMNS = ("credit_code", "name", "zone", "controller", "services", "starts", "ends", "document")
ROWS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class ImportedProviders:
    """How many providers a file certified, and how many of them it registered."""

    certified: int
    registered: int


def import_providers(database: Database, party: str, content: bytes, actor: str) -> ImportedProviders:
    """Registers and certifies every provider of the file, each in an act of its own.

    The same file again does nothing new. Raises ``RequestRefused`` with every fault before anything is done,
    ``NotFound`` for an unknown party or zone.
    """
    drafts = _read(party, content)
    with database.reading() as connection:
        known = providers_by_code(connection, [provider.credit_code for provider, _ in drafts])
    key = f"providers/{party}/{digest(content).hex()}"
    registered = 0
    for number, (provider, certification) in enumerate(drafts, start=1):
        if provider.credit_code not in known:
            done = register_provider(database, Act(f"{key}/{number}/register", actor=actor), provider)
            registered += not done.replayed
        certify_provider(
            database, Act(f"{key}/{number}/certify", actor=actor), provider.credit_code, certification
        )
    return ImportedProviders(len(drafts), registered)


def _read(party: str, content: bytes) -> list[tuple[ProviderDraft, CertificationDraft]]:
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error):
        rows = []
    if not 1 <= len(rows) <= ROWS_MAX or set(rows[0]) != set(COLUMNS):
        refuse([_file_fault()])
    faults: list[Fault] = []
    drafts = []
    for number, row in enumerate(rows, start=2):
        drafts.append(_drafts(party, row, f"row {number}", faults))
    codes = [provider.credit_code for provider, _ in drafts]
    faults += [
        Fault(code, "ROW_REPEATED", "Expected each provider once.", "同一文件中每家机构只列一次。")
        for code in sorted({code for code in codes if codes.count(code) > 1})
    ]
    refuse(faults)
    return drafts


def _drafts(
    party: str, row: Mapping[str, str | None], path: str, faults: list[Fault]
) -> tuple[ProviderDraft, CertificationDraft]:
    said = {name: (row[name] or "").strip() for name in COLUMNS}
    days = dict(_days(said, path, faults))
    provider = ProviderDraft(said["credit_code"], said["name"], said["zone"], said["controller"] or None)
    certification = CertificationDraft(
        party,
        "certified",
        days.get("starts", date.max),
        days.get("ends"),
        tuple(said["services"].split()),
        said["document"],
    )
    faults += [
        Fault(f"{path}, {fault.path}", fault.code, fault.message_en, fault.message_zh)
        for fault in provider_faults(provider) + certification_faults(certification)
    ]
    return provider, certification


def _days(said: Mapping[str, str], path: str, faults: list[Fault]) -> Iterator[tuple[str, date]]:
    for name in ("starts", "ends"):
        if name == "ends" and not said[name]:
            continue
        try:
            yield name, parse_day(said[name])
        except DayUnreadable as error:
            faults.append(Fault(f"{path}, {name}", error.code, error.message_en, error.message_zh))


def _file_fault() -> Fault:
    columns = ", ".join(COLUMNS)
    return Fault(
        "file",
        "PROVIDER_FILE_UNREADABLE",
        f"Expected CSV in UTF-8 with the columns {columns} and 1 to {ROWS_MAX} rows.",
        f"应为 UTF-8 编码的 CSV，列为 {columns}，共 1 至 {ROWS_MAX} 行。",
    )
