"""One small ledger with rows in every table, made by what people do at the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from clearing_room import open_clearing_room, settle_cleared
from desk_fixtures import Document, Room, clause, enterprise, open_room
from payment_rooms import (
    PROCEDURE,
    RATE,
    beside,
    confirm,
    legs_of,
    object_to,
    pay,
    paying,
    propose,
    sign_netting,
    waive,
    withdraw,
)
from reconciliation_fixtures import HOST, ORIGIN, open_desk
from review_room import open_review_room
from sharing_room import open_sharing_room
from signing_room import open_signing_room
from sqlalchemy import text

from ledger.desk import documents, log, payments, returns, roster, sharing, vouchers
from ledger.desk.acts import Act
from ledger.desk.agreements import sides_of
from ledger.desk.documents import Subject
from ledger.desk.indicators import TargetDraft, record_target
from ledger.desk.log import LogFiles
from ledger.desk.returns import LineDraft
from ledger.desk.zones import ChangeDraft, ChangeKind, DivisionRole, PartKind, record_zone_change
from ledger.evidence import checkpoints
from ledger.evidence.canonical import digest
from ledger.evidence.checkpoints import cosigner_name
from ledger.evidence.commitments import commitment_of
from ledger.periods import Quarter, day_of
from ledger_schema.sessions import Database
from tests import account_room

MAKER, CHECKER = "张三", "李四"
CAP: Document = {
    "amount": "100.00",
    "over": "lifetime",
    "measured_on": "receipts",
    "capped": "origin",
    "excess_to": "host",
}
SEALED: Document = {
    "sealed": True,
    "certified": ["host"],
    "reconciliations": [{"record": "host", "against": "origin", "tolerances": [], "unanswered": "accepted"}],
    "calendar": {"submit_days": 15, "certify_days": 20, "sign_days": 40, "fund_days": 60},
}


@dataclass(frozen=True)
class World:
    """The ledger, and the files of its log."""

    database: Database
    files: LogFiles


def make_world(database: Database, folder: Path) -> World:
    """A ledger in which every table has rows, all of it logged in three heads, the last cosigned."""
    files = LogFiles(folder)
    roster.load_roster(database)
    log.sequence(database, files)
    parks = roster.PartyDraft("PARK-1", "park", "甲园", "made up", "Park A", "110000", "北京", "East", "Z-1")
    zone = roster.PartyDraft("Z-1", "zone", "丙区", "made up")
    for number, draft in enumerate((zone, parks)):
        roster.register_party(database, Act(f"register-{number}", "tester"), draft)
    _happened(database)
    account_room.fill(database, "Z-1")
    _reopened(database)
    log.sequence(database, files)
    _listed(database)
    _disputed(database)
    _sealed(database)
    _paid(database)
    _reviewed(database)
    _shared(database)
    _redeemed(database)
    room = _netted(database)
    head = log.sequence(database, files)
    assert head is not None
    name = cosigner_name(files.signer().name, room.roles["origin"])
    line = str(checkpoints.cosign(head.note.text, name, room.keys["origin"], 1_700_000_000))
    log.cosign_checkpoint(database, room.act(), room.roles["origin"], head.size, line)
    return World(database, files)


def _happened(database: Database) -> None:
    """What happens to zones, each kind of detail once, a mended mistake, and a target of a plan."""
    joined = {"division_code": "110108", "division_zh": "海淀区", "division_level": "district"}
    changes: list[tuple[str, ChangeKind, dict[str, Any]]] = [
        ("Z-1", ChangeKind.ADMITTED, {"level": "provincial"}),
        ("Z-1", ChangeKind.ADMITTED, {"level": "national", "replaces": 1}),
        ("Z-1", ChangeKind.RENAMED, {"name_zh": "丙新区", "name_en": "New zone C"}),
        ("Z-1", ChangeKind.PART_JOINED, {"other": "PARK-1", "part": PartKind.CORE_AREA}),
        ("Z-1", ChangeKind.DIVISION_JOINED, {**joined, "division_role": DivisionRole.RUN_BY}),
    ]
    for number, (code, kind, details) in enumerate(changes):
        change = ChangeDraft(code, kind, date(2020, 1, number + 1), "文件-1", **details)
        record_zone_change(database, Act(f"zone-{number}", "tester"), change)
    target = TargetDraft("Z-1", "head_count", 2025, "1000", "规划（虚构）")
    record_target(database, Act("target", "tester"), target)


def _reopened(database: Database) -> None:
    """A quarter that all signed, reopened and closed again, and another one after it."""
    room = open_signing_room(database, code="SIGNED")
    room.settle_signed("2024Q1", "100.00")
    room.reopen("2024Q1")
    room.settle_signed("2024Q1", "120.00")
    room.settle_signed("2024Q2", "10.00")
    with database.reading() as connection:
        holder = sides_of(connection, room.agreement_id)["host"].party_id
    kept = documents.keep_document(
        database, "合同.pdf", "application/pdf", b"%PDF made up", party_ids=[holder]
    ).value
    subject = Subject("agreement", room.agreement_id)
    documents.attach_document(database, room.act(), room.agreement_id, "origin", subject, "凭证-1", kept.hash)


def _listed(database: Database) -> None:
    """A year of a capped clause over listed enterprises, accruing till its end, corrected and amended."""
    listed = clause(
        whose={"scope": "listed_enterprises"},
        within={"caps": [CAP]},
        then={"provisional": "accrue", "negative": "refund", "netting": False},
    )
    room = open_room(database, listed, code="LISTED")
    one = enterprise(1, controller="甲集团")
    room.confirm_list(one, enterprise(2))
    room.happens("aid_fund_paid_in", date(2024, 2, 1))
    for number, quarter in enumerate(("2024Q1", "2024Q2", "2024Q3", "2024Q4"), start=1):
        for of_quarter in {quarter, "2024Q1"}:
            lines = [LineDraft(one.credit_code, "retained_tax", of_quarter, f"{number * 60}.00", "凭证-1")]
            room.hand_in_lines(of_quarter, lines)
        if quarter == "2024Q3":
            room.amend(listed | {"title": {"zh": "税收", "en": "Tax"}}, starts="2024Q2")
        room.close(quarter, room.compute(quarter))


def _disputed(database: Database) -> None:
    """A dispute that an arbiter decides, and an explained difference."""
    desk = open_desk(database, code="DISPUTED")
    desk.hand_in("2024Q1", "100.00", "150.00")
    number = desk.dispute("2024Q1", ORIGIN)
    desk.write(number, HOST)
    offer = desk.propose(number, ORIGIN, "140.00")
    assert offer
    desk.settle("2024Q1")
    desk.accept(number, HOST)
    desk.hand_in("2024Q2", "20.00", "30.00")
    desk.explain("2024Q2", HOST, "cut_off")
    desk.settle("2024Q2")


def _redeemed(database: Database) -> None:
    """Vouchers of a programme that audits what is flagged; one claim is recovered in part; all is cleared."""
    room = open_clearing_room(database, code="VOUCHERS", audit={"share": "0", "flagged": True})
    room.redeem(1, "100.00", face="150.00")
    flagged = room.redeem(1, "100.00")
    room.audit(flagged.claim_id, "80.00")
    room.recover(flagged.claim_id, "30.00")
    more = vouchers.IncreaseDraft(room.programme, "origin", 100, "追加预算文件", date(2024, 3, 1))
    vouchers.increase_budget(database, room.act(), more, "张三")
    vouchers.expire(database, room.act(), room.programme, date(2025, 1, 1))
    settle_cleared(room)


def _sealed(database: Database) -> None:
    """Returns of the running quarter: committed to, handed in by one person, certified by another."""
    with database.reading() as connection:
        quarter = Quarter.of(day_of(connection.execute(text("SELECT now()")).scalar_one()))
    room = open_room(database, starts=str(quarter), procedure=SEALED, code="SEALED")
    nonces = {"host": bytes(range(32)), "origin": bytes(range(32, 64))}
    content = (
        f"统一社会信用代码,指标,所属期,金额\n,retained_tax,{quarter},100.00\n合计,retained_tax,,100.00\n"
    ).encode()
    for role, nonce in nonces.items():
        commitment = commitment_of(digest(content), nonce)
        returns.commit(database, room.act(), room.agreement_id, role, quarter, commitment)
    for role, nonce in nonces.items():
        returns.hand_in_file(
            database,
            room.act(),
            room.agreement_id,
            role,
            quarter,
            f"{role}.csv",
            content,
            person=MAKER,
            nonce=nonce,
        )
    with database.reading() as connection:
        (handed_in, *_) = returns.filings(connection, room.agreement_id, quarter=quarter, role="host")
    returns.certify_return(database, room.act(), room.agreement_id, handed_in.filing_id, "host", CHECKER)


def _paid(database: Database) -> None:
    """Legs paid by reference, by confirmation and from a file; objected to, waived, late with interest."""
    room = open_room(database, paying(interest=RATE), procedure=PROCEDURE, code="PAID")
    room.settle("2024Q1", "1000.00")
    (leg,) = legs_of(room)
    pay(room, "100.00", purpose=leg.reference)
    payment_id = pay(room, "200.00")
    for amount in ("50.00", "60.00"):
        confirm(room, payment_id, (leg.leg_id, amount))
    object_to(room, leg.leg_id)
    withdraw(room, leg.leg_id)
    waive(room, leg.leg_id, "10.00")
    head = "channel,payer,payer_account,payee,reference,amount,value_date,purpose"
    line = f"bank,PAID-HOST,6222,PAID-ORIGIN,1,30.00,2024-04-29,{leg.reference}"
    payments.import_payments(database, room.act(), MAKER, "流水.csv", f"{head}\r\n{line}".encode())
    payments.charge_interest(
        database, room.act(), leg.leg_id, room.roles["origin"], CHECKER, date(2024, 8, 31)
    )


def _reviewed(database: Database) -> None:
    """A commitment that was kept, money and a statistic, a review that ended, and an evaluation."""
    output = clause(
        2,
        mechanism="output_value",
        measures=("industrial_output",),
        to_whom={"regime": "full_to_each", "key": [{"shares": {"origin": "1", "host": "1"}}]},
    )
    reviewed = open_review_room(database, clause(), output)
    room = reviewed.room
    figures = {("retained_tax", "2024Q1"): "100.00", ("industrial_output", "2024Q1"): "900.00"}
    room.hand_in_figures("2024Q1", figures)
    room.close("2024Q1", room.compute("2024Q1"))
    room.record("progress", count=4, evidence=None)
    room.confirm(room.record("done"))
    review_id = reviewed.open()
    reviewed.request(review_id)
    reviewed.answer(review_id)
    reviewed.close(review_id)
    reviewed.evaluate()


def _shared(database: Database) -> None:
    """A platform that is booked and free again, and one that was withdrawn."""
    room = open_sharing_room(database)
    room.share()
    room.share("old")
    sharing.withdraw_resource(room.database, room.act(), room.key("old"), "origin", "设备报废")
    booked = room.ask(1, 1)
    room.accept(booked)
    room.cancel(booked)


def _netted(database: Database) -> Room:
    """What two agreements make due across, netted to one leg."""
    room = open_room(database, paying(interest=RATE), procedure=PROCEDURE, code="NETTED")
    room.settle("2024Q1", "33333.33")
    beside(room, "NETTED-2", paying()).settle("2024Q1", "20000.00")
    netting = propose(room)
    for role in ("origin", "host"):
        sign_netting(room, netting, role)
    return room
