"""网络稿件 over HTTP: made from an activity, kept in versions, sent with its record; who may, and two at once."""

import asyncio

import pytest
from tests.activities.conftest import WRITES
from tests.factories.callers import make_user
from tests.factories.places import make_unit
from tests.factories.sheets import make_photo

from wenming_api.activities.manuscripts.rules import ManuscriptState, state_of, without_sending
from wenming_api.catalog.permissions import Permission
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope

MEDIA = {"media_name": "淄博日报"}


@pytest.fixture
async def photos(database, scene):
    async with database.transaction() as session:
        return [str((await make_photo(session, owner=scene.users[0])).id) for _ in range(2)]


async def made(scene, one, **body):
    answer = await scene.clerk.post(f"/activities/{one['id']}/manuscripts", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def saved(scene, text, version=None, **changes):
    body = {"title": text["title"], "body": text["body"]} | changes
    headers = {"If-Match": f'"{version or text["version"]}"'}
    return await scene.clerk.put(f"/manuscripts/{text['id']}", json=body, headers=headers)


async def step(who, text, verb, **body):
    return await who.post(f"/manuscripts/{text['id']}/{verb}", json={"version": text["version"]} | body)


async def ready(scene, text):
    answer = await step(scene.clerk, text, "ready")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def sent(scene):
    one = await scene.recorded(await scene.held())
    answer = await step(scene.clerk, await ready(scene, await made(scene, one)), "send", destinations=[MEDIA])
    assert answer.status_code == 200, answer.text
    return answer.json()


def allowed(text):
    return {each["action"] for each in text["allowed_actions"] if each["allowed"]}


async def test_it_begins_with_the_activity_and_keeps_every_version(scene, photos):
    one = await scene.held(photos=photos)
    text = await made(scene, one)
    assert (text["title"], text["author_line"]) == ("学雷锋志愿服务进社区", "实验小学")
    assert [each["file_id"] for each in text["photos"]] == photos
    assert text["body"].startswith(text["lead"][:20])
    changed = await saved(scene, text, title="师生走进社区", file_ids=photos[1:], reason="精简")
    assert changed.status_code == 200, changed.text
    assert [(each["no"], each["title"]) for each in changed.json()["versions"]] == [
        (2, "师生走进社区"),
        (1, text["title"]),
    ]
    first = (await scene.clerk.get(f"/manuscripts/{text['id']}/versions/1")).json()
    assert (first["title"], len(first["photos"])) == (text["title"], 2)
    assert (await saved(scene, text)).status_code == 412
    missing = await scene.clerk.put(f"/manuscripts/{text['id']}", json={"title": "无", "body": "无"})
    assert missing.status_code == 428


async def test_two_who_save_at_once_do_not_overwrite_each_other(scene):
    text = await made(scene, await scene.held())
    answers = await asyncio.gather(*(saved(scene, text, title=f"标题{no}") for no in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    assert (await scene.clerk.get(f"/manuscripts/{text['id']}")).json()["version_no"] == 2


async def test_pictures_are_those_of_the_activity(scene, photos):
    one = await scene.held(photos=photos[:1])
    foreign = await scene.clerk.post(f"/activities/{one['id']}/manuscripts", json={"file_ids": photos})
    assert [error["pointer"] for error in foreign.json()["errors"]] == ["/file_ids/1"]
    text = await made(scene, one)
    twice = await saved(scene, text, file_ids=[photos[0]] * 2)
    assert [error["pointer"] for error in twice.json()["errors"]] == ["/file_ids/1"]


async def test_there_is_no_manuscript_of_what_was_not_held(scene):
    one = await scene.planned()
    early = await scene.clerk.post(f"/activities/{one['id']}/manuscripts", json={})
    assert (early.status_code, early.json()["code"]) == (409, "illegal_transition")
    held = await scene.held()
    assert (await scene.office.post(f"/activities/{held['id']}/manuscripts", json={})).status_code == 403
    assert (await scene.outsider.post(f"/activities/{held['id']}/manuscripts", json={})).status_code == 404


async def test_it_goes_up_with_the_record_once_it_is_ready(scene):
    one = await scene.held()
    text = await made(scene, one)
    early = await step(scene.clerk, text, "send", destinations=[MEDIA])
    assert (early.status_code, early.json()["detail"]) == (409, "活动尚未形成台账。")
    await scene.recorded(one)
    draft = await step(scene.clerk, text, "send", destinations=[MEDIA])
    assert (draft.status_code, draft.json()["detail"]) == (409, "稿件尚未定稿。")
    text = await ready(scene, text)
    assert (text["state"], allowed(text)) == ("ready", {"update", "send"})
    assert (await step(scene.clerk, text, "ready")).status_code == 409
    answers = await asyncio.gather(*(step(scene.clerk, text, "send", destinations=[MEDIA]) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    text = (await scene.clerk.get(f"/manuscripts/{text['id']}")).json()
    assert [(each["media_name"], each["state"], each["sent_no"]) for each in text["submissions"]] == [
        ("淄博日报", "submitted", 1)
    ]
    again = await step(scene.clerk, text, "send", destinations=[MEDIA])
    assert (again.status_code, again.json()["code"]) == (409, "already_sent")
    other = await step(scene.clerk, text, "send", destinations=[{"media_name": "鲁中晨报"}])
    assert (other.status_code, other.json()["sent"]) == (200, 2)


async def test_a_record_that_nobody_approved_is_not_sent(scene):
    one = await scene.held()
    text = await ready(scene, await made(scene, one))
    await scene.act(scene.clerk, one, "record")
    refused = await step(scene.clerk, text, "send", destinations=[MEDIA])
    assert (refused.status_code, refused.json()["code"]) == (409, "record_not_approved")


async def test_wrong_destinations_name_the_field(scene):
    one = await scene.recorded(await scene.held())
    text = await ready(scene, await made(scene, one))
    wrong = await step(scene.clerk, text, "send", destinations=[MEDIA, {"receiver_unit_id": str(uuid7()), **MEDIA}])
    assert [error["pointer"] for error in wrong.json()["errors"]] == ["/destinations/1/receiver_unit_id"]
    assert (await scene.clerk.get(f"/manuscripts/{text['id']}")).json()["submissions"] == []


async def test_the_office_receives_it_and_recommends_it_to_media(scene):
    text = await sent(scene)
    submission = text["submissions"][0]["id"]
    found = (await scene.office.get("/manuscripts", params={"submission_id": submission})).json()["items"]
    assert [each["id"] for each in found] == [text["id"]]
    await scene.judged(submission, "receive", "accept")
    destination = {"purpose": "manuscript", "receiver_unit_id": str(scene.district.id), "media_name": "大众日报"}
    await scene.judged(submission, "recommend", destinations=[destination])
    after = (await scene.office.get(f"/manuscripts/{text['id']}")).json()
    assert [(each["level"], each["media_name"]) for each in after["submissions"]] == [
        (1, "淄博日报"),
        (2, "大众日报"),
    ]
    assert allowed(after) == set()


async def test_a_receiver_outside_the_scope_sees_what_was_called_ready(scene, database, callers):
    text = await sent(scene)
    async with database.transaction() as session:
        reader = await make_user(session, unit=scene.district, permissions=WRITES, scope=DataScope.UNIT)
        stranger = await make_user(
            session, unit=await make_unit(session, name="市直单位"), permissions=WRITES, scope=DataScope.UNIT
        )
    reader, stranger = await callers.sign_in(reader), await callers.sign_in(stranger)
    draft = (await saved(scene, text, title="又改的标题")).json()
    assert (draft["state"], draft["version_no"]) == ("draft", 2)
    seen = (await reader.get(f"/manuscripts/{text['id']}")).json()
    assert (seen["title"], seen["version_no"], [each["no"] for each in seen["versions"]]) == (text["title"], 1, [1])
    assert [each["title"] for each in (await reader.get("/manuscripts")).json()["items"]] == [text["title"]]
    assert (await reader.get(f"/manuscripts/{text['id']}/versions/2")).status_code == 404
    assert (await reader.get(f"/manuscripts/{text['id']}/versions/1")).status_code == 200
    assert (await stranger.get(f"/manuscripts/{text['id']}")).json()["code"] == "manuscript_not_found"
    assert (await stranger.get("/manuscripts")).json()["total"] == 0
    withdrawn = await scene.clerk.get(f"/ledgers/submissions/{text['submissions'][0]['id']}")
    answer = await scene.clerk.post(
        f"/ledgers/submissions/{withdrawn.json()['id']}/withdraw",
        json={"version": withdrawn.json()["version"], "reason": "另行修改"},
    )
    assert answer.status_code == 200, answer.text
    assert (await reader.get(f"/manuscripts/{text['id']}")).status_code == 404


async def test_who_may_do_what(scene, as_user):
    text = await made(scene, await scene.held())
    outside = await scene.outsider.get(f"/manuscripts/{text['id']}")
    assert (outside.status_code, outside.json()["code"]) == (404, "manuscript_not_found")
    assert (await step(scene.outsider, text, "ready")).status_code == 404
    assert (await step(scene.office, text, "ready")).status_code == 403
    assert "只有主办单位" in {
        each["why_not"][:6] for each in (await scene.office.get(f"/manuscripts/{text['id']}")).json()["allowed_actions"]
    }
    reads = await as_user([Permission.ACTIVITIES_READ], scope=DataScope.UNIT, unit=scene.school)
    assert (await reads.get(f"/manuscripts/{text['id']}")).status_code == 200
    assert (await step(reads, text, "ready")).status_code == 403
    assert (await step(reads, text, "send", destinations=[MEDIA])).status_code == 403
    none = await as_user([Permission.RECORDS_READ], scope=DataScope.UNIT, unit=scene.school)
    assert (await none.get("/manuscripts")).status_code == 403


async def test_filters_and_statements(scene, statements, photos):
    one = await scene.held(photos=photos)
    text = await made(scene, one)
    await made(scene, await scene.held(), title="另一篇", body="正文")
    await ready(scene, text)
    for wanted, total in (
        ({}, 2),
        ({"activity_id": one["id"]}, 1),
        ({"state": "ready"}, 1),
        ({"state": "draft"}, 1),
        ({"q": "另一"}, 1),
        ({"unit_id": str(scene.far.id)}, 0),
        ({"submission_id": str(uuid7())}, 0),
    ):
        assert (await scene.clerk.get("/manuscripts", params=wanted)).json()["total"] == total, wanted
    with statements() as counted:
        await scene.clerk.get("/manuscripts", params={"sort": "title"})
    assert counted.count == 2
    with statements() as counted:
        assert (await scene.clerk.get(f"/manuscripts/{text['id']}")).status_code == 200
    assert counted.count == 4


@pytest.mark.parametrize(
    ("numbers", "state"),
    [((1, None), ManuscriptState.DRAFT), ((2, 1), ManuscriptState.DRAFT), ((2, 2), ManuscriptState.READY)],
)
def test_a_ready_version_is_the_newest(numbers, state):
    assert state_of(*numbers) is state
    assert (without_sending(*numbers, recorded=True) is None) is (state is ManuscriptState.READY)
    assert without_sending(*numbers, recorded=False) is not None
