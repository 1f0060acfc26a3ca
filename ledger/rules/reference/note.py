"""A note on a field of the terms: its name, its meaning, and an example to execute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Note:
    """``zh`` is the field's Chinese name; ``en`` its meaning, where the model doesn't say it.

    ``changes`` are by path in the clause, or in the document where they begin with ``$.``.
    """

    zh: str
    instead: Any
    base: str
    en: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
