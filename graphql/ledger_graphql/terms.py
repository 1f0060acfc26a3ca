"""Documents of terms as clients send them."""

from __future__ import annotations

import json
from typing import Any, cast

from ledger.desk.failures import RequestRefused
from ledger.rules.facts import Fault
from ledger_graphql.scalars import Json


def terms_text(terms: Json) -> str:
    """The document as it is read. Raises ``RequestRefused`` for JSON that is no object."""
    return json.dumps(terms_document(terms), ensure_ascii=False)


def terms_document(terms: Json) -> dict[str, Any]:
    """The terms as an object. Raises ``RequestRefused`` for any other JSON."""
    if isinstance(terms, dict):
        return cast("dict[str, Any]", terms)
    raise RequestRefused(
        [
            Fault(
                "terms",
                "OBJECT_EXPECTED",
                f"Expected a JSON object, but got {type(terms).__name__}.",
                f"应为 JSON 对象，实际为 {type(terms).__name__}。",
            )
        ]
    )
