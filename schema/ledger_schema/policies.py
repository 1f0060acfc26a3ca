"""Who sees which rows: the row security of every table.

PostgreSQL asks these policies of everybody, the tables' owner included. A session says in every transaction
what it may see (``ledger_schema.sight``); one that says nothing sees nothing, and only one that sees
everything writes. What the owner's functions do for a session is theirs, so they see everything, and so does
the auditor's role, which only reads.

Enterprise lines are closed to the partner: a side sees those that it handed in, and those that the signed
procedure has it compare with its own or decide about. All parties of an agreement see the lines of the whole
park, and of every enterprise where the terms in force open them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

APPLICATION = "parkledger_application"
AUDITOR = "parkledger_auditor"


@dataclass(frozen=True, slots=True)
class Open:
    """Rows that every session sees, because of ``reason``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """Rows that a session sees where the SQL condition ``seen`` holds."""

    seen: str
    updated: bool = False
    """Whether the application also updates rows."""


# --- what conditions ask ----------------------------------------------------------------------------------

# The owner's functions are told by the role that the session put on and that isn't the one they run as.
SEES_EVERYTHING = """
CREATE OR REPLACE FUNCTION sees_everything() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(current_setting('parkledger.sees_everything', true), '') = 'on'
        OR current_setting('role') NOT IN ('none', current_user)
$$
"""

# The owner may have been given the auditor's role; an auditor never has the application's.
ONLY_READS = """
CREATE OR REPLACE FUNCTION only_reads() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT NOT pg_has_role('parkledger_application', 'USAGE')
$$
"""

TOLD_PARTY_IDS = """
CREATE OR REPLACE FUNCTION told_party_ids(name text) RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(nullif(current_setting('parkledger.' || name, true), ''), '{}')::bigint[]
$$
"""

SEEN_AGREEMENT_IDS = """
CREATE OR REPLACE FUNCTION seen_agreement_ids() RETURNS SETOF bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT DISTINCT agreement_id FROM agreement_party WHERE party_id = ANY (told_party_ids('party_ids'))
$$
"""

SEEN_NETTING_IDS = """
CREATE OR REPLACE FUNCTION seen_netting_ids() RETURNS SETOF bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT DISTINCT netting_id FROM netting_party WHERE party_id = ANY (told_party_ids('party_ids'))
$$
"""

PROCEDURE_OF = """
CREATE OR REPLACE FUNCTION procedure_of(terms bytea) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(nullif(convert_from(terms, 'UTF8')::jsonb -> 'procedure', 'null'), '{}')
$$
"""

# The terms in force last decide, for lines of all quarters. Sums over closed lines are made with the setting
# opens_lines, in agreements that the session sees anyway (ledger.desk.lines).
AGREEMENT_IDS_WITH_LINES = """
CREATE OR REPLACE FUNCTION agreement_ids_with_lines() RETURNS SETOF bigint
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT agreement_id FROM agreement_party WHERE party_id = ANY (told_party_ids('audited_party_ids'))
    UNION
    SELECT seen_agreement_ids() WHERE coalesce(current_setting('parkledger.opens_lines', true), '') = 'on'
    UNION
    SELECT agreement_id
    FROM (SELECT DISTINCT ON (agreement_id) agreement_id, terms
          FROM agreement_version JOIN agreement_version_state USING (agreement_id, version)
          WHERE state = 'in_force' AND agreement_id IN (SELECT seen_agreement_ids())
          ORDER BY agreement_id, version DESC) AS latest
    WHERE procedure_of(terms) ->> 'lines' = 'open'
$$
"""

