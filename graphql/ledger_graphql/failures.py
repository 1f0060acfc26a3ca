"""Expected failures as types of the schema, and the one table that says which failure becomes which type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import strawberry

from ledger.desk.failures import RequestRefused
from ledger.desk.returns import faults as return_faults
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger.rules.facts import Fault as TermsFault


@strawberry.interface(
    description="An expected failure: nothing was changed. What it means for the client is its type "
    "and its code "
    "(docs/errors.md lists all of them); what it means for people is its sentence."
)
class Failure:
    code: str = strawberry.field(description="Stable code in capitals, such as NOT_FOUND.")
    message_zh: str = strawberry.field(description="What was expected, what came, what to do, in Chinese.")
    message_en: str = strawberry.field(description="What was expected, what came, what to do, in English.")


@strawberry.type(description="One thing that is wrong with a document or request.")
class Fault:
    path: str = strawberry.field(
        description='Where: the field of the input, such as "entries[0].creditCode"; in terms a JSON path '
        'such as "$.clauses[0].to_whom"; empty when it is about the whole request.'
    )
    code: str = strawberry.field(description="Stable code in capitals.")
    message_zh: str = strawberry.field(description="What is wrong, in Chinese.")
    message_en: str = strawberry.field(description="What is wrong, in English.")


@strawberry.type(
    description="One thing that is wrong with a return that was handed in, as a file or as lines."
)
class ReturnFault:
    place: str | None = strawberry.field(
        description='Where: "明细!C7" in a workbook, "C7" in a CSV file, "lines[0].measure" among lines; '
        "null when it is about the whole return."
    )
    sheet: str | None = strawberry.field(description="Sheet of the workbook; null for CSV and for lines.")
    cell: str | None = strawberry.field(
        description='Cell such as "C7", or the field of the input such as "lines[0].measure"; null when '
        "it is about a whole sheet or return."
    )
    code: str = strawberry.field(description="Stable code in capitals.")
    expected: str = strawberry.field(description="What should have been there.")
    got: str = strawberry.field(description="What was there.")
    message_zh: str = strawberry.field(description="What is wrong, in Chinese.")
    message_en: str = strawberry.field(description="What is wrong, in English.")


@strawberry.type(description="A return that wasn't handed in.")
class MissingReturn:
    role: str = strawberry.field(description="The role that reports.")
    quarter: Quarter = strawberry.field(description="The quarter that it is about.")


@strawberry.type(description="The idempotency key was used before, for another request. Use a new key.")
class IdempotencyKeyReused(Failure):
    pass


@strawberry.type(description="Values of the request can't be used. All faults are listed.")
class InvalidInput(Failure):
    faults: list[Fault] = strawberry.field(description="Every fault; a path is of the input object's field.")


@strawberry.type(
    description="Terms that can't be read, contradict themselves, or whose worked examples don't come out."
)
class TermsRefused(Failure):
    faults: list[Fault] = strawberry.field(description="Every fault, with its path in the terms.")


@strawberry.type(description="A return, file or lines, that was refused as a whole; no trace of it is kept.")
class ReturnRefused(Failure):
    fault_count: int = strawberry.field(description="How many faults there are in all.")
    faults: list[ReturnFault] = strawberry.field(
        description="The faults, in the order in which they were found; at most 1,000."
    )


@strawberry.type(description="Nothing of that kind bears that name, or the asker may not know that it does.")
class NotFound(Failure):
    kind: str = strawberry.field(description='What was looked for, such as "agreement".')
    name: str = strawberry.field(description="The name under which it was looked for.")


@strawberry.type(description="The act isn't possible in the state that the object is in.")
class WrongState(Failure):
    pass


@strawberry.type(
    description="The role may not sign, the key isn't its party's, or the signature isn't of these bytes."
)
class SignatureRefused(Failure):
    pass


@strawberry.type(description="Not every role that signs has signed.")
class NotSigned(Failure):
    pass


@strawberry.type(description="The quarter isn't the open one, or is out of the agreement's reach.")
class QuarterNotOpen(Failure):
    pass


@strawberry.type(
    description="Roles that report haven't handed in the quarter's return. Nil returns count as handed in."
)
class ReturnsMissing(Failure):
    missing: list[MissingReturn] = strawberry.field(description="Every return that is missing.")


@strawberry.type(
    description="What the settlement rests on has changed since it was computed. Compute it again."
)
class StaleSettlement(Failure):
    pass


@strawberry.type(description="Any other expected failure. Its code and sentences say which.")
class Refused(Failure):
    pass


@dataclass(frozen=True, slots=True)
class Rule:
    """The failures with these ``codes`` become what ``build`` makes of them."""

    kind: type[Failure]
    codes: frozenset[str]
    build: Callable[[LedgerError], Failure]


def _plain(kind: type[Failure], *codes: str) -> Rule:
    return Rule(kind, frozenset(codes), lambda error: kind(**_said(error)))


def extensions_of(error: LedgerError) -> dict[str, str]:
    """What an error outside of a result union says: its code and both sentences."""
    return {"code": error.code, "messageZh": error.message_zh, "messageEn": error.message_en}


def input_path(path: str) -> str:
    """The desk's ``path`` of a fault in the names that the API's inputs have.

    Inside a document of terms the names are the document's own.
    """
    if path.startswith("terms."):
        return path
    return _NAME.sub(lambda name: _INPUT_NAMES.get(name[0]) or _camel_case(name[0]), path)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _said(error: LedgerError) -> dict[str, Any]:
    return {"code": error.code, "message_zh": error.message_zh, "message_en": error.message_en}


def _invalid_input(error: LedgerError) -> Failure:
    if isinstance(error, RequestRefused):
        error = RequestRefused([replace(fault, path=input_path(fault.path)) for fault in error.faults])
    return InvalidInput(faults=_faults(error), **_said(error))


def _faults(error: LedgerError) -> list[Fault]:
    faults = getattr(error, "faults", None)
    if faults is None:
        return [Fault(path="", **_said(error))]
    return faults_of_terms(faults)


def faults_of_terms(faults: Iterable[TermsFault]) -> list[Fault]:
    """Faults of a document or an input, as the API shows them."""
    return [
        Fault(path=fault.path, code=fault.code, message_zh=fault.message_zh, message_en=fault.message_en)
        for fault in faults
    ]


def _return_refused(error: LedgerError) -> Failure:
    if not isinstance(error, return_faults.ReturnRefused):
        return refused(error)
    named = return_faults.ReturnRefused(
        [replace(fault, place=_input_place(fault.place)) for fault in error.faults], error.fault_count
    )
    faults = [_return_fault(fault) for fault in named.faults]
    return ReturnRefused(fault_count=named.fault_count, faults=faults, **_said(named))


def _input_place(place: return_faults.Place) -> return_faults.Place:
    return place if place.sheet else place._replace(cell=input_path(place.cell))


def _return_fault(fault: return_faults.ReturnFault) -> ReturnFault:
    return ReturnFault(
        place=str(fault.place) or None,
        sheet=fault.place.sheet or None,
        cell=fault.place.cell or None,
        code=fault.code,
        expected=fault.expected,
        got=fault.got,
        message_zh=fault.message_zh,
        message_en=fault.message_en,
    )


def _not_found(error: LedgerError) -> Failure:
    return NotFound(kind=str(error.fields["kind"]), name=str(error.fields["name"]), **_said(error))


def _returns_missing(error: LedgerError) -> Failure:
    missing = [MissingReturn(role=role, quarter=quarter) for quarter, role in getattr(error, "missing", ())]
    return ReturnsMissing(missing=missing, **_said(error))


_NAME = re.compile(r"[a-z]+(?:_[a-z]+)*")
_INPUT_NAMES = {
    "sides": "parties",
    "party_code": "party",
    "pre_move_tax_minor": "preMoveTax",
    "base_year_amount_minor": "baseYearAmount",
}
"""Where an input calls a field something else than the desk does."""

UNREADABLE = (
    "AMOUNT_UNREADABLE",
    "SHARE_UNREADABLE",
    "PERIOD_UNREADABLE",
    "ID_UNREADABLE",
    "CURSOR_UNREADABLE",
    "LIMIT_UNUSABLE",
    "RANGE_EMPTY",
    "NOT_CANONICAL",
    "IDEMPOTENCY_KEY_UNUSABLE",
    "REQUEST_REFUSED",
    "NOTE_UNREADABLE",
)

RULES: tuple[Rule, ...] = (
    Rule(InvalidInput, frozenset(UNREADABLE), _invalid_input),
    Rule(
        TermsRefused,
        frozenset({"TERMS_REFUSED"}),
        lambda error: TermsRefused(faults=_faults(error), **_said(error)),
    ),
    Rule(ReturnRefused, frozenset({"RETURN_REFUSED"}), _return_refused),
    _plain(IdempotencyKeyReused, "IDEMPOTENCY_KEY_REUSED"),
    Rule(NotFound, frozenset({"NOT_FOUND", "QUARTER_NOT_CLOSED"}), _not_found),
    _plain(
        WrongState,
        "VERSION_STATE",
        "SETTLEMENT_NOT_PROPOSED",
        "SETTLEMENT_NOT_CLOSED",
        "NOT_SALTED",
        "ENTERPRISE_NOT_IN_SETTLEMENT",
        "QUARTER_NOT_REOPENABLE",
        "REOPENING_OVERTAKEN",
        "VERSION_OVERTAKEN",
        "TERMS_REPEATED",
        "AGREEMENT_ENDED",
        "LIST_OVERTAKEN",
        "LIST_ALREADY_CONFIRMED",
        "OCCURRENCE_OVERTAKEN",
        "OCCURRENCE_ALREADY_CONFIRMED",
        "COMMITMENT_SETTLED",
        "RESOURCE_REPEATED",
        "RESOURCE_WITHDRAWN",
        "RESOURCE_TAKEN",
        "BOOKING_SETTLED",
        "BOOKING_OVER",
        "REVIEW_CLOSED",
        "REVIEW_UNANSWERED",
        "ANSWER_UNASKED",
        "COMMITMENT_OVERTAKEN",
        "COMMITMENT_ALREADY_CONFIRMED",
        "RETURN_OVERTAKEN",
        "RETURN_ALREADY_CERTIFIED",
        "RETURN_BOOKED_BEFORE",
        "FIGURES_OPEN",
        "COMMITMENT_REPEATED",
        "KEY_ALREADY_REGISTERED",
        "BASIS_CHANGED",
        "LINES_AGREE",
        "LINES_TAKEN",
        "ITEM_LAPSED",
        "STEP_OUT_OF_STATE",
        "OFFER_OVERTAKEN",
        "NOT_YOUR_TURN",
        "ARBITER_MISSING",
        "PAYMENT_LINE_KNOWN",
        "LEG_UNSUITED",
        "MORE_THAN_OPEN",
        "MORE_THAN_PAID",
        "NOT_THE_PAYEE",
        "NO_INTEREST_DUE",
        "NOTHING_TO_NET",
        "NETTING_STALE",
        "NETTING_SIGNED",
        "NOT_OF_LEG",
        "NOTHING_OPEN",
        "OBJECTION_STANDS",
        "NO_OBJECTION",
        "PROGRAMME_NOT_IN_FORCE",
        "PROGRAMME_CONFIRMED",
        "VOUCHER_NAME_TAKEN",
        "VOUCHER_BUDGET_SHORT",
        "VOUCHER_UNUSABLE",
        "EVIDENCE_USED",
        "ORDER_EXCEEDED",
        "SERVICE_NOT_DONE",
        "SERVICE_DONE",
        "CLAIM_STATE",
        "CLAIMS_WAITING",
        "MORE_THAN_APPROVED",
        "CLEARING_NOT_AGREED",
    ),
    _plain(QuarterNotOpen, "QUARTER_NOT_OPEN", "NO_OPEN_QUARTER", "QUARTER_OUT_OF_REACH"),
    _plain(
        SignatureRefused,
        "ROLE_DOES_NOT_SIGN",
        "ALREADY_SIGNED",
        "KEY_NOT_REGISTERED",
        "SIGNATURE_WRONG",
        "NOTE_NOT_SIGNED",
        "ACT_SIGNATURE_WRONG",
        "NOT_OF_NETTING",
    ),
    _plain(NotSigned, "SIGNATURES_MISSING"),
    Rule(ReturnsMissing, frozenset({"RETURNS_MISSING"}), _returns_missing),
    _plain(StaleSettlement, "SETTLEMENT_STALE"),
)
"""Which type stands for which codes. In what order the checks are made is told in docs/errors.md."""

RULE_BY_CODE = {code: rule for rule in RULES for code in rule.codes}


def failure_from(error: LedgerError) -> Failure:
    """The failure that stands for ``error``; ``Refused`` where no other type is meant for it."""
    rule = RULE_BY_CODE.get(error.code)
    return refused(error) if rule is None else rule.build(error)


def refused(error: LedgerError) -> Refused:
    """``error`` with nothing but its code and sentences."""
    return Refused(**_said(error))


def type_name_of(code: str) -> str:
    """The name of the type that failures with this code have."""
    rule = RULE_BY_CODE.get(code)
    return Refused.__name__ if rule is None else rule.kind.__name__
