"""代理: named for oneself or for others, ended early; who may, and which rows."""

import asyncio
from datetime import timedelta

import pytest
from tests.factories.approvals import make_level, make_offices
from tests.factories.callers import make_user
from tests.factories.places import make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.system.roles.rules import DataScope
from wenming_api.workflow.approval_flows.rules import Place
from wenming_api.workflow.calendars.queries import today

DECIDES = [Permission.APPROVALS_READ, Permission.SHEETS_REVIEW]
KEEPS = [Permission.STAND_INS_MANAGE]
REASON = "外出培训"


@pytest.fixture
async def offices(database):
    async with database.transaction() as session:
        await make_level(session)
        return await make_offices(session)


@pytest.fixture
async def people(database, callers, offices):
    """Three deciders of the street office, signed in."""
    async with database.transaction() as session:
        users = [await make_user(session, unit=offices.street, permissions=DECIDES) for _ in range(3)]
    return [(user, await callers.sign_in(user)) for user in users]


def body(deputy, **more):
    start = today()
    return {
        "deputy_id": str(deputy.id),
        "kind": "absence",
        "starts_on": str(start),
        "ends_on": str(start + timedelta(days=4)),
        "reason": REASON,
    } | more


async def test_a_user_names_his_deputy_and_ends_it(people, admin, statements):
    (user, client), (deputy, deputys), _ = people
    made = await client.post("/stand-ins", json=body(deputy))
    assert made.status_code == 201, made.text
    one = made.json()
    assert (one["user_id"], one["deputy_id"], one["in_effect"]) == (str(user.id), str(deputy.id), True)
    assert (one["user_name"], one["deputy_name"]) == (user.display_name, deputy.display_name)
    with statements() as sent:
        seen = (await deputys.get("/stand-ins", params={"effective": True})).json()["items"]
    assert [each["id"] for each in seen] == [one["id"]]
    assert sent.count <= 3
    refused = await deputys.post(f"/stand-ins/{one['id']}/end", json={"version": 1, "reason": REASON})
    assert refused.status_code == 403
    theirs = (await deputys.get(f"/stand-ins/{one['id']}")).json()["allowed_actions"]
    assert [(each["action"], each["allowed"]) for each in theirs] == [("end", False)]
    ended = await client.post(f"/stand-ins/{one['id']}/end", json={"version": 1, "reason": REASON})
    assert (ended.status_code, ended.json()["in_effect"], ended.json()["version"]) == (200, False, 2)
    again = await client.post(f"/stand-ins/{one['id']}/end", json={"version": 2, "reason": REASON})
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    moved = await client.post(f"/stand-ins/{one['id']}/end", json={"version": 1, "reason": REASON})
    assert (moved.status_code, moved.json()["code"]) == (409, "version_moved")
    assert (await client.get("/stand-ins", params={"effective": True})).json()["total"] == 0
    entries = (await admin.get("/audit-entries", params={"target_id": one["id"]})).json()["items"]
    assert {entry["action"] for entry in entries} == {"stand_ins.create", "stand_ins.end"}
    assert (await client.post("/stand-ins", json=body(deputy))).status_code == 201


async def test_no_chains_and_no_circles(people):
    (one, ones), (two, twos), (three, threes) = people
    assert (await ones.post("/stand-ins", json=body(two))).status_code == 201
    for client, deputy in ((ones, three), (twos, three), (twos, one), (threes, one)):
        refused = await client.post("/stand-ins", json=body(deputy))
        assert (refused.status_code, refused.json()["code"]) == (409, "stand_in_clash"), refused.text
    after = {"starts_on": str(today() + timedelta(days=5)), "ends_on": str(today() + timedelta(days=6))}
    assert (await twos.post("/stand-ins", json=body(one, **after))).status_code == 201
    assert (await ones.post("/stand-ins", json=body(one, **after))).status_code == 409


async def test_two_who_name_each_other_at_once_make_no_circle(people):
    (one, ones), (two, twos), (three, threes) = people
    answers = await asyncio.gather(
        ones.post("/stand-ins", json=body(two)),
        twos.post("/stand-ins", json=body(three)),
        threes.post("/stand-ins", json=body(one)),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"starts_on": "2020-01-01", "ends_on": "2020-01-02"}, "/starts_on"),
        ({"ends_on": "2020-01-02"}, ""),
        ({"ends_on": "2999-01-02"}, ""),
        ({"deputy_id": "019385f6-6c00-7a4b-8f21-0123456789ab"}, "/deputy_id"),
        ({"reason": "x"}, "/reason"),
    ],
)
async def test_what_is_wrong_is_said(people, change, pointer):
    (_, client), (deputy, _), _ = people
    answer = await client.post("/stand-ins", json=body(deputy) | change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await client.get("/stand-ins")).json()["total"] == 0


async def test_a_deputy_is_near_and_may_decide(people, offices, database, callers):
    (_, client), _, _ = people
    async with database.transaction() as session:
        stranger = await make_user(session, unit=await make_unit(session), permissions=DECIDES)
        powerless = await make_user(session, unit=offices.street, permissions=[Permission.APPROVALS_READ])
    for deputy in (stranger, powerless):
        refused = await client.post("/stand-ins", json=body(deputy))
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/deputy_id")
    pointless = await (await callers.sign_in(powerless)).post("/stand-ins", json=body(people[0][0]))
    assert (pointless.status_code, pointless.json()["errors"][0]["pointer"]) == (422, "/user_id")
    assert (await client.post("/stand-ins", json=body(offices.deciders[Place.COUNTY]))).status_code == 201


async def test_others_are_stood_in_for_only_with_permission_and_within_scope(people, as_user, offices):
    (one, ones), (two, _), (_, threes) = people
    refused = await threes.post("/stand-ins", json=body(two, user_id=str(one.id)))
    assert refused.status_code == 403
    keeper = await as_user(KEEPS, scope=DataScope.UNIT_AND_BELOW, unit=offices.county)
    far = await as_user(KEEPS, scope=DataScope.UNIT_AND_BELOW, unit=offices.school)
    outside = await far.post("/stand-ins", json=body(two, user_id=str(one.id)))
    assert (outside.status_code, outside.json()["errors"][0]["pointer"]) == (422, "/user_id")
    made = await keeper.post("/stand-ins", json=body(two, user_id=str(one.id)))
    assert made.status_code == 201, made.text
    address = f"/stand-ins/{made.json()['id']}"
    end = {"version": 1, "reason": REASON}
    for stranger in (far, threes):
        assert (await stranger.get(address)).status_code == 404
        assert (await stranger.post(f"{address}/end", json=end)).status_code == 404
        assert (await stranger.get("/stand-ins")).json()["total"] == 0
    assert (await ones.get(address)).status_code == 200
    assert (await keeper.get("/stand-ins")).json()["total"] == 1
    assert (await keeper.post(f"{address}/end", json=end)).status_code == 200


async def test_the_deputy_is_told(people, callers, database, offices):
    (user, client), _, _ = people
    async with database.transaction() as session:
        deputy = await make_user(session, unit=offices.street, permissions=[*DECIDES, Permission.MESSAGES_READ])
    await client.post("/stand-ins", json=body(deputy))
    (message,) = (await (await callers.sign_in(deputy)).get("/messages")).json()["items"]
    assert (message["topic"], message["target_type"]) == ("approval", "stand_in")
    assert user.display_name in message["title"]


async def test_who_may(as_user, client):
    assert (await client.get("/stand-ins")).status_code == 401
    assert (await (await as_user([Permission.SHEETS_READ])).get("/stand-ins")).status_code == 403