LINE_ROLES = """
CREATE OR REPLACE FUNCTION line_roles() RETURNS TABLE (agreement_id bigint, role text)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH own AS (
        SELECT agreement_party.agreement_id, agreement_party.role FROM agreement_party
        WHERE party_id = ANY (told_party_ids('own_party_ids'))
    ), procedures AS (
        SELECT version.agreement_id, procedure_of(terms) AS procedure
        FROM agreement_version AS version JOIN agreement_version_state AS reached
            ON (version.agreement_id, version.version) = (reached.agreement_id, reached.version)
        WHERE state = 'in_force' AND version.agreement_id IN (SELECT own.agreement_id FROM own)
    ), compared AS (
        SELECT procedures.agreement_id, procedure ->> 'arbiter' AS arbiter,
               one ->> 'record' AS record, one ->> 'against' AS against
        FROM procedures, jsonb_array_elements(coalesce(procedure -> 'reconciliations', '[]')) AS one
    )
    SELECT own.agreement_id, own.role FROM own
    UNION
    SELECT own.agreement_id, side
    FROM own JOIN compared ON compared.agreement_id = own.agreement_id
        AND own.role IN (compared.record, compared.against, compared.arbiter),
        unnest(ARRAY[compared.record, compared.against]) AS side
$$
"""

# A clause whose figures another role reported before is seen by whoever sees the lines of both.
LINE_CLAUSES = """
CREATE OR REPLACE FUNCTION line_clauses() RETURNS TABLE (agreement_id bigint, clause smallint)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH seen AS MATERIALIZED (SELECT * FROM line_roles())
    SELECT version.agreement_id, (one ->> 'number')::smallint
    FROM agreement_version AS version JOIN agreement_version_state AS reached
        ON (version.agreement_id, version.version) = (reached.agreement_id, reached.version),
        jsonb_array_elements(convert_from(terms, 'UTF8')::jsonb -> 'clauses') AS one
    WHERE state = 'in_force' AND version.agreement_id IN (SELECT seen.agreement_id FROM seen)
    GROUP BY 1, 2
    HAVING bool_and((version.agreement_id, one #>> '{what,reported_by}') IN (SELECT * FROM seen))
$$
"""

FUNCTIONS: Mapping[str, str] = {
    "sees_everything()": SEES_EVERYTHING,
    "only_reads()": ONLY_READS,
    "told_party_ids(text)": TOLD_PARTY_IDS,
    "seen_agreement_ids()": SEEN_AGREEMENT_IDS,
    "seen_netting_ids()": SEEN_NETTING_IDS,
    "procedure_of(bytea)": PROCEDURE_OF,
    "agreement_ids_with_lines()": AGREEMENT_IDS_WITH_LINES,
    "line_roles()": LINE_ROLES,
    "line_clauses()": LINE_CLAUSES,
}
"""In the order in which they can be made."""

ASKED_BY_POLICIES = tuple(name for name in FUNCTIONS if name != "procedure_of(bytea)")

# --- conditions -------------------------------------------------------------------------------------------

EVERYTHING = "(SELECT sees_everything())"
PARTIES = "ANY ((SELECT told_party_ids('party_ids'))::bigint[])"
AGREEMENT = "agreement_id IN (SELECT seen_agreement_ids())"
PAIR = f"payer_party_id = {PARTIES} OR payee_party_id = {PARTIES}"
NETTING = "netting_id IN (SELECT seen_netting_ids())"
ALL_LINES = "agreement_id IN (SELECT agreement_ids_with_lines())"
IN_LINE_ROLES = "IN (SELECT roles.agreement_id, roles.role FROM line_roles() AS roles)"
IN_LINE_CLAUSES = "IN (SELECT clauses.agreement_id, clauses.clause FROM line_clauses() AS clauses)"


def through(parent: str, table: str, *columns: str) -> str:
    """Seen with the row of ``parent`` that has the same ``columns``."""
    same = " AND ".join(f"{parent}.{column} = {table}.{column}" for column in columns)
    return f"EXISTS (SELECT FROM {parent} WHERE {same})"


def lines_of_return(same_filing: str) -> str:
    """Seen by whoever sees the lines of the role that handed in the return."""
    seen_role = f"(filing.agreement_id, filing.role) {IN_LINE_ROLES}"
    return f"{ALL_LINES} OR EXISTS (SELECT FROM filing WHERE {same_filing} AND {seen_role})"


