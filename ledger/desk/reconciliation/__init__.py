"""Reconciliation: two sides' returns compared line by line, and what people do about what differs."""

from ledger.desk.reconciliation.acting import (
    Lines,
    Person,
    accept,
    arbitrate,
    dispute,
    escalate,
    explain,
    propose,
    release,
    withhold,
    write,
)
from ledger.desk.reconciliation.ladder import Excepted, Key, apply_excepted
from ledger.desk.reconciliation.reading import (
    Compared,
    Item,
    Reconciliation,
    compared_roles,
    excepted,
    item,
    items,
    items_page,
    reconciliation,
)
from ledger.desk.reconciliation.waiting import reconciled_roles

__all__ = [
    "Compared",
    "Excepted",
    "Item",
    "Key",
    "Lines",
    "Person",
    "Reconciliation",
    "accept",
    "apply_excepted",
    "arbitrate",
    "compared_roles",
    "dispute",
    "escalate",
    "excepted",
    "explain",
    "item",
    "items",
    "items_page",
    "propose",
    "reconciled_roles",
    "reconciliation",
    "release",
    "withhold",
    "write",
]
