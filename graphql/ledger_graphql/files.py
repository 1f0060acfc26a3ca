"""Downloads: the template of a return, and statements as text, CSV and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ledger.desk import agreements, statements
from ledger.desk.returns.template import template_workbook
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger_graphql.agreements import template_name
from ledger_graphql.context import Desk
from ledger_graphql.failures import extensions_of
from ledger_schema.sessions import Database

WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

STATUS_BY_CODE = {"NOT_FOUND": 404, "DOCUMENT_TOO_LARGE": 413, "DOCUMENT_DAMAGED": 500}

Parameters = Mapping[str, str]


class ParameterUnusable(LedgerError):
    """A parameter of a download isn't there, or isn't one of the values it may have."""

    code = "PARAMETER_UNUSABLE"
    sentence_en = "Expected the parameter {name} to be {expected}, but got {got!r}."
    sentence_zh = "参数 {name} 应为 {expected}，实际为 {got!r}。"


@dataclass(frozen=True, slots=True)
class Download:
    """A file to send."""

    name: str
    media_type: str
    content: bytes


def routes(database: Database, limiter: CapacityLimiter) -> list[Route]:
    """The downloads, each made in a worker thread from one snapshot."""
    made = {"/template": _template, "/statement": _statement}
    return [Route(path, partial(_send, database, limiter, make)) for path, make in made.items()]


async def _send(
    database: Database,
    limiter: CapacityLimiter,
    make: Callable[[Desk, Parameters], Download],
    request: Request,
) -> Response:
    work = partial(_made, database, make, dict(request.query_params))
    made = await to_thread.run_sync(work, limiter=limiter)
    if isinstance(made, LedgerError):
        return refusal(made)
    return saved(made)


def _made(
    database: Database, make: Callable[[Desk, Parameters], Download], parameters: Parameters
) -> Download | LedgerError:
    try:
        with Desk(database) as desk:
            return make(desk, parameters)
    except LedgerError as error:
        return error


def _template(desk: Desk, parameters: Parameters) -> Download:
    code, role = _given(parameters, "agreement"), _given(parameters, "role")
    quarter = Quarter.parse(_given(parameters, "quarter"))
    found = agreements.agreement_by_code(desk.snapshot, code)
    content = template_workbook(desk.snapshot, found.agreement_id, role, quarter)
    return Download(template_name(code, role, quarter), WORKBOOK_TYPE, content)


def _statement(desk: Desk, parameters: Parameters) -> Download:
    code = _given(parameters, "agreement")
    quarter = Quarter.parse(_given(parameters, "quarter"))
    language = _language(parameters)
    kind = _chosen(parameters, "format", ("txt", "csv", "json"))
    found = agreements.agreement_by_code(desk.snapshot, code)
    shown = statements.statement(desk.snapshot, found.agreement_id, quarter)
    name = f"{code}-{quarter}.{kind}"
    match kind:
        case "csv":
            return Download(name, "text/csv", statements.statement_csv(shown, language))
        case "json":
            return Download(name, "application/json", statements.statement_json(shown))
        case _:
            return Download(name, "text/plain", statements.render_statement(shown, language).encode())


def _given(parameters: Parameters, name: str) -> str:
    value = parameters.get(name, "")
    if not value or "\0" in value:
        raise ParameterUnusable(name=name, expected="…", got=value)
    return value


def _chosen(parameters: Parameters, name: str, choices: tuple[str, ...]) -> str:
    value = parameters.get(name, choices[0])
    if value not in choices:
        raise ParameterUnusable(name=name, expected=", ".join(choices), got=value)
    return value


def _language(parameters: Parameters) -> Literal["zh", "en"]:
    return "en" if _chosen(parameters, "language", ("zh", "en")) == "en" else "zh"


def saved(made: Download) -> Response:
    """The file, to be saved and never to be run by a browser."""
    disposition = f"attachment; filename*=UTF-8''{quote(made.name)}"
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    return Response(made.content, media_type=made.media_type, headers=headers)


def refusal(error: LedgerError) -> Response:
    """An expected failure as JSON: 404 for what isn't there, 413 for what is too large, else 400."""
    return JSONResponse(extensions_of(error), status_code=STATUS_BY_CODE.get(error.code, 400))
