"""How large a document may be, measured before anything of it is looked up in the schema or run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Lexer,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Source,
    TokenKind,
)
from strawberry.extensions import ParserCache

from ledger.errors import LedgerError
from ledger_graphql.settings import ServiceSettings

CACHED_DOCUMENTS = 256
NUMBER_LENGTH_MAX = 1_000
OPENING = frozenset({TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L})
CLOSING = frozenset({TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R})
NUMBERS = frozenset({TokenKind.INT, TokenKind.FLOAT})

Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]

parsed = ParserCache(maxsize=CACHED_DOCUMENTS).cached_parse_document
"""The document of a text: the same object that the schema's own ``ParserCache`` of that size then runs."""


class DocumentTooLong(LedgerError):
    """The document's text is longer than documents may be."""

    code = "DOCUMENT_TOO_LONG"
    sentence_en = "Expected a document of at most {most:,} bytes, but got {got:,}. Send values as variables."
    sentence_zh = "文档至多 {most:,} 字节，实际为 {got:,} 字节。请将取值放入变量。"


class TooManyTokens(LedgerError):
    """The document has more tokens than documents may have."""

    code = "TOO_MANY_TOKENS"
    sentence_en = "Expected a document of at most {most:,} tokens. Ask for less at once."
    sentence_zh = "文档至多 {most:,} 个词元（token）。请减少一次查询的内容。"


class NumberTooLong(LedgerError):
    """A number of the document has more characters than any value of the schema, and than is read."""

    code = "NUMBER_TOO_LONG"
    sentence_en = "Expected numbers of at most {most:,} characters in the document."
    sentence_zh = "文档中的数字至多 {most:,} 个字符。"


class NestedTooDeeply(LedgerError):
    """Brackets, of selections or of values, stand within each other more often than they may."""

    code = "NESTED_TOO_DEEPLY"
    sentence_en = "Expected at most {most} brackets within each other, in the document and in its variables."
    sentence_zh = "文档及其变量中的括号至多嵌套 {most} 层。"


class DocumentTooDeep(LedgerError):
    """Fields stand within each other more often than they may, introspection included."""

    code = "DOCUMENT_TOO_DEEP"
    sentence_en = "Expected fields in at most {most} levels (depth), but got {got}. Ask in two documents."
    sentence_zh = "字段至多嵌套 {most} 层，实际为 {got} 层。请分两次查询。"


class TooManyFields(LedgerError):
    """The document has more fields than it may have, those of a fragment counted wherever it is spread."""

    code = "TOO_MANY_FIELDS"
    sentence_en = (
        "Expected at most {most:,} fields, but got {got:,}, fragments included. Ask for less at once."
    )
    sentence_zh = "至多 {most:,} 个字段，实际为 {got:,} 个（含片段）。请减少一次查询的内容。"


class TooManyAliases(LedgerError):
    """The document renames more fields than it may."""

    code = "TOO_MANY_ALIASES"
    sentence_en = (
        "Expected at most {most:,} aliases, but got {got:,}, fragments included. Ask in two documents."
    )
    sentence_zh = "至多 {most:,} 个别名，实际为 {got:,} 个（含片段）。请分两次查询。"


class TooManyDirectives(LedgerError):
    """The document has more directives than it may have."""

    code = "TOO_MANY_DIRECTIVES"
    sentence_en = "Expected at most {most:,} directives, but got {got:,}, fragments included."
    sentence_zh = "至多 {most:,} 个指令，实际为 {got:,} 个（含片段）。"


class IntrospectionOff(LedgerError):
    """This server doesn't describe its schema."""

    code = "INTROSPECTION_OFF"
    sentence_en = "This server doesn't answer {field}. The schema is published as graphql/schema.graphql."
    sentence_zh = "本服务不回答 {field}。接口定义见 graphql/schema.graphql。"


class Shape(NamedTuple):
    """What is counted of a document or a part of it. Fragments count wherever they are spread."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """A document that was read, with its shape; ``shape`` is None where a fragment holds itself.

    Validation refuses such a document with a sentence of its own.
    """

    document: DocumentNode
    shape: Shape | None
    introspects: str | None


def read_within(text: str, settings: ServiceSettings) -> Read:
    """The document, if it is within the limits.

    Raises ``GraphQLSyntaxError`` and, in this order, ``DocumentTooLong``, ``TooManyTokens``,
    ``NestedTooDeeply`` or ``NumberTooLong``, ``IntrospectionOff``, ``DocumentTooDeep``,
    ``TooManyFields``, ``TooManyAliases``, ``TooManyDirectives``.
    """
    length_bytes = len(text.encode())
    if length_bytes > settings.document_bytes_max:
        raise DocumentTooLong(most=settings.document_bytes_max, got=length_bytes)
    read = _read(text, settings.tokens_max, settings.nesting_max)
    if read.introspects and not settings.introspection:
        raise IntrospectionOff(field=read.introspects)
    if read.shape is not None:
        _refuse_beyond(read.shape, settings)
    return read


def nesting_of(value: object) -> int:
    """How many lists and objects of JSON stand within each other at most."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, (dict, list))]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


