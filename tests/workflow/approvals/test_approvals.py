"""审批 over HTTP: what waits for whom, what was decided, how it went; who sees which."""

import pytest
from sqlalchemy import update
from tests.factories.approvals import (
    DECIDES,
    FOUR_LEVELS,
    make_flow,
    make_offices,
    make_stand_in,
    principal,
    subject_of,
)
from tests.factories.callers import make_user
from tests.factories.places import make_unit

from wenming_api.catalog.permissions import Permission
from wenming_api.kit.ids import uuid7
from wenming_api.system.roles.rules import DataScope
from wenming_api.workflow.approval_flows.rules import ApprovalKind, Place
from wenming_api.workflow.approvals.models import Approval
from wenming_api.workflow.approvals.rules import Decision, Mark
from wenming_api.workflow.approvals.service import cancel, decide, start
from wenming_api.workflow.calendars.queries import today

READS = [Permission.APPROVALS_READ, DECIDES]
REASON = "照片缺少时间说明"
WAITING = {"waiting": "me"}


@pytest.fixture
async def offices(database):
    async with database.transaction() as session:
        await make_flow(session, FOUR_LEVELS, working_days=3)
        await make_flow(session, (Place.OWN,), kind=ApprovalKind.ACTIVITY)
        return await make_offices(session)


@pytest.fixture
async def standing(database, offices):
    """A record of the school on its way through four levels."""
    async with database.transaction() as session:
        return await start(session, caller=principal(offices.author), subject=subject_of(offices))


@pytest.fixture
def judge(database, offices):
    async def run(place, standing, decision=Decision.APPROVE, **options):
        async with database.transaction() as session:
            return await decide(
                session,
                caller=principal(offices.deciders[place]),
                approval_id=standing.id,
                judged=standing.version,
                decision=decision,
                **({"reason": None} | options),
            )

    return run


@pytest.fixture
def decider(callers, database, offices):
    """A client that decides at a place, and sees what belongs to his unit and those below."""

    async def run(place, permissions=READS, scope=DataScope.UNIT):
        return await callers.client(permissions, scope=scope, unit=offices.office(place))

    return run


async def titles(client, **params):
    answer = await client.get("/approvals", params=params)
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in answer.json()["items"]]


async def test_what_waits_moves_on_from_level_to_level(offices, standing, judge, decider):
    clients = {place: await decider(place) for place in FOUR_LEVELS}
    for place in FOUR_LEVELS:
        for other, client in clients.items():
            waiting = (await client.get("/approvals", params=WAITING)).json()
            assert waiting["total"] == (1 if other is place else 0)
            count = (await client.get("/approvals/waiting-count")).json()
            assert count["waiting"] == waiting["total"]
        row = (await clients[place].get("/approvals", params=WAITING)).json()["items"][0]
        assert (row["may_decide"], row["why_not"], row["on_behalf_of"]) == (True, None, None)
        assert (row["deciding_unit_name"], row["step_count"]) == (offices.office(place).name, 4)
        standing = await judge(place, standing)
    assert [await titles(client, **WAITING) for client in clients.values()] == [[], [], [], []]


async def test_the_detail_tells_the_whole_way(offices, standing, judge, decider, callers, database):
    async with database.transaction() as session:
        await make_stand_in(session, offices.deciders[Place.STREET], offices.deciders[Place.COUNTY])
    standing = await judge(Place.COMMUNITY, standing)
    standing = await judge(Place.COUNTY, standing)
    reader = await decider(Place.COUNTY)
    answer = await reader.get(f"/approvals/{standing.id}")
    assert answer.headers["ETag"] == '"3"'
    detail = answer.json()
    assert [turn["state"] for turn in detail["turns"]] == ["approved", "approved", "pending", None]
    assert [turn["unit_name"] for turn in detail["turns"]] == [offices.office(place).name for place in FOUR_LEVELS]
    behalf = detail["turns"][1]
    assert behalf["decided_by_name"] == offices.deciders[Place.COUNTY].display_name
    assert behalf["on_behalf_of_name"] == offices.deciders[Place.STREET].display_name
    assert [(one["action"], one["label"], one["allowed"]) for one in detail["allowed_actions"]] == [
        ("approve", "通过", True),
        ("return", "退回", True),
    ]
    await judge(Place.COUNTY, standing, Decision.RETURN, reason=REASON, marks=[Mark("/text", "写具体些")])
    detail = (await reader.get(f"/approvals/{standing.id}")).json()
    assert (detail["state"], len(detail["turns"]), detail["may_decide"]) == ("returned", 3, False)
    assert detail["turns"][2]["reason"] == REASON
    assert detail["turns"][2]["marks"] == [{"field": "/text", "note": "写具体些"}]
    assert "已退回" in detail["allowed_actions"][0]["why_not"]