def of_agreement(condition: str) -> str:
    """``condition``, in agreements that are seen."""
    return f"{AGREEMENT} AND ({condition})"


LINES = of_agreement(
    "subject_id = 0 OR "
    + lines_of_return(
        "filing.agreement_id = return_line.agreement_id "
        "AND filing.booked_quarter = return_line.booked_quarter AND filing.filing_id = return_line.filing_id"
    )
)
RESULTS = of_agreement(f"subject_id = 0 OR {ALL_LINES} OR (agreement_id, clause) {IN_LINE_CLAUSES}")
DIFFERENCES = of_agreement(f"{ALL_LINES} OR (agreement_id, record_role) {IN_LINE_ROLES}")
ATTACHMENTS = of_agreement(
    "subject_kind <> 'return' OR "
    + lines_of_return(
        "filing.agreement_id = document_attachment.agreement_id "
        "AND filing.filing_id = document_attachment.subject_id"
    )
)

OPEN_EVENTS = (
    "roster_loaded",
    "party_registered",
    "key_registered",
    "zone_changed",
    "voucher_provider_registered",
    "voucher_provider_certified",
    "voucher_provider_suspended",
)
MADE_BY_EVENTS = (
    "payment",
    "payment_file",
    "leg",
    "leg_clearing",
    "leg_objection",
    "netting",
    "netting_signature",
    "document",
    "indicator_target",
    "review_step",
)
"""Tables whose rows tell who sees an event that is of no agreement."""

EVENTS = (
    f"CASE WHEN agreement_id IS NULL THEN kind IN ({', '.join(map(repr, OPEN_EVENTS))}) OR "
    + " OR ".join(through(table, "event", "event_id") for table in MADE_BY_EVENTS)
    + f" WHEN kind LIKE 'reconciliation\\_%' THEN {through('reconciliation_step', 'event', 'event_id')}"
    f" ELSE {AGREEMENT} END"
)

# A secret lets its holder guess the other leaves of its tree.
SECRETS = of_agreement(
    f"{ALL_LINES} OR NOT EXISTS (SELECT FROM filing WHERE filing.agreement_id = salted_tree.agreement_id "
    f"AND (filing.agreement_id, filing.role) NOT {IN_LINE_ROLES})"
)
AUDITED_PARTIES = "ANY ((SELECT told_party_ids('audited_party_ids'))::bigint[])"

REFERENCE = Open("reference data of the product")
ROSTER = Open("who takes part is public: the roster of zones, and parties with their public keys")
PROVIDERS = Open("who offers services, and who certifies it, is for every enterprise to find")
HASHES = Open("hashes and signatures alone, which anybody checks")
SIGNING_IN = Guarded("false")
"""What sign-in works with, which sees everything."""


def _of_leg(table: str) -> Guarded:
    return Guarded(through("leg", table, "leg_id"))


def _of_claim(table: str) -> Guarded:
    return Guarded(through("voucher_claim", table, "claim_id"))


def _of_item(table: str) -> Guarded:
    return Guarded(through("reconciliation_item", table, "agreement_id", "item"))


