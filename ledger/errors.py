"""The one shape of every expected failure: a code, data, and a sentence in each language.

A subclass fixes ``code`` and the two sentence templates; an instance fills in the fields that the
templates name. A sentence says what was expected, what came, and what to do.
"""

from __future__ import annotations

from typing import ClassVar


class LedgerError(Exception):
    """An expected failure that a person can act on.

    ``code`` is stable and documented; ``fields`` are the data that the sentences mention.
    """

    code: ClassVar[str] = "LEDGER_ERROR"
    sentence_en: ClassVar[str] = ""
    sentence_zh: ClassVar[str] = ""

    def __init__(self, **fields: object) -> None:
        super().__init__(fields)
        self.fields = fields

    @property
    def message_en(self) -> str:
        return self.sentence_en.format(**self.fields)

    @property
    def message_zh(self) -> str:
        return self.sentence_zh.format(**self.fields)

    def __str__(self) -> str:
        return self.message_en


class InvariantBroken(LedgerError):
    """The ledger contradicts itself; nothing was written."""

    code = "INVARIANT_BROKEN"
    sentence_en = "The ledger contradicts itself, so nothing was written: {detail}. Please report this."
    sentence_zh = "账本出现自相矛盾，未写入任何数据：{detail}。请报告此问题。"
