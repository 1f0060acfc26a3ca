"""What people decided of a bundle's figures: made again from the events, and compared with the inputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ledger.desk.agreements import NumberedVersion, procedure_at, terms_at
from ledger.desk.bundles.materials import Worlds, in_order
from ledger.desk.bundles.sealed import SealedEvent, SealedEvents, about, require_same
from ledger.desk.reconciliation import Item
from ledger.desk.reconciliation.disputes import Step, StepKind, standing_of
from ledger.desk.reconciliation.ladder import Excepted, Figures, Key, compare, excepted_of
from ledger.desk.reconciliation.reading import basis_of
from ledger.desk.settlements.closing import holding_clauses
from ledger.desk.settlements.excepted import ExceptedKey
from ledger.desk.settlements.replays import Inputs, Materials, replay, versions_of
from ledger.evidence.bundles import BundleWrong
from ledger.periods import Quarter, Span
from ledger.rules.facts import Line

STEP = "reconciliation_"


def verify_decisions(worlds: Worlds, materials: Materials, events: SealedEvents) -> None:
    """What isn't taken as it was reported, and which extensions stand. Raises ``BundleWrong``."""
    now = worlds.now
    with about("inputs.excepted"):
        require_same("inputs.excepted", _excepted(now, materials, events), dict(now.excepted))
    with about("inputs.held_extensions"):
        require_same("inputs.held_extensions", _held(worlds, materials), dict(now.held))


def _held(worlds: Worlds, materials: Materials) -> dict[tuple[int, int], bool]:
    """The extensions that the settlement before was given, and those that it decided for good."""
    before = worlds.before
    if before is None:
        return {}
    holding = holding_clauses(versions_of(materials.versions, before))
    if not holding:
        return dict(before.held)
    carried = replay(materials, before, before.quarter).carried
    decided = {
        key: kept.extended for key, kept in carried.items() if key[0] in holding and kept.extended is not None
    }
    return dict(before.held) | decided


def _excepted(now: Inputs, materials: Materials, events: SealedEvents) -> dict[ExceptedKey, Excepted]:
    versions = in_order(materials.versions[version] for version in now.versions)
    filings = _slots(now, materials, events)
    items = _items(events)
    found: dict[ExceptedKey, Excepted] = {}
    for quarter in sorted({quarter for quarter, _ in now.filings}):
        for record, against in compared_in(versions, quarter):
            if (quarter, record) in now.filings:
                decided = [one for one in items if _is_of(one, quarter, record, against)]
                ours = materials.lines[filings[quarter, record]]
                theirs = materials.lines[filings[quarter, against]] if (quarter, against) in filings else ()
                for key, one in _compared(versions, quarter, record, ours, theirs, decided).items():
                    found[ExceptedKey(quarter, record, key)] = one
    return found


def compared_in(versions: Sequence[NumberedVersion], quarter: Quarter) -> list[tuple[str, str]]:
    """Which role's returns are compared with whose, in a quarter."""
    return [(one.record, one.against) for one in procedure_at(versions, quarter).reconciliations]


def _compared(
    versions: Sequence[NumberedVersion],
    quarter: Quarter,
    record: str,
    ours: Sequence[Line],
    theirs: Sequence[Line],
    decided: Sequence[Item],
) -> Mapping[Key, Excepted]:
    terms = terms_at(versions, quarter)
    asked = next(one for one in procedure_at(versions, quarter).reconciliations if one.record == record)
    if terms is None:
        return {}
    decisions = [one.decision for one in decided]
    return excepted_of(compare(ours, theirs, basis_of(terms, asked), decisions).groups)


def _is_of(item: Item, quarter: Quarter, record: str, against: str) -> bool:
    return (item.quarter, item.standing.record, item.standing.against) == (quarter, record, against)


def _slots(now: Inputs, materials: Materials, events: SealedEvents) -> dict[tuple[Quarter, str], int]:
    """The return of each quarter and role: those of the inputs, and those that they were compared with."""
    given = {
        (Quarter.parse(one.data["quarter"]), str(one.data["role"])): int(one.data["filing"])
        for one in events.all("return_handed_in")
        if int(one.data["filing"]) in materials.lines
    }
    return given | {slot: filing.filing_id for slot, filing in now.filings.items()}


def _items(events: SealedEvents) -> list[Item]:
    steps: defaultdict[int, list[SealedEvent]] = defaultdict(list)
    for one in events.listed:
        if one.kind.startswith(STEP):
            steps[one.data["item"]].append(one)
    for of_item in steps.values():
        _require_escalation(of_item)
    return [_item(number, of_item) for number, of_item in sorted(steps.items())]


def _require_escalation(of_item: Sequence[SealedEvent]) -> None:
    """What an arbiter decides was put before it."""
    escalated = False
    for one in of_item:
        kind = StepKind(one.kind.removeprefix(STEP))
        escalated |= kind is StepKind.ESCALATION
        if kind is StepKind.ARBITRATION and not escalated:
            raise BundleWrong(
                one.path, "裁定之前没有提交仲裁的记录", "nothing before it put the dispute to the arbiter"
            )


def _item(number: int, of_item: Sequence[SealedEvent]) -> Item:
    first = of_item[0].data
    return Item(
        number=number,
        quarter=Quarter.parse(first["quarter"]),
        record=_figures(first["lines"], "record"),
        against=_figures(first["lines"], "against"),
        steps=[],
        standing=standing_of([_step(one) for one in of_item], first["record"], first["against"], None),
        due_on=None,
    )


def _figures(lines: Sequence[Sequence[str]], side: str) -> Figures:
    return {
        Key(int(subject), measure, Span.parse(span)): int(amount_minor)
        for of_side, subject, measure, span, amount_minor in lines
        if of_side == side
    }


def _step(one: SealedEvent) -> Step:
    """When it was is of no consequence here."""
    amount_minor = one.data["amount_minor"]
    return Step(
        StepKind(one.kind.removeprefix(STEP)),
        one.data["role"],
        one.data["person"],
        datetime.fromtimestamp(0, UTC),
        reason=one.data["reason"],
        amount_minor=None if amount_minor is None else int(amount_minor),
        offer=one.data["offer"],
    )
