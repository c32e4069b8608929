"""审批流程与审核级别: made, changed, taken out of use; nearest upward applies; who may, and which rows."""

import asyncio

import pytest
from tests.factories.approvals import make_flow, make_level, make_offices

from wenming_api.catalog.permissions import Permission
from wenming_api.system.roles.rules import DataScope
from wenming_api.workflow.approval_flows.rules import ApprovalKind, Place
from wenming_api.workflow.approval_flows.service import load_base_flows

MANAGES = [Permission.FLOWS_MANAGE]
READS = [Permission.APPROVALS_READ]
REASON = "按新办法调整"


@pytest.fixture
async def offices(database):
    async with database.transaction() as session:
        return await make_offices(session)


@pytest.fixture
async def level(database):
    async with database.transaction() as session:
        return (await make_level(session)).code


def body(level, unit=None, **more):
    steps = [
        {"name": "本单位审核", "level_code": level, "place": "own", "working_days": 2},
        {"name": "镇街审核", "level_code": level, "place": "street", "working_days": None},
    ]
    return {"kind": "record", "name": "学校台账审核", "unit_id": str(unit.id) if unit else None, "steps": steps} | more


async def test_a_flow_is_made_changed_and_taken_out_of_use(admin, offices, level):
    made = await admin.post("/approval-flows", json=body(level, offices.school))
    assert made.status_code == 201, made.text
    flow = made.json()
    assert [(step["position"], step["place"], step["permission"]) for step in flow["steps"]] == [
        (1, "own", "sheets.review"),
        (2, "street", "sheets.review"),
    ]
    assert (flow["unit_name"], flow["active"]) == ("新华小学", True)
    address = f"/approval-flows/{flow['id']}"
    twice = await admin.post("/approval-flows", json=body(level, offices.school))
    assert (twice.status_code, twice.json()["code"]) == (409, "flow_in_use")
    change = {"name": "学校台账审核", "steps": flow_steps(level, Place.COUNTY), "reason": REASON}
    assert (await admin.put(address, json=change)).status_code == 428
    changed = await admin.put(address, json=change, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert ([step["place"] for step in changed.json()["steps"]], changed.json()["version"]) == (["county"], 2)
    assert (await admin.put(address, json=change, headers={"If-Match": '"1"'})).status_code == 412
    off = await admin.post(f"{address}/disable", json={"version": 2, "reason": REASON})
    assert (off.status_code, off.json()["active"]) == (200, False)
    assert (await admin.put(address, json=change, headers={"If-Match": '"3"'})).status_code == 409
    assert (await admin.post(f"{address}/disable", json={"version": 3, "reason": REASON})).status_code == 409
    assert (await admin.post("/approval-flows", json=body(level, offices.school))).status_code == 201
    again = await admin.post(f"{address}/enable", json={"version": 3, "reason": REASON})
    assert (again.status_code, again.json()["code"]) == (409, "flow_in_use")
    entries = (await admin.get("/audit-entries", params={"target_id": flow["id"]})).json()["items"]
    assert sorted(entry["action"] for entry in entries) == [
        "approval_flows.create",
        "approval_flows.disable",
        "approval_flows.update",
    ]


def flow_steps(level, *places):
    return [{"name": place.label, "level_code": level, "place": place, "working_days": 1} for place in places]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"steps": []}, "/steps"),
        ({"kind": "nothing"}, "/kind"),
        ({"unit_id": "019385f6-6c00-7a4b-8f21-0123456789ab"}, "/unit_id"),
        ({"steps": [{"name": "审核", "level_code": "nothing", "place": "own"}]}, "/steps/0/level_code"),
        ({"steps": [{"name": "审核", "level_code": "x", "place": "moon"}]}, "/steps/0/place"),
        ({"steps": [{"name": "审核", "level_code": "x", "place": "own", "working_days": 0}]}, "/steps/0/working_days"),
        ({"name": "a\x00"}, "/name"),
    ],
)
async def test_what_is_wrong_is_said(admin, level, change, pointer):
    answer = await admin.post("/approval-flows", json=body(level) | change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await admin.get("/approval-flows")).json()["total"] == 0


