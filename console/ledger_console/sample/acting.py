"""How the sample acts: under keys that begin with ``sample/``, and with demo keys where it signs."""

from __future__ import annotations

from ledger.desk.acts import Act
from ledger.desk.roster import register_key
from ledger_console.sample.demo_keys import LABEL, DemoKeys
from ledger_schema.sessions import Database

ACTOR = "sample"


def act(name: str) -> Act:
    """The act about ``name``: done again, it is a replay."""
    return Act(key=f"sample/{name}", actor=ACTOR)


def registered_key(database: Database, keys: DemoKeys, party_code: str) -> bytes:
    """The party's public demo key, 32 bytes, which the ledger knows from now on."""
    public_key = keys.public_key(party_code)
    register_key(database, act(f"key/{party_code}/{public_key.hex()}"), party_code, public_key, LABEL)
    return public_key
