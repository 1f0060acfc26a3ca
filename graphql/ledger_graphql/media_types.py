"""Which of its two media types a GraphQL answer has, as the request accepts them."""

from __future__ import annotations

from ledger.errors import LedgerError

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"


class AnswerTypeUnacceptable(LedgerError):
    """The request accepts neither media type that an answer has."""

    code = "ANSWER_TYPE_UNACCEPTABLE"
    sentence_en = f"Expected Accept to have {GRAPHQL_JSON} or {JSON}, but got {{got!r}}."
    sentence_zh = f"Accept 应含 {GRAPHQL_JSON} 或 {JSON}，实际为 {{got!r}}。"


def answer_type(accept: str | None) -> str:
    """The media type that is accepted most; of equals, and where nothing is said, plain JSON for old clients.

    Raises ``AnswerTypeUnacceptable``.
    """
    ranges = _ranges(accept or "*/*")
    named = GRAPHQL_JSON if GRAPHQL_JSON in ranges else JSON
    best = max((JSON, GRAPHQL_JSON), key=lambda one: (_quality(one, ranges), one == named))
    if not _quality(best, ranges):
        raise AnswerTypeUnacceptable(got=(accept or "")[:200])
    return best


def _ranges(accept: str) -> dict[str, float]:
    ranges: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (word.strip().lower() for word in part.split(";"))
        ranges[name] = _written_quality(parameters)
    return ranges


def _written_quality(parameters: list[str]) -> float:
    written = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return min(max(float(written), 0.0), 1.0)
    except ValueError:
        return 0.0


def _quality(media_type: str, ranges: dict[str, float]) -> float:
    """The quality of the narrowest range that the type is in."""
    return next((ranges[one] for one in (media_type, "application/*", "*/*") if one in ranges), 0.0)
