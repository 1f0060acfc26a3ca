"""Arguments and options that several commands share, each described once."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Annotated

import typer

from ledger.periods import BEIJING, DayUnreadable, Quarter, parse_day, parse_moment
from ledger.rules.explanation import Language


def moment(text: str) -> datetime:
    """A moment in Beijing time unless it says otherwise; a day: its end. Raises ``MomentUnreadable``."""
    try:
        read = datetime.combine(parse_day(text), time.max, BEIJING)
    except DayUnreadable:
        read = parse_moment(text, BEIJING)
    return read.astimezone(UTC)


AgreementCode = Annotated[
    str, typer.Argument(metavar="CODE", help="The agreement's code, such as LIUSONG. 协议编号。")
]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="The reporting role, such as host. 填报角色。")]
QuarterArgument = Annotated[
    Quarter,
    typer.Argument(metavar="QUARTER", parser=Quarter.parse, help="The quarter, such as 2024Q4. 季度。"),
]
LanguageOption = Annotated[
    Language, typer.Option("--language", "-l", help="Chinese (zh) or English (en). 语言。")
]
KnownAt = Annotated[
    datetime | None,
    typer.Option(
        "--known-at",
        metavar="MOMENT",
        parser=moment,
        help="As known then: 2025-02-01 (its end) or 2025-02-01T18:00. 按当时所知（北京时间）。",
    ),
]
Through = Annotated[
    Quarter | None,
    typer.Option(
        "--through",
        metavar="QUARTER",
        parser=Quarter.parse,
        help="Up to this quarter, included. 截至季度（含）。",
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write to this file. 写入文件。"),
]
