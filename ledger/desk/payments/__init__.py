"""Payments: what a close makes payable, what is paid, netted or waived, and what is late."""

from ledger.desk.payments.standing import has_moved

__all__ = ["has_moved"]
