"""测评体系: draft, publication, retirement, clones; what is published cannot change, whoever tries."""

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from tests.factories.places import make_city, make_unit
from tests.factories.standards import make_indicator, make_published, make_standard, make_system, publish

from wenming_api.catalog.permissions import Permission
from wenming_api.city.editions.service import load_sample_edition
from wenming_api.system.audit.models import AuditEntry


def actions(shown):
    return {each["action"]: each["allowed"] for each in shown["allowed_actions"]}


async def test_a_draft_is_made_edited_and_deleted(admin):
    made = await make_system(admin, code="WM-2026", methods=[{"code": "walk", "name": "整体观察"}])
    assert (made["state"], made["content_hash"], made["version"]) == ("draft", None, 1)
    assert [level["count"] for level in made["levels"]] == [0, 0]
    url = f"/indicator-systems/{made['id']}"
    taken = await admin.post("/indicator-systems", json={"code": "WM-2026", "name": "x", "edition": "x"})
    assert (taken.status_code, taken.json()["code"]) == (409, "indicator_system_code_taken")
    changed = await admin.patch(url, json={"name": "新名"}, headers={"If-Match": '"1"'})
    assert (changed.json()["name"], changed.headers["etag"]) == ("新名", '"2"')
    assert (await admin.patch(url, json={"name": "迟"}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await admin.delete(url)).status_code == 428
    assert (await admin.delete(url, headers={"If-Match": '"2"'})).status_code == 204
    assert (await admin.get(url)).status_code == 404


async def test_levels_and_methods_in_use_stay(admin):
    system = await make_system(admin)
    url = f"/indicator-systems/{system['id']}"
    three = await admin.patch(url, json={"level_names": ["一", "二", "三"]}, headers={"If-Match": '"1"'})
    assert three.status_code == 200
    await admin.patch(url, json={"level_names": ["一", "二"]}, headers={"If-Match": '"2"'})
    top = await make_indicator(admin, system["id"], "a")
    content = await make_indicator(admin, system["id"], "b", top["id"])
    await make_standard(admin, system["id"], content["id"], "1", methods=["field"])
    version = (await admin.get(url)).json()["version"]
    for change, pointer in (
        ({"level_names": ["一"]}, "/level_names"),
        ({"methods": [{"code": "document", "name": "材料审核"}]}, "/methods"),
        ({"level_names": ["一", "一"]}, ""),
        ({"level_names": ["一、二"]}, "/level_names/0"),
        ({"level_names": []}, "/level_names"),
        ({"methods": []}, "/methods"),
        ({"code": "带 空格"}, "/code"),
        ({"name": "a\u0000"}, "/name"),
        ({"name": None}, "/name"),
    ):
        refused = await admin.patch(url, json=change, headers={"If-Match": f'"{version}"'})
        assert refused.status_code == 422, (change, refused.text)
        assert pointer in {error["pointer"] for error in refused.json()["errors"]}, (change, refused.text)
    renamed = await admin.patch(url, json={"level_names": ["甲", "乙"]}, headers={"If-Match": f'"{version}"'})
    assert renamed.json()["level_names"] == ["甲", "乙"]


async def test_publication_freezes_and_retirement_ends(admin, session):
    published = await make_published(admin)
    url = f"/indicator-systems/{published['id']}"
    assert (published["state"], len(published["content_hash"])) == ("published", 64)
    assert actions(published) == {
        "update": False, "delete": False, "import": False, "publish": False, "retire": True, "clone": True
    }  # fmt: skip
    version = published["version"]
    refused = [
        await admin.patch(url, json={"name": "改"}, headers={"If-Match": f'"{version}"'}),
        await admin.delete(url, headers={"If-Match": f'"{version}"'}),
        await admin.post(f"{url}/publish", json={"version": version}),
    ]
    assert {answer.status_code for answer in refused} == {409}
    assert refused[2].json()["allowed"] == ["retire"]
    assert (await admin.post(f"{url}/retire", json={"version": version})).status_code == 422
    retired = await admin.post(f"{url}/retire", json={"version": version, "reason": "新版已发布"})
    assert (retired.json()["state"], retired.json()["content_hash"]) == ("retired", published["content_hash"])
    again = await admin.post(f"{url}/retire", json={"version": version + 1, "reason": "新版已发布"})
    assert (again.status_code, again.json()["allowed"]) == (409, [])
    entries = await session.scalars(
        select(AuditEntry.action).where(AuditEntry.target_type == "indicator_system").order_by(AuditEntry.id)
    )
    assert list(entries) == ["indicator_systems.create", "indicator_systems.publish", "indicator_systems.retire"]


async def test_what_is_incomplete_is_not_published(admin):
    system = await make_system(admin)
    url = f"/indicator-systems/{system['id']}"
    await make_indicator(admin, system["id"], "Ⅰ-1")
    check = (await admin.get(f"{url}/publish-check")).json()
    assert not check["publishable"]
    assert [fault["pointer"] for fault in check["faults"]] == ["/standards", "/indicators/Ⅰ-1"]
    version = (await admin.get(url)).json()["version"]
    refused = await admin.post(f"{url}/publish", json={"version": version})
    assert (refused.status_code, refused.json()["code"]) == (422, "indicator_system_incomplete")
    assert refused.json()["errors"] == check["faults"]
    assert (await admin.get(url)).json()["state"] == "draft"


async def test_a_clone_has_the_same_content_and_is_a_draft(admin):
    published = await make_published(admin)
    url = f"/indicator-systems/{published['id']}"
    new = {"code": "NEXT", "name": "下一版", "edition": "2027"}
    cloned = await admin.post(f"{url}/clone", json=new)
    assert cloned.status_code == 201, cloned.text
    clone = cloned.json()
    assert (clone["state"], clone["cloned_from_id"], clone["standard_count"]) == ("draft", published["id"], 5)
    check = (await admin.get(f"/indicator-systems/{clone['id']}/publish-check")).json()
    assert check == {"publishable": True, "faults": [], "content_hash": published["content_hash"]}
    tree = (await admin.get(f"/indicator-systems/{clone['id']}/tree")).json()
    standard = tree["children"][0]["children"][0]["standards"][0]
    changed = await admin.patch(
        f"/indicator-systems/{clone['id']}/standards/{standard['id']}",
        json={"max_score": "9"},
        headers={"If-Match": f'"{standard["version"]}"'},
    )
    assert changed.status_code == 200, changed.text
    assert (await publish(admin, clone["id"]))["content_hash"] != published["content_hash"]
    draft = await make_system(admin)
    refused = await admin.post(f"/indicator-systems/{draft['id']}/clone", json={**new, "code": "OTHER"})
    assert refused.status_code == 409


CHANGES = [
    "UPDATE indicator_systems SET name = 'x' WHERE id = '{id}'",
    "UPDATE indicator_systems SET state = 'draft', published_at = NULL, content_hash = NULL WHERE id = '{id}'",
    "UPDATE indicators SET name = 'x' WHERE system_id = '{id}'",
    "DELETE FROM standards WHERE system_id = '{id}'",
    "UPDATE standards SET max_score = 0 WHERE system_id = '{id}'",
    "UPDATE standards SET system_id = '{draft}' WHERE system_id = '{id}'",
    "INSERT INTO standard_site_types SELECT id, '26' FROM standards WHERE system_id = '{id}'",
    "INSERT INTO standard_duties SELECT s.id, u.id, 'lead', 0 FROM standards s, units u WHERE system_id = '{id}'",
    "DELETE FROM indicator_systems WHERE id = '{id}'",
]


async def test_the_database_itself_keeps_what_is_published(admin, owner):
    published, draft = await make_published(admin), await make_system(admin)
    for change in CHANGES:
        with pytest.raises(DBAPIError, match="is published"):
            async with owner.transaction() as session:
                await session.execute(text(change.format(id=published["id"], draft=draft["id"])))
    assert (await admin.get(f"/indicator-systems/{published['id']}")).json() == published


async def test_of_two_publications_at_once_one_wins(admin):
    system = await make_system(admin)
    top = await make_indicator(admin, system["id"], "a")
    content = await make_indicator(admin, system["id"], "b", top["id"])
    await make_standard(admin, system["id"], content["id"], "1")
    url = f"/indicator-systems/{system['id']}"
    version = (await admin.get(url)).json()["version"]
    answers = await asyncio.gather(*(admin.post(f"{url}/publish", json={"version": version}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


async def test_an_edit_and_a_publication_at_once_leave_one_truth(admin):
    system = await make_system(admin)
    top = await make_indicator(admin, system["id"], "a")
    content = await make_indicator(admin, system["id"], "b", top["id"])
    await make_standard(admin, system["id"], content["id"], "1")
    url = f"/indicator-systems/{system['id']}"
    version = (await admin.get(url)).json()["version"]
    published, added = await asyncio.gather(
        admin.post(f"{url}/publish", json={"version": version}),
        admin.post(
            f"{url}/standards",
            json={
                "indicator_id": content["id"], "code": "2", "text": "x", "max_score": "1", "methods": ["field"],
                "rule": {"kind": "pass_fail"},
            },
        ),
    )  # fmt: skip
    assert {published.status_code, added.status_code} in ({200, 409}, {201, 409})
    now = (await admin.get(url)).json()
    assert now["standard_count"] == (1 if now["state"] == "published" else 2)


async def test_lists_filter_in_two_statements(admin, statements):
    first = await make_system(admin, name="甲_体系", code="A-1")
    await make_published(admin, name="乙体系", code="B-1")
    with statements() as sent:
        answer = await admin.get("/indicator-systems")
    assert sent.count == 2
    assert [item["code"] for item in answer.json()["items"]] == ["B-1", "A-1"]
    assert answer.json()["items"][0]["max_score"] == "20"

    async def codes(**params):
        return [item["code"] for item in (await admin.get("/indicator-systems", params=params)).json()["items"]]

    assert await codes(state="published") == ["B-1"]
    assert await codes(q="_") == ["A-1"]
    assert await codes(sort="code") == ["A-1", "B-1"]
    with statements() as sent:
        await admin.get(f"/indicator-systems/{first['id']}")
    assert sent.count <= 3


async def test_reading_managing_and_publishing_are_three_permissions(as_user, admin, client):
    published = await make_published(admin)
    url = f"/indicator-systems/{published['id']}"
    manager = await as_user([Permission.STANDARDS_READ, Permission.STANDARDS_MANAGE])
    publisher = await as_user([Permission.STANDARDS_READ, Permission.STANDARDS_PUBLISH])
    nobody = await as_user([])
    new = {"code": "N-1", "name": "n", "edition": "n"}
    assert (await publisher.post("/indicator-systems", json=new)).status_code == 403
    draft = await manager.post("/indicator-systems", json=new)
    assert draft.status_code == 201
    retire = {"version": published["version"], "reason": "停用测试"}
    assert (await manager.post(f"{url}/retire", json=retire)).status_code == 403
    assert (await publisher.post(f"{url}/clone", json={**new, "code": "N-2"})).status_code == 403
    assert actions((await manager.get(url)).json())["retire"] is False
    assert actions((await publisher.get(url)).json())["retire"] is True
    assert (await publisher.post(f"{url}/retire", json=retire)).status_code == 200
    for path in ("/indicator-systems", url, f"{url}/tree", f"{url}/publish-check", f"{url}/standards"):
        assert (await nobody.get(path)).status_code == 403
        assert (await client.get(path)).status_code == 401


async def test_the_sample_edition_loads_once_and_covers_every_kind(admin, database):
    async with database.transaction() as session:
        city = await make_city(session)
        await make_unit(session, region=city, name="淄博市城市管理局")
        first = await load_sample_edition(session)
    async with database.transaction() as session:
        assert await load_sample_edition(session) == first
    shown = (await admin.get(f"/indicator-systems/{first}")).json()
    assert (shown["state"], shown["standard_count"]) == ("published", 42)
    assert "部分样例，非全国体系" in shown["name"]
    assert {each["list_kind"] for each in shown["lists"] if each["count"]} == {"regular", "bonus", "negative"}
    standards = []
    for page in (1, 2):
        answer = await admin.get(f"/indicator-systems/{first}/standards", params={"page": page, "size": 30})
        standards += answer.json()["items"]
    assert {each["rule"]["kind"] for each in standards} == {"pass_fail", "graded", "count", "deduction", "veto"}
    assert len({code for each in standards for code in each["site_type_codes"]}) == 8
    assert {duty["unit_name"] for each in standards for duty in each["duties"]} == {"淄博市城市管理局"}
    detail = (await admin.get(f"/indicator-systems/{first}/standards/{standards[0]['id']}")).json()
    assert detail["source"].startswith("http")
    assert "演示设定" in detail["note"]


async def test_publishing_may_say_why_and_it_is_audited(admin, session):
    first = await make_published(admin)
    clone = {"code": "SAMPLE-2027", "name": "次年体系", "edition": "2027 年版"}
    draft = (await admin.post(f"/indicator-systems/{first['id']}/clone", json=clone)).json()
    body = {"version": draft["version"], "reason": "市文明委会议通过"}
    answer = await admin.post(f"/indicator-systems/{draft['id']}/publish", json=body)
    assert (answer.status_code, answer.json()["state"]) == (200, "published")
    reasons = await session.scalars(
        select(AuditEntry.reason).where(AuditEntry.action == "indicator_systems.publish").order_by(AuditEntry.id)
    )
    assert list(reasons) == [None, "市文明委会议通过"]
