"""Rounds of everything that can be done: each does it all once, in a ledger that holds all rounds before.

Agreements, parties, reviews and vouchers are added to those of the rounds before, quarters follow each other,
and every list that a mutation takes is as long as the round's ``size``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ledger.desk import accounts, log
from ledger.desk.log import LogFiles
from ledger.evidence import checkpoints
from ledger.evidence.checkpoints import cosigner_name
from ledger.evidence.commitments import commitment_of
from tests.api import voucher_journey
from tests.api.journey import Api, Document, Figure
from tests.api.terms_documents import tax, terms
from tests.api.test_pairings_api import PLACES, register
from tests.api.test_payments_api import CALENDAR, encoded, paying, signed
from tests.api.test_returns_api import NOW, in_force, upload
from tests.api.test_sharing_api import PROMISED, day
from tests.api.voucher_journey import DAY, ENTERPRISE, clearing, code_of, programme, redeem, shared

MAIN, COMPARED, VOUCHERS = "MAIN", "COMPARED", "VOUCHERS"
OWED, OWED_BACK, OVERDUE = "OWED", "OWED-BACK", "OVERDUE"
"""The agreements that go on from round to round."""

TOGETHER, AT_ONCE = "origin", "at-once"
"""The programme that decides claims together, after an audit, and the one that decides them as they come."""

SIGNERS = {"origin": "ORIGIN", "host": "HOST"}
ROLES = {**SIGNERS, "province": "GOV"}
TAXES = ("vat", "cit", "pit")
LATE = "2025-06-30"
"""When what a round owes is overdue, and what it issued has expired."""

SIZES = (1, 1, 3)


@dataclass(frozen=True)
class Round:
    """What the ``number``-th round is about, counted from 0."""

    api: Api
    files: LogFiles
    number: int

    @property
    def size(self) -> int:
        return SIZES[self.number]

    @property
    def quarter(self) -> str:
        return f"2024Q{self.number + 1}"

    @property
    def first_day(self) -> str:
        """Of the quarter."""
        return f"2024-{self.number * 3 + 1:02}-01"

    def figures(self, *measures: str, amount: str = "100.00") -> list[Figure]:
        """A figure of each measure in each of the first ``size`` months of the quarter."""
        months = [f"2024-{self.number * 3 + month:02}" for month in range(1, self.size + 1)]
        return [Figure(measure, amount, month) for measure in measures for month in months]

    def each(self, name: str) -> list[str]:
        """As many names as the round's size."""
        return [f"{name}-{self.number}-{place}" for place in range(self.size)]


# --- before the first round -------------------------------------------------------------------------------


def prepare(api: Api) -> None:
    """The agreements, the programme and the zone with which the rounds go on."""
    for code, (province, region) in PLACES.items():
        register(api, code, "GOVERNMENT" if code == "GOV" else "ZONE", province, region)
    register(api, "BUREAU", "GOVERNMENT", "530000", "WEST")
    bring_into_force(api, main_terms("2024Q1", "first"))
    bring_into_force(api, compared_terms())
    for code, payer, payee in (
        (OWED, "host", "origin"),
        (OWED_BACK, "origin", "host"),
        (OVERDUE, "host", "origin"),
    ):
        clauses = [paying(payer, payee, number=n, measure=tax) for n, tax in enumerate(TAXES, start=1)]
        api.bring_into_force({**terms(code, clauses), "procedure": {"calendar": CALENDAR}})
    voucher_journey.opened(
        api,
        [shared("origin", "host", 1)],
        cleared_by=clearing("origin", "host", 11),
        decided="together",
        audit={"share": "1", "flagged": False},
    )
    begin_programme(api, AT_ONCE)
    admitted = {"kind": "ADMITTED", "day": "2020-01-01", "document": "批复", "level": "national"}
    api.change("record_zone_change", zone="ORIGIN", **admitted)


