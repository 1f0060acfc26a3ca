"""What can be wrong with an account, a sign-in or a token."""

from __future__ import annotations

from ledger.errors import LedgerError


class AccountNameTaken(LedgerError):
    """Account names are unique for ever, as events name them."""

    code = "ACCOUNT_NAME_TAKEN"
    sentence_en = "There is an account {name} already. Choose another name."
    sentence_zh = "账号 {name} 已存在，请改用其他名称。"


class AccountClosed(LedgerError):
    """A closed account stays closed."""

    code = "ACCOUNT_CLOSED"
    sentence_en = "The account {name} is closed. Open another one."
    sentence_zh = "账号 {name} 已停用，请另开账号。"


class GrantEnded(LedgerError):
    """The role was ended before."""

    code = "GRANT_ENDED"
    sentence_en = "The role {grant} was ended already. Nothing is left to do."
    sentence_zh = "角色授权 {grant} 已终止，无需再次终止。"


class IdentityTaken(LedgerError):
    """One identity of a provider signs in to one account."""

    code = "IDENTITY_TAKEN"
    sentence_en = "The identity {subject} of {issuer} is linked to an account already."
    sentence_zh = "{issuer} 的身份 {subject} 已关联账号。"


class SignInRefused(LedgerError):
    """Unknown account, wrong password, or too many attempts: which of them isn't said."""

    code = "SIGN_IN_REFUSED"
    sentence_en = (
        "The account and the password don't go together, or there were more than {attempts_max} attempts "
        "in {minutes} minutes. Check them, or wait."
    )
    sentence_zh = "账号或密码不正确，或 {minutes} 分钟内尝试超过 {attempts_max} 次。请核对或稍后再试。"


class SignInNeeded(LedgerError):
    """No valid token came along: none, one that expired or was revoked, or one of a closed account."""

    code = "SIGN_IN_NEEDED"
    sentence_en = (
        "Expected a valid token (Authorization: Bearer …) or a session of the sign-in page. "
        "Sign in at /sign-in, or make a token with `parkledger accounts token`."
    )
    sentence_zh = (
        "需要有效的令牌（Authorization: Bearer …）或登录会话。"
        "请在 /sign-in 登录，或用 `parkledger accounts token` 生成令牌。"
    )
