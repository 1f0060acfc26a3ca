"""Acting on lines that differ: explain, withhold, dispute, and what follows until the difference ends.

An act that names lines also names the basis of the report that its person saw, and one about an item needs
its lines to be as they were: so nobody decides about figures that have changed unseen. Locks come in the
order agreement, open quarter, then the returns of both sides in order of role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from ledger.desk import returns
from ledger.desk.acts import Act, Done, Recorder, named_number, perform
from ledger.desk.agreements import queue_on_open_agreement
from ledger.desk.failures import NotFound, choice_faults, refuse
from ledger.desk.reconciliation.disputes import Standing, Step, StepKind, take
from ledger.desk.reconciliation.failures import (
    BasisChanged,
    CommoditiesMixed,
    ConversationTooLong,
    ItemLapsed,
    LinesAgree,
    LinesSeveral,
    LinesTaken,
)
from ledger.desk.reconciliation.ladder import Figures, Group, Key, Outcome, Part, figures
from ledger.desk.reconciliation.reading import (
    Compared,
    Item,
    Reconciliation,
    comparison_of,
    item,
    reconciliation,
)
from ledger.desk.reconciliation.reasons import REASON_BY_CODE
from ledger.evidence.canonical import Json
from ledger.measures import MEASURE_BY_NAME
from ledger.money import parse_amount
from ledger.periods import Quarter
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import reconciliation_item, reconciliation_line, reconciliation_step

PERSON_LENGTH_MAX = 60
CONTENT_LENGTH_MAX = 4000
STEP_COUNT_MAX = 500
LINES_NAMED_MAX = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts: a role, and the person's name."""

    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of the comparison of ``record`` in a quarter, as the report with this basis showed them.

    A line brings along the lines that it is compared with. No record: the first role that is compared.
    """

    quarter: Quarter
    record: str | None
    basis_hash: bytes
    keys: tuple[Key, ...]


# --- acts on lines ----------------------------------------------------------------------------------------


def explain(
    database: Database, act: Act, agreement_id: int, lines: Lines, who: Person, reason: str, note: str = ""
) -> Done[int]:
    """Offers a reason for the difference; the other side accepts it. Returns the item's number.

    Raises ``RequestRefused``, ``NotFound``, ``NothingCompared``, ``BasisChanged``, ``LinesAgree``,
    ``LinesTaken``, ``CommoditiesMixed``, ``StepOutOfState``, ``RoleOutsideComparison``.
    """
    refuse([*choice_faults("reason", reason, list(REASON_BY_CODE)), *_note_faults("note", note)])
    step = _Written(StepKind.EXPLANATION, who, reason=reason, text=note)
    return _act_on_lines(database, act, agreement_id, lines, step)


def withhold(
    database: Database, act: Act, agreement_id: int, lines: Lines, who: Person, note: str = ""
) -> Done[int]:
    """Keeps lines out of the settlement until the same side releases them; returns the item's number.

    Raises what ``explain`` does, and ``LinesSeveral``; but lines that agree may be withheld too.
    """
    refuse(_note_faults("note", note))
    return _act_on_lines(database, act, agreement_id, lines, _Written(StepKind.WITHHOLDING, who, text=note))


def dispute(
    database: Database, act: Act, agreement_id: int, lines: Lines, who: Person, text: str
) -> Done[int]:
    """Opens a dispute about a line with a first message; returns the item's number.

    Raises what ``explain`` does, and ``LinesSeveral``.
    """
    refuse(_content_faults("text", text))
    return _act_on_lines(database, act, agreement_id, lines, _Written(StepKind.DISPUTE, who, text=text))


# --- acts on items ----------------------------------------------------------------------------------------


def write(database: Database, act: Act, agreement_id: int, number: int, who: Person, text: str) -> Done[int]:
    """Adds a message. Raises ``NotFound``, ``ItemLapsed``, ``StepOutOfState``, ``RoleOutsideComparison``,
    ``ConversationTooLong``, ``RequestRefused``."""
    refuse(_content_faults("text", text))
    return _act_on_item(database, act, agreement_id, number, _Written(StepKind.MESSAGE, who, text=text))


def propose(
    database: Database, act: Act, agreement_id: int, number: int, who: Person, amount: str, note: str = ""
) -> Done[int]:
    """Offers a figure, plain decimal text in the measure's unit. Raises what ``write`` does, and
    ``AmountUnreadable``."""
    refuse(_note_faults("note", note))
    step = _Written(StepKind.PROPOSAL, who, amount=amount, text=note)
    return _act_on_item(database, act, agreement_id, number, step)


def accept(
    database: Database, act: Act, agreement_id: int, number: int, who: Person, offer: int
) -> Done[int]:
    """Accepts the other side's offer, the step with the number ``offer``: a reason or a figure.

    Raises what ``write`` does, and ``OfferOvertaken``, ``NotYourTurn``.
    """
    return _act_on_item(database, act, agreement_id, number, _Written(StepKind.ACCEPTANCE, who, offer=offer))


def release(
    database: Database, act: Act, agreement_id: int, number: int, who: Person, note: str = ""
) -> Done[int]:
    """Ends a withholding. Raises what ``write`` does, and ``NotYourTurn``."""
    refuse(_note_faults("note", note))
    return _act_on_item(database, act, agreement_id, number, _Written(StepKind.RELEASE, who, text=note))


def escalate(
    database: Database, act: Act, agreement_id: int, number: int, who: Person, note: str = ""
) -> Done[int]:
    """Puts a dispute before the arbiter that the terms name. Raises what ``write`` does, and
    ``ArbiterMissing``."""
    refuse(_note_faults("note", note))
    return _act_on_item(database, act, agreement_id, number, _Written(StepKind.ESCALATION, who, text=note))


def arbitrate(
    database: Database, act: Act, agreement_id: int, number: int, who: Person, amount: str, reasons: str
) -> Done[int]:
    """The arbiter's figure, with reasons. Raises what ``propose`` does."""
    refuse(_content_faults("reasons", reasons))
    step = _Written(StepKind.ARBITRATION, who, amount=amount, text=reasons)
    return _act_on_item(database, act, agreement_id, number, step)


