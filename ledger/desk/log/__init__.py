"""The log: every event a leaf of one Merkle tree, whose signed heads are kept outside of the database too."""

from ledger.desk.log.cosigning import Close, Cosigner, closes, cosign_checkpoint
from ledger.desk.log.keeping import LogFiles
from ledger.desk.log.reading import (
    Consistency,
    Head,
    Inclusion,
    consistency,
    head,
    inclusion,
    published,
)
from ledger.desk.log.receipts import MERGE_DELAY_MAX, Receipt, receipt, receipts_of_act
from ledger.desk.log.sequencing import Sequencer, require_consistent, sequence

__all__ = [
    "MERGE_DELAY_MAX",
    "Close",
    "Consistency",
    "Cosigner",
    "Head",
    "Inclusion",
    "LogFiles",
    "Receipt",
    "Sequencer",
    "closes",
    "consistency",
    "cosign_checkpoint",
    "head",
    "inclusion",
    "published",
    "receipt",
    "receipts_of_act",
    "require_consistent",
    "sequence",
]
