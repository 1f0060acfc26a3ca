"""Agreements and the versions of their terms: draft, proposed, signed by each side, in force, superseded.

Locks, always in this order: the act's key, then the agreement (``Queue.AGREEMENT``), then its open quarter's
row, which whoever changes what a settlement rests on share-locks and the closer updates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from ledger.desk.acts import Act, Done, Queue, Recorder, Work, named_number, perform, queue_on
from ledger.desk.agreements.faults import (
    AgreementEnded,
    RoleDoesNotSign,
    TermsRepeated,
    VersionInOtherState,
    VersionOvertaken,
    binding_faults,
    code_taken_fault,
    draft_faults,
    side_faults,
)
from ledger.desk.agreements.promises import write_promises
from ledger.desk.agreements.reading import (
    AgreementDraft,
    AgreementVersion,
    Side,
    agreement,
    open_quarter,
    sides_of,
    signing_roles,
    states_of,
    terms_in_force,
    version,
)
from ledger.desk.failures import NotFound, refuse
from ledger.desk.signatures import Signable, refuse_signature, refuse_unsigned
from ledger.evidence.canonical import Json, canonical_bytes, digest
from ledger.periods import Quarter
from ledger.rules.check import TermsRefused, check, everything_before, read_document
from ledger.rules.facts import Fault
from ledger.rules.terms import Terms
from ledger_schema.ids import new_id
from ledger_schema.sessions import Database
from ledger_schema.tables import agreement as agreement_table
from ledger_schema.tables import (
    agreement_party,
    agreement_quarter,
    agreement_version,
    agreement_version_state,
    version_signature,
)
from ledger_schema.tables import party as party_table

# --- changing ---------------------------------------------------------------------------------------------


def draft_agreement(database: Database, act: Act, draft: AgreementDraft) -> Done[int]:
    """Records an agreement and drafts version 1 of its terms; returns the agreement's id.

    Raises ``TermsRefused`` with every fault of the terms, ``RequestRefused`` with every other one.
    """
    terms = _read_document(draft.terms)
    content = _bytes_of(terms)

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT_CODE, draft.code)
        party_ids = _party_ids(connection, [side.party_code for side in draft.sides])
        refuse(
            [
                *draft_faults(draft),
                *_code_taken_faults(connection, draft.code),
                *side_faults(draft.sides, party_ids),
                *binding_faults(terms, draft.code, {side.role: side.party_code for side in draft.sides}),
            ]
        )
        agreement_id = new_id()
        _refuse_faulty(connection, agreement_id, terms)
        _add_agreement(connection, agreement_id, draft, party_ids)
        record("agreement_drafted", _recorded_draft(draft, party_ids), agreement_id)
        _add_version(connection, record, agreement_id, 1, terms, content)
        return {"agreement_id": agreement_id}

    request = {**_described_draft(draft), "terms": digest(content).hex()}
    return named_number(perform(database, act, "draft_agreement", request, work), "agreement_id")


def draft_version(database: Database, act: Act, agreement_id: int, terms: dict[str, Any]) -> Done[int]:
    """Drafts an amendment; returns its version number.

    Raises ``TermsRefused``, ``NotFound``, ``RequestRefused`` for another agreement's code or other sides, and
    ``TermsRepeated``.
    """
    document = _read_document(terms)
    content = _bytes_of(document)

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        queue_on(connection, Queue.AGREEMENT, str(agreement_id))
        amended = agreement(connection, agreement_id)
        refuse(binding_faults(document, amended.code, _party_codes(connection, agreement_id)))
        _refuse_repeated(connection, agreement_id, content)
        _refuse_faulty(connection, agreement_id, document)
        version = _last_version(connection, agreement_id) + 1
        _add_version(connection, record, agreement_id, version, document, content)
        return {"version": version}

    request = {"agreement": str(agreement_id), "terms": digest(content).hex()}
    return named_number(perform(database, act, "draft_version", request, work), "version")


def propose_version(database: Database, act: Act, agreement_id: int, version: int) -> Done[int]:
    """Puts a draft up for signing, after its rules and worked examples were checked; returns the version.

    Raises ``NotFound``, ``VersionInOtherState``, ``VersionOvertaken``, ``TermsRefused``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        proposed = _locked_version(connection, agreement_id, version, "draft")
        _refuse_overtaken(connection, proposed)
        _refuse_faulty(connection, agreement_id, proposed.terms)
        event_id = record("version_proposed", _named_version(proposed), agreement_id)
        _enter_state(connection, agreement_id, version, "proposed", event_id)
        return {"version": version}

    return _perform_on_version(database, act, "propose_version", agreement_id, version, work)


