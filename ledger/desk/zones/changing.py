"""Recording what happens to a zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert

from ledger.desk.acts import Act, Done, Queue, Recorder, named_number, perform, queue_on
from ledger.desk.failures import choice_faults, refuse, text_faults
from ledger.desk.occurrences import day_faults
from ledger.desk.roster import DIVISION_LEVELS, Party, division_code_faults, parties_by_code, party_by_code
from ledger.desk.zones.reading import zone_changes, zone_state, zone_states
from ledger.desk.zones.state import (
    LIST_CHANGES,
    REVIEWS,
    ChangeKind,
    DivisionRole,
    PartKind,
    Standing,
    ZoneChange,
    standing_changes,
)
from ledger.evidence.canonical import Json
from ledger.rules.facts import Fault
from ledger_schema.sessions import Database
from ledger_schema.tables import zone_change

LEVELS = ("national", "provincial")
DETAILS: Mapping[ChangeKind, tuple[str, ...]] = {
    ChangeKind.ADMITTED: ("level",),
    ChangeKind.MERGED: ("other",),
    ChangeKind.PART_JOINED: ("other", "part"),
    ChangeKind.PART_LEFT: ("other",),
    ChangeKind.DIVISION_JOINED: ("division_code", "division_zh", "division_level", "division_role"),
    ChangeKind.DIVISION_LEFT: ("division_code", "division_role"),
    ChangeKind.RENAMED: ("name_zh",),
    ChangeKind.WITHDRAWN: ("replaces",),
}
"""What a change of the kind has to say, beside its day and document; others say nothing more."""
MAY_SAY: Mapping[ChangeKind, tuple[str, ...]] = {ChangeKind.RENAMED: ("name_en",)}


@dataclass(frozen=True, slots=True)
class ChangeDraft:
    """A change to record. ``other`` is the code of the part, or of the zone merged into.

    ``replaces``: the sequence of an earlier change of the zone that was recorded wrongly.
    """

    zone: str
    kind: ChangeKind
    day: date
    document: str
    level: str | None = None
    other: str | None = None
    part: PartKind | None = None
    division_code: str | None = None
    division_zh: str | None = None
    division_level: str | None = None
    division_role: DivisionRole | None = None
    name_zh: str | None = None
    name_en: str | None = None
    replaces: int | None = None


def record_zone_change(database: Database, act: Act, draft: ChangeDraft) -> Done[int]:
    """Records what happened to a zone on a day; returns the sequence of the record.

    Raises ``NotFound`` for an unknown zone, and ``RequestRefused`` with every fault.
    """
    described: dict[str, Json] = {**asdict(draft), "day": draft.day.isoformat()}

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.PARTY, draft.zone)
        changed = party_by_code(connection, draft.zone)
        codes = [] if draft.other is None else [draft.other]
        other = parties_by_code(connection, codes).get(draft.other or "")
        refuse([*_draft_faults(draft), *_party_faults(draft, changed, other)])
        changes = zone_changes(connection, changed.party_id)
        refuse(_replacing_faults(draft, changes) or _standing_faults(connection, draft, changed, other))
        sequence = len(changes) + 1
        event_id = record("zone_changed", {**described, "sequence": sequence})
        connection.execute(
            insert(zone_change).values(
                change_row(draft, changed.party_id, None if other is None else other.party_id)
                | {"sequence": sequence, "event_id": event_id}
            )
        )
        return {"sequence": sequence}

    return named_number(perform(database, act, "record_zone_change", described, work), "sequence")


def change_row(draft: ChangeDraft, party_id: int, other_party_id: int | None) -> dict[str, Any]:
    """The row of a change but for its sequence and event."""
    values = asdict(draft)
    del values["zone"], values["other"]
    return values | {"party_id": party_id, "other_party_id": other_party_id}


# --- what can be wrong ------------------------------------------------------------------------------------


def _draft_faults(draft: ChangeDraft) -> list[Fault]:
    faults = _detail_faults(draft) + day_faults("day", draft.day) + text_faults("document", draft.document)
    for path, text in (
        ("division_zh", draft.division_zh),
        ("name_zh", draft.name_zh),
        ("name_en", draft.name_en),
    ):
        faults += [] if text is None else text_faults(path, text)
    if draft.level is not None:
        faults += choice_faults("level", draft.level, LEVELS)
    if draft.division_level is not None:
        faults += choice_faults("division_level", draft.division_level, DIVISION_LEVELS)
    if draft.division_code is not None:
        faults += division_code_faults("division_code", draft.division_code)
    return faults


def _detail_faults(draft: ChangeDraft) -> list[Fault]:
    """Every detail that the kind needs and lacks, or has and can't mean anything."""
    needed = set(DETAILS.get(draft.kind, ()))
    allowed = needed | {"replaces", *MAY_SAY.get(draft.kind, ())}
    said = {
        name
        for name, value in asdict(draft).items()
        if value is not None and name not in ("zone", "kind", "day", "document")
    }
    missing = [
        Fault(
            name,
            "DETAIL_MISSING",
            f"Expected {name} to be given, because the change is {draft.kind.value!r}, but got nothing.",
            f"变更为 {draft.kind.value!r} 时应填写 {name}，实际为空。",
        )
        for name in sorted(needed - said)
    ]
    foreign = [
        Fault(
            name,
            "DETAIL_FOREIGN",
            f"Expected no {name}, because the change is {draft.kind.value!r}. Leave it out.",
            f"变更为 {draft.kind.value!r} 时不应填写 {name}，请删除。",
        )
        for name in sorted(said - allowed)
    ]
    return missing + foreign


