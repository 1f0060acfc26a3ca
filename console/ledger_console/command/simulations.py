"""A draft run over past quarters beside the terms in force; nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.desk import agreements, simulation
from ledger.periods import Quarter
from ledger.rules.check import read_terms
from ledger_console.command.opening import ledger
from ledger_console.command.options import AgreementCode, LanguageOption, OutputFile
from ledger_console.command.output import deliver, read_bytes


def simulate(
    code: AgreementCode,
    terms: Annotated[Path, typer.Argument(metavar="TERMS.json", help="The draft. 条款草案文件。")],
    first: Annotated[
        Quarter,
        typer.Option(
            "--first",
            metavar="QUARTER",
            parser=Quarter.parse,
            help="The quarter from which the draft is taken to be in force. 假定草案生效的季度。",
        ),
    ],
    last: Annotated[
        Quarter,
        typer.Option("--last", metavar="QUARTER", parser=Quarter.parse, help="The last one. 截止季度。"),
    ],
    language: LanguageOption = "zh",
    output: OutputFile = None,
) -> None:
    """Run a draft over past quarters beside the terms in force. 草案试算：与现行条款逐季对照。"""
    draft = read_terms(read_bytes(terms))
    with ledger() as database, database.reading() as connection:
        agreement_id = agreements.agreement_by_code(connection, code).agreement_id
        made = simulation.simulate(connection, agreement_id, draft, first, last)
        text = simulation.render_simulation(made, language)
    deliver(text.encode(), output)
