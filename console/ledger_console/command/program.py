"""The commands, in the groups in which the help shows them, and how the program ends."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import typer

from ledger.errors import LedgerError
from ledger_console.command import (
    agreements,
    bundles,
    certified,
    commitments,
    exports,
    fsck,
    indicators,
    interrupts,
    national,
    papers,
    payments,
    reconciliations,
    resources,
    results,
    returns,
    sealed,
    serve,
    simulations,
    vouchers,
    worklists,
    zones,
)
from ledger_console.command.accounts import account_commands
from ledger_console.command.changes import change_commands
from ledger_console.command.log import log_commands
from ledger_console.command.output import tell, tell_unexpected
from ledger_console.command.pairings import pairing_commands
from ledger_console.command.reviews import review_commands
from ledger_console.command.rules import rules
from ledger_console.command.settlement import settlement
from ledger_console.command.witness import witness_commands

EXIT_REFUSED = 2
"""The ledger refused, or the command was written wrongly; nothing was changed."""
EXIT_STOPPED = 130
"""Ctrl-C, as shells count it."""

PANELS: dict[str, dict[str, Callable[..., None]]] = {
    "运行 Running": {
        "start": serve.start,
        "stop": serve.stop,
        "status": serve.status,
        "migrate": serve.migrate_tables,
        "fsck": fsck.check,
    },
    "协议 Agreements": {
        "agreements": agreements.list_agreements,
        "agreement": agreements.show_agreement,
        "events": agreements.list_events,
        "sign": agreements.sign,
        "simulate": simulations.simulate,
        "zones": agreements.list_zones,
        "zone": zones.zone,
        "zone-counts": zones.zone_counts,
    },
    "申报 Returns": {
        "template": returns.template,
        "import": returns.import_return,
        "reconcile": reconciliations.reconcile,
        "seal": sealed.seal,
        "worklist": worklists.worklist,
        "commitments": commitments.due_commitments,
        "resources": resources.shared_resources,
    },
    "结算 Settlement": {
        "preview": results.preview,
        "close": results.close,
        "quarter": national.quarter,
        "statement": papers.statement,
        "check-statement": papers.check_statement,
        "zone-statement": papers.zone_statement,
        "journal": papers.journal,
        "indicators": indicators.indicator_table,
        "plan": indicators.plan,
        "explain": results.explain,
        "balances": results.balances,
        "export": exports.export,
        "arrears": payments.arrears,
    },
    "存证 Evidence": {
        "bundle": bundles.bundle,
        "excerpt": bundles.excerpt,
        "verify": bundles.verify,
    },
}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs one command and exits: 0 done, 2 refused, 3 done for some (``quarter``), 130 stopped, else 1.

    1 is anything unforeseen, or a "no".
    """
    sys.excepthook = tell_unexpected
    _accept_any_terminal()
    try:
        typer.main.get_command(_program())(arguments, prog_name="parkledger")
    except LedgerError as error:
        tell(error)
        sys.exit(EXIT_REFUSED)
    except Exception as error:
        if not interrupts.caused(error):
            raise
        sys.exit(EXIT_STOPPED)
    sys.exit(0)


def _program() -> typer.Typer:
    program = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        help="Parkledger, the shared ledger of paired science parks. 园区合作账本。",
    )
    for panel, commands in PANELS.items():
        for name, command in commands.items():
            program.command(name, rich_help_panel=panel)(command)
    program.add_typer(account_commands, name="accounts", rich_help_panel="运行 Running")
    program.add_typer(certified.returns, name="returns", rich_help_panel="申报 Returns")
    program.add_typer(settlement, name="settlement", rich_help_panel="结算 Settlement")
    program.add_typer(payments.payment_commands, name="payments", rich_help_panel="结算 Settlement")
    program.add_typer(change_commands, name="changes", rich_help_panel="结算 Settlement")
    program.add_typer(pairing_commands, name="pairing", rich_help_panel="评估 Review")
    program.add_typer(review_commands, name="review", rich_help_panel="评估 Review")
    program.add_typer(vouchers.voucher_commands, name="voucher", rich_help_panel="创新券 Vouchers")
    program.add_typer(rules, name="rules", rich_help_panel="规则 Rules")
    program.add_typer(log_commands, name="log", rich_help_panel="存证 Evidence")
    program.add_typer(witness_commands, name="witness", rich_help_panel="存证 Evidence")
    return program


def _accept_any_terminal() -> None:
    """A terminal that can't show Chinese gets question marks instead of a failure."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
