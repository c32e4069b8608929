"""测评标准: what is saved, what is refused, who may; lists in few statements."""

import json
from uuid import uuid4

import pytest
from sqlalchemy import select
from tests.factories.standards import (
    COUNT,
    DEDUCTION,
    GRADED,
    PASS_FAIL,
    RULES,
    VETO,
    make_indicator,
    make_published,
    make_site_types,
    make_standard,
    make_system,
    make_units,
    standard_body,
)

from wenming_api.catalog.permissions import Permission
from wenming_api.system.audit.models import AuditEntry


@pytest.fixture
async def draft(admin, database):
    """A draft with a content indicator, site types 26 and 27, and three units."""
    async with database.transaction() as session:
        await make_site_types(session, "26", "27")
        units = await make_units(session, 3)
    system = await make_system(admin)
    top = await make_indicator(admin, system["id"], "Ⅰ-1")
    content = await make_indicator(admin, system["id"], "Ⅱ-1", top["id"])
    path = f"/indicator-systems/{system['id']}"
    return {"id": system["id"], "path": path, "top": top, "content": content, "units": [str(u.id) for u in units]}


async def test_everything_given_comes_back(admin, draft, session):
    body = standard_body(
        draft["content"]["id"],
        "Ⅲ-1-①",
        text="公共场所环境整洁\n无乱扔杂物",
        max_score="2.5",
        methods=["field", "questionnaire"],
        rule=DEDUCTION,
        list_kind="regular",
        requires_photo=True,
        site_type_codes=["27", "26"],
        duties=draft["units"][1:],
        evidence=["现场照片", "整改记录"],
        note="雨天顺延",
        source="某市 2022",
    )
    made = await admin.post(f"{draft['path']}/standards", json=body)
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == '"1"'
    shown = (await admin.get(f"{draft['path']}/standards/{made.json()['id']}")).json()
    assert shown == made.json()
    assert shown["rule"] == DEDUCTION
    assert (shown["max_score"], shown["site_type_codes"]) == ("2.5", ["26", "27"])
    assert [(d["unit_id"], d["role"]) for d in shown["duties"]] == [
        (draft["units"][1], "lead"),
        (draft["units"][2], "co"),
    ]
    kept = {k: v for k, v in body.items() if k not in {"site_type_codes", "duties"}}
    assert {k: shown[k] for k in kept} == kept
    entry = await session.scalar(select(AuditEntry).where(AuditEntry.action == "standards.create"))
    assert entry is not None
    assert str(entry.context_id) == draft["id"]
    assert entry.changes["code"] == [None, "Ⅲ-1-①"]


async def test_every_kind_of_rule_is_kept(admin, draft):
    for rule in RULES:
        made = await make_standard(admin, draft["id"], draft["content"]["id"], rule["kind"], rule=rule)
        assert made["rule"] == rule


REFUSED = [
    ({"max_score": "0"}, "/max_score"),
    ({"max_score": "-1"}, "/max_score"),
    ({"max_score": "NaN"}, "/max_score"),
    ({"max_score": "1e400"}, "/max_score"),
    ({"text": ""}, "/text"),
    ({"text": "a\u0000b"}, "/text"),
    ({"text": "\ud800"}, "/text"),
    ({"text": "长" * 4001}, "/text"),
    ({"code": "x" * 51}, "/code"),
    ({"methods": []}, "/methods"),
    ({"methods": ["telepathy"]}, "/methods"),
    ({"methods": ["field", "field"]}, "/methods"),
    ({"site_type_codes": ["26", "99"]}, "/site_type_codes/1"),
    ({"site_type_codes": ["26", "26"]}, "/site_type_codes"),
    ({"duties": [str(uuid4())]}, "/duties/0"),
    ({"rule": {"kind": "magic"}}, "/rule"),
    ({"rule": {**GRADED, "grades": []}}, "/rule/graded/grades"),
    ({"rule": {**GRADED, "grades": [{"code": "A", "label": "好", "factor": "0.5"}]}}, "/rule/grades"),
    ({"rule": {**COUNT, "required": "0"}}, "/rule/count/required"),
    ({"rule": {**DEDUCTION, "floor": "5"}}, "/rule/floor"),
    ({"rule": DEDUCTION, "max_score": "0.4"}, "/rule/reasons/0/points"),
    ({"indicator_id": str(uuid4())}, "/indicator_id"),
    ({"unknown": 1}, "/unknown"),
]


