"""What a GraphQL request over HTTP asks for, read from its address or body to the letter.

The rules are those of "GraphQL over HTTP" (graphql.github.io/graphql-over-http/draft), those of
``documentId`` its appendix on persisted documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from starlette.requests import Request

from ledger.errors import LedgerError
from ledger_graphql.limits import NestedTooDeeply, nesting_of
from ledger_graphql.settings import ServiceSettings

_NUL = re.compile(r"\x00|\\u(?:0000|\{0+\})")


class ContentTypeUnsupported(LedgerError):
    """A body of another type than is read there. A foreign page can't send those unasked."""

    code = "CONTENT_TYPE_UNSUPPORTED"
    sentence_en = "Expected Content-Type to be {expected}, but got {got!r}."
    sentence_zh = "Content-Type 应为 {expected}，实际为 {got!r}。"


class RequestMalformed(LedgerError):
    """A request that isn't one of GraphQL: not JSON, or parameters of another form."""

    code = "REQUEST_MALFORMED"
    sentence_en = "Expected {name} to be {expected}."
    sentence_zh = "{name} 应为 {expected}。"


class BatchRefused(LedgerError):
    """Several operations in one request."""

    code = "BATCH_REFUSED"
    sentence_en = "Expected one operation in a request, but got a list. Send them one after the other."
    sentence_zh = "每个请求仅限一个操作，实际为列表。请逐个发送。"


@dataclass(frozen=True, slots=True)
class Asked:
    """The well-formed parameters of a request; either ``query`` or ``document_id`` is there."""

    query: str | None
    document_id: str | None
    operation_name: str | None
    variables: Mapping[str, Any]


async def asked_by(request: Request, settings: ServiceSettings) -> Asked:
    """What ``request`` asks for.

    Raises ``ContentTypeUnsupported``, ``RequestMalformed``, ``BatchRefused``, ``NestedTooDeeply``.
    """
    if request.method in {"GET", "HEAD"}:
        return _asked(_of_address(request), settings)
    _refuse_other_content(request.headers.get("content-type", ""))
    body = _json("body", await request.body())
    if isinstance(body, list):
        raise BatchRefused
    if not isinstance(body, dict):
        raise RequestMalformed(name="body", expected="{ … }")
    return _asked(body, settings)


def _of_address(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if given.get(name):
            given[name] = _json(name, given[name].encode())
        else:
            given.pop(name, None)
    return given


def _refuse_other_content(content_type: str) -> None:
    media_type, *parameters = (word.strip().lower() for word in content_type.split(";"))
    charsets = [one.removeprefix("charset=").strip('"') for one in parameters if one.startswith("charset=")]
    if media_type != "application/json" or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise ContentTypeUnsupported(expected="application/json (UTF-8)", got=content_type[:100])


def _json(name: str, written: bytes) -> Any:
    try:
        return json.loads(written.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RequestMalformed(name=name, expected="JSON (UTF-8)") from None


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _asked(given: Mapping[str, Any], settings: ServiceSettings) -> Asked:
    query, document_id = _text(given, "query"), _text(given, "documentId")
    if (query is None) == (document_id is None):
        raise RequestMalformed(name="query | documentId", expected='"…" (1)')
    variables = _object(given, "variables")
    _object(given, "extensions")
    if nesting_of(variables) > settings.nesting_max:
        raise NestedTooDeeply(most=settings.nesting_max)
    if _is_unkeepable(query or "") or _is_unkeepable(json.dumps(variables, ensure_ascii=False)):
        raise RequestMalformed(name="query, variables", expected="Unicode ≠ U+0000")
    return Asked(query, document_id, _text(given, "operationName"), variables)


def _is_unkeepable(text: str) -> bool:
    """Whether PostgreSQL would refuse it: half a character, or U+0000, as it is or as it may be written."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return _NUL.search(text) is not None


def _text(given: Mapping[str, Any], name: str) -> str | None:
    """A parameter that is text; left out, null and empty are the same."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestMalformed(name=name, expected='"…"')
    return value or None


def _object(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise RequestMalformed(name=name, expected="{ … }")
    return value or {}
