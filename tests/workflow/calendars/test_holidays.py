"""工作日历: entered day by day or by the year; who may; what others see."""

import asyncio
from datetime import date

import pytest

from wenming_api.catalog.permissions import Permission
from wenming_api.workflow.calendars.queries import load_calendar
from wenming_api.workflow.calendars.service import load_base_calendar

READ = [Permission.DICTIONARIES_READ]
REASON = "按通知登记"
NATIONAL_DAY = {"kind": "holiday", "name": "国庆节", "reason": REASON}


def if_match(version):
    return {"If-Match": f'"{version}"'}


async def test_a_day_is_entered_changed_and_taken_out(admin, statements):
    made = await admin.put("/holidays/2026-10-01", json=NATIONAL_DAY, headers=if_match(0))
    assert made.status_code == 200, made.text
    assert made.headers["ETag"] == '"1"'
    assert (made.json()["day"], made.json()["kind"], made.json()["note"]) == ("2026-10-01", "holiday", None)
    assert all(one["allowed"] for one in made.json()["allowed_actions"])
    changed = await admin.put("/holidays/2026-10-01", json=NATIONAL_DAY | {"name": "国庆中秋"}, headers=if_match(1))
    assert (changed.json()["name"], changed.json()["version"]) == ("国庆中秋", 2)
    stale = await admin.put("/holidays/2026-10-01", json=NATIONAL_DAY, headers=if_match(1))
    assert stale.status_code == 412
    assert (await admin.put("/holidays/2026-10-02", json=NATIONAL_DAY, headers=if_match(3))).status_code == 412
    with statements() as sent:
        listed = await admin.get("/holidays", params={"year": 2026, "kind": "holiday"})
    assert sent.count <= 3
    assert [day["day"] for day in listed.json()["items"]] == ["2026-10-01"]
    assert (await admin.get("/holidays", params={"year": 2027})).json()["total"] == 0
    assert (await admin.delete("/holidays/2026-10-01", headers=if_match(1))).status_code == 412
    assert (await admin.delete("/holidays/2026-10-01", headers=if_match(2))).status_code == 204
    gone = await admin.get("/holidays/2026-10-01")
    assert (gone.status_code, gone.json()["detail"]) == (404, "这一天没有登记，按周一至周五上班计算。")
    entries = (await admin.get("/audit-entries", params={"sort": "at"})).json()["items"]
    assert {entry["action"] for entry in entries} == {"holidays.set", "holidays.delete"}


async def test_only_weekends_are_worked_instead(admin):
    refused = await admin.put("/holidays/2026-10-01", json=NATIONAL_DAY | {"kind": "workday"}, headers=if_match(0))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/kind"
    assert (
        await admin.put("/holidays/2026-10-10", json=NATIONAL_DAY | {"kind": "workday"}, headers=if_match(0))
    ).status_code == 200


async def test_a_year_is_replaced_as_a_whole(admin, database):
    await admin.put("/holidays/2026-12-31", json=NATIONAL_DAY, headers=if_match(0))
    await admin.put("/holidays/2027-01-01", json=NATIONAL_DAY, headers=if_match(0))
    days = [
        {"day": "2026-10-01", "kind": "holiday", "name": "国庆节"},
        {"day": "2026-10-10", "kind": "workday", "name": "国庆节调休"},
    ]
    body = {"year": 2026, "days": days, "note": "国办通知", "reason": REASON}
    answer = await admin.post("/holidays/imports", json=body)
    assert answer.json() == {"year": 2026, "holidays": 1, "workdays": 1, "removed": 1}
    async with database.read() as session:
        calendar = await load_calendar(session, since=date(2026, 1, 1))
    assert calendar.holidays == {date(2026, 10, 1), date(2027, 1, 1)}
    assert calendar.workdays == {date(2026, 10, 10)}


@pytest.mark.parametrize(
    ("days", "pointer"),
    [
        ([{"day": "2027-10-01", "kind": "holiday", "name": "国庆节"}], "/days/0/day"),
        ([{"day": "2026-10-01", "kind": "holiday", "name": "国庆节"}] * 2, "/days/1/day"),
        ([{"day": "2026-10-01", "kind": "workday", "name": "国庆节"}], "/days/0/kind"),
        ([{"day": "2026-13-01", "kind": "holiday", "name": "国庆节"}], "/days/0/day"),
    ],
)
async def test_a_wrong_year_saves_nothing(admin, days, pointer):
    await admin.put("/holidays/2026-12-31", json=NATIONAL_DAY, headers=if_match(0))
    answer = await admin.post("/holidays/imports", json={"year": 2026, "days": days, "reason": REASON})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert [day["day"] for day in (await admin.get("/holidays")).json()["items"]] == ["2026-12-31"]


async def test_of_two_who_enter_a_day_at_once_one_does(admin):
    answers = await asyncio.gather(
        *(admin.put("/holidays/2026-10-01", json=NATIONAL_DAY, headers=if_match(0)) for _ in range(4))
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes[0] == 200
    assert set(codes[1:]) <= {409, 412}


async def test_the_delivered_arrangement_is_loaded_once_and_leaves_the_customer_s_alone(database, admin):
    async with database.transaction() as session:
        assert await load_base_calendar(session) == 39
        assert await load_base_calendar(session) == 0
    day = (await admin.get("/holidays/2026-02-14")).json()
    assert (day["kind"], day["note"]) == ("workday", "国务院办公厅 2026 年节假日安排（待客户确认）")
    answer = await admin.get("/holidays/deadline", params={"start": "2026-09-30", "working_days": 3})
    assert answer.json() == {"start": "2026-09-30", "working_days": 3, "due_on": "2026-10-10"}


async def test_who_may(as_user, client):
    reader = await as_user(READ)
    assert (await reader.get("/holidays")).status_code == 200
    assert (await reader.put("/holidays/2026-10-01", json=NATIONAL_DAY, headers=if_match(0))).status_code == 403
    body = {"year": 2026, "days": [], "reason": REASON}
    assert (await reader.post("/holidays/imports", json=body)).status_code == 403
    assert (await reader.delete("/holidays/2026-10-01", headers=if_match(0))).status_code == 403
    assert (await (await as_user([])).get("/holidays")).status_code == 403
    assert (await client.get("/holidays")).status_code == 401
