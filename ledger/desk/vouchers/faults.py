"""What can be the matter with programmes, providers, vouchers and claims."""

from __future__ import annotations

from ledger.errors import LedgerError


class ProgrammeNotInForce(LedgerError):
    """A programme works once every signing role confirmed it, while the agreement's terms are in force."""

    code = "PROGRAMME_NOT_IN_FORCE"
    sentence_en = (
        "The voucher programme {programme} doesn't hold on {day}: it must be confirmed by {signing}, and its "
        "agreement's terms must be in force."
    )
    sentence_zh = "创新券计划 {programme} 在 {day} 未生效：须由 {signing} 确认，且协议条款已生效。"


class ProgrammeConfirmed(LedgerError):
    """The role has confirmed, or registered, the programme."""

    code = "PROGRAMME_CONFIRMED"
    sentence_en = "The role {role} has confirmed the programme {programme} already. Nothing is left to do."
    sentence_zh = "角色 {role} 已确认创新券计划 {programme}，无需再次确认。"


class NameTaken(LedgerError):
    """A programme's code, or a provider's credit code, is given once."""

    code = "VOUCHER_NAME_TAKEN"
    sentence_en = "{name} is registered already. Look at what there is, or choose another code."
    sentence_zh = "{name} 已登记。请查看现有记录，或另选代码。"


class NotEligible(LedgerError):
    """Vouchers are for enterprises of the agreement's confirmed list that meet a clause's conditions."""

    code = "VOUCHER_NOT_ELIGIBLE"
    sentence_en = (
        "The enterprise {credit_code} can't have vouchers of {programme}: it must be on the confirmed list "
        "of the agreement and meet the conditions of one of the programme's clauses."
    )
    sentence_zh = (
        "企业 {credit_code} 不能申领 {programme} 的创新券：须在协议已确认的企业名单内，且符合计划条款的条件。"
    )


class BudgetShort(LedgerError):
    """What a voucher may cost each payer is set aside when it is issued; there isn't enough."""

    code = "VOUCHER_BUDGET_SHORT"
    sentence_en = (
        "The budget of {role} from {starts} has {open} yuan left, less than the {amount} yuan to set aside. "
        "Issue less, or wait for a voucher to end."
    )
    sentence_zh = (
        "{role} 自 {starts} 起的预算仅余 {open} 元，少于需预留的 {amount} 元。请减少发放，或待其他券失效。"
    )


class VoucherUnusable(LedgerError):
    """A voucher is good from its issue to its last day, until it is used up or ended."""

    code = "VOUCHER_UNUSABLE"
    sentence_en = (
        "The voucher {voucher} can't be used on {day}: it is good from {first} to {last}, has {left} yuan "
        "left and its state is {state}."
    )
    sentence_zh = (
        "创新券 {voucher} 在 {day} 不可使用：有效期为 {first} 至 {last}，余额 {left} 元，状态为 {state}。"
    )


class ProviderNotRecognised(LedgerError):
    """On the day a party of the agreement must certify the provider for the service, and none suspend it."""

    code = "PROVIDER_NOT_RECOGNISED"
    sentence_en = (
        "{provider} isn't recognised for {service} by {programme} on {day}: it must be in one of its "
        "zones and certified for the service by a party of the agreement. Search for providers that are."
    )
    sentence_zh = (
        "{programme} 在 {day} 不认可 {provider} 提供 {service}：须位于计划的高新区之一，"
        "且由协议一方认证该服务。请检索已认可的服务机构。"
    )


class EvidenceUsed(LedgerError):
    """A receipt and a line of a contract are good for one claim, anywhere and ever."""

    code = "EVIDENCE_USED"
    sentence_en = (
        "The {kind} {number} of {issuer} was used for a claim before. Each is good once; bring another."
    )
    sentence_zh = "{issuer} 的 {kind} {number} 已用于其他兑付申请。每份凭证只能使用一次。"


class OrderExceeded(LedgerError):
    """The claims of an order don't exceed its price."""

    code = "ORDER_EXCEEDED"
    sentence_en = "The order {order} has {left} yuan left to claim on, less than {amount} yuan."
    sentence_zh = "订单 {order} 尚可申请 {left} 元，少于 {amount} 元。"


class ServiceNotDone(LedgerError):
    """A claim follows the service."""

    code = "SERVICE_NOT_DONE"
    sentence_en = "The service of the order {order} isn't reported as done by {day}. Report it first."
    sentence_zh = "截至 {day} 订单 {order} 的服务尚未登记完成。请先登记服务完成。"


class ServiceDone(LedgerError):
    """The service of an order is reported once."""

    code = "SERVICE_DONE"
    sentence_en = "The service of the order {order} is reported as done already. Nothing is left to do."
    sentence_zh = "订单 {order} 的服务已登记完成，无需再次登记。"


class ClaimInOtherState(LedgerError):
    """The act isn't possible in the state that the claim is in."""

    code = "CLAIM_STATE"
    sentence_en = "The claim {claim} is {state}. This needs one that is {needed}."
    sentence_zh = "兑付申请 {claim} 的状态为 {state}，此操作要求为 {needed}。"


class ClaimsWaiting(LedgerError):
    """A voucher doesn't end while a claim on it isn't decided."""

    code = "CLAIMS_WAITING"
    sentence_en = "Claims on the voucher {voucher} wait to be decided. Decide them first."
    sentence_zh = "创新券 {voucher} 尚有未核定的兑付申请。请先核定。"


class MoreThanApproved(LedgerError):
    """No more can be recovered from a claim than is left of what it was granted."""

    code = "MORE_THAN_APPROVED"
    sentence_en = "Of the claim {claim} {kept} yuan are left, less than {amount} yuan."
    sentence_zh = "兑付申请 {claim} 核定金额尚余 {kept} 元，少于 {amount} 元。"


class ClearingNotAgreed(LedgerError):
    """A clause must say to whom a payer pays what it bears, and for programmes of one home zone only."""

    code = "CLEARING_NOT_AGREED"
    sentence_en = (
        "The terms in force for {quarter} must have a clause on {measure}, reported by {role}, and the "
        "programmes behind it must be of one home role. Amend the terms."
    )
    sentence_zh = (
        "{quarter} 有效的条款应有由 {role} 申报 {measure} 的条款，且相关计划须属同一使用方。请修订条款。"
    )