def bring_into_force(api: Api, document: Document) -> None:
    api.draft(document, observers=("province",))
    api.sign_all(document["agreement"], 1, observers=("province",))
    api.change("bring_into_force", agreement=document["agreement"], version=1)


def main_terms(since: str, title: str) -> Document:
    """Certified returns, signed settlements, quarters that all reopen, and a promise."""
    procedure = {"certified": ["host"], "signed_by": list(SIGNERS), "reopened_by": list(ROLES)}
    clause = {**tax(), "title": {"zh": title, "en": title}}
    document = terms(MAIN, [clause], roles=ROLES, since=since)
    return {**document, "procedure": procedure, "commitments": [PROMISED]}


def compared_terms() -> Document:
    compared = {
        "record": "host",
        "against": "origin",
        "tolerances": [{"measure": measure, "amount": "1.00"} for measure in TAXES],
        "unanswered": "withheld",
    }
    procedure = {
        "reconciliations": [compared],
        "arbiter": "province",
        "calendar": {"submit_days": 15, "reconcile_days": 30, "sign_days": 40, "fund_days": 60},
    }
    return {**terms(COMPARED, [tax(measures=TAXES)], roles=ROLES), "procedure": procedure}


# --- a round ----------------------------------------------------------------------------------------------


def play(turn: Round) -> None:
    """Does everything once or more."""
    for subject in SUBJECTS:
        subject(turn)


def agree(turn: Round) -> None:
    """A new agreement with parties of its own, and another version of the terms of the one that goes on."""
    api = turn.api
    observers = {f"fund_{place}": code for place, code in enumerate(turn.each("FUND"))}
    document = terms(f"NEW-{turn.number}", [tax()], roles={**SIGNERS, **observers})
    api.draft(document, observers=tuple(observers))
    dropped, drafted = (
        api.change("draft_version", agreement=MAIN, terms=main_terms(turn.quarter, title))["version"][
            "number"
        ]
        for title in (f"{turn.quarter} dropped", turn.quarter)
    )
    api.change("withdraw_version", agreement=MAIN, version=dropped)
    api.sign_all(MAIN, drafted, observers=("province",))
    api.change("bring_into_force", agreement=MAIN, version=drafted)
    listed = [
        {"creditCode": code_of(100 + 10 * turn.number + place), "nameZh": "企业"}
        for place in range(turn.size)
    ]
    api.confirm_list(MAIN, listed)


def happen(turn: Round) -> None:
    """What was promised, and what happened once."""
    api = turn.api
    happened = {"agreement": MAIN, "name": f"paid_in_{turn.number}"}
    api.change("record_occurrence", **happened, role="host", day="2024-01-15", document="到账通知")
    api.change("confirm_occurrence", **happened, role="origin", sequence=1)
    hashes = [upload(api.client, name.encode()).json()["hash"] for name in turn.each("platform")]
    done = {"kind": "PROGRESS", "day": "2024-06-01", "note": "已开放", "documents": hashes}
    promised = {"agreement": MAIN, "commitment": "experts"}
    record = api.change("record_commitment", **promised, role="origin", **done)["commitment"]["records"][-1]
    api.change("confirm_commitment", **promised, role="host", sequence=record["sequence"])


def share(turn: Round) -> None:
    """An expert whose days are asked for, given, refused and given back."""
    api = turn.api
    expert = {"agreement": MAIN, "role": "origin"}
    named = {"nameZh": "陈教授", "nameEn": "Professor Chen", "field": "医药", "offer": "指导"}
    offered = {"code": f"chen_{turn.number}", "commitment": "experts", "kind": "EXPERT", "fromDay": day(0)}
    api.change("share_resource", **expert, **offered, **named)
    owner = {**expert, "resource": offered["code"]}
    days = [(1, 2), *((10 + place, 10 + place) for place in range(turn.size))]
    for number, (first, last) in enumerate(days, start=1):
        asked = {"fromDay": day(first), "untilDay": day(last), "purpose": "诊断"}
        api.change("ask_for_booking", **{**owner, "role": "host"}, **asked)
        if number > 1:
            api.change("accept_booking", **owner, booking=number)
    api.change("decline_booking", **owner, booking=1, reason="出差")
    api.change("cancel_booking", **owner, booking=2, reason="出差")
    api.change("withdraw_resource", **owner, reason="退休")


