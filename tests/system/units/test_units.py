"""单位: create, change, move, states; who may, and which rows."""

import asyncio

import pytest
from sqlalchemy import select
from tests.factories.callers import make_user
from tests.factories.places import make_county, make_unit
from tests.factories.sites import make_dictionary, make_site, make_site_type
from tests.waiting import eventually

from wenming_api.catalog.permissions import Permission
from wenming_api.city.sites.models import Site
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope
from wenming_api.system.units.models import Unit
from wenming_api.system.users.models import User

READ = [Permission.UNITS_READ]
MANAGE = [Permission.UNITS_READ, Permission.UNITS_MANAGE]
CODE = "91350100M000100Y43"
REASON = "机构改革"


@pytest.fixture
async def county(database):
    async with database.transaction() as session:
        return await make_county(session)


@pytest.fixture
async def family(database, county):
    """A chain of three units and one beside it."""
    async with database.transaction() as session:
        top = await make_unit(session, region=county, name="区政府")
        middle = await make_unit(session, region=county, managing=top, name="区城管局")
        leaf = await make_unit(session, region=county, managing=middle, name="城管中队")
        aside = await make_unit(session, region=county, name="区商务局")
    return top, middle, leaf, aside


async def version_of(client, unit):
    return (await client.get(f"/units/{unit.id}")).json()["version"]


async def test_a_unit_is_created_below_its_managing_unit(admin, family, county, database):
    async with database.transaction() as session:
        await make_dictionary(session, items=("education",))
    answer = await admin.post(
        "/units",
        json={
            "name": "区教育局",
            "credit_code": CODE.lower(),
            "region_id": str(county.id),
            "managing_unit_id": str(family[0].id),
            "industry_code": "education",
        },
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["ETag"] == '"1"'
    assert made["credit_code"] == CODE
    assert made["unit_path"] == f"{family[0].unit_path}{made['number']}/"
    assert (made["region_name"], made["managing_unit_name"]) == (county.full_name, "区政府")
    assert (await admin.get(f"/units/{made['id']}")).json() == made
    entries = (await admin.get("/audit-entries", params={"target_id": made["id"]})).json()["items"]
    assert [entry["action"] for entry in entries] == ["units.create"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"credit_code": "91350100M000100Y4Z"}, "/credit_code"),
        ({"name": "a\x00b"}, "/name"),
        ({"name": "长" * 101}, "/name"),
        ({"region_id": str(uuid7())}, "/region_id"),
        ({"managing_unit_id": str(uuid7())}, "/managing_unit_id"),
        ({"industry_code": "unknown"}, "/industry_code"),
        ({"number": 7}, "/number"),
    ],
)
async def test_wrong_input_names_the_field_and_saves_nothing(admin, county, change, pointer):
    before = (await admin.get("/units")).json()["total"]
    answer = await admin.post("/units", json={"name": "新单位", "region_id": str(county.id)} | change)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await admin.get("/units")).json()["total"] == before


async def test_names_repeat_between_regions_but_not_inside_one(admin, county, database):
    async with database.transaction() as session:
        other = await make_county(session, no=3)
    wanted = {"name": "财政所", "region_id": str(county.id)}
    assert (await admin.post("/units", json=wanted)).status_code == 201
    assert (await admin.post("/units", json=wanted)).status_code == 409
    assert (await admin.post("/units", json=wanted | {"region_id": str(other.id)})).status_code == 201


