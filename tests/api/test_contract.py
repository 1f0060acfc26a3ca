"""The contract is what is committed: the printed schema, the documents, the page of failures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    parse,
    specified_scalar_types,
    validate,
)

from ledger_graphql import error_page
from ledger_graphql.failures import RULE_BY_CODE
from ledger_graphql.schema import printed
from tests.api.journey import OPERATIONS

ROOT = Path(__file__).parent.parent.parent
CONTRACT = ROOT / "graphql" / "schema.graphql"
DOCUMENTS = sorted(path.stem for path in OPERATIONS.glob("*.graphql"))
SCHEMA = build_schema(CONTRACT.read_text())


def test_the_committed_schema_is_what_the_code_serves() -> None:
    assert CONTRACT.read_text() == printed(), (
        "print it anew: python -m ledger_graphql.schema > graphql/schema.graphql"
    )


def test_the_committed_page_of_failures_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "errors.md").read_text() == error_page.page(), (
        "print it anew: python -m ledger_graphql.error_page > docs/errors.md"
    )


def test_every_code_that_has_a_type_of_its_own_is_the_code_of_a_failure() -> None:
    assert RULE_BY_CODE.keys() <= {kind.code for kind in error_page.failures()}


def test_every_failure_speaks_both_languages() -> None:
    assert [kind.code for kind in error_page.failures() if not (kind.sentence_zh and kind.sentence_en)] == []


def test_everything_in_the_schema_is_described() -> None:
    assert [name for name, description in described() if not description] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_valid_and_says_what_it_is_for(name: str) -> None:
    text = (OPERATIONS / f"{name}.graphql").read_text()
    assert validate(SCHEMA, parse(text)) == []
    assert text.startswith("# ")


def test_the_guides_documents_are_valid() -> None:
    guide = (ROOT / "docs" / "api.md").read_text()
    documents = re.findall(r"```graphql\n(.*?)```", guide, re.DOTALL)
    assert documents
    for document in documents:
        assert validate(SCHEMA, parse(document)) == []


def test_the_guide_names_every_document() -> None:
    guide = (ROOT / "docs" / "api.md").read_text()
    assert [name for name in DOCUMENTS if f"`{name}`" not in guide] == []


def test_every_document_is_executed_by_a_test() -> None:
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    executed = set(re.findall(r'\.(?:run|change|attempt)\(\s*"([a-z_]+)"', sources))
    assert set(DOCUMENTS) <= executed


def described() -> Iterator[tuple[str, str | None]]:
    """Every type, field, argument and input field of ours, with its description."""
    for name, kind in SCHEMA.type_map.items():
        if name.startswith("__") or name in specified_scalar_types:
            continue
        yield name, kind.description
        match kind:
            case GraphQLObjectType() | GraphQLInterfaceType():
                for field_name, field in kind.fields.items():
                    yield f"{name}.{field_name}", field.description
                    for argument_name, argument in field.args.items():
                        yield f"{name}.{field_name}({argument_name})", argument.description
            case GraphQLInputObjectType():
                for field_name, input_field in kind.fields.items():
                    yield f"{name}.{field_name}", input_field.description
            case GraphQLEnumType():
                continue
