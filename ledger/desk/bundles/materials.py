"""What a bundle's settlement rests on, each piece verified against the log before the rules see it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ledger.desk.agreements import NumberedVersion, procedure_at
from ledger.desk.bundles.sealed import Keys, SealedEvent, SealedEvents, about, require_same, whole
from ledger.desk.enterprises import subjects_in
from ledger.desk.returns.salting import records_of_lines
from ledger.desk.settlements.replays import Inputs, Materials, Side
from ledger.evidence.bundles import Bundle, BundleWrong, Logged, NumberedContent, Return, ReturnedLine
from ledger.evidence.canonical import digest
from ledger.evidence.lines import hash_of_lines
from ledger.periods import Quarter, Span
from ledger.rules.facts import Line, Subject
from ledger.rules.terms import Terms

SEMANTICS_KNOWN = (1,)
"""The versions of docs/rule-semantics.md that this program computes by."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """The agreement as its first event has it: its parties' codes by role, and who of them signs."""

    agreement: str
    code: str
    sides: Mapping[str, Side]
    parties: Mapping[str, str]
    signing: Sequence[str]

    @property
    def party_codes(self) -> dict[int, str]:
        """By the number under which results name the party."""
        return {side.party_id: self.parties[role] for role, side in self.sides.items()}


@dataclass(frozen=True, slots=True)
class Worlds:
    """The inputs of the settlement, and of the one that closed the quarter before."""

    now: Inputs
    before: Inputs | None

    @property
    def both(self) -> list[Inputs]:
        return [self.now] if self.before is None else [self.before, self.now]


def agreed_in(events: SealedEvents) -> Agreed:
    """The one agreement that all events are about. Raises ``BundleWrong``."""
    drafted = events.only("events", "agreement_drafted")
    for one in events.listed:
        if one.agreement not in (None, drafted.agreement):
            raise BundleWrong(one.path, "属于另一份协议", "it is of another agreement")
    with about(drafted.path):
        sides = {
            side["role"]: Side(whole(side["party_id"]), side["party"], side["party"])
            for side in drafted.data["sides"]
        }
        parties = {side["role"]: str(side["party"]) for side in drafted.data["sides"]}
        signing = sorted(side["role"] for side in drafted.data["sides"] if side["signs"])
        return Agreed(str(drafted.agreement), str(drafted.data["code"]), sides, parties, signing)


def verified_materials(
    bundle: Bundle, worlds: Worlds, events: SealedEvents, agreed: Agreed, keys: Keys
) -> Materials:
    """Everything that the worlds refer to, as the log has it. Raises ``BundleWrong``."""
    return Materials(
        sides=agreed.sides,
        versions=_versions(bundle, worlds, events, agreed, keys),
        lines=_lines(bundle, events),
        subjects=_lists(bundle, worlds, events, agreed),
    )


# --- terms ------------------------------------------------------------------------------------------------


def _versions(
    bundle: Bundle, worlds: Worlds, events: SealedEvents, agreed: Agreed, keys: Keys
) -> dict[int, NumberedVersion]:
    found = verified_terms(bundle, events, agreed, keys)
    needed = {version: starts for world in worlds.both for version, starts in world.versions.items()}
    require_same("terms", sorted(needed), [given.version for given in bundle.terms])
    for version, starts in needed.items():
        require_same(f"inputs.versions {version}", found[version].starts, starts)
    return found


def verified_terms(
    file: Logged, events: SealedEvents, agreed: Agreed, keys: Keys
) -> dict[int, NumberedVersion]:
    """The terms in a file by version, each signed by all who sign. Raises ``BundleWrong``."""
    found: dict[int, NumberedVersion] = {}
    for place, given in enumerate(file.terms):
        path = f"terms[{place}]"
        _verify_terms(path, given, events, agreed, keys)
        found[given.version] = _read_terms(path, given, agreed)
    return found


def _verify_terms(
    path: str, given: NumberedContent, events: SealedEvents, agreed: Agreed, keys: Keys
) -> None:
    content = given.content.encode()
    named = {"version": given.version, "terms_sha256": digest(content).hex()}
    events.only(path, "version_drafted", **named)
    for role in agreed.signing:
        signed = events.only(path, "version_signed", **named, role=role)
        keys.verify(signed, agreed.parties[role], content)
    events.only(path, "version_brought_into_force", **named)