async def test_an_edit_needs_the_current_version(admin, family):
    unit = family[1]
    path = f"/units/{unit.id}"
    assert (await admin.patch(path, json={"name": "新名"})).status_code == 428
    edited = await admin.patch(path, json={"name": "新名"}, headers={"If-Match": '"1"'})
    assert edited.status_code == 200, edited.text
    assert (edited.json()["name"], edited.headers["ETag"]) == ("新名", '"2"')
    stale = await admin.patch(path, json={"name": "另名"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert stale.json()["current_version"] == 2


async def test_nullable_fields_are_cleared_and_required_ones_kept(admin, family):
    path = f"/units/{family[1].id}"
    filled = await admin.patch(path, json={"credit_code": CODE, "short_name": "城管"}, headers={"If-Match": '"1"'})
    assert filled.json()["credit_code"] == CODE
    cleared = await admin.patch(
        path, json={"credit_code": None, "short_name": None, "name": None}, headers={"If-Match": '"2"'}
    )
    assert (cleared.json()["credit_code"], cleared.json()["short_name"], cleared.json()["name"]) == (
        None,
        None,
        "区城管局",
    )


async def test_users_follow_their_unit_into_another_region(admin, family, database, callers):
    unit = family[1]
    async with database.transaction() as session:
        user = await make_user(session, unit=unit, permissions=[Permission.UNITS_READ], scope=DataScope.REGION)
        other = await make_county(session, no=5)
    client = await callers.sign_in(user)
    assert (await client.get("/units")).json()["total"] == 4
    answer = await admin.patch(
        f"/units/{unit.id}", json={"region_id": str(other.id)}, headers={"If-Match": f'"{unit.version}"'}
    )
    assert answer.json()["region_path"] == other.path
    async with database.transaction() as session:
        assert (await session.get(User, user.id)).region_path == other.path

    async def sees_its_new_region():
        return [item["name"] for item in (await client.get("/units")).json()["items"]] == ["区城管局"]

    await eventually(sees_its_new_region)  # the process hears of it after the commit


async def test_a_move_takes_the_subtree_its_users_and_its_rows(admin, family, county, database):
    top, middle, leaf, aside = family
    async with database.transaction() as session:
        user = await make_user(session, unit=leaf)
        await make_site_type(session)
        site = await make_site(session, region=county, unit=leaf)
    answer = await admin.post(
        f"/units/{middle.id}/move",
        json={"version": middle.version, "managing_unit_id": str(aside.id), "reason": REASON},
    )
    assert answer.status_code == 200, answer.text
    new = f"{aside.unit_path}{middle.number}/"
    assert answer.json()["unit_path"] == new
    async with database.transaction() as session:
        assert (await session.get(Unit, leaf.id)).unit_path == f"{new}{leaf.number}/"
        assert (await session.get(Unit, top.id)).unit_path == top.unit_path
        assert (await session.get(User, user.id)).unit_path == f"{new}{leaf.number}/"
        assert (await session.get(Site, site.id)).unit_path == f"{new}{leaf.number}/"
    freed = await admin.post(
        f"/units/{middle.id}/move",
        json={"version": answer.json()["version"], "managing_unit_id": None, "reason": REASON},
    )
    assert freed.json()["unit_path"] == f"{middle.number}/"


async def test_no_unit_manages_itself(admin, family):
    top, middle, leaf, _ = family
    for target in (top, middle, leaf):
        answer = await admin.post(
            f"/units/{top.id}/move",
            json={"version": top.version, "managing_unit_id": str(target.id), "reason": REASON},
        )
        assert answer.status_code == 422, answer.text
    moved_on = await admin.post(
        f"/units/{leaf.id}/move",
        json={"version": leaf.version + 5, "managing_unit_id": str(top.id), "reason": REASON},
    )
    assert (moved_on.status_code, moved_on.json()["current_version"]) == (409, leaf.version)


async def test_two_moves_against_each_other_never_make_a_cycle(admin, family, database):
    top, _, _, aside = family

    def move(one, other):
        return admin.post(
            f"/units/{one.id}/move",
            json={"version": one.version, "managing_unit_id": str(other.id), "reason": REASON},
        )

    answers = await asyncio.gather(move(top, aside), move(aside, top))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    async with database.transaction() as session:
        paths = dict((await session.execute(select(Unit.id, Unit.unit_path))).all())
        managers = dict((await session.execute(select(Unit.id, Unit.managing_unit_id))).all())
        numbers = dict((await session.execute(select(Unit.id, Unit.number))).all())
    for id_, path in paths.items():
        assert path == f"{paths[managers[id_]] if managers[id_] else ''}{numbers[id_]}/"


async def test_units_made_while_their_manager_moves_get_the_new_path(admin, family, county, database):
    _, middle, _, aside = family
    answers = await asyncio.gather(
        admin.post(
            f"/units/{middle.id}/move",
            json={"version": middle.version, "managing_unit_id": str(aside.id), "reason": REASON},
        ),
        *(
            admin.post(
                "/units",
                json={"name": f"新中队{no}", "region_id": str(county.id), "managing_unit_id": str(middle.id)},
            )
            for no in range(8)
        ),
    )
    assert [answer.status_code for answer in answers] == [200] + [201] * 8
    async with database.transaction() as session:
        found = await session.execute(select(Unit.unit_path).where(Unit.managing_unit_id == middle.id))
        assert all(path.startswith(f"{aside.unit_path}{middle.number}/") for path in found.scalars())


async def test_a_unit_that_manages_others_stays_in_use(admin, family):
    _, middle, leaf, _ = family
    body = {"version": middle.version, "reason": REASON}
    refused = await admin.post(f"/units/{middle.id}/disable", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    allowed = {a["action"]: a for a in (await admin.get(f"/units/{middle.id}")).json()["allowed_actions"]}
    assert not allowed["disable"]["allowed"]
    assert "1 个" in allowed["disable"]["why_not"]
    done = await admin.post(f"/units/{leaf.id}/disable", json={"version": leaf.version, "reason": REASON})
    assert (done.status_code, done.json()["active"]) == (200, False)
    again = await admin.post(f"/units/{leaf.id}/disable", json={"version": done.json()["version"], "reason": REASON})
    assert again.json()["allowed"] == ["enable"]
    assert (await admin.post(f"/units/{middle.id}/disable", json=body)).status_code == 200
    back = await admin.post(f"/units/{leaf.id}/enable", json={"version": done.json()["version"], "reason": REASON})
    assert back.json()["active"] is True


async def test_lists_are_filtered(admin, family, county, database):
    top, middle, leaf, aside = family
    async with database.transaction() as session:
        made = await session.get(Unit, leaf.id)
        made.category_code, made.industry_code, made.civility_level_code = "township", "education", "city"
        made.active = False
        elsewhere = await make_unit(session, name="外区单位", region=await make_county(session, no=9))
    cases = [
        ({"under": county.path}, {top, middle, leaf, aside}),
        ({"managing_unit_id": str(top.id)}, {middle}),
        ({"below": top.unit_path}, {top, middle, leaf}),
        ({"category_code": "township"}, {leaf}),
        ({"industry_code": "education"}, {leaf}),
        ({"civility_level_code": "city"}, {leaf}),
        ({"active": "false"}, {leaf}),
        ({"q": "城管"}, {middle, leaf}),
        ({"q": "%"}, set()),
        ({"under": elsewhere.region_path}, {elsewhere}),
    ]
    for params, wanted in cases:
        found = (await admin.get("/units", params=params)).json()
        assert {item["id"] for item in found["items"]} == {str(unit.id) for unit in wanted}, params
        assert found["total"] == len(wanted)


async def test_a_county_sees_its_units_only(as_user, family, county, database):
    async with database.transaction() as session:
        other = await make_county(session, no=7)
        outside = await make_unit(session, region=other)
    client = await as_user(MANAGE, scope=DataScope.REGION, unit=family[3])
    listed = (await client.get("/units")).json()
    assert {item["id"] for item in listed["items"]} == {str(unit.id) for unit in family}
    assert (await client.get(f"/units/{outside.id}")).status_code == 404
    headers = {"If-Match": f'"{outside.version}"'}
    assert (await client.patch(f"/units/{outside.id}", json={"name": "x"}, headers=headers)).status_code == 404
    for body in (
        {"name": "越界", "region_id": str(other.id)},
        {"name": "越界", "region_id": str(county.id), "managing_unit_id": str(outside.id)},
    ):
        assert (await client.post("/units", json=body)).status_code == 422
    move = {"version": family[2].version, "managing_unit_id": str(outside.id), "reason": REASON}
    assert (await client.post(f"/units/{family[2].id}/move", json=move)).status_code == 422
    assert (await client.post("/units", json={"name": "本区", "region_id": str(county.id)})).status_code == 201


async def test_a_unit_sees_itself_and_those_below(as_user, family, county):
    _, middle, leaf, aside = family
    client = await as_user(MANAGE, scope=DataScope.UNIT_AND_BELOW, unit=middle)
    assert {item["id"] for item in (await client.get("/units")).json()["items"]} == {str(middle.id), str(leaf.id)}
    assert (await client.get(f"/units/{aside.id}")).status_code == 404
    body = {"name": "下属", "region_id": str(county.id), "managing_unit_id": str(middle.id)}
    assert (await client.post("/units", json=body)).status_code == 201
    assert (await client.post("/units", json=body | {"name": "旁边", "managing_unit_id": None})).status_code == 422
    away = {"version": leaf.version, "managing_unit_id": None, "reason": REASON}
    assert (await client.post(f"/units/{leaf.id}/move", json=away)).status_code == 422
    only = await as_user(READ, scope=DataScope.UNIT, unit=middle)
    assert {item["id"] for item in (await only.get("/units")).json()["items"]} == {str(middle.id)}
    own = await as_user(READ, scope=DataScope.OWN, unit=middle)
    assert (await own.get("/units")).json()["total"] == 0


async def test_without_the_permission_nothing(as_user, family):
    reader = await as_user(READ)
    assert (await reader.post("/units", json={"name": "x", "region_id": str(uuid7())})).status_code == 403
    actions = (await reader.get(f"/units/{family[0].id}")).json()["allowed_actions"]
    assert not any(item["allowed"] for item in actions)
    stranger = await as_user([Permission.SITES_READ])
    assert (await stranger.get("/units")).status_code == 403
    assert (await stranger.get(f"/units/{family[0].id}/departments")).status_code == 403


async def test_statements_are_few(admin, family, statements):
    await admin.get("/units")  # the token is known from here on
    with statements() as sent:
        await admin.get("/units", params={"under": family[0].region_path, "q": "区"})
    assert sent.count <= 2
    with statements() as sent:
        await admin.get(f"/units/{family[0].id}")
    assert sent.count <= 3


async def test_departments_of_a_unit(admin, family, as_user, database):
    unit, other = family[1], family[3]
    made = await admin.post(f"/units/{unit.id}/departments", json={"name": "市容科", "position": 2})
    assert made.status_code == 201, made.text
    await admin.post(f"/units/{unit.id}/departments", json={"name": "办公室", "position": 1})
    assert (await admin.post(f"/units/{unit.id}/departments", json={"name": "市容科"})).status_code == 409
    assert (await admin.post(f"/units/{uuid7()}/departments", json={"name": "市容科"})).status_code == 404
    listed = (await admin.get(f"/units/{unit.id}/departments")).json()
    assert [item["name"] for item in listed["items"]] == ["办公室", "市容科"]
    path = f"/departments/{made.json()['id']}"
    closed = await admin.patch(path, json={"active": False}, headers={"If-Match": '"1"'})
    assert (closed.json()["active"], closed.headers["ETag"]) == (False, '"2"')
    stale = await admin.patch(path, json={"active": True}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    in_use = await admin.get(f"/units/{unit.id}/departments", params={"active": "true"})
    assert [item["name"] for item in in_use.json()["items"]] == ["办公室"]
    stranger = await as_user(MANAGE, scope=DataScope.UNIT_AND_BELOW, unit=other)
    assert (await stranger.get(f"/units/{unit.id}/departments")).json()["total"] == 0
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(path, json={}, headers={"If-Match": '"2"'})).status_code == 404
    assert (await stranger.post(f"/units/{unit.id}/departments", json={"name": "越界"})).status_code == 404
    async with database.transaction() as session:
        (await session.get(Unit, other.id)).active = False
    assert (await admin.post(f"/units/{other.id}/departments", json={"name": "晚了"})).status_code == 409