def settle(turn: Round) -> None:
    """A quarter certified, signed and closed, reopened by all, and closed again."""
    api = turn.api
    close(turn, "100.00")
    about = {"agreement": MAIN, "quarter": turn.quarter}
    asked = api.change("request_reopening", **about, reason="申报有误")["reopening"]
    for role, party in ROLES.items():
        given = {"role": role, **signed(api, party, asked["bytesToSign"])}
        api.change("sign_reopening", **about, request=asked["request"], **given)
    api.change("reopen_quarter", **about, request=asked["request"])
    close(turn, "120.00")


def close(turn: Round, amount: str) -> None:
    api = turn.api
    filing = api.hand_in(MAIN, turn.quarter, turn.figures("retained_tax", amount=amount))["filing"]
    api.change("certify_return", agreement=MAIN, filing=filing["id"], role="host", person="李四")
    kept = upload(api.client, f"{turn.number}{amount}".encode()).json()["hash"]
    attached = {"subject": filing["id"], "reference": "凭证", "document": kept}
    api.change("attach_document", agreement=MAIN, role="host", **attached)
    computed = api.change("compute_settlement", agreement=MAIN, quarter=turn.quarter)["settlement"]
    named = {"agreement": MAIN, "settlement": computed["id"]}
    content = api.change("propose_settlement", **named)["settlement"]["bytesToSign"]
    for role, party in SIGNERS.items():
        api.change("sign_settlement", **named, role=role, **signed(api, party, content))
    api.change("close_quarter", quarter=turn.quarter, **named)


def seal(turn: Round) -> None:
    """A return whose file was committed to."""
    api = turn.api
    code, quarter = f"SEALED-{turn.number}", str(NOW)
    in_force(api, code, since=quarter, sealed=True)
    content = f"统一社会信用代码,指标,所属期,金额\n,retained_tax,{quarter},5.00\n合计,retained_tax,,5.00\n"
    nonce, content_hash = bytes(32), hashlib.sha256(content.encode()).digest()
    about = {"agreement": code, "role": "host", "quarter": quarter}
    api.change("commit_return", **about, commitment=commitment_of(content_hash, nonce).hex())
    given = {"fileName": "host.csv", "content": encoded(content.encode()), "nonce": nonce.hex()}
    api.change("hand_in_return_file", **about, **given)


def compare(turn: Round) -> None:
    """One difference explained, one line held back and let go, and one dispute up to the arbiter."""
    api = turn.api
    host, origin = (turn.figures(*TAXES, amount=amount) for amount in ("100.00", "150.00"))
    api.hand_in(COMPARED, turn.quarter, host)
    api.hand_in(COMPARED, turn.quarter, origin, role="origin")
    vat, cit, pit = (
        [{"measure": one.measure, "span": one.span} for one in host if one.measure == measure]
        for measure in TAXES
    )

    def begun(name: str, lines: Sequence[Mapping[str, Any]], role: str, **more: str) -> Document:
        about = {"code": COMPARED, "quarter": turn.quarter}
        basis = api.run("reconciliation", **about)["agreement"]["reconciliation"]["basis"]["hash"]
        given = {"agreement": COMPARED, "quarter": turn.quarter, "basis": basis, "lines": lines}
        item = api.change(name, **given, role=role, **more)["item"]
        return {"agreement": COMPARED, "item": item["number"]}

    explained = begun("explain_difference", pit, "origin", reason="refund", note="退库")
    api.change("accept_offer", **explained, role="host", offer=1)
    withheld = begun("withhold_line", cit[:1], "host")
    api.change("release_line", **withheld, role="host")
    disputed = begun("open_dispute", vat[:1], "origin", text="数额不符")
    api.change("write_message", **disputed, role="host", text="请提供凭证")
    api.change("propose_figure", **disputed, role="origin", amount="140.00")
    api.settle(COMPARED, turn.quarter)
    api.change("escalate_dispute", **disputed, role="host")
    api.change("arbitrate", **disputed, role="province", amount="120.00", reasons="以凭证为准")


