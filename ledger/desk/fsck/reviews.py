"""Reviews and evaluations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from ledger.desk.fsck.comparing import DigestOf, Mismatch, Said, Scope, Told
from ledger_schema.tables import evaluation, review, review_step

_KINDS = {
    "review_opened": "finding",
    "review_requested": "request",
    "review_answered": "answer",
    "review_closed": "outcome",
}


def check_reviews(scope: Scope) -> Iterator[Mismatch]:
    """Reviews and evaluations are what the events say; figures have the hash that the event names."""
    yield from scope.compare((review, review_step), _reviews(scope))
    yield from scope.compare([evaluation], _evaluations(scope))


def _reviews(scope: Scope) -> Iterator[Told]:
    party = scope.party_ids
    for said in scope.said(*_KINDS):
        data = said.data
        if said.kind == "review_opened":
            yield said.row(
                review,
                review_id=int(data["review"]),
                reviewer_party_id=party[data["party"]],
                party_id=party[data["reviewed"]],
                other_party_id=None if data["with"] is None else party[data["with"]],
                title=data["title"],
            )
        yield _step(scope, said)


def _step(scope: Scope, said: Said) -> Told:
    data = said.data
    addressed, due_day = data.get("addressed"), data.get("due_day")
    return said.row(
        review_step,
        review_id=int(data["review"]),
        step=data.get("step", 1),
        kind=_KINDS[said.kind],
        party_id=scope.party_ids[data["party"]],
        person=data["person"],
        content=data["content"],
        addressed_party_id=None if addressed is None else scope.party_ids[addressed],
        due_day=None if due_day is None else date.fromisoformat(due_day),
        outcome=data.get("outcome"),
    )


def _evaluations(scope: Scope) -> Iterator[Told]:
    for said in scope.said("agreement_evaluated"):
        data = said.data
        hashed = bytes.fromhex(data["figures_sha256"])
        yield said.row(
            evaluation,
            agreement_id=said.agreement_id,
            reviewer_party_id=scope.party_ids[data["reviewer"]],
            figures=DigestOf(hashed),
            figures_hash=hashed,
            known_at=datetime.fromisoformat(data["known_at"]),
            **{name: data[name] for name in ("year", "sequence", "verdict", "remark", "person")},
        )
