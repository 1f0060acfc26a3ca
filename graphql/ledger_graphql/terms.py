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
    return json_object(terms, "terms")


def json_object(value: Json, name: str) -> dict[str, Any]:
    """The argument ``name`` as an object. Raises ``RequestRefused`` for any other JSON."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    got = type(value).__name__
    raise RequestRefused(
        [
            Fault(
                name,
                "OBJECT_EXPECTED",
                f"Expected a JSON object, but got {got}.",
                f"应为 JSON 对象，实际为 {got}。",
            )
        ]
    )
