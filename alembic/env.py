"""Runs migrations on the connection that `ledger_schema.migrate` hands over, one transaction each."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from ledger_schema.tables import metadata


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is None:
    raise SystemExit("Migrations run through `parkledger migrate` or ledger_schema.migrate.")
run(given)
