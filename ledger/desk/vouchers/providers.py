"""Providers of services: registered once, certified and suspended by zones, dated, found by enterprises."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, TextClause, func, select, true

from ledger.desk import roster
from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.enterprises import is_credit_code
from ledger.desk.failures import NotFound, choice_faults, refuse, text_faults
from ledger.desk.pages import PAGE_LIMIT, Page, page_of, rows_to_read
from ledger.desk.vouchers.faults import NameTaken
from ledger.desk.vouchers.provider_search import Sought
from ledger.desk.vouchers.rows import Rows
from ledger.evidence.canonical import Json
from ledger.rules.facts import Fault
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import provider_certification, voucher_provider

CERTIFICATION_KINDS = ("certified", "suspended")


@dataclass(frozen=True, slots=True)
class ProviderDraft:
    """A provider to register; ``zone`` is the code of the party where it is."""

    credit_code: str
    name_zh: str
    zone: str
    controller: str | None = None


@dataclass(frozen=True, slots=True)
class CertificationDraft:
    """What a party says of a provider, from a day on, up to and with ``ends`` (None: until further notice).

    ``services`` are codes of classes or items; of a suspension they are those suspended.
    """

    party: str
    kind: str
    starts: date
    ends: date | None
    services: tuple[str, ...]
    document: str


@dataclass(frozen=True, slots=True)
class Certification:
    sequence: int
    party_id: int
    kind: str
    starts: date
    ends: date | None
    services: list[str]
    document: str

    def holds(self, day: date, service: str) -> bool:
        """Whether it says something about the service on the day."""
        covers = bool({service, service.split(".")[0]} & set(self.services))
        return covers and self.starts <= day and (self.ends is None or day <= self.ends)


@dataclass(frozen=True, slots=True)
class Provider:
    provider_id: int
    credit_code: str
    name_zh: str
    party_id: int
    controller: str | None
    certifications: list[Certification]

    def is_certified(self, service: str, day: date, recognised: Collection[int]) -> bool:
        """Whether the last that a ``recognised`` party says of the service on the day is that it is good."""
        said = [
            one.kind for one in self.certifications if one.party_id in recognised and one.holds(day, service)
        ]
        return bool(said) and said[-1] == "certified"


def register_provider(database: Database, act: Act, draft: ProviderDraft) -> Done[int]:
    """Registers a provider; returns its id. Raises ``RequestRefused``, ``NotFound``, ``NameTaken``."""
    refuse(provider_faults(draft))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.VOUCHER, draft.credit_code)
        zone = roster.party_by_code(connection, draft.zone)
        if _providers(connection, voucher_provider.c.credit_code == draft.credit_code):
            raise NameTaken(name=draft.credit_code)
        rows, provider_id = Rows(), new_id()
        rows.add(
            voucher_provider,
            provider_id=provider_id,
            credit_code=draft.credit_code,
            name_zh=draft.name_zh,
            party_id=zone.party_id,
            controller=draft.controller,
        )
        rows.write(connection, record, "voucher_provider_registered", None)
        return {"provider": provider_id}

    request: dict[str, Json] = {
        "credit_code": draft.credit_code,
        "name_zh": draft.name_zh,
        "zone": draft.zone,
        "controller": draft.controller,
    }
    return named_number(perform(database, act, "register_voucher_provider", request, work), "provider")


def certify_provider(database: Database, act: Act, credit_code: str, draft: CertificationDraft) -> Done[int]:
    """Records a certification or suspension; returns the provider's id.

    Raises ``RequestRefused``, ``NotFound``.
    """
    refuse(certification_faults(draft))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.VOUCHER, credit_code)
        found = provider_by_code(connection, credit_code)
        rows = Rows()
        rows.add(
            provider_certification,
            provider_id=found.provider_id,
            sequence=len(found.certifications) + 1,
            party_id=roster.party_by_code(connection, draft.party).party_id,
            kind=draft.kind,
            starts=draft.starts,
            ends=draft.ends,
            services=list(draft.services),
            document=draft.document,
        )
        rows.write(connection, record, f"voucher_provider_{draft.kind}", None)
        return {"provider": found.provider_id}

    request: dict[str, Json] = {
        "credit_code": credit_code,
        "party": draft.party,
        "kind": draft.kind,
        "starts": draft.starts.isoformat(),
        "ends": None if draft.ends is None else draft.ends.isoformat(),
        "services": list(draft.services),
        "document": draft.document,
    }
    return named_number(perform(database, act, "certify_voucher_provider", request, work), "provider")


def provider_by_code(connection: Connection, credit_code: str) -> Provider:
    """The provider. Raises ``NotFound``."""
    found = _providers(connection, voucher_provider.c.credit_code == credit_code)
    if not found:
        raise NotFound("voucher provider", credit_code)
    return found[0]


def providers_by_code(connection: Connection, codes: Iterable[str]) -> dict[str, Provider]:
    """The providers with these credit codes; unknown codes are left out."""
    wanted = voucher_provider.c.credit_code.in_(sorted(set(codes)))
    return {one.credit_code: one for one in _providers(connection, wanted)}


def providers_by_id(connection: Connection, provider_ids: Iterable[int]) -> dict[int, Provider]:
    """The providers among these ids that exist."""
    wanted = voucher_provider.c.provider_id.in_(sorted(set(provider_ids)))
    return {one.provider_id: one for one in _providers(connection, wanted)}


def providers(
    connection: Connection,
    *,
    party_id: int | None = None,
    search: str | None = None,
    sought: Sought | None = None,
    after: str | None = None,
    limit: int = PAGE_LIMIT,
) -> Page[Provider]:
    """Providers by credit code; ``search`` looks for a part of the code or the name.

    ``sought``: only those that are certified for what is sought.
    """
    table = voucher_provider.c
    wanted: list[ColumnElement[bool] | TextClause] = [
        true() if party_id is None else table.party_id == party_id,
        true() if after is None else table.credit_code > after,
        true()
        if search is None
        else func.concat(table.credit_code, " ", table.name_zh).icontains(search, autoescape=True),
    ]
    if sought is not None:
        wanted.append(sought.condition)
    if sought is not None and sought.zones is not None:
        wanted.append(table.party_id.in_(sorted(sought.zones)))
    found = _providers(connection, *wanted, limit=rows_to_read(limit))
    return page_of(found, limit, lambda one: one)


def _providers(
    connection: Connection, *wanted: ColumnElement[bool] | TextClause, limit: int | None = None
) -> list[Provider]:
    rows = connection.execute(
        select(voucher_provider).where(*wanted).order_by(voucher_provider.c.credit_code).limit(limit)
    ).all()
    certifications = _certifications(connection, [row.provider_id for row in rows])
    return [
        Provider(
            provider_id=row.provider_id,
            credit_code=row.credit_code,
            name_zh=row.name_zh,
            party_id=row.party_id,
            controller=row.controller,
            certifications=certifications.get(row.provider_id, []),
        )
        for row in rows
    ]


def _certifications(connection: Connection, provider_ids: Sequence[int]) -> dict[int, list[Certification]]:
    table = provider_certification
    rows = connection.execute(
        select(table)
        .where(table.c.provider_id.in_(provider_ids))
        .order_by(table.c.provider_id, table.c.sequence)
    )
    found: dict[int, list[Certification]] = {}
    for row in rows:
        found.setdefault(row.provider_id, []).append(
            Certification(
                sequence=row.sequence,
                party_id=row.party_id,
                kind=row.kind,
                starts=row.starts,
                ends=row.ends,
                services=row.services,
                document=row.document,
            )
        )
    return found


def provider_faults(draft: ProviderDraft) -> list[Fault]:
    """What is wrong with a provider to register."""
    faults = text_faults("name_zh", draft.name_zh)
    if draft.controller is not None:
        faults += text_faults("controller", draft.controller)
    if not is_credit_code(draft.credit_code):
        faults.append(
            Fault(
                "credit_code",
                "CREDIT_CODE_UNUSABLE",
                f"Expected a credit code of 18 characters, but got {draft.credit_code[:40]!r}.",
                f"应为 18 位统一社会信用代码，实际为 {draft.credit_code[:40]!r}。",
            )
        )
    return faults


def certification_faults(draft: CertificationDraft) -> list[Fault]:
    """What is wrong with a certification to record."""
    faults = choice_faults("kind", draft.kind, CERTIFICATION_KINDS) + text_faults("document", draft.document)
    for place, service in enumerate(draft.services):
        faults += text_faults(f"services[{place}]", service)
    if not draft.services or (draft.ends is not None and draft.ends < draft.starts):
        faults.append(
            Fault(
                "services",
                "CERTIFICATION_EMPTY",
                "Expected at least one service, and a last day that isn't before the first.",
                "应至少有一项服务，且截止日不早于起始日。",
            )
        )
    return faults