def withdraw_version(database: Database, act: Act, agreement_id: int, version: int) -> Done[int]:
    """Takes back a version that isn't in force yet; returns the version.

    Raises ``NotFound``, ``VersionInOtherState``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        withdrawn = _locked_version(connection, agreement_id, version, "draft", "proposed")
        event_id = record("version_withdrawn", _named_version(withdrawn), agreement_id)
        _enter_state(connection, agreement_id, version, "withdrawn", event_id)
        return {"version": version}

    return _perform_on_version(database, act, "withdraw_version", agreement_id, version, work)


def sign_version(
    database: Database,
    act: Act,
    agreement_id: int,
    version: int,
    role: str,
    public_key: bytes,
    signature: bytes,
) -> Done[int]:
    """Adds a role's Ed25519 signature of exactly the version's ``terms_bytes``; returns the version.

    ``public_key`` is 32 bytes and registered for the role's party; ``signature`` is 64 bytes. Raises, in
    this order, ``NotFound``, ``VersionInOtherState``, ``RoleDoesNotSign``, ``AlreadySigned``,
    ``KeyNotRegistered``, ``SignatureWrong``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        signed = _locked_version(connection, agreement_id, version, "proposed")
        side = signing_side(connection, agreement_id, role)
        refuse_signature(
            connection, _signable(signed), signed.signatures, role, side.party_id, public_key, signature
        )
        event_id = record(
            "version_signed",
            {
                **_named_version(signed),
                "role": role,
                "public_key": public_key.hex(),
                "signature": signature.hex(),
            },
            agreement_id,
        )
        connection.execute(
            insert(version_signature).values(
                agreement_id=agreement_id,
                version=version,
                role=role,
                party_id=side.party_id,
                public_key=public_key,
                signature=signature,
                event_id=event_id,
            )
        )
        return {"version": version}

    request = {"role": role, "public_key": public_key.hex(), "signature": signature.hex()}
    return _perform_on_version(database, act, "sign_version", agreement_id, version, work, request)


def bring_into_force(database: Database, act: Act, agreement_id: int, version: int) -> Done[int]:
    """Puts a version that all signing roles have signed into force; returns the version.

    Its rules and worked examples are checked again. The version before becomes superseded. Opens the
    agreement's first quarter, or after the end the next one. A version may start before the open quarter: the
    difference is then booked in the open one, with the amendment as its cause. Raises ``NotFound``,
    ``VersionInOtherState``, ``VersionOvertaken``, ``SignaturesMissing``, ``TermsRefused``,
    ``AgreementEnded``.
    """

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        coming = _locked_version(connection, agreement_id, version, "proposed")
        _refuse_overtaken(connection, coming)
        _refuse_unsigned(connection, coming)
        _refuse_faulty(connection, agreement_id, coming.terms)
        open_now = hold_open_quarter(connection, agreement_id)
        before = _version_in_force(connection, agreement_id)
        event_id = record(
            "version_brought_into_force",
            {**_named_version(coming), "supersedes": before, "in_force_from": str(coming.in_force_from)},
            agreement_id,
        )
        if before is not None:
            _enter_state(connection, agreement_id, before, "superseded", event_id)
        _enter_state(connection, agreement_id, version, "in_force", event_id)
        write_promises(connection, agreement_id, version, coming.terms.commitments)
        if open_now is None:
            _open_quarter(connection, coming)
        return {"version": version}

    return _perform_on_version(database, act, "bring_into_force", agreement_id, version, work)


def queue_on_open_agreement(connection: Connection, agreement_id: int) -> None:
    """For what a settlement rests on: one change at a time, and the open quarter can't close meanwhile.

    Raises ``NotFound``.
    """
    queue_on(connection, Queue.AGREEMENT, str(agreement_id))
    agreement(connection, agreement_id)
    hold_open_quarter(connection, agreement_id)


def hold_open_quarter(connection: Connection, agreement_id: int) -> Quarter | None:
    """The open quarter, share-locked so that it can't close before this transaction ends; None without one.

    If it closed while we waited, the next one has opened with the same commit, so we ask again.
    """
    quarter = open_quarter(connection, agreement_id)
    while quarter is not None and not _share_lock(connection, agreement_id, quarter):
        quarter = open_quarter(connection, agreement_id)
    return quarter


