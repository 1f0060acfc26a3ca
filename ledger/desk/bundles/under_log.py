"""What comes first in checking any file: its checkpoint, the places of its events, and who cosigned."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import NamedTuple

from ledger.desk.bundles.materials import Agreed, agreed_in
from ledger.desk.bundles.sealed import (
    Keys,
    SealedEvents,
    Trust,
    about,
    sealed_events,
    verify_cosigners,
)
from ledger.evidence.bundles import BundleWrong, Logged, verify_checkpoint
from ledger.evidence.notes import VerifierKey
from ledger.rules.fields import Bilingual


class UnderLog(NamedTuple):
    """A file's events, each in its place under the checkpoint; whom they are of, and whose keys count."""

    events: SealedEvents
    agreed: Agreed
    keys: Keys


def verify_log(file: Logged, trust: Trust) -> Generator[Bilingual, None, UnderLog]:
    """Says of one check after the other what it found to be right. Raises ``BundleWrong``."""
    log_key = trust.log_key or _own_log_key(file)
    note, checkpoint = verify_checkpoint(file, log_key)
    yield _checkpoint_said(log_key, checkpoint.size, is_trusted=trust.log_key is not None)
    events = sealed_events(file, checkpoint)
    yield Bilingual(
        zh=f"事件：{len(events.listed)} 个，均在该检查点之下",
        en=f"Events: {len(events.listed)}, all of them under this checkpoint",
    )
    agreed = agreed_in(events)
    keys = Keys(events, trust.party_keys)
    parties = sorted(set(agreed.parties.values()))
    cosigned = verify_cosigners(note, checkpoint.origin, log_key, keys, parties)
    _require_cosigners(cosigned, trust)
    yield Bilingual(
        zh=f"会签：{'、'.join(cosigned) or '无'}", en=f"Cosigned by: {', '.join(cosigned) or 'nobody'}"
    )
    return UnderLog(events, agreed, keys)


def keys_said(agreed: Agreed, trust: Trust) -> Bilingual:
    """Whose keys were given by the person who checks, and whose were taken from the file."""
    parties = {agreed.parties[role] for role in agreed.signing}
    given, taken = sorted(parties & set(trust.party_keys)), sorted(parties - set(trust.party_keys))
    return Bilingual(
        zh=f"各方公钥：由您指定：{'、'.join(given) or '无'}；取自文件：{'、'.join(taken) or '无'}",
        en=f"Keys of parties: as you gave them: {', '.join(given) or 'none'}; "
        f"taken from the file: {', '.join(taken) or 'none'}",
    )


def _own_log_key(file: Logged) -> VerifierKey:
    with about("log_key"):
        return VerifierKey.parse(file.log_key)


def _require_cosigners(cosigned: Sequence[str], trust: Trust) -> None:
    missing = sorted(set(trust.cosigners) - set(cosigned))
    if missing:
        listed = ", ".join(missing)
        raise BundleWrong("checkpoint", f"缺少会签：{listed}", f"the cosignatures of {listed} are missing")


def _checkpoint_said(log_key: VerifierKey, size: int, *, is_trusted: bool) -> Bilingual:
    zh, en = ("由您指定", "as you gave it") if is_trusted else ("取自文件", "taken from the file")
    return Bilingual(
        zh=f"检查点：{size} 个叶子，由日志 {log_key.name} 签名（公钥{zh}：{log_key}）",
        en=f"Checkpoint: {size} leaves, signed by the log {log_key.name} (key {en}: {log_key})",
    )
