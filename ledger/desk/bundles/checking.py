"""Checking whatever file there is: a bundle or an excerpt."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.desk.bundles.sealed import Trust
from ledger.desk.bundles.verifying import verify
from ledger.desk.bundles.verifying_excerpts import verify_excerpt
from ledger.evidence.excerpts import Excerpt, parse_file
from ledger.rules.fields import Bilingual


def checked(content: bytes, trust: Trust) -> Iterator[Bilingual]:
    """Says of one check after the other what it found to be right, and at the end that the file holds.

    Raises ``BundleUnreadable``, and ``BundleWrong`` for the first thing that is wrong.
    """
    file = parse_file(content)
    if isinstance(file, Excerpt):
        yield from verify_excerpt(file, trust)
        yield Bilingual(zh="摘录成立。", en="The excerpt holds.")
    else:
        yield from verify(file, trust)
        yield Bilingual(zh="结算包成立。", en="The bundle holds.")
