"""用户: made, changed, disabled, locked, kicked out; who may, on whom; and how fast it takes effect elsewhere."""

import contextlib
import time

import httpx
import pytest
from asgi_lifespan import LifespanManager
from sqlalchemy import select
from tests.factories.callers import Callers, make_user
from tests.factories.places import make_county, make_unit
from tests.factories.roles import builtin_role, give, make_role
from tests.waiting import eventually

from wenming_api.app import create_app
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.idempotency import IdempotencyKey
from wenming_api.kit.ids import uuid7
from wenming_api.system.audit.models import AuditEntry
from wenming_api.system.roles.rules import Administrator, DataScope
from wenming_api.system.sessions.models import LoginFailures
from wenming_api.system.units.models import Department
from wenming_api.system.users.models import User
from wenming_api.system.users.rules import hash_password

READ = [Permission.USERS_READ]
MANAGE = [Permission.USERS_READ, Permission.USERS_MANAGE]
GRANT = [Permission.USERS_READ, Permission.ROLES_MANAGE, Permission.SITES_READ]
REASON = {"reason": "岗位调整"}
NEW_PASSWORD = "Kunlun-77-mountain"


@pytest.fixture
async def unit(database):
    async with database.transaction() as session:
        return await make_unit(session, region=await make_county(session), name="区城管局")


@pytest.fixture
async def user(database, unit):
    async with database.transaction() as session:
        return await make_user(session, unit=unit, permissions=[Permission.SITES_READ], username="chen.jing")


def judged(user):
    return {"version": user.version, **REASON}


async def sign_in(client, username, password):
    return await client.post("/auth/login", json={"username": username, "password": password})


async def test_a_new_user_signs_in_once_with_what_was_issued_and_must_change_it(admin, client, unit, database):
    made = await admin.post("/users", json={"username": "Wang.Min", "display_name": "王敏", "unit_id": str(unit.id)})
    assert made.status_code == 201, made.text
    issued = made.json()
    assert issued["username"] == "wang.min"
    first = await sign_in(client, "wang.min", issued["password"])
    assert first.json()["must_change_password"] is True
    headers = {"Authorization": f"Bearer {first.json()['access_token']}"}
    gated = await client.get("/units", headers=headers)
    assert (gated.status_code, gated.json()["code"]) == (403, "password_change_required")
    changed = await client.post(
        "/me/password", json={"current_password": issued["password"], "new_password": NEW_PASSWORD}, headers=headers
    )
    assert changed.status_code == 204, changed.text
    assert (await sign_in(client, "wang.min", issued["password"])).status_code == 401
    assert (await sign_in(client, "wang.min", NEW_PASSWORD)).json()["must_change_password"] is False
    async with database.transaction() as session:
        kept = (await session.execute(select(AuditEntry.changes))).scalars().all()
    assert issued["password"] not in str(kept)


async def test_an_issued_password_is_never_kept_for_a_repetition(admin, unit, database):
    body = {"username": "once.only", "display_name": "一次", "unit_id": str(unit.id)}
    headers = {"Idempotency-Key": "the-same-key"}
    assert (await admin.post("/users", json=body, headers=headers)).status_code == 201
    assert (await admin.post("/users", json=body, headers=headers)).status_code == 409
    async with database.transaction() as session:
        assert (await session.execute(select(IdempotencyKey))).first() is None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"username": "a"}, "/username"),
        ({"username": "有中文"}, "/username"),
        ({"username": "a\x00bcd"}, "/username"),
        ({"display_name": ""}, "/display_name"),
        ({"unit_id": str(uuid7())}, "/unit_id"),
        ({"department_id": str(uuid7())}, "/department_id"),
        ({"role_ids": [str(uuid7())]}, "/role_ids/0"),
        ({"password": NEW_PASSWORD}, "/password"),
    ],
)
async def test_wrong_input_names_the_field_and_saves_nothing(admin, unit, change, pointer):
    body = {"username": "new.user", "display_name": "新人", "unit_id": str(unit.id)} | change
    answer = await admin.post("/users", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await admin.get("/users", params={"q": "新人"})).json()["total"] == 0


