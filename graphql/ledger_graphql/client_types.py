"""Classes for Python clients, made of the ready documents: ``python -m ledger_graphql.client_types FOLDER``.

Strawberry's own generator makes them; it only has to be told what our scalars are in an answer.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from keyword import iskeyword
from pathlib import Path

from graphql import FieldNode, is_scalar_type, is_specified_scalar_type
from strawberry.codegen import CodegenResult, QueryCodegen
from strawberry.codegen.plugins.python import PythonPlugin, PythonType
from strawberry.codegen.types import GraphQLField
from strawberry.types.base import StrawberryObjectDefinition

from ledger_graphql.documents import documents
from ledger_graphql.schema import SCHEMA

OURS = [
    name
    for name, kind in SCHEMA.core.type_map.items()
    if is_scalar_type(kind) and not is_specified_scalar_type(kind)
]


class ClientTypes(PythonPlugin):
    """The generator's plug-in for Python, with our scalars: text, but for JSON, which may be anything."""

    SCALARS_TO_PYTHON_TYPES = {  # noqa: RUF012 - the class that it is from declares it
        **PythonPlugin.SCALARS_TO_PYTHON_TYPES,
        **{name: PythonType("str") for name in OURS},
        "JSON": PythonType("Any", "typing"),
    }

    def _print_field(self, field: GraphQLField) -> str:
        """A variable may be called ``from``, which a name in Python can't be."""
        printed = super()._print_field(field)
        return f"{field.name}_{printed.removeprefix(field.name)}" if iskeyword(field.name) else printed


class ClientCodegen(QueryCodegen):
    """Strawberry's, which looks for a scalar of a generic type under the type's name in Python alone."""

    def _field_from_selection(
        self, selection: FieldNode, parent_type: StrawberryObjectDefinition
    ) -> GraphQLField:
        name = SCHEMA.config.name_converter.from_type(parent_type)
        return super()._field_from_selection(selection, replace(parent_type, name=name))


def generated() -> CodegenResult:
    """A file of classes for each ready document: its variables, and its result."""
    files = [
        file
        for name, text in documents().items()
        for file in ClientCodegen(SCHEMA, [ClientTypes(Path(f"{name}.graphql"))]).run(text).files
    ]
    return CodegenResult(files=files)


if __name__ == "__main__":
    generated().write(Path(sys.argv[1]))
