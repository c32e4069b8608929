"""区域: create, change, move; paths follow in every table; who may."""

import asyncio

import pytest
from sqlalchemy import select, text
from tests.factories.callers import make_user
from tests.factories.places import make_city, make_county, make_region, make_unit
from tests.factories.sites import make_site, make_site_type
from tests.waiting import eventually

from wenming_api.access.columns import region_path_columns
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.ids import uuid7
from wenming_api.system.regions.models import Region, RegionParent
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.roles.rules import DataScope

MANAGE = [Permission.REGIONS_READ, Permission.REGIONS_MANAGE]
REASON = "设立开发区"


@pytest.fixture
async def tree(database):
    """A city, two counties, a street and a community in the first."""
    async with database.transaction() as session:
        city = await make_city(session)
        one, two = await make_county(session, no=2, name="甲区"), await make_county(session, no=3, name="乙区")
        street = await make_region(session, code="370302001000", name="东街道", level=RegionLevel.STREET, parent=one)
        community = await make_region(
            session, code="370302001001", name="一社区", level=RegionLevel.COMMUNITY, parent=street
        )
    return city, one, two, street, community


def edited(region):
    return {"If-Match": f'"{region.version}"'}


async def test_a_region_is_created_below_its_parent(admin, tree):
    new = {"code": "370303002000", "name": "西街道", "level": "street", "parent_id": str(tree[2].id)}
    made = await admin.post("/regions", json=new)
    assert made.status_code == 201, made.text
    assert made.json()["full_name"] == "淄博市/乙区/西街道"
    assert made.json()["path"] == f"{tree[2].path}370303002000/"
    assert (await admin.get(f"/regions/{made.json()['id']}")).json() == made.json()
    again = await admin.post("/regions", json=new)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"code": "37030300200"}, "/code"),
        ({"code": "370303002001"}, "/code"),
        ({"level": "city"}, "/level"),
        ({"parent_id": None}, "/parent_id"),
        ({"parent_id": str(uuid7())}, "/parent_id"),
        ({"name": "a\x00"}, "/name"),
        ({"name": " "}, "/name"),
        ({"level": "planet"}, "/level"),
    ],
)
async def test_wrong_input_names_the_field(admin, tree, change, pointer):
    new = {"code": "370303002000", "name": "西街道", "level": "street", "parent_id": str(tree[2].id)} | change
    answer = await admin.post("/regions", json=new)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_new_name_goes_into_the_full_names_below(admin, tree):
    _, one, _, street, community = tree
    assert (await admin.patch(f"/regions/{one.id}", json={"name": "丙区"})).status_code == 428
    renamed = await admin.patch(f"/regions/{one.id}", json={"name": "丙区"}, headers=edited(one))
    assert (renamed.json()["full_name"], renamed.json()["version"]) == ("淄博市/丙区", 2)
    below = (await admin.get(f"/regions/{community.id}")).json()
    assert (below["full_name"], below["version"]) == ("淄博市/丙区/东街道/一社区", 2)
    stale = await admin.patch(f"/regions/{one.id}", json={"name": "丁区"}, headers=edited(one))
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    assert stale.headers["ETag"] == '"2"'
    old = await admin.patch(f"/regions/{street.id}", json={"active": False}, headers=edited(street))
    assert old.status_code == 412


async def test_a_move_takes_everything_inside(admin, tree, database):
    _, one, two, street, community = tree
    async with database.transaction() as session:
        await make_site_type(session)
        unit = await make_unit(session, region=street)
        await make_user(session, unit=unit)
        await make_site(session, region=community, unit=unit)
        await make_site(session, region=one)
    moved = await admin.post(
        f"/regions/{street.id}/move", json={"version": 1, "parent_id": str(two.id), "reason": REASON}
    )
    assert moved.status_code == 200, moved.text
    assert moved.json()["full_name"] == "淄博市/乙区/东街道"
    new = f"{two.path}{street.code}/"
    assert moved.json()["path"] == new
    async with database.transaction() as session:
        assert (await session.get(Region, community.id)).path == f"{new}{community.code}/"
        for path in region_path_columns():
            left = await session.execute(select(path).where(path.startswith(street.path)))
            assert left.first() is None, path
        counted = {}
        for name in ("units", "users", "sites"):
            found = await session.execute(
                text(f"SELECT count(*) FROM {name} WHERE region_path LIKE :new"), {"new": f"{new}%"}
            )
            counted[name] = found.scalar_one()
        assert counted == {"units": 1, "users": 1, "sites": 1}
        history = (
            (await session.execute(select(RegionParent).where(RegionParent.region_id == street.id))).scalars().all()
        )
        assert [(entry.parent_id, entry.valid_to, entry.reason) for entry in history] == [(two.id, None, REASON)]
    again = await admin.post(
        f"/regions/{street.id}/move", json={"version": 1, "parent_id": str(one.id), "reason": REASON}
    )
    assert (again.status_code, again.json()["current_version"]) == (409, moved.json()["version"])
    back = await admin.post(
        f"/regions/{street.id}/move",
        json={"version": moved.json()["version"], "parent_id": str(one.id), "reason": REASON},
    )
    assert back.json()["path"] == street.path
    async with database.transaction() as session:
        ended = await session.execute(
            select(RegionParent.parent_id).where(
                RegionParent.region_id == street.id, RegionParent.valid_to.is_not(None)
            )
        )
        assert ended.scalars().all() == [two.id]