async def test_the_list_and_the_engine_say_the_same(offices, standing, database, callers, decider):
    """Whatever waits for somebody he may decide, and the other way round."""
    async with database.transaction() as session:
        for kind in (ApprovalKind.ACTIVITY, ApprovalKind.RECORD, ApprovalKind.RECORD):
            await start(session, caller=principal(offices.author), subject=subject_of(offices, kind=kind))
        await make_stand_in(session, offices.deciders[Place.COMMUNITY], offices.deciders[Place.STREET])
    people = [offices.author, *offices.deciders.values()]
    people.append(await _user(database, offices.school, [Permission.APPROVALS_READ]))
    for user in people:
        client = await callers.sign_in(user)
        waiting = {row["id"] for row in (await client.get("/approvals", params=WAITING)).json()["items"]}
        everything = (await client.get("/approvals", params={"size": 100})).json()["items"]
        assert {row["id"] for row in everything if row["may_decide"]} == waiting
        assert all((row["why_not"] is None) == row["may_decide"] for row in everything)
    deputy = await callers.sign_in(offices.deciders[Place.STREET])
    rows = (await deputy.get("/approvals", params=WAITING)).json()["items"]
    assert {row["on_behalf_of"] for row in rows} == {str(offices.deciders[Place.COMMUNITY].id)}
    assert len(rows) == 3


async def _user(database, unit, permissions):
    async with database.transaction() as session:
        return await make_user(session, unit=unit, permissions=permissions, scope=DataScope.UNIT)


async def test_filters(offices, standing, judge, database, admin, callers, decider):
    async with database.transaction() as session:
        other = await start(
            session, caller=principal(offices.author), subject=subject_of(offices, kind=ApprovalKind.ACTIVITY)
        )
        await cancel(session, caller=principal(offices.author), approval_id=other.id, reason=REASON)
        await session.execute(
            update(Approval)
            .where(Approval.id == standing.id)
            .values(due_on=today().replace(year=2020), title="逾期台账")
        )
    whole = "新华小学开展“学雷锋”志愿服务活动"
    assert await titles(admin) == [whole, "逾期台账"]
    assert await titles(admin, sort="created_at") == ["逾期台账", whole]
    assert await titles(admin, sort="due_on") == ["逾期台账", whole]
    assert await titles(admin, kind="activity") == [whole]
    assert await titles(admin, state="cancelled") == [whole]
    assert await titles(admin, overdue=True) == ["逾期台账"]
    assert await titles(admin, overdue=False) == [whole]
    assert await titles(admin, q="台账") == ["逾期台账"]
    assert await titles(admin, q="%") == []
    assert await titles(admin, below=offices.street.unit_path) == [whole, "逾期台账"]
    assert await titles(admin, below="9999/") == []
    assert await titles(admin, subject_id=str(uuid7())) == []
    assert await titles(admin, decided="me") == []
    client = await decider(Place.COMMUNITY)
    assert (await client.get("/approvals/waiting-count")).json() == {
        "waiting": 1,
        "overdue": 1,
        "by_kind": [{"kind": "record", "waiting": 1, "overdue": 1}],
    }
    user = callers.user_of(client)
    async with database.transaction() as session:
        await decide(
            session,
            caller=principal(user),
            approval_id=standing.id,
            judged=standing.version,
            decision=Decision.APPROVE,
            reason=None,
        )
    assert await titles(client, decided="me") == ["逾期台账"]
    author = await callers.sign_in(offices.author)
    assert await titles(author, author="me") == [whole, "逾期台账"]
    assert await titles(author, author="me", state="pending") == ["逾期台账"]


async def test_who_sees_which(offices, standing, judge, as_user, database):
    address = f"/approvals/{standing.id}"
    async with database.transaction() as session:
        elsewhere = await make_unit(session)
    reads = [Permission.APPROVALS_READ]
    seen = {
        "region": await as_user(reads, scope=DataScope.REGION, unit=offices.county),
        "below": await as_user(reads, scope=DataScope.UNIT_AND_BELOW, unit=offices.street),
        "unit": await as_user(reads, scope=DataScope.UNIT, unit=offices.school),
        "turn": await as_user(reads, scope=DataScope.OWN, unit=offices.community),
    }
    for name, client in seen.items():
        assert (await client.get(address)).status_code == 200, name
        assert (await client.get("/approvals")).json()["total"] == 1, name
    hidden = {
        "elsewhere": await as_user(reads, scope=DataScope.UNIT_AND_BELOW, unit=elsewhere),
        "not yet": await as_user(READS, scope=DataScope.OWN, unit=offices.street),
    }
    for name, client in hidden.items():
        assert (await client.get(address)).status_code == 404, name
        assert (await client.get("/approvals")).json()["total"] == 0, name
    await judge(Place.COMMUNITY, standing)
    assert (await hidden["not yet"].get(address)).status_code == 200


async def test_who_may(as_user, client, standing):
    assert (await client.get("/approvals")).status_code == 401
    without = await as_user([DECIDES])
    for address in ("/approvals", "/approvals/waiting-count", f"/approvals/{standing.id}"):
        assert (await without.get(address)).status_code == 403


async def test_lists_and_details_cost_few_statements(offices, database, decider, statements):
    async with database.transaction() as session:
        for _ in range(12):
            standing = await start(session, caller=principal(offices.author), subject=subject_of(offices))
    client = await decider(Place.COMMUNITY)
    await client.get("/approvals")  # whose token it is is remembered from here on
    for address, params, at_most in (
        ("/approvals", WAITING, 3),
        ("/approvals", {"decided": "me"}, 3),
        ("/approvals", {}, 3),
        ("/approvals/waiting-count", {}, 2),
        (f"/approvals/{standing.id}", {}, 3),
    ):
        with statements() as sent:
            assert (await client.get(address, params=params)).status_code == 200
        assert sent.count <= at_most, sent.sent
