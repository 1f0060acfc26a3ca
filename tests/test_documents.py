"""The documents tell the truth: what they show is executed, and what they point at is there.

Pages are README.md, README.zh-CN.md and docs/*.md. The fenced blocks of a page are executed in order, on a
ledger of the page's own that holds the roster of zones and nothing else:

    graphql  a document; checked against the schema, and executed unless its variables aren't shown
    json     after a document: its variables if it declares any, then the ``data`` of its answer
    text     after a document: some text of its answer
    sh       after a comment ``<!-- run -->``: run in the page's folder
    console  after a comment ``<!-- run -->``: each line that begins with "$ ", and what it prints
    graphql  after a comment ``<!-- as: NAME -->``: asked by that person, else always by one and the same
    any      after a comment ``<!-- file: NAME -->``: a file in the page's folder
    sh       after a comment ``<!-- fetch: NAME -->``: what its "$LEDGER/…" gives, as a file in that folder

A page with the comment ``<!-- continues: PAGE -->`` begins where that page ends.

In what is shown "…" stands for anything. Text such as "<id of the settlement>" stands for what a reader will
see there; it must be the same wherever it stands. Keys and signatures are made by the reader, as named below.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate

from ledger.desk import log
from ledger.desk.log import LogFiles
from ledger.desk.roster import load_roster
from ledger.evidence.signatures import is_signed, new_private_key, public_key_of, sign
from ledger_schema.sessions import Database
from tests.api.signed_in import ANYBODY, SignedInClient, signed_in

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))]
INDEX = ROOT / "docs" / "README.md"
SCHEMA = build_schema((ROOT / "graphql" / "schema.graphql").read_text())
FOLDER_OF_COMMANDS = Path(sys.executable).parent

BLOCK = re.compile(r"^(?:<!-- (?P<mark>[^\n]+) -->\n)?```(?P<kind>\w+)\n(?P<content>.*?)^```$", re.M | re.S)
CONTINUES = re.compile(r"^<!-- continues: (?P<page>\S+) -->$", re.M)
LINK = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
PLACEHOLDER = re.compile(r"<[^<>]+>")
ADDRESS = re.compile(r'"\$LEDGER(?P<path>/[^"]+)"')
PUBLIC_KEY = re.compile(r"<public key of (?P<who>.+)>|<(?P<who_zh>.+)的公钥>")
SIGNATURE = re.compile(
    r"<signature of (?P<who>.+) over (?P<what>.+)>|<(?P<who_zh>.+)对(?P<what_zh>.+)的签名>"
)
ANYTHING = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block; ``mark`` is the comment on the line before it."""

    kind: str
    mark: str
    content: str


