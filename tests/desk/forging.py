"""What a forger does to a file, as its document: a value changed, events rewritten and logged anew."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from ledger.desk import bundles
from ledger.desk.bundles import Trust
from ledger.evidence.bundles import BundleUnreadable, BundleWrong
from ledger.evidence.canonical import canonical_bytes
from ledger.evidence.checkpoints import Checkpoint
from ledger.evidence.merkle import Tree, inclusion_proof, leaf_hash
from ledger.evidence.notes import SignerKey, to_base64

Document = dict[str, Any]
Step = str | int
Path = tuple[Step, ...]


def verified(document: Document, trust: Trust) -> list[str]:
    return [each.en for each in bundles.checked(canonical_bytes(document), trust)]


def wrong(document: Document, trust: Trust) -> str:
    """The first place that is found to be wrong, and why."""
    with pytest.raises((BundleWrong, BundleUnreadable)) as refused:
        verified(document, trust)
    return (
        str(refused.value.fields.get("path", refused.value.fields.get("detail"))) + ": " + str(refused.value)
    )


def leaves(part: Any, path: Path = ()) -> Iterator[Path]:
    """Every value that is no container, by its way from the top."""
    items: Sequence[tuple[Step, Any]] = []
    if isinstance(part, dict):
        items = list(part.items())
    elif isinstance(part, list):
        items = list(enumerate(part))
    else:
        yield path
    for step, inner in items:
        yield from leaves(inner, (*path, step))


def put(document: Document, path: Path, change: Callable[[Any], Any]) -> Document:
    changed = copy.deepcopy(document)
    part: Any = changed
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = change(part[path[-1]])
    return changed


def data_of(one: Document) -> Document:
    return dict(json.loads(one["event"])["data"])


def place_of(document: Document, kind: str, **wanted: object) -> int:
    """The place of the last such event."""
    found = [
        place
        for place, one in enumerate(document["events"])
        if json.loads(one["event"])["kind"] == kind and wanted.items() <= data_of(one).items()
    ]
    return found[-1]


def refused(content: bytes, trust: Trust) -> bool:
    """Whether the verifier says of a file of these bytes what is wrong with it, and doesn't trip over it."""
    with suppress(BundleWrong, BundleUnreadable):
        list(bundles.checked(content, trust))
        return False
    return True


def edited(document: Document, place: int, /, **data: object) -> None:
    """Rewrites the data of an event."""
    content = json.loads(document["events"][place]["event"])
    content["data"] |= data
    document["events"][place]["event"] = canonical_bytes(content).decode()


def relogged(document: Document, signer: SignerKey) -> Document:
    """The events in a new tree of their own, under a checkpoint that ``signer`` signs."""
    made = copy.deepcopy(document)
    tree = Tree([leaf_hash(one["event"].encode()) for one in made["events"]])
    for place, one in enumerate(made["events"]):
        one["leaf"] = place
        one["hashes"] = [to_base64(each) for each in inclusion_proof(place, tree.size, tree.read)]
    checkpoint = Checkpoint(signer.name, tree.size, tree.root())
    made["checkpoint"] = checkpoint.signed_by(signer).encode().decode()
    made["log_key"] = str(signer.verifier)
    return made


def members(part: Any, path: Path = ()) -> Iterator[Path]:
    """Every member of every list and object, by its way from the top."""
    steps = part.keys() if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    for step in steps:
        yield (*path, step)
        yield from members(part[step], (*path, step))


def other_members(document: Document, path: Path) -> Iterator[Document]:
    """The document with a member left out, said twice, and exchanged with the one before it."""
    *way, step = path
    for change in (_leave_out, _say_twice, _exchange):
        made = copy.deepcopy(document)
        change(value_at(made, tuple(way)), step)
        if made != document:
            yield made


def _leave_out(part: Any, step: Any) -> None:
    del part[step]


def _say_twice(part: Any, step: Any) -> None:
    if isinstance(part, list):
        part.insert(step, copy.deepcopy(part[step]))
    else:
        part[f"{step}_"] = part[step]


def _exchange(part: Any, step: Any) -> None:
    before = step - 1 if isinstance(part, list) else list(part)[list(part).index(step) - 1]
    part[step], part[before] = part[before], part[step]


def nudged(value: Any) -> Any:
    if value is None:
        return "0"
    if isinstance(value, int):
        return value + 1
    if value and value.lstrip("-").isdecimal():
        return str(int(value) + 1)
    return f"{value[:-1]}{'A' if value[-1:] != 'A' else 'B'}"


def value_at(document: Document, path: Path) -> Any:
    part: Any = document
    for step in path:
        part = part[step]
    return part
