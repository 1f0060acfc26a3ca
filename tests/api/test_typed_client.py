"""A typed client: Strawberry's own generator makes classes of the ready documents, and answers fit them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from ledger_graphql.client_types import generated
from ledger_graphql.documents import documents
from tests.api.journey import Api, Figure
from tests.api.terms_documents import tax, terms

ASKED: Mapping[str, Mapping[str, Any]] = {
    "agreement": {"code": "A"},
    "agreements": {},
    "all_events": {},
    "balances": {"party": "HOST", "through": "2024Q1"},
    "returns": {"code": "A"},
    "rule_templates": {},
    "settlements": {"code": "A"},
    "zones": {},
}


@pytest.fixture(scope="module")
def modules() -> dict[str, dict[str, Any]]:
    """What each generated file defines, by the document's name."""
    found: dict[str, dict[str, Any]] = {}
    for file in generated().files:
        namespace: dict[str, Any] = {"__name__": file.path}
        exec(compile(file.content, file.path, "exec"), namespace)  # noqa: S102 - the generator's own code
        found[file.path.removesuffix(".py")] = namespace
    return found


def test_every_ready_document_gets_classes(modules: dict[str, dict[str, Any]]) -> None:
    assert modules.keys() == documents().keys()


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_fits_the_classes_of_its_document(
    api: Api, modules: dict[str, dict[str, Any]], name: str
) -> None:
    api.bring_into_force(terms("A", [tax()]))
    api.hand_in("A", "2024Q1", [Figure("retained_tax", "100.01", document="票据")])
    api.settle("A", "2024Q1")
    module = modules[name]
    (result,) = (kind for key, kind in module.items() if key.endswith("Result") and isinstance(kind, type))
    assert misfits(api.run(name, **ASKED[name]), result, module) == []


def test_an_answer_of_another_form_does_not_fit(api: Api, modules: dict[str, dict[str, Any]]) -> None:
    module = modules["agreements"]
    answer = api.run("agreements")
    answer["agreements"]["pageInfo"]["hasNextPage"] = "no"
    answer["agreements"]["more"] = 1
    assert misfits(answer, module["AgreementsResult"], module) == [
        "agreements: ['edges', 'more', 'pageInfo']",
        "agreements.pageInfo.hasNextPage: 'no'",
    ]


def test_the_command_writes_a_file_for_each_document(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "ledger_graphql.client_types", str(tmp_path)], check=True)
    assert {path.stem for path in tmp_path.iterdir()} == documents().keys()


def misfits(value: Any, hint: Any, module: dict[str, Any], path: str = "") -> list[str]:
    """Where ``value`` isn't what the type ``hint`` says."""
    origin = get_origin(hint)
    if hint is Any:
        return []
    if origin in (Union, UnionType):
        found = [misfits(value, one, module, path) for one in get_args(hint)]
        return min(found, key=len)
    if origin is list:
        (inner,) = get_args(hint)
        if not isinstance(value, list):
            return [f"{path}: {value!r}"]
        return [
            one
            for number, item in enumerate(value)
            for one in misfits(item, inner, module, f"{path}[{number}]")
        ]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [] if value in hint.__members__ else [f"{path}: {value!r}"]
    if hint.__module__ == "builtins":
        return [] if isinstance(value, hint) else [f"{path}: {value!r}"]
    return misfits_of_object(value, get_type_hints(hint, module), module, path)


def misfits_of_object(value: Any, fields: Mapping[str, Any], module: dict[str, Any], path: str) -> list[str]:
    by_name = {camel_case(name): hint for name, hint in fields.items()}
    if not isinstance(value, dict):
        return [f"{path}: {value!r}"]
    own = [] if value.keys() - {"__typename"} == by_name.keys() else [f"{path}: {sorted(value)}"]
    start = f"{path}." if path else ""
    return own + [
        one
        for name, hint in by_name.items()
        if name in value
        for one in misfits(value[name], hint, module, start + name)
    ]


def camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
