"""What an auditor should look at: a claim is flagged with its grounds, and never refused for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from ledger.desk.vouchers.programmes import RegisteredProgramme
from ledger.desk.vouchers.providers import Provider
from ledger.desk.vouchers.reading import Order
from ledger.evidence.canonical import Json
from ledger_schema.tables import (
    voucher,
    voucher_application,
    voucher_claim,
    voucher_order,
)

SPLIT_DAYS = 90
"""Orders of one enterprise with one provider for one service so close together may be one contract, split."""

MEANINGS: Mapping[str, tuple[str, str]] = {
    "provider_related": (
        "服务机构与申领企业的实际控制人相同。",
        "The provider has the same actual controller as the enterprise.",
    ),
    "same_controller": (
        "同一实际控制人的其他企业也使用该计划的创新券。",
        "Other enterprises of the same actual controller use vouchers of the programme.",
    ),
    "split_contracts": (
        f"同一企业在 {SPLIT_DAYS} 天内向同一服务机构就同一服务多次下单，可能拆分合同。",
        f"The enterprise ordered one service of one provider more than once within {SPLIT_DAYS} days.",
    ),
    "repeated_amounts": (
        "同一企业或同一实际控制人的企业曾以相同金额申请兑付。",
        "The same amount was claimed before for the enterprise, or one of the same actual controller.",
    ),
}
"""What each flag says, in Chinese and English."""


def flags_of(
    connection: Connection,
    programme: RegisteredProgramme,
    ordered: Order,
    provider: Provider,
    amount_minor: int,
) -> dict[str, dict[str, Json]]:
    """The flags of a claim that is about to be made, with their grounds."""
    flags: dict[str, dict[str, Json]] = {}
    own = ordered.voucher.application
    if own.controller is not None and own.controller == provider.controller:
        flags["provider_related"] = {"controller": own.controller}
    others = _other_claims(connection, programme, ordered)
    fellows = {row.enterprise_id for row in others if _is_fellow(row, ordered)}
    if fellows:
        flags["same_controller"] = {"enterprises": [str(one) for one in sorted(fellows)]}
    close = sorted({row.order_id for row in others if _is_close(row, ordered, provider)})
    if close:
        flags["split_contracts"] = {"orders": [str(one) for one in close]}
    repeated = [row.claim_id for row in others if row.amount_minor == amount_minor and row.claim_id]
    if repeated:
        flags["repeated_amounts"] = {"claims": [str(one) for one in repeated]}
    return flags


def _other_claims(connection: Connection, programme: RegisteredProgramme, ordered: Order) -> list[Row[Any]]:
    """Orders under the programme of the same group, each with its claims."""
    own, applied = ordered.voucher.application, voucher_application.c
    is_own = applied.enterprise_id == own.enterprise_id
    is_of_group = is_own if own.controller is None else applied.controller == own.controller
    return list(
        connection.execute(
            select(
                applied.enterprise_id,
                applied.controller,
                voucher_order.c.order_id,
                voucher_order.c.provider_id,
                voucher_order.c.service,
                voucher_order.c.day,
                voucher_claim.c.claim_id,
                voucher_claim.c.amount_minor,
            )
            .select_from(voucher_application)
            .join(voucher, voucher.c.application_id == applied.application_id)
            .join(voucher_order, voucher_order.c.voucher_id == voucher.c.voucher_id)
            .join(voucher_claim, voucher_claim.c.order_id == voucher_order.c.order_id, isouter=True)
            .where(
                applied.programme_id == programme.programme_id,
                is_of_group,
            )
            .order_by(voucher_claim.c.claim_id)
        )
    )


def _is_fellow(row: Row[Any], ordered: Order) -> bool:
    own = ordered.voucher.application
    return bool(row.enterprise_id != own.enterprise_id)


def _is_close(row: Row[Any], ordered: Order, provider: Provider) -> bool:
    return bool(
        row.enterprise_id == ordered.voucher.application.enterprise_id
        and row.order_id != ordered.order_id
        and (row.provider_id, row.service) == (provider.provider_id, ordered.service)
        and abs(row.day - ordered.day) <= timedelta(days=SPLIT_DAYS)
    )
