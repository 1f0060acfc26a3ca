"""Starting terms from a template on plain files: questions first, then the document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.rules.check import TermsRefused
from ledger.rules.document import normalise
from ledger.rules.explanation import Language
from ledger.rules.starting import UNANSWERED, OpenField, start
from ledger_console.command.failures import AnswersMissing, AnswersUnreadable
from ledger_console.command.options import LanguageOption, OutputFile
from ledger_console.command.output import deliver, read_bytes, show


def start_terms(
    name: Annotated[str, typer.Argument(metavar="TEMPLATE", help="The template's name. 模板名称。")],
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="FILE.json",
            help="JSON path to answer. 回答：JSON 路径及取值。",
        ),
    ] = None,
    language: LanguageOption = "zh",
    output: OutputFile = None,
) -> None:
    """Ask just what a template's rule leaves open; with all answers, write its terms. 由模板起草条款。

    Without answers -o writes the file to fill in. 未给出回答时，-o 写出待填的回答文件。
    """
    given = {} if answers is None else _read_answers(answers)
    started = start(name, given)
    if started.faults:
        raise TermsRefused(started.faults)
    if started.terms is not None:
        deliver(_json(normalise(started.terms)), output)
        return
    for field in started.open_fields:
        _ask(field, language)
    if answers is not None:
        raise AnswersMissing(path=answers, count=len(started.open_fields))
    if output is not None:
        deliver(_json({field.path: UNANSWERED for field in started.open_fields}), output)


def _ask(field: OpenField, language: Language) -> None:
    show(field.path)
    show(f"    {field.question_zh if language == 'zh' else field.question_en}")
    held = json.dumps(field.value, ensure_ascii=False)
    show(f"    {f'模板示例：{held}' if language == 'zh' else f'In the template: {held}'}")


def _read_answers(path: Path) -> dict[str, Any]:
    """Raises ``FileNotReadable``, ``AnswersUnreadable``."""
    try:
        answers = json.loads(read_bytes(path))
    except ValueError as refusal:
        raise AnswersUnreadable(path=path, detail=refusal) from refusal
    if not isinstance(answers, dict):
        raise AnswersUnreadable(path=path, detail=type(answers).__name__)
    return answers


def _json(document: Any) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
