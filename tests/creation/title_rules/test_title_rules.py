"""评选标准 over HTTP."""

import pytest
from tests.factories.titles import make_rule

from wenming_api.catalog.permissions import Permission
from wenming_api.creation.title_rules.service import load_base_title_rules
from wenming_api.kit.db import WriteSession
from wenming_api.kit.ids import uuid7

BODY = {
    "code": "campus-2026",
    "kind": "campus",
    "name": "文明校园标准",
    "pass_score": "8",
    "items": [{"code": "1", "text": "方案", "points": "10.25", "evidence_required": True}],
    "vetoes": [{"code": "V1", "text": "安全事故"}],
}


async def test_a_rule_is_written_published_and_then_stands(admin):
    made = await admin.post("/title-rules", json=BODY)
    assert made.status_code == 201, made.text
    rule = made.json()
    assert (rule["state"], rule["maximum"], rule["gaps"]) == ("draft", "10.25", [])
    path = f"/title-rules/{rule['id']}"
    changed = await admin.patch(path, json={"pass_score": "9.5"}, headers={"If-Match": '"1"'})
    assert changed.json()["pass_score"] == "9.5", changed.text
    published = await admin.post(f"{path}/publish", json={"version": 2, "reason": "经会议审定"})
    assert published.json()["state"] == "published"
    refused = await admin.patch(path, json={"name": "改名"}, headers={"If-Match": '"3"'})
    assert (refused.status_code, refused.json()["code"]) == (409, "title_rule_frozen")
    again = await admin.post(f"{path}/publish", json={"version": 3, "reason": "再次发布"})
    assert (again.status_code, again.json()["allowed"]) == (409, ["retire"])
    assert (await admin.post(f"{path}/retire", json={"version": 3, "reason": "已有新版"})).json()["state"] == "retired"
    entries = (await admin.get("/audit-entries", params={"target_id": rule["id"]})).json()["items"]
    assert len(entries) == 4


async def test_a_rule_with_gaps_is_not_published(admin):
    items = [{"code": "1", "text": "方案"}, {"code": "2", "text": "照片", "points": "3"}]
    made = (await admin.post("/title-rules", json=BODY | {"items": items})).json()
    assert made["gaps"] == ["评分项没有分值：1"]
    actions = {each["action"]: each for each in made["allowed_actions"]}
    assert actions["publish"]["why_not"] == "评分项没有分值：1"
    answer = await admin.post(f"/title-rules/{made['id']}/publish", json={"version": 1, "reason": "发布"})
    assert (answer.status_code, answer.json()["gaps"]) == (409, made["gaps"])


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"items": [{"code": "1", "text": "甲"}, {"code": "1", "text": "乙"}]}, "/items"),
        ({"items": [{"code": "1 2", "text": "甲"}]}, "/items/0/code"),
        ({"items": [{"code": "1", "text": "甲", "points": "-1"}]}, "/items/0/points"),
        ({"kind": "street"}, "/kind"),
        ({"code": ""}, "/code"),
    ],
)
async def test_wrong_input_names_the_field(admin, change, pointer):
    answer = await admin.post("/title-rules", json=BODY | change)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_codes_are_taken_once(admin):
    assert (await admin.post("/title-rules", json=BODY)).status_code == 201
    assert (await admin.post("/title-rules", json=BODY)).json()["code"] == "title_rule_code_taken"


async def test_reading_and_managing_are_two_permissions(as_user, database, statements):
    async with database.transaction() as session:
        rule = await make_rule(session)
    reader = await as_user([Permission.TITLES_READ])
    nobody = await as_user([Permission.UNITS_READ])
    assert (await reader.get("/me")).status_code == 200  # the caller is known from here on
    with statements() as sent:
        page = await reader.get("/title-rules", params={"kind": "campus", "q": rule.code})
    assert (page.json()["total"], sent.count) == (1, 2)
    with statements() as sent:
        detail = (await reader.get(f"/title-rules/{rule.id}")).json()
    assert sent.count == 1
    assert not any(each["allowed"] for each in detail["allowed_actions"])
    assert (await reader.post("/title-rules", json=BODY)).status_code == 403
    assert (await nobody.get("/title-rules")).status_code == 403
    assert (await reader.get(f"/title-rules/{uuid7()}")).status_code == 404


async def test_the_samples_are_loaded_once_as_drafts(session: WriteSession, admin):
    assert await load_base_title_rules(session) > 3
    assert await load_base_title_rules(session) == 0
    await session.commit()
    found = (await admin.get("/title-rules", params={"size": 100})).json()["items"]
    assert {(each["sample"], each["state"]) for each in found} == {(True, "draft")}
