"""Evidence documents, as the API shows them, and attaching them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import strawberry

from ledger.desk import documents
from ledger.desk.documents import Subject
from ledger_graphql.agreements import agreement_id_of
from ledger_graphql.connections import IdUnreadable, split_id
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import (
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    Refused,
)
from ledger_graphql.fields import INPUT, REPLAYED, mutation
from ledger_graphql.inputs import AGREEMENT_DESCRIPTION, KEY_DESCRIPTION
from ledger_graphql.returns import AttachedDocument, attached_node
from ledger_graphql.scalars import Hash

SUBJECT_KINDS = {"Agreement": "agreement", "Filing": "return", "Settlement": "settlement"}
"""What the desk calls the types to whose objects documents can be attached."""


@strawberry.input(description="A document that is kept already, to be attached to what it proves.")
class AttachDocumentInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    agreement: str = strawberry.field(description=AGREEMENT_DESCRIPTION)
    role: str = strawberry.field(description="The role that attaches it.")
    subject: strawberry.ID = strawberry.field(
        description="Id of what it is attached to: a return, a settlement or the agreement."
    )
    reference: str = strawberry.field(
        description="The name under which lines of a return refer to it, 1 to 500 characters."
    )
    document: Hash = strawberry.field(description="SHA-256 of the file, as uploading it gave it.")


@strawberry.type(description="A document was attached.")
class AttachmentSuccess:
    documents: list[AttachedDocument] = strawberry.field(
        description="Everything that is attached to the subject now, by reference."
    )
    replayed: bool = strawberry.field(description=REPLAYED)


AttachDocumentResult = Annotated[
    AttachmentSuccess | InvalidInput | IdempotencyKeyReused | NotFound | Refused,
    strawberry.union("AttachDocumentResult", description="What came of attaching a document."),
]


@strawberry.type
class EvidenceMutations:
    @mutation("Attach a document that was uploaded to /files/documents.")
    def attach_document(
        self, info: Info, input: Annotated[AttachDocumentInput, INPUT]
    ) -> AttachDocumentResult:
        desk = info.context
        subject = _subject(input.subject)
        agreement_id = agreement_id_of(desk, input.agreement)
        refuse_unheld(desk, [input.document])
        done = documents.attach_document(
            desk.database,
            desk.act(input.idempotency_key),
            agreement_id,
            input.role,
            subject,
            input.reference,
            input.document,
        )
        attached = documents.attachments(desk.snapshot, agreement_id, subject.kind, [subject.subject_id])
        return AttachmentSuccess(
            documents=[attached_node(one) for one in attached[subject.subject_id]], replayed=done.replayed
        )


def refuse_unheld(desk: Desk, hashes: Iterable[bytes]) -> None:
    """Raises ``NotFound`` for a file that the account neither sees nor hands in. Lets the snapshot go."""
    documents.refuse_unheld(desk.snapshot, hashes)
    desk.refresh()


def _subject(text: str) -> Subject:
    kind, numbers = split_id(text)
    if kind not in SUBJECT_KINDS:
        raise IdUnreadable(text=text, expected=", ".join(SUBJECT_KINDS))
    return Subject(SUBJECT_KINDS[kind], numbers[-1])
