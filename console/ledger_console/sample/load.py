"""Loads the sample through the desk's public functions, as two zones would do it by themselves.

Every act's key is made of what it is about (``sample/...``), so loading again does nothing twice, and a load
that was interrupted goes on from where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.desk.acts import Act
from ledger.desk.agreements import (
    AgreementDraft,
    SideDraft,
    agreement_by_code,
    agreements,
    bring_into_force,
    draft_agreement,
    draft_version,
    open_quarter,
    propose_version,
    sign_version,
    version,
)
from ledger.desk.enterprises import ListEntry, confirm_list, submit_list
from ledger.desk.failures import NotFound
from ledger.desk.returns import Filing, LineDraft, hand_in, hand_in_file
from ledger.desk.roster import PartyDraft, load_roster, register_party
from ledger.desk.settlements import close, compute
from ledger.measures import MEASURE_BY_NAME, YUAN
from ledger.money import format_amount, parse_amount
from ledger.periods import Quarter, quarters_between
from ledger_console.sample import documents
from ledger_console.sample.acting import act, registered_key
from ledger_console.sample.demo_keys import DemoKeys
from ledger_console.sample.documents import (
    FIRST_QUARTER,
    LAST_QUARTER,
    Enterprise,
    SampleAgreement,
    SampleParty,
)
from ledger_console.sample.figures import SampleReturn, begun_returns_of, returns_of
from ledger_console.sample.money import Cashier
from ledger_console.sample.promises import PromiseDesk
from ledger_console.sample.quarters import QuarterDesk
from ledger_console.sample.return_files import file_of
from ledger_console.sample.reviews import load_reviews
from ledger_console.sample.vouchers import VoucherDesk, sample_vouchers
from ledger_schema.sessions import Database

SHOWN_AGREEMENT = "LIUSONG"
SHOWN_QUARTER = Quarter(2024, 4)
"""A quarter worth looking at first: it has a true-up of an earlier one beside its own figures."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the ledger has of the sample: agreement ids by code, and how many quarters were closed now."""

    agreement_ids: dict[str, int]
    closed_count: int


def load_sample(database: Database, keys: DemoKeys, report: Report) -> Loaded:
    """Loads whatever of the sample isn't in the ledger yet, signing with ``keys``.

    ``report`` gets a line (Chinese / English) for each thing done. Raises what the desk raises.
    """
    load_parties(database, report)
    load_vouchers(database, keys)
    agreement_ids, closed_count = {}, 0
    for number, agreement in enumerate(documents.agreements(), start=1):
        loader = _Loader(database, keys, agreement)
        agreement_ids[agreement.code] = loader.record()
        closed_now = loader.settle(agreement_ids[agreement.code])
        loader.go_on(agreement_ids[agreement.code])
        load_reviews(database, agreement.code, agreement_ids[agreement.code])
        closed_count += closed_now
        report(
            f"{number}/{len(documents.agreements())} {agreement.title.zh}：新结 {closed_now} 季 / "
            f"{agreement.code}: {closed_now} quarters newly closed"
        )
    return Loaded(agreement_ids, closed_count)


def is_wanted(database: Database) -> bool:
    """Whether the sample should be loaded: the ledger has no agreement yet, or a load was interrupted.

    The close of the last agreement's last quarter is the last thing that a load does.
    """
    with database.reading() as connection:
        if not agreements(connection, limit=1).items:
            return True
        begun = _progress(connection, sample_vouchers().code)
        progress = [_progress(connection, agreement.code) for agreement in documents.agreements()]
    is_done = all(quarter is not None and quarter > LAST_QUARTER for quarter in progress)
    return any((begun, *progress)) and not is_done


def _progress(connection: Connection, code: str) -> Quarter | None:
    """The open quarter of an agreement of the sample; None where it isn't in force."""
    try:
        return open_quarter(connection, agreement_by_code(connection, code).agreement_id)
    except NotFound:
        return None


def load_parties(database: Database, report: Report) -> None:
    """The roster of zones, and the sample's other parties."""
    zone_count = load_roster(database).value
    for party in documents.parties():
        register_party(database, act(f"party/{party.code}"), _party_draft(party))
    other_count = len(documents.parties())
    report(
        f"国家高新区 {zone_count} 个，其他主体 {other_count} 个 / "
        f"{zone_count} national high-tech zones, {other_count} other parties"
    )


def load_vouchers(database: Database, keys: DemoKeys) -> None:
    """The agreement about vouchers, and everything that was done with them."""
    document = sample_vouchers()
    agreement_id = _Loader(database, keys, document.signed).record()
    VoucherDesk(database, document, agreement_id).work()


