"""What a document costs: known before it is run, from the document and its variables alone.

A field costs its weight, and what is asked of the objects below it once for each that it may have: ``first``
of a page, the length of ``ids``, and for other lists what is usual for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)
from graphql.type import GraphQLInterfaceType, GraphQLNamedType, SchemaMetaFieldDef, TypeMetaFieldDef

from ledger_graphql.connections import FIRST_DEFAULT, FIRST_MAX
from ledger_graphql.limits import Fragments, fragments_of

LIST_SIZE = 5
"""Of lists that don't come in pages and have no size of their own below."""
WEIGHT = 1
WEIGHT_OF_PAGE = 10
WEIGHT_OF_CHANGE = 50

SIZES: Mapping[str, int] = {
    "Entry.postings": 3,
    "Query.measures": 100,
    "Query.ruleTemplates": 20,
    "Simulation.totals": 50,
    "Simulation.totalsByQuarter": 200,
    "Agreement.balances": 50,
    "Agreement.figures": 200,
    "Reasoning.steps": 50,
}
"""How many a list usually has, where it is another number than ``LIST_SIZE``."""

WEIGHTS: Mapping[str, int] = {
    "Query.checkTerms": 500,
    "Query.evaluateClause": 1_000,
    "Query.nettingPreview": 500,
    "Query.startFromTemplate": 500,
    "Query.zoneStatement": 200,
    "Agreement.preview": 1_000,
    "Agreement.reconciliation": 200,
    "Agreement.simulation": 5_000,
    "Agreement.templateWorkbook": 1_000,
    "Mutation.computeSettlement": 1_000,
    "Mutation.draftAgreement": 500,
    "Mutation.draftVersion": 500,
    "Mutation.handInReturn": 500,
    "Mutation.handInReturnFile": 500,
}
"""What a field costs that computes more than it reads, in units of a field that only reads."""


def cost_of(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> int:
    """What ``operation`` costs. What the schema doesn't know costs nothing: validation refuses it."""
    defaults = {
        one.variable.name.value: int(one.default_value.value)
        for one in operation.variable_definitions or ()
        if isinstance(one.default_value, IntValueNode)
    }
    adding = _Adding(schema, fragments_of(document), {**defaults, **variables})
    return adding.selections(
        schema.get_root_type(operation.operation), operation.selection_set, FIRST_DEFAULT
    )


class _Adding:
    """Adds up costs from the root downwards; ``page`` is how many the nearest page above may have."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def selections(
        self, parent: GraphQLNamedType | None, selections: SelectionSetNode | None, page: int
    ) -> int:
        if selections is None:
            return 0
        return sum(self._selection(parent, one, page) for one in selections.selections)

    def _selection(self, parent: GraphQLNamedType | None, selection: SelectionNode, page: int) -> int:
        match selection:
            case FieldNode():
                return self._field(parent, selection, page)
            case InlineFragmentNode(type_condition=condition):
                within = self._schema.get_type(condition.name.value) if condition else parent
                return self.selections(within, selection.selection_set, page)
            case FragmentSpreadNode() if fragment := self._fragments.get(selection.name.value):
                within = self._schema.get_type(fragment.type_condition.name.value)
                return self.selections(within, fragment.selection_set, page)
        return 0

    def _field(self, parent: GraphQLNamedType | None, node: FieldNode, page: int) -> int:
        if node.name.value == "__typename":
            return WEIGHT
        field = self._definition(parent, node.name.value)
        if parent is None or field is None:
            return 0
        name = f"{parent.name}.{node.name.value}"
        if takes_first(field):
            page = self._first(node, field)
        of = get_named_type(field.type)
        inner = self.selections(of, node.selection_set, page) if is_composite_type(of) else 0
        return self._weight(name, parent, field) + self._size(name, node, field, page) * inner

    def _weight(self, name: str, parent: GraphQLNamedType, field: GraphQLField) -> int:
        if name in WEIGHTS:
            return WEIGHTS[name]
        if parent is self._schema.mutation_type:
            return WEIGHT_OF_CHANGE
        return WEIGHT_OF_PAGE if takes_first(field) else WEIGHT

    def _definition(self, parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
        if parent is self._schema.query_type and name in INTROSPECTION:
            return INTROSPECTION[name]
        if isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
            field: GraphQLField | None = parent.fields.get(name)
            return field
        return None

    def _first(self, node: FieldNode, field: GraphQLField) -> int:
        """How many a page may have; a number that is refused later counts as the nearest that isn't."""
        asked = self._argument(node, "first", field.args["first"].default_value)
        return min(max(asked, 1), FIRST_MAX) if isinstance(asked, int) else FIRST_DEFAULT

    def _size(self, name: str, node: FieldNode, field: GraphQLField, page: int) -> int:
        """How many objects the field may have."""
        if not is_list_type(get_nullable_type(field.type)):
            return 1
        if node.name.value == "edges" or takes_first(field):
            return page
        ids = self._argument(node, "ids", None)
        return len(ids) if isinstance(ids, (list, tuple)) else SIZES.get(name, LIST_SIZE)

    def _argument(self, node: FieldNode, name: str, default: object) -> object:
        value = next((one.value for one in node.arguments or () if one.name.value == name), None)
        match value:
            case None:
                return default
            case VariableNode():
                return self._variables.get(value.name.value, default)
            case IntValueNode():
                return int(value.value)
            case ListValueNode():
                return value.values
        return None


INTROSPECTION: Mapping[str, GraphQLField] = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}


def takes_first(field: GraphQLField) -> bool:
    """Whether the client says how many it wants at most. (A first quarter is another thing.)"""
    first = field.args.get("first")
    return first is not None and get_named_type(first.type).name == "Int"
