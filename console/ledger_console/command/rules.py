"""The rule language on plain files: no database, no server, nothing is stored."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from ledger.desk import simulation
from ledger.measures import MEASURE_BY_NAME
from ledger.money import format_amount
from ledger.periods import Quarter
from ledger.rules import plain, reference, templates
from ledger.rules.check import everything_before, read_terms
from ledger.rules.document import json_schema_text, normalise
from ledger.rules.explanation import BOOK_NAMES, Language, render
from ledger.rules.facts import Version
from ledger.rules.fields import Bilingual
from ledger.rules.terms import (
    WHOLE_PARK,
    Book,
    Grain,
    Scope,
    Terms,
)
from ledger.rules.text import agreement_text
from ledger_console.command.failures import EnterpriseUnknown
from ledger_console.command.figures import Figures, read_enterprises, read_figures, read_occurrences
from ledger_console.command.options import LanguageOption, OutputFile, Through
from ledger_console.command.output import deliver, read_bytes, show, show_table
from ledger_console.command.starting import start_terms

RESULT_HEADS = (
    ("条款", "clause"),
    ("季度", "quarter"),
    ("对象", "subject"),
    ("账簿", "book"),
    ("角色", "role"),
    ("数额", "amount"),
    ("其中入基金", "of it to the fund"),
    ("单位", "unit"),
)

rules = typer.Typer(
    no_args_is_help=True,
    help="Check, read and try terms on plain files; no database. 直接检查、阅读和试算条款，不用数据库。",
)

TermsFile = Annotated[Path, typer.Argument(metavar="TERMS.json", help="A document of terms. 条款文件。")]
FiguresFile = Annotated[
    Path,
    typer.Argument(
        metavar="FIGURES", help="CSV or XLSX with the headers of a return (所属期, 指标, 金额…). 数据文件。"
    ),
]
Amendments = Annotated[
    list[Path] | None,
    typer.Option(
        "--amended-by",
        metavar="TERMS.json",
        help="A later version of the terms, in force from its own quarter; repeatable, in that order. "
        "后续版本，自其生效季度起适用，可依次重复。",
    ),
]
EnterprisesFile = Annotated[
    Path | None,
    typer.Option(
        "--enterprises", metavar="FILE.json", help="Attributes by credit code. 企业属性，按信用代码。"
    ),
]

Occurrences = Annotated[
    list[str] | None,
    typer.Option(
        "--occurrences",
        metavar="NAME=DAY",
        help="What has happened to the agreement, such as aid_fund_paid_in=2024-07-15; repeatable. "
        "协议事件及日期，可重复。",
    ),
]


@rules.command("check")
def check_terms(terms: TermsFile) -> None:
    """Check terms; every fault is listed with its JSON path. 检查条款，逐条列出问题及 JSON 路径。"""
    read = read_terms(read_bytes(terms))
    examples = sum(len(clause.examples) for clause in read.clauses)
    show(f"条款无误：{len(read.clauses)} 条，{examples} 个示例全部通过。")
    clauses = "1 clause" if len(read.clauses) == 1 else f"{len(read.clauses)} clauses"
    passing = "1 worked example passes" if examples == 1 else f"{examples} worked examples pass"
    show(f"The terms are sound: {clauses}, {passing}.")


@rules.command("text")
def print_text(terms: TermsFile, language: LanguageOption = "zh", output: OutputFile = None) -> None:
    """Print terms as an agreement that people can read. 将条款打印为可读的协议文本。"""
    deliver(agreement_text(read_terms(read_bytes(terms)), language, {}).encode(), output)


@rules.command("run")
def run(
    terms: TermsFile,
    figures: FiguresFile,
    amended_by: Amendments = None,
    through: Through = None,
    enterprises: EnterprisesFile = None,
    occurrences: Occurrences = None,
    by_subject: Annotated[
        bool, typer.Option("--by-subject", help="One row for each enterprise. 按企业分列。")
    ] = False,
    language: LanguageOption = "zh",
    format: Annotated[Literal["text", "csv"], typer.Option("--format", help="格式。")] = "text",
    output: OutputFile = None,
) -> None:
    """Compute what terms make of figures. 试算：按条款、季度和角色列出金额。"""
    versions = _versions(terms, amended_by)
    known = _figures(_all_clauses(versions), figures, enterprises, occurrences)
    rows = _results(versions, known, through or known.last_quarter, language, by_subject=by_subject)
    if format == "csv":
        deliver(_csv(rows, language), output)
    else:
        show_table(RESULT_HEADS, rows, language, right={5, 6})


@rules.command("simulate")
def simulate(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT.json", help="The draft. 条款草案文件。")],
    figures: FiguresFile,
    beside: Annotated[
        Path,
        typer.Option("--beside", metavar="IN_FORCE.json", help="The terms in force. 现行条款文件。"),
    ],
    first: Annotated[
        Quarter | None,
        typer.Option(
            "--first",
            metavar="QUARTER",
            parser=Quarter.parse,
            help="Draft in force from. 假定草案生效的季度。",
        ),
    ] = None,
    last: Annotated[
        Quarter | None,
        typer.Option("--last", metavar="QUARTER", parser=Quarter.parse, help="The last one. 截止季度。"),
    ] = None,
    enterprises: EnterprisesFile = None,
    occurrences: Occurrences = None,
    language: LanguageOption = "zh",
    output: OutputFile = None,
) -> None:
    """Compare a draft with the terms in force on a file of figures. 草案试算：与现行条款逐季对照。"""
    in_force = read_terms(read_bytes(beside))
    read = read_terms(read_bytes(draft), in_force)
    known = _figures(read, figures, enterprises, occurrences)
    since = first or Quarter.parse(in_force.in_force_from)
    made = simulation.simulate_figures(in_force, read, known.facts, since, last or known.last_quarter)
    deliver(simulation.render_simulation(made, language).encode(), output)


@rules.command("explain")
def explain(
    terms: TermsFile,
    figures: FiguresFile,
    clause: Annotated[int, typer.Option("--clause", min=1, help="The clause's number. 条款号。")],
    quarter: Annotated[
        Quarter,
        typer.Option("--quarter", metavar="QUARTER", parser=Quarter.parse, help="Such as 2024Q4. 季度。"),
    ],
    amended_by: Amendments = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="CREDIT_CODE", help="One enterprise. 企业信用代码。")
    ] = None,
    enterprises: EnterprisesFile = None,
    occurrences: Occurrences = None,
    language: LanguageOption = "zh",
) -> None:
    """Explain step by step what terms make of figures. 逐步说明试算结果如何得出。"""
    versions = _versions(terms, amended_by)
    every = _all_clauses(versions)
    known = _figures(every, figures, enterprises, occurrences)
    for number in _explained(every, known, clause, subject):
        if number != WHOLE_PARK:
            show(known.name(number))
        made = plain.explain(versions, known.facts, max(quarter, known.last_quarter), clause, number, quarter)
        show(render(made, language) + "\n")


rules.command("start")(start_terms)


@rules.command("schema")
def schema(output: OutputFile = None) -> None:
    """Print the JSON Schema of a document of terms. 打印条款文件的 JSON Schema。"""
    deliver(json_schema_text().encode(), output)


@rules.command("fields")
def fields(output: OutputFile = None) -> None:
    """Print the page of every field, with examples. 打印全部字段说明及示例。"""
    deliver(reference.page().encode(), output)


@rules.command("templates")
def show_templates(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One template. 模板名称。")] = None,
    language: LanguageOption = "zh",
    output: OutputFile = None,
) -> None:
    """List the templates, or show one; -o writes its terms. 列出模板或查看其一；-o 将其条款写入文件。"""
    if name is None:
        for each in templates.names():
            show(f"{each}\n    {_said(templates.load(each).title, language)}")
        return
    found = templates.load(name)
    if output is not None:
        deliver(_document(found.terms), output)
        return
    chinese = language == "zh"
    show(_said(found.title, language))
    show(f"{'文号' if chinese else 'Document'}: {found.document_number or '—'}")
    for label, listed in (
        ("来源" if chinese else "Source", found.sources),
        ("已确认" if chinese else "Confirmed", [_said(each, language) for each in found.confirmed]),
        ("未经核实" if chinese else "Unverified", [_said(each, language) for each in found.unverified]),
    ):
        for each in listed:
            show(f"{label}: {each}")
    show("\n" + agreement_text(found.terms, language, {}))


def _figures(terms: Terms, path: Path, enterprises: Path | None, occurrences: list[str] | None) -> Figures:
    listed = None if enterprises is None else read_enterprises(enterprises)
    return read_figures(path, terms, listed, read_occurrences(occurrences or []))


def _versions(first: Path, amendments: Sequence[Path] | None) -> list[Version]:
    """The terms and what amends them, each checked against all before it."""
    read: list[Terms] = []
    for path in (first, *(amendments or ())):
        read.append(read_terms(read_bytes(path), everything_before(read)))
    return [Version(Quarter.parse(terms.in_force_from), terms) for terms in read]


def _all_clauses(versions: Sequence[Version]) -> Terms:
    """The latest terms, with the clauses that only earlier versions have."""
    return everything_before([version.terms for version in versions]) or versions[-1].terms


def _results(
    versions: Sequence[Version], known: Figures, through: Quarter, language: Language, *, by_subject: bool
) -> list[list[str]]:
    outcome = plain.evaluate(versions, known.facts, through)
    terms = _all_clauses(versions)
    totals: defaultdict[tuple[int, Quarter, str, Book, str], list[int]] = defaultdict(lambda: [0, 0])
    for key, amount in outcome.amounts.items():
        name = known.name(key.subject) if by_subject else ""
        total = totals[key.clause, key.quarter, name, key.book, key.role]
        total[0] += amount.amount_minor
        total[1] += amount.routed_minor
    return [_result(terms, about, parts, language) for about, parts in sorted(totals.items())]


def _result(
    terms: Terms, about: tuple[int, Quarter, str, Book, str], parts: list[int], language: Language
) -> list[str]:
    number, quarter, name, book, role = about
    commodity = next(
        MEASURE_BY_NAME[clause.what.measures[0]].commodity
        for clause in terms.clauses
        if clause.number == number
    )
    index = 0 if language == "zh" else 1
    return [
        str(number),
        str(quarter),
        name or ("全部", "all")[index],
        BOOK_NAMES[book][index],
        role,
        *(format_amount(part, commodity.scale) for part in parts),
        (commodity.unit_zh, commodity.unit_en)[index],
    ]


def _explained(terms: Terms, known: Figures, number: int, code: str | None) -> list[int]:
    """The subjects to explain: the one that was named, else all that the clause looks at by themselves."""
    if code is not None:
        if code not in known.numbers:
            raise EnterpriseUnknown(code=code, known=", ".join(known.numbers) or "—")
        return [known.numbers[code]]
    clause = terms.clause(number)
    if clause is None or clause.whose.scope is Scope.WHOLE_PARK or clause.rounding.grain is Grain.CLAUSE:
        return [WHOLE_PARK]
    with_figures = {line.subject for line in known.facts.lines} - {WHOLE_PARK}
    return sorted(with_figures) or [WHOLE_PARK]


def _csv(rows: list[list[str]], language: Language) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow([head[0 if language == "zh" else 1] for head in RESULT_HEADS])
    writer.writerows(rows)
    return target.getvalue().encode("utf-8-sig")


def _document(terms: Terms) -> bytes:
    return (json.dumps(normalise(terms), ensure_ascii=False, indent=2) + "\n").encode()


def _said(text: Bilingual, language: Language) -> str:
    return text.zh if language == "zh" else text.en
