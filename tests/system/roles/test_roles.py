"""角色: what may be given, by whom, and how fast it takes effect."""

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError
from tests.factories.callers import make_user
from tests.factories.places import make_county, make_unit
from tests.factories.roles import builtin_role, give, make_role
from tests.waiting import eventually

from wenming_api.catalog.permissions import Permission
from wenming_api.system.roles.models import Role
from wenming_api.system.roles.rules import (
    BUILTIN,
    BUSINESS,
    KEYS,
    Administrator,
    DataScope,
    keys_apart,
    separated,
)
from wenming_api.system.roles.service import seed_builtin_roles

MANAGE = [Permission.ROLES_READ, Permission.ROLES_MANAGE, Permission.SITES_READ]


def wanted(**values):
    return {"code": "street", "name": "街道", "permissions": ["sites.read"], "data_scope": "unit"} | values


async def test_a_role_is_made_of_what_its_maker_holds(as_user):
    client = await as_user(MANAGE)
    made = await client.post("/roles", json=wanted())
    assert made.status_code == 201, made.text
    assert (made.json()["permissions"], made.json()["builtin"], made.json()["grantable"]) == (["sites.read"], False, [])
    beyond = await client.post(
        "/roles", json=wanted(code="more", name="更多", permissions=["sites.read", "users.manage"])
    )
    assert (beyond.status_code, beyond.json()["code"]) == (403, "may_not_grant")
    assert beyond.json()["permissions"] == ["users.manage"]
    assert (await client.get("/roles", params={"q": "more"})).json()["total"] == 0


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"permissions": ["no.such"]}, "/permissions/0"),
        ({"data_scope": "custom"}, "/region_ids"),
        ({"data_scope": "custom", "region_ids": ["01900000-0000-7000-8000-000000000000"]}, "/region_ids/0"),
        ({"region_ids": ["01900000-0000-7000-8000-000000000000"]}, "/region_ids"),
        ({"grantable": ["sites.read"]}, "/grantable"),
        ({"permissions": ["roles.manage", "users.manage"]}, "/permissions"),
        ({"code": "有中文"}, "/code"),
    ],
)
async def test_wrong_input_names_the_field(admin, change, pointer):
    answer = await admin.post("/roles", json=wanted(**change))
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_scope_wider_than_ones_own_is_not_given(as_user, database):
    async with database.transaction() as session:
        county, other = await make_county(session), await make_county(session, no=9)
        home = await make_unit(session, region=county)
    client = await as_user(MANAGE, scope=DataScope.REGION, unit=home)
    assert (await client.post("/roles", json=wanted(data_scope="all"))).status_code == 403
    outside = await client.post("/roles", json=wanted(data_scope="custom", region_ids=[str(other.id)]))
    assert outside.status_code == 422
    inside = await client.post("/roles", json=wanted(data_scope="custom", region_ids=[str(county.id)] * 2))
    assert inside.status_code == 201
    assert [region["code"] for region in inside.json()["regions"]] == [county.code]


async def test_builtin_roles_stay(admin, database):
    async with database.transaction() as session:
        role = await builtin_role(session, "reviewer")
    path, headers = f"/roles/{role.id}", {"If-Match": '"1"'}
    assert (await admin.patch(path, json={"name": "x"}, headers=headers)).json()["code"] == "builtin_role"
    assert (await admin.delete(path, headers=headers)).json()["code"] == "builtin_role"
    assert not any(item["allowed"] for item in (await admin.get(path)).json()["allowed_actions"])


