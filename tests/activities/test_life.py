"""活动 over HTTP: plan, approval, content, record; marks, sub-activities, sharing; who may, and two at once."""

import asyncio

import pytest
from tests.factories.records import content

from wenming_api.activities.templates.service import load_base_templates


def far_future():
    return {"starts_at": "2099-03-05T09:00:00+08:00", "ends_at": "2099-03-05T11:00:00+08:00"}


async def test_an_ad_hoc_plan_is_approved_before_it_has_content(scene):
    one = await scene.planned(kind="ad_hoc", **far_future())
    early = await scene.clerk.put(
        f"/activities/{one['id']}/content", json={"content": content(scene.node)}, headers={"If-Match": '"1"'}
    )
    assert (early.status_code, early.json()["code"]) == (409, "illegal_transition")
    one = await scene.act(scene.clerk, one, "submit")
    assert one["state"] == "in_approval"
    assert (await scene.act(scene.outsider, one, "approve", status=404))["code"] == "not_found"
    body = {"version": one["version"]}
    answers = await asyncio.gather(
        *(scene.office.post(f"/activities/{one['id']}/approve", json=body) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    one = (await scene.clerk.get(f"/activities/{one['id']}")).json()
    assert [step["action"] for step in one["steps"]] == ["create", "submit", "approve"]


async def test_an_activity_becomes_a_record_without_retyping_and_is_followed(scene):
    one = await scene.held()
    assert one["state"] == "held"
    made = await scene.act(scene.clerk, one, "record")
    kept = (await scene.clerk.get(f"/ledgers/records/{made['record_id']}")).json()
    assert kept["title"] == content(scene.node)["title"]
    again = await scene.clerk.put(
        f"/activities/{one['id']}/content",
        json={"content": content(scene.node, title="改过的标题")},
        headers={"If-Match": f'"{made["version"]}"'},
    )
    assert again.status_code == 200, again.text
    assert (await scene.clerk.get(f"/ledgers/records/{made['record_id']}")).json()["title"] == "改过的标题"


async def test_the_content_begins_with_the_plan(scene):
    one = await scene.planned()
    found = (await scene.clerk.get(f"/activities/{one['id']}/content")).json()
    assert (found["content_no"], found["content"]["title"], found["content"]["place"]) == (
        0,
        one["title"],
        one["place"],
    )


async def test_a_template_asks_for_evidence(scene, database):
    async with database.transaction() as session:
        assert await load_base_templates(session) == 4
        assert await load_base_templates(session) == 0
    templates = (await scene.clerk.get("/activity-templates", params={"q": "一般"})).json()["items"]
    one = await scene.held(template_id=templates[0]["id"])
    refused = await scene.act(scene.clerk, one, "record", status=409)
    assert refused["code"] == "activity_evidence_missing"
    assert any("照片不少于 1 张" in gap for gap in refused["gaps"])


async def test_the_managing_unit_marks_and_nobody_else(scene):
    one = await scene.held()
    mark = {"kind": "excellent", "reason": "成效突出"}
    assert (await scene.clerk.post(f"/activities/{one['id']}/mark", json={"version": 1} | mark)).status_code == 403
    await scene.act(scene.outsider, one, "mark", status=404, **mark)
    one = await scene.act(scene.office, one, "mark", **mark)
    assert one["marks"] == ["excellent"]
    await scene.act(scene.office, one, "mark", status=409, **mark)
    counted = (await scene.office.get("/activities/counts", params={"by": "kind"})).json()
    assert [(each["key"], each["count"], each["excellent"]) for each in counted] == [("arising", 1, 1)]
    assert (await scene.act(scene.office, one, "unmark", **mark))["marks"] == []


async def test_activities_are_not_part_of_themselves(scene):
    first, second = await scene.planned(), await scene.planned()
    answers = await asyncio.gather(
        *(
            scene.clerk.post(
                f"/activities/{parent['id']}/attach",
                json={"version": parent["version"], "child_id": child["id"], "reason": "同一项工作"},
            )
            for parent, child in ((first, second), (second, first))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_an_office_attaches_only_what_it_has_accepted(scene):
    child, parent = await scene.held(), await scene.planned(scene.office)
    refused = await scene.act(scene.office, parent, "attach", status=422, child_id=child["id"], reason="列入重点工作")
    assert [error["pointer"] for error in refused["errors"]] == ["/child_id"]


async def test_a_share_is_public_until_it_is_withheld(scene, client):
    one = await scene.held()
    early = await scene.clerk.post(f"/activities/{one['id']}/shares", json={"summary": "志愿服务"})
    assert early.status_code == 403
    one = await scene.act(scene.office, one, "release", reason="可以公开")
    made = await scene.clerk.post(f"/activities/{one['id']}/shares", json={"summary": "志愿服务进社区"})
    assert made.status_code == 201, made.text
    token = made.json()[0]["token"]
    page = await client.get(f"/shared-activities/{token}")
    assert (page.status_code, page.json()["unit_name"]) == (200, "实验小学")
    drawn = await client.get(f"/shared-activities/{token}/qr-code")
    assert drawn.content.startswith(b"\x89PNG")
    svg = await client.get(f"/shared-activities/{token}/qr-code", params={"kind": "svg"})
    assert b"<svg" in svg.content
    assert (await client.get("/shared-activities/aaaaaaaaaaaaaaaaaaaaaaaa")).status_code == 404
    one = (await scene.clerk.get(f"/activities/{one['id']}")).json()
    await scene.act(scene.office, one, "withhold", reason="停止公开")
    assert (await client.get(f"/shared-activities/{token}")).json()["code"] == "share_closed"


async def test_rows_stay_in_scope_and_statements_are_few(scene, statements):
    one = await scene.held()
    assert (await scene.outsider.get(f"/activities/{one['id']}")).status_code == 404
    assert (await scene.outsider.get("/activities")).json()["total"] == 0
    with statements() as sent:
        listed = await scene.clerk.get("/activities", params={"state": "held"})
    assert (listed.json()["total"], sent.count) == (1, 2)
    with statements() as sent:
        await scene.clerk.get(f"/activities/{one['id']}")
    assert sent.count <= 10
    month = (await scene.clerk.get("/activity-calendar", params={"month": "2026-03"})).json()
    assert (month["days"], len(month["activities"])) == ({"2026-03-05": 1}, 1)
    assert (await scene.clerk.get("/activity-calendar", params={"month": "2026-04"})).json()["activities"] == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"ends_at": "2026-03-04T11:00:00+08:00"}, "/ends_at"),
        ({"kind": "annual"}, "/ends_at"),
        ({"node_ids": ["019385f6-6c00-7a4b-8f21-0123456789ab"]}, "/node_ids/0"),
        ({"fields": {"unknown": "x"}}, "/fields/unknown"),
        ({"activity_type": "unknown"}, "/activity_type"),
        ({"partner_ids": ["019385f6-6c00-7a4b-8f21-0123456789ab"]}, "/partner_ids"),
    ],
)
async def test_wrong_plans_name_the_field(scene, changes, pointer):
    answer = await scene.clerk.post("/activities", json=scene.plan(**changes))
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], answer.text
