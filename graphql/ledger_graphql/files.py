"""Downloads: the template of a return, statements, and journals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal, TypeAlias, TypeVar
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ledger.desk import agreements, roster, statements
from ledger.desk.failures import NotFound
from ledger.desk.returns.template import template_workbook
from ledger.errors import LedgerError
from ledger.periods import MomentUnreadable, Quarter, parse_moment
from ledger_graphql.agreements import template_name
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.failures import extensions_of
from ledger_graphql.sign_in import account_in

FORMS: Mapping[str, statements.Form] = {
    "txt": "text",
    "csv": "csv",
    "json": "json",
    "xlsx": "xlsx",
    "pdf": "pdf",
    "hledger": "hledger",
    "beancount": "beancount",
}
ZONE_FORMS: Mapping[str, statements.ZoneForm] = {"txt": "text", "csv": "csv", "xlsx": "xlsx", "pdf": "pdf"}
JOURNAL_FORMS: Mapping[str, statements.JournalForm] = {"hledger": "hledger", "beancount": "beancount"}

STATUS_BY_CODE = {
    "CONTENT_TYPE_UNSUPPORTED": 415,
    "DOCUMENT_TOO_LARGE": 413,
    "DOCUMENT_DAMAGED": 500,
    **{lacking.code: 503 for lacking in statements.FONTS_LACKING},
}

Parameters = Mapping[str, str]

Form = TypeVar("Form", bound=statements.Form)


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
    made = {
        "/template": _template,
        "/statement": _statement,
        "/check": _checked_statement,
        "/journal": _journal,
        "/zone-statement": _zone_statement,
    }
    return [Route(path, sender(desk, limiter, make)) for path, make in made.items()]


def sender(desk: OpenDesk, limiter: CapacityLimiter, make: Make) -> Callable[[Request], Awaitable[Response]]:
    """Answers a request with what ``make`` makes of its parameters, those of the path and of the query."""
    return partial(_send, desk, limiter, make)


async def _send(desk: OpenDesk, limiter: CapacityLimiter, make: Make, request: Request) -> Response:
    asked = {**request.query_params, **request.path_params}
    work = partial(_made, partial(desk, account_in(request)), make, asked)
    made = await to_thread.run_sync(work, limiter=limiter)
    if isinstance(made, LedgerError):
        return refusal(made)
    return saved(made)


def _made(open_desk: Callable[[], Desk], make: Make, parameters: Parameters) -> Download | LedgerError:
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
    return Download(template_name(code, role, quarter), statements.MEDIA_TYPES["xlsx"], content)


def _statement(desk: Desk, parameters: Parameters) -> Download:
    """The statement with which a quarter was closed."""
    code = given(parameters, "agreement")
    quarter = Quarter.parse(given(parameters, "quarter"))
    form, language = _form(parameters, FORMS), _language(parameters)
    found = agreements.agreement_by_code(desk.snapshot, code)
    shown = statements.statement(desk.snapshot, found.agreement_id, quarter)
    return _statement_file(desk, shown, form, language)


def _checked_statement(desk: Desk, parameters: Parameters) -> Download:
    """What the ledger has under an identifier, closed or not."""
    code, identifier = given(parameters, "agreement"), given(parameters, "identifier")
    form, language = _form(parameters, FORMS), _language(parameters)
    found = agreements.agreement_by_code(desk.snapshot, code)
    shown = statements.statement_by_identifier(desk.snapshot, found.agreement_id, identifier)
    return _statement_file(desk, shown, form, language)


def _statement_file(
    desk: Desk, shown: statements.Statement, form: statements.Form, language: Literal["zh", "en"]
) -> Download:
    content = statements.statement_file(desk.snapshot, shown, form, language)
    return _download(f"{shown.agreement_code}-{shown.quarter}", form, content)


def _journal(desk: Desk, parameters: Parameters) -> Download:
    code, through = given(parameters, "agreement"), Quarter.parse(given(parameters, "through"))
    form, language = _form(parameters, JOURNAL_FORMS), _language(parameters)
    found = agreements.agreement_by_code(desk.snapshot, code)
    journal = statements.agreement_journal(desk.snapshot, found.agreement_id, through)
    return _download(f"{code}-{through}", form, statements.journal_file(journal, form, language))


def _zone_statement(desk: Desk, parameters: Parameters) -> Download:
    code, quarter = given(parameters, "party"), Quarter.parse(given(parameters, "quarter"))
    form, language = _form(parameters, ZONE_FORMS), _language(parameters)
    known_at = moment_given(parameters, "knownAt")
    party = roster.party_by_code(desk.snapshot, code)
    shown = statements.zone_statement(desk.snapshot, party.party_id, quarter, known_at)
    return _download(f"{code}-{quarter}", form, statements.zone_file(shown, form, language))


def _form(parameters: Parameters, forms: Mapping[str, Form]) -> Form:
    return forms[_chosen(parameters, "format", tuple(forms))]


def _download(stem: str, form: statements.Form, content: bytes) -> Download:
    return Download(f"{stem}.{statements.ENDINGS[form]}", statements.MEDIA_TYPES[form], content)


def moment_given(parameters: Parameters, name: str) -> datetime | None:
    """The moment with its offset, or None where the parameter isn't there. Raises ``ParameterUnusable``."""
    if name not in parameters:
        return None
    written = given(parameters, name)
    try:
        return parse_moment(written)
    except MomentUnreadable:
        raise ParameterUnusable(name=name, expected="2024-07-01T08:00:00+08:00", got=written) from None


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


def saved(made: Download) -> Response:
    """The file, to be saved and never to be run by a browser."""
    disposition = f"attachment; filename*=UTF-8''{quote(made.name)}"
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    return Response(made.content, media_type=made.media_type, headers=headers)


def refusal(error: LedgerError) -> Response:
    """An expected failure as JSON: 404 for what isn't there, 413 for what is too large, 503 for a font."""
    status = 404 if isinstance(error, NotFound) else STATUS_BY_CODE.get(error.code, 400)
    return JSONResponse(extensions_of(error), status_code=status)
