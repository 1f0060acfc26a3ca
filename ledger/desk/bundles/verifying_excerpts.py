"""Checking an excerpt with no database and no network: salted paths, places in the log, signatures."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.desk.bundles.materials import Agreed, verified_terms
from ledger.desk.bundles.sealed import SealedEvent, SealedEvents, Trust, about, require_same, whole
from ledger.desk.bundles.under_log import keys_said, verify_log
from ledger.desk.returns.salting import records_of_lines
from ledger.desk.salting import LINES_SALTED, SETTLEMENT_SALTED
from ledger.desk.settlements.reading import Allocation
from ledger.desk.settlements.recording import records_of
from ledger.evidence.bundles import BundledAllocation, ReturnedLine
from ledger.evidence.excerpts import Excerpt, Place, ShownReturn
from ledger.evidence.salted import LINES_FORM, SHARES_FORM, lines_by_subject, share_content, verify_shown
from ledger.measures import COMMODITIES
from ledger.periods import Quarter, Span
from ledger.rules.facts import Line
from ledger.rules.fields import Bilingual
from ledger.rules.terms import Book

COMMODITY_IDS = {one.code: one.commodity_id for one in COMMODITIES}
NOT_PROVEN = Bilingual(
    zh="摘录不证明：分配是按条款从数据算出的、各方签署了结算（均由结算包证明）；没有其他申报或叶子提及该企业；"
    "该季度此后未重新打开；数据本身属实",
    en="An excerpt doesn't prove: that the terms give these allocations of the figures, and that the sides "
    "signed them (a bundle does); that no other return or leaf names the enterprise; that the quarter wasn't "
    "reopened later; that a figure is true",
)


def verify_excerpt(excerpt: Excerpt, trust: Trust) -> Iterator[Bilingual]:
    """Says of one check after the other what it found to be right, and what an excerpt doesn't prove.

    Raises ``BundleWrong`` for the first that isn't, with the place in the excerpt where it shows.
    """
    with about("excerpt"):
        events, agreed, keys = yield from verify_log(excerpt, trust)
        close = events.only("settlement", SETTLEMENT_SALTED, settlement=excerpt.settlement)
        yield _close_said(close, agreed)
        before = events.before(close.leaf)
        require_same("terms", close.data["versions"], [given.version for given in excerpt.terms])
        verified_terms(excerpt, before, agreed, keys)
        _verify_share(excerpt, close, agreed)
        yield _share_said(excerpt)
        for place, given in enumerate(excerpt.returns):
            yield _return_said(_verify_return(f"returns[{place}]", excerpt, given, before), given, close)
        _require_shown(excerpt, events)
        yield keys_said(agreed, trust)
        yield NOT_PROVEN


# --- the enterprise's part of the settlement --------------------------------------------------------------


def _verify_share(excerpt: Excerpt, close: SealedEvent, agreed: Agreed) -> None:
    numbers = {code: number for number, code in agreed.party_codes.items()}
    with about("share"):
        listed = [_allocation(one, excerpt.subject, numbers) for one in excerpt.share.allocations]
        records = records_of(listed).tobytes()
        content = share_content(whole(excerpt.subject), excerpt.credit_code, records)
        _verify_place(SHARES_FORM, content, excerpt.share.place, close)


def _allocation(one: BundledAllocation, subject: str, numbers: dict[str, int]) -> Allocation:
    require_same("share.allocations subject", subject, one.subject)
    return Allocation(
        cause=one.cause,
        clause=one.clause,
        subject_id=whole(one.subject),
        quarter=Quarter.parse(one.quarter),
        book=Book(one.book),
        commodity_id=COMMODITY_IDS[one.commodity],
        party_id=numbers[one.party],
        amount_minor=whole(one.amount_minor),
        routed_minor=whole(one.routed_minor),
    )


# --- its lines --------------------------------------------------------------------------------------------


def _verify_return(path: str, excerpt: Excerpt, given: ShownReturn, before: SealedEvents) -> SealedEvent:
    salted = before.only(path, LINES_SALTED, filing=given.filing)
    with about(path):
        parts = lines_by_subject(records_of_lines([_line(one, excerpt.subject) for one in given.lines]))
        require_same(f"{path}.lines (count)", 1, len(parts.contents))
        _verify_place(LINES_FORM, parts.contents[0], given.place, salted)
    return salted


def _line(one: ReturnedLine, subject: str) -> Line:
    require_same("lines subject", subject, one.subject)
    return Line(
        subject=whole(one.subject),
        measure=one.measure,
        span=Span.parse(one.span),
        amount_minor=whole(one.amount_minor),
        document=one.document,
    )


def _verify_place(form: str, content: bytes, place: Place, salted: SealedEvent) -> None:
    require_same(f"{salted.path} form", form, salted.data["form"])
    root = bytes.fromhex(salted.data["root"])
    verify_shown(form, content, place.shown(), salted.data["subject_count"], root)


def _require_shown(excerpt: Excerpt, events: SealedEvents) -> None:
    """Every return whose tree is named is shown, once and by number."""
    with about("returns"):
        named = sorted(whole(one.data["filing"]) for one in events.all(LINES_SALTED))
        require_same("returns", named, [whole(given.filing) for given in excerpt.returns])


# --- what is said -----------------------------------------------------------------------------------------


def _close_said(close: SealedEvent, agreed: Agreed) -> Bilingual:
    quarter, settlement = Quarter.parse(close.data["quarter"]), close.data["settlement"]
    return Bilingual(
        zh=f"协议 {agreed.code}，{quarter.name_zh}，结算 {settlement}：已关账",
        en=f"Agreement {agreed.code}, {quarter}, settlement {settlement}: closed",
    )


def _share_said(excerpt: Excerpt) -> Bilingual:
    count = len(excerpt.share.allocations)
    return Bilingual(
        zh=f"企业 {excerpt.credit_code}：{count} 笔分配，为该企业叶子的全部内容",
        en=f"Enterprise {excerpt.credit_code}: {count} allocations, the whole leaf",
    )


def _return_said(salted: SealedEvent, given: ShownReturn, close: SealedEvent) -> Bilingual:
    role, quarter, sequence = (salted.data[name] for name in ("role", "quarter", "sequence"))
    counts = given.filing in close.data["filings"]
    zh, en = ("计入结算", "counted") if counts else ("未计入结算", "not counted")
    return Bilingual(
        zh=f"{role} {quarter} 第 {sequence} 次申报（{zh}）：{len(given.lines)} 行，为该企业叶子的全部内容",
        en=f"Return {sequence} of {role} for {quarter} ({en}): {len(given.lines)} lines, the whole leaf",
    )