POLICIES: Mapping[str, Open | Guarded] = {
    "access_token": SIGNING_IN,
    "access_token_revocation": SIGNING_IN,
    "account": Guarded(AGREEMENT),
    "account_balance": Guarded(AGREEMENT),
    "agreement": Guarded(AGREEMENT),
    "agreement_party": Guarded(AGREEMENT),
    "agreement_quarter": Guarded(AGREEMENT, updated=True),
    "agreement_version": Guarded(AGREEMENT),
    "agreement_version_state": Guarded(AGREEMENT),
    "allocation": Guarded(RESULTS),
    "book": REFERENCE,
    "carried": Guarded(RESULTS),
    "commitment": Guarded(AGREEMENT),
    "commitment_confirmation": Guarded(AGREEMENT),
    "commitment_evidence": Guarded(AGREEMENT),
    "commitment_record": Guarded(AGREEMENT),
    "commodity": REFERENCE,
    "document": Guarded(
        " OR ".join(
            through(table, "document", "hash") for table in ("document_attachment", "commitment_evidence")
        )
    ),
    "document_attachment": Guarded(ATTACHMENTS),
    "document_holder": Guarded(f"party_id = {PARTIES}"),
    "enterprise": Guarded(through("enterprise_list_entry", "enterprise", "enterprise_id")),
    "enterprise_list": Guarded(AGREEMENT),
    "enterprise_list_confirmation": Guarded(AGREEMENT),
    # Both sides confirm the list, so both read all of it.
    "enterprise_list_entry": Guarded(AGREEMENT),
    "evaluation": Guarded(f"{AGREEMENT} OR reviewer_party_id = {PARTIES}"),
    "event": Guarded(EVENTS),
    "filing": Guarded(AGREEMENT),
    "filing_certification": Guarded(AGREEMENT),
    "filing_commitment": Guarded(AGREEMENT),
    "filing_total": Guarded(AGREEMENT),
    "idempotency_key": Guarded("EXISTS (SELECT FROM event WHERE event.event_id = ANY (event_ids))"),
    "indicator_target": Guarded(f"party_id = {PARTIES}"),
    "journal_entry": Guarded(AGREEMENT),
    "leg": Guarded(f"{AGREEMENT} OR {PAIR}"),
    "leg_clearing": _of_leg("leg_clearing"),
    "leg_objection": _of_leg("leg_objection"),
    "log_cosignature": HASHES,
    "log_head": HASHES,
    "log_leaf": HASHES,
    "measure": REFERENCE,
    "netting": Guarded(NETTING),
    "netting_party": Guarded(NETTING),
    "netting_signature": Guarded(NETTING),
    "occurrence": Guarded(AGREEMENT),
    "occurrence_confirmation": Guarded(AGREEMENT),
    "party": ROSTER,
    "party_key": ROSTER,
    "payable": Guarded(AGREEMENT),
    "payment": Guarded(PAIR),
    "payment_file": Guarded(
        "EXISTS (SELECT FROM payment WHERE payment.file_hash = payment_file.content_hash)"
    ),
    "payment_use": _of_leg("payment_use"),
    "posting": Guarded(AGREEMENT),
    "provider_certification": PROVIDERS,
    "quarter_reopened": Guarded(AGREEMENT),
    "quarter_reopening": Guarded(AGREEMENT),
    "quarter_reopening_signature": Guarded(AGREEMENT),
    "reconciliation_item": Guarded(DIFFERENCES),
    "reconciliation_line": _of_item("reconciliation_line"),
    "reconciliation_step": _of_item("reconciliation_step"),
    "redeemed_evidence": _of_claim("redeemed_evidence"),
    "refused_act": Guarded(f"party_id = {AUDITED_PARTIES}"),
    "reserve_use": Guarded(through("voucher_reserve", "reserve_use", "reserve_id")),
    "resource_booking": Guarded(AGREEMENT),
    "resource_booking_step": Guarded(AGREEMENT),
    "resource_day": Guarded(AGREEMENT),
    "return_line": Guarded(LINES),
    "review": Guarded(
        " OR ".join(f"{one} = {PARTIES}" for one in ("party_id", "other_party_id", "reviewer_party_id"))
    ),
    "review_step": Guarded(through("review", "review_step", "review_id")),
    "salted_tree": Guarded(SECRETS),
    "settled_credit": Guarded(AGREEMENT),
    "settled_flow": Guarded(AGREEMENT),
    "settlement": Guarded(AGREEMENT),
    "settlement_cause": Guarded(AGREEMENT),
    "settlement_proposal": Guarded(AGREEMENT),
    "settlement_signature": Guarded(AGREEMENT),
    "shared_resource": Guarded(AGREEMENT),
    "shared_resource_withdrawal": Guarded(AGREEMENT),
    "sign_in_attempt": SIGNING_IN,
    "user_account": Guarded(through("refused_act", "user_account", "user_id")),
    "user_closing": SIGNING_IN,
    "user_grant": SIGNING_IN,
    "user_grant_ending": SIGNING_IN,
    "user_identity": SIGNING_IN,
    "user_password": SIGNING_IN,
    "version_signature": Guarded(AGREEMENT),
    "voucher": Guarded(through("voucher_application", "voucher", "application_id")),
    "voucher_application": Guarded(through("voucher_programme", "voucher_application", "programme_id")),
    "voucher_audit": _of_claim("voucher_audit"),
    "voucher_budget": Guarded(through("voucher_programme", "voucher_budget", "programme_id")),
    "voucher_budget_increase": Guarded(through("voucher_budget", "voucher_budget_increase", "budget_id")),
    "voucher_budget_step": Guarded(through("voucher_budget", "voucher_budget_step", "budget_id")),
    "voucher_claim": Guarded(through("voucher_order", "voucher_claim", "order_id")),
    "voucher_clearing": Guarded(AGREEMENT),
    "voucher_clearing_return": Guarded(AGREEMENT),
    "voucher_decision": _of_claim("voucher_decision"),
    "voucher_entry": Guarded(through("voucher_programme", "voucher_entry", "programme_id")),
    "voucher_entry_cleared": Guarded(through("voucher_clearing", "voucher_entry_cleared", "clearing_id")),
    "voucher_flag": _of_claim("voucher_flag"),
    "voucher_order": Guarded(through("voucher", "voucher_order", "voucher_id")),
    "voucher_posting": _of_claim("voucher_posting"),
    "voucher_programme": Guarded(AGREEMENT),
    "voucher_programme_confirmation": Guarded(
        through("voucher_programme", "voucher_programme_confirmation", "programme_id")
    ),
    "voucher_provider": PROVIDERS,
    "voucher_reserve": Guarded(through("voucher", "voucher_reserve", "voucher_id")),
    "voucher_service": Guarded(through("voucher_order", "voucher_service", "order_id")),
    "voucher_use": Guarded(through("voucher", "voucher_use", "voucher_id")),
    "waiver": _of_leg("waiver"),
    "zone": ROSTER,
    "zone_change": ROSTER,
    "zone_division": ROSTER,
}
"""Of every table, who sees its rows. A table without an entry fails a test."""