@dataclass
class Reader:
    """Somebody who follows one page: what they saw so far, and the keys they made."""

    client: SignedInClient
    folder: Path
    sequence: Callable[[], object]
    """Logs what was recorded so far, which a server does by itself within a second."""
    seen: dict[str, Any] = field(default_factory=dict)
    private_keys: dict[str, bytes] = field(default_factory=dict)
    answer: Any = None
    expected: set[str] = field(default_factory=set)
    """The kinds of blocks that may still show something of the answer."""

    def follow(self, blocks: list[Block]) -> None:
        """Does what the blocks of a page say, and compares what they show."""
        self.expected = set()
        waiting = list(reversed(blocks))
        while waiting:
            block = waiting.pop()
            if block.mark.startswith("file: "):
                (self.folder / block.mark.removeprefix("file: ")).write_text(block.content)
            elif block.mark.startswith("fetch: "):
                self.fetch(block)
            elif block.mark == "run":
                self.run(block)
            elif block.kind == "graphql":
                self.ask(block, waiting)
            elif block.kind in self.expected:
                self.expected.remove(block.kind)
                self.compare(block)

    def ask(self, block: Block, waiting: list[Block]) -> None:
        """Executes a document; the block of its variables is taken from those ``waiting``."""
        self.expected = set()
        document = block.content
        parsed = parse(document)
        assert validate(SCHEMA, parsed) == []
        variables = {}
        (operation,) = (one for one in parsed.definitions if isinstance(one, OperationDefinitionNode))
        if operation.variable_definitions:
            if not (waiting and waiting[-1].kind == "json"):
                return
            variables = self.filled(json.loads(waiting.pop().content))
        person = block.mark.removeprefix("as: ") if block.mark.startswith("as: ") else ANYBODY
        headers = {"authorization": f"Bearer {self.client.accounts.token(person)}"}
        asked = {"query": document, "variables": variables}
        response = self.client.post("/graphql", json=asked, headers=headers).json()
        assert "errors" not in response, response
        self.answer, self.expected = response["data"], {"json", "text"}

    def fetch(self, block: Block) -> None:
        """Downloads what the block names into a file of the page's folder."""
        self.sequence()
        for address in ADDRESS.finditer(block.content):
            response = self.client.get(address["path"])
            assert response.status_code == 200, response.text
            (self.folder / block.mark.removeprefix("fetch: ")).write_bytes(response.content)

    def compare(self, block: Block) -> None:
        """What a block shows must be in the answer: as the whole of it, or as some text of it."""
        if block.kind == "json":
            assert self.as_seen(json.loads(block.content), self.answer) == self.answer
        else:
            assert any(is_shown(block.content, text) for text in texts_in(self.answer)), block.content

    def as_seen(self, shown: Any, got: Any) -> Any:
        """What is shown, with what the reader sees in place of its placeholders."""
        if isinstance(shown, dict) and isinstance(got, dict):
            return {name: self.as_seen(value, got.get(name)) for name, value in shown.items()}
        if isinstance(shown, list) and isinstance(got, list):
            padded = got + [None] * len(shown)
            return [self.as_seen(one, other) for one, other in zip(shown, padded, strict=False)]
        if shown == ANYTHING:
            return got
        if isinstance(shown, str) and PLACEHOLDER.fullmatch(shown):
            return self.seen.setdefault(shown, got)
        return shown

    def filled(self, shown: Any) -> Any:
        """What is shown, with what the reader puts in place of its placeholders."""
        if isinstance(shown, dict):
            return {name: self.filled(value) for name, value in shown.items()}
        if isinstance(shown, list):
            return [self.filled(one) for one in shown]
        if isinstance(shown, str) and PLACEHOLDER.fullmatch(shown):
            return self.seen[shown] if shown in self.seen else self.made(shown)
        return shown

    def made(self, placeholder: str) -> str:
        """A public key, or a signature of bytes that were seen, in base64."""
        if named := PUBLIC_KEY.fullmatch(placeholder):
            return base64_of(public_key_of(self.private_key(named["who"] or named["who_zh"])))
        named = SIGNATURE.fullmatch(placeholder)
        assert named, f"{placeholder} was never seen"
        content = base64.b64decode(self.seen[f"<{named['what'] or named['what_zh']}>"])
        return base64_of(sign(self.private_key(named["who"] or named["who_zh"]), content))

    def private_key(self, who: str) -> bytes:
        return self.private_keys.setdefault(who, new_private_key())

    def run(self, block: Block) -> None:
        """Runs the commands in a shell; what a console shows them print must be what they print."""
        if block.kind == "console":
            for command, printed in commands_of(block.content):
                assert is_shown(printed, self.output_of(command)), self.output_of(command)
        else:
            self.output_of(block.content)

    def output_of(self, command: str) -> str:
        path = f"{FOLDER_OF_COMMANDS}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def reader(database_url: str, tmp_path: Path) -> Iterator[Reader]:
    """A reader at an empty ledger with the roster of zones."""
    database, log_files = Database(database_url), LogFiles(tmp_path / "home")
    load_roster(database)
    log.sequence(database, log_files)
    with signed_in(database_url, log_files=log_files) as client:
        yield Reader(client, tmp_path, partial(log.sequence, database, log_files))
    database.dispose()


def has_examples(page: Path) -> bool:
    return any(block.kind == "graphql" or block.mark for block in blocks_of(page))


def blocks_of(page: Path) -> list[Block]:
    return [
        Block(found["kind"], found["mark"] or "", found["content"])
        for found in BLOCK.finditer(page.read_text())
    ]


