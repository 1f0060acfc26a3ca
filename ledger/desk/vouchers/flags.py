"""What an auditor should look at: a claim is flagged with its grounds, and never refused for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger.desk.vouchers.providers import Provider
from ledger.desk.vouchers.reading import Application, Group, Order
from ledger.evidence.canonical import Json

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
    others: Sequence[Row[Any]], ordered: Order, provider: Provider, amount_minor: int
) -> dict[str, dict[str, Json]]:
    """The flags of a claim that is about to be made, with their grounds; ``others`` are ``other_claims``."""
    flags: dict[str, dict[str, Json]] = {}
    own = ordered.voucher.application
    if own.controller is not None and own.controller == provider.controller:
        flags["provider_related"] = {"controller": own.controller}
    fellows = {row.enterprise_id for row in others if row.enterprise_id != own.enterprise_id}
    if fellows:
        flags["same_controller"] = {"enterprises": [str(one) for one in sorted(fellows)]}
    close = sorted({row.order_id for row in others if _is_close(row, ordered, provider)})
    if close:
        flags["split_contracts"] = {"orders": [str(one) for one in close]}
    repeated = [row.claim_id for row in others if row.amount_minor == amount_minor and row.claim_id]
    if repeated:
        flags["repeated_amounts"] = {"claims": [str(one) for one in repeated]}
    return flags


def other_claims(connection: Connection, own: Collection[Application]) -> dict[Group, list[Row[Any]]]:
    """Orders of each application's group under its programme, each with its claims, by claim."""
    found: dict[Group, list[Row[Any]]] = {one.group: [] for one in own}
    of_groups = {one.group: one for one in own}
    columns = {
        "programme_ids": [group.programme_id for group in of_groups],
        "names": [group.name for group in of_groups],
        "enterprise_ids": [one.enterprise_id for one in of_groups.values()],
        "controllers": [one.controller for one in of_groups.values()],
    }
    for row in connection.execute(_OTHER_CLAIMS, columns):
        found[Group(row.programme_id, row.name)].append(row)
    return found


_OTHER_CLAIMS = text("""
    WITH asked AS (
        SELECT * FROM unnest(
            cast(:programme_ids AS bigint[]), cast(:names AS text[]),
            cast(:enterprise_ids AS bigint[]), cast(:controllers AS text[])
        ) AS asked (programme_id, name, enterprise_id, controller)
    ), applied AS (
        SELECT application_id, asked.programme_id, name, one.enterprise_id
        FROM asked JOIN voucher_application AS one USING (programme_id, enterprise_id)
        WHERE asked.controller IS NULL
        UNION ALL
        SELECT application_id, asked.programme_id, name, one.enterprise_id
        FROM asked JOIN voucher_application AS one USING (programme_id, controller)
    )
    SELECT applied.programme_id, name, enterprise_id, order_id, provider_id, service, ordered.day,
        claim_id, claimed.amount_minor
    FROM applied JOIN voucher USING (application_id) JOIN voucher_order AS ordered USING (voucher_id)
        LEFT JOIN voucher_claim AS claimed USING (order_id)
    ORDER BY claim_id
""")


def _is_close(row: Row[Any], ordered: Order, provider: Provider) -> bool:
    return bool(
        row.enterprise_id == ordered.voucher.application.enterprise_id
        and row.order_id != ordered.order_id
        and (row.provider_id, row.service) == (provider.provider_id, ordered.service)
        and abs(row.day - ordered.day) <= timedelta(days=SPLIT_DAYS)
    )
