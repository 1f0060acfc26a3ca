"""What can be the matter with payments, matches, waivers and nettings."""

from __future__ import annotations

from ledger.errors import LedgerError
from ledger.rules.facts import Fault

PERSON_LENGTH_MAX = 60


class PaymentLineKnown(LedgerError):
    """A line of the payer's account was recorded before; one line is one payment."""

    code = "PAYMENT_LINE_KNOWN"
    sentence_en = (
        "The line {reference} of the account {account} of {payer} was recorded already. "
        "If it is another payment, give its own reference."
    )
    sentence_zh = "{payer} 账户 {account} 的流水 {reference} 已登记。若为另一笔付款，请填写其自身的流水号。"


class NotThePayee(LedgerError):
    """What a payment is for, what is waived and what interest is charged is the payee's to say."""

    code = "NOT_THE_PAYEE"
    sentence_en = "It is paid to {payee}, so that this is {payee}'s to do, not that of {party}."
    sentence_zh = "收款方为 {payee}，此操作应由 {payee} 而非 {party} 办理。"


class LegUnsuited(LedgerError):
    """A payment pays a leg of the same payer, payee and commodity, in the leg's form."""

    code = "LEG_UNSUITED"
    sentence_en = (
        "The payment can't pay the leg {leg}: payer, payee and commodity must be the leg's, and a leg of the "
        "form {form} isn't paid by {channel}. Choose another leg."
    )
    sentence_zh = (
        "该笔付款不能冲销应付款项 {leg}：付款方、收款方和币种须一致，且“{form}”形式不以“{channel}”支付。"
        "请另选款项。"
    )


class MoreThanOpen(LedgerError):
    """A leg can't be cleared by more than what is open."""

    code = "MORE_THAN_OPEN"
    sentence_en = "Of the leg {leg} only {open} is open, less than {amount}. Look at it again."
    sentence_zh = "应付款项 {leg} 仅余 {open} 未清，少于 {amount}。请重新查看。"


class MoreThanPaid(LedgerError):
    """A payment can't be used for more than what is left of it."""

    code = "MORE_THAN_PAID"
    sentence_en = "Of the payment {reference} only {rest} is left, less than {amount}. Look at it again."
    sentence_zh = "付款 {reference} 仅余 {rest} 未匹配，少于 {amount}。请重新查看。"


class ActSignatureWrong(LedgerError):
    """The signature isn't the key's over exactly the bytes that stand for the act now."""

    code = "ACT_SIGNATURE_WRONG"
    sentence_en = (
        "This isn't an Ed25519 signature by the key {public_key} of the bytes with SHA-256 {content_hash}. "
        "Something may have changed since they were shown: ask for the bytes again and sign exactly those."
    )
    sentence_zh = (
        "这不是密钥 {public_key} 对 SHA-256 为 {content_hash} 的字节的 Ed25519 签名。"
        "自展示以来情况可能已变化：请重新获取待签字节并原样签名。"
    )


class NothingToNet(LedgerError):
    """Between the parties there aren't amounts in a circle that may be netted on the day."""

    code = "NOTHING_TO_NET"
    sentence_en = (
        "Between {parties} nothing can be netted on {day}: there must be open legs both ways whose terms "
        "allow it and that are neither overdue nor in dispute. Pay them instead."
    )
    sentence_zh = (
        "{parties} 之间在 {day} 没有可轧差的款项：须有双向未清、条款允许且未逾期、无争议的款项。请直接支付。"
    )


class NettingStale(LedgerError):
    """A leg of the netting was paid, waived, netted or disputed since it was proposed."""

    code = "NETTING_STALE"
    sentence_en = (
        "The leg {leg} has changed or is in dispute since the netting was proposed. "
        "Propose a new netting and sign that one."
    )
    sentence_zh = "应付款项 {leg} 自提出轧差以来已变化或有争议。请重新提出轧差并签署。"


class NettingSigned(LedgerError):
    """The party has signed; nothing is left to do for it."""

    code = "NETTING_SIGNED"
    sentence_en = "{party} has signed this netting already. Nothing is left to do for it."
    sentence_zh = "{party} 已签署该轧差，无需再次签署。"


class NotOfNetting(LedgerError):
    """Only the parties of a netting sign it."""

    code = "NOT_OF_NETTING"
    sentence_en = "{party} isn't a party of this netting. Those who sign: {parties}."
    sentence_zh = "{party} 不是该轧差的当事方。签署方为：{parties}。"


class NotLate(LedgerError):
    """No month of interest has begun that isn't charged yet."""

    code = "NO_INTEREST_DUE"
    sentence_en = "On {day} the leg {leg} bears no interest that isn't charged yet."
    sentence_zh = "截至 {day}，应付款项 {leg} 没有尚未计收的利息。"


class NotOfLeg(LedgerError):
    """Only who pays a leg or is paid can object to it."""

    code = "NOT_OF_LEG"
    sentence_en = "{party} neither pays the leg {leg} nor is paid. Objections are theirs who do."
    sentence_zh = "{party} 既非应付款项 {leg} 的付款方也非收款方。只有双方可提出异议。"


class NothingOpen(LedgerError):
    """There is nothing left of the leg to object to."""

    code = "NOTHING_OPEN"
    sentence_en = "Nothing is open of the leg {leg}, so that there is nothing to object to."
    sentence_zh = "应付款项 {leg} 已结清，无可异议。"


class ObjectionStands(LedgerError):
    """An objection to the leg stands already."""

    code = "OBJECTION_STANDS"
    sentence_en = "An objection of {party} to the leg {leg} stands already. It can be withdrawn."
    sentence_zh = "{party} 对应付款项 {leg} 的异议尚未撤回。可先撤回。"


class NoObjection(LedgerError):
    """There is no objection of this party to withdraw."""

    code = "NO_OBJECTION"
    sentence_en = "No objection of {party} to the leg {leg} stands. Whoever objected withdraws it."
    sentence_zh = "{party} 对应付款项 {leg} 没有有效的异议。异议由提出方撤回。"


def person_faults(path: str, person: str) -> list[Fault]:
    """What is wrong with the name of an acting person."""
    if person.isprintable() and person.strip() and len(person) <= PERSON_LENGTH_MAX:
        return []
    return [
        Fault(
            path,
            "PERSON_UNUSABLE",
            f"Expected the person's name, 1 to {PERSON_LENGTH_MAX} printable characters, "
            f"but got {person[:PERSON_LENGTH_MAX]!r}.",
            f"应填写经办人姓名，1 至 {PERSON_LENGTH_MAX} 个可见字符，实际为 {person[:PERSON_LENGTH_MAX]!r}。",
        )
    ]