def net(turn: Round) -> None:
    """All that two owe each other in a quarter."""
    api = turn.api
    for code, amount in ((OWED, "300.00"), (OWED_BACK, "200.00")):
        owe(turn, code, amount)
    netting = api.change("propose_netting", parties=list(SIGNERS.values()), day=turn.first_day)["netting"]
    for party in SIGNERS.values():
        given = signed(api, party, netting["bytesToSign"])
        api.change("sign_netting", netting=netting["id"], party=party, **given)


def owe(turn: Round, code: str, amount: str) -> list[Document]:
    """The legs that a quarter raises, one of each of the first ``size`` taxes."""
    api = turn.api
    figures = [Figure(measure, amount, turn.quarter) for measure in TAXES[: turn.size]]
    api.hand_in(code, turn.quarter, figures)
    api.settle(code, turn.quarter)
    page = api.run("legs", agreement=code, quarter=turn.quarter, asOf=turn.first_day)["legs"]
    return [edge["node"] for edge in page["edges"]]


def pay(turn: Round) -> None:
    """Legs objected to, paid in part by transfer and by file, charged with interest and waived."""
    api = turn.api
    legs = owe(turn, OVERDUE, "1000.00")
    objection = {"leg": legs[0]["id"], "party": "HOST", "reason": "金额不符"}
    api.change("object_to_leg", **objection)
    api.change("withdraw_objection", **objection)
    transfer = {"channel": "BANK", "payer": "HOST", "payerAccount": "6222", "payee": "ORIGIN"}
    dated = {"valueDay": LATE, "reference": f"line-{turn.number}"}
    paid = api.change("record_payment", **transfer, **dated, amount="300.00")["payment"]
    matches = [{"leg": leg["id"], "amount": "100.00"} for leg in legs]
    api.change("confirm_matches", payment=paid["id"], party="ORIGIN", matches=matches)
    rows = ["channel,payer,payer_account,payee,reference,amount,value_date,purpose"]
    rows += [
        f"bank,HOST,6222,ORIGIN,{turn.number}-{leg['reference']},250.00,{LATE},{leg['reference']}"
        for leg in legs
    ]
    api.change("import_payments", fileName="四月.csv", content=encoded("\n".join(rows).encode()))
    api.change("charge_interest", leg=legs[0]["id"], party="ORIGIN", day=LATE)
    waiver = {"leg": legs[0]["id"], "amount": "650.00", "day": LATE, "reason": "灾害减免"}
    content = api.run("waiver_to_sign", **waiver)["waiverToSign"]
    api.change("waive_leg", **waiver, **signed(api, "ORIGIN", content))


def begin_programme(api: Api, code: str) -> None:
    """One that decides claims as they come."""
    document = programme("origin", "host", 1, "origin")
    api.change("register_voucher_programme", agreement=VOUCHERS, code=code, document=document)
    api.change("confirm_voucher_programme", programme=code, role="host")


def redeem_vouchers(turn: Round) -> None:
    """Vouchers from the application to the clearing between the zones, and vouchers that nobody used."""
    api = turn.api
    raised = {"amount": "5.00", "document": "追加", "day": DAY}
    api.change("increase_voucher_budget", programme=TOGETHER, role="host", **raised)
    claims = [redeem(api, TOGETHER, "100.00", "host")["id"] for _ in range(turn.size)]
    for claim in claims:
        found = {"accepted": "100.00", "finding": "属实", "day": DAY}
        api.change("audit_voucher_claim", claim=claim, **found)
    decided = api.change("decide_voucher_claims", programme=TOGETHER, through=DAY)
    assert decided["count"] == turn.size
    api.change("recover_voucher", claim=claims[0], amount="30.00", reason="审计", day=DAY)
    redeem(api, AT_ONCE, "50.00", "host", face="100.00")
    unused = [issued(api) for _ in range(turn.size)]
    api.change("end_voucher", voucher=unused[0], how="cancelled", reason="退出", day=DAY)
    expired = api.change("expire_vouchers", programme=AT_ONCE, day=LATE)
    assert expired["count"] == turn.size
    api.change("clear_vouchers", agreement=VOUCHERS, quarter=turn.quarter)
    api.settle(VOUCHERS, turn.quarter)


