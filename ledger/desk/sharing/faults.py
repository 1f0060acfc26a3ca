"""Why something isn't shared or booked."""

from __future__ import annotations

from ledger.errors import LedgerError


class ResourceRepeated(LedgerError):
    """The agreement has a shared resource of this code."""

    code = "RESOURCE_REPEATED"
    sentence_en = "The agreement shares a resource {resource} already. Choose another code."
    sentence_zh = "本合作协议已有编号为 {resource} 的共享资源，请另选编号。"


class ResourceWithdrawn(LedgerError):
    """The resource isn't offered any more."""

    code = "RESOURCE_WITHDRAWN"
    sentence_en = "The resource {resource} was withdrawn, so it can't be booked. Look for another one."
    sentence_zh = "共享资源 {resource} 已撤回，不能预约。请另选共享资源。"


class ResourceTaken(LedgerError):
    """An accepted booking takes some of the days."""

    code = "RESOURCE_TAKEN"
    sentence_en = "The resource {resource} is booked on {days} already. Choose days on which it is free."
    sentence_zh = "共享资源 {resource} 在 {days} 已被预约，请选择空闲日期。"


class BookingSettled(LedgerError):
    """The booking isn't in the state that the step needs."""

    code = "BOOKING_SETTLED"
    sentence_en = (
        "Booking {booking} of {resource} is {state}, so this can't be done. Ask for another booking."
    )
    sentence_zh = "共享资源 {resource} 的第 {booking} 号预约状态为{state}，不能执行此操作。请另行提出预约。"


class BookingOver(LedgerError):
    """The booking's last day has passed."""

    code = "BOOKING_OVER"
    sentence_en = (
        "The last day of booking {booking} of {resource} was {until_day}; nothing is left to decide. "
        "Ask for another booking."
    )
    sentence_zh = (
        "共享资源 {resource} 的第 {booking} 号预约已于 {until_day} 到期，无需再处理。如有需要请另行预约。"
    )
