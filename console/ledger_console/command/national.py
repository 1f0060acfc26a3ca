"""A quarter of every agreement at once: computed, told, and closed when asked."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from ledger.desk import agreements, national
from ledger.desk.acts import Act
from ledger.desk.agreements import SignaturesMissing
from ledger.desk.national import Closed, NationalRun, Progress, Stage
from ledger.periods import Quarter
from ledger.rules.explanation import Language
from ledger_console.command.opening import ledger
from ledger_console.command.options import LanguageOption, QuarterArgument
from ledger_console.command.output import show, show_table
from ledger_schema.sessions import Database

EXIT_PARTLY = 3
"""What could be done was done; some agreements are listed that it couldn't be done for."""

STAGE_NAMES: dict[Stage, tuple[str, str]] = {
    Stage.WORLDS: ("查看协议", "agreements looked at"),
    Stage.COMPILING: ("编译条款", "clauses compiled"),
    Stage.READING: ("读取明细", "lines read"),
    Stage.COMPUTING: ("计算", "rows computed"),
    Stage.ARRANGING: ("排序与分录", "allocations arranged"),
    Stage.STAGING: ("写入暂存", "slices staged"),
    Stage.BOOKING: ("入账", "settlements booked"),
    Stage.ONE_BY_ONE: ("逐份计算", "agreements computed one by one"),
    Stage.CLOSING: ("关账", "agreements closed"),
}
REASON_NAMES: dict[str, tuple[str, str]] = {
    "shared_party": ("同一主体担任多个角色", "one party has several roles"),
    "open_windows": ("修订前的分享期沿用原条款", "open windows keep their earlier terms"),
    "ended": ("条款已终止", "the terms have ended"),
    "first_quarter": ("首季包含更早季度的数据", "its first quarter covers earlier ones"),
    "correction": ("往季申报已更正", "a return of a closed quarter was corrected"),
    "reconciliation": ("双方申报须逐行对账", "its returns are compared line by line"),
    "enterprise_list": ("企业名单已换版", "another enterprise list was confirmed"),
    "occurrence": ("协议事件已确认", "an occurrence was confirmed"),
    "amendment": ("条款修订追溯往季", "new terms reach back"),
}
COUNT_HEADS = (("结果", "result"), ("协议数", "agreements"))
MISSING_HEADS = (("协议", "agreement"), ("缺申报角色", "role that hasn't handed in"))
REFUSED_HEADS = (("协议", "agreement"), ("条款", "clause"), ("原因", "reason"))
FAILED_HEADS = (("协议", "agreement"), ("错误", "failure"))
UNSIGNED_HEADS = (("待签署的协议", "agreement that waits for signatures"),)
SINGLE_HEADS = (("协议", "agreement"), ("逐份计算的原因", "why by itself"))


