"""Interest on what is late, charged as a leg of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert

from ledger.desk import roster
from ledger.desk.acts import Act, Done, Recorder, named_number, perform
from ledger.desk.failures import refuse
from ledger.desk.payments.clearing import hold_legs
from ledger.desk.payments.faults import NotLate, NotThePayee, person_faults
from ledger.desk.payments.reading import Leg, interest_charged
from ledger.evidence.canonical import Json
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import leg as leg_table


def charge_interest(
    database: Database, act: Act, leg_id: int, party: str, person: str, day: date
) -> Done[int]:
    """The payee charges the interest up to and with the month that ``day`` is in; returns the new leg's id.

    What was charged before is taken off, so that no month is charged twice. The leg of interest is payable on
    demand and bears none itself. Raises ``RequestRefused``, ``NotFound``, ``NotThePayee``, ``NotLate``.
    """
    refuse(person_faults("person", person))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        held = hold_legs(connection, [leg_id])[leg_id]
        refuse_other_than_payee(connection, held, party)
        months = held.months_late(day)
        amount_minor = uncharged(held, interest_charged(connection, [leg_id])[leg_id], day)
        if amount_minor <= 0:
            raise NotLate(leg=held.reference, day=day.isoformat())
        return {"leg": _charge(connection, record, held, months, amount_minor, person)}

    request: dict[str, Json] = {
        "leg": str(leg_id),
        "party": party,
        "person": person,
        "day": day.isoformat(),
    }
    return named_number(perform(database, act, "charge_interest", request, work), "leg")


def uncharged(leg: Leg, charged: list[Leg], day: date) -> int:
    """Interest on the leg to ``day`` less what was charged, in minor units.

    Negative where a payment with an earlier value date came in after a charge; nothing more is charged then.
    """
    months = leg.months_late(day)
    if charged and months <= max(one.months or 0 for one in charged):
        return 0
    return leg.interest_through(months) - sum(one.amount_minor for one in charged)


def refuse_other_than_payee(connection: Connection, leg: Leg, party: str) -> None:
    """Raises ``NotThePayee``."""
    payee = roster.party(connection, leg.payee_party_id).code
    if payee != party:
        raise NotThePayee(payee=payee, party=party)


def _charge(
    connection: Connection, record: Recorder, on: Leg, months: int, amount_minor: int, person: str
) -> int:
    leg_id = new_id()
    said: dict[str, Json] = {
        "leg": str(leg_id),
        "on": str(on.leg_id),
        "months": months,
        "amount_minor": str(amount_minor),
        "person": person,
    }
    event_id = record("interest_charged", said, on.agreement_id)
    connection.execute(
        insert(leg_table).values(
            leg_id=leg_id,
            kind="interest",
            agreement_id=on.agreement_id,
            booked_quarter=None if on.booked_quarter is None else on.booked_quarter.code,
            settlement_id=on.settlement_id,
            clause=on.clause,
            payer_party_id=on.payer_party_id,
            payee_party_id=on.payee_party_id,
            commodity_id=on.commodity_id,
            amount_minor=amount_minor,
            form=on.form,
            may_be_netted=False,
            monthly_rates=[],
            of_leg_id=on.leg_id,
            months=months,
            event_id=event_id,
        )
    )
    return leg_id
