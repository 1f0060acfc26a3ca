"""The command ``parkledger``: one module for each group of commands, put together in ``program``."""

from ledger_console.command.program import main

__all__ = ["main"]