VIEWS = ("quarter_closing", "settlement_difference")
"""Views, which show what whoever asks them may see."""


# --- statements for migrations ----------------------------------------------------------------------------

TO_ALL = f"TO {APPLICATION}, CURRENT_USER"
"""The tables' owner is whoever migrates."""


def function_statements() -> Iterator[str]:
    """Make the functions that policies ask, for the two roles that read."""
    for signature, definition in FUNCTIONS.items():
        yield definition
        yield f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC"
    for signature in ASKED_BY_POLICIES:
        yield f"GRANT EXECUTE ON FUNCTION {signature} TO {APPLICATION}, {AUDITOR}"


def secure_statements(table: str) -> Iterator[str]:
    """Give the table the row security that the list says; a migration that adds a table ends with them.

    They may be repeated after the list has changed. Raises KeyError for a table that isn't in the list.
    """
    policy = POLICIES[table]
    yield from unsecure_statements(table)
    if isinstance(policy, Open):
        return
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY seen ON {table} FOR SELECT {TO_ALL} USING ({EVERYTHING} OR {policy.seen})"
    yield f"CREATE POLICY audited ON {table} FOR SELECT TO {AUDITOR} USING ((SELECT only_reads()))"
    yield f"CREATE POLICY added ON {table} FOR INSERT {TO_ALL} WITH CHECK ({EVERYTHING})"
    if policy.updated:
        yield f"CREATE POLICY changed ON {table} FOR UPDATE {TO_ALL} USING ({EVERYTHING})"


def unsecure_statements(table: str) -> Iterator[str]:
    """Take the table's row security away."""
    for policy in ("seen", "audited", "added", "changed"):
        yield f"DROP POLICY IF EXISTS {policy} ON {table}"
    yield f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
