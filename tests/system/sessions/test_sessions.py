"""登录与会话: signing in and out, rotation, locks, what is told to whom."""

import asyncio
import dataclasses
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update
from tests.factories.callers import make_user
from tests.factories.places import make_unit
from tests.waiting import eventually

from wenming_api.app import create_app
from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.system.audit.models import AuditEntry
from wenming_api.system.sessions.models import LoginFailures, RefreshToken, Session
from wenming_api.system.users.models import User
from wenming_api.system.users.rules import hash_password

PASSWORD = "Taishan-2026-peak"
HASHED = hash_password(PASSWORD)
NEW_PASSWORD = "Huanghe-77-river"


@pytest.fixture
async def user(database):
    async with database.transaction() as session:
        return await make_user(
            session,
            unit=await make_unit(session),
            permissions=[Permission.UNITS_READ],
            username="wang.min",
            password_hash=HASHED,
        )


async def sign_in(client, username="wang.min", password=PASSWORD):
    return await client.post("/auth/login", json={"username": username, "password": password})


async def refresh(client, tokens):
    return await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})


def bearer(tokens):
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def test_signing_in_gives_tokens_that_open(client, user):
    tokens = (await sign_in(client, " WANG.min".strip())).json()
    assert (tokens["token_type"], tokens["expires_in"], tokens["must_change_password"]) == ("Bearer", 600, False)
    me = (await client.get("/me", headers=bearer(tokens))).json()
    assert (me["username"], me["permissions"]) == ("wang.min", [{"code": "units.read", "label": "查看单位"}])
    assert me["scope"]["all_rows"] is True
    assert (await client.get("/units", headers=bearer(tokens))).status_code == 200
    assert (await client.get("/units")).status_code == 401


async def test_nothing_tells_whether_an_account_exists(client, user, database):
    async with database.transaction() as session:
        gone = await make_user(session, unit=await make_unit(session), username="gone", password_hash=HASHED)
        (await session.get(User, gone.id)).active = False

    def told(answer):
        body = {key: value for key, value in answer.json().items() if key not in {"request_id", "retry_after"}}
        body["detail"] = "".join(character for character in body["detail"] if not character.isdigit())
        return answer.status_code, body, set(answer.headers)

    attempts = [("wang.min", "wrong"), ("no.such.user", "wrong"), ("gone", PASSWORD)]
    for round_ in range(7):
        answers = [told(await sign_in(client, *attempt)) for attempt in attempts]
        assert answers[0] == answers[1] == answers[2], round_
        assert answers[0][0] == (401 if round_ < 5 else 429)


async def test_an_account_is_locked_for_everyone_and_opens_again(client, user, database):
    for _ in range(5):
        assert (await sign_in(client, password="wrong")).status_code == 401
    locked = await sign_in(client)
    assert (locked.status_code, locked.json()["code"]) == (429, "sign_in_locked")
    assert 1 <= int(locked.headers["Retry-After"]) <= 900
    async with database.transaction() as session:
        await session.execute(update(LoginFailures).values(locked_until=clock.now() - timedelta(seconds=1)))
    assert (await sign_in(client)).status_code == 200
    for _ in range(4):
        assert (await sign_in(client, password="wrong")).status_code == 401
    assert (await sign_in(client)).status_code == 200


