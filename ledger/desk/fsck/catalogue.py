"""What seals every column of every table: the check that finds a change of it, or why none does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Table

from ledger_schema.tables import VOUCHER_TABLES, metadata


@dataclass(frozen=True, slots=True)
class Sealed:
    """A change is found by ``check``. ``by``: the event, or what else it follows from.

    ``as_a_whole``: the row is named and not the column.
    ``named_in``: the table that the mismatch names, where it is another one.
    """

    check: str
    by: str
    as_a_whole: bool = False
    named_in: str | None = None


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A change isn't found, and why."""

    reason_en: str
    reason_zh: str


Sealing = Sealed | Unsealed

CLOCK = Unsealed("the server's clock; bounded by signed heads only", "服务器时钟；仅由已签署检查点界定")
COMPUTED = Unsealed("computed by the database from its neighbours", "由数据库按相邻列计算")
OWN_BOOKS = Unsealed(
    "bookkeeping of the database; no figure rests on it", "数据库自身的管理数据，不影响任何金额"
)
FIRST_NAME = Unsealed(
    "the name on the first list; every list's own name is sealed",
    "首次列入名单时的名称；各名单所载名称均已封存",
)

SECRET = Unsealed("a secret; events tell only that it was set", "涉密，事件仅记载已设置")
NO_ACT = Unsealed("kept for auditors beside the log: no act was done", "供审计查阅，未形成操作，不入日志")

_KEY = "agreement_id booked_quarter settlement_id"
_SIGNED = "role party_id public_key signature event_id recorded_at"
_REPLAY = Sealed("settlements", "replay of the facts named")


def _said(check: str, by: str) -> Sealed:
    return Sealed(check, f"event {by}")


def _columns_of(table: Table) -> dict[Sealing, str]:
    """Of a table whose rows stand in the events."""
    said = " ".join(column.name for column in table.c if column.computed is None)
    computed = " ".join(column.name for column in table.c if column.computed is not None)
    sealed: dict[Sealing, str] = {_said("vouchers", "voucher_…: its rows"): said}
    return sealed | ({COMPUTED: computed} if computed else {})


