"""What a claim gets: every clause of the programme in turn, by the rules that compute everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ledger.desk.vouchers.programmes import ProgrammeOnDay
from ledger.desk.vouchers.providers import Provider
from ledger.desk.vouchers.reading import Voucher
from ledger.desk.vouchers.sums import Quotas
from ledger.errors import InvariantBroken
from ledger.rules.facts import Subject
from ledger.rules.plain.claims import Limits, decide_claim
from ledger.rules.terms import Clause


@dataclass
class Deciding:
    """One claim on its way to a decision, and what stands around it; ``parts`` by clause and payer."""

    programme: ProgrammeOnDay
    claim_id: int
    eligible_minor: int
    claimed_on: date
    voucher: Voucher
    provider: Provider
    service: str
    parts: dict[tuple[int, str], int] = field(default_factory=dict)
    working: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def total_minor(self) -> int:
        return sum(self.parts.values())

    @property
    def by_payer(self) -> dict[str, int]:
        totals: dict[str, int] = {}
        for (_, role), part_minor in self.parts.items():
            totals[role] = totals.get(role, 0) + part_minor
        return totals

    @property
    def zone(self) -> str:
        """The role of the zone where the provider is."""
        found = self.programme.zone_of(self.provider.party_id)
        if found is None:
            raise InvariantBroken(detail=f"the programme has no zone of provider {self.provider.provider_id}")
        return found

    @property
    def clauses(self) -> list[Clause]:
        """The programme's clauses as they hold where the provider is."""
        return self.programme.clauses_at(self.zone)

    @property
    def subject(self) -> Subject:
        """The enterprise with what rates may look at: where the provider is, and what it does."""
        applied = self.voucher.application
        location = "home" if self.zone == self.programme.document.home else "other"
        said = {
            "provider_location": location,
            "service": self.service,
            "service_class": self.service.split(".")[0],
        }
        return Subject(
            applied.enterprise_id, controller=applied.controller, attributes={**applied.attributes, **said}
        )


def reckon(one: Deciding, quotas: Quotas, left_minor: int, by_payer: Mapping[str, int]) -> None:
    """Sets the claim's ``parts`` and ``working``; all together they exceed neither the cost nor what is left
    of the voucher, and a payer's not what ``by_payer`` says.
    """
    one.parts, one.working = {}, {}
    whole_minor, payers = min(left_minor, one.eligible_minor), dict(by_payer)
    own = one.voucher.application.enterprise_id
    of_payer = "reserve" if one.programme.document.decided == "as_claimed" else "budget"
    for clause in one.clauses:
        result = decide_claim(
            clause,
            one.subject,
            one.eligible_minor,
            one.claimed_on,
            quotas.get(own, {}).get(clause.number, {}),
            [of_fellow.get(clause.number, {}) for fellow, of_fellow in quotas.items() if fellow != own],
            Limits(whole_minor, payers, of_payer),
        )
        whole_minor -= result.total_minor
        one.working[str(clause.number)] = [step.kept() for step in result.steps]
        for role, part_minor in result.parts_minor.items():
            one.parts[clause.number, role] = part_minor
            if role in payers:
                payers[role] -= part_minor
