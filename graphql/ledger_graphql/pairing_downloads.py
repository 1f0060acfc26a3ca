"""The review paper of a pairing over HTTP."""

from __future__ import annotations

from anyio import CapacityLimiter
from starlette.routing import Route

from ledger.desk import days, pairings, statements
from ledger.desk.pairings import Group, PairingForm
from ledger.periods import Quarter
from ledger.rules.explanation import Language
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.files import Download, Parameters, ParameterUnusable, given, sender

FORMS: dict[str, PairingForm] = {"xlsx": "xlsx", "pdf": "pdf"}
LANGUAGES: dict[str, Language] = {"zh": "zh", "en": "en"}


def routes(desk: OpenDesk, limiter: CapacityLimiter) -> list[Route]:
    """``/pairing?one=CODE&other=CODE&from=2024Q1&to=2024Q4&format=pdf&language=zh``, of two parties."""
    return [Route("/pairing", sender(desk, limiter, _pairing))]


def _pairing(desk: Desk, parameters: Parameters) -> Download:
    one, other = given(parameters, "one"), given(parameters, "other")
    first, last = Quarter.parse(given(parameters, "from")), Quarter.parse(given(parameters, "to"))
    written, language = parameters.get("format", "xlsx"), parameters.get("language", "zh")
    if written not in FORMS:
        raise ParameterUnusable(name="format", expected=", ".join(FORMS), got=written)
    if language not in LANGUAGES:
        raise ParameterUnusable(name="language", expected=", ".join(LANGUAGES), got=language)
    form, today = FORMS[written], days.today(desk.snapshot)
    found = pairings.pairing(desk.snapshot, Group("party", one), Group("party", other), first, last, today)
    content = pairings.pairing_file(desk.snapshot, found, form, LANGUAGES[language])
    return Download(f"{one}-{other}.{form}", statements.MEDIA_TYPES[form], content)