def with_what_it_continues(page: Path) -> list[Path]:
    """The page, after the pages that it continues."""
    continued = CONTINUES.search(page.read_text())
    return [*(with_what_it_continues(page.parent / continued["page"]) if continued else []), page]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [page for page in PAGES if has_examples(page)], ids=name_of)
def test_the_examples_of_a_page_do_what_the_page_shows(page: Path, reader: Reader) -> None:
    for one in with_what_it_continues(page):
        reader.follow(blocks_of(one))


def test_a_page_that_shows_another_answer_is_found_out(reader: Reader) -> None:
    asked = Block("graphql", "", '{ party(code: "HTZ001") { code kind } }')
    reader.follow([asked, Block("json", "", '{ "party": { "code": "…", "kind": "ZONE" } }')])
    with pytest.raises(AssertionError):
        reader.follow([asked, Block("json", "", '{ "party": { "code": "HTZ001", "kind": "PARK" } }')])
    with pytest.raises(AssertionError):
        reader.follow([asked, Block("text", "", "HTZ002")])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    targets = [found["target"] for found in LINK.finditer(page.read_text())]
    assert [target for target in targets if "://" not in target and not leads_somewhere(page, target)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "docs"], ids=name_of)
def test_a_guide_is_linked_from_the_index_of_guides(page: Path) -> None:
    assert page == INDEX or f"]({page.name})" in INDEX.read_text()


def test_both_readmes_ask_the_same_in_the_same_order() -> None:
    english, chinese = (
        [block.content for block in blocks_of(ROOT / name) if block.kind == "graphql"]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert [shape_of(one) for one in english] == [shape_of(one) for one in chinese]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the command openssl")
def test_signatures_made_as_the_guides_show_with_openssl_are_ones_that_the_ledger_takes(
    tmp_path: Path,
) -> None:
    terms, settlement = b'{"format":"parkledger.terms/1"}', b'{"format":"parkledger.settlement/1"}'
    public_key, signature = signed_as_shown("agreements.md", terms, tmp_path)
    assert is_signed(public_key, signature, terms)
    signature, same_key = signed_as_shown("settlements.md", settlement, tmp_path)
    assert is_signed(public_key, signature, settlement)
    assert same_key == public_key


def signed_as_shown(page: str, content: bytes, folder: Path) -> list[bytes]:
    """What the commands of a guide print in ``folder``, decoded line by line."""
    (commands,) = [block.content for block in blocks_of(ROOT / "docs" / page) if "openssl" in block.content]
    (folder / "bytes-to-sign.txt").write_text(base64_of(content))
    printed = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", commands],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [base64.b64decode(line) for line in printed.split()]


def leads_somewhere(page: Path, target: str) -> bool:
    """Whether a relative link names a file that is there, and a heading that the file has."""
    path, _, heading = target.partition("#")
    linked = page.parent / path if path else page
    return linked.exists() and (not heading or heading in map(slug_of, headings_of(linked)))


def headings_of(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", page.read_text(), flags=re.M)


def slug_of(heading: str) -> str:
    """The name by which a heading is linked to."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def shape_of(document: str) -> str:
    """The document without what differs by language: the language asked for, and the spacing."""
    return " ".join(re.sub(r"language: (ZH|EN)|(title|message|name)(Zh|En)", r"\2", document).split())


def commands_of(shown: str) -> Iterator[tuple[str, str]]:
    """Each command of a console with what it prints."""
    for part in re.split(r"^\$ ", shown, flags=re.M)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def is_shown(shown: str, whole: str) -> bool:
    """Whether ``shown``, with "…" for anything, stands in ``whole``."""
    lines = "\n".join(line.rstrip() for line in shown.strip().splitlines())
    pattern = ".*?".join(re.escape(part) for part in lines.split(ANYTHING))
    plain = "\n".join(line.rstrip() for line in whole.splitlines())
    return re.search(pattern, plain, flags=re.S) is not None


def texts_in(answer: Any) -> Iterator[str]:
    """Every text of an answer."""
    if isinstance(answer, str):
        yield answer
    elif isinstance(answer, dict | list):
        for item in answer.values() if isinstance(answer, dict) else answer:
            yield from texts_in(item)


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()
