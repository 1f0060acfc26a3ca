"""The log as the API shows it: heads, proofs, receipts, and who has cosigned what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from ledger.desk import agreements, log, roster
from ledger.errors import LedgerError
from ledger.evidence.checkpoints import cosigner_key, cosigner_name
from ledger.periods import Quarter
from ledger_graphql.connections import FIRST_MAX, First, global_id, numbers_of
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import IdempotencyKeyReused, InvalidInput, NotFound, Refused, SignatureRefused
from ledger_graphql.fields import mutation, resolved
from ledger_graphql.parties import Party, party_node
from ledger_graphql.scalars import Hash

EventId = Annotated[strawberry.ID, strawberry.argument(description="The event's id.")]
Size = Annotated[
    int | None,
    strawberry.argument(description="Of a published head, in leaves; the newest when left out."),
]


@strawberry.type(description="A published head of the log: the tree that it had, signed.")
class LogHead:
    size: int = strawberry.field(description="How many leaves the tree has.")
    root: Hash = strawberry.field(description="RFC 6962 root of the tree.")
    signed_at: datetime = strawberry.field(description="When it was published.")
    checkpoint: str = strawberry.field(
        description="The signed note (c2sp.org/tlog-checkpoint), with the cosignatures handed in so far."
    )


@strawberry.type(description="That an event is a leaf of the tree under a head.")
class InclusionProof:
    leaf_number: int = strawberry.field(description="The leaf's number, from 0.")
    leaf_hash: Hash = strawberry.field(description="SHA-256 of a zero byte and the event's canonical bytes.")
    hashes: list[Hash] = strawberry.field(description="From the leaf's sibling up to the root's child.")
    head: LogHead = strawberry.field(description="The head under which it is proven.")
    proof_file: str = strawberry.field(
        description="All this as a .tlog-proof file (c2sp.org/tlog-proof), to be kept and checked offline."
    )


@strawberry.type(description="That a tree is the beginning of a later one.")
class ConsistencyProof:
    old_size: int = strawberry.field(description="Leaves of the smaller tree.")
    old_root: Hash = strawberry.field(description="Its root.")
    new_size: int = strawberry.field(description="Leaves of the published head's tree.")
    new_root: Hash = strawberry.field(description="Its root.")
    hashes: list[Hash] = strawberry.field(description="As RFC 6962, section 2.1.2, has them.")


@strawberry.type(description="The log's signed promise that an event will be in it.")
class Receipt:
    event: strawberry.ID = strawberry.field(description="The event's id.")
    leaf_hash: Hash = strawberry.field(description="The hash of the leaf that it will be.")
    recorded_at: datetime = strawberry.field(description="When the event was recorded.")
    logged_by: datetime = strawberry.field(description="When a published head covers it at the latest.")
    note: str = strawberry.field(
        description="The promise as a signed note (c2sp.org/signed-note). Keep it: it convicts a log that "
        "breaks it."
    )


@strawberry.type(description="A side that is asked to cosign a close.")
class Cosigner:
    role: str = strawberry.field(description="Its role in the agreement.")
    party: Party = strawberry.field(description="The party in that role.")
    size: int | None = strawberry.field(
        description="Of the first head covering the close that it cosigned; null: it is still asked to."
    )


@strawberry.type(description="The close of a quarter, and who has vouched for it.")
class CloseInLog:
    event: strawberry.ID = strawberry.field(description="The event's id.")
    quarter: Quarter = strawberry.field(description="The quarter that was closed.")
    leaf_number: int | None = strawberry.field(description="Its leaf, from 0; null while it has none.")
    cosigners: list[Cosigner] = strawberry.field(description="Every side that signs.")


@strawberry.type(description="Why nothing is signed at present.")
class SigningRefusal:
    code: str = strawberry.field(description="Stable code in capitals, such as LOG_BEHIND_KEPT_HEAD.")
    message_zh: str = strawberry.field(description="What is wrong and what to do, in Chinese.")
    message_en: str = strawberry.field(description="What is wrong and what to do, in English.")


@strawberry.type(description="The log of all events: an append-only Merkle tree (RFC 6962; docs/log.md).")
class Log:
    @resolved("The log's name, as it stands in every checkpoint.")
    def origin(self, info: Info) -> str:
        return info.context.log_files.signer().name

    @resolved("The key that verifies the log's signatures: name+hash+base64, as sumdb/note reads it.")
    def verifier_key(self, info: Info) -> str:
        return str(info.context.log_files.signer().verifier)

    @resolved("By how many hours after it was recorded an event is covered by a head at the latest.")
    def merge_delay_max_hours(self) -> int:
        return int(log.MERGE_DELAY_MAX.total_seconds() // 3600)

    @resolved("Why nothing is signed at present; null when all is well.")
    def refusal(self, info: Info) -> SigningRefusal | None:
        try:
            log.require_consistent(info.context.snapshot, info.context.log_files)
        except LedgerError as error:
            return SigningRefusal(code=error.code, message_zh=error.message_zh, message_en=error.message_en)
        return None

    @resolved("The newest head, or the one of a size; null before the first, and where there is none.")
    def head(self, info: Info, size: Size = None) -> LogHead | None:
        found = log.published(info.context.snapshot, size)
        return None if found is None else head_node(found)

    @resolved("The proof that an event is in the log. An error while no head covers it.")
    def inclusion(self, info: Info, event: EventId, size: Size = None) -> InclusionProof:
        (event_id,) = numbers_of(event, "Event", 1)
        proven = log.inclusion(info.context.snapshot, event_id, size)
        return InclusionProof(
            leaf_number=proven.leaf_number,
            leaf_hash=Hash(proven.leaf_hash),
            hashes=[Hash(each) for each in proven.hashes],
            head=head_node(proven.head),
            proof_file=proven.file().encode().decode(),
        )

    @resolved("The proof that a head continues an earlier tree.")
    def consistency(
        self,
        info: Info,
        old_size: Annotated[int, strawberry.argument(description="Leaves of the earlier tree, from 1.")],
        new_size: Size = None,
    ) -> ConsistencyProof:
        shown = log.consistency(info.context.snapshot, old_size, new_size)
        return ConsistencyProof(
            old_size=shown.old_size,
            old_root=Hash(shown.old_root),
            new_size=shown.new_size,
            new_root=Hash(shown.new_root),
            hashes=[Hash(each) for each in shown.hashes],
        )

    @resolved("The receipts of the events of one act, at once; for the client that did it.")
    def receipts(
        self,
        info: Info,
        key: Annotated[str, strawberry.argument(description="The idempotency key of the act.")],
        first: First = FIRST_MAX,
    ) -> list[Receipt]:
        desk = info.context
        kept_key = desk.act(key).kept_key
        found = log.receipts_of_act(desk.snapshot, kept_key, desk.log_files.signer(), first)
        return [_receipt_node(each) for each in found]

    @resolved("The receipt of an event.")
    def receipt(self, info: Info, event: EventId) -> Receipt:
        (event_id,) = numbers_of(event, "Event", 1)
        desk = info.context
        return _receipt_node(log.receipt(desk.snapshot, event_id, desk.log_files.signer()))

    @resolved("Every close of an agreement, oldest first, with the sides that are asked to cosign it.")
    def closes(
        self,
        info: Info,
        agreement: Annotated[str, strawberry.argument(description="The agreement's code.")],
    ) -> list[CloseInLog]:
        desk = info.context
        found = agreements.agreement_by_code(desk.snapshot, agreement)
        return [_close_node(desk, each) for each in log.closes(desk.snapshot, found.agreement_id)]

    @resolved("The keys that verify a party's cosignatures: name+hash+base64, oldest first.")
    def cosigner_keys(
        self, info: Info, party: Annotated[str, strawberry.argument(description="The party's code.")]
    ) -> list[str]:
        desk = info.context
        party_id = roster.party_by_code(desk.snapshot, party).party_id
        name = cosigner_name(desk.log_files.signer().name, party)
        keys = roster.keys_of(desk.snapshot, [party_id]).get(party_id, [])
        return [str(cosigner_key(name, key.public_key)) for key in keys]


@strawberry.input(description="A party's word for a head of the log.")
class CosignCheckpointInput:
    idempotency_key: str = strawberry.field(
        description="Made by the client for this one change, 1 to 200 printable characters."
    )
    party: str = strawberry.field(description="The party's code.")
    size: int = strawberry.field(description="Of the published head, in leaves.")
    line: str = strawberry.field(
        description="The signature line (cosignature/v1, c2sp.org/tlog-cosignature), made with a registered "
        "key of the party under the name ORIGIN/CODE."
    )


@strawberry.type(description="The cosignature was taken in.")
class CosignatureSuccess:
    head: LogHead = strawberry.field(description="The head with its cosignatures.")
    replayed: bool = strawberry.field(
        description="True when the key had been used for this very request before; nothing was done now."
    )


CosignCheckpointResult = Annotated[
    CosignatureSuccess | InvalidInput | IdempotencyKeyReused | NotFound | SignatureRefused | Refused,
    strawberry.union("CosignCheckpointResult", description="What came of cosigning a head."),
]


@strawberry.type
class LogQueries:
    @resolved("The log of all events, with its heads and proofs.")
    def log(self) -> Log:
        return Log()


@strawberry.type
class LogMutations:
    @mutation("Hand in a party's cosignature of a head. No event: it proves itself.")
    def cosign_checkpoint(
        self,
        info: Info,
        input: Annotated[
            CosignCheckpointInput,
            strawberry.argument(description="What is to be done, and the client's key."),
        ],
    ) -> CosignCheckpointResult:
        desk = info.context
        act = desk.act(input.idempotency_key)
        done = log.cosign_checkpoint(desk.database, act, input.party, input.size, input.line)
        return CosignatureSuccess(head=head_node(log.head(desk.snapshot, done.value)), replayed=done.replayed)


def head_node(found: log.Head) -> LogHead:
    """What the API shows of a head."""
    return LogHead(
        size=found.size,
        root=Hash(found.root),
        signed_at=found.signed_at,
        checkpoint=found.note.encode().decode(),
    )


def _receipt_node(given: log.Receipt) -> Receipt:
    return Receipt(
        event=global_id("Event", given.event_id),
        leaf_hash=Hash(given.leaf_hash),
        recorded_at=given.recorded_at,
        logged_by=given.logged_by,
        note=given.note.encode().decode(),
    )


def _close_node(desk: Desk, close: log.Close) -> CloseInLog:
    parties = roster.parties_by_id(desk.snapshot, [each.party_id for each in close.cosigners])
    return CloseInLog(
        event=global_id("Event", close.event_id),
        quarter=close.quarter,
        leaf_number=close.leaf_number,
        cosigners=[
            Cosigner(role=each.role, party=party_node(desk, parties[each.party_id]), size=each.size)
            for each in close.cosigners
        ],
    )
