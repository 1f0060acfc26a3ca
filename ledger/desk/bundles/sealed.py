"""The events of a bundle, once their places in the log are verified: who says what, and by which key."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ledger.desk.acts import EVENT_FORMATS
from ledger.errors import LedgerError
from ledger.evidence import checkpoints
from ledger.evidence.bundles import BundleWrong, Logged, sentences, verify_place
from ledger.evidence.checkpoints import Checkpoint, cosigner_key, cosigner_name
from ledger.evidence.notes import Note, Signature, VerifierKey
from ledger.evidence.signatures import is_signed

UNREADABLE = (
    LedgerError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What reading something that has another form than it should can raise."""


@contextmanager
def about(path: str) -> Iterator[None]:
    """While it lasts, whatever can't be read is wrong at ``path``. Raises ``BundleWrong``."""
    try:
        yield
    except BundleWrong:
        raise
    except UNREADABLE as error:
        raise BundleWrong(path, *sentences(error)) from error


def require_same(path: str, expected: object, got: object) -> None:
    """Raises ``BundleWrong`` unless both are the same."""
    if expected != got:
        raise BundleWrong(path, f"应为 {expected}，实际为 {got}", f"expected {expected}, but got {got}")


def require_one_of(path: str, expected: Collection[str], got: str) -> None:
    """Raises ``BundleWrong`` unless it is one of those expected."""
    if got not in expected:
        listed = ", ".join(sorted(expected))
        raise BundleWrong(
            path, f"应为 {listed} 之一，实际为 {got}", f"expected one of {listed}, but got {got}"
        )


def whole(text: str) -> int:
    """The whole number in its one written form. Raises ``ValueError``."""
    number = int(text)
    if str(number) != text:
        raise ValueError(text)
    return number


# --- events -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event that the log holds as leaf ``leaf``; ``path`` is its place in the bundle."""

    path: str
    leaf: int
    kind: str
    agreement: str | None
    data: Mapping[str, Any]

    def has(self, kind: str, wanted: Mapping[str, object]) -> bool:
        return self.kind == kind and all(self.data.get(name) == value for name, value in wanted.items())


@dataclass(frozen=True, slots=True)
class SealedEvents:
    """Events in the order of the log."""

    listed: Sequence[SealedEvent]

    def all(self, kind: str, **wanted: object) -> list[SealedEvent]:
        """Those of the kind whose data say what is wanted."""
        return [one for one in self.listed if one.has(kind, wanted)]

    def only(self, path: str, kind: str, **wanted: object) -> SealedEvent:
        """The one event by which what stands at ``path`` is so. Raises ``BundleWrong``."""
        found = self.all(kind, **wanted)
        if len(found) != 1:
            named = ", ".join(f"{name} {value}" for name, value in wanted.items())
            raise BundleWrong(
                path,
                f"应有一个事件 {kind}（{named}），实际为 {len(found)} 个",
                f"expected one event {kind} ({named}), but there are {len(found)}",
            )
        return found[0]

    def before(self, leaf: int) -> SealedEvents:
        """Those that the log took earlier."""
        return SealedEvents([one for one in self.listed if one.leaf < leaf])


def sealed_events(bundle: Logged, checkpoint: Checkpoint) -> SealedEvents:
    """The file's events, each verified to be the leaf that it says to be. Raises ``BundleWrong``."""
    listed = []
    for place, logged in enumerate(bundle.events):
        path = f"events[{place}]"
        verify_place(logged, path, checkpoint)
        with about(path):
            content = json.loads(logged.event)
            require_one_of(path, EVENT_FORMATS, content["format"])
            kind, agreement, data = content["kind"], content["agreement"], dict(content["data"])
            listed.append(SealedEvent(f"{path} ({kind})", logged.leaf, kind, agreement, data))
    leaves = [one.leaf for one in listed]
    require_same("events", sorted(set(leaves)), leaves)
    return SealedEvents(listed)


# --- keys -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the person who checks trusts; what isn't given is taken from the bundle.

    ``party_keys`` by the party's code, 32 bytes each. ``cosigners`` are codes of parties that must have
    cosigned the checkpoint.
    """

    log_key: VerifierKey | None = None
    party_keys: Mapping[str, Collection[bytes]] = field(default_factory=dict)
    cosigners: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of parties: those that are trusted, else those that the log says were registered."""

    events: SealedEvents
    trusted: Mapping[str, Collection[bytes]]

    def of(self, party: str, before: int | None = None) -> set[bytes]:
        """The party's keys; with ``before`` only those registered by the time of this leaf."""
        events = self.events if before is None else self.events.before(before)
        registered = {
            bytes.fromhex(one.data["public_key"]) for one in events.all("key_registered", party=party)
        }
        return registered & set(self.trusted[party]) if party in self.trusted else registered

    def verify(self, signed: SealedEvent, party: str, content: bytes) -> None:
        """Raises ``BundleWrong`` unless the event holds a signature of the party over ``content``."""
        with about(signed.path):
            public_key = bytes.fromhex(signed.data["public_key"])
            if public_key not in self.of(party, signed.leaf):
                raise BundleWrong(
                    signed.path,
                    f"公钥 {public_key.hex()} 不是 {party} 的可信密钥",
                    f"the key {public_key.hex()} isn't a trusted one of {party}",
                )
            if not is_signed(public_key, bytes.fromhex(signed.data["signature"]), content):
                raise BundleWrong(
                    signed.path,
                    f"{party} 的签名与所签字节不符",
                    f"the signature of {party} isn't of these bytes",
                )


def verify_cosigners(
    note: Note, origin: str, log_key: VerifierKey, keys: Keys, parties: Iterable[str]
) -> list[str]:
    """The codes of the ``parties`` that cosigned; every line of the note must be true.

    Raises ``BundleWrong``.
    """
    path = "checkpoint"
    known = {
        party: [cosigner_key(cosigner_name(origin, party), each) for each in sorted(keys.of(party))]
        for party in parties
    }
    cosigned = []
    for signature in note.signatures:
        if signature.is_of(log_key):
            continue
        party, key = _cosigner(signature, known)
        with about(path):
            checkpoints.cosigned_at(note.text, signature, key)
        cosigned.append(party)
    return cosigned


def _cosigner(signature: Signature, known: Mapping[str, Sequence[VerifierKey]]) -> tuple[str, VerifierKey]:
    for party, keys in known.items():
        for key in keys:
            if signature.is_of(key):
                return party, key
    raise BundleWrong(
        "checkpoint",
        f"会签行 {signature.name} 不属于任何一方的可信密钥",
        f"the cosignature of {signature.name} is of no trusted key of a side",
    )