async def test_a_user_moves_between_units_and_departments(admin, user, unit, database):
    async with database.transaction() as session:
        other = await make_unit(session, region=await make_county(session, no=4), name="别的单位")
        office = Department(unit_id=unit.id, name="办公室")
        session.add(office)
    path = f"/users/{user.id}"
    placed = await admin.patch(path, json={"department_id": str(office.id)}, headers={"If-Match": '"1"'})
    assert (placed.status_code, placed.json()["department_name"]) == (200, "办公室")
    wrong = await admin.patch(
        path, json={"unit_id": str(other.id), "department_id": str(office.id)}, headers={"If-Match": '"2"'}
    )
    assert wrong.json()["errors"][0]["pointer"] == "/department_id"
    moved = await admin.patch(path, json={"unit_id": str(other.id)}, headers={"If-Match": '"2"'})
    assert (moved.json()["unit_path"], moved.json()["region_path"]) == (other.unit_path, other.region_path)
    assert moved.json()["department_id"] is None
    stale = await admin.patch(path, json={"display_name": "晚了"}, headers={"If-Match": '"2"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 3)
    assert (await admin.patch(path, json={"display_name": "无"})).status_code == 428


@pytest.fixture
async def elsewhere(settings):
    """A second process: its own pool, cache and listener on the same database."""
    app = create_app(settings)
    async with LifespanManager(app), contextlib.AsyncExitStack() as stack:
        yield Callers(app, app.state.resources.database, stack)


TAKEN_AWAY = {
    "disable": lambda admin, user: admin.post(f"/users/{user.id}/disable", json=judged(user)),
    "logout": lambda admin, user: admin.post(f"/users/{user.id}/logout", json=judged(user)),
    "reset-password": lambda admin, user: admin.post(f"/users/{user.id}/reset-password", json=judged(user)),
    "roles": lambda admin, user: admin.put(
        f"/users/{user.id}/roles", json={"role_ids": []}, headers={"If-Match": f'"{user.version}"'}
    ),
}


@pytest.mark.parametrize("what", TAKEN_AWAY)
async def test_what_is_taken_away_ends_within_seconds_in_every_process(admin, user, callers, elsewhere, what):
    here, there = await callers.sign_in(user), await elsewhere.sign_in(user)
    for client in (here, there, here, there):
        assert (await client.get("/sites")).status_code == 200
    answer = await TAKEN_AWAY[what](admin, user)
    assert answer.status_code == 200, answer.text
    started = time.perf_counter()
    for client in (here, there):

        async def refused(client: httpx.AsyncClient = client) -> bool:
            return (await client.get("/sites")).status_code in (401, 403)

        await eventually(refused)
    assert time.perf_counter() - started < 5


async def test_a_disabled_user_stays_out_until_enabled(admin, client, unit, database):
    async with database.transaction() as session:
        user = await make_user(session, unit=unit, username="liu.yang", password_hash=hash_password(NEW_PASSWORD))
    tokens = (await sign_in(client, "liu.yang", NEW_PASSWORD)).json()
    disabled = await admin.post(f"/users/{user.id}/disable", json=judged(user))
    assert (disabled.json()["active"], disabled.json()["live_sessions"]) == (False, 0)
    assert (await sign_in(client, "liu.yang", NEW_PASSWORD)).status_code == 401
    refreshed = await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401
    again = await admin.post(f"/users/{user.id}/disable", json={"version": 2, **REASON})
    assert (again.status_code, again.json()["allowed"]) == (409, ["enable"])
    reset = await admin.post(f"/users/{user.id}/reset-password", json={"version": 2, **REASON})
    assert reset.status_code == 409
    stale = await admin.post(f"/users/{user.id}/enable", json={"version": 1, **REASON})
    assert (stale.status_code, stale.json()["current_version"]) == (409, 2)
    assert (await admin.post(f"/users/{user.id}/enable", json={"version": 2, **REASON})).json()["active"] is True
    assert (await sign_in(client, "liu.yang", NEW_PASSWORD)).status_code == 200


async def test_a_locked_user_is_unlocked(admin, client, unit, database):
    async with database.transaction() as session:
        user = await make_user(session, unit=unit, username="lock.ed", password_hash=hash_password(NEW_PASSWORD))
    for _ in range(5):
        await sign_in(client, "lock.ed", "wrong")
    assert (await sign_in(client, "lock.ed", NEW_PASSWORD)).status_code == 429
    assert (await admin.get(f"/users/{user.id}")).json()["locked_until"] is not None
    unlocked = await admin.post(f"/users/{user.id}/unlock", json=judged(user))
    assert (unlocked.status_code, unlocked.json()["locked_until"]) == (200, None)
    assert (await sign_in(client, "lock.ed", NEW_PASSWORD)).status_code == 200
    async with database.transaction() as session:
        failures = (await session.execute(select(LoginFailures.count))).scalars().all()
    assert 0 in failures


async def test_roles_are_given_and_taken(as_user, user, database):
    async with database.transaction() as session:
        role = await make_role(session, Permission.SITES_READ)
    client = await as_user([*GRANT, Permission.ROLES_READ])
    path = f"/users/{user.id}"
    own = [held["id"] for held in (await client.get(path)).json()["roles"]]
    given = await client.put(
        f"{path}/roles", json={"role_ids": [*own, str(role.id), str(role.id)]}, headers={"If-Match": '"1"'}
    )
    assert given.status_code == 200, given.text
    assert {held["id"] for held in given.json()["roles"]} == {*own, str(role.id)}
    assert given.headers["ETag"] == '"2"'
    stale = await client.put(f"{path}/roles", json={"role_ids": own}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    taken = await client.put(f"{path}/roles", json={"role_ids": []}, headers={"If-Match": '"2"'})
    assert taken.json()["roles"] == []


async def test_nobody_gives_more_than_he_has(as_user, user, unit, database, callers):
    async with database.transaction() as session:
        strong = await make_role(session, Permission.SITES_MANAGE, code="strong")
        wide = await make_role(session, Permission.SITES_READ, code="wide", scope=DataScope.ALL)
        region = await make_role(session, Permission.SITES_READ, code="region", scope=DataScope.REGION)
        fitting = await make_role(session, Permission.SITES_READ, code="fitting")
        held = await make_user(session, unit=unit, permissions=[])
        await give(session, held, strong.id)
    client = await as_user(GRANT, scope=DataScope.UNIT_AND_BELOW, unit=unit)
    for role in (strong, wide, region):
        answer = await client.put(
            f"/users/{user.id}/roles", json={"role_ids": [str(role.id)]}, headers={"If-Match": '"1"'}
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "may_not_grant"), role.code
    taken = await client.put(f"/users/{held.id}/roles", json={"role_ids": []}, headers={"If-Match": '"1"'})
    assert taken.status_code == 403
    kept = [role["id"] for role in (await client.get(f"/users/{user.id}")).json()["roles"]]
    fits = await client.put(
        f"/users/{user.id}/roles", json={"role_ids": [*kept, str(fitting.id)]}, headers={"If-Match": '"1"'}
    )
    assert fits.status_code == 200
    me = callers.user_of(client)
    own = await client.put(f"/users/{me.id}/roles", json={"role_ids": []}, headers={"If-Match": '"1"'})
    assert (own.status_code, own.json()["code"]) == (403, "own_account")


async def test_the_security_administrator_gives_business_roles_only(callers, unit, user, database):
    async with database.transaction() as session:
        roles = {code: await builtin_role(session, code) for code in ("city_office", *Administrator)}
        security = await make_user(session, unit=unit, permissions=[])
        await give(session, security, roles[Administrator.SECURITY].id)
        target = await make_user(session, unit=unit, permissions=[])
    client = await callers.sign_in(security)

    def put(*codes):
        ids = [str(roles[code].id) for code in codes]
        return client.put(f"/users/{target.id}/roles", json={"role_ids": ids}, headers={"If-Match": '"1"'})

    assert (await put(Administrator.SYSTEM)).status_code == 403
    assert (await put(Administrator.AUDIT)).status_code == 403
    assert (await put(Administrator.SYSTEM, Administrator.SECURITY)).status_code == 422
    assert (await put("city_office")).status_code == 200
    assert (await client.get("/sites")).status_code == 403
    assert (await client.post("/users", json={})).status_code == 403


async def test_administrators_do_not_take_over_each_other(callers, unit, user, database):
    async with database.transaction() as session:
        people = {}
        for code in Administrator:
            people[code] = await make_user(session, unit=unit, permissions=[])
            await give(session, people[code], (await builtin_role(session, code)).id)
    client = await callers.sign_in(people[Administrator.SYSTEM])
    for code in (Administrator.SECURITY, Administrator.AUDIT):
        for verb in ("disable", "reset-password", "logout"):
            answer = await client.post(f"/users/{people[code].id}/{verb}", json=judged(people[code]))
            assert (answer.status_code, answer.json()["code"]) == (403, "other_administrator")
        actions = {a["action"]: a for a in (await client.get(f"/users/{people[code].id}")).json()["allowed_actions"]}
        assert not actions["reset-password"]["allowed"]
    own = people[Administrator.SYSTEM]
    for verb in ("disable", "reset-password", "logout"):
        answer = await client.post(f"/users/{own.id}/{verb}", json=judged(own))
        assert answer.json()["code"] == "own_account"
    assert (await client.post(f"/users/{user.id}/reset-password", json=judged(user))).status_code == 200
    assert (await client.put(f"/users/{user.id}/roles", json={"role_ids": []})).status_code == 403
    with_roles = {"username": "new.one", "display_name": "新", "unit_id": str(unit.id)}
    role_id = (await client.get("/roles", params={"q": "assessor"})).json()["items"][0]["id"]
    assert (await client.post("/users", json=with_roles | {"role_ids": [role_id]})).status_code == 403
    assert (await client.get("/users", params={"q": "new.one"})).json()["total"] == 0


async def test_lists_are_filtered_and_scoped(admin, as_user, user, unit, database):
    async with database.transaction() as session:
        role = await make_role(session, Permission.SITES_READ)
        below = await make_unit(session, region=await make_county(session), managing=unit)
        under = await make_user(session, unit=below)
        await give(session, under, role.id)
        stranger = await make_user(session, unit=await make_unit(session, region=await make_county(session, no=8)))
        (await session.get(User, stranger.id)).active = False
    cases = [
        ({"unit_id": str(unit.id)}, {user}),
        ({"below": unit.unit_path}, {user, under}),
        ({"under": stranger.region_path}, {stranger}),
        ({"role_id": str(role.id)}, {under}),
        ({"active": "false"}, {stranger}),
        ({"q": "chen."}, {user}),
        ({"q": "_hen"}, set()),
    ]
    for params, wanted in cases:
        found = (await admin.get("/users", params=params)).json()
        assert {item["id"] for item in found["items"]} == {str(one.id) for one in wanted}, params
    for scope, seen in (
        (DataScope.REGION, {user, under}),
        (DataScope.UNIT_AND_BELOW, {user, under}),
        (DataScope.UNIT, {user}),
    ):
        client = await as_user(MANAGE, scope=scope, unit=unit)
        ids = {item["id"] for item in (await client.get("/users")).json()["items"]}
        assert {str(one.id) for one in seen} <= ids
        assert str(stranger.id) not in ids
        assert (await client.get(f"/users/{stranger.id}")).status_code == 404
        for verb in ("disable", "enable", "reset-password", "unlock", "logout"):
            answer = await client.post(f"/users/{stranger.id}/{verb}", json=judged(stranger))
            assert answer.status_code == 404
        outside = {"username": "out.side", "display_name": "越界", "unit_id": str(stranger.unit_id)}
        assert (await client.post("/users", json=outside)).status_code == 422
        headers = {"If-Match": '"1"'}
        assert (await client.patch(f"/users/{stranger.id}", json={}, headers=headers)).status_code == 404
        away = {"unit_id": str(stranger.unit_id)}
        assert (await client.patch(f"/users/{user.id}", json=away, headers=headers)).status_code == 422


async def test_without_the_permission_nothing(as_user, user):
    reader = await as_user(READ)
    assert (await reader.post(f"/users/{user.id}/disable", json=judged(user))).status_code == 403
    assert not any(a["allowed"] for a in (await reader.get(f"/users/{user.id}")).json()["allowed_actions"])
    assert (await (await as_user([Permission.UNITS_READ])).get("/users")).status_code == 403


async def test_statements_are_few_and_hashes_stay_inside(admin, user, statements):
    await admin.get("/users")
    with statements() as sent:
        listed = await admin.get("/users")
    assert sent.count <= 2
    with statements() as sent:
        detail = await admin.get(f"/users/{user.id}")
    assert sent.count <= 3
    assert "hash" not in listed.text + detail.text
