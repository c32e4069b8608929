"""点位类型: base data, changes, states; who may."""

import asyncio

import pytest
from tests.factories.sites import make_site_type

from wenming_api.catalog.permissions import Permission
from wenming_api.city.site_types.rules import base_types
from wenming_api.city.site_types.service import load_base_types


def test_the_54_types_name_their_source():
    types = base_types()
    assert [each.code for each in types] == [str(no) for no in range(1, 55)]
    assert all("https://" in each.source for each in types)
    assert [each.code for each in types if not each.is_place] == ["47", "48", "49"]
    assert {each.code: each.name for each in types}["37"] == "小区"


async def test_base_types_are_loaded_once_and_kept_as_changed(admin, database):
    async with database.transaction() as session:
        assert await load_base_types(session) == 54
    renamed = await admin.patch("/site-types/37", json={"name": "居民小区"}, headers={"If-Match": '"1"'})
    assert renamed.status_code == 200
    async with database.transaction() as session:
        assert await load_base_types(session) == 0
    listed = (await admin.get("/site-types", params={"size": 100})).json()
    assert listed["total"] == 54
    assert [each["code"] for each in listed["items"]] == [str(no) for no in range(1, 55)]
    assert listed["items"][36]["name"] == "居民小区"


async def test_a_type_is_created_once_even_at_once(admin):
    new = {"code": "T1", "name": "充电站", "category": "公共设施"}
    answers = await asyncio.gather(*(admin.post("/site-types", json=new) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    shown = (await admin.get("/site-types/T1")).json()
    assert (shown["name"], shown["active"], shown["is_place"]) == ("充电站", True, True)
    entries = (await admin.get("/audit-entries", params={"target_id": shown["id"]})).json()
    assert entries["total"] == 1


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"code": "a b"}, "/code"),
        ({"name": ""}, "/name"),
        ({"name": "x\x00"}, "/name"),
        ({"position": -1}, "/position"),
    ],
)
async def test_bad_input(admin, values, pointer):
    answer = await admin.post("/site-types", json={"code": "T1", "name": "名", "category": "类"} | values)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_versions_and_states(admin, database):
    async with database.transaction() as session:
        await make_site_type(session)
    stale = await admin.patch("/site-types/37", json={"name": "名"}, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 1)
    assert (await admin.patch("/site-types/37", json={"name": None}, headers={"If-Match": '"1"'})).status_code == 422
    same = await admin.patch("/site-types/37", json={"name": "类型37"}, headers={"If-Match": '"1"'})
    assert same.headers["ETag"] == '"1"'
    off = await admin.post("/site-types/37/disable", json={"version": 1, "reason": "不再测评"})
    assert (off.json()["active"], off.headers["ETag"]) == (False, '"2"')
    again = await admin.post("/site-types/37/disable", json={"version": 2, "reason": "不再测评"})
    assert (again.status_code, again.json()["allowed"]) == (409, ["enable"])
    assert (await admin.get("/site-types", params={"active": True})).json()["total"] == 0
    on = await admin.post("/site-types/37/enable", json={"version": 2, "reason": "恢复"})
    assert {each["action"] for each in on.json()["allowed_actions"] if each["allowed"]} == {"update", "disable"}
    assert (await admin.get("/site-types/none")).status_code == 404


async def test_who_may_and_statements(as_user, client, database, statements):
    async with database.transaction() as session:
        await make_site_type(session)
    reader = await as_user([Permission.SITES_READ])
    stranger = await as_user([Permission.MESSAGES_READ])
    assert (await client.get("/site-types")).status_code == 401
    assert (await stranger.get("/site-types")).status_code == 403
    assert (await reader.post("/site-types", json={})).status_code == 403
    for target, most in (("/site-types", 2), ("/site-types/37", 1)):
        with statements() as sent:
            assert (await reader.get(target)).status_code == 200
        assert sent.count <= most + 2, sent.sent  # the first request of a caller looks up his session
