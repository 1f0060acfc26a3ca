"""The ready documents of ``graphql/operations``, which travel with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path


def folder() -> Path:
    """The folder of the documents: beside the package in a checkout, inside it in a wheel."""
    here = Path(__file__).resolve().parent
    packed = here / "_operations"
    return packed if packed.exists() else here.parent / "operations"


@cache
def documents() -> dict[str, str]:
    """Each document by its name, in order."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder().glob("*.graphql"))}
