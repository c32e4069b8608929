"""自定义区域: members, scope, states; sites of an area."""

import asyncio
from typing import Any

import pytest
from tests.factories.places import make_city, make_county, make_region, make_unit
from tests.factories.sites import make_site

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.ids import uuid7
from wenming_api.system.regions.rules import RegionLevel
from wenming_api.system.roles.rules import DataScope

MANAGE = [Permission.REGIONS_READ, Permission.REGIONS_MANAGE]


@pytest.fixture
async def tree(database):
    async with database.transaction() as session:
        county, other = await make_county(session, 2), await make_county(session, 3)
        streets = [
            await make_region(
                session, code=f"37030200{no}000", name=f"街道{no}", level=RegionLevel.STREET, parent=county
            )
            for no in (1, 2)
        ]
        community = await make_region(
            session, code="370302001001", name="社区", level=RegionLevel.COMMUNITY, parent=streets[0]
        )
        return {"city": await make_city(session), "county": county, "other": other, "streets": streets, "in": community}


def area(tree: dict[str, Any], **values: Any) -> dict[str, Any]:
    return {
        "code": "urban-1",
        "name": "中心城区",
        "kind": "urban",
        "region_id": str(tree["city"].id),
        "member_ids": [str(tree["streets"][0].id)],
    } | values


async def test_an_area_and_its_sites(admin, tree, database):
    async with database.transaction() as session:
        await make_site(session, region=tree["in"], code="IN")
        await make_site(session, region=tree["streets"][0], code="STREET")
        await make_site(session, region=tree["streets"][1], code="BESIDE")
        await make_site(session, region=tree["county"], code="ABOVE")
    made = await admin.post("/areas", json=area(tree))
    assert made.status_code == 201, made.text
    assert [each["code"] for each in made.json()["members"]] == ["370302001000"]

    async def codes() -> list[str]:
        found = await admin.get("/sites", params={"area_id": made.json()["id"]})
        return [each["code"] for each in found.json()["items"]]

    assert await codes() == ["IN", "STREET"]
    path = f"/areas/{made.json()['id']}"
    members = [str(tree["streets"][1].id), str(tree["in"].id)]
    changed = await admin.patch(path, json={"member_ids": members}, headers={"If-Match": '"1"'})
    assert changed.headers["ETag"] == '"2"'
    assert await codes() == ["BESIDE", "IN"]
    entry = (await admin.get("/audit-entries", params={"target_id": made.json()["id"]})).json()["items"][0]
    assert entry["changes"]["members"] == [["370302001000"], ["370302001001", "370302002000"]]
    assert (await admin.get("/sites", params={"area_id": str(uuid7())})).json()["total"] == 0


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"member_ids": []}, "/member_ids"),
        ({"member_ids": [str(uuid7())]}, "/member_ids/0"),
        ({"region_id": str(uuid7())}, "/region_id"),
        ({"kind": "sky"}, "/kind"),
        ({"code": "有空格 的"}, "/code"),
        ({"name": "\x00"}, "/name"),
    ],
)
async def test_bad_input(admin, tree, values, pointer):
    answer = await admin.post("/areas", json=area(tree, **values))
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert (await admin.get("/areas")).json()["total"] == 0


async def test_members_lie_inside(admin, tree):
    answer = await admin.post(
        "/areas", json=area(tree, region_id=str(tree["county"].id), member_ids=[str(tree["other"].id)])
    )
    assert answer.json()["errors"][0]["pointer"] == "/member_ids/0"


async def test_versions_and_states(admin, tree):
    made = (await admin.post("/areas", json=area(tree))).json()
    path = f"/areas/{made['id']}"
    assert (await admin.post("/areas", json=area(tree))).json()["code"] == "area_code_taken"
    answers = await asyncio.gather(
        *(admin.patch(path, json={"name": f"名{no}"}, headers={"If-Match": '"1"'}) for no in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    off = await admin.post(f"{path}/disable", json={"version": 2, "reason": "调整"})
    assert off.json()["active"] is False
    refused = await admin.patch(path, json={"name": "名"}, headers={"If-Match": '"3"'})
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["enable"])
    assert (await admin.post(f"{path}/disable", json={"version": 3, "reason": "调整"})).status_code == 409
    assert (await admin.post(f"{path}/enable", json={"version": 1, "reason": "调整"})).json()["code"] == "version_moved"
    assert (await admin.post(f"{path}/enable", json={"version": 3, "reason": "恢复"})).json()["active"] is True


async def test_scope_and_permission_from_both_sides(as_user, admin, tree, database):
    async with database.transaction() as session:
        unit = await make_unit(session, region=tree["county"])
    whole = (await admin.post("/areas", json=area(tree))).json()
    caller = await as_user(MANAGE, scope=DataScope.REGION, unit=unit)
    mine = await caller.post("/areas", json=area(tree, code="mine", region_id=str(tree["county"].id)))
    assert mine.status_code == 201, mine.text
    assert [each["code"] for each in (await caller.get("/areas")).json()["items"]] == ["mine"]
    assert (await caller.get(f"/areas/{whole['id']}")).status_code == 404
    stolen = await caller.patch(f"/areas/{whole['id']}", json={"name": "名"}, headers={"If-Match": '"1"'})
    assert stolen.status_code == 404
    assert (await caller.post("/areas", json=area(tree, code="city"))).status_code == 422
    reader = await as_user([Permission.REGIONS_READ])
    assert (await reader.get("/areas")).json()["total"] == 2
    assert (await reader.post("/areas", json=area(tree, code="no"))).status_code == 403


async def test_statements(admin, tree, statements):
    made = (await admin.post("/areas", json=area(tree))).json()
    for target in ("/areas", f"/areas/{made['id']}"):
        with statements() as sent:
            assert (await admin.get(target)).status_code == 200
        assert sent.count <= 2, sent.sent
