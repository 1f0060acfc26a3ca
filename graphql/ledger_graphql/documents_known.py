"""Trusted documents: those that are known by the SHA-256 of their text.

``python -m ledger_graphql.documents_known`` prints the ready documents with their identifiers.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from ledger.errors import LedgerError
from ledger_graphql.documents import documents
from ledger_graphql.settings import ServiceSettings

PREFIX = "sha256:"


class DocumentUnknown(LedgerError):
    """No document is known by that identifier."""

    code = "DOCUMENT_UNKNOWN"
    sentence_en = "Expected documentId to be sha256: and the SHA-256 of a known document, but got {got!r}."
    sentence_zh = "documentId 应为 sha256: 加上已知文档的 SHA-256，实际为 {got!r}。"


class DocumentNotTrusted(LedgerError):
    """This server executes known documents only, and this one isn't."""

    code = "DOCUMENT_NOT_TRUSTED"
    sentence_en = (
        "This server executes known documents only. Use a ready one, or have {document_id} registered."
    )
    sentence_zh = "本服务仅执行已登记的文档。请使用现成文档，或登记 {document_id}。"


def identifier_of(text: str) -> str:
    """The identifier of a document: of its very bytes, so that white space and comments matter."""
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()


class KnownDocuments:
    """The ready documents and those that the operator registered: the ``*.graphql`` files of a folder."""

    def __init__(self, settings: ServiceSettings) -> None:
        texts = [*documents().values(), *_texts(settings.trusted_folder)]
        self._by_identifier = {identifier_of(text): text for text in texts}
        self._only = settings.trusted_only

    def text(self, identifier: str) -> str:
        """The document that is known by ``identifier``. Raises ``DocumentUnknown``."""
        if identifier not in self._by_identifier:
            raise DocumentUnknown(got=identifier[:100])
        return self._by_identifier[identifier]

    def refuse_untrusted(self, text: str) -> None:
        """Raises ``DocumentNotTrusted`` where only known documents are executed and ``text`` is none."""
        if self._only and (identifier := identifier_of(text)) not in self._by_identifier:
            raise DocumentNotTrusted(document_id=identifier)


def _texts(folder: Path | None) -> Iterable[str]:
    return () if folder is None else (path.read_text("utf-8") for path in sorted(folder.glob("*.graphql")))


if __name__ == "__main__":
    for name, text in documents().items():
        sys.stdout.write(f"{identifier_of(text)}  {name}\n")
