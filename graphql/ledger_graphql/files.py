"""Downloads: the template of a return, and statements as text, CSV and JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ledger.desk import agreements, statements
from ledger.desk.failures import NotFound
from ledger.desk.returns.template import template_workbook
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger_graphql.agreements import template_name
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.failures import extensions_of

WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

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


Make: TypeAlias = Callable[[Desk, Parameters], Download]
"""Makes a file of a request's parameters. Raises ``LedgerError``."""


def routes(desk: OpenDesk, limiter: CapacityLimiter) -> list[Route]:
    """The downloads, each made in a worker thread from one snapshot."""
    made = {"/template": _template, "/statement": _statement}
    return [Route(path, sender(desk, limiter, make)) for path, make in made.items()]


def sender(desk: OpenDesk, limiter: CapacityLimiter, make: Make) -> Callable[[Request], Awaitable[Response]]:
    """Answers a request with what ``make`` makes of its parameters, those of the path and of the query."""
    return partial(_send, desk, limiter, make)


async def _send(desk: OpenDesk, limiter: CapacityLimiter, make: Make, request: Request) -> Response:
    work = partial(_made, desk, make, {**request.query_params, **request.path_params})
    made = await to_thread.run_sync(work, limiter=limiter)
    if isinstance(made, LedgerError):
        return _refusal(made)
    disposition = f"attachment; filename*=UTF-8''{quote(made.name)}"
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    return Response(made.content, media_type=made.media_type, headers=headers)


def _made(open_desk: OpenDesk, make: Make, parameters: Parameters) -> Download | LedgerError:
    try:
        with open_desk() as desk:
            return make(desk, parameters)
    except LedgerError as error:
        return error


def _template(desk: Desk, parameters: Parameters) -> Download:
    code, role = given(parameters, "agreement"), given(parameters, "role")
    quarter = Quarter.parse(given(parameters, "quarter"))
    found = agreements.agreement_by_code(desk.snapshot, code)
    content = template_workbook(desk.snapshot, found.agreement_id, role, quarter)
    return Download(template_name(code, role, quarter), WORKBOOK_TYPE, content)


def _statement(desk: Desk, parameters: Parameters) -> Download:
    code = given(parameters, "agreement")
    quarter = Quarter.parse(given(parameters, "quarter"))
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


def given(parameters: Parameters, name: str) -> str:
    """The parameter's value. Raises ``ParameterUnusable`` where it isn't there."""
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


def _refusal(error: LedgerError) -> Response:
    return JSONResponse(
        extensions_of(error),
        status_code=404 if isinstance(error, NotFound) else 400,
    )