CATALOGUE: Mapping[str, Mapping[Sealing, str]] = {
    "event": {
        Sealed("events", "its canonical bytes"): "event_id kind agreement_id actor",
        Sealed("events", "SHA-256 of each other, and the log's leaf"): "canonical hash",
        CLOCK: "recorded_at",
        OWN_BOOKS: "transaction_number",
    },
    "idempotency_key": {
        Sealed("keys", "the events that name the key", as_a_whole=True): "key",
        Sealed("keys", "the events that name the key"): "event_ids recorded_at",
        OWN_BOOKS: "request_hash result",
    },
    "log_leaf": {
        Sealed("log", "numbers without gaps", as_a_whole=True): "leaf_number",
        Sealed("log", "the event's bytes and the leaves before"): "hashes",
        Sealed("log", "the event's bytes: its hash isn't the leaf's"): "event_id",
    },
    "log_head": {
        Sealed("log", "the leaves, and the log's signature"): "size note",
        OWN_BOOKS: "logged_below",
        CLOCK: "recorded_at",
    },
    "log_cosignature": {
        Sealed(
            "log", "the party's signature of the head", as_a_whole=True
        ): "size party_id public_key signature",
        CLOCK: "recorded_at",
    },
    "commodity": {
        Sealed("reference", "the program"): "commodity_id code name_zh name_en unit_zh unit_en scale is_money"
    },
    "book": {Sealed("reference", "the program"): "book_id name"},
    "measure": {Sealed("reference", "the program"): "measure_id name kind commodity_id name_zh name_en"},
    "party": {
        _said("parties", "party_registered; of a roster's zone by the roster's hash"): (
            "code kind name_zh name_en province_code province_zh region_class parent_party_id source "
            "recorded_at"
        ),
        _said("parties", "party_registered; of a roster's zone not"): "party_id",
    },
    "zone": {
        _said("parties", "roster_loaded: hash of the roster"): (
            "party_id level approval_year approval_document in_2020_roster confidence"
        )
    },
    "zone_division": {
        _said("parties", "roster_loaded: hash of the roster"): (
            "party_id division_code division_zh level starts ends"
        )
    },
    "zone_change": {
        _said("zones", "zone_changed"): (
            "party_id sequence kind day level other_party_id part division_code division_zh division_level "
            "division_role name_zh name_en replaces document event_id recorded_at"
        )
    },
    "indicator_target": {
        _said("zones", "indicator_target_recorded"): (
            "party_id measure_id year sequence book_id amount_minor source event_id recorded_at"
        )
    },
    "party_key": {_said("parties", "key_registered"): "party_id public_key label recorded_at"},
    "user_account": {_said("accounts", "account_opened"): "user_id name person kind event_id recorded_at"},
    "user_closing": {_said("accounts", "account_closed"): "user_id event_id recorded_at"},
    "user_password": {
        _said("accounts", "password_set"): "user_id sequence event_id recorded_at",
        SECRET: "verifier",
    },
    "user_identity": {_said("accounts", "identity_linked"): "issuer subject user_id event_id recorded_at"},
    "user_grant": {
        _said("accounts", "role_granted"): (
            "grant_id user_id role party_id province_code ends event_id recorded_at"
        )
    },
    "user_grant_ending": {_said("accounts", "role_ended"): "grant_id event_id recorded_at"},
    "access_token": {
        _said("accounts", "token_issued"): "token_id user_id label hash expires_at event_id recorded_at"
    },
    "access_token_revocation": {_said("accounts", "token_revoked"): "token_id event_id recorded_at"},
    "sign_in_attempt": {OWN_BOOKS: "attempt_id user_id", CLOCK: "recorded_at"},
    "refused_act": {NO_ACT: "refusal_id user_id act subject_kind subject_name party_id key code recorded_at"},
    "agreement": {
        _said("agreements", "agreement_drafted"): (
            "agreement_id code kind title_zh title_en source unverified recorded_at"
        )
    },
    "agreement_party": {_said("agreements", "agreement_drafted"): "agreement_id role party_id signs"},
    "agreement_version": {
        _said("agreements", "version_drafted: hash of the terms"): (
            "agreement_id version terms terms_hash in_force_from recorded_at"
        )
    },
    "agreement_version_state": {
        _said("agreements", "version_drafted, _proposed, _withdrawn, _brought_into_force"): (
            "agreement_id version state event_id recorded_at"
        )
    },
    "version_signature": {_said("agreements", "version_signed"): f"agreement_id version {_SIGNED}"},
    "agreement_quarter": {
        Sealed("quarters", "events of terms in force, closings and reopenings"): (
            "agreement_id quarter state settlement_id"
        ),
        CLOCK: "closed_at",
    },
    "enterprise": {
        Sealed("lists", "the hash of each list it is on", True, "enterprise_list_entry"): (
            "enterprise_id credit_code"
        ),
        FIRST_NAME: "name_zh",
        CLOCK: "recorded_at",
    },
    "enterprise_list": {
        _said("lists", "enterprise_list_submitted"): (
            "agreement_id version compiled_by entry_hashes event_id recorded_at"
        )
    },
    "enterprise_list_entry": {
        Sealed("lists", "event enterprise_list_submitted: hashes of the entries", as_a_whole=True): (
            "agreement_id version enterprise_id name_zh attributes"
        )
    },
    "enterprise_list_confirmation": {
        _said(
            "lists", "enterprise_list_submitted, _confirmed"
        ): "agreement_id version role event_id recorded_at"
    },
    "occurrence": {
        _said("occurrences", "occurrence_recorded"): (
            "agreement_id name sequence day document recorded_by event_id recorded_at"
        )
    },
    "occurrence_confirmation": {
        _said("occurrences", "occurrence_recorded, _confirmed"): (
            "agreement_id name sequence role event_id recorded_at"
        )
    },
    "commitment": {
        Sealed("commitments", "the terms that event version_brought_into_force names"): (
            "agreement_id version code kind due_day target_count"
        )
    },
    "commitment_record": {
        _said("commitments", "commitment_recorded"): (
            "agreement_id code sequence kind day reached_count note recorded_by event_id recorded_at"
        )
    },
    "commitment_evidence": {_said("commitments", "commitment_recorded"): "agreement_id code sequence hash"},
    "commitment_confirmation": {
        _said("commitments", "commitment_recorded, _confirmed"): (
            "agreement_id code sequence role event_id recorded_at"
        )
    },
    "shared_resource": {
        _said("sharing", "resource_shared"): (
            "agreement_id code role commitment kind name_zh name_en field offer from_day until_day event_id "
            "recorded_at"
        )
    },
    "shared_resource_withdrawal": {
        _said("sharing", "resource_withdrawn"): "agreement_id code reason event_id recorded_at"
    },
    "resource_booking": {
        _said("sharing", "booking_asked"): (
            "agreement_id code booking role from_day until_day purpose event_id recorded_at"
        )
    },
    "resource_booking_step": {
        _said("sharing", "booking_accepted, _declined, _cancelled"): (
            "agreement_id code booking step kind role reason event_id recorded_at"
        )
    },
    "resource_day": {
        _said("sharing", "booking_accepted, _cancelled"): "agreement_id code day turn after_turn booking"
    },
    "document": {
        _said("documents", "document_kept"): "hash name media_type size_bytes content event_id recorded_at"
    },
    "document_holder": {_said("documents", "document_held"): "hash party_id event_id recorded_at"},
    "document_attachment": {
        _said("documents", "document_attached"): (
            "agreement_id subject_kind subject_id reference hash role event_id recorded_at"
        )
    },
    "filing": {
        _said("returns", "return_handed_in"): (
            "agreement_id booked_quarter filing_id quarter role sequence is_nil file_name content_hash "
            "lines_hash line_count person needs_certification nonce commitment event_id recorded_at"
        )
    },
    "filing_total": {
        _said("returns", "return_handed_in"): (
            "agreement_id booked_quarter filing_id measure_id amount_minor"
        )
    },
    "filing_commitment": {
        _said("returns", "return_committed"): (
            "agreement_id quarter role sequence commitment event_id recorded_at"
        )
    },
    "filing_certification": {
        _said("returns", "return_certified"): (
            "agreement_id booked_quarter filing_id maker person event_id recorded_at"
        )
    },
    "return_line": {
        _said("lines", "return_handed_in: how many lines"): "agreement_id booked_quarter filing_id line",
        Sealed("salts", "event lines_salted: the subject's leaf", as_a_whole=True): (
            "subject_id measure_id months starts amount_minor document"
        ),
    },
    "reconciliation_item": {
        _said("reconciliation", "reconciliation_…, the item's first"): (
            "agreement_id item quarter record_role against_role event_id recorded_at"
        )
    },
    "reconciliation_line": {
        _said("reconciliation", "reconciliation_…, the item's first"): (
            "agreement_id item side subject_id measure_id months starts amount_minor"
        )
    },
    "reconciliation_step": {
        _said("reconciliation", "reconciliation_…"): (
            "agreement_id item step kind role person reason amount_minor offer content event_id recorded_at"
        )
    },
    "settlement": {
        _said("settlements", "settlement_computed"): (
            f"{_KEY} inputs allocations_hash allocation_count event_id recorded_at"
        ),
        _REPLAY: "is_final",
    },
    "settlement_cause": {_REPLAY: f"{_KEY} cause kind quarter reference"},
    "allocation": {
        _REPLAY: (
            f"{_KEY} cause clause subject_id quarter book_id commodity_id party_id amount_minor routed_minor"
        )
    },
    "carried": {_REPLAY: f"{_KEY} clause subject_id state"},
    "journal_entry": {_REPLAY: f"{_KEY} entry cause clause quarter"},
    "posting": {_REPLAY: f"{_KEY} entry posting account_id book_id commodity_id amount_minor"},
    "account": {
        Sealed("settlements", "what the journal posts to", as_a_whole=True): (
            "agreement_id party_id kind clause book_id commodity_id"
        ),
        Sealed("settlements", "the postings that name it", named_in="posting"): "account_id",
    },
    "account_balance": {
        Sealed("balances", "the postings of the closed settlements"): (
            "agreement_id account_id quarter booked_quarter settlement_id balance_minor"
        )
    },
    "salted_tree": {
        Sealed("salts", "event lines_salted, settlement_salted", as_a_whole=True): "event_id agreement_id",
        _said("salts", "lines_salted, settlement_salted: their hashes, and the root"): "secret leaves",
    },
    "settlement_proposal": {
        _said("signing", "settlement_proposed"): f"{_KEY} content content_hash event_id recorded_at"
    },
    "settlement_signature": {_said("signing", "settlement_signed"): f"{_KEY} {_SIGNED}"},
    "quarter_reopening": {
        _said("signing", "reopening_requested"): (
            f"{_KEY} request reason content content_hash event_id recorded_at"
        )
    },
    "quarter_reopening_signature": {_said("signing", "reopening_signed"): f"{_KEY} request {_SIGNED}"},
    "quarter_reopened": {
        _said("signing", "quarter_reopened"): f"{_KEY} request event_id",
        CLOCK: "closed_at reopened_at",
    },
    "settled_flow": {
        Sealed("sums", "payables of closed quarters and the terms"): (
            f"{_KEY} sequence mechanism commodity_id payer_party_id payee_party_id amount_minor"
        )
    },
    "settled_credit": {
        Sealed("sums", "postings of closed quarters"): (
            f"{_KEY} sequence book_id commodity_id party_id amount_minor"
        )
    },
    "payable": {
        _said("payments", "legs_raised"): (f"{_KEY} clause commodity_id payer_party_id payee_party_id"),
        Sealed("payables", "the journal and the terms in force at the close"): (
            "booked_minor brought_minor set_off_minor carried_minor raised_minor"
        ),
    },
    "leg": {
        _said("payments", "legs_raised, interest_charged or netting_settled"): (
            f"{_KEY} leg_id kind clause payer_party_id payee_party_id commodity_id amount_minor form due_day "
            "second_day may_be_netted monthly_rates of_leg_id months netting_id event_id recorded_at"
        )
    },
    "leg_clearing": {
        _said("payments", "payment_matched, leg_waived or netting_settled"): (
            "leg_id sequence kind amount_minor open_minor day netting_id event_id recorded_at"
        ),
        COMPUTED: "whole_minor previous found_minor",
    },
    "leg_objection": {
        _said("payments", "leg_objected or objection_withdrawn"): (
            "leg_id sequence stands party_id person reason event_id recorded_at"
        )
    },
    "waiver": {_said("payments", "leg_waived"): "leg_id sequence content party_id public_key signature"},
    "payment_file": {
        _said("payments", "payments_imported"): "content_hash name payment_count event_id recorded_at"
    },
    "payment": {
        _said("payments", "payment_recorded"): (
            "payment_id channel payer_party_id payer_account reference payee_party_id commodity_id "
            "amount_minor value_day purpose recorded_by file_hash event_id recorded_at"
        )
    },
    "payment_use": {
        _said("payments", "payment_matched"): (
            "payment_id sequence amount_minor rest_minor leg_id leg_sequence matched_by"
        ),
        COMPUTED: "whole_minor previous found_minor",
    },
    "netting": {
        _said("payments", "netting_proposed"): (
            "netting_id commodity_id day content content_hash event_id recorded_at"
        )
    },
    "netting_party": {_said("payments", "netting_proposed: the signed bytes"): "netting_id party_id"},
    "netting_signature": {
        _said("payments", "netting_signed"): "netting_id party_id public_key signature event_id recorded_at"
    },
    "review": {
        _said("reviews", "review_opened"): (
            "review_id reviewer_party_id party_id other_party_id title event_id recorded_at"
        )
    },
    "review_step": {
        _said("reviews", "review_opened, _requested, _answered, _closed"): (
            "review_id step kind party_id person content addressed_party_id due_day outcome event_id "
            "recorded_at"
        )
    },
    "evaluation": {
        _said("reviews", "agreement_evaluated: hash of the figures"): (
            "agreement_id year reviewer_party_id sequence verdict remark person figures figures_hash "
            "known_at event_id recorded_at"
        )
    },
    **{table.name: _columns_of(table) for table in VOUCHER_TABLES},
}
"""Of every table, which columns are sealed by what."""


def sealing_table() -> str:
    """The catalogue as a table in Markdown."""
    lines = ["| table 表 | columns 列 | found by 检查 | sealed by 封存依据 |", "|---|---|---|---|"]
    for table in sorted(metadata.tables):
        for sealing, columns in CATALOGUE[table].items():
            named = ", ".join(f"`{name}`" for name in columns.split())
            lines.append(f"| `{table}` | {named} | {_row(sealing)} |")
    return "\n".join(lines) + "\n"


def _row(sealing: Sealing) -> str:
    if isinstance(sealing, Unsealed):
        return f"— | not sealed 未封存: {sealing.reason_en}。{sealing.reason_zh}。"
    named = f", named as `{sealing.named_in}`" if sealing.named_in else ""
    whole = ", the row as a whole 整行" if sealing.as_a_whole else ""
    return f"`{sealing.check}` | {sealing.by}{whole}{named}"
