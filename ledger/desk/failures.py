"""Failures that several rooms of the desk share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ledger.errors import LedgerError
from ledger.rules.facts import Fault

Kind = Literal[
    "party",
    "zone",
    "agreement",
    "agreement version",
    "role",
    "quarter",
    "enterprise",
    "enterprise list",
    "occurrence",
    "commitment",
    "shared resource",
    "booking",
    "review",
    "return",
    "settlement",
    "reopening",
    "clause",
    "line",
    "reconciliation item",
    "document",
    "leg",
    "payment",
    "netting",
    "voucher programme",
    "voucher provider",
    "voucher application",
    "voucher",
    "voucher order",
    "voucher claim",
    "voucher clearing",
    "event",
    "checkpoint",
    "account",
    "token",
]

_KIND_ZH: dict[Kind, str] = {
    "party": "主体",
    "zone": "高新区",
    "agreement": "合作协议",
    "agreement version": "协议版本",
    "role": "角色",
    "quarter": "季度",
    "enterprise": "企业",
    "enterprise list": "企业名单",
    "occurrence": "协议事件",
    "commitment": "承诺",
    "shared resource": "共享资源",
    "booking": "预约",
    "review": "评估",
    "return": "申报表",
    "settlement": "结算",
    "reopening": "重新打开申请",
    "clause": "条款",
    "line": "明细行",
    "reconciliation item": "对账事项",
    "document": "文件",
    "leg": "应付款项",
    "payment": "收款",
    "netting": "轧差",
    "voucher programme": "创新券计划",
    "voucher provider": "服务机构",
    "voucher application": "创新券申请",
    "voucher": "创新券",
    "voucher order": "创新券订单",
    "voucher claim": "创新券兑付申请",
    "voucher clearing": "创新券清算",
    "event": "事件",
    "checkpoint": "检查点",
    "account": "账号",
    "token": "令牌",
}

FAULTS_TOLD_MAX = 20
"""Most faults in one sentence; the list of faults has them all."""

TEXT_LENGTH_MAX = 500
"""Longest name, title or label in characters."""


class NotFound(LedgerError):
    """Nothing of this kind bears this name, or the asker may not know that it does."""

    code = "NOT_FOUND"
    sentence_en = "There is no {kind} {name}{where_en}. Check the name, or list what there is."
    sentence_zh = "{where_zh}没有名为 {name} 的{kind_zh}。请核对名称，或先列出现有的{kind_zh}。"

    def __init__(self, kind: Kind, name: object, *, agreement: str | None = None) -> None:
        self.kind = kind
        self.name = str(name)
        super().__init__(
            kind=kind,
            kind_zh=_KIND_ZH[kind],
            name=str(name),
            where_zh="" if agreement is None else f"合作协议 {agreement} ",
            where_en="" if agreement is None else f" of the agreement {agreement}",
        )


class RequestRefused(LedgerError):
    """A request with faults; nothing of it was recorded. ``faults`` holds every one of them."""

    code = "REQUEST_REFUSED"
    sentence_en = "Nothing was recorded, because of {count} fault(s): {faults_en}"
    sentence_zh = "未记录任何内容，共有 {count} 处错误：{faults_zh}"

    def __init__(self, faults: Sequence[Fault]) -> None:
        told, more = faults[:FAULTS_TOLD_MAX], " …" if len(faults) > FAULTS_TOLD_MAX else ""
        super().__init__(
            count=len(faults),
            faults_en=" ".join(f"{fault.path}: {fault.message_en}" for fault in told) + more,
            faults_zh="".join(f"{fault.path}：{fault.message_zh}" for fault in told) + more,
        )
        self.faults = list(faults)


def refuse(faults: Sequence[Fault]) -> None:
    """Raises ``RequestRefused`` if there are any ``faults``."""
    if faults:
        raise RequestRefused(faults)


def text_faults(path: str, text: str) -> list[Fault]:
    """What is wrong with a name, title or label: it must be one printable line of 1 to 500 characters."""
    if text.isprintable() and text.strip() and len(text) <= TEXT_LENGTH_MAX:
        return []
    return [
        Fault(
            path,
            "TEXT_UNUSABLE",
            f"Expected one line of 1 to {TEXT_LENGTH_MAX} printable characters, but got {text[:40]!r}.",
            f"应为一行 1 至 {TEXT_LENGTH_MAX} 个可见字符，实际为 {text[:40]!r}。",
        )
    ]


def choice_faults(path: str, value: str, choices: Sequence[str]) -> list[Fault]:
    """What is wrong with a ``value`` that must be one of ``choices``."""
    if value in choices:
        return []
    listed = ", ".join(choices)
    return [
        Fault(
            path,
            "CHOICE_UNKNOWN",
            f"Expected one of {listed}, but got {value!r}.",
            f"应为 {listed} 之一，实际为 {value!r}。",
        )
    ]
