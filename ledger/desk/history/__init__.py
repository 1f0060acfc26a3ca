"""History: anything about a business period as it was known at a moment, and what changed it.

``differences``, ``drill``, ``search`` and ``exports`` are asked by their own names: they stand on rooms that
ask for balances themselves.
"""

from ledger.desk.history.figures import Balance, BalanceKey, Figure, balances, balances_page, figure

__all__ = ["Balance", "BalanceKey", "Figure", "balances", "balances_page", "figure"]
