"""Excerpts: what a closed quarter says of one enterprise, with what proves it and nothing of the others.

The file has the form of a bundle (``ledger.evidence.bundles``); docs/bundles.md has more.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict

from ledger.evidence.bundles import Bundle, BundledAllocation, Logged, ReturnedLine, document_in
from ledger.evidence.notes import from_base64, to_base64
from ledger.evidence.salted import Shown

EXCERPT_FORMAT: Final = "parkledger.excerpt/1"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Place(_Part):
    """The place of a leaf in a salted tree: its number, its salt and its audit path, both in base64."""

    leaf: int
    salt: str
    hashes: list[str]

    @classmethod
    def of(cls, shown: Shown) -> Place:
        return cls(leaf=shown.leaf, salt=to_base64(shown.salt), hashes=[*map(to_base64, shown.hashes)])

    def shown(self) -> Shown:
        """Raises ``ValueError`` for what isn't base64."""
        return Shown(self.leaf, from_base64(self.salt), [*map(from_base64, self.hashes)])


class ShownReturn(_Part):
    """The enterprise's lines of a return, in its order."""

    filing: str
    place: Place
    lines: list[ReturnedLine]


class ShownShare(_Part):
    """The enterprise's allocations of the settlement, in key order."""

    place: Place
    allocations: list[BundledAllocation]


class Excerpt(Logged):
    """An excerpt as it is read; ``subject`` is the enterprise's number."""

    form: ClassVar[str] = EXCERPT_FORMAT

    format: Literal["parkledger.excerpt/1"]
    settlement: str
    subject: str
    credit_code: str
    share: ShownShare
    returns: list[ShownReturn]


def parse_file(content: bytes) -> Bundle | Excerpt:
    """The bundle or excerpt in a file. Raises ``BundleUnreadable``."""
    document = document_in(content)
    is_excerpt = isinstance(document, dict) and document.get("format") == EXCERPT_FORMAT
    return Excerpt.of(document) if is_excerpt else Bundle.of(document)