def _party_faults(draft: ChangeDraft, changed: Party, other: Party | None) -> list[Fault]:
    faults = _kind_faults("zone", changed, ("zone",))
    if draft.other is None:
        return faults
    if other is None or other.party_id == changed.party_id:
        return [
            *faults,
            Fault(
                "other",
                "PARTY_UNKNOWN",
                f"Expected the code of another registered party, but got {draft.other!r}.",
                f"应为另一个已登记主体的编号，实际为 {draft.other!r}。",
            ),
        ]
    kinds = ("zone",) if draft.kind is ChangeKind.MERGED else ("park", "zone")
    return faults + _kind_faults("other", other, kinds)


def _kind_faults(path: str, party: Party, kinds: Sequence[str]) -> list[Fault]:
    if party.kind in kinds:
        return []
    expected = " or ".join(kinds)
    return [
        Fault(
            path,
            "PARTY_KIND",
            f"Expected a party of the kind {expected}, but {party.code} is of the kind {party.kind}.",
            f"应为 {expected} 类主体，但 {party.code} 属于 {party.kind} 类。",
        )
    ]


def _replacing_faults(draft: ChangeDraft, changes: Sequence[ZoneChange]) -> list[Fault]:
    standing = [change.sequence for change in standing_changes(changes)]
    if draft.replaces is None or draft.replaces in standing:
        return []
    return [
        Fault(
            "replaces",
            "CHANGE_UNKNOWN",
            f"Expected the number of a change of this zone that still holds, but got {draft.replaces}.",
            f"应为该高新区一条仍有效的变更序号，实际为 {draft.replaces}。",
        )
    ]


def _standing_faults(
    connection: Connection, draft: ChangeDraft, changed: Party, other: Party | None
) -> list[Fault]:
    """A zone enters a list that it isn't on, and leaves or is reviewed on one that it is on, on that day.

    A change that puts right a wrong one isn't held to what the wrong one made of the zone.
    """
    if draft.replaces is not None or draft.kind not in LIST_CHANGES | REVIEWS:
        return []
    state = zone_state(connection, changed.party_id, draft.day)
    is_listed = state.standing is Standing.LISTED
    faults = []
    if is_listed is (draft.kind is ChangeKind.ADMITTED):
        faults.append(_standing_fault("zone", draft, changed, state.standing))
    if draft.kind is ChangeKind.UPGRADED and state.level == "national":
        faults.append(_standing_fault("zone", draft, changed, state.standing))
    if draft.kind is ChangeKind.MERGED and other is not None:
        into = zone_states(connection, draft.day, [other.party_id])[other.party_id]
        if into.standing is not Standing.LISTED:
            faults.append(_standing_fault("other", draft, other, into.standing))
    return faults


def _standing_fault(path: str, draft: ChangeDraft, party: Party, standing: Standing) -> Fault:
    return Fault(
        path,
        "ZONE_STANDING",
        f"On {draft.day} {party.code} is {standing.value!r}, which doesn't go with {draft.kind.value!r}. "
        "Check the day, or replace the earlier change.",
        f"{party.code} 在 {draft.day} 的状态为 {standing.value!r}，不能记录 {draft.kind.value!r}。"
        "请核对日期，或更正此前的变更。",
    )
