"""点位: create, change, states, history; who may, and which rows."""

import asyncio
from typing import Any

import pytest
from tests.factories.places import make_city, make_county, make_unit
from tests.factories.sites import make_dictionary, make_site, make_site_type

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope

READ = [Permission.SITES_READ]
MANAGE = [Permission.SITES_READ, Permission.SITES_MANAGE]


@pytest.fixture
async def county(database):
    async with database.transaction() as session:
        made = await make_county(session)
        await make_site_type(session)
        await make_dictionary(session, items=("housing", "commerce"))
    return made


def wanted(county: Any, **values: Any) -> dict[str, Any]:
    return {"name": "城里社区小区", "site_type_code": "37", "region_id": str(county.id)} | values


async def test_a_site_is_created_and_read(admin, county, database):
    async with database.transaction() as session:
        unit = await make_unit(session, name="市城市管理局")
    answer = await admin.post(
        "/sites",
        json=wanted(
            county,
            code="370302-37-01",
            longitude="117.96712345",
            latitude="36.6443",
            crs="gcj02",
            responsible_unit_id=str(unit.id),
            industry_code="housing",
        ),
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["ETag"] == '"1"'
    assert (made["longitude"], made["latitude"], made["crs"]) == ("117.96712345", "36.6443", "gcj02")
    assert made["map_longitude"] != made["longitude"]
    assert made["responsible_unit_name"] == "市城市管理局"
    assert made["region_path"] == county.path
    assert made["unit_path"] == unit.unit_path
    again = await admin.get(f"/sites/{made['id']}")
    assert again.json() == made


async def test_sites_without_a_code_are_numbered(admin, county):
    codes = [(await admin.post("/sites", json=wanted(county))).json()["code"] for _ in range(2)]
    assert len(set(codes)) == 2
    assert all(code.startswith("DW") for code in codes)


async def test_a_code_is_taken_once_even_at_once(admin, county):
    answers = await asyncio.gather(*(admin.post("/sites", json=wanted(county, code="X1")) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    assert (await admin.get("/sites")).json()["total"] == 1


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\x00b"}, "/name"),
        ({"name": "好" * 101}, "/name"),
        ({"site_type_code": "99"}, "/site_type_code"),
        ({"site_type_code": "x y"}, "/site_type_code"),
        ({"code": "有空格 的"}, "/code"),
        ({"longitude": "181", "latitude": "36"}, "/longitude"),
        ({"longitude": "NaN", "latitude": "36"}, "/longitude"),
        ({"longitude": "118"}, "/longitude"),
        ({"crs": "mars"}, "/crs"),
        ({"region_id": str(uuid7())}, "/region_id"),
        ({"responsible_unit_id": str(uuid7())}, "/responsible_unit_id"),
        ({"industry_code": "nope"}, "/industry_code"),
        ({"unknown": 1}, "/unknown"),
    ],
)
async def test_bad_input_is_named_and_nothing_is_saved(admin, county, values, pointer):
    answer = await admin.post("/sites", json=wanted(county, **values))
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert (await admin.get("/sites")).json()["total"] == 0


async def test_disabled_references_take_no_new_sites(admin, county):
    one = (await admin.get("/site-types/37")).json()
    assert (
        await admin.post("/site-types/37/disable", json={"version": one["version"], "reason": "不再测评"})
    ).status_code == 200
    answer = await admin.post("/sites", json=wanted(county))
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/site_type_code"]


async def test_a_change_keeps_its_history(admin, county, callers):
    made = (await admin.post("/sites", json=wanted(county, note="旧"))).json()
    changed = await admin.patch(
        f"/sites/{made['id']}", json={"name": "新名", "note": None, "reason": "更名"}, headers={"If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == '"2"'
    history = (await admin.get(f"/sites/{made['id']}/history")).json()
    assert [(each["no"], each["action"]) for each in history["items"]] == [(2, "update"), (1, "create")]
    newest = history["items"][0]
    assert newest["changes"] == {"name": ["城里社区小区", "新名"], "note": ["旧", None]}
    assert newest["reason"] == "更名"
    assert newest["by_name"] == callers.user_of(admin).display_name
    assert history["items"][1]["changes"]["name"] == [None, "城里社区小区"]
    entries = (await admin.get("/audit-entries", params={"target_id": made["id"]})).json()["items"]
    assert {entry["action"] for entry in entries} == {"sites.create", "sites.update"}


async def test_saving_what_is_there_already_changes_nothing(admin, county):
    made = (await admin.post("/sites", json=wanted(county, longitude="118.10", latitude="36.8"))).json()
    same = await admin.patch(f"/sites/{made['id']}", json={"longitude": "118.1"}, headers={"If-Match": '"1"'})
    assert same.json()["version"] == 1
    assert (await admin.get(f"/sites/{made['id']}/history")).json()["total"] == 1


async def test_a_stale_edit_is_refused_with_the_current_version(admin, county):
    made = (await admin.post("/sites", json=wanted(county))).json()
    path = f"/sites/{made['id']}"
    answers = await asyncio.gather(
        *(admin.patch(path, json={"name": f"名{no}"}, headers={"If-Match": '"1"'}) for no in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    refused = next(answer for answer in answers if answer.status_code == 412)
    assert refused.json()["current_version"] == 2
    assert (await admin.patch(path, json={"name": "无版本"})).status_code == 428


async def test_a_position_is_whole_after_a_change(admin, county):
    made = (await admin.post("/sites", json=wanted(county, longitude="118", latitude="36"))).json()
    path = f"/sites/{made['id']}"
    half = await admin.patch(path, json={"longitude": None}, headers={"If-Match": '"1"'})
    assert half.status_code == 422
    gone = await admin.patch(path, json={"longitude": None, "latitude": None}, headers={"If-Match": '"1"'})
    assert (gone.json()["longitude"], gone.json()["map_latitude"]) == (None, None)
    assert (await admin.patch(path, json={"name": None}, headers={"If-Match": '"2"'})).status_code == 422


async def test_states_and_allowed_actions(admin, county):
    made = (await admin.post("/sites", json=wanted(county))).json()
    path = f"/sites/{made['id']}"

    def allowed(site: dict[str, Any]) -> set[str]:
        return {each["action"] for each in site["allowed_actions"] if each["allowed"]}

    assert allowed(made) == {"update", "disable"}
    closed = await admin.post(f"{path}/disable", json={"version": 1, "reason": "已拆除"})
    assert closed.json()["active"] is False
    assert allowed(closed.json()) == {"enable"}
    assert all(each["why_not"] for each in closed.json()["allowed_actions"] if not each["allowed"])
    again = await admin.post(f"{path}/disable", json={"version": 2, "reason": "已拆除"})
    assert (again.status_code, again.json()["code"], again.json()["allowed"]) == (
        409,
        "illegal_transition",
        ["enable"],
    )
    moved = await admin.post(f"{path}/enable", json={"version": 1, "reason": "恢复营业"})
    assert (moved.status_code, moved.json()["code"]) == (409, "version_moved")
    frozen = await admin.patch(path, json={"name": "新名"}, headers={"If-Match": '"2"'})
    assert (frozen.status_code, frozen.json()["code"]) == (409, "illegal_transition")
    opened = await admin.post(f"{path}/enable", json={"version": 2, "reason": "恢复营业"})
    assert opened.json()["active"] is True
    assert (await admin.post(f"{path}/disable", json={"version": 3})).status_code == 422


async def test_filters(admin, database):
    async with database.transaction() as session:
        county, other = await make_county(session, 2), await make_county(session, 3)
        unit = await make_unit(session)
        await make_site_type(session, "38")
        await make_site(session, region=county, name="柳泉路农贸市场", code="A-1", type_code="38", unit=unit)
        await make_site(session, region=county, name="100%_好\\小区", code="A-2", place=None)
        await make_site(session, region=other, name="柳泉路小区", code="B-1", active=False, industry_code="housing")

    async def codes(**params: Any) -> list[str]:
        answer = await admin.get("/sites", params=params)
        assert answer.status_code == 200, answer.text
        return [item["code"] for item in answer.json()["items"]]

    assert await codes() == ["A-1", "A-2", "B-1"]
    assert await codes(sort="-code") == ["B-1", "A-2", "A-1"]
    assert await codes(q="柳泉") == ["A-1", "B-1"]
    assert await codes(q="%_") == ["A-2"]
    assert await codes(q="好\\") == ["A-2"]
    assert await codes(q="A-") == ["A-1", "A-2"]
    assert await codes(site_type_code="38") == ["A-1"]
    assert await codes(site_type_code="37,38") == ["A-1", "A-2", "B-1"]
    assert await codes(region_id=str(other.id)) == ["B-1"]
    assert await codes(region_id=str(uuid7())) == []
    assert await codes(responsible_unit_id=str(unit.id)) == ["A-1"]
    assert await codes(industry_code="housing") == ["B-1"]
    assert await codes(active=False) == ["B-1"]
    assert await codes(located=False) == ["A-2"]
    for sort in ("name", "-name", "created_at", "-created_at", "updated_at", "-updated_at"):
        assert sorted(await codes(sort=sort)) == ["A-1", "A-2", "B-1"]
    assert (await admin.get("/sites", params={"site_type_code": "37,"})).status_code == 422


async def test_counts(admin, database):
    async with database.transaction() as session:
        city, one, two = await make_city(session), await make_county(session, 2), await make_county(session, 3)
        await make_site_type(session, "38", position=2)
        await make_site(session, region=one)
        await make_site(session, region=one, active=False)
        await make_site(session, region=two, type_code="38")
        await make_site(session, region=city)
    counts = (await admin.get("/sites/counts")).json()
    assert (counts["total"], counts["active"]) == (4, 3)
    assert [(each["site_type_code"], each["total"], each["active"]) for each in counts["by_type"]] == [
        ("37", 3, 2),
        ("38", 1, 1),
    ]
    assert [(each["region_code"], each["total"], each["active"]) for each in counts["by_region"]] == [
        (one.code, 2, 1),
        (two.code, 1, 1),
        (None, 1, 1),
    ]
    inside = (await admin.get("/sites/counts", params={"region_id": str(one.id)})).json()
    assert [(each["region_code"], each["total"]) for each in inside["by_region"]] == [(None, 2)]


async def test_who_may(as_user, client, database):
    async with database.transaction() as session:
        site = await make_site(session)
        county = await make_county(session)
    reader = await as_user(READ)
    stranger = await as_user([Permission.MESSAGES_READ])
    assert (await client.get("/sites")).status_code == 401
    for path in ("/sites", f"/sites/{site.id}", "/sites/counts", "/sites/map?box=118,36,119,37", "/site-exports"):
        assert (await reader.get(path)).status_code == 200, path
        assert (await stranger.get(path)).status_code == 403, path
    for answer in (
        await reader.post("/sites", json=wanted(county)),
        await reader.patch(f"/sites/{site.id}", json={"name": "新"}, headers={"If-Match": '"1"'}),
        await reader.post(f"/sites/{site.id}/disable", json={"version": 1, "reason": "已拆除"}),
        await reader.post("/site-imports", files={"file": ("a.xlsx", b"x")}),
    ):
        assert answer.status_code == 403, answer.text
    shown = (await reader.get(f"/sites/{site.id}")).json()
    assert [each["allowed"] for each in shown["allowed_actions"]] == [False] * 3


async def test_scope_holds_everywhere_from_both_sides(as_user, database):
    async with database.transaction() as session:
        mine, theirs = await make_county(session, 2), await make_county(session, 3)
        unit = await make_unit(session, region=mine)
        inside = await make_site(session, region=mine, code="IN")
        outside = await make_site(session, region=theirs, code="OUT")
    caller = await as_user(MANAGE, scope=DataScope.REGION, unit=unit)
    assert [each["code"] for each in (await caller.get("/sites")).json()["items"]] == ["IN"]
    assert (await caller.get("/sites/counts")).json()["total"] == 1
    assert (await caller.get("/sites/map", params={"box": "118,36,119,37"})).json()["total"] == 1
    assert (await caller.get(f"/sites/{inside.id}")).status_code == 200
    for answer in (
        await caller.get(f"/sites/{outside.id}"),
        await caller.get(f"/sites/{outside.id}/history"),
        await caller.patch(f"/sites/{outside.id}", json={"name": "新"}, headers={"If-Match": '"1"'}),
        await caller.post(f"/sites/{outside.id}/disable", json={"version": 1, "reason": "已拆除"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "site_not_found")
    assert (await caller.post("/sites", json=wanted(mine))).status_code == 201
    assert (await caller.post("/sites", json=wanted(theirs))).status_code == 422
    moved = await caller.patch(f"/sites/{inside.id}", json={"region_id": str(theirs.id)}, headers={"If-Match": '"1"'})
    assert moved.status_code == 422
    taken = await caller.post("/sites", json=wanted(mine, code="OUT"))
    assert (taken.status_code, taken.json()["code"]) == (409, "site_code_taken")


async def test_a_responsible_unit_sees_its_sites(as_user, database):
    async with database.transaction() as session:
        bureau = await make_unit(session)
        station = await make_unit(session, managing=bureau)
        other = await make_unit(session)
        county = await make_county(session)
        for unit in (bureau, station, other):
            await make_site(session, region=county, unit=unit, code=f"U{unit.number}")
    below = await as_user(READ, scope=DataScope.UNIT_AND_BELOW, unit=bureau)
    own = await as_user(READ, scope=DataScope.UNIT, unit=bureau)
    assert {each["code"] for each in (await below.get("/sites")).json()["items"]} == {
        f"U{bureau.number}",
        f"U{station.number}",
    }
    assert [each["code"] for each in (await own.get("/sites")).json()["items"]] == [f"U{bureau.number}"]


async def test_statements(admin, database, statements):
    async with database.transaction() as session:
        county = await make_county(session)
        sites = [await make_site(session, region=county) for _ in range(5)]
    path = f"/sites/{sites[0].id}"
    await admin.get(path)
    for target, most in (
        ("/sites", 2),
        (f"/sites?region_id={county.id}", 3),
        (path, 1),
        (f"{path}/history", 2),
        ("/sites/counts", 2),
        ("/sites/map?box=118,36,119,37", 1),
        ("/sites/map?box=118,36,119,37&most=1", 2),
    ):
        with statements() as sent:
            assert (await admin.get(target)).status_code == 200
        assert sent.count <= most, (target, sent.sent)
