"""Templates of terms, and starting an agreement's terms from one."""

from __future__ import annotations

from typing import Annotated

import strawberry

from ledger.rules import starting, templates
from ledger.rules.document import normalise
from ledger.rules.fields import Bilingual
from ledger_graphql.failures import Fault, InvalidInput, Refused, faults_of_terms
from ledger_graphql.fields import resolved, typed
from ledger_graphql.scalars import Json
from ledger_graphql.statements import BilingualText
from ledger_graphql.terms import json_object


@strawberry.type(description="One thing that may stand in a field, and what it means.")
class Reading:
    value: Json | None = strawberry.field(description="What is written; null where nobody is named.")
    meaning: BilingualText = strawberry.field(description="What it means.")


@strawberry.type(description="Something that a template leaves to the parties.")
class OpenField:
    path: str = strawberry.field(description="Where it stands, as a JSON path; answers are given by it.")
    question: BilingualText = strawberry.field(
        description="What is asked; for a choice, with what each reading gives on the worked example."
    )
    readings: list[Reading] = strawberry.field(description="What may stand there; empty if it's no choice.")
    value: Json | None = strawberry.field(
        description="What the template has: an example, not a recommendation."
    )


@strawberry.type(description="Terms to start from, modelled on a published rule. A template isn't law.")
class RuleTemplate:
    name: str = strawberry.field(description="Stable name.")
    title: BilingualText = strawberry.field(description="What it is modelled on.")
    document_number: str = strawberry.field(description="Number of the document; empty if it has none.")
    sources: list[str] = strawberry.field(description="Where the rule was seen.")
    confirmed: list[BilingualText] = strawberry.field(description="What the sources say.")
    unverified: list[BilingualText] = strawberry.field(description="What is assumed and must be checked.")
    terms: Json = strawberry.field(description="The document, with placeholders for codes.")

    @resolved("What the rule leaves open, and nothing else: what startFromTemplate asks for.")
    def open_fields(self) -> list[OpenField]:
        return [_open_field(field) for field in starting.asked(self.name)]


@strawberry.type(description="What came of answers to a template's questions. Nothing is kept.")
class StartedTerms:
    terms: Json | None = strawberry.field(
        description="The document, to be drafted; null while something is open or wrong. Its worked examples "
        "expect what it gives: read whether that is what you mean."
    )
    open_fields: list[OpenField] = strawberry.field(description="What hasn't been answered yet.")
    faults: list[Fault] = strawberry.field(description="What is wrong with the answers, by path.")


StartResult = Annotated[
    StartedTerms | InvalidInput | Refused,
    strawberry.union("StartResult", description="What came of starting from a template."),
]


@strawberry.type
class RuleTemplateQueries:
    """The queries about templates."""

    @resolved("Templates of terms, by name.")
    def rule_templates(self) -> list[RuleTemplate]:
        return [_rule_template(name) for name in templates.names()]

    @typed("A template's terms with the parties' answers to what its rule leaves open.")
    def start_from_template(
        self,
        template: Annotated[str, strawberry.argument(description="The template's name.")],
        answers: Annotated[
            Json | None,
            strawberry.argument(description='JSON path to answer, such as {"$.roles.origin": "P-1"}.'),
        ] = None,
    ) -> StartResult:
        started = starting.start(template, json_object(answers or Json({}), "answers"))
        return StartedTerms(
            terms=None if started.terms is None else Json(normalise(started.terms)),
            open_fields=[_open_field(field) for field in started.open_fields],
            faults=faults_of_terms(started.faults),
        )


def _rule_template(name: str) -> RuleTemplate:
    template = templates.load(name)
    return RuleTemplate(
        name=name,
        title=_bilingual(template.title),
        document_number=template.document_number,
        sources=list(template.sources),
        confirmed=[_bilingual(text) for text in template.confirmed],
        unverified=[_bilingual(text) for text in template.unverified],
        terms=Json(template.terms.model_dump(mode="json")),
    )


def _open_field(field: starting.OpenField) -> OpenField:
    return OpenField(
        path=field.path,
        question=BilingualText(zh=field.question_zh, en=field.question_en),
        readings=[
            Reading(value=Json(reading.value), meaning=BilingualText(zh=reading.zh, en=reading.en))
            for reading in field.readings
        ],
        value=Json(field.value),
    )


def _bilingual(text: Bilingual) -> BilingualText:
    return BilingualText(zh=text.zh, en=text.en)