async def test_a_move_never_makes_a_cycle_or_turns_levels_round(admin, tree):
    city, one, two, street, community = tree
    for moved, target in ((one, street), (one, one), (city, one), (one, two), (street, community)):
        answer = await admin.post(
            f"/regions/{moved.id}/move", json={"version": 1, "parent_id": str(target.id), "reason": REASON}
        )
        assert answer.status_code == 422, (moved.name, target.name)


async def test_units_made_while_their_region_moves_have_the_new_path(admin, tree, database):
    _, _, two, street, _ = tree
    answers = await asyncio.gather(
        admin.post(f"/regions/{street.id}/move", json={"version": 1, "parent_id": str(two.id), "reason": REASON}),
        *(admin.post("/units", json={"name": f"所{no}", "region_id": str(street.id)}) for no in range(8)),
    )
    assert [answer.status_code for answer in answers] == [200] + [201] * 8
    async with database.transaction() as session:
        found = await session.execute(text("SELECT DISTINCT region_path FROM units WHERE name LIKE '所%'"))
        assert found.scalars().all() == [f"{two.path}{street.code}/"]


async def test_who_sees_a_region_follows_its_move(admin, tree, as_user, database):
    _, one, two, street, _ = tree
    async with database.transaction() as session:
        inside = await make_unit(session, region=street)
        offices = [await make_unit(session, region=county) for county in (one, two)]
    before, after = [await as_user([Permission.UNITS_READ], scope=DataScope.REGION, unit=office) for office in offices]
    assert (await before.get(f"/units/{inside.id}")).status_code == 200
    assert (await after.get(f"/units/{inside.id}")).status_code == 404
    await admin.post(f"/regions/{street.id}/move", json={"version": 1, "parent_id": str(two.id), "reason": REASON})

    async def handed_over():
        codes = [(await client.get(f"/units/{inside.id}")).status_code for client in (before, after)]
        return codes == [404, 200]

    await eventually(handed_over)


async def test_everybody_reads_the_tree_and_manages_his_part(as_user, tree, database):
    _, one, two, street, _ = tree
    async with database.transaction() as session:
        office = await make_unit(session, region=one)
    client = await as_user(MANAGE, scope=DataScope.REGION, unit=office)
    assert (await client.get("/regions")).json()["total"] == 5
    assert (
        await client.patch(f"/regions/{street.id}", json={"position": 3}, headers=edited(street))
    ).status_code == 200
    assert (await client.patch(f"/regions/{two.id}", json={"position": 3}, headers=edited(two))).status_code == 404
    away = {"version": 2, "parent_id": str(two.id), "reason": REASON}
    assert (await client.post(f"/regions/{street.id}/move", json=away)).status_code == 404
    outside = {"code": "370303002000", "name": "西街道", "level": "street", "parent_id": str(two.id)}
    assert (await client.post("/regions", json=outside)).status_code == 404
    actions = {a["action"]: a for a in (await client.get(f"/regions/{two.id}")).json()["allowed_actions"]}
    assert actions["update"]["why_not"] == "不在您的数据范围内"
    reader = await as_user([Permission.REGIONS_READ])
    assert (await reader.patch(f"/regions/{street.id}", json={}, headers=edited(street))).status_code == 403
    assert (await (await as_user([])).get("/regions")).status_code == 403


async def test_lists_are_filtered(admin, tree):
    city, one, _, street, community = tree
    for params, wanted in (
        ({"level": "street"}, {street}),
        ({"parent_id": str(city.id)}, {one, tree[2]}),
        ({"under": street.path}, {street, community}),
        ({"q": "社区"}, {community}),
        ({"q": "370302001"}, {street, community}),
        ({"q": "_"}, set()),
        ({"active": "false"}, set()),
    ):
        found = (await admin.get("/regions", params=params)).json()
        assert {item["id"] for item in found["items"]} == {str(region.id) for region in wanted}, params


async def test_statements_are_few(admin, tree, statements):
    await admin.get("/regions")
    with statements() as sent:
        await admin.get("/regions", params={"q": "区"})
    assert sent.count <= 2
    with statements() as sent:
        await admin.get(f"/regions/{tree[0].id}")
    assert sent.count <= 3