def _refuse_beyond(shape: Shape, settings: ServiceSettings) -> None:
    checks: tuple[tuple[type[LedgerError], int, int], ...] = (
        (DocumentTooDeep, settings.depth_max, shape.depth),
        (TooManyFields, settings.fields_max, shape.fields),
        (TooManyAliases, settings.aliases_max, shape.aliases),
        (TooManyDirectives, settings.directives_max, shape.directives),
    )
    for kind, most, got in checks:
        if got > most:
            raise kind(most=most, got=got)


@lru_cache(maxsize=CACHED_DOCUMENTS)
def _read(text: str, tokens_max: int, nesting_max: int) -> Read:
    _refuse_long(text, tokens_max, nesting_max)
    document = parsed(text)
    return Read(document, _Measure(document).shape(), _introspects(document))


def _refuse_long(text: str, tokens_max: int, nesting_max: int) -> None:
    """The parser calls itself for every bracket, so brackets are counted before it sees them."""
    lexer = Lexer(Source(text))
    depth = count = 0
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        count += 1
        depth += (token.kind in OPENING) - (token.kind in CLOSING)
        if count > tokens_max:
            raise TooManyTokens(most=tokens_max)
        if depth > nesting_max:
            raise NestedTooDeeply(most=nesting_max)
        if token.kind in NUMBERS and len(token.value or "") > NUMBER_LENGTH_MAX:
            raise NumberTooLong(most=NUMBER_LENGTH_MAX)


class _FragmentHoldsItself(Exception):
    """Nothing can be counted of such a document."""


class _Measure:
    """Counts a document, each fragment once, however often it is spread."""

    def __init__(self, document: DocumentNode) -> None:
        self._operations = operations_of(document)
        self._fragments = fragments_of(document)
        self._of_fragment: dict[str, Shape | None] = {}

    def shape(self) -> Shape | None:
        try:
            return _together(
                [
                    *map(self._of_operation, self._operations),
                    # One that isn't spread anywhere is invalid, but it is validated before that is found.
                    *map(self._of_named, self._fragments),
                ]
            )
        except _FragmentHoldsItself:
            return None

    def _of_operation(self, operation: OperationDefinitionNode) -> Shape:
        directives = len(operation.directives or ()) + sum(
            len(variable.directives or ()) for variable in operation.variable_definitions or ()
        )
        return _together([Shape(directives=directives), self._of_selections(operation.selection_set)])

    def _of_selections(self, selections: SelectionSetNode | None) -> Shape:
        return _together(map(self._of_selection, selections.selections if selections else ()))

    def _of_selection(self, selection: SelectionNode) -> Shape:
        directives = Shape(directives=len(selection.directives or ()))
        if isinstance(selection, FragmentSpreadNode):
            return _together([directives, self._of_named(selection.name.value)])
        inner = self._of_selections(getattr(selection, "selection_set", None))
        if not isinstance(selection, FieldNode):
            return _together([directives, inner])
        own = Shape(fields=1, aliases=int(selection.alias is not None))
        return _together([directives, own, inner])._replace(depth=inner.depth + 1)

    def _of_named(self, name: str) -> Shape:
        if name not in self._fragments:
            return Shape()
        if name not in self._of_fragment:
            self._of_fragment[name] = None
            fragment = self._fragments[name]
            directives = Shape(directives=len(fragment.directives or ()))
            self._of_fragment[name] = _together([directives, self._of_selections(fragment.selection_set)])
        shape = self._of_fragment[name]
        if shape is None:
            raise _FragmentHoldsItself
        return shape


def operations_of(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]


def fragments_of(document: DocumentNode) -> Fragments:
    return {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}


def _together(shapes: Iterable[Shape]) -> Shape:
    depth, *counts = zip(Shape(), *shapes, strict=True)
    return Shape(max(depth), *map(sum, counts))


def _introspects(document: DocumentNode) -> str | None:
    """The first field at the root that asks for the schema, wherever it stands."""
    sets = [one.selection_set for one in (*operations_of(document), *fragments_of(document).values())]
    while sets:
        for selection in sets.pop().selections:
            if isinstance(selection, FieldNode) and selection.name.value in {"__schema", "__type"}:
                return selection.name.value
            inner = getattr(selection, "selection_set", None)
            if inner is not None:
                sets.append(inner)
    return None