class _Loader:
    """Loads one agreement of the sample."""

    def __init__(self, database: Database, keys: DemoKeys, agreement: SampleAgreement) -> None:
        self._database = database
        self._keys = keys
        self._agreement = agreement
        self._returns = returns_of(agreement)

    def record(self) -> int:
        """The agreement's id, after it was recorded, signed and provided with its enterprises."""
        known = self._known_id()
        if known is not None and self._open_quarter(known) is not None:
            return known
        draft = _agreement_draft(self._agreement)
        agreement_id = draft_agreement(self._database, self._act("draft"), draft).value
        self._submit_list(agreement_id)
        self._put_into_force(agreement_id, 1)
        return agreement_id

    def settle(self, agreement_id: int) -> int:
        """Goes through the quarters that are still to be closed; returns how many they were."""
        start = self._open_quarter(agreement_id) or LAST_QUARTER.next
        quarters = list(quarters_between(max(start, FIRST_QUARTER), LAST_QUARTER))
        desk = QuarterDesk(self._database, self._keys, self._agreement, agreement_id)
        for quarter in quarters:
            self._amend(agreement_id, quarter)
            for handed_in in self._returns:
                if handed_in.handed_in == quarter:
                    desk.certify(self._hand_in(agreement_id, handed_in))
            desk.compare(quarter)
            settlement = compute(self._database, self._act(f"{quarter}/compute"), agreement_id, quarter)
            desk.sign(quarter, settlement.value)
            close(self._database, self._act(f"{quarter}/close"), agreement_id, quarter, settlement.value)
        return len(quarters)

    def go_on(self, agreement_id: int) -> None:
        """Begins the open quarter, as far as some roles have come, and pays for the closed ones."""
        desk = QuarterDesk(self._database, self._keys, self._agreement, agreement_id)
        certified = {begun.role for begun in self._agreement.figures.begun if begun.is_certified}
        for handed_in in begun_returns_of(self._agreement):
            filing = self._hand_in(agreement_id, handed_in)
            if filing.role in certified:
                desk.certify(filing)
        Cashier(self._database, self._keys, self._agreement, agreement_id).settle_legs()
        PromiseDesk(self._database, self._agreement, agreement_id).work()

    def _known_id(self) -> int | None:
        with self._database.reading() as connection:
            try:
                return agreement_by_code(connection, self._agreement.code).agreement_id
            except NotFound:
                return None

    def _open_quarter(self, agreement_id: int) -> Quarter | None:
        with self._database.reading() as connection:
            return open_quarter(connection, agreement_id)

    def _submit_list(self, agreement_id: int) -> None:
        if not self._agreement.enterprises:
            return
        compiler, *others = self._agreement.signing_sides
        entries = [_list_entry(enterprise) for enterprise in self._agreement.enterprises]
        submitted = submit_list(self._database, self._act("list"), agreement_id, compiler.role, entries)
        for side in others:
            act = self._act(f"list/confirm/{side.role}")
            confirm_list(self._database, act, agreement_id, submitted.value, side.role)

    def _put_into_force(self, agreement_id: int, number: int) -> None:
        start = f"version/{number}"
        propose_version(self._database, self._act(f"{start}/propose"), agreement_id, number)
        with self._database.reading() as connection:
            proposed = version(connection, agreement_id, number)
        signed = {signature.role for signature in proposed.signatures}
        for side in self._agreement.signing_sides:
            if side.role not in signed:
                self._sign(agreement_id, number, side, proposed.terms_bytes)
        bring_into_force(self._database, self._act(f"{start}/bring"), agreement_id, number)

    def _sign(self, agreement_id: int, number: int, side: documents.Side, content: bytes) -> None:
        sign_version(
            self._database,
            self._act(f"version/{number}/sign/{side.role}"),
            agreement_id,
            number,
            side.role,
            registered_key(self._database, self._keys, side.party),
            self._keys.sign(side.party, content),
        )

    def _amend(self, agreement_id: int, quarter: Quarter) -> None:
        for number, terms in self._agreement.versions.items():
            if number > 1 and terms["in_force_from"] == str(quarter):
                draft_version(self._database, self._act(f"version/{number}/draft"), agreement_id, terms)
                self._put_into_force(agreement_id, number)

    def _hand_in(self, agreement_id: int, handed_in: SampleReturn) -> Filing:
        done = self._act(f"{handed_in.handed_in}/return/{handed_in.role}/{handed_in.quarter}")
        place = (self._database, done, agreement_id, handed_in.role, handed_in.quarter)
        people = self._agreement.desk.of_role(handed_in.role)
        maker = people.maker if people else None
        written = file_of(self._agreement, handed_in)
        if written is not None:
            return hand_in_file(*place, written.name, written.content, person=maker).value
        return hand_in(
            *place,
            _line_drafts(handed_in),
            totals=_totals(handed_in).items(),
            is_nil=handed_in.is_nil,
            person=maker,
        ).value

    def _act(self, name: str) -> Act:
        return act(f"{self._agreement.code}/{name}")


def _party_draft(party: SampleParty) -> PartyDraft:
    return PartyDraft(**party.model_dump())


def _agreement_draft(agreement: SampleAgreement) -> AgreementDraft:
    return AgreementDraft(
        code=agreement.code,
        kind=agreement.kind,
        title_zh=agreement.title.zh,
        title_en=agreement.title.en,
        source=agreement.source,
        unverified=f"{agreement.unverified.zh} {agreement.unverified.en}",
        sides=[SideDraft(side.role, side.party, side.signs) for side in agreement.sides],
        terms=agreement.terms,
    )


def _list_entry(enterprise: Enterprise) -> ListEntry:
    base = enterprise.base_year_amount
    return ListEntry(
        credit_code=enterprise.credit_code,
        name_zh=enterprise.name_zh,
        events=enterprise.events,
        pre_move_tax_minor={
            int(year): parse_amount(amount, YUAN.scale) for year, amount in enterprise.pre_move_tax.items()
        },
        cause_of_move=enterprise.cause_of_move,
        referred_by=enterprise.referred_by,
        base_year_amount_minor=None if base is None else parse_amount(base, YUAN.scale),
        controller=enterprise.controller,
    )


def _line_drafts(handed_in: SampleReturn) -> list[LineDraft]:
    return [
        LineDraft(figure.credit_code, figure.measure, str(figure.span), figure.amount, figure.document)
        for figure in handed_in.figures
    ]


def _totals(handed_in: SampleReturn) -> dict[str, str]:
    return {
        name: format_amount(amount_minor, MEASURE_BY_NAME[name].commodity.scale)
        for name, amount_minor in handed_in.totals_minor.items()
    }