# --- steps of an act --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Written:
    """A step as it was asked for; the amount is still text, for its unit depends on the lines."""

    kind: StepKind
    who: Person
    reason: str | None = None
    amount: str | None = None
    offer: int | None = None
    text: str = ""

    def step(self, commodity_scale: int) -> Step:
        return Step(
            self.kind,
            self.who.role,
            self.who.name,
            datetime.now(UTC),
            self.reason,
            None if self.amount is None else parse_amount(self.amount, commodity_scale),
            self.offer,
            self.text,
        )

    @property
    def request(self) -> dict[str, Json]:
        return {
            "role": self.who.role,
            "person": self.who.name,
            "reason": self.reason,
            "amount": self.amount,
            "offer": self.offer,
            "text": self.text,
        }


def _act_on_lines(
    database: Database, act: Act, agreement_id: int, lines: Lines, written: _Written
) -> Done[int]:
    refuse([*_person_faults(written.who), *_line_faults(lines)])

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on_open_agreement(connection, agreement_id)
        compared = comparison_of(connection, agreement_id, lines.quarter, lines.record)
        _queue_on_returns(connection, compared)
        report = reconciliation(connection, agreement_id, lines.quarter, compared.record)
        if report.compared.hash != lines.basis_hash:
            raise BasisChanged(quarter=lines.quarter)
        groups = _groups_with(report, lines.keys)
        parts = [part for group in groups for part in group.parts]
        _refuse_parts(groups, parts, written.kind)
        found = _item_about(report, groups)
        standing = _standing(report.compared) if found is None else found.standing
        step = written.step(_scale(parts[0].key))
        take(standing, step)
        number = _next_number(connection, agreement_id) if found is None else found.number
        event_id = record(
            f"reconciliation_{written.kind}", _described(report.compared, number, step, parts), agreement_id
        )
        if found is None:
            _add_item(connection, report.compared, number, parts, event_id)
        _add_step(connection, agreement_id, number, standing, step, event_id)
        return {"item": number}

    request = {
        "agreement": str(agreement_id),
        "quarter": str(lines.quarter),
        "record": lines.record,
        "basis": lines.basis_hash.hex(),
        "lines": [[str(key.subject), key.measure, str(key.span)] for key in lines.keys],
        **written.request,
    }
    return named_number(perform(database, act, f"reconciliation_{written.kind}", request, work), "item")


