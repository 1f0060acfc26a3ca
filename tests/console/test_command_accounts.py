"""`parkledger accounts`, and the accounts that come with the sample."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.desk import accounts, roster
from ledger.desk.accounts import Role
from ledger.desk.acts import Act
from ledger_console.command.open_id import open_id_of_environment
from ledger_console.sample.accounts import SAMPLE_ACCOUNTS, DemoPasswords, has_accounts, load_accounts
from ledger_console.sample.documents import parties
from ledger_graphql.open_id import OpenId, ProviderUnusable
from ledger_schema.sessions import Database
from tests.account_room import CHEAP, AccountRoom
from tests.console.commands import Commands


@pytest.fixture
def room(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[AccountRoom]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    database = Database(database_url)
    yield AccountRoom(database)
    database.dispose()


def register(room: AccountRoom, code: str) -> None:
    draft = roster.PartyDraft(code, "zone", "某区", "made up")
    roster.register_party(room.database, Act(f"register/{code}"), draft)


def test_an_account_is_opened_entitled_listed_and_closed(run: Commands, room: AccountRoom) -> None:
    register(room, "EAST")
    assert run("accounts", "open", "zhang.san", "--person", "张三") == 0
    assert run("accounts", "grant", "zhang.san", "officer", "--party", "EAST", "--until", "2099-12-31") == 0
    (held,) = room.account("zhang.san").grants
    assert (held.role, held.party_code, str(held.ends)) == (Role.OFFICER, "EAST", "2099-12-31")
    assert run("accounts", "list", "--language", "en") == 0
    for shown in ("zhang.san", "张三", str(held.grant_id), "officer EAST", "2099-12-31"):
        assert shown in run.out
    assert run("accounts", "revoke", str(held.grant_id)) == 0
    assert room.account("zhang.san").grants == ()
    assert run("accounts", "close", "zhang.san") == 0
    assert run("accounts", "close", "zhang.san") == 2
    assert "ACCOUNT_CLOSED" in run.err


def test_a_password_that_was_made_and_a_token_sign_in(run: Commands, room: AccountRoom) -> None:
    run("accounts", "open", "robot", "--person", "张三", "--service")
    assert room.account("robot").kind == "service"
    assert run("accounts", "password", "robot", "--random") == 0
    password = run.out.split()[-1]
    assert accounts.sign_in(room.database, "robot", password, CHEAP).text.startswith("pl_")
    assert run("accounts", "token", "robot", "--label", "nightly", "--days", "1") == 0
    owner = room.owner(run.out.strip())
    assert owner is not None
    assert owner.name == "robot"


def test_an_identity_of_a_provider_is_linked_to_one_account(run: Commands, room: AccountRoom) -> None:
    run("accounts", "open", "zhang.san", "--person", "张三")
    assert run("accounts", "link", "zhang.san", "https://id.example", "248289761001") == 0
    with room.database.reading() as connection:
        found = accounts.account_of_identity(connection, "https://id.example", "248289761001")
    assert found is not None
    assert found.name == "zhang.san"
    assert run("accounts", "link", "zhang.san", "https://id.example", "248289761001") == 2
    assert "IDENTITY_TAKEN" in run.err


@pytest.mark.usefixtures("room")
def test_what_cannot_be_done_is_refused_in_both_languages(run: Commands) -> None:
    assert run("accounts", "grant", "nobody", "operator") == 2
    assert "There is no account nobody" in run.err
    assert "账号" in run.err
    run("accounts", "open", "zhang.san", "--person", "张三")
    assert run("accounts", "grant", "zhang.san", "officer", "--party", "EAST", "--until", "someday") == 2
    assert "DAY_UNREADABLE" in run.err


def test_the_sample_has_an_account_for_each_kind_of_user_and_loads_them_once(
    room: AccountRoom, tmp_path: Path
) -> None:
    assert not has_accounts(room.database)
    for code in {one.held.party for one in SAMPLE_ACCOUNTS if one.held.party is not None}:
        register(room, code)
    demo = DemoPasswords(tmp_path)
    for _ in range(2):
        load_accounts(room.database, demo, CHEAP)
    assert has_accounts(room.database)
    assert {one.held.role for one in SAMPLE_ACCOUNTS} == set(Role)
    assert {one.held.party for one in SAMPLE_ACCOUNTS} - {None} <= {one.code for one in parties()}
    for one in SAMPLE_ACCOUNTS:
        owner = room.owner(accounts.sign_in(room.database, one.name, demo.password(one.name), CHEAP).text)
        assert owner is not None
        assert [grant.role for grant in owner.grants] == [one.held.role]


def test_passwords_of_the_sample_are_random_for_each_home_and_for_its_owner_only(tmp_path: Path) -> None:
    first, second = DemoPasswords(tmp_path / "a"), DemoPasswords(tmp_path / "b")
    assert first.password("demo.auditor") == first.password("demo.auditor")
    assert first.password("demo.auditor") != second.password("demo.auditor")
    (path,) = (tmp_path / "a" / "demo-passwords").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_environment_names_the_provider_and_its_secret_comes_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_id_of_environment() is None
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    monkeypatch.setenv("PARKLEDGER_OPEN_ID_ISSUER", "https://id.example")
    monkeypatch.setenv("PARKLEDGER_OPEN_ID_CLIENT", "parkledger")
    monkeypatch.setenv("PARKLEDGER_OPEN_ID_SECRET_FILE", str(secret))
    assert open_id_of_environment() == OpenId("https://id.example", "parkledger", "s3cret")
    monkeypatch.setenv("PARKLEDGER_OPEN_ID_ISSUER", "http://id.example")
    with pytest.raises(ProviderUnusable):
        open_id_of_environment()
