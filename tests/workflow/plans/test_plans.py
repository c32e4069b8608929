"""Plans over HTTP: drawn up, published downward, divided, reported on, revised; who may, and which rows."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from tests.factories.media import photo
from tests.factories.places import make_county, make_unit
from tests.factories.uploads import upload

from wenming_api.catalog.permissions import Permission
from wenming_api.kit import clock
from wenming_api.kit.ids import uuid7
from wenming_api.messaging.inbox.models import Message
from wenming_api.system.roles.rules import DataScope
from wenming_api.workflow.plan_progress.service import remind_of_due_tasks
from wenming_api.workflow.plans.models import Plan, PlanTask
from wenming_api.workflow.plans.queries import today

ALL = [Permission.PLANS_READ, Permission.PLANS_MANAGE, Permission.PLANS_REPORT, Permission.MESSAGES_READ]
ALL += [Permission.FILES_UPLOAD, Permission.FILES_READ]
REASON = "按年度工作部署"


@pytest.fixture
async def offices(database):
    """A city office, two county offices below it, and a street office below the first."""
    async with database.transaction() as session:
        city = await make_unit(session, name="市文明办")
        one = await make_unit(session, region=await make_county(session, 2), managing=city, name="一区文明办")
        two = await make_unit(session, region=await make_county(session, 3), managing=city, name="二区文明办")
        street = await make_unit(session, region=await make_county(session, 2), managing=one, name="街道办")
    return city, one, two, street


@pytest.fixture
async def people(as_user, offices):
    """One person of each office, who sees his unit and what lies below it."""
    return [await as_user(ALL, scope=DataScope.UNIT_AND_BELOW, unit=unit) for unit in offices]


async def draft(person, **more):
    made = await person.post("/plans", json={"title": "创建行动计划", "year": 2026, **more})
    assert made.status_code == 201, made.text
    return made.json()


async def task(person, plan_id, title, *, parent=None, lead=None, helps=(), due=None):
    units = [{"unit_id": str(lead.id), "part": "lead"}] if lead else []
    units += [{"unit_id": str(unit.id), "part": "help"} for unit in helps]
    body = {"title": title, "parent_id": parent, "units": units, "due_on": due.isoformat() if due else None}
    made = await person.post(f"/plans/{plan_id}/tasks", json=body)
    assert made.status_code == 201, made.text
    return next(one["id"] for one in made.json()["tasks"] if one["title"] == title)


async def step(person, plan_id, verb, **more):
    now = (await person.get(f"/plans/{plan_id}")).json()
    done = await person.post(f"/plans/{plan_id}/{verb}", json={"version": now["version"], "reason": REASON, **more})
    assert done.status_code == 200, done.text
    return done.json()


async def tree(person, plan_id):
    return {one["title"]: one for one in (await person.get(f"/plans/{plan_id}/tree")).json()["tasks"]}


async def copy_of(person, plan_id):
    found = (await person.get("/plans", params={"source_plan_id": plan_id, "box": "received"})).json()["items"]
    return found[0]


async def report(person, plan_id, task_id, progress, **more):
    return await person.post(
        f"/plans/{plan_id}/tasks/{task_id}/reports", json={"progress": str(progress), "text": "进展情况", **more}
    )


@pytest.fixture
async def published(offices, people):
    """A plan of the city with a heading, a task of the first county, one of both, and one for everybody."""
    _, one, two, _ = offices
    office = people[0]
    plan = await draft(office)
    head = await task(office, plan["id"], "环境整治")
    await task(office, plan["id"], "背街小巷", parent=head, lead=one, due=today() + timedelta(days=5))
    await task(office, plan["id"], "集贸市场", parent=head, lead=two, helps=[one], due=today() - timedelta(days=3))
    await task(office, plan["id"], "公益宣传", lead=None)
    await step(office, plan["id"], "publish")
    return plan["id"]


async def test_each_unit_receives_its_tasks_with_their_headings(people, published):
    office, first, second, street = people
    everything = await tree(office, published)
    assert [one["number"] for one in everything.values()] == ["1", "1.1", "1.2", "2"]
    assert {title: one["light"] for title, one in everything.items()} == {
        "环境整治": "green",
        "背街小巷": "yellow",
        "集贸市场": "red",
        "公益宣传": "green",
    }
    assert everything["公益宣传"]["receivers"] == 2
    theirs = [set(await tree(one, (await copy_of(one, published))["id"])) for one in (first, second)]
    assert theirs == [set(everything), set(everything) - {"背街小巷"}]
    assert (await street.get("/plans")).json()["total"] == 0
    unread = (await first.get("/messages")).json()["items"]
    assert [one["title"] for one in unread] == ["上级下发了计划"]


async def test_progress_rises_from_the_lowest_unit_to_the_first(people, published, offices):
    office, first, second, street = people
    mine = await copy_of(first, published)
    theirs = await copy_of(second, published)
    for person, plan in ((first, mine), (second, theirs)):
        tasks = await tree(person, plan["id"])
        assert (await report(person, plan["id"], tasks["公益宣传"]["id"], 100)).status_code == 201
        again = await report(person, plan["id"], tasks["环境整治"]["id"], 50)
        assert (again.status_code, again.json()["code"]) == (409, "reported_elsewhere")
    assert (await tree(office, published))["公益宣传"]["progress"] == "100"
    # The first county divides its task and passes one half on to the street.
    await step(first, mine["id"], "revise")
    received = (await tree(first, mine["id"]))["背街小巷"]
    refused = await first.patch(
        f"/plans/{mine['id']}/tasks/{received['id']}",
        json={"title": "改名"},
        headers={"If-Match": f'"{received["version"]}"'},
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "received_task")
    await task(first, mine["id"], "排查", parent=received["id"])
    await task(first, mine["id"], "整治", parent=received["id"], lead=offices[3])
    await step(first, mine["id"], "publish")
    below = await copy_of(street, mine["id"])
    its = await tree(street, below["id"])
    assert {"整治", "背街小巷", "环境整治"} <= set(its)
    assert "排查" not in its or not its["排查"]["units"]
    assert (await report(street, below["id"], its["整治"]["id"], "40.5")).status_code == 201
    top = (await tree(office, published))["背街小巷"]
    assert top["progress"] == "20.25"
    compared = (await office.get(f"/plans/{published}/comparison")).json()
    (line,) = [one for one in compared["tasks"] if one["title"] == "背街小巷"]
    assert [one["progress"] for one in line["receivers"]] == ["20.25"]
    assert compared["done"] == 1
    assert compared["lights"] == {"green": 1, "yellow": 1, "red": 1}
    listed = (await office.get(f"/plans/{published}/tasks/{top['id']}/reports")).json()
    assert listed["total"] == 0, "the county reported nothing itself"


async def test_a_revision_reaches_the_receivers_and_keeps_history(people, published):
    office, first, _, _ = people
    mine = await copy_of(first, published)
    before = await tree(first, mine["id"])
    await report(first, mine["id"], before["背街小巷"]["id"], 30)
    frozen = await office.post(f"/plans/{published}/tasks", json={"title": "临时加入"})
    assert (frozen.status_code, frozen.json()["code"]) == (409, "illegal_transition")
    await step(office, published, "revise")
    mine_now = await tree(office, published)
    late = (today() + timedelta(days=60)).isoformat()
    changed = await office.patch(
        f"/plans/{published}/tasks/{mine_now['背街小巷']['id']}",
        json={"due_on": late},
        headers={"If-Match": f'"{mine_now["背街小巷"]["version"]}"'},
    )
    assert changed.status_code == 200
    market = mine_now["集贸市场"]
    gone = await office.delete(
        f"/plans/{published}/tasks/{market['id']}", headers={"If-Match": f'"{market["version"]}"'}
    )
    assert {one["title"]: one["withdrawn"] for one in gone.json()["tasks"]}["集贸市场"]
    await task(office, published, "志愿服务")
    assert "志愿服务" not in await tree(first, mine["id"]), "not before it is published"
    assert (await step(office, published, "publish"))["revision"] == 2
    after = await tree(first, mine["id"])
    assert after["背街小巷"]["due_on"] == late
    assert after["背街小巷"]["progress"] == "30"
    assert after["集贸市场"]["withdrawn"]
    assert after["志愿服务"]["received"]
    revision = (await office.get(f"/plans/{published}/revisions/2")).json()
    assert {(one["title"], one["change"]) for one in revision["changes"]} == {
        ("背街小巷", "changed"),
        ("集贸市场", "removed"),
        ("志愿服务", "added"),
    }
    assert [one["no"] for one in (await office.get(f"/plans/{published}/revisions")).json()] == [2, 1]
    assert (await office.get(f"/plans/{published}/revisions/3")).status_code == 404


async def test_who_may_and_which_plans(people, published, as_user, offices):
    _, first, second, _ = people
    mine = await copy_of(first, published)
    assert (await second.get(f"/plans/{mine['id']}")).status_code == 404
    seen = (await first.get(f"/plans/{published}")).json()
    assert {one["action"]: one["why_not"] for one in seen["allowed_actions"]}["publish"] == "这是其他单位的计划"
    foreign = await first.post(f"/plans/{published}/close", json={"version": seen["version"], "reason": REASON})
    assert foreign.status_code == 403
    reader = await as_user([Permission.PLANS_READ], scope=DataScope.UNIT_AND_BELOW, unit=offices[0])
    assert (await reader.get("/plans")).json()["total"] == 3
    assert (await reader.post("/plans", json={"title": "x", "year": 2026})).status_code == 403
    tasks = await tree(first, mine["id"])
    assert (await report(reader, published, tasks["公益宣传"]["id"], 5)).status_code == 403
    stranger = await as_user(ALL, scope=DataScope.UNIT_AND_BELOW)
    assert (await stranger.get("/plans")).json()["total"] == 0
    assert (await stranger.get(f"/plans/{published}")).status_code == 404
    assert (await stranger.get(f"/plans/{published}/tree")).status_code == 404


async def test_a_draft_is_the_units_own(people, offices):
    office, first, _, _ = people
    plan = await draft(office)
    await task(office, plan["id"], "草稿任务", lead=offices[1])
    assert (await first.get(f"/plans/{plan['id']}")).status_code == 404
    now = (await office.get(f"/plans/{plan['id']}")).json()
    assert (await office.delete(f"/plans/{plan['id']}", headers={"If-Match": '"1"'})).status_code == 412
    gone = await office.delete(f"/plans/{plan['id']}", headers={"If-Match": f'"{now["version"]}"'})
    assert gone.status_code == 204


async def test_tasks_move_without_circles(people):
    office = people[0]
    plan = await draft(office)
    a = await task(office, plan["id"], "甲")
    b = await task(office, plan["id"], "乙", parent=a)
    await task(office, plan["id"], "丙")

    async def move(title, **to):
        one = (await tree(office, plan["id"]))[title]
        return await office.put(
            f"/plans/{plan['id']}/tasks/{one['id']}/place", json=to, headers={"If-Match": f'"{one["version"]}"'}
        )

    circle = await move("甲", parent_id=b, position=1)
    assert (circle.status_code, circle.json()["errors"][0]["pointer"]) == (422, "/parent_id")
    assert (await move("丙", parent_id=None, position=1)).status_code == 200
    assert {title: one["number"] for title, one in (await tree(office, plan["id"])).items()} == {
        "丙": "1",
        "甲": "2",
        "乙": "2.1",
    }


async def test_bad_input(people, offices):
    office = people[0]
    plan = await draft(office)
    aside = uuid7()
    for body, pointer in (
        ({"title": "x", "parent_id": str(aside)}, "/parent_id"),
        ({"title": "x", "units": [{"unit_id": str(aside), "part": "lead"}]}, "/units/0"),
        ({"title": "x", "units": [{"unit_id": str(offices[1].id), "part": "help"}]}, ""),
        ({"title": "x", "starts_on": "2026-02-01", "due_on": "2026-01-01"}, ""),
        ({"title": "\x00"}, "/title"),
    ):
        refused = await office.post(f"/plans/{plan['id']}/tasks", json=body)
        assert refused.status_code == 422, body
        assert refused.json()["errors"][0]["pointer"].startswith(pointer)
    empty = await office.post(f"/plans/{plan['id']}/publish", json={"version": 1, "reason": REASON})
    assert (empty.status_code, empty.json()["code"]) == (409, "plan_empty")


async def test_reports_name_files_of_the_reporter(people, published):
    first = people[1]
    mine = await copy_of(first, published)
    tasks = await tree(first, mine["id"])
    (own,) = await upload(first, [("image/jpeg", photo())])
    (foreign,) = await upload(people[2], [("image/jpeg", photo(seed=2))])
    refused = await report(first, mine["id"], tasks["公益宣传"]["id"], 10, file_ids=[foreign])
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/file_ids/0")
    done = await report(first, mine["id"], tasks["公益宣传"]["id"], 10, file_ids=[own])
    assert done.json()["file_ids"] == [own]
    held = await first.delete(f"/files/{own}", headers={"If-Match": '"9"'})
    assert held.status_code in {409, 412}


async def test_many_report_at_once_and_the_mean_is_right(as_user, database, offices):
    city = offices[0]
    async with database.transaction() as session:
        units = [await make_unit(session, managing=city, name=f"单位{no}") for no in range(8)]
    office = await as_user(ALL, scope=DataScope.UNIT_AND_BELOW, unit=city)
    people = [await as_user(ALL, scope=DataScope.UNIT, unit=unit) for unit in units]
    plan = await draft(office)
    await task(office, plan["id"], "人人有份")
    await step(office, plan["id"], "publish", unit_ids=[str(unit.id) for unit in units])
    copies = [await copy_of(person, plan["id"]) for person in people]
    places = [(await tree(person, copy["id"]))["人人有份"]["id"] for person, copy in zip(people, copies, strict=True)]
    answers = await asyncio.gather(
        *(
            report(person, copy["id"], place, 10 * no)
            for no, (person, copy, place) in enumerate(zip(people, copies, places, strict=True))
        )
    )
    assert {one.status_code for one in answers} == {201}
    assert (await tree(office, plan["id"]))["人人有份"]["progress"] == "35"


async def test_two_publish_at_once_and_one_wins(people, offices, database):
    office = people[0]
    plan = await draft(office)
    await task(office, plan["id"], "一项", lead=offices[1])
    version = (await office.get(f"/plans/{plan['id']}")).json()["version"]
    body = {"version": version, "reason": REASON}
    answers = await asyncio.gather(*(office.post(f"/plans/{plan['id']}/publish", json=body) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [200, 409, 409, 409]
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Plan)) == 2


async def test_reminders_once_a_day(people, published, database):
    first = people[1]
    async with database.transaction() as session:
        assert await remind_of_due_tasks(session) == 3
    async with database.transaction() as session:
        assert await remind_of_due_tasks(session) == 0
    async with database.read() as session:
        titles = list(await session.scalars(select(Message.title).order_by(Message.title)))
    assert titles.count("有 2 项计划任务临近到期或已逾期") == 1, "the first county: one nearly due, one overdue"
    assert (await first.get("/messages")).json()["total"] == 2
    async with database.transaction() as session:
        for one in (await session.execute(select(PlanTask))).scalars():
            one.reminded_on = clock.at_the_edge(clock.now()).date() - timedelta(days=1)
    async with database.transaction() as session:
        assert await remind_of_due_tasks(session) == 3


async def test_statements(people, published, statements):
    office = people[0]
    for path, most in (
        ("/plans", 2),
        (f"/plans/{published}", 1),
        (f"/plans/{published}/tree", 4),
        (f"/plans/{published}/comparison", 3),
        (f"/plans/{published}/revisions", 2),
    ):
        with statements() as sent:
            assert (await office.get(path)).status_code == 200
        assert sent.count <= most, (path, sent.sent)