async def test_concurrent_failures_are_all_counted(client, user):
    answers = await asyncio.gather(*(sign_in(client, password="wrong") for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {401, 429}
    assert (await sign_in(client)).status_code == 429


async def test_an_address_is_locked_whatever_accounts_it_tries(settings, resources, user):
    strict = settings.model_copy(
        update={"sessions": settings.sessions.model_copy(update={"address_failures_before_lock": 5})}
    )
    app = create_app(strict, dataclasses.replace(resources, settings=strict))

    def at(address):
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://test/api/v1")

    async with at("203.0.113.9") as attacker, at("198.51.100.7") as honest:
        for number in range(5):
            assert (await sign_in(attacker, f"guess{number}", "wrong")).status_code == 401
        assert (await sign_in(attacker)).status_code == 429
        assert (await sign_in(honest)).status_code == 200


async def test_a_refresh_token_is_used_once(client, user):
    first = (await sign_in(client)).json()
    second = (await refresh(client, first)).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await client.get("/units", headers=bearer(second))).status_code == 200
    third = (await refresh(client, second)).json()
    stolen = await refresh(client, first)
    assert (stolen.status_code, stolen.json()["code"]) == (401, "refresh_refused")
    assert (await refresh(client, third)).status_code == 401

    async def out():
        return (await client.get("/units", headers=bearer(third))).status_code == 401

    await eventually(out)


async def test_reuse_ends_that_session_only_and_is_audited(client, user, database):
    stolen, other = (await sign_in(client)).json(), (await sign_in(client)).json()
    await refresh(client, stolen)
    await refresh(client, stolen)
    assert (await refresh(client, other)).status_code == 200
    async with database.transaction() as session:
        actions = set((await session.execute(select(AuditEntry.action))).scalars())
    assert "sessions.reuse_detected" in actions


async def test_of_concurrent_refreshes_one_wins_and_the_session_ends(client, user):
    tokens = (await sign_in(client)).json()
    answers = await asyncio.gather(*(refresh(client, tokens) for _ in range(10)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.status_code for answer in answers} == {200, 401}
    assert (await refresh(client, won[0].json())).status_code == 401


async def test_tokens_are_kept_as_hashes_only(client, user, database):
    tokens = (await sign_in(client)).json()
    async with database.transaction() as session:
        kept = (await session.execute(select(RefreshToken.token_hash))).scalars().all()
        audited = (await session.execute(select(AuditEntry.changes))).scalars().all()
    assert all(len(value) == 32 for value in kept)
    assert tokens["refresh_token"] not in str(kept) + str(audited)


async def test_idle_and_absolute_ends(client, user, database, app):
    tokens = (await sign_in(client)).json()
    past = clock.now() - timedelta(seconds=1)
    async with database.transaction() as session:
        await session.execute(update(RefreshToken).values(expires_at=past))
    assert (await refresh(client, tokens)).status_code == 401
    async with database.transaction() as session:
        await session.execute(update(Session).values(expires_at=past))
    app.state.identifier.forget(None)
    assert (await client.get("/units", headers=bearer(tokens))).status_code == 401


async def test_refreshing_never_passes_the_absolute_end(client, user, database, settings):
    tokens = (await sign_in(client)).json()
    started = clock.now() - timedelta(seconds=settings.sessions.absolute_seconds - 60)
    end = started + timedelta(seconds=settings.sessions.absolute_seconds)
    async with database.transaction() as session:
        await session.execute(update(Session).values(started_at=started))
    last = (await refresh(client, tokens)).json()
    assert 0 < last["expires_in"] <= 60
    async with database.transaction() as session:
        assert (await session.execute(select(Session.expires_at))).scalar_one() == end
        newest = select(RefreshToken.expires_at).where(RefreshToken.used_at.is_(None))
        assert (await session.execute(newest)).scalar_one() == end
        await session.execute(update(RefreshToken).values(expires_at=clock.now()))
    assert (await refresh(client, last)).status_code == 401


async def test_signing_out_ends_this_session_only(client, user):
    here, there = (await sign_in(client)).json(), (await sign_in(client)).json()
    assert (await client.post("/auth/logout", headers=bearer(here))).status_code == 204

    async def out():
        return (await client.get("/me", headers=bearer(here))).status_code == 401

    await eventually(out)
    assert (await refresh(client, here)).status_code == 401
    assert (await client.get("/me", headers=bearer(there))).status_code == 200


async def test_own_sessions_are_listed_and_ended(client, user, callers, database):
    here, there = (await sign_in(client)).json(), (await sign_in(client)).json()
    listed = (await client.get("/me/sessions", headers=bearer(here))).json()
    assert [item["current"] for item in listed] == [False, True]
    ended = await client.delete(f"/me/sessions/{listed[0]['id']}", headers=bearer(here))
    assert ended.status_code == 204

    async def out():
        return (await client.get("/me", headers=bearer(there))).status_code == 401

    await eventually(out)
    async with database.transaction() as session:
        other = await make_user(session, unit=await make_unit(session))
    stranger = await callers.sign_in(other)
    theirs = (await stranger.get("/me/sessions")).json()[0]["id"]
    assert (await client.delete(f"/me/sessions/{theirs}", headers=bearer(here))).status_code == 404


async def test_a_changed_password_ends_the_other_sessions(client, user):
    here, there = (await sign_in(client)).json(), (await sign_in(client)).json()
    changed = await client.post(
        "/me/password", json={"current_password": PASSWORD, "new_password": NEW_PASSWORD}, headers=bearer(here)
    )
    assert changed.status_code == 204, changed.text

    async def out():
        return (await client.get("/me", headers=bearer(there))).status_code == 401

    await eventually(out)
    assert (await client.get("/me", headers=bearer(here))).status_code == 200
    assert (await sign_in(client)).status_code == 401
    assert (await sign_in(client, password=NEW_PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    "weak",
    ["short", "alllowercaseletters", PASSWORD, "wang.min-Strong-9", "Password-12345678", "aaaaAAAA1111", "x" * 129],
)
async def test_weak_passwords_are_refused_with_reasons(client, user, weak):
    tokens = (await sign_in(client)).json()
    answer = await client.post(
        "/me/password", json={"current_password": PASSWORD, "new_password": weak}, headers=bearer(tokens)
    )
    assert answer.status_code == 422, answer.text
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/new_password"}
    assert (await sign_in(client)).status_code == 200


async def test_guessing_the_current_password_locks_too(client, user):
    tokens = (await sign_in(client)).json()
    body = {"current_password": "wrong", "new_password": NEW_PASSWORD}
    answers = [await client.post("/me/password", json=body, headers=bearer(tokens)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert answers[0].json()["code"] == "wrong_password"
    assert answers[0].json()["errors"] == [{"pointer": "/current_password", "message": "当前密码不正确"}]
    assert (await client.get("/me", headers=bearer(tokens))).status_code == 200


async def test_an_issued_password_opens_nothing_but_its_change(callers, database):
    async with database.transaction() as session:
        user = await make_user(session, unit=await make_unit(session), must_change_password=True)
    client = await callers.sign_in(user)
    for path in ("/units", "/regions", "/users"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "password_change_required")
    assert (await client.get("/me")).json()["must_change_password"] is True
    assert (await client.post("/auth/logout")).status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"username": "a\x00b", "password": "x"},
        {"username": "", "password": "x"},
        {"username": "x" * 65, "password": "x"},
        {"username": "x", "password": "x" * 257},
        {"username": ["x"], "password": "x"},
        {"username": "x"},
        {"username": "x", "password": "x", "role": "admin"},
    ],
)
async def test_hostile_sign_ins_are_refused(client, body):
    answer = await client.post("/auth/login", json=body)
    assert answer.status_code == 422, answer.text


async def test_a_lone_surrogate_is_refused(client):
    answer = await client.post(
        "/auth/login",
        content=b'{"username": "\\ud800", "password": "\\udfff"}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422


async def test_a_known_token_costs_no_statement(client, user, statements):
    tokens = (await sign_in(client)).json()
    await client.get("/units", headers=bearer(tokens))
    with statements() as sent:
        await client.get("/units", headers=bearer(tokens))
    assert not [statement for statement in sent.sent if "sessions" in statement]