def _share_lock(connection: Connection, agreement_id: int, quarter: Quarter) -> bool:
    row = (
        select(agreement_quarter.c.quarter)
        .where(
            agreement_quarter.c.agreement_id == agreement_id,
            agreement_quarter.c.quarter == quarter.code,
            agreement_quarter.c.state == "open",
        )
        .with_for_update(read=True)
    )
    return connection.execute(row).one_or_none() is not None


def open_next_quarter(connection: Connection, agreement_id: int, quarter: Quarter) -> None:
    """Opens the quarter after the last closed one; it may have been waiting while that one was reopened."""
    row = agreement_quarter.c
    waiting = (row.agreement_id == agreement_id, row.quarter == quarter.code, row.state == "waiting")
    opened = connection.execute(update(agreement_quarter).where(*waiting).values(state="open"))
    if opened.rowcount == 0:
        connection.execute(
            insert(agreement_quarter).values(agreement_id=agreement_id, quarter=quarter.code, state="open")
        )


def signing_side(connection: Connection, agreement_id: int, role: str) -> Side:
    """The side in a signing role. Raises ``NotFound`` for an unknown role, ``RoleDoesNotSign``."""
    sides = sides_of(connection, agreement_id)
    if role not in sides:
        raise NotFound("role", role)
    if not sides[role].signs:
        raise RoleDoesNotSign(role=role, signing=", ".join(signing_roles(sides)))
    return sides[role]


# --- documents --------------------------------------------------------------------------------------------


def _read_document(document: Mapping[str, Any]) -> Terms:
    terms, faults = read_document(json.dumps(document))
    if terms is None:
        raise TermsRefused(faults)
    return terms


def _bytes_of(terms: Terms) -> bytes:
    return canonical_bytes(terms.model_dump(mode="json"))


def _described_draft(draft: AgreementDraft) -> dict[str, Json]:
    return {
        "code": draft.code,
        "kind": draft.kind,
        "title_zh": draft.title_zh,
        "title_en": draft.title_en,
        "source": draft.source,
        "unverified": draft.unverified,
        "sides": [{"role": side.role, "party": side.party_code, "signs": side.signs} for side in draft.sides],
    }


def _recorded_draft(draft: AgreementDraft, party_ids: Mapping[str, int]) -> dict[str, Json]:
    """With the numbers under which results name the parties."""
    sides: list[Json] = [
        {
            "role": side.role,
            "party": side.party_code,
            "party_id": str(party_ids[side.party_code]),
            "signs": side.signs,
        }
        for side in draft.sides
    ]
    return {**_described_draft(draft), "sides": sides}


def _named_version(named: AgreementVersion) -> dict[str, Json]:
    return {"version": named.version, "terms_sha256": named.terms_hash.hex()}


# --- what can be wrong ------------------------------------------------------------------------------------


def _code_taken_faults(connection: Connection, code: str) -> list[Fault]:
    taken = connection.execute(select(agreement_table.c.code).where(agreement_table.c.code == code)).first()
    return [] if taken is None else [code_taken_fault(code)]


def _refuse_repeated(connection: Connection, agreement_id: int, content: bytes) -> None:
    repeated = connection.execute(
        select(func.min(agreement_version.c.version)).where(
            agreement_version.c.agreement_id == agreement_id,
            agreement_version.c.terms_hash == digest(content),
        )
    ).scalar_one()
    if repeated is not None:
        raise TermsRepeated(version=repeated)


def _refuse_overtaken(connection: Connection, examined: AgreementVersion) -> None:
    in_force = _version_in_force(connection, examined.agreement_id)
    if in_force is not None and in_force > examined.version:
        raise VersionOvertaken(version=examined.version, in_force=in_force)


def refuse_unfit(connection: Connection, agreement_id: int, terms: Terms) -> None:
    """Refuses terms that couldn't amend the agreement, as ``draft_version`` does.

    Raises ``NotFound``, ``RequestRefused`` for another agreement's code or other sides, ``TermsRefused``.
    """
    amended = agreement(connection, agreement_id)
    refuse(binding_faults(terms, amended.code, _party_codes(connection, agreement_id)))
    _refuse_faulty(connection, agreement_id, terms)


def _refuse_faulty(connection: Connection, agreement_id: int, terms: Terms) -> None:
    """Raises ``TermsRefused`` if the terms contradict themselves, their examples or earlier terms."""
    earlier = [held.terms for held in terms_in_force(connection, agreement_id)]
    faults = check(terms, everything_before(earlier))
    if faults:
        raise TermsRefused(faults)


def _refuse_unsigned(connection: Connection, coming: AgreementVersion) -> None:
    needed = signing_roles(sides_of(connection, coming.agreement_id))
    refuse_unsigned(_signable(coming), needed, coming.signatures)


