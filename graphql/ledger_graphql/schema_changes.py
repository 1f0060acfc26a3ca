"""What a change breaks: ``python -m ledger_graphql.schema_changes`` compares with the last release.

``graphql/releases`` holds the printed schema of every release, by version.
"""

from __future__ import annotations

import sys
from pathlib import Path

from graphql import GraphQLSchema, build_schema, find_breaking_changes

from ledger_graphql.schema import SCHEMA

RELEASES = Path(__file__).resolve().parent.parent / "releases"


def last_release(folder: Path = RELEASES) -> Path:
    """The printed schema of the newest version."""
    return max(folder.glob("*.graphql"), key=_version)


def breaking(old: GraphQLSchema, new: GraphQLSchema) -> list[str]:
    """What a client of ``old`` would find broken in ``new``, one sentence each, in order."""
    return sorted(change.description for change in find_breaking_changes(old, new))


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.stem.split("."))


if __name__ == "__main__":
    for sentence in breaking(build_schema(last_release().read_text("utf-8")), SCHEMA.core):
        sys.stdout.write(f"- {sentence}\n")
