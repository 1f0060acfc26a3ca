"""The log over plain HTTP, for public tools: checkpoints, proof files, the bytes of an event."""

from __future__ import annotations

import json

from anyio import CapacityLimiter
from starlette.routing import Route

from ledger.desk import log
from ledger.desk.events import event
from ledger.evidence.notes import to_base64
from ledger_graphql.context import Desk, OpenDesk
from ledger_graphql.files import Download, Parameters, ParameterUnusable, given, sender

TEXT = "text/plain; charset=utf-8"
NUMBER_MAX = 2**63 - 1


def routes(desk: OpenDesk, limiter: CapacityLimiter) -> list[Route]:
    """The downloads, each made in a worker thread from one snapshot."""
    made = {
        "/key": _key,
        "/checkpoint": _checkpoint,
        "/proof/{event}.tlog-proof": _proof,
        "/event/{event}": _event,
        "/consistency": _consistency,
    }
    return [Route(path, sender(desk, limiter, make)) for path, make in made.items()]


def _key(desk: Desk, _: Parameters) -> Download:
    return Download("log.vkey", TEXT, f"{desk.log_files.signer().verifier}\n".encode())


def _checkpoint(desk: Desk, parameters: Parameters) -> Download:
    return Download("checkpoint", TEXT, log.head(desk.snapshot, _size(parameters, "size")).note.encode())


def _proof(desk: Desk, parameters: Parameters) -> Download:
    event_id = _number(parameters, "event")
    proof = log.inclusion(desk.snapshot, event_id, _size(parameters, "size")).file()
    return Download(f"{event_id}.tlog-proof", TEXT, proof.encode())


def _event(desk: Desk, parameters: Parameters) -> Download:
    """The canonical bytes themselves, of which the leaf is the hash."""
    found = event(desk.snapshot, _number(parameters, "event"))
    return Download(f"{found.event_id}.json", "application/json", found.canonical)


def _consistency(desk: Desk, parameters: Parameters) -> Download:
    shown = log.consistency(desk.snapshot, _number(parameters, "from"), _size(parameters, "to"))
    content = {
        "from": shown.old_size,
        "from_root": to_base64(shown.old_root),
        "to": shown.new_size,
        "to_root": to_base64(shown.new_root),
        "proof": [to_base64(each) for each in shown.hashes],
    }
    return Download("consistency.json", "application/json", json.dumps(content).encode())


def _number(parameters: Parameters, name: str) -> int:
    text = given(parameters, name)
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= NUMBER_MAX):
        raise ParameterUnusable(name=name, expected="0, 1, 2, …", got=text)
    return int(text)


def _size(parameters: Parameters, name: str) -> int | None:
    return _number(parameters, name) if name in parameters else None
