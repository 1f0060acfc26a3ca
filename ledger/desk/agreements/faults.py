"""What can be wrong with an agreement, its versions and their signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.desk.agreements.reading import KINDS, AgreementDraft, SideDraft
from ledger.desk.failures import choice_faults, text_faults
from ledger.errors import LedgerError
from ledger.rules.facts import Fault
from ledger.rules.terms import Terms

_ALLOWED = {
    "draft": ("propose it or withdraw it", "提交签署或撤回"),
    "proposed": (
        "sign it, withdraw it, or bring it into force once all have signed",
        "签署、撤回，或在各方签署后使其生效",
    ),
    "in_force": ("draft a new version to change it", "起草新版本以作修改"),
    "superseded": ("look at it; a newer version is in force", "仅可查看；新版本已生效"),
    "withdrawn": ("look at it; draft a new version instead", "仅可查看；请另行起草新版本"),
}
_STATE_NAMES = {
    "draft": ("草稿", "a draft"),
    "proposed": ("待签署", "proposed for signing"),
    "in_force": ("生效", "in force"),
    "superseded": ("已被取代", "superseded"),
    "withdrawn": ("已撤回", "withdrawn"),
}


class VersionInOtherState(LedgerError):
    """The act isn't possible in the version's state; the sentence says what is."""

    code = "VERSION_STATE"
    sentence_en = (
        "For this, version {version} must be {expected_en}, but it is {state_en}. "
        "What can be done now: {allowed_en}."
    )
    sentence_zh = "此操作要求第 {version} 版为“{expected_zh}”，当前为“{state_zh}”。现在可以：{allowed_zh}。"

    def __init__(self, version: int, state: str, expected: Sequence[str]) -> None:
        allowed_en, allowed_zh = _ALLOWED[state]
        super().__init__(
            version=version,
            state=state,
            state_zh=_STATE_NAMES[state][0],
            state_en=_STATE_NAMES[state][1],
            expected=" or ".join(expected),
            expected_zh="或".join(_STATE_NAMES[name][0] for name in expected),
            expected_en=" or ".join(_STATE_NAMES[name][1] for name in expected),
            allowed_en=allowed_en,
            allowed_zh=allowed_zh,
        )


class VersionOvertaken(LedgerError):
    """A later version came into force first."""

    code = "VERSION_OVERTAKEN"
    sentence_en = (
        "Version {version} was overtaken by version {in_force}, which is in force. "
        "Withdraw it and draft anew."
    )
    sentence_zh = "第 {version} 版已被生效的第 {in_force} 版越过。请撤回后重新起草。"


class TermsRepeated(LedgerError):
    """A version with these very bytes exists: signatures of it would count for the new one too."""

    code = "TERMS_REPEATED"
    sentence_en = (
        "These are to the letter the terms of version {version}, so that a signature of that one would count "
        "here too. Change what is to be agreed anew, for example in_force_from or a title."
    )
    sentence_zh = (
        "该条款与第 {version} 版逐字相同，对该版的签名在此也会有效。"
        "请修改需要重新约定的内容，如生效季度或标题。"
    )


class RoleDoesNotSign(LedgerError):
    """The role has no part in signing or confirming."""

    code = "ROLE_DOES_NOT_SIGN"
    sentence_en = "The role {role} doesn't sign in this agreement. Those who sign: {signing}."
    sentence_zh = "角色 {role} 在本协议中不签署。签署方为：{signing}。"


class AgreementEnded(LedgerError):
    """All quarters are closed, and the new terms don't reach further."""

    code = "AGREEMENT_ENDED"
    sentence_en = (
        "Every quarter up to {last_closed} is closed, and version {version} ends with {last_quarter}. "
        "Its last_quarter must be {needed} or later for it to have any effect."
    )
    sentence_zh = (
        "截至 {last_closed} 的季度均已关账，而第 {version} 版止于 {last_quarter}。"
        "last_quarter 须不早于 {needed} 方能生效。"
    )


def draft_faults(draft: AgreementDraft) -> list[Fault]:
    faults = choice_faults("kind", draft.kind, KINDS)
    for path in ("code", "title_zh", "title_en", "source"):
        faults += text_faults(path, getattr(draft, path))
    return faults + (text_faults("unverified", draft.unverified) if draft.unverified else [])


def code_taken_fault(code: str) -> Fault:
    """An agreement with this code exists."""
    return Fault(
        "code",
        "CODE_TAKEN",
        f"An agreement with the code {code} exists. Choose another code, or amend that one.",
        f"编号为 {code} 的合作协议已存在。请更换编号，或修订该协议。",
    )


def side_faults(sides: Sequence[SideDraft], party_ids: Mapping[str, int]) -> list[Fault]:
    faults = [
        Fault(
            f"sides[{index}].party_code",
            "PARTY_UNKNOWN",
            f"Expected a registered party's code, but got {side.party_code!r}. Register the party first.",
            f"应为已登记主体的编号，实际为 {side.party_code!r}。请先登记该主体。",
        )
        for index, side in enumerate(sides)
        if side.party_code not in party_ids
    ]
    roles = [side.role for side in sides]
    faults += [
        Fault(
            f"sides[{index}].role",
            "ROLE_TWICE",
            f"The role {role} appears twice. Give each side a role of its own.",
            f"角色 {role} 重复出现。请为各方设置不同的角色。",
        )
        for index, role in enumerate(roles)
        if role in roles[:index]
    ]
    if len({side.party_code for side in sides if side.signs}) < 2:
        faults.append(
            Fault(
                "sides",
                "SIGNERS_TOO_FEW",
                "Expected at least two different parties that sign.",
                "至少应有两个不同的签署主体。",
            )
        )
    return faults


def binding_faults(terms: Terms, code: str, party_codes: Mapping[str, str]) -> list[Fault]:
    faults = []
    if terms.agreement != code:
        faults.append(
            Fault(
                "terms.agreement",
                "OTHER_AGREEMENT",
                f"Expected the agreement's code {code}, but got {terms.agreement!r}.",
                f"应为协议编号 {code}，实际为 {terms.agreement!r}。",
            )
        )
    if terms.roles != party_codes:
        faults.append(
            Fault(
                "terms.roles",
                "OTHER_SIDES",
                f"Expected the agreement's sides {_listed(party_codes)}, but got {_listed(terms.roles)}.",
                f"应与协议各方一致（{_listed(party_codes)}），实际为 {_listed(terms.roles)}。",
            )
        )
    return faults


def _listed(party_codes: Mapping[str, str]) -> str:
    return ", ".join(f"{role}={code}" for role, code in sorted(party_codes.items()))
