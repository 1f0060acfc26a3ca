"""Certifying: a second person of the same role stands by a return that the first one handed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert

from ledger.desk.acts import Act, Done, Recorder, perform
from ledger.desk.agreements import hold_open_quarter
from ledger.desk.failures import refuse
from ledger.desk.people import is_same_person, person_faults
from ledger.desk.returns.reading import Filing, filing
from ledger.desk.returns.slots import queue_on_return
from ledger.errors import LedgerError
from ledger.periods import Quarter
from ledger_schema.sessions import Database
from ledger_schema.tables import filing_certification


class ReturnOfOtherRole(LedgerError):
    """A return is certified by a person of the role that handed it in."""

    code = "RETURN_OF_OTHER_ROLE"
    sentence_en = "The return is of the role {expected}, but {got} was to certify it. Only {expected} can."
    sentence_zh = "该申报表属于角色 {expected}，不能由 {got} 复核。请由 {expected} 复核。"


class ReturnOvertaken(LedgerError):
    """A newer return was handed in; only the newest can be certified."""

    code = "RETURN_OVERTAKEN"
    sentence_en = (
        "Return no. {sequence} of {role} for {quarter} was overtaken by a newer one. "
        "Look at the newest and certify that one."
    )
    sentence_zh = "{role} 的 {quarter} 第 {sequence} 次申报已有更新的申报。请查看并复核最新的申报。"


class ReturnAlreadyCertified(LedgerError):
    """Once is enough."""

    code = "RETURN_ALREADY_CERTIFIED"
    sentence_en = "The return has been certified by {person} already. Nothing is left to do."
    sentence_zh = "该申报表已由 {person} 复核，无需再次复核。"


class ReturnBookedBefore(LedgerError):
    """The quarter in which the return was booked has closed."""

    code = "RETURN_BOOKED_BEFORE"
    sentence_en = (
        "The return was booked in {booked}, which has closed. Hand it in again: it will be booked in the "
        "open quarter ({open}) and can be certified there."
    )
    sentence_zh = "该申报表入账于 {booked}，该季度已关账。请重新申报，计入未结季度（{open}）后再复核。"


class MakerUnknown(LedgerError):
    """The return was handed in when nobody was asked for a name."""

    code = "MAKER_UNKNOWN"
    sentence_en = (
        "The return doesn't say who handed it in, so nobody can certify it as a second person. "
        "Hand in a correction with the name of a person if it is to be certified."
    )
    sentence_zh = "该申报表未载明经办人，无法由第二人复核。如需复核，请填写经办人姓名提交更正申报。"


class MakerCertifies(LedgerError):
    """Maker and checker must be different people."""

    code = "MAKER_CERTIFIES"
    sentence_en = "{person} handed the return in, so somebody else of the same role must certify it."
    sentence_zh = "该申报表由 {person} 经办，须由同一角色的另一人复核。"


def certify_return(
    database: Database, act: Act, agreement_id: int, filing_id: int, role: str, person: str
) -> Done[Filing]:
    """``person`` of the ``role`` that handed the return in certifies it; returns it as it is then.

    Raises ``RequestRefused``, ``NotFound``, ``ReturnOfOtherRole``, ``ReturnOvertaken``,
    ``ReturnAlreadyCertified``, ``MakerUnknown``, ``ReturnBookedBefore``, ``MakerCertifies``.
    """
    refuse(person_faults("person", person))

    def work(connection: Connection, record: Recorder) -> Mapping[str, Any]:
        about = filing(connection, agreement_id, filing_id)
        open_now = hold_open_quarter(connection, agreement_id)
        queue_on_return(connection, agreement_id, about.role, about.quarter)
        found = filing(connection, agreement_id, filing_id)
        maker = _maker_to_certify(found, open_now, role, person)
        _certify(connection, record, found, maker, person)
        return {"filing": str(filing_id)}

    request = {"agreement": str(agreement_id), "filing": str(filing_id), "role": role, "person": person}
    done = perform(database, act, "certify_return", request, work)
    with database.reading() as connection:
        return Done(filing(connection, agreement_id, filing_id), done.replayed)


def _maker_to_certify(found: Filing, open_now: Quarter | None, role: str, person: str) -> str:
    """Who handed the return in, if ``person`` may certify it."""
    if found.role != role:
        raise ReturnOfOtherRole(expected=found.role, got=role)
    if not found.is_newest:
        raise ReturnOvertaken(sequence=found.sequence, role=found.role, quarter=found.quarter)
    if found.certified_by is not None:
        raise ReturnAlreadyCertified(person=found.certified_by)
    if found.person is None:
        raise MakerUnknown()
    if found.booked_quarter != open_now:
        raise ReturnBookedBefore(booked=found.booked_quarter, open=open_now or "-")
    if is_same_person(found.person, person):
        raise MakerCertifies(person=found.person)
    return found.person


def _certify(connection: Connection, record: Recorder, certified: Filing, maker: str, person: str) -> None:
    event_id = record(
        "return_certified",
        {
            "filing": str(certified.filing_id),
            "role": certified.role,
            "quarter": str(certified.quarter),
            "booked_quarter": str(certified.booked_quarter),
            "sequence": certified.sequence,
            "content_hash": certified.content_hash.hex(),
            "lines_hash": certified.lines_hash.hex(),
            "maker": maker,
            "person": person,
        },
        certified.agreement_id,
    )
    connection.execute(
        insert(filing_certification).values(
            agreement_id=certified.agreement_id,
            booked_quarter=certified.booked_quarter.code,
            filing_id=certified.filing_id,
            maker=maker,
            person=person,
            event_id=event_id,
        )
    )