async def test_of_two_flows_made_at_once_one_is(admin, offices, level):
    answers = await asyncio.gather(
        *(
            admin.post("/approval-flows", json=body(level, unit))
            for unit in (offices.school, offices.school, None, None)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]


async def test_the_preview_shows_who_would_decide(admin, offices, level, database):
    async def preview(**more):
        answer = await admin.get(
            "/approval-flows/preview", params={"kind": "record", "unit_id": str(offices.school.id)} | more
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    delivered = await preview()
    assert (delivered["flow_id"], delivered["problem"]) == (None, None)
    assert [step["unit_name"] for step in delivered["steps"]] == ["新华小学"]
    async with database.transaction() as session:
        await make_flow(session, (Place.STREET, Place.COUNTY), unit=offices.county)
    assert [step["unit_name"] for step in (await preview())["steps"]] == ["车站街道文明办", "张店区文明办"]
    assert "接收单位" in (await preview(kind="submission"))["problem"]
    sent = await preview(kind="submission", receiver_unit_id=str(offices.city.id))
    assert [step["unit_name"] for step in sent["steps"]] == ["市文明办"]
    outside = await admin.get(
        "/approval-flows/preview", params={"kind": "record", "unit_id": "019385f6-6c00-7a4b-8f21-0123456789ab"}
    )
    assert outside.status_code == 422


async def test_levels_and_their_permissions(admin, level, as_user):
    made = await admin.post(
        "/approval-levels", json={"code": "county", "name": "县（区）审核", "rank": 50, "permission": "sheets.review"}
    )
    assert made.status_code == 201, made.text
    taken = await admin.post(
        "/approval-levels", json={"code": "other", "name": "县（区）审核", "rank": 50, "permission": "sheets.review"}
    )
    assert (taken.status_code, taken.json()["code"]) == (409, "level_code_taken")
    nonsense = await admin.post(
        "/approval-levels", json={"code": "x", "name": "级", "rank": 50, "permission": "everything"}
    )
    assert nonsense.status_code == 422
    change = {"permission": "sheets.read", "reason": REASON}
    changed = await admin.patch("/approval-levels/county", json=change, headers={"If-Match": '"1"'})
    assert (changed.json()["permission"], changed.json()["version"], changed.json()["flows"]) == ("sheets.read", 2, 0)
    assert (await admin.patch("/approval-levels/county", json=change, headers={"If-Match": '"1"'})).status_code == 412
    assert (await admin.patch("/approval-levels/none", json=change, headers={"If-Match": '"1"'})).status_code == 404
    await admin.post("/approval-flows", json=body("county"))
    assert (await admin.get("/approval-levels/county")).json()["flows"] == 1
    listed = (await admin.get("/approval-levels")).json()["items"]
    assert [one["rank"] for one in listed] == sorted(one["rank"] for one in listed)


async def test_who_may_and_where(as_user, client, offices, level, database):
    async with database.transaction() as session:
        whole = await make_flow(session)
        cities = await make_flow(session, unit=offices.city)
    county = await as_user(MANAGES, scope=DataScope.REGION, unit=offices.county)
    reader = await as_user(READS, scope=DataScope.UNIT, unit=offices.school)
    change = {"name": "改名", "steps": flow_steps(level, Place.OWN), "reason": REASON}
    judged = {"version": 1, "reason": REASON}
    for flow, code in ((whole, 403), (cities, 404)):
        address = f"/approval-flows/{flow.id}"
        assert (await county.put(address, json=change, headers={"If-Match": '"1"'})).status_code == code
        assert (await county.post(f"{address}/disable", json=judged)).status_code == code
        assert (await county.get(address)).status_code == (404 if code == 404 else 200)
    actions = (await county.get(f"/approval-flows/{whole.id}")).json()["allowed_actions"]
    assert {one["allowed"] for one in actions} == {False}
    assert (await county.post("/approval-flows", json=body(level, kind="title"))).status_code == 403
    assert (await county.post("/approval-flows", json=body(level, offices.city, kind="title"))).status_code == 422
    assert (await county.post("/approval-flows", json=body(level, offices.street))).status_code == 201
    level_body = {"code": "county", "name": "县审", "rank": 50, "permission": "sheets.review"}
    assert (await county.post("/approval-levels", json=level_body)).json()["code"] == "whole_system_only"
    assert (await reader.post("/approval-flows", json=body(level, offices.school))).status_code == 403
    assert (await reader.post("/approval-levels", json=level_body)).status_code == 403
    assert {flow["id"] for flow in (await reader.get("/approval-flows")).json()["items"]} == {str(whole.id)}
    assert (await (await as_user([Permission.SHEETS_READ])).get("/approval-flows")).status_code == 403
    assert (await client.get("/approval-levels")).status_code == 401


async def test_what_is_delivered_is_loaded_once_and_leaves_the_customer_s_alone(database, admin, statements):
    async with database.transaction() as session:
        own = await make_flow(session, kind=ApprovalKind.RECORD)
    async with database.transaction() as session:
        assert await load_base_flows(session) == len(ApprovalKind) - 1
        assert await load_base_flows(session) == 0
    with statements() as sent:
        listed = (await admin.get("/approval-flows", params={"kind": "record"})).json()["items"]
    assert [flow["id"] for flow in listed] == [str(own.id)]
    assert sent.count <= 3
    assert (await admin.get("/approval-levels")).json()["total"] == 9
    assert (await admin.get("/approval-flows", params={"q": "称号", "active": True})).json()["total"] == 1
