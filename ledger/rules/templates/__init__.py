"""Templates: terms modelled on published rules, each with its source and what couldn't be verified.

A template starts an agreement; it isn't law. Its figures are examples, and every choice in it is editable.
"""

from __future__ import annotations

from importlib.resources import files

from pydantic import Field

from ledger.errors import LedgerError
from ledger.rules.fields import Bilingual, Document
from ledger.rules.terms import Terms

_SUFFIX = ".json"


class TemplateUnknown(LedgerError):
    """No template has this name."""

    code = "TEMPLATE_UNKNOWN"
    sentence_en = "There is no template {name!r}. The templates are: {known}."
    sentence_zh = "没有名为 {name!r} 的模板。现有模板：{known}。"


class Template(Document):
    """Terms to start from, with what is known about where they come from."""

    title: Bilingual
    document_number: str = Field(description="The number of the document, or empty if it has none.")
    sources: tuple[str, ...] = Field(min_length=1, description="Where the rule was seen.")
    confirmed: tuple[Bilingual, ...] = Field(description="What the sources say.")
    unverified: tuple[Bilingual, ...] = Field(description="What is assumed here and must be checked.")
    settled: tuple[str, ...] = Field(
        default=(), description="JSON paths of choices in the terms that the sources settle."
    )
    asked: tuple[str, ...] = Field(
        default=(), description="JSON paths of figures in the terms that are only examples."
    )
    terms: Terms


def names() -> tuple[str, ...]:
    """The names of all templates, in alphabetical order."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def load(name: str) -> Template:
    """The template called ``name``. Raises ``TemplateUnknown``."""
    if name not in names():
        raise TemplateUnknown(name=name, known=", ".join(names()))
    return Template.model_validate_json(files(__name__).joinpath(name + _SUFFIX).read_bytes())