def _read_terms(path: str, given: NumberedContent, agreed: Agreed) -> NumberedVersion:
    with about(path):
        semantics = json.loads(given.content)["semantics"]
        if semantics not in SEMANTICS_KNOWN:
            raise BundleWrong(
                path,
                f"本程序不支持语义版本 {semantics}",
                f"this program doesn't know version {semantics} of the semantics",
            )
        terms = Terms.model_validate_json(given.content)
        require_same(f"{path}.agreement", agreed.code, terms.agreement)
        require_same(f"{path}.roles", dict(agreed.parties), dict(terms.roles))
        return NumberedVersion(given.version, Quarter.parse(terms.in_force_from), terms)


# --- returns ----------------------------------------------------------------------------------------------


def _lines(bundle: Bundle, events: SealedEvents) -> dict[int, Sequence[Line]]:
    found: dict[int, Sequence[Line]] = {}
    for place, given in enumerate(bundle.returns):
        path = f"returns[{place}]"
        handed_in = events.only(path, "return_handed_in", filing=given.filing)
        with about(path):
            lines = [_line(given, number, line) for number, line in enumerate(given.lines, start=1)]
            require_same(
                f"{path} lines_hash",
                handed_in.data["lines_hash"],
                hash_of_lines(records_of_lines(lines)).hex(),
            )
            found[whole(given.filing)] = lines
    require_same("returns", sorted(found), [whole(given.filing) for given in bundle.returns])
    return found


def _line(given: Return, number: int, line: ReturnedLine) -> Line:
    return Line(
        subject=whole(line.subject),
        measure=line.measure,
        span=Span.parse(line.span),
        amount_minor=whole(line.amount_minor),
        line_id=f"{given.filing}/{number}",
        document=line.document,
    )


def verify_filings(
    world: Inputs, name: str, events: SealedEvents, versions: Iterable[NumberedVersion]
) -> None:
    """Each return that ``world`` refers to is of its role and quarter, and certified where terms ask for it.

    Raises ``BundleWrong``.
    """
    in_force = in_order(version for version in versions if version.version in world.versions)
    for (quarter, role), (filing, hashed) in world.filings.items():
        path = f"{name}.filings {filing}"
        named = {"filing": str(filing), "role": role, "quarter": str(quarter), "lines_hash": hashed}
        events.only(path, "return_handed_in", **named)
        if role in procedure_at(in_force, quarter).certified:
            events.only(path, "return_certified", **named)


def in_order(versions: Iterable[NumberedVersion]) -> list[NumberedVersion]:
    """By their start, then by number."""
    return sorted(versions, key=lambda one: (one.starts, one.version))


# --- lists and occurrences --------------------------------------------------------------------------------


def _lists(
    bundle: Bundle, worlds: Worlds, events: SealedEvents, agreed: Agreed
) -> dict[int, Mapping[int, Subject]]:
    found: dict[int, Mapping[int, Subject]] = {}
    for place, given in enumerate(bundle.lists):
        path = f"lists[{place}]"
        hashed = digest(given.content.encode()).hex()
        submitted = events.only(path, "enterprise_list_submitted", version=given.version, list_sha256=hashed)
        _verify_confirmed(path, submitted, agreed, events, "enterprise_list_confirmed", version=given.version)
        with about(path):
            found[given.version] = subjects_in(given.content.encode())
    needed = {world.list_version for world in worlds.both} - {None}
    require_same("lists", sorted(filter(None, needed)), [given.version for given in bundle.lists])
    return found


def verify_occurrences(world: Inputs, name: str, events: SealedEvents, agreed: Agreed) -> None:
    """Each occurrence that ``world`` refers to was recorded and confirmed. Raises ``BundleWrong``."""
    for happened, (day, sequence) in world.occurrences.items():
        path = f"{name}.occurrences {happened}"
        record = {"name": happened, "sequence": sequence}
        recorded = events.only(path, "occurrence_recorded", **record, day=day.isoformat())
        _verify_confirmed(path, recorded, agreed, events, "occurrence_confirmed", **record)


def _verify_confirmed(
    path: str, given: SealedEvent, agreed: Agreed, events: SealedEvents, kind: str, **record: object
) -> None:
    """Whoever hands something in confirms it by that; the other sides that sign confirm it by themselves."""
    for role in agreed.signing:
        if role != given.data.get("role"):
            events.only(path, kind, **record, role=role)
