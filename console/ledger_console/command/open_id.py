"""The OpenID provider that the environment names; secrets come in files only."""

from __future__ import annotations

import os
from pathlib import Path

from ledger_console.command.output import read_bytes
from ledger_graphql.open_id import OpenId

ISSUER_VARIABLE = "PARKLEDGER_OPEN_ID_ISSUER"
CLIENT_VARIABLE = "PARKLEDGER_OPEN_ID_CLIENT"
SECRET_FILE_VARIABLE = "PARKLEDGER_OPEN_ID_SECRET_FILE"  # noqa: S105 - the name of a variable
AUDIENCE_VARIABLE = "PARKLEDGER_OPEN_ID_AUDIENCE"


def open_id_of_environment() -> OpenId | None:
    """The provider, if the environment names one. Raises ``ProviderUnusable``, ``FileNotReadable``."""
    issuer = os.environ.get(ISSUER_VARIABLE)
    if not issuer:
        return None
    secret_file = os.environ.get(SECRET_FILE_VARIABLE)
    secret = read_bytes(Path(secret_file)).decode().strip() if secret_file else ""
    return OpenId(issuer, os.environ.get(CLIENT_VARIABLE, ""), secret, os.environ.get(AUDIENCE_VARIABLE, ""))