def _act_on_item(
    database: Database, act: Act, agreement_id: int, number: int, written: _Written
) -> Done[int]:
    refuse(_person_faults(written.who))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on_open_agreement(connection, agreement_id)
        found = item(connection, agreement_id, number)
        compared = comparison_of(connection, agreement_id, found.quarter, found.standing.record)
        _queue_on_returns(connection, compared)
        report = reconciliation(connection, agreement_id, found.quarter, found.standing.record)
        if number in report.comparison.lapsed or number not in report.items:
            raise ItemLapsed(item=number)
        step = written.step(_scale(next(iter({**found.record, **found.against}))))
        take(found.standing, step)
        event_id = record(
            f"reconciliation_{written.kind}", _described(compared, number, step, ()), agreement_id
        )
        _add_step(connection, agreement_id, number, found.standing, step, event_id)
        return {"item": number}

    request = {"agreement": str(agreement_id), "item": number, **written.request}
    return named_number(perform(database, act, f"reconciliation_{written.kind}", request, work), "item")


def _queue_on_returns(connection: Connection, compared: Compared) -> None:
    for role in sorted((compared.record, compared.against)):
        returns.queue_on_return(connection, compared.agreement_id, role, compared.quarter)


def _groups_with(report: Reconciliation, keys: Iterable[Key]) -> list[Group]:
    """The groups that hold the named lines. Raises ``NotFound`` for a line that neither side has."""
    by_key = {
        key: group
        for group in report.groups
        for part in group.parts
        for key in (part.key, *figures(part.record), *figures(part.against))
    }
    for key in keys:
        if key not in by_key:
            raise NotFound("line", _line_name(key))
    found = {by_key[key].parts[0].key: by_key[key] for key in keys}
    return [group for _, group in sorted(found.items())]


def _refuse_parts(groups: Sequence[Group], parts: Sequence[Part], kind: StepKind) -> None:
    commodities = {MEASURE_BY_NAME[part.key.measure].commodity.code for part in parts}
    if len(commodities) > 1:
        raise CommoditiesMixed(commodities=", ".join(sorted(commodities)))
    for group in groups:
        if group.outcome in (Outcome.EXACT, Outcome.WITHIN_TOLERANCE) and kind is not StepKind.WITHHOLDING:
            raise LinesAgree(line=_line_name(group.parts[0].key))
    bearing = sum(1 for part in parts if part.record) or len(parts)
    if kind is not StepKind.EXPLANATION and bearing > 1:
        raise LinesSeveral(count=bearing)


def _item_about(report: Reconciliation, groups: Sequence[Group]) -> Item | None:
    """The item that is about exactly these lines. Raises ``LinesTaken`` where another one decides on some."""
    parts = {part.key for group in groups for part in group.parts}
    for group in groups:
        if group.item is None:
            continue
        found = report.items[group.item]
        about = {part.key for each in report.groups if each.item == group.item for part in each.parts}
        if about == parts:
            return found
        if found.decision.outcome is not None:
            raise LinesTaken(item=found.number, line=_line_name(group.parts[0].key))
    return None


def _standing(compared: Compared) -> Standing:
    return Standing(compared.record, compared.against, compared.arbiter)


def _next_number(connection: Connection, agreement_id: int) -> int:
    newest = connection.execute(
        select(func.max(reconciliation_item.c.item)).where(reconciliation_item.c.agreement_id == agreement_id)
    ).scalar_one()
    return (newest or 0) + 1


