"""A journal as files that hledger and beancount read, add up and check.

Both files say the same: an account for each account of the ledger, an entry for each of its entries on the
last day of the quarter in which it was booked, and after each close what every account must hold. An account
belongs to one book, so that books are never added up; ``!`` marks what isn't closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ledger.desk.settlements.journal import Account, AccountKind, Entry
from ledger.desk.statements.journals import BookedSettlement, Journal
from ledger.desk.statements.paper import NOT_CLOSED_MARK, Speaker
from ledger.measures import COMMODITY_BY_ID, YUAN
from ledger.money import Commodity, format_amount
from ledger.periods import Quarter
from ledger.rules.explanation import Language

ROOTS: Mapping[AccountKind, str] = {
    "source": "Equity",
    "due": "Assets",
    "accrued": "Assets",
    "fund": "Assets",
    "credited": "Assets",
}
ESCAPE = "码"


@dataclass(frozen=True, slots=True)
class _Transaction:
    day: date
    is_closed: bool
    title: str
    identifier: str
    postings: Sequence[tuple[Account, int]]


@dataclass(frozen=True, slots=True)
class _Held:
    """What accounts hold at the end of a day."""

    day: date
    quarter: Quarter
    balances: Sequence[tuple[Account, int]]


def hledger_file(journal: Journal, language: Language) -> bytes:
    """The journal for hledger; ``hledger check --strict`` accepts it."""
    return _text(_hledger_blocks(journal, Speaker(language)))


def beancount_file(journal: Journal, language: Language) -> bytes:
    """The journal for beancount; ``bean-check`` accepts it."""
    return _text(_beancount_blocks(journal, Speaker(language)))


def _hledger_blocks(journal: Journal, speaker: Speaker) -> Iterator[list[str]]:
    yield _heading(journal, speaker)
    # The format shows the decimal point even where there are no places.
    yield [
        f'commodity {format_amount(0, one.scale)}{"" if one.scale else "."} "{one.code}"'
        for one in _commodities(journal)
    ]
    yield [f"account {name}" for name in _names(journal)]
    for one in _steps(journal, speaker):
        if isinstance(one, _Held):
            yield [
                f"{one.day} * {_balances_title(one, speaker)}",
                *(
                    f"    {_name(account, journal)}  {_hledger(account, 0)} = {_hledger(account, held)}"
                    for account, held in one.balances
                ),
            ]
        else:
            yield [
                f"{one.day} {'*' if one.is_closed else '!'} {_without_comments(one.title)}",
                f"    ; identifier: {one.identifier}",
                *(
                    f"    {_name(account, journal)}  {_hledger(account, amount_minor)}"
                    for account, amount_minor in one.postings
                ),
            ]


def _beancount_blocks(journal: Journal, speaker: Speaker) -> Iterator[list[str]]:
    yield _heading(journal, speaker)
    yield [
        f'option "title" {_quoted(speaker.of(journal.title))}',
        f'option "operating_currency" "{YUAN.code}"',
    ]
    steps = list(_steps(journal, speaker))
    if steps:
        yield [f"{steps[0].day} open {name}" for name in _names(journal)]
    for one in steps:
        if isinstance(one, _Held):
            # Beancount compares what an account holds at the beginning of a day, and a tolerance of its own
            # would let a small difference pass.
            yield [
                f"{one.day + timedelta(days=1)} balance {_name(account, journal)}  "
                f"{_plain(account, held)} ~ 0 {_commodity(account).code}"
                for account, held in one.balances
            ]
        else:
            yield [
                f"{one.day} {'*' if one.is_closed else '!'} {_quoted(one.title)}",
                f'  identifier: "{one.identifier}"',
                *(
                    f"  {_name(account, journal)}  {_plain(account, amount_minor)} {_commodity(account).code}"
                    for account, amount_minor in one.postings
                ),
            ]


def _steps(journal: Journal, speaker: Speaker) -> Iterator[_Transaction | _Held]:
    """Entries and balances in the order in which they were booked."""
    held = dict(journal.opening)
    if held:
        first = journal.settlements[0]
        title = speaker.say(f"{first.quarter} 之前的余额", f"Balances before {first.quarter}")
        day = first.quarter.start - timedelta(days=1)
        yield _Transaction(day, True, f"{journal.agreement_code} {title}", first.identifier, _ordered(held))
    seen = set(held)
    for one in journal.settlements:
        for entry in one.entries:
            yield _transaction(journal, one, entry, speaker)
            seen |= {posting.account for posting in entry.postings}
        if one.balances is not None:
            now = {account: one.balances.get(account, 0) for account in seen.union(one.balances)}
            yield _Held(one.quarter.last_day, one.quarter, _ordered(now))


def _transaction(journal: Journal, settled: BookedSettlement, entry: Entry, speaker: Speaker) -> _Transaction:
    cause = settled.causes[entry.cause - 1]
    about = speaker.say(
        f"第{entry.clause}条 {entry.quarter}：{cause.title_zh}",
        f"clause {entry.clause}, {entry.quarter}: {cause.title_en}",
    )
    return _Transaction(
        day=settled.quarter.last_day,
        is_closed=settled.balances is not None,
        title=f"{journal.agreement_code} {settled.quarter} {about}",
        identifier=settled.identifier,
        postings=[(posting.account, posting.amount_minor) for posting in entry.postings],
    )


def _heading(journal: Journal, speaker: Speaker) -> list[str]:
    title = f"{journal.agreement_code} {speaker.of(journal.title)}"
    marks = [speaker.of(NOT_CLOSED_MARK)] if any(one.balances is None for one in journal.settlements) else []
    settled = [f"{one.quarter} {one.identifier}" for one in journal.settlements]
    return [f"; {line}" for line in [title, *marks, *settled]]


def _balances_title(held: _Held, speaker: Speaker) -> str:
    return speaker.say(f"{held.quarter} 关账后的余额", f"Balances after the close of {held.quarter}")


def _names(journal: Journal) -> Iterable[str]:
    """Each name once: a clause may hold several statistics in accounts of one name."""
    return dict.fromkeys(_name(account, journal) for account in journal.accounts)


def _name(account: Account, journal: Journal) -> str:
    parts = [
        ROOTS[account.kind],
        account.book.value.title(),
        f"A-{account_part(journal.agreement_code)}",
        f"Clause{account.clause}",
        account.kind.title(),
    ]
    if account.party_id is not None:
        parts.append(f"P-{account_part(journal.party_codes[account.party_id])}")
    return ":".join(parts)


def account_part(code: str) -> str:
    """A code as part of an account's name: beancount has letters, digits and hyphens there.

    Other characters become their number between two escapes, so that no two codes ever meet.
    """
    return "".join(one if _is_plain(one) else f"{ESCAPE}{ord(one):X}{ESCAPE}" for one in code)


def _is_plain(character: str) -> bool:
    return character == "-" or character.isdecimal() or (character.isalpha() and character != ESCAPE)


def _ordered(balances: Mapping[Account, int]) -> list[tuple[Account, int]]:
    return sorted(balances.items(), key=lambda one: (one[0].clause, one[0].book, one[0].account_id))


def _commodities(journal: Journal) -> list[Commodity]:
    used = {account.commodity_id for account in journal.accounts}
    return [COMMODITY_BY_ID[commodity_id] for commodity_id in sorted(used)]


def _commodity(account: Account) -> Commodity:
    return COMMODITY_BY_ID[account.commodity_id]


def _plain(account: Account, amount_minor: int) -> str:
    return format_amount(amount_minor, _commodity(account).scale)


def _hledger(account: Account, amount_minor: int) -> str:
    return f'{_plain(account, amount_minor)} "{_commodity(account).code}"'


def _without_comments(text: str) -> str:
    """hledger takes what follows a semicolon for a comment, in which it finds tags."""
    return text.replace(";", "；")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(blocks: Iterable[Sequence[str]]) -> bytes:
    return ("\n\n".join("\n".join(block) for block in blocks if block) + "\n").encode()
