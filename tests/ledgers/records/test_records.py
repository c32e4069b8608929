"""台账记录: written, saved in versions, compared, refused when stale; who may, and which rows."""

import asyncio
from typing import Any

import pytest
from tests.factories.places import make_county, make_unit
from tests.factories.records import content, make_catalogue, make_record

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope

WRITE = [Permission.RECORDS_READ, Permission.RECORDS_WRITE]
REVIEW = [Permission.RECORDS_READ, Permission.RECORDS_REVIEW]


@pytest.fixture
async def unit(database):
    async with database.transaction() as session:
        return await make_unit(session, region=await make_county(session), name="城里社区居委会")


@pytest.fixture
async def nodes(database, unit):
    async with database.transaction() as session:
        return await make_catalogue(session, unit)


@pytest.fixture
async def clerk(as_user, unit):
    return await as_user(WRITE, scope=DataScope.UNIT_AND_BELOW, unit=unit)


@pytest.fixture
async def reviewer(as_user, unit):
    return await as_user(REVIEW, scope=DataScope.UNIT_AND_BELOW, unit=unit)


async def written(client: Any, *nodes: Any, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/ledgers/records", json={"content": content(*nodes, **changes)})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def step(client: Any, record: dict[str, Any], verb: str, **more: Any) -> Any:
    return await client.post(f"/ledgers/records/{record['id']}/{verb}", json={"version": record["version"], **more})


async def test_a_record_is_written_and_read(clerk, nodes, unit, callers):
    made = await written(clerk, nodes["1-1"], nodes["2-1"], volunteer_hours="3.50")
    assert made["state"] == "draft"
    assert made["number"] == 1
    assert made["unit_id"] == str(unit.id)
    assert made["owner_id"] == str(callers.user_of(clerk).id)
    assert {each["code"] for each in made["categories"]} == {"1-1", "2-1"}
    assert made["content"]["volunteer_hours"] == "3.5"
    assert made["happened_on"] == "2026-03-05"
    again = await clerk.get(f"/ledgers/records/{made['id']}")
    assert again.json() == made
    assert again.headers["ETag"] == f'"{made["version"]}"'


async def test_a_record_sent_twice_is_added_once(clerk, nodes):
    body = {"id": str(uuid7()), "content": content(nodes["1-1"])}
    first, second = [await clerk.post("/ledgers/records", json=body) for _ in range(2)]
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    other = await clerk.post("/ledgers/records", json=body | {"content": content(nodes["1-2"])})
    assert (other.status_code, other.json()["code"]) == (409, "record_id_taken")


async def test_every_save_is_a_version_that_never_changes(clerk, nodes):
    made = await written(clerk, nodes["1-1"])
    saved = await clerk.put(
        f"/ledgers/records/{made['id']}",
        json={"content": content(nodes["1-1"], title="新的标题"), "reason": "补充"},
        headers={"If-Match": f'"{made["version"]}"'},
    )
    assert saved.status_code == 200, saved.text
    assert saved.json()["current_version_no"] == 2
    versions = (await clerk.get(f"/ledgers/records/{made['id']}/versions")).json()
    assert [(each["no"], each["reason"]) for each in versions["items"]] == [(2, "补充"), (1, None)]
    first = (await clerk.get(f"/ledgers/records/{made['id']}/versions/1")).json()
    assert first["content"] == made["content"]
    compared = await clerk.get(f"/ledgers/records/{made['id']}/comparison", params={"from_no": 1, "to_no": 2})
    assert compared.json()["changes"] == [
        {"path": "/title", "label": "标题", "before": "学雷锋志愿服务进社区", "after": "新的标题"}
    ]
    missing = await clerk.get(f"/ledgers/records/{made['id']}/versions/3")
    assert missing.status_code == 404


async def test_saving_what_is_there_adds_no_version(clerk, nodes):
    made = await written(clerk, nodes["1-1"])
    saved = await clerk.put(
        f"/ledgers/records/{made['id']}",
        json={"content": made["content"]},
        headers={"If-Match": f'"{made["version"]}"'},
    )
    assert saved.json() == made


async def test_a_stale_save_is_refused_with_both_sides(clerk, nodes, as_user, unit):
    made = await written(clerk, nodes["1-1"])
    colleague = await as_user(WRITE, scope=DataScope.UNIT, unit=unit)
    edited = {"If-Match": f'"{made["version"]}"'}
    theirs = content(nodes["1-1"], title="他的标题", place="广场")
    assert (
        await colleague.put(f"/ledgers/records/{made['id']}", json={"content": theirs}, headers=edited)
    ).status_code == 200
    yours = content(nodes["1-1"], title="我的标题", participant_count=12)
    refused = await clerk.put(f"/ledgers/records/{made['id']}", json={"content": yours}, headers=edited)
    assert refused.status_code == 412, refused.text
    problem = refused.json()
    assert problem["current_version_no"] == 2
    assert problem["current_version"] == made["version"] + 1
    merge = {each["path"]: each for each in problem["merge"]}
    assert merge["/title"] == {
        "path": "/title",
        "label": "标题",
        "base": "学雷锋志愿服务进社区",
        "theirs": "他的标题",
        "yours": "我的标题",
        "conflict": True,
    }
    assert (merge["/place"]["yours"], merge["/place"]["theirs"], merge["/place"]["conflict"]) == (
        "城里社区",
        "广场",
        False,
    )
    assert (merge["/participant_count"]["theirs"], merge["/participant_count"]["yours"]) == (None, 12)


async def test_of_two_savers_at_once_one_is_refused(clerk, nodes, as_user, unit):
    made = await written(clerk, nodes["1-1"])
    colleague = await as_user(WRITE, scope=DataScope.UNIT, unit=unit)
    answers = await asyncio.gather(
        *(
            client.put(
                f"/ledgers/records/{made['id']}",
                json={"content": content(nodes["1-1"], title=f"标题{no}")},
                headers={"If-Match": f'"{made["version"]}"'},
            )
            for no, client in enumerate([clerk, colleague])
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert (await clerk.get(f"/ledgers/records/{made['id']}/versions")).json()["total"] == 2


async def test_a_record_is_reviewed_by_somebody_else(clerk, reviewer, nodes):
    made = await written(clerk, nodes["1-1"])
    sent = (await step(clerk, made, "submit")).json()
    assert sent["state"] == "in_review"
    seen = (await reviewer.get(f"/ledgers/records/{made['id']}")).json()
    offered = {each["action"]: each for each in seen["allowed_actions"]}
    assert offered["approve"]["allowed"], offered
    assert not offered["save"]["allowed"]
    own = {each["action"]: each for each in sent["allowed_actions"]}
    assert own["approve"] == {
        "action": "approve",
        "label": "审核通过",
        "allowed": False,
        "why_not": "没有“审核本单位台账记录”权限",
    }
    passed = await step(reviewer, seen, "approve")
    assert passed.status_code == 200, passed.text
    assert (passed.json()["state"], passed.json()["approved_version_no"]) == ("approved", 1)


async def test_a_returned_record_is_fixed_and_sent_again(clerk, reviewer, nodes):
    made = await written(clerk, nodes["1-1"])
    sent = (await step(clerk, made, "submit")).json()
    bare = await step(reviewer, sent, "return")
    assert bare.status_code == 422
    returned = await step(
        reviewer, sent, "return", reason="地点不清楚", marks=[{"field": "/place", "note": "写到楼栋"}]
    )
    assert returned.status_code == 200, returned.text
    assert returned.json()["state"] == "returned"
    fixed = await clerk.put(
        f"/ledgers/records/{made['id']}",
        json={"content": content(nodes["1-1"], place="城里社区三号楼")},
        headers={"If-Match": f'"{returned.json()["version"]}"'},
    )
    assert fixed.json()["state"] == "returned"
    again = await step(clerk, fixed.json(), "submit")
    assert again.json()["state"] == "in_review"


async def test_an_approved_record_edited_again_keeps_its_approved_version(clerk, nodes, database, unit, callers):
    async with database.transaction() as session:
        made = await make_record(session, unit=unit, nodes=[nodes["1-1"]], author=callers.user_of(clerk), approved=True)
    saved = await clerk.put(
        f"/ledgers/records/{made.id}",
        json={"content": content(nodes["1-1"], title="又改了")},
        headers={"If-Match": f'"{made.version}"'},
    )
    assert (saved.json()["state"], saved.json()["approved_version_no"], saved.json()["current_version_no"]) == (
        "draft",
        1,
        2,
    )
    refused = await clerk.delete(f"/ledgers/records/{made.id}", headers={"If-Match": f'"{saved.json()["version"]}"'})
    assert refused.status_code == 409


async def test_nobody_approves_what_he_wrote(as_user, nodes, unit):
    both = await as_user([*WRITE, Permission.RECORDS_REVIEW], scope=DataScope.UNIT, unit=unit)
    sent = (await step(both, await written(both, nodes["1-1"]), "submit")).json()
    refused = await step(both, sent, "approve")
    assert refused.status_code == 403, refused.text
    assert "本人" in refused.json()["detail"]


async def test_two_approvals_at_once_are_one(clerk, nodes, as_user, unit):
    reviewers = [await as_user(REVIEW, scope=DataScope.UNIT, unit=unit) for _ in range(2)]
    sent = (await step(clerk, await written(clerk, nodes["1-1"]), "submit")).json()
    answers = await asyncio.gather(*(step(each, sent, "approve") for each in reviewers))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_review_is_taken_back(clerk, reviewer, nodes):
    sent = (await step(clerk, await written(clerk, nodes["1-1"]), "submit")).json()
    back = await step(clerk, sent, "cancel", reason="还要补充照片")
    assert back.json()["state"] == "draft"
    late = await step(reviewer, sent, "approve")
    assert late.status_code == 409
    gone = await clerk.delete(f"/ledgers/records/{sent['id']}", headers={"If-Match": f'"{back.json()["version"]}"'})
    assert (gone.status_code, gone.json()["code"]) == (409, "illegal_transition")


async def test_a_draft_never_submitted_is_deleted(clerk, nodes):
    made = await written(clerk, nodes["1-1"])
    gone = await clerk.delete(f"/ledgers/records/{made['id']}", headers={"If-Match": f'"{made["version"]}"'})
    assert gone.status_code == 204
    assert (await clerk.get(f"/ledgers/records/{made['id']}")).status_code == 404


async def test_the_next_period_starts_from_the_last(clerk, nodes):
    made = await written(clerk, nodes["1-1"], participants="志愿者服务队", volunteer_hours="3")
    body = {"period_start": "2026-04-01", "period_end": "2026-06-30"}
    copied = await clerk.post(f"/ledgers/records/{made['id']}/copy", json=body)
    assert copied.status_code == 201, copied.text
    fresh = copied.json()
    assert fresh["copied_from_id"] == made["id"]
    assert fresh["content"]["participants"] == "志愿者服务队"
    assert fresh["content"]["volunteer_hours"] is None
    assert (fresh["period_start"], fresh["period_end"]) == ("2026-04-01", "2026-06-30")
    turned = await clerk.post(
        f"/ledgers/records/{made['id']}/copy", json={"period_start": "2026-06-30", "period_end": "2026-04-01"}
    )
    assert turned.status_code == 422


async def test_only_the_unit_itself_writes(clerk, nodes, as_user, database):
    made = await written(clerk, nodes["1-1"])
    async with database.transaction() as session:
        other = await make_unit(session, region=await make_county(session, 3))
    outsider = await as_user(WRITE, scope=DataScope.UNIT_AND_BELOW, unit=other)
    assert (await outsider.get(f"/ledgers/records/{made['id']}")).status_code == 404
    above = await as_user(WRITE)
    assert (await above.get(f"/ledgers/records/{made['id']}")).status_code == 200
    refused = await above.put(
        f"/ledgers/records/{made['id']}",
        json={"content": content(nodes["1-1"], title="改")},
        headers={"If-Match": f'"{made["version"]}"'},
    )
    assert refused.status_code == 403
    reader = await as_user([Permission.RECORDS_READ])
    assert (await reader.post("/ledgers/records", json={"content": content(nodes["1-1"])})).status_code == 403
    nobody = await as_user([])
    assert (await nobody.get(f"/ledgers/records/{made['id']}")).status_code == 403


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"node_ids": [str(uuid7())]}, "/node_ids/0"),
        ({"photos": [{"file_id": str(uuid7())}]}, "/photos/0/file_id"),
        ({"work_area_code": "nothing"}, "/work_area_code"),
    ],
)
async def test_unknown_references_are_named(clerk, nodes, changes, pointer):
    answer = await clerk.post("/ledgers/records", json={"content": content(nodes["1-1"]) | changes})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "changes",
    [
        {"node_ids": []},
        {"happened_at": "2026-03-05T09:00:00"},
        {"happened_at": "2026-03-05T09:00:00+08:00", "ended_at": "2026-03-05T08:00:00+08:00"},
        {"period_start": "2026-03-05"},
        {"longitude": "118"},
        {"videos": [{"url": "ftp://example.gov.cn/a"}]},
        {"videos": [{"title": "无"}]},
        {"underlines": [{"start": 3, "end": 2_000}]},
        {"text": "文" * 20_001},
        {"title": "题\x00"},
        {"volunteer_hours": "NaN"},
        {"surprise": 1},
    ],
)
async def test_contents_that_do_not_fit_are_refused(clerk, nodes, changes):
    answer = await clerk.post("/ledgers/records", json={"content": content(nodes["1-1"]) | changes})
    assert answer.status_code == 422, answer.text


async def test_big_categories_take_no_records(clerk, nodes):
    answer = await clerk.post("/ledgers/records", json={"content": content(nodes["1"])})
    assert answer.status_code == 422


async def test_a_detail_takes_one_statement(clerk, reviewer, nodes, statements):
    made = await written(clerk, nodes["1-1"])
    await clerk.get(f"/ledgers/records/{made['id']}")
    with statements() as sent:
        await clerk.get(f"/ledgers/records/{made['id']}")
    assert sent.count == 1
    await step(clerk, made, "submit")
    with statements() as sent:
        await reviewer.get(f"/ledgers/records/{made['id']}")
    assert sent.count <= 4  # who reads it was not known yet; where its approval stands
