"""The page of all failures, made from the code itself: ``python -m ledger_graphql.error_page`` prints it."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterable, Iterator

import ledger
import ledger_graphql
import ledger_schema
from ledger.desk.returns.faults import FAULT_KINDS
from ledger.errors import LedgerError
from ledger.rules.check.faults import SENTENCES
from ledger_graphql.failures import type_name_of

PACKAGES = (ledger, ledger_schema, ledger_graphql)

INTRODUCTION = """\
# Failures

Everything that can be refused, with its code and both sentences. This page is made by
`python -m ledger_graphql.error_page`; a test keeps it current.

A mutation (and the query `evaluateClause`) gives a failure as a member of its result union: the type below
when the union has it, else `Refused`. Any other query gives it as an error whose `extensions` hold `code`,
`messageZh` and `messageEn`; a download gives JSON with the same names. A request that can't be run has the
same `extensions`: `VALUE_UNREADABLE` for a scalar that isn't in its form, else `REQUEST_UNREADABLE`.
Whatever isn't expected is logged and masked as `UNEXPECTED_ERROR`.

## Which failure comes first

A refused request changes nothing. Of several reasons the first is given, in this order: the document (syntax,
limits, the form of scalars: errors of the request, nothing is run); whether the account may do it
(`NOT_FOUND` for what it names, or for the role in an agreement that it sees); the agreement that it names;
ids and the form of the input (something given twice, unreadable terms); the idempotency key (unusable, then
reused); and then what the change itself looks at. Amounts and periods in the lines of a return aren't looked
at before: their faults come with all others.

| change | in this order |
|---|---|
| `registerParty` | every fault of the input |
| `registerKey` | unknown party, every fault of the input, key registered already |
| `draftAgreement` | every fault of the input |
| `draftVersion` | other code or sides, terms that repeat a version |
| `proposeVersion` | unknown version, its state, every fault of its terms |
| `withdrawVersion` | unknown version, its state |
| `signVersion` | unknown version, its state, role unknown or not signing, signed already, key, signature |
| `bringIntoForce` | unknown version, its state, overtaken, signatures, faults of its terms, agreement ended |
| `submitEnterpriseList` | role unknown or not signing, every fault of every entry |
| `confirmEnterpriseList` | role unknown or not signing, unknown list, overtaken, confirmed already |
| `recordOccurrence` | every fault of the input, role unknown or not signing |
| `confirmOccurrence` | role unknown or not signing, unknown record, overtaken, confirmed already |
| `handInReturn` | nonce, unknown role, quarter, reports nothing, seal, every fault |
| `handInReturnFile` | the same, with an unreadable file after an unknown role |
| `commitReturn` | the commitment, unknown role, quarter, reports nothing, not sealed, open, repeated |
| `certifyReturn` | unknown return, other role, overtaken, certified already, booked before, maker |
| `attachDocument` | unknown document, the reference, unknown role or subject, too many |
| `explainDifference`, `withholdLine`, `openDispute` | every fault of the input, nothing compared, basis \
changed, unknown line, lines of several commodities, lines that agree, several lines of record, lines taken, \
unreadable figure, role, state |
| `writeMessage`, `proposeFigure`, `acceptOffer`, `releaseLine`, `escalateDispute`, `arbitrate` | every \
fault of the input, unknown item, item lapsed, unreadable figure, role, state, whose turn it is |
| `computeSettlement` | quarter not open, returns missing |
| `proposeSettlement` | unknown settlement, quarter not open, no longer fresh |
| `signSettlement` | unknown settlement, quarter not open, no longer fresh, not proposed, role unknown or \
not signing, signed already, key, signature |
| `closeQuarter` | unknown settlement, quarter not open, no longer fresh, signatures |
| `requestReopening` | every fault of the input, quarter not reopenable |
| `signReopening` | quarter not reopenable, unknown request, overtaken, role unknown or not signing, \
signed already, key, signature |
| `reopenQuarter` | quarter not reopenable, unknown request, overtaken, signatures |
| `registerVoucherProgramme` | every fault of its form, code taken, no terms in force, every fault against \
them, role unknown or not signing |
| `confirmVoucherProgramme` | unknown programme, role unknown or not signing, confirmed already |
| `increaseVoucherBudget` | every fault of the input, unknown programme, not in force on the day, no payer |
| `registerVoucherProvider`, `certifyVoucherProvider` | every fault of the input, unknown party, registered \
already, or unknown provider |
| `applyForVoucher` | every fault of the input, unknown programme, not in force, amount, not eligible |
| `issueVoucher` | every fault of the input, unknown application, amount and day, not in force, issued \
already, budget |
| `orderVoucherService` | every fault of the input, unknown voucher, unusable, not in force, unknown \
provider, not recognised |
| `claimVoucher` | every fault of the input, unknown order, voucher unusable, not in force, service not \
done, order exceeded, provider not recognised, evidence missing, evidence used |
| `auditVoucherClaim`, `recoverVoucher`, `endVoucher` | every fault of the input, unknown, state, amount |
| `clearVouchers` | the person's name, the quarter out of reach, clauses missing |
| `evaluateClause` | form of subjects and occurrences, faults of the terms, sizes, occurrences, figures |

## Codes
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, *(_section(kind) for kind in failures())]
    parts.append(
        "## Faults of a return\n\nMembers of `ReturnRefused.faults`; each has its place: "
        "sheet and cell, or a field of the input.\n"
    )
    parts += [_fault(code, kind.sentence_zh, kind.sentence_en) for code, kind in sorted(FAULT_KINDS.items())]
    parts.append(
        "## Faults of terms\n\nMembers of `TermsRefused.faults` and of `checkTerms`; each has its path.\n"
    )
    parts += [_fault(code, zh, en) for code, (en, zh) in sorted(SENTENCES.items())]
    return "\n".join(parts)


def failures() -> list[type[LedgerError]]:
    """Every expected failure of the product, by code."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    names = tuple(f"{package.__name__}." for package in PACKAGES)
    found = {kind.code: kind for kind in _below(LedgerError) if kind.__module__.startswith(names)}
    return [found[code] for code in sorted(found)]


def _below(kind: type[LedgerError]) -> Iterator[type[LedgerError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _section(kind: type[LedgerError]) -> str:
    return "\n".join(
        [
            f"### {kind.code}",
            "",
            f"`{type_name_of(kind.code)}`. {_first_paragraph(kind.__doc__ or '')}",
            "",
            f"- {kind.sentence_zh}",
            f"- {kind.sentence_en}",
            "",
        ]
    )


def _fault(code: str, sentence_zh: str, sentence_en: str) -> str:
    return f"### {code}\n\n- {sentence_zh}\n- {sentence_en}\n"


def _first_paragraph(documentation: str) -> str:
    return " ".join(_until_blank(documentation.strip().splitlines()))


def _until_blank(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if not line.strip():
            return
        yield line.strip()


if __name__ == "__main__":
    sys.stdout.write(page())
