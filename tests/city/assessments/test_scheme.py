"""Creating, editing, cloning and publishing assessments over HTTP: from both sides, with hostile input."""

import asyncio

import pytest
from tests.factories.assessments import make_assessment, make_ground, make_sites
from tests.factories.places import make_county, make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.city.assessments.rules import AssessmentState
from wenming_api.system.roles.rules import DataScope

READ = [Permission.ASSESSMENTS_READ]
MANAGE = [Permission.ASSESSMENTS_READ, Permission.ASSESSMENTS_MANAGE]


@pytest.fixture
async def ground(database):
    async with database.transaction() as session:
        return await make_ground(session)


async def created(client, ground, **changes):
    answer = await client.post("/assessments", json=ground.body(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


def pointers(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    return {error["pointer"] for error in answer.json()["errors"]}


async def test_a_whole_scheme_comes_back_as_it_was_sent(admin, ground):
    body = ground.body(
        settings={"missing_type": "peer_mean", "parents": "weighted", "parent_weights": {"370302000000": "2.5"}},
        assessors=[
            {
                "user_id": str(ground.assessors[0].id),
                "qualification": "统计局调查队",
                "region_ids": [str(ground.counties[0].id)],
                "site_type_codes": ["37"],
            }
        ],
    )
    made = (await admin.post("/assessments", json=body)).json()
    found = await admin.get(f"/assessments/{made['id']}")
    assert found.headers["etag"] == '"1"'
    detail = found.json()
    assert detail == made
    assert detail["state_label"] == "草稿"
    assert [region["id"] for region in detail["regions"]] == body["region_ids"]
    assert sorted(detail["standard_ids"]) == sorted(body["standard_ids"])
    assert detail["groups"][0]["methods"] == {"field": "85", "survey": "15"}
    assert [region["id"] for region in detail["groups"][0]["regions"]] == body["region_ids"]
    assert detail["settings"]["missing_type"] == "peer_mean"
    assert detail["settings"]["parent_weights"] == {"370302000000": "2.5"}
    assert detail["settings"]["spread_threshold"] == "0.2"
    assert detail["quotas"][0] == {
        "site_type_code": "37",
        "site_type_name": "类型37",
        "region_level": "county",
        "count": 2,
        "weight": "1",
        "when_short": "refuse",
    }
    assessor = detail["assessors"][0]
    assert assessor["unit_id"] == str(ground.assessors[0].unit_id)
    assert (assessor["qualification"], assessor["site_type_codes"]) == ("统计局调查队", ["37"])
    actions = {action["action"]: action for action in detail["allowed_actions"]}
    assert actions["publish"]["allowed"]
    assert actions["start"]["why_not"] == "当前为“草稿”，仅在“抽选中”时可以开始测评"


NOBODY = "019347a0-0000-7000-8000-00000000ffff"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        (
            {"groups": [{"code": "g", "name": "组", "region_level": "county", "methods": {"field": "99"}}]},
            "/groups/0/methods",
        ),
        ({"region_ids": [NOBODY]}, "/region_ids/0"),
        ({"standard_ids": [NOBODY]}, "/standard_ids/0"),
        ({"assessors": [{"user_id": NOBODY}]}, "/assessors/0/user_id"),
        ({"quotas": [{"site_type_code": "99", "region_level": "county", "count": 1}]}, "/quotas/0/site_type_code"),
        ({"quotas": [{"site_type_code": "37", "region_level": "county", "count": 0}]}, "/quotas/0/count"),
        ({"system_id": NOBODY}, "/system_id"),
        ({"region_id": NOBODY}, "/region_id"),
        ({"starts_on": "2026-12-01"}, "/ends_on"),
        ({"name": "测评\x00"}, "/name"),
        ({"name": "测" * 101}, "/name"),
        ({"methods": [{"code": "field", "name": "实地", "source": "field"}] * 2}, "/methods"),
        ({"settings": {"parents": "weighted"}}, "/settings/parent_weights"),
        ({"settings": {"weight_total": "NaN"}}, "/settings/weight_total"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_a_wrong_scheme_is_refused_where_it_is_wrong_and_nothing_is_saved(admin, ground, changes, pointer):
    answer = await admin.post("/assessments", json=ground.body(**changes))
    assert answer.status_code == 422, answer.text
    assert pointer in pointers(answer)
    assert (await admin.get("/assessments")).json()["total"] == 0


async def test_a_number_is_given_once(admin, ground):
    await created(admin, ground, number="ZB-2026-01")
    again = await admin.post("/assessments", json=ground.body(number="ZB-2026-01"))
    assert again.status_code == 409


async def test_editing_replaces_what_is_given_and_refuses_a_stale_version(admin, ground):
    made = await created(admin, ground)
    where = f"/assessments/{made['id']}"
    assert (await admin.patch(where, json={"name": "新名"})).status_code == 428
    changed = await admin.patch(
        where,
        json={
            "name": "新名",
            "region_ids": [made["regions"][0]["id"]],
            "groups": [],
        },
        headers={"If-Match": '"1"'},
    )
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    assert (changed.json()["name"], len(changed.json()["regions"]), changed.json()["groups"]) == ("新名", 1, [])
    assert changed.json()["quotas"] == made["quotas"]
    stale = await admin.patch(where, json={"name": "别名"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["current_version"]) == (412, 2)
    null = await admin.patch(where, json={"name": None}, headers={"If-Match": '"2"'})
    assert null.status_code == 422
    settings = await admin.patch(where, json={"settings": {"field": "points"}}, headers={"If-Match": '"9"'})
    assert settings.status_code == 412
    part_only = await admin.patch(where, json={"quotas": []}, headers={"If-Match": '"2"'})
    assert (part_only.status_code, part_only.json()["version"]) == (200, 3)


async def test_taking_away_a_region_that_a_group_names_is_refused(admin, ground):
    made = await created(admin, ground)
    answer = await admin.patch(
        f"/assessments/{made['id']}", json={"region_ids": [made["regions"][0]["id"]]}, headers={"If-Match": '"1"'}
    )
    assert pointers(answer) == {"/groups/0/region_ids/1"}


async def test_two_edits_at_once_one_wins_one_gets_412(admin, ground):
    made = await created(admin, ground)
    answers = await asyncio.gather(
        *(
            admin.patch(f"/assessments/{made['id']}", json={"name": name}, headers={"If-Match": '"1"'})
            for name in ("甲", "乙")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]


async def test_publishing_lists_every_gap_at_once(admin, ground):
    bare = {name: ground.body()[name] for name in ("number", "name", "system_id", "region_id")}
    made = (await admin.post("/assessments", json=bare)).json()
    check = (await admin.get(f"/assessments/{made['id']}/publish-check")).json()
    assert not check["complete"]
    wanted = {"/starts_on", "/standard_ids", "/region_ids", "/quotas", "/methods", "/groups", "/assessors"}
    assert {gap["pointer"] for gap in check["gaps"]} == wanted
    refused = await admin.post(f"/assessments/{made['id']}/publish", json={"version": 1, "reason": "开始"})
    assert (refused.status_code, refused.json()["code"]) == (422, "scheme_incomplete")
    assert pointers(refused) == wanted


async def test_a_quota_above_the_frame_cannot_be_published_and_names_the_regions(admin, ground):
    made = await created(admin, ground, quotas=[{"site_type_code": "37", "region_level": "county", "count": 5}])
    gaps = (await admin.get(f"/assessments/{made['id']}/publish-check")).json()["gaps"]
    assert [gap["message"] for gap in gaps] == [
        "“第2区”的“类型37”只有 4 个，少于配额 5 个",
        "“第3区”的“类型37”只有 4 个，少于配额 5 个",
    ]


async def test_after_publishing_the_scheme_stays_but_for_people_end_and_quotas(admin, ground):
    made = await created(admin, ground)
    where = f"/assessments/{made['id']}"
    published = await admin.post(f"{where}/publish", json={"version": 1, "reason": "经主任办公会同意"})
    assert published.status_code == 200, published.text
    assert published.json()["state"] == "published"
    assert published.json()["state_reason"] == "经主任办公会同意"
    frozen = await admin.patch(
        where, json={"name": "改名", "methods": [], "assessors": []}, headers={"If-Match": '"2"'}
    )
    assert (frozen.status_code, frozen.json()["code"]) == (409, "scheme_frozen")
    assert frozen.json()["fields"] == ["methods", "name"]
    no_reason = await admin.patch(where, json={"ends_on": "2026-12-15"}, headers={"If-Match": '"2"'})
    assert pointers(no_reason) == {"/reason"}
    later = await admin.patch(where, json={"ends_on": "2026-12-15", "reason": "雨雪天气"}, headers={"If-Match": '"2"'})
    assert later.json()["ends_on"] == "2026-12-15"
    too_much = [{"site_type_code": "37", "region_level": "county", "count": 9}]
    above = await admin.patch(where, json={"quotas": too_much, "reason": "扩大"}, headers={"If-Match": '"3"'})
    assert pointers(above) == {"/quotas/0/count"}
    assert (await admin.delete(where, headers={"If-Match": '"3"'})).status_code == 409


async def test_a_draft_can_be_deleted(admin, ground):
    made = await created(admin, ground)
    assert (await admin.delete(f"/assessments/{made['id']}", headers={"If-Match": '"1"'})).status_code == 204
    assert (await admin.get(f"/assessments/{made['id']}")).status_code == 404


async def test_a_clone_is_a_draft_with_the_same_scheme(admin, ground):
    made = await created(admin, ground)
    await admin.post(f"/assessments/{made['id']}/publish", json={"version": 1, "reason": "发布"})
    answer = await admin.post(f"/assessments/{made['id']}/clone", json={"number": "ZB-next", "name": "下一次"})
    assert answer.status_code == 201, answer.text
    clone = answer.json()
    assert (clone["state"], clone["cloned_from_id"], clone["starts_on"]) == ("draft", made["id"], None)
    for name in ("settings", "regions", "standard_ids", "quotas", "methods", "assessors"):
        assert clone[name] == made[name]
    assert [group["methods"] for group in clone["groups"]] == [group["methods"] for group in made["groups"]]
    gaps = (await admin.get(f"/assessments/{clone['id']}/publish-check")).json()["gaps"]
    assert [gap["pointer"] for gap in gaps] == ["/starts_on"]


@pytest.mark.parametrize(
    ("method", "path", "body", "needed"),
    [
        ("GET", "", None, Permission.ASSESSMENTS_READ),
        ("POST", "", {}, Permission.ASSESSMENTS_MANAGE),
        ("GET", "/{id}", None, Permission.ASSESSMENTS_READ),
        ("PATCH", "/{id}", {"name": "别名"}, Permission.ASSESSMENTS_MANAGE),
        ("DELETE", "/{id}", None, Permission.ASSESSMENTS_MANAGE),
        ("POST", "/{id}/clone", {"number": "n", "name": "n"}, Permission.ASSESSMENTS_MANAGE),
        ("GET", "/{id}/publish-check", None, Permission.ASSESSMENTS_READ),
        ("POST", "/{id}/publish", {"version": 1, "reason": "发布"}, Permission.ASSESSMENTS_MANAGE),
        ("POST", "/{id}/sample", {"version": 1, "reason": "抽选"}, Permission.ASSESSMENTS_RUN),
        ("POST", "/{id}/stop", {"version": 1, "reason": "终止"}, Permission.ASSESSMENTS_RUN),
        ("GET", "/{id}/log", None, Permission.ASSESSMENTS_RUN),
    ],
)
async def test_every_route_needs_its_permission(admin, as_user, client, ground, method, path, body, needed):
    made = await created(admin, ground)
    url = "/assessments" + path.format(id=made["id"])
    headers = {"If-Match": '"1"'}
    assert (await client.request(method, url, json=body, headers=headers)).status_code == 401
    others = [permission for permission in Permission if permission is not needed]
    without = await as_user(others, unit=ground.office)
    assert (await without.request(method, url, json=body, headers=headers)).status_code == 403
    holder = await as_user([needed], unit=ground.office)
    assert (await holder.request(method, url, json=body, headers=headers)).status_code not in {401, 403, 404}


async def test_who_sees_an_assessment(admin, as_user, callers, database, ground):
    """The city's office always; a county that takes part and an assessor once it is published; nobody else."""
    async with database.transaction() as session:
        third = await make_county(session, 9)
        units = [await make_unit(session, region=region) for region in (ground.counties[0], third, ground.city)]
    part = await as_user(MANAGE, scope=DataScope.REGION, unit=units[0])
    outsider = await as_user(MANAGE, scope=DataScope.REGION, unit=units[1])
    office = await as_user(MANAGE, scope=DataScope.REGION, unit=units[2])
    assessor = await as_user(READ, scope=DataScope.OWN, unit=units[1])
    stranger = await as_user(READ, scope=DataScope.OWN, unit=units[1])
    people = [{"user_id": str(callers.user_of(assessor).id)}]
    made = await created(admin, ground, assessors=people)
    where = f"/assessments/{made['id']}"

    async def seen():
        found = []
        for who in (office, part, assessor, outsider, stranger):
            detail = (await who.get(where)).status_code
            total = (await who.get("/assessments")).json()["total"]
            check = (await who.get(f"{where}/publish-check")).status_code
            assert (detail == 200, check == 200) == (total == 1, total == 1)
            found.append(total)
        return found

    assert await seen() == [1, 0, 0, 0, 0]
    await admin.post(f"{where}/publish", json={"version": 1, "reason": "发布"})
    assert await seen() == [1, 1, 1, 0, 0]

    sees_only = await part.patch(where, json={"ends_on": "2026-12-01", "reason": "延期"}, headers={"If-Match": '"2"'})
    assert sees_only.status_code == 403
    actions = (await part.get(where)).json()["allowed_actions"]
    assert {action["why_not"] for action in actions if action["action"] in {"update", "clone"}} == {
        "测评由上级组织，您只能查看"
    }
    unseen = await outsider.patch(where, json={"name": "改"}, headers={"If-Match": '"2"'})
    assert unseen.status_code == 404


async def test_a_county_cannot_organise_an_assessment_of_the_city(as_user, database, ground):
    async with database.transaction() as session:
        unit = await make_unit(session, region=ground.counties[0])
    county = await as_user(MANAGE, scope=DataScope.REGION, unit=unit)
    assert pointers(await county.post("/assessments", json=ground.body())) == {"/region_id"}
    own = ground.body(region_id=str(ground.counties[0].id), region_ids=[str(ground.counties[0].id)], groups=[])
    assert (await county.post("/assessments", json=own)).status_code == 201


async def test_lists_and_details_take_a_fixed_number_of_statements(admin, database, ground, statements):
    made = await created(admin, ground)
    await admin.get("/assessments")
    with statements() as sent:
        assert (await admin.get("/assessments")).status_code == 200
    assert sent.count <= 2, sent.sent
    with statements() as few:
        await admin.get(f"/assessments/{made['id']}")
    async with database.transaction() as session:
        more = [await make_county(session, no) for no in range(20, 40)]
        for county in more:
            await make_sites(session, region=county, site_type="37", count=2)
    ids = made["regions"][0]["id"], made["regions"][1]["id"], *(str(county.id) for county in more)
    group = made["groups"][0] | {"region_ids": list(ids)}
    del group["id"], group["regions"]
    await admin.patch(
        f"/assessments/{made['id']}", json={"region_ids": list(ids), "groups": [group]}, headers={"If-Match": '"1"'}
    )
    with statements() as many:
        assert len((await admin.get(f"/assessments/{made['id']}")).json()["regions"]) == 22
    assert few.count == many.count <= 9


async def test_the_list_filters_sorts_and_escapes(admin, database, ground):
    async with database.transaction() as session:
        for number, state in enumerate((AssessmentState.DRAFT, AssessmentState.PAUSED, AssessmentState.PAUSED)):
            await make_assessment(session, ground, state=state, number=f"N{number}", name=f"第{number}次_测评%")
    assert (await admin.get("/assessments", params={"state": "paused"})).json()["total"] == 2
    assert (await admin.get("/assessments", params={"state": ["paused", "draft"]})).json()["total"] == 3
    assert (await admin.get("/assessments", params={"q": "%"})).json()["total"] == 3
    assert (await admin.get("/assessments", params={"q": "次%测"})).json()["total"] == 0
    assert (await admin.get("/assessments", params={"q": "n1"})).json()["total"] == 1
    found = (await admin.get("/assessments", params={"sort": "-number"})).json()["items"]
    assert [row["number"] for row in found] == ["N2", "N1", "N0"]