def _signable(signed: AgreementVersion) -> Signable:
    return Signable(signed.terms_bytes, f"version {signed.version}", f"第 {signed.version} 版")


# --- steps of a change ------------------------------------------------------------------------------------


def _perform_on_version(
    database: Database,
    act: Act,
    kind: str,
    agreement_id: int,
    version: int,
    work: Work,
    request: Mapping[str, Json] | None = None,
) -> Done[int]:
    named = {"agreement": str(agreement_id), "version": version, **(request or {})}
    return named_number(perform(database, act, kind, named, work), "version")


def _locked_version(
    connection: Connection, agreement_id: int, number: int, *expected: str
) -> AgreementVersion:
    """The version, once no other change of its agreement is under way."""
    queue_on(connection, Queue.AGREEMENT, str(agreement_id))
    found = version(connection, agreement_id, number)
    if found.state not in expected:
        raise VersionInOtherState(number, found.state, expected)
    return found


def _party_ids(connection: Connection, codes: Sequence[str]) -> dict[str, int]:
    rows = connection.execute(
        select(party_table.c.code, party_table.c.party_id).where(party_table.c.code.in_(codes))
    )
    return {row.code: row.party_id for row in rows}


def _party_codes(connection: Connection, agreement_id: int) -> dict[str, str]:
    rows = connection.execute(
        select(agreement_party.c.role, party_table.c.code)
        .join(party_table, party_table.c.party_id == agreement_party.c.party_id)
        .where(agreement_party.c.agreement_id == agreement_id)
    )
    return {row.role: row.code for row in rows}


def _last_version(connection: Connection, agreement_id: int) -> int:
    last = connection.execute(
        select(func.max(agreement_version.c.version)).where(agreement_version.c.agreement_id == agreement_id)
    ).scalar_one()
    return int(last)


def _version_in_force(connection: Connection, agreement_id: int) -> int | None:
    in_force = [
        number for number, state in states_of(connection, agreement_id).items() if state == "in_force"
    ]
    return max(in_force, default=None)


def _add_agreement(
    connection: Connection, agreement_id: int, draft: AgreementDraft, party_ids: Mapping[str, int]
) -> None:
    connection.execute(
        insert(agreement_table).values(
            agreement_id=agreement_id,
            code=draft.code,
            kind=draft.kind,
            title_zh=draft.title_zh,
            title_en=draft.title_en,
            source=draft.source,
            unverified=draft.unverified,
        )
    )
    connection.execute(
        insert(agreement_party),
        [
            {
                "agreement_id": agreement_id,
                "role": side.role,
                "party_id": party_ids[side.party_code],
                "signs": side.signs,
            }
            for side in draft.sides
        ],
    )


def _add_version(
    connection: Connection, record: Recorder, agreement_id: int, number: int, terms: Terms, content: bytes
) -> None:
    in_force_from = Quarter.parse(terms.in_force_from)
    connection.execute(
        insert(agreement_version).values(
            agreement_id=agreement_id,
            version=number,
            terms=content,
            terms_hash=digest(content),
            in_force_from=in_force_from.code,
        )
    )
    event_id = record(
        "version_drafted",
        {"version": number, "terms_sha256": digest(content).hex(), "in_force_from": str(in_force_from)},
        agreement_id,
    )
    _enter_state(connection, agreement_id, number, "draft", event_id)


def _enter_state(connection: Connection, agreement_id: int, number: int, state: str, event_id: int) -> None:
    connection.execute(
        insert(agreement_version_state).values(
            agreement_id=agreement_id, version=number, state=state, event_id=event_id
        )
    )


def _open_quarter(connection: Connection, coming: AgreementVersion) -> None:
    """Opens the agreement's first quarter, or the one after its last closed one."""
    last_closed = connection.execute(
        select(func.max(agreement_quarter.c.quarter)).where(
            agreement_quarter.c.agreement_id == coming.agreement_id, agreement_quarter.c.state == "closed"
        )
    ).scalar_one()
    quarter = coming.in_force_from
    if last_closed is not None:
        quarter = Quarter.from_code(last_closed).next
        _refuse_ended(coming, quarter)
    open_next_quarter(connection, coming.agreement_id, quarter)


def _refuse_ended(coming: AgreementVersion, needed: Quarter) -> None:
    last_quarter = coming.terms.last_quarter
    if last_quarter is not None and Quarter.parse(last_quarter) < needed:
        raise AgreementEnded(
            last_closed=needed.previous, version=coming.version, last_quarter=last_quarter, needed=needed
        )
