"""Checking a bundle with no database and no network: hashes, signatures, proofs, and the split itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from ledger.desk.agreements import procedure_at
from ledger.desk.bundles.decisions import compared_in, verify_decisions
from ledger.desk.bundles.materials import (
    Agreed,
    Worlds,
    in_order,
    verified_materials,
    verify_filings,
    verify_occurrences,
)
from ledger.desk.bundles.results import bundled_allocations, bundled_entries
from ledger.desk.bundles.sealed import (
    Keys,
    SealedEvent,
    SealedEvents,
    Trust,
    about,
    require_same,
    whole,
)
from ledger.desk.bundles.under_log import keys_said, verify_log
from ledger.desk.settlements.closing import allocations_of, is_final, require_returns
from ledger.desk.settlements.journal import entries_of
from ledger.desk.settlements.proposals import signed_content
from ledger.desk.settlements.recording import hash_of
from ledger.desk.settlements.replays import Effect, Inputs, Materials, effects, versions_of
from ledger.evidence.bundles import Bundle, BundleWrong
from ledger.evidence.canonical import digest
from ledger.periods import Quarter
from ledger.rules.fields import Bilingual

__all__ = ["Trust", "verify"]


@dataclass(frozen=True, slots=True)
class _Close:
    """The event that closed the quarter; everything else that counts came before it."""

    event: SealedEvent
    settlement: str
    events: SealedEvents


def verify(bundle: Bundle, trust: Trust) -> Iterator[Bilingual]:
    """Says of one check after the other what it found to be right.

    Raises ``BundleWrong`` for the first that isn't, with the place in the bundle where it shows.
    """
    with about("bundle"):
        events, agreed, keys = yield from verify_log(bundle, trust)
        yield from _verify_settlement(bundle, events, agreed, keys)
        yield keys_said(agreed, trust)


def _verify_settlement(
    bundle: Bundle, events: SealedEvents, agreed: Agreed, keys: Keys
) -> Iterator[Bilingual]:
    close = _close_of(bundle, events)
    worlds = _worlds(bundle, close)
    yield Bilingual(
        zh=f"协议 {agreed.code}，{worlds.now.quarter.name_zh}，结算 {close.settlement}：已关账",
        en=f"Agreement {agreed.code}, {worlds.now.quarter}, settlement {close.settlement}: closed",
    )
    materials = verified_materials(bundle, worlds, close.events, agreed, keys)
    _verify_references(bundle, worlds, materials, close.events, agreed)
    yield _materials_said(bundle)
    verify_decisions(worlds, materials, close.events)
    found = _recomputed(bundle, worlds, materials, agreed, close)
    yield Bilingual(
        zh=f"重新计算：{len(bundle.allocations)} 笔分配、{len(bundle.entries)} 笔分录，逐分一致",
        en=f"Computed again: {len(bundle.allocations)} allocations and {len(bundle.entries)} entries, "
        "the same to the last fen",
    )
    signers = _verify_signatures(bundle, worlds, materials, agreed, close, keys, found)
    yield Bilingual(
        zh=f"结算签署：{'、'.join(signers) or '条款不要求'}",
        en=f"Settlement signed by: {', '.join(signers) or 'the terms ask nobody'}",
    )


def _materials_said(bundle: Bundle) -> Bilingual:
    lines = sum(len(one.lines) for one in bundle.returns)
    terms, lists, returns = len(bundle.terms), len(bundle.lists), len(bundle.returns)
    return Bilingual(
        zh=f"依据：条款 {terms} 版（签名有效）、企业名单 {lists} 版、申报 {returns} 份（{lines} 行）",
        en=f"Rests on: {terms} versions of the terms (signatures valid), {lists} lists of enterprises, "
        f"{returns} returns ({lines} lines)",
    )


# --- what it is about -------------------------------------------------------------------------------------


def _close_of(bundle: Bundle, events: SealedEvents) -> _Close:
    hashed = digest(bundle.inputs.encode()).hex()
    closed = events.only("inputs", "settlement_closed", inputs_hash=hashed)
    with about(closed.path):
        return _Close(closed, str(closed.data["settlement"]), events.before(closed.leaf))


def _worlds(bundle: Bundle, close: _Close) -> Worlds:
    with about("inputs"):
        now = Inputs.parse(bundle.inputs.encode())
        require_same("inputs", now.canonical(), bundle.inputs.encode())
        require_same("inputs.quarter", close.event.data["quarter"], str(now.quarter))
    before = None
    if bundle.previous_inputs is not None:
        with about("previous_inputs"):
            before = Inputs.parse(bundle.previous_inputs.encode())
    _verify_previous(bundle, now, before, close.events)
    if now.reopened_settlement_id is not None:
        close.events.only(
            "inputs.reopened_settlement",
            "quarter_reopened",
            settlement=str(now.reopened_settlement_id),
            quarter=str(now.quarter),
        )
    return Worlds(now, before)


def _verify_previous(bundle: Bundle, now: Inputs, before: Inputs | None, events: SealedEvents) -> None:
    path = "previous_inputs"
    require_same(path, now.previous_settlement_id is None, before is None)
    if before is None or bundle.previous_inputs is None:
        return
    require_same(path, now.quarter.previous, before.quarter)
    events.only(
        path,
        "settlement_closed",
        settlement=str(now.previous_settlement_id),
        quarter=str(before.quarter),
        inputs_hash=digest(bundle.previous_inputs.encode()).hex(),
    )


def _verify_references(
    bundle: Bundle, worlds: Worlds, materials: Materials, events: SealedEvents, agreed: Agreed
) -> None:
    """The worlds refer to what the bundle holds, and to all of it."""
    for name, world in (("previous_inputs", worlds.before), ("inputs", worlds.now)):
        if world is not None:
            verify_filings(world, name, events, materials.versions.values())
            verify_occurrences(world, name, events, agreed)
    named = {filing.filing_id for world in worlds.both for filing in world.filings.values()}
    compared = _compared_with(worlds.now, materials)
    for place, given in enumerate(bundle.returns):
        path = f"returns[{place}]"
        data = events.only(path, "return_handed_in", filing=given.filing).data
        with about(path):
            slot = Quarter.parse(data["quarter"]), data["role"]
            if whole(given.filing) not in named and slot not in compared:
                raise BundleWrong(path, "结算并未引用", "the settlement doesn't refer to it")
    missing = sorted(named - materials.lines.keys())
    require_same("returns", [], missing)


def _compared_with(now: Inputs, materials: Materials) -> set[tuple[Quarter, str]]:
    """Of which quarters and roles returns are compared with those of record."""
    versions = in_order(materials.versions[version] for version in now.versions)
    return {
        (quarter, against)
        for quarter, role in now.filings
        for record, against in compared_in(versions, quarter)
        if role == record
    }


# --- the result -------------------------------------------------------------------------------------------


def _recomputed(
    bundle: Bundle, worlds: Worlds, materials: Materials, agreed: Agreed, close: _Close
) -> list[Effect]:
    """What each cause changes. Raises ``BundleWrong`` unless that is what was closed and what is shown."""
    with about("inputs"):
        require_returns(materials, worlds.now)
        _, found, _ = effects(materials, worlds.before, worlds.now)
    listed = allocations_of(found)
    drafts = entries_of(
        found, versions_of(materials.versions, worlds.now), is_final=is_final(materials, worlds.now)
    )
    _require_rows("allocations", bundled_allocations(listed, agreed.party_codes), bundle.allocations)
    _require_rows("entries", bundled_entries(drafts, agreed.party_codes), bundle.entries)
    data = {
        "settlement": close.settlement,
        "quarter": str(worlds.now.quarter),
        "inputs_hash": digest(bundle.inputs.encode()).hex(),
        "allocations_hash": hash_of(listed).hex(),
        "allocation_count": len(listed),
    }
    close.events.only("allocations", "settlement_computed", **data)
    for name, value in data.items():
        require_same(f"{close.event.path} {name}", value, close.event.data.get(name))
    return found


def _require_rows(name: str, expected: Sequence[BaseModel], shown: Sequence[BaseModel]) -> None:
    _require_equal(name, [row.model_dump() for row in expected], [row.model_dump() for row in shown])


def _require_equal(path: str, expected: object, shown: object) -> None:
    """Raises ``BundleWrong`` for the first value that differs, with its own path."""
    if isinstance(expected, dict) and isinstance(shown, dict):
        for name, value in expected.items():
            _require_equal(f"{path}.{name}", value, shown.get(name))
    elif isinstance(expected, list) and isinstance(shown, list):
        for place, (ours, theirs) in enumerate(zip(expected, shown, strict=False)):
            _require_equal(f"{path}[{place}]", ours, theirs)
        require_same(f"{path} (count)", len(expected), len(shown))
    else:
        require_same(path, expected, shown)


def _verify_signatures(
    bundle: Bundle,
    worlds: Worlds,
    materials: Materials,
    agreed: Agreed,
    close: _Close,
    keys: Keys,
    found: Sequence[Effect],
) -> list[str]:
    """The roles that signed the settlement: all whom the terms ask. Raises ``BundleWrong``."""
    now = worlds.now
    versions = in_order(materials.versions[version] for version in now.versions)
    needed = procedure_at(versions, now.quarter).signed_by
    if bundle.bytes_to_sign is None:
        require_same("bytes_to_sign", [], list(needed))
        return []
    listed = allocations_of(found)
    content = signed_content(
        code=agreed.code,
        settlement_id=whole(close.settlement),
        inputs=now,
        is_final=is_final(materials, now),
        terms_hashes=_terms_hashes(bundle),
        allocations_hash=hash_of(listed),
        listed=listed,
        party_codes=agreed.party_codes,
    )
    require_same("bytes_to_sign", content.decode(), bundle.bytes_to_sign)
    named = {"settlement": close.settlement, "content_hash": digest(content).hex()}
    close.events.only("bytes_to_sign", "settlement_proposed", **named)
    signed = close.events.all("settlement_signed", settlement=close.settlement)
    for one in signed:
        with about(one.path):
            require_same(one.path, named["content_hash"], one.data["content_hash"])
            keys.verify(one, agreed.parties[one.data["role"]], content)
    roles = [str(one.data["role"]) for one in signed]
    require_same("events (settlement_signed)", [], sorted(set(needed) - set(roles)))
    return roles


def _terms_hashes(bundle: Bundle) -> Mapping[int, bytes]:
    return {given.version: digest(given.content.encode()) for given in bundle.terms}