async def test_what_cannot_be_is_refused_and_nothing_is_saved(admin, draft):
    for change, pointer in REFUSED:
        body = json.dumps({**standard_body(draft["content"]["id"], "1"), **change})
        answer = await admin.post(
            f"{draft['path']}/standards", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422, (change, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        pointers = [error["pointer"] for error in answer.json()["errors"]]
        assert pointer in pointers, (change, pointers)
    assert (await admin.get(f"{draft['path']}/standards")).json()["total"] == 0


async def test_standards_hang_on_the_last_level_only(admin, draft):
    answer = await admin.post(f"{draft['path']}/standards", json=standard_body(draft["top"]["id"], "1"))
    assert answer.status_code == 422
    assert "测评内容" in answer.json()["errors"][0]["message"]


async def test_codes_are_unique_in_a_system(admin, draft):
    await make_standard(admin, draft["id"], draft["content"]["id"], "1")
    again = await admin.post(f"{draft['path']}/standards", json=standard_body(draft["content"]["id"], "1"))
    assert (again.status_code, again.json()["code"]) == (409, "standard_code_taken")


async def test_a_change_judges_the_whole_again(admin, draft):
    made = await make_standard(admin, draft["id"], draft["content"]["id"], "1", rule=DEDUCTION, duties=draft["units"])
    url = f"{draft['path']}/standards/{made['id']}"
    wrong = await admin.patch(url, json={"max_score": "0.1"}, headers={"If-Match": '"1"'})
    assert wrong.status_code == 422
    changed = await admin.patch(
        url, json={"max_score": "8", "rule": PASS_FAIL, "duties": [draft["units"][2]]}, headers={"If-Match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    shown = changed.json()
    assert (shown["max_score"], shown["rule"], shown["version"]) == ("8", PASS_FAIL, 2)
    assert [(d["unit_id"], d["role"]) for d in shown["duties"]] == [(draft["units"][2], "lead")]
    assert shown["text"] == made["text"]
    null = await admin.patch(url, json={"text": None}, headers={"If-Match": '"2"'})
    assert null.json()["errors"] == [{"pointer": "/text", "message": "不能为空"}]


async def test_editing_needs_the_current_version(admin, draft):
    made = await make_standard(admin, draft["id"], draft["content"]["id"], "1")
    url = f"{draft['path']}/standards/{made['id']}"
    assert (await admin.patch(url, json={"note": "x"})).status_code == 428
    stale = await admin.patch(url, json={"note": "x"}, headers={"If-Match": '"7"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 1)
    assert (await admin.delete(url, headers={"If-Match": '"7"'})).status_code == 412
    assert (await admin.delete(url, headers={"If-Match": '"1"'})).status_code == 204
    assert (await admin.get(url)).status_code == 404


async def test_moving_renumbers_the_siblings(admin, draft):
    other = await make_indicator(admin, draft["id"], "Ⅱ-2", draft["top"]["id"])
    made = [await make_standard(admin, draft["id"], draft["content"]["id"], str(no)) for no in range(4)]
    first = await make_standard(admin, draft["id"], draft["content"]["id"], "first", position=0)
    assert await _codes(admin, draft) == ["first", "0", "1", "2", "3"]

    async def move(standard, version, **where):
        return await admin.post(f"{draft['path']}/standards/{standard['id']}/move", json={"version": version, **where})

    moved = await move(made[3], 1, indicator_id=draft["content"]["id"], position=1)
    assert moved.status_code == 200, moved.text
    assert await _codes(admin, draft) == ["first", "3", "0", "1", "2"]
    away = await move(first, 1, indicator_id=other["id"])
    assert away.json()["indicator_id"] == other["id"]
    assert await _codes(admin, draft) == ["3", "0", "1", "2", "first"]
    late = await move(first, 1, indicator_id=other["id"])
    assert (late.status_code, late.json()["code"]) == (409, "version_moved")
    wrong = await move(made[0], 1, indicator_id=draft["top"]["id"])
    assert wrong.status_code == 422


async def test_lists_filter_and_stay_at_three_statements(admin, draft, statements):
    top, content = draft["top"]["id"], draft["content"]["id"]
    other = await make_indicator(admin, draft["id"], "Ⅱ-2", top)
    await make_standard(admin, draft["id"], content, "a", site_type_codes=["26"], duties=[draft["units"][0]])
    await make_standard(admin, draft["id"], content, "b", site_type_codes=["27"], max_score="9", list_kind="bonus")
    await make_standard(admin, draft["id"], other["id"], "c", methods=["document"], text="100% 达标", rule=VETO)

    async def listed(**params):
        with statements() as sent:
            answer = await admin.get(f"{draft['path']}/standards", params=params)
        assert answer.status_code == 200, answer.text
        assert sent.count <= 3
        return [item["code"] for item in answer.json()["items"]]

    assert await listed() == ["a", "b", "c"]
    assert await listed(sort="-order") == ["c", "b", "a"]
    assert await listed(sort="-max_score") == ["b", "c", "a"]
    assert await listed(indicator_id=top) == ["a", "b", "c"]
    assert await listed(indicator_id=other["id"]) == ["c"]
    assert await listed(site_type_code="26") == ["a", "c"]
    assert await listed(method="document") == ["c"]
    assert await listed(list_kind="bonus") == ["b"]
    assert await listed(unit_id=draft["units"][0]) == ["a"]
    assert await listed(q="100%") == ["c"]
    assert await listed(size=1, page=2) == ["b"]


async def test_details_take_one_statement(admin, draft, statements):
    made = await make_standard(admin, draft["id"], draft["content"]["id"], "1", duties=draft["units"])
    with statements() as sent:
        await admin.get(f"{draft['path']}/standards/{made['id']}")
    assert sent.count == 1


async def test_readers_read_and_only_managers_change(as_user, admin, draft, client):
    made = await make_standard(admin, draft["id"], draft["content"]["id"], "1")
    reader = await as_user([Permission.STANDARDS_READ])
    outsider = await as_user([Permission.SITES_READ])
    url = f"{draft['path']}/standards/{made['id']}"
    shown = (await reader.get(url)).json()
    assert {a["action"]: a["allowed"] for a in shown["allowed_actions"]} == {
        "update": False,
        "move": False,
        "delete": False,
    }
    assert "编制测评体系" in shown["allowed_actions"][0]["why_not"]
    body = standard_body(draft["content"]["id"], "2")
    move = {"version": 1, "indicator_id": draft["content"]["id"]}
    for caller, status in ((reader, 403), (outsider, 403), (client, 401)):
        assert (await caller.post(f"{draft['path']}/standards", json=body)).status_code == status
        assert (await caller.patch(url, json={}, headers={"If-Match": '"1"'})).status_code == status
        assert (await caller.delete(url, headers={"If-Match": '"1"'})).status_code == status
        assert (await caller.post(f"{url}/move", json=move)).status_code == status
    assert (await outsider.get(url)).status_code == 403


async def test_what_is_published_stays(admin, draft):
    system = await make_published(admin)
    path = f"/indicator-systems/{system['id']}"
    standard = (await admin.get(f"{path}/standards")).json()["items"][0]
    url = f"{path}/standards/{standard['id']}"
    answers = [
        await admin.post(f"{path}/standards", json=standard_body(standard["indicator_id"], "new")),
        await admin.patch(url, json={"note": "x"}, headers={"If-Match": '"1"'}),
        await admin.delete(url, headers={"If-Match": '"1"'}),
        await admin.post(f"{url}/move", json={"version": 1, "indicator_id": standard["indicator_id"]}),
    ]
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(409, "indicator_system_not_draft")}
    assert answers[0].json()["allowed"] == ["clone"]
    assert not any(a["allowed"] for a in (await admin.get(url)).json()["allowed_actions"])


async def test_a_standard_is_found_in_its_own_system_only(admin, draft):
    made = await make_standard(admin, draft["id"], draft["content"]["id"], "1")
    other = await make_system(admin)
    assert (await admin.get(f"/indicator-systems/{other['id']}/standards/{made['id']}")).status_code == 404
    assert (await admin.get(f"/indicator-systems/{uuid4()}/standards")).status_code == 404
    elsewhere = await admin.post(
        f"/indicator-systems/{other['id']}/standards", json=standard_body(draft["content"]["id"], "1")
    )
    assert elsewhere.status_code == 422


async def _codes(client, draft):
    return [item["code"] for item in (await client.get(f"{draft['path']}/standards")).json()["items"]]