async def test_nobody_edits_a_role_he_holds(as_user, callers, database):
    client = await as_user(MANAGE)
    async with database.transaction() as session:
        role = await make_role(session, Permission.SITES_READ)
        await give(session, callers.user_of(client), role.id)
    path, headers = f"/roles/{role.id}", {"If-Match": '"1"'}
    refused = await client.patch(path, json={"permissions": []}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_role")
    assert (await client.delete(path, headers=headers)).status_code == 403


async def test_nobody_edits_a_role_stronger_than_himself(as_user, database):
    client = await as_user(MANAGE)
    async with database.transaction() as session:
        role = await make_role(session, Permission.SITES_MANAGE)
    answer = await client.patch(f"/roles/{role.id}", json={"permissions": ["sites.read"]}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (403, "may_not_grant")


async def test_an_edit_needs_the_current_version_and_a_role_in_use_stays(admin, database):
    async with database.transaction() as session:
        role = await make_role(session, Permission.SITES_READ)
        user = await make_user(session, unit=await make_unit(session))
        await give(session, user, role.id)
    path = f"/roles/{role.id}"
    assert (await admin.patch(path, json={"name": "改名"})).status_code == 428
    assert (await admin.patch(path, json={"name": "改名"}, headers={"If-Match": '"1"'})).json()["version"] == 2
    stale = await admin.patch(path, json={"name": "又改"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    used = await admin.delete(path, headers={"If-Match": '"2"'})
    assert (used.status_code, used.json()["code"]) == (409, "role_in_use")
    detail = (await admin.get(path)).json()
    assert detail["holders"] == 1
    free = (await admin.post("/roles", json=wanted(code="free", name="无人"))).json()
    assert (await admin.delete(f"/roles/{free['id']}", headers={"If-Match": '"1"'})).status_code == 204
    assert (await admin.get(f"/roles/{free['id']}")).status_code == 404


async def test_changing_the_regions_alone_is_a_new_version(admin, database):
    async with database.transaction() as session:
        counties = [await make_county(session, no=no) for no in (2, 3)]
    made = (await admin.post("/roles", json=wanted(data_scope="custom", region_ids=[str(counties[0].id)]))).json()
    changed = await admin.patch(
        f"/roles/{made['id']}", json={"region_ids": [str(counties[1].id)]}, headers={"If-Match": '"1"'}
    )
    assert (changed.json()["version"], [r["code"] for r in changed.json()["regions"]]) == (2, [counties[1].code])
    plain = await admin.patch(f"/roles/{made['id']}", json={"data_scope": "unit"}, headers={"If-Match": '"2"'})
    assert plain.json()["regions"] == []


async def test_a_changed_role_takes_effect_at_once(admin, callers, database):
    async with database.transaction() as session:
        role = await make_role(session, Permission.SITES_READ, scope=DataScope.ALL)
        user = await make_user(session, unit=await make_unit(session), permissions=[])
        await give(session, user, role.id)
    client = await callers.sign_in(user)
    assert (await client.get("/sites")).status_code == 200
    await admin.patch(f"/roles/{role.id}", json={"permissions": []}, headers={"If-Match": '"1"'})

    async def refused():
        return (await client.get("/sites")).status_code == 403

    await eventually(refused)


async def test_a_role_change_never_unites_two_administrators(admin, database):
    async with database.transaction() as session:
        role = await make_role(session, Permission.SITES_READ)
        user = await make_user(session, unit=await make_unit(session), permissions=[Permission.USERS_MANAGE])
        await give(session, user, role.id)
    answer = await admin.patch(f"/roles/{role.id}", json={"permissions": ["audit.read"]}, headers={"If-Match": '"1"'})
    assert answer.status_code == 422
    assert "三员分立" in answer.json()["errors"][0]["message"]


async def test_permissions_say_what_the_caller_may_give(as_user):
    client = await as_user(MANAGE)
    listed = {item["code"]: item for item in (await client.get("/permissions")).json()}
    assert set(listed) == {permission.value for permission in Permission}
    assert {code for code, item in listed.items() if item["may_grant"]} == {p.value for p in MANAGE}
    assert (await (await as_user([Permission.SITES_READ])).get("/permissions")).status_code == 403


async def test_statements_are_few(admin, database, statements):
    async with database.transaction() as session:
        role = await builtin_role(session, "assessor")
    await admin.get("/roles")
    with statements() as sent:
        assert (await admin.get("/roles", params={"builtin": "true"})).json()["total"] == len(BUILTIN)
    assert sent.count <= 2
    with statements() as sent:
        await admin.get(f"/roles/{role.id}")
    assert sent.count <= 3


async def test_seeding_twice_changes_nothing(database):
    async with database.transaction() as session:
        await seed_builtin_roles(session)
    async with database.transaction() as session:
        await seed_builtin_roles(session)
        assert not session.new
        assert not session.dirty
    async with database.transaction() as session:
        role = await builtin_role(session, "city_office")
        assert role.version == 1


async def test_the_database_keeps_administrators_apart(database):
    async with database.transaction() as session:
        roles = [await builtin_role(session, code) for code in Administrator]
        user = await make_user(session, unit=await make_unit(session))

    async def give_one(role: Role) -> bool:
        try:
            async with database.transaction() as session:
                await give(session, user, role.id)
        except IntegrityError:
            return False
        return True

    assert sorted(await asyncio.gather(*(give_one(role) for role in roles))) == [False, False, True]


def test_builtin_roles_separate_what_must_be_separate():
    roles = {str(role.code): role for role in BUILTIN}
    assert len(roles) == len(BUILTIN)
    for role in BUILTIN:
        assert keys_apart({permission.value for permission in role.permissions}), role.code
    office, leader = roles["city_office"].permissions, roles["city_leader"].permissions
    assert Permission.DRAWS_RUN in office
    assert Permission.DRAWS_CONFIRM not in office
    assert Permission.DRAWS_CONFIRM in leader
    assert Permission.DRAWS_RUN not in leader
    assert Permission.RESULTS_PUBLISH in leader - office
    assert Permission.SHEETS_REVIEW not in roles["assessor"].permissions
    assert Permission.SHEETS_SUBMIT not in roles["reviewer"].permissions
    assert roles["assessor"].data_scope is DataScope.OWN
    assert roles["county_office"].data_scope is DataScope.REGION
    assert roles["unit_clerk"].data_scope is DataScope.UNIT_AND_BELOW
    security = roles["security_administrator"]
    assert security.grantable == BUSINESS
    assert not security.grantable & set(KEYS.values())
    assert not separated({Administrator.SYSTEM, Administrator.AUDIT})
    assert separated({Administrator.SYSTEM, "city_office"})
    assert set().union(*(role.permissions for role in BUILTIN)) == set(Permission)
