"""Who asks, with which roles and tokens; and, for auditors, what was refused to whom."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated

import strawberry

from ledger.desk import accounts, roster
from ledger.desk.accounts import Account, Grant
from ledger_graphql.connections import (
    FIRST_DEFAULT,
    After,
    Connection,
    First,
    connection,
    global_id,
    number_key,
    numbers_of,
)
from ledger_graphql.context import Desk, Info
from ledger_graphql.failures import IdempotencyKeyReused, InvalidInput, NotFound, Refused
from ledger_graphql.fields import INPUT, REPLAYED, mutation, resolved
from ledger_graphql.inputs import KEY_DESCRIPTION
from ledger_graphql.parties import Party, party_nodes


@strawberry.enum(name="AccountRole", description="What an account does (docs/accounts.md).")
class AccountRole(Enum):
    OFFICER = strawberry.enum_value("officer", description="经办: prepares and hands in what a party says.")
    APPROVER = strawberry.enum_value("approver", description="复核: checks, certifies and signs for a party.")
    AUDITOR = strawberry.enum_value("auditor", description="审计: reads everything in the mandate.")
    PROVINCE = strawberry.enum_value("province", description="省级主管: reads a province's, and arbitrates.")
    OPERATOR = strawberry.enum_value("operator", description="运维: runs it, with no authority over data.")


@strawberry.type(description="A role that an account holds now.")
class RoleHeld:
    role: AccountRole = strawberry.field(description="The role.")
    party: str | None = strawberry.field(
        description="Code of the party for which it is held; null for provinces, operators, and for an "
        "auditor whose mandate is everything."
    )
    province_code: str | None = strawberry.field(description="Of a provincial official: six digits.")
    ends: date | None = strawberry.field(
        description="Its last day, for a delegation; null: until it is ended."
    )


@strawberry.type(description="A token that is good now. The token itself is shown once, when it is made.")
class AccessToken:
    id: strawberry.ID = strawberry.field(description="For revoking it.")
    label: str = strawberry.field(description='What it is for; "session" for a browser that signed in.')
    recorded_at: datetime = strawberry.field(description="When it was made.")
    expires_at: datetime = strawberry.field(description="When it ends.")


@strawberry.type(description="Who asks.")
class Viewer:
    account: str = strawberry.field(description="The account's name, as events name it.")
    person: str = strawberry.field(description="Whose account it is.")
    roles: list[RoleHeld] = strawberry.field(description="What it holds now, oldest first.")

    @resolved("Its tokens that are good now, oldest first.")
    def tokens(self, info: Info) -> list[AccessToken]:
        desk = info.context
        with desk.seeing_everything() as connection:
            return [_token(one) for one in accounts.tokens_of(connection, desk.account.user_id)]


@strawberry.type(description="An act that an account tried and that was refused before it began.")
class RefusedAct:
    id: strawberry.ID = strawberry.field(description="Of the record.")
    account: str = strawberry.field(description="Who tried.")
    person: str = strawberry.field(description="Whose account it is.")
    act: str = strawberry.field(description='The change, such as "closeQuarter", or "uploadDocument".')
    subject_kind: str = strawberry.field(description="What kind of thing it named.")
    subject_name: str = strawberry.field(description="The name that it gave, existing or not.")
    party: Party | None = strawberry.field(description="For whom it would have been; null where nobody is.")
    key: str = strawberry.field(description="The idempotency key of the request.")
    code: str = strawberry.field(description="The code that was answered.")
    recorded_at: datetime = strawberry.field(description="When it was tried.")


@strawberry.input(description="A token of one's own, to be good no more.")
class RevokeTokenInput:
    idempotency_key: str = strawberry.field(description=KEY_DESCRIPTION)
    token: strawberry.ID = strawberry.field(description="Id of the token.")


@strawberry.type(description="The token was revoked.")
class TokenSuccess:
    viewer: Viewer = strawberry.field(description="Who asks, as it is now.")
    replayed: bool = strawberry.field(description=REPLAYED)


RevokeTokenResult = Annotated[
    TokenSuccess | InvalidInput | IdempotencyKeyReused | NotFound | Refused,
    strawberry.union("RevokeTokenResult", description="What came of revoking a token."),
]


@strawberry.type
class AccountQueries:
    @resolved("Who asks, in which roles.")
    def viewer(self, info: Info) -> Viewer:
        return _viewer(info.context.account)

    @resolved(
        "Refused acts, oldest first, of the auditor's mandate: all of them, or those that would have been "
        "for one of its parties. Empty for everybody else."
    )
    def refused_acts(
        self, info: Info, first: First = FIRST_DEFAULT, after: After = None
    ) -> Connection[RefusedAct]:
        desk = info.context
        page = accounts.refusals(
            desk.snapshot,
            party_ids=None if desk.account.sight.everything else desk.account.sight.audited_party_ids,
            after=number_key(after),
            limit=first,
        )
        return connection(
            _refused_nodes(desk, page.items),
            [(record.refusal_id,) for record in page.items],
            has_next=page.has_next,
            after=after,
        )


@strawberry.type
class AccountMutations:
    @mutation("Revoke a token of one's own. Nothing is asked with it any more.")
    def revoke_token(self, info: Info, input: Annotated[RevokeTokenInput, INPUT]) -> RevokeTokenResult:
        desk = info.context
        (token_id,) = numbers_of(input.token, "Token", 1)
        act = desk.act(input.idempotency_key)
        done = accounts.revoke_token(desk.database, act, desk.account, token_id)
        return TokenSuccess(viewer=_viewer(desk.account), replayed=done.replayed)


def _viewer(account: Account) -> Viewer:
    roles = [_role_held(grant) for grant in account.grants]
    return Viewer(account=account.name, person=account.person, roles=roles)


def _role_held(grant: Grant) -> RoleHeld:
    return RoleHeld(
        role=AccountRole[grant.role.name],
        party=grant.party_code,
        province_code=grant.province_code,
        ends=grant.ends,
    )


def _token(record: accounts.Token) -> AccessToken:
    return AccessToken(
        id=global_id("Token", record.token_id),
        label=record.label,
        recorded_at=record.recorded_at,
        expires_at=record.expires_at,
    )


def _refused_nodes(desk: Desk, records: list[accounts.Refusal]) -> list[RefusedAct]:
    ids = {record.party_id for record in records if record.party_id is not None}
    found = list(roster.parties_by_id(desk.snapshot, ids).values())
    parties = dict(zip((one.party_id for one in found), party_nodes(desk, found), strict=True))
    return [
        RefusedAct(
            id=global_id("RefusedAct", record.refusal_id),
            account=record.account,
            person=record.person,
            act=record.act,
            subject_kind=record.subject_kind,
            subject_name=record.subject_name,
            party=None if record.party_id is None else parties[record.party_id],
            key=record.key,
            code=record.code,
            recorded_at=record.recorded_at,
        )
        for record in records
    ]
