"""Which providers are certified on a day for what an enterprise looks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Boolean, Date, Text

from ledger.desk.vouchers.programmes import programme_by_code, programme_on

# A certification counts unless a later one suspends the same service. Of a class that is looked for, an
# item that is certified counts too; then it is the item that mustn't be suspended.
CERTIFIED = """
    EXISTS (
        SELECT FROM provider_certification AS said
            CROSS JOIN unnest(:services) AS wanted(service)
            CROSS JOIN jsonb_array_elements_text(said.services) AS named(service)
            CROSS JOIN LATERAL (SELECT CASE
                WHEN starts_with(named.service, wanted.service || '.') THEN named.service
                ELSE wanted.service END) AS sought(service)
        WHERE said.provider_id = voucher_provider.provider_id AND said.kind = 'certified'
            AND named.service IN (sought.service, split_part(sought.service, '.', 1))
            AND said.starts <= :day AND coalesce(said.ends, :day) >= :day
            AND (:by_anybody OR said.party_id = ANY(:parties))
            AND NOT EXISTS (
                SELECT FROM provider_certification AS later
                WHERE later.provider_id = said.provider_id AND later.sequence > said.sequence
                    AND later.kind = 'suspended'
                    AND later.starts <= :day AND coalesce(later.ends, :day) >= :day
                    AND (:by_anybody OR later.party_id = ANY(:parties))
                    AND jsonb_exists_any(later.services,
                                         ARRAY[sought.service, split_part(sought.service, '.', 1)])))
"""


@dataclass(frozen=True, slots=True)
class Sought:
    """One of these services, certified on ``day`` by one of ``parties`` (None: whoever said so last)."""

    services: tuple[str, ...]
    day: date
    parties: Collection[int] | None = None
    zones: Collection[int] | None = None
    """Only in these zones; None: anywhere."""

    @property
    def condition(self) -> TextClause:
        """Of a row of ``voucher_provider``."""
        values: dict[str, tuple[object, Any]] = {
            "services": (list(self.services), ARRAY(Text)),
            "day": (self.day, Date),
            "by_anybody": (self.parties is None, Boolean),
            "parties": (sorted(self.parties or ()), ARRAY(BigInteger)),
        }
        bound = (bindparam(name, value, type_=kind) for name, (value, kind) in values.items())
        return text(CERTIFIED).bindparams(*bound)


def sought_in_programme(connection: Connection, code: str, service: str | None, day: date) -> Sought:
    """What the programme pays for on the day, where, and whose certifications it goes by.

    ``service`` narrows it to one. Raises ``NotFound``, ``ProgrammeNotInForce``.
    """
    programme = programme_on(connection, programme_by_code(connection, code).programme_id, day)
    listed = tuple(one.code for one in programme.document.services)
    if service is not None and programme.document.has_service(service):
        listed = (service,)
    elif service is not None:
        listed = tuple(one for one in listed if one.startswith(f"{service}."))
    zones = (programme.document.home, *programme.document.provider_zones)
    return Sought(
        listed,
        day,
        {side.party_id for side in programme.sides.values()},
        {programme.party_id(role) for role in zones},
    )