def issued(api: Api) -> str:
    """The id of a new voucher."""
    wanted = {"enterprise": ENTERPRISE, "amount": "100.00", "purpose": "检测", "day": DAY}
    application = api.change("apply_for_voucher", programme=AT_ONCE, **wanted)["application"]
    voucher = api.change("issue_voucher", application=application, amount="100.00", day=DAY)["voucher"]
    return str(voucher["id"])


def offer_vouchers(turn: Round) -> None:
    """Another programme, and another provider of its service."""
    api = turn.api
    begin_programme(api, f"programme-{turn.number}")
    provider = {"creditCode": code_of(10 + turn.number)}
    api.change("register_voucher_provider", **provider, nameZh="检测中心", zone="HOST")
    services = [f"testing.part_{place}" for place in range(turn.size)]
    certified = {"kind": "certified", "starts": "2024-01-01", "services": services, "document": "认定文件"}
    api.change("certify_voucher_provider", **provider, party="HOST", **certified)


def review(turn: Round) -> None:
    """A finding corrected, an evaluation, a target and a part of a zone."""
    api = turn.api
    finding = {
        "reviewer": "BUREAU",
        "party": "HOST",
        "otherParty": "ORIGIN",
        "title": "付款",
        "content": "未付",
    }
    about = {"review": api.change("open_review", **finding)["review"]["id"]}
    said = {"party": "BUREAU", "content": "请说明原因"}
    api.change("request_correction", **about, **said, addressed="HOST", dueDay="2024-09-30")
    api.change("answer_review", **about, party="HOST", content="已付")
    api.change("close_review", **about, **said, outcome="CORRECTED")
    judged = {"reviewer": "BUREAU", "year": 2024, "verdict": "KEPT", "remark": "按约"}
    api.change("evaluate_agreement", agreement=MAIN, **judged)
    planned = {"indicator": "industrial_output", "year": 2024 + turn.number, "amount": "1.00"}
    api.change("record_indicator_target", zone="HOST", **planned, source="规划（虚构）")
    part = f"PARK-{turn.number}"
    api.register(part, kind="PARK")
    joined = {"kind": "PART_JOINED", "day": "2024-05-01", "document": "文件", "other": part}
    api.change("record_zone_change", zone="ORIGIN", **joined, part="PARK")


def vouch(turn: Round) -> None:
    """A head of the log cosigned, and a token taken back."""
    api = turn.api
    database = api.client.accounts.database
    head = log.sequence(database, turn.files)
    assert head is not None
    name = cosigner_name(turn.files.signer().name, "ORIGIN")
    line = str(checkpoints.cosign(head.note.text, name, api.private_keys["ORIGIN"], 5))
    api.change("cosign_checkpoint", party="ORIGIN", size=head.size, line=line)
    with database.reading() as connection:
        account = accounts.account_by_name(connection, api.run("viewer")["viewer"]["account"])
    accounts.issue_token(database, account, "spare", timedelta(hours=1))
    tokens = api.run("viewer")["viewer"]["tokens"]
    (spare,) = [token["id"] for token in tokens if token["label"] == "spare"]
    api.change("revoke_token", token=spare)


SUBJECTS = (
    agree,
    happen,
    share,
    settle,
    seal,
    compare,
    net,
    pay,
    redeem_vouchers,
    offer_vouchers,
    review,
    vouch,
)
