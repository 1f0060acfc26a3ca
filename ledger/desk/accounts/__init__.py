"""Accounts: who signs in, in which roles, and what they see."""

from ledger.desk.accounts.faults import (
    AccountClosed,
    AccountNameTaken,
    GrantEnded,
    IdentityTaken,
    SignInNeeded,
    SignInRefused,
)
from ledger.desk.accounts.opening import (
    GrantDraft,
    close_account,
    end_grant,
    grant,
    link_identity,
    open_account,
    set_password,
)
from ledger.desk.accounts.passwords import Passwords
from ledger.desk.accounts.reading import account_by_name, accounts
from ledger.desk.accounts.refused import Refusal, RefusedAttempt, record_refusal, refusals
from ledger.desk.accounts.roles import Account, Grant, Role
from ledger.desk.accounts.tokens import (
    SESSION_LABEL,
    SESSION_LIFETIME,
    NewToken,
    Token,
    account_of_identity,
    account_of_token,
    issue_token,
    revoke_token,
    session_of_token,
    sign_in,
    tokens_of,
)

__all__ = [
    "SESSION_LABEL",
    "SESSION_LIFETIME",
    "Account",
    "AccountClosed",
    "AccountNameTaken",
    "Grant",
    "GrantDraft",
    "GrantEnded",
    "IdentityTaken",
    "NewToken",
    "Passwords",
    "Refusal",
    "RefusedAttempt",
    "Role",
    "SignInNeeded",
    "SignInRefused",
    "Token",
    "account_by_name",
    "account_of_identity",
    "account_of_token",
    "accounts",
    "close_account",
    "end_grant",
    "grant",
    "issue_token",
    "link_identity",
    "open_account",
    "record_refusal",
    "refusals",
    "revoke_token",
    "session_of_token",
    "set_password",
    "sign_in",
    "tokens_of",
]