def _add_item(
    connection: Connection, compared: Compared, number: int, parts: Sequence[Part], event_id: int
) -> None:
    connection.execute(
        insert(reconciliation_item).values(
            agreement_id=compared.agreement_id,
            item=number,
            quarter=compared.quarter.code,
            record_role=compared.record,
            against_role=compared.against,
            event_id=event_id,
        )
    )
    connection.execute(
        insert(reconciliation_line),
        [
            {
                "agreement_id": compared.agreement_id,
                "item": number,
                "side": side,
                "subject_id": key.subject,
                "measure_id": MEASURE_BY_NAME[key.measure].measure_id,
                "months": key.span.months,
                "starts": key.span.start,
                "amount_minor": amount_minor,
            }
            for side, of_side in _sides(parts)
            for key, amount_minor in sorted(of_side.items())
        ],
    )


def _add_step(
    connection: Connection, agreement_id: int, number: int, standing: Standing, step: Step, event_id: int
) -> None:
    if standing.step_count >= STEP_COUNT_MAX:
        raise ConversationTooLong(item=number, step_count_max=STEP_COUNT_MAX)
    connection.execute(
        insert(reconciliation_step).values(
            agreement_id=agreement_id,
            item=number,
            step=standing.step_count + 1,
            kind=step.kind.value,
            role=step.role,
            person=step.person,
            reason=step.reason,
            amount_minor=step.amount_minor,
            offer=step.offer,
            content=step.text,
            event_id=event_id,
        )
    )


def _sides(parts: Sequence[Part]) -> list[tuple[str, Figures]]:
    return [
        ("record", figures(line for part in parts for line in part.record)),
        ("against", figures(line for part in parts for line in part.against)),
    ]


def _described(compared: Compared, number: int, step: Step, parts: Sequence[Part]) -> dict[str, Json]:
    """What the event says; of an item's first step also the lines with the figures that it is about."""
    return {
        "item": number,
        "quarter": str(compared.quarter),
        "record": compared.record,
        "against": compared.against,
        "basis": compared.hash.hex(),
        "returns": [str(filing_id) for filing_id in compared.filing_ids],
        "lines": [
            [side, str(key.subject), key.measure, str(key.span), str(amount_minor)]
            for side, of_side in _sides(parts)
            for key, amount_minor in sorted(of_side.items())
        ],
        "role": step.role,
        "person": step.person,
        "reason": step.reason,
        "amount_minor": None if step.amount_minor is None else str(step.amount_minor),
        "offer": step.offer,
        "text": step.text,
    }


def _scale(key: Key) -> int:
    return MEASURE_BY_NAME[key.measure].commodity.scale


def _line_name(key: Key) -> str:
    return f"{key.subject}/{key.measure}/{key.span}"


# --- what can be wrong ------------------------------------------------------------------------------------


def _person_faults(who: Person) -> list[Fault]:
    return _length_faults("person", who.name, 1, PERSON_LENGTH_MAX, is_line=True)


def _content_faults(path: str, text: str) -> list[Fault]:
    return _length_faults(path, text, 1, CONTENT_LENGTH_MAX)


def _note_faults(path: str, text: str) -> list[Fault]:
    return _length_faults(path, text, 0, CONTENT_LENGTH_MAX)


def _length_faults(
    path: str, text: str, length_min: int, length_max: int, *, is_line: bool = False
) -> list[Fault]:
    readable = text if is_line else text.replace("\n", " ")
    if readable.isprintable() and length_min <= len(text.strip()) and len(text) <= length_max:
        return []
    return [
        Fault(
            path,
            "TEXT_UNUSABLE",
            f"Expected {length_min} to {length_max} printable characters, but got {text[:40]!r}.",
            f"应为 {length_min} 至 {length_max} 个可见字符，实际为 {text[:40]!r}。",
        )
    ]


def _line_faults(lines: Lines) -> list[Fault]:
    if 1 <= len(lines.keys) <= LINES_NAMED_MAX:
        return []
    return [
        Fault(
            "lines",
            "LINES_COUNT",
            f"Expected 1 to {LINES_NAMED_MAX} lines, but got {len(lines.keys)}.",
            f"应列出 1 至 {LINES_NAMED_MAX} 行，实际为 {len(lines.keys)} 行。",
        )
    ]