def quarter(
    quarter: QuarterArgument,
    close: Annotated[bool, typer.Option("--close", help="Then close each. 计算后逐份关账。")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Close without asking. 不再询问。")] = False,
    language: LanguageOption = "zh",
) -> None:
    """Compute a quarter of every agreement that has it open. 全国季度：一次计算所有未结该季度的协议。

    Ends with 0 when every agreement is done, with 3 when some are listed that weren't (a return is missing, a
    clause can't be computed in bulk, a settlement failed or waits for signatures); all the others are done
    then.
    全部完成时退出码为 0；列有未完成的（缺申报、条款不适用批量计算、结算失败、待签署）时为 3，其余均已完成。
    """
    act = Act(f"command/quarter/{quarter}/{secrets.token_hex(16)}", actor="command")
    with ledger() as database:
        with _progress(language) as report:
            run = national.compute_quarter(database, act, quarter, report).value
        _tell_run(database, run, language)
        closed = _close(database, act, run, language, yes=yes) if close and run.settlements else []
    if not _is_whole(run, closed):
        sys.exit(EXIT_PARTLY)


def _close(database: Database, act: Act, run: NationalRun, language: Language, *, yes: bool) -> list[Closed]:
    count = len(run.settlements)
    if not yes:
        typer.confirm(f"关账 {count} 份协议的 {run.quarter}？ Close {run.quarter} of {count}?", abort=True)
    with _progress(language) as report:
        closed = national.close_quarter(database, act, run, report)
    failed = [one for one in closed if one.failure is not None]
    unsigned = [one for one in failed if one.failure == SignaturesMissing.code]
    others = [one for one in failed if one not in unsigned]
    show(
        f"\n已关账 {len(closed) - len(failed)} 份，未关账 {len(failed)} 份"
        if language == "zh"
        else f"\nClosed: {len(closed) - len(failed)}. Not closed: {len(failed)}"
    )
    codes = _codes(database, [one.agreement_id for one in failed])
    _show_listed(UNSIGNED_HEADS, [[codes[one.agreement_id]] for one in unsigned], language)
    _show_listed(FAILED_HEADS, [[codes[one.agreement_id], one.failure or ""] for one in others], language)
    return closed


def _is_whole(run: NationalRun, closed: Sequence[Closed]) -> bool:
    failures = [one.failure for one in run.one_by_one] + [one.failure for one in closed]
    return not (run.missing or run.refused or any(failures))


# --- telling ----------------------------------------------------------------------------------------------


def _tell_run(database: Database, run: NationalRun, language: Language) -> None:
    failed = [one for one in run.one_by_one if one.failure is not None]
    single = [one for one in run.one_by_one if one.failure is None]
    show(f"{run.quarter.name_zh}全国季度" if language == "zh" else f"National quarter {run.quarter}")
    counts = (
        ("批量计算", "computed in bulk", len(run.computed)),
        ("此前已计算且未变", "computed before, unchanged", len(run.unchanged)),
        ("逐份计算", "computed one by one", len(single)),
        ("计算失败", "failed", len(failed)),
        ("缺申报", "returns missing", _agreement_count(run.missing)),
        ("条款不适用批量计算", "clauses that can't be computed in bulk", _agreement_count(run.refused)),
    )
    index = 0 if language == "zh" else 1
    show_table(
        COUNT_HEADS, [[(zh, en)[index], f"{count:,}"] for zh, en, count in counts], language, right={1}
    )
    if not any(count for _, _, count in counts):
        show(_nothing_open(run.quarter, language))
    listed = {one.agreement_id for one in run.one_by_one}
    listed |= {one.agreement_id for one in run.missing} | {one.agreement_id for one in run.refused}
    codes = _codes(database, listed)
    _show_listed(
        SINGLE_HEADS,
        [[codes[one.agreement_id], _reasons(one.reasons, index)] for one in single],
        language,
    )
    _show_listed(FAILED_HEADS, [[codes[one.agreement_id], one.failure or ""] for one in failed], language)
    _show_listed(MISSING_HEADS, [[codes[one.agreement_id], one.role] for one in run.missing], language)
    _show_listed(
        REFUSED_HEADS,
        [
            [codes[one.agreement_id], str(one.clause), (one.reason_zh, one.reason_en)[index]]
            for one in run.refused
        ],
        language,
    )


def _show_listed(heads: Sequence[tuple[str, str]], rows: list[list[str]], language: Language) -> None:
    if rows:
        show("")
        show_table(heads, sorted(rows), language)


def _nothing_open(quarter: Quarter, language: Language) -> str:
    if language == "zh":
        return f"没有协议的未结季度为 {quarter}，无需计算。"
    return f"No agreement has {quarter} open; there is nothing to do."


def _reasons(reasons: Iterable[str], index: int) -> str:
    return ("；", "; ")[index].join(REASON_NAMES[reason][index] for reason in reasons)


def _agreement_count(listed: Iterable[national.ReturnMissing | national.ClauseOutside]) -> int:
    return len({one.agreement_id for one in listed})


def _codes(database: Database, agreement_ids: Iterable[int]) -> dict[int, str]:
    """Only of agreements that are listed by name: a nation of those that are done is just counted."""
    with database.reading() as connection:
        return {
            agreement_id: agreements.agreement(connection, agreement_id).code
            for agreement_id in set(agreement_ids)
        }


@contextmanager
def _progress(language: Language) -> Iterator[Callable[[Progress], None]]:
    """On a terminal, a line that says how far it is; elsewhere nothing."""
    index = 0 if language == "zh" else 1
    with Console(stderr=True).status("…") as status:
        yield lambda done: status.update(f"{STAGE_NAMES[done.stage][index]} {done.count:,}")
